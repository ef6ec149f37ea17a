"""Who sent this request? SigV4, checked against the secrets that identity knows.

Flow: WireRequest -> `claim` (Authorization header or presigned query: key id, scope, signed headers) -> credentials looked up ->
canonical request -> signature compared in constant time -> `Caller` (principal, Region, signing name).
Rules: the declared body hash must be the body's own; host and every x-amz- header must be signed, so that nobody on the way can add
what the call means (X-Amz-Target, x-amz-copy-source); requests older or newer than 15 minutes are refused; temporary credentials need
their session token, and expire.
Refuses to know: what the caller may do (identity) and what is called (protocol).

AWS: IAM user guide, "AWS Signature Version 4 for API requests"; S3 API reference, "Authenticating Requests".
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from localorg.kernel.errors import AwsError
from localorg.protocol import models
from localorg.protocol.calls import Principal
from localorg.protocol.http import WireRequest

CredentialLookup = Callable[[str], tuple[str, str | None, float | None, Principal] | None]
"""access key id -> (secret, session token or None, expiry in epoch seconds or None, principal), or None when unknown."""
ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_S = 15 * 60
"""AWS: a request must arrive within fifteen minutes of its time stamp."""
JSON_SKEW_S = 5 * 60
MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
PRESIGNED_S_MAX = 7 * 24 * 3600
NUMBER = re.compile(r"[0-9]{1,15}")
"""What is read as a number of seconds: str.isdigit also takes what int does not (superscripts, thousands of digits)."""
UNSIGNED = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})
STREAMING = frozenset({"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"})


@dataclass(frozen=True)
class Claim:
    """What a signed request says of itself, before anything is believed."""

    access_key: str
    day: str
    region: str
    signing_name: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: str
    """x-amz-date, 20261123T133312Z."""
    token: str
    expires_s: int | None
    """Life of a presigned URL; None for the Authorization header."""

    @property
    def scope(self) -> str:
        """The credential scope."""
        return f"{self.day}/{self.region}/{self.signing_name}/aws4_request"


@dataclass(frozen=True)
class Caller:
    """A verified request: who, and under which Region and service it was signed. `key` and `seed` verify signed chunks."""

    principal: Principal
    claim: Claim
    key: bytes


def is_signed(request: WireRequest) -> bool:
    """Say whether the request carries any kind of signature."""
    return "authorization" in request.headers or "X-Amz-Signature=" in request.query or "X-Amz-Credential=" in request.query


def claim_of(request: WireRequest) -> Claim:
    """Return what the request claims. Raises AwsError when there is no complete SigV4 signature."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return _from_header(request, authorization)
    pairs = dict(request.query_pairs())
    if "X-Amz-Algorithm" in pairs or "X-Amz-Signature" in pairs:
        return _from_query(pairs)
    raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")


def verify(request: WireRequest, claim: Claim, credentials: CredentialLookup, wall: float, now: float) -> Caller:
    """Return the caller when the signature holds. `wall` judges the time stamp, `now` (the kernel's time) expiry of sessions."""
    known = credentials(claim.access_key)
    if known is None:
        # AWS: code and words differ by protocol (InvalidClientTokenId, InvalidAccessKeyId); serialise_error picks them.
        raise AwsError("UnrecognizedClientException", INVALID_TOKEN, 400)
    secret, token, expires, principal = known
    if not hmac.compare_digest((token or "").encode(), claim.token.encode()):
        if claim.signing_name == "s3" and claim.token:
            # AWS: S3 API reference, "Error responses".
            raise AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
        raise AwsError("UnrecognizedClientException", INVALID_TOKEN, 400)
    check_time(claim, wall)
    check_headers_signed(request, claim)
    key = _signing_key(secret, claim.day, claim.region, claim.signing_name)
    expected = sign(key, string_to_sign(request, claim))
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise AwsError("InvalidSignatureException", MISMATCH)
    if expires is not None and now >= expires:
        raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
    return Caller(principal, claim, key)


MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

UNKNOWN_KEY_S3 = "The AWS Access Key Id you provided does not exist in our records."
INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - words, not a secret


def _incomplete(what: str) -> AwsError:
    return AwsError("IncompleteSignatureException", what)


def _from_header(request: WireRequest, authorization: str) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported signing algorithm {algorithm!r} in the Authorization header; expected {ALGORITHM}.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        raise _incomplete(f"Authorization header requires {', '.join(missing)}.")
    if len(parts) != rest.count(",") + 1 or len(parts) != 3:
        raise _incomplete("Authorization header has more than Credential, SignedHeaders and Signature, or is there twice.")
    moment = request.headers.get("x-amz-date", "")
    if not moment:
        raise _incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
    token = request.headers.get("x-amz-security-token", "")
    return _claim(parts["Credential"], parts["SignedHeaders"], parts["Signature"], moment, token, None)


def _from_query(pairs: dict[str, str]) -> Claim:
    names = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date", "X-Amz-Expires")
    missing = [name for name in names if not pairs.get(name)]
    if missing:
        raise AwsError(
            "AuthorizationQueryParametersError",
            f"Query-string authentication version 4 requires the {', '.join(missing)} parameters.",
        )
    if pairs["X-Amz-Algorithm"] != ALGORITHM:
        raise AwsError("AuthorizationQueryParametersError", f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    expires = pairs["X-Amz-Expires"]
    if not NUMBER.fullmatch(expires) or not 1 <= int(expires) <= PRESIGNED_S_MAX:
        raise AwsError(
            "AuthorizationQueryParametersError", f"X-Amz-Expires must be 1 to {PRESIGNED_S_MAX} seconds, found {expires}"
        )
    token = pairs.get("X-Amz-Security-Token", "")
    return _claim(
        pairs["X-Amz-Credential"],
        pairs["X-Amz-SignedHeaders"],
        pairs["X-Amz-Signature"],
        pairs["X-Amz-Date"],
        token,
        int(expires),
    )


def _claim(credential: str, signed: str, signature: str, moment: str, token: str, expires_s: int | None) -> Claim:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise _incomplete(f"Credential must be ACCESS_KEY/YYYYMMDD/REGION/SERVICE/aws4_request, found {credential!r}.")
    headers = tuple(signed.lower().split(";"))
    if "host" not in headers:
        raise _incomplete(f"'Host' must be a signed header, found SignedHeaders={signed}.")
    access_key, day, region, signing_name, _ = parts
    return Claim(access_key, day, region, signing_name, headers, signature, moment, token, expires_s)


def check_time(claim: Claim, wall: float) -> None:
    """Raise AwsError when the request is too old or from the future."""
    try:
        if not MOMENT.fullmatch(claim.moment):
            raise ValueError(claim.moment)
        moment = datetime.fromisoformat(claim.moment).timestamp()
    except ValueError as error:
        raise _incomplete(f"X-Amz-Date must look like 20261123T133312Z, found {claim.moment!r}.") from error
    if not claim.moment.startswith(claim.day):
        raise _incomplete(
            f"Date in Credential scope does not match YYYYMMDD from X-Amz-Date: {claim.day} against {claim.moment}."
        )
    if claim.expires_s is not None:
        if wall > moment + claim.expires_s:
            raise AwsError("AccessDeniedException", "Request has expired", 403)
        if moment > wall + SKEW_S:
            raise AwsError("AccessDeniedException", "Request is not yet valid", 403)
    elif abs(wall - moment) > skew_s(claim.signing_name):
        raise AwsError("RequestTimeTooSkewed", _too_skewed(claim, moment, wall), 403)


def skew_s(signing_name: str) -> int:
    """Return how far a time stamp may be from now. Observed: five minutes of the JSON services, fifteen of the others."""
    service = models.service_signed_as(signing_name)
    return JSON_SKEW_S if service and models.protocol_of(service) == "json" else SKEW_S


def _too_skewed(claim: Claim, moment: float, wall: float) -> str:
    """Return AWS's sentence, as clients report it."""
    if claim.signing_name == "s3":
        return "The difference between the request time and the current time is too large."
    if claim.signing_name == "ec2":
        return "Request has expired."
    slack = skew_s(claim.signing_name)
    now, minutes = _stamp(wall), slack // 60
    if moment < wall:
        return f"Signature expired: {claim.moment} is now earlier than {_stamp(wall - slack)} ({now} - {minutes} min.)"
    return f"Signature not yet current: {claim.moment} is still later than {_stamp(wall + slack)} ({now} + {minutes} min.)"


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def check_headers_signed(request: WireRequest, claim: Claim) -> None:
    """Raise AwsError when a header that changes what the call means is not signed."""
    # AWS: IAM user guide, "Create a signed AWS API request": host and any x-amz-* header must be signed.
    # The hash of the body is part of what is signed, whether or not its header is.
    covered = {*claim.signed_headers, "x-amz-content-sha256"}
    if loose := sorted(name for name in request.headers if name.startswith("x-amz-") and name not in covered):
        # AWS: S3's words and code. ASSUMED for the other services, which may let such headers pass.
        what = f"There were headers present in the request which were not signed: {', '.join(loose)}"
        raise AwsError("AccessDeniedException", what, 403)


@lru_cache(maxsize=4096)
def _signing_key(secret: str, day: str, region: str, signing_name: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, signing_name, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(key: bytes, text: str) -> str:
    """Return the hexadecimal signature of `text`."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def string_to_sign(request: WireRequest, claim: Claim) -> str:
    """Return the text of which the signature is made."""
    canonical = hashlib.sha256(_canonical_request(request, claim).encode()).hexdigest()
    return f"{ALGORITHM}\n{claim.moment}\n{claim.scope}\n{canonical}"


def _canonical_request(request: WireRequest, claim: Claim) -> str:
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claim.signed_headers)
    # AWS: every service but S3 removes redundant steps from the path and encodes it once more.
    path = (request.path if claim.signing_name == "s3" else quote(_normal(request.path), safe="/-_.~")) or "/"
    return "\n".join(
        (
            request.method,
            path,
            _canonical_query(request.query),
            headers,
            ";".join(claim.signed_headers),
            _payload_hash(request, claim),
        )
    )


def _normal(path: str) -> str:
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in {"", "."}:
            steps.append(step)
    return f"/{'/'.join(steps)}" + ("/" if steps and path.endswith("/") else "")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name != "X-Amz-Signature" and part:
            pairs.append((quote(unquote_plus(name), safe="-_.~"), quote(unquote_plus(value), safe="-_.~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _payload_hash(request: WireRequest, claim: Claim) -> str:
    declared = request.headers.get("x-amz-content-sha256")
    if claim.signing_name == "s3":
        if claim.expires_s is not None and declared is None:
            return "UNSIGNED-PAYLOAD"
        if declared is None:
            raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        if declared in UNSIGNED or declared in STREAMING:
            return declared
    actual = hashlib.sha256(request.body).hexdigest()
    if declared is not None and declared not in UNSIGNED and not hmac.compare_digest(declared, actual):
        raise AwsError(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    return declared or actual
