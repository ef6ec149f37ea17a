"""Is a request signed for what it calls? The Region and the service of its credential scope against what it says otherwise.

Rules: one port stands for every endpoint, so the scope says which Region and service are meant; but a request that names an operation of
another service (by its target, or by its API version) was not signed for what it calls.
Refuses to know: whether the signature holds (signature.py).

AWS: the answers of its endpoints: "Credential should be scoped to ...".
"""

from functools import lru_cache

from localorg.kernel.errors import AwsError
from localorg.kernel.settings import Settings
from localorg.protocol import models
from localorg.protocol.http import WireRequest
from localorg.protocol.parse_query import version
from localorg.protocol.partitions import partition


def check_region(service: str, region: str, settings: Settings) -> None:
    """Raise AwsError when no endpoint of `service` is in `region`."""
    regions = settings.regions
    # DEVIATES: AWS wants global services signed for their home Region only; a client that is told an endpoint signs its own Region.
    if region in regions or (service in models.GLOBAL_SERVICES and partition(settings.partition).has(region)):
        return
    if service == "s3":
        # AWS: S3 API reference, "Error responses", AuthorizationHeaderMalformed. ASSUMED: the first Region is the one expected.
        words = f"The authorization header is malformed; the region '{region}' is wrong; expecting '{regions[0]}'"
        raise AwsError("AuthorizationHeaderMalformed", words)
    raise AwsError(
        "InvalidSignatureException",
        f"Credential should be scoped to a valid region, not '{region}'. This organization has: {', '.join(regions)}.",
    )


def check_service(service: str, request: WireRequest) -> None:
    """Raise AwsError when the request calls another service than it is signed for."""
    prefix = request.headers.get("x-amz-target", "").rpartition(".")[0]
    called = models.targets().get(prefix) if prefix else None
    if models.protocol_of(service) in {"query", "ec2"}:
        called = _versions().get(version(request))
    if called is not None and called != service:
        # AWS: "Credential should be scoped to correct service: 'sts'."
        name = models.service_model(called).signing_name
        raise AwsError("InvalidSignatureException", f"Credential should be scoped to correct service: '{name}'.")


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """Return service by API version, of those that say it in each request."""
    services = [
        service for service in (*models.OWN_SERVICES, *models.BORROWED_SERVICES) if service not in models.PRIVATE_SERVICES
    ]
    spoken = {service: models.service_model(service) for service in services if models.protocol_of(service) in {"query", "ec2"}}
    return {model.api_version: service for service, model in spoken.items()}
