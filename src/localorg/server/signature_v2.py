"""The older presigned URLs of S3 (AWSAccessKeyId, Signature, Expires), which boto3 and the aws CLI still make for endpoints of one's own.

Flow: WireRequest -> key id -> credentials looked up -> HMAC-SHA1 over method, a few headers, Expires and the resource -> `Caller`.
Rules: for S3 and in the query only, as AWS takes it; it names no Region, so the caller of this module says which one is meant.

AWS: S3 user guide, "Signing and authenticating REST requests (AWS signature version 2)", query string request authentication.
"""

import hmac
from base64 import b64encode
from urllib.parse import unquote

from localorg.kernel.errors import AwsError
from localorg.protocol.http import WireRequest
from localorg.server.signature import MISMATCH, NUMBER, UNKNOWN_KEY_S3, Caller, Claim, CredentialLookup

AUTHENTICATION = frozenset({"AWSAccessKeyId", "Signature", "Expires"})
SUBRESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "cors",
        "delete",
        "lifecycle",
        "location",
        "logging",
        "notification",
        "partNumber",
        "policy",
        "requestPayment",
        "restore",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "analytics",
        "metrics",
        "inventory",
        "replication",
        "select",
        "select-type",
        "object-lock",
    ]
)
"""Query parameters that are part of the resource."""


UNSIGNED = frozenset(
    [
        "prefix",
        "delimiter",
        "marker",
        "max-keys",
        "list-type",
        "continuation-token",
        "start-after",
        "fetch-owner",
        "encoding-type",
        "key-marker",
        "upload-id-marker",
        "max-uploads",
        "x-id",
        "content-type",
        "content-md5",
    ]
)
"""Query parameters that this signature does not cover, and that do not change which operation is called."""


def is_signed(request: WireRequest) -> bool:
    """Say whether the query carries a version 2 signature."""
    return "AWSAccessKeyId=" in request.query and "Signature=" in request.query


def verify(request: WireRequest, credentials: CredentialLookup, region: str, wall: float, now: float) -> Caller:
    """Return the caller when the signature holds. Raises AwsError."""
    pairs = dict(request.query_pairs())
    key_id, signature, expires = (pairs.get(name, "") for name in ("AWSAccessKeyId", "Signature", "Expires"))
    if not NUMBER.fullmatch(expires):
        raise AwsError("AccessDeniedException", f"Invalid date (should be seconds since epoch): {expires}", 403)
    known = credentials(key_id)
    if known is None:
        raise AwsError("UnrecognizedClientException", UNKNOWN_KEY_S3, 403)
    secret, token, ends, principal = known
    _check_covered(pairs)
    extra = _custom_headers(request, pairs)
    if not hmac.compare_digest((token or "").encode(), extra.get("x-amz-security-token", "").encode()):
        raise AwsError("UnrecognizedClientException", "The provided token is malformed or otherwise invalid.", 400)
    if wall > int(expires):
        raise AwsError("AccessDeniedException", "Request has expired", 403)
    text = _string_to_sign(request, pairs, expires, extra)
    expected = b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise AwsError("InvalidSignatureException", MISMATCH)
    if ends is not None and now >= ends:
        raise AwsError("ExpiredTokenException", "The provided token has expired.")
    return Caller(principal, Claim(key_id, "", region, "s3", (), signature, "", token or "", None), b"")


def _check_covered(pairs: dict[str, str]) -> None:
    """Refuse what would make another operation of a signed one: `?encryption` and its like came after this kind of signature."""
    known = AUTHENTICATION | SUBRESOURCES | UNSIGNED
    loose = sorted(name for name in pairs if name not in known and not name.lower().startswith("x-amz-"))
    if loose:
        raise AwsError(
            "InvalidRequest",
            f"A signature of version 2 does not cover the query parameters {', '.join(loose)}. Please use AWS4-HMAC-SHA256.",
        )


def _custom_headers(request: WireRequest, pairs: dict[str, str]) -> dict[str, str]:
    found = {name.lower(): value for name, value in pairs.items() if name.lower().startswith("x-amz-")}
    return found | {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}


def _string_to_sign(request: WireRequest, pairs: dict[str, str], expires: str, extra: dict[str, str]) -> str:
    standard = [request.headers.get(name, pairs.get(name, "")).strip() for name in ("content-md5", "content-type")]
    custom = [f"{name}:{extra[name].strip()}" for name in sorted(extra)]
    return "\n".join([request.method, *standard, expires, *custom, _resource(request)])


def _resource(request: WireRequest) -> str:
    parts = [part.partition("=") for part in request.query.split("&") if part]
    named = sorted((name, equals + unquote(value)) for name, equals, value in parts if name in SUBRESOURCES)
    return request.path + ("?" + "&".join(name + value for name, value in named) if named else "")


def plain(request: WireRequest) -> WireRequest:
    """Return the request without the authentication in its query; `x-amz-` headers that were carried there become headers."""
    kept: list[str] = []
    headers = dict(request.headers)
    for part in request.query.split("&"):
        name, _, value = part.partition("=")
        lower = name.lower()
        if name in AUTHENTICATION or lower in {"x-amz-algorithm", "x-amz-credential", "x-amz-signature", "x-amz-signedheaders"}:
            continue
        if lower in {"x-amz-date", "x-amz-expires", "x-amz-security-token"} or not part:
            continue
        if lower.startswith("x-amz-") or lower in {"content-type", "content-md5"}:
            headers.setdefault(lower, unquote(value))
        else:
            kept.append(part)
    return WireRequest(request.method, request.path, "&".join(kept), headers, request.body)
