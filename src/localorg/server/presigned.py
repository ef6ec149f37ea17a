"""Reads presigned S3 URLs for engines: the URL's own signature says who reads, and S3 answers as it answers that caller.

Flow: URL -> bucket and key (AWS's host names, or this server's own path style) -> signature of version 4 or 2 verified -> S3 GetObject
through the gateway as the signer -> the reply event.
Rules: nothing is fetched over the network; a URL of any other host proves nothing here.
AWS: S3 API reference, "Authenticating Requests: Using Query Parameters".
"""

from dataclasses import replace
from urllib.parse import SplitResult, unquote, urlsplit

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall
from localorg.protocol.gateway import Gateway
from localorg.protocol.http import WireRequest
from localorg.protocol.s3_hosts import bucket_of
from localorg.server import signature, signature_v2
from localorg.server.signature import CredentialLookup


class PresignedUrls:
    """The reader."""

    def __init__(self, kernel: Kernel, gateway: Gateway, credentials: CredentialLookup) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._credentials = credentials

    def fetch(self, url: str, bytes_max: int, reply: Event) -> None:
        """Post `reply`, extended by ok/output (of GetObject) or ok/error. Raises AwsError for a URL that proves nothing."""
        parts = urlsplit(url)
        hosted = bucket_of(parts.netloc, self._kernel.settings.partition)
        bucket, key = _object(parts, hosted or "")
        caller = self._caller(parts, hosted or "")
        # One byte more than is wanted tells a file that is too long.
        wanted = {"Bucket": bucket, "Key": key, "Range": f"bytes=0-{bytes_max}"}
        region = caller.claim.region or self._kernel.settings.regions[0]
        self._gateway.submit(ApiCall(caller.principal, region, "s3", "GetObject", wanted), reply)

    def _caller(self, parts: SplitResult, hosted: str) -> signature.Caller:
        request = WireRequest("GET", parts.path, parts.query, {"host": parts.netloc})
        now, region = self._kernel.now(), self._kernel.settings.regions[0]
        if signature_v2.is_signed(request):
            # AWS: version 2 signs the bucket as a part of the path, also where it stands in the host's name.
            named = replace(request, path=f"/{hosted}{parts.path}") if hosted else request
            return signature_v2.verify(named, self._credentials, region, now, now)
        claim = signature.claim_of(request)
        return signature.verify(request, claim, self._credentials, now, now)


def _object(parts: SplitResult, hosted: str) -> tuple[str, str]:
    path = unquote(parts.path.removeprefix("/"))
    bucket, _, key = (hosted, "", path) if hosted else path.partition("/")
    if not bucket or not key:
        raise AwsError("InvalidRequest", f"{parts.netloc}{parts.path} names no object of a bucket.")
    return bucket, key
