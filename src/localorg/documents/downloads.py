"""Addresses from which nodes download attachments without credentials, and the proof that each address was ours to give.

Flow: GetDocument -> `sign` -> URL with Expires and Signature -> the server's unsigned route -> `check` -> the bytes.
Rules: the signature covers path and expiry with HMAC-SHA256 under a key that is kept in a row, so that it outlives a restart.
# ASSUMED: AWS does not say how long its addresses live; one hour here, the default of S3's own presigned URLs.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, unquote

from localorg.documents.records import DocumentRecord, VersionRecord
from localorg.kernel.errors import AwsError

LIFETIME_S = 3600
ROUTE = "/_attachments/"


def sign(key: bytes, endpoint: str, document: DocumentRecord, version: VersionRecord, file: str, now: float) -> str:
    """Return the address of one attachment, good for LIFETIME_S seconds from `now`."""
    parts = (document.account, document.region, document.name, str(version.number), file)
    path = ROUTE + "/".join(quote(part, safe="") for part in parts)
    expires = int(now) + LIFETIME_S
    return f"{endpoint.rstrip('/')}{path}?Expires={expires}&Signature={_signature(key, path, str(expires))}"


def check(key: bytes, path: str, query: Mapping[str, str], now: float) -> tuple[str, str, str, str, str]:
    """Return (account, region, name, version number, file) of an address. Raises AccessDenied (HTTP status 403)."""
    expires, signature = query.get("Expires", ""), query.get("Signature", "")
    if not hmac.compare_digest(signature.encode(), _signature(key, path, expires).encode()):
        raise refusal("The signature does not match. Ask GetDocument for an address.")
    if now > int(expires):
        raise refusal(f"The address has expired {now - int(expires):.0f} s ago. Ask GetDocument for a new one.")
    parts = [unquote(part) for part in path.removeprefix(ROUTE).split("/")]
    if len(parts) != 5:
        raise refusal("This is no address of an attachment.")
    account, region, name, number, file = parts
    return account, region, name, number, file


def refusal(message: str) -> AwsError:
    """Return what S3 answers to a presigned URL that is not good (any more)."""
    return AwsError("AccessDenied", message, status=403)


def _signature(key: bytes, path: str, expires: str) -> str:
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
