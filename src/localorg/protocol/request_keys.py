"""What policies may ask about a request itself, as condition keys: where it came from, over what, and with which headers.

AWS: IAM user guide, "AWS global condition context keys", properties of the request.
"""

from ipaddress import ip_address

from localorg.protocol.calls import ContextKeys
from localorg.protocol.http import WireRequest


def request_keys(request: WireRequest) -> ContextKeys:
    """Return the condition keys of a request that came over the wire."""
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:SecureTransport": "true" if request.is_encrypted or _is_loopback(request.peer) else "false",
        "aws:UserAgent": request.headers.get("user-agent") or (),
        "aws:Referer": request.headers.get("referer") or (),
    }
    if request.peer:
        keys["aws:SourceIp"] = request.peer
    return keys


def _is_loopback(peer: str) -> bool:
    # DEVIATES: plain HTTP that never leaves this machine stands for AWS's HTTPS, so aws:SecureTransport is true for it as well; with
    # "false", the usual bucket policy against unencrypted requests would lock everybody out of a local endpoint.
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
