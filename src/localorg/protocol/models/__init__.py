"""The wire is defined by a third party: botocore's service models, plus the few operations that only agents call.

Flow: service name -> botocore's JSON model (from the pinned package) -> our additions merged in (the JSON files beside this one)
-> a cached `ServiceModel`. Everything else of the wire (parse, validate, serialise, route) is compiled from these shapes.
Rules: an addition never redefines what botocore has; when botocore catches up, loading fails and the addition must go.
Refuses to know: which operations localorg implements (the gateway), and how bytes look (parse, serialise).
"""

import json
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from localorg.kernel.errors import NotSupported

Protocol = Literal["json", "query", "ec2", "rest-json", "rest-xml"]

OWN_SERVICES = (
    "ssm",
    "ec2messages",
    "ssmmessages",
    "kms",
    "iam",
    "sts",
    "organizations",
    "cloudformation",
    "ec2",
    "resourcegroupstaggingapi",
    "resource-groups",
)
"""Services that localorg's own engines answer."""
BORROWED_SERVICES = ("s3", "sns")
"""Services that moto answers behind our front."""
SIGNING_NAMES = {"tagging": "resourcegroupstaggingapi"}
"""Names in SigV4 scopes that are not botocore's name of the service."""
GLOBAL_SERVICES = frozenset({"iam", "sts", "organizations"})
"""Answered the same whatever Region the client signs."""
ADDITIONS = {"ec2messages": "ec2messages.json", "ssm": "ssm.json", "ssmmessages": "ssmmessages.json"}
PRIVATE_SERVICES = frozenset({"ec2messages", "ssmmessages"})
"""Services that only agents call, and that botocore has no model of."""


@lru_cache(maxsize=1)
def _loader() -> Any:
    return Loader()


@cache
def service_model(service: str) -> ServiceModel:
    """Return the model of `service` (botocore's name). Raises NotSupported when localorg does not speak it."""
    if service not in (*OWN_SERVICES, *BORROWED_SERVICES):
        raise NotSupported(f"the service {service}")
    if service in PRIVATE_SERVICES:
        return ServiceModel(_addition(service), service)
    description = _loader().load_service_model(service, "service-2")
    if service in ADDITIONS:
        description = _merged(service, description, _addition(service))
    return ServiceModel(description, service)


def _addition(service: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(ADDITIONS[service]).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def _merged(service: str, description: dict[str, Any], addition: dict[str, Any]) -> dict[str, Any]:
    for part in ("operations", "shapes"):
        if twice := sorted(set(description[part]) & set(addition[part])):
            raise ValueError(
                f"{ADDITIONS[service]}: botocore's {service} model has these {part} too, remove ours: {', '.join(twice)}"
            )
    return {
        **description,
        "operations": {**description["operations"], **addition["operations"]},
        "shapes": {**description["shapes"], **addition["shapes"]},
    }


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """Return the model of one operation. Raises NotSupported when the service has no such operation."""
    model = service_model(service)
    if operation not in model.operation_names:
        raise NotSupported(f"the operation {service}:{operation}")
    return model.operation_model(operation)


def protocol_of(service: str) -> Protocol:
    """Return the wire protocol of `service`."""
    protocol: Protocol = service_model(service).metadata["protocol"]
    return protocol


def service_signed_as(signing_name: str) -> str | None:
    """Return the service whose requests carry `signing_name` in their credential scope, or None when localorg has none."""
    service = SIGNING_NAMES.get(signing_name, signing_name)
    return service if service in OWN_SERVICES or service in BORROWED_SERVICES else None


@lru_cache(maxsize=1)
def targets() -> dict[str, str]:
    """Return service by X-Amz-Target prefix, for requests without a signature."""
    return {
        prefix: service
        for service in (*OWN_SERVICES, *BORROWED_SERVICES)
        if (prefix := service_model(service).metadata.get("targetPrefix"))
    }
