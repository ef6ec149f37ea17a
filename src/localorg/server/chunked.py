"""S3's aws-chunked bodies: taken apart, and proved, before anything else sees them.

    STREAMING-UNSIGNED-PAYLOAD-TRAILER           size CRLF data CRLF ... 0 CRLF trailers      (checksum in a trailer)
    STREAMING-AWS4-HMAC-SHA256-PAYLOAD           size;chunk-signature=... CRLF data CRLF ...  (each chunk signed after the last)
    STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER   both; the trailer is signed too

AWS: S3 API reference, "Signature calculations for the authorization header: transferring payload in multiple chunks".
"""

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from localorg.kernel.errors import AwsError
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.signature import MISMATCH, Caller, sign

SIZE = re.compile(rb"[0-9A-Fa-f]{1,10}")
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Chunk:
    """One chunk: its bytes and, when chunks are signed, its signature."""

    data: bytes
    signature: str


def decoded(request: WireRequest, caller: Caller) -> WireRequest:
    """Return `request` with its plain body and without the headers of the encoding. Raises AwsError when it does not hold."""
    declared = request.headers.get("x-amz-content-sha256", "")
    if not declared.startswith("STREAMING-"):
        return request
    chunks, trailers = _split(request.body)
    if declared.startswith("STREAMING-AWS4-HMAC-SHA256"):
        _verify_chunks(chunks, trailers, caller, has_trailer=declared.endswith("-TRAILER"))
    body = b"".join(chunk.data for chunk in chunks)
    expected = request.headers.get("x-amz-decoded-content-length")
    if expected is not None and expected != str(len(body)):
        raise AwsError("IncompleteBody", f"x-amz-decoded-content-length is {expected}, but the body has {len(body)} bytes")
    headers = {
        name: value for name, value in request.headers.items() if name not in {"x-amz-decoded-content-length", "x-amz-trailer"}
    }
    headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    verify_checksums("", replace(request, headers=trailers, body=body))
    headers |= {name: value for name, value in trailers.items() if name.startswith("x-amz-checksum-")}
    encodings = [part.strip() for part in headers.pop("content-encoding", "").split(",")]
    if kept := [part for part in encodings if part and part != "aws-chunked"]:
        headers["content-encoding"] = ",".join(kept)
    return WireRequest(request.method, request.path, request.query, headers, body)


def _split(body: bytes) -> tuple[list[Chunk], dict[str, str]]:
    chunks: list[Chunk] = []
    position = 0
    while True:
        end = body.find(b"\r\n", position)
        size_text, _, extension = body[position:end].partition(b";") if end >= 0 else (b"", b"", b"")
        if not SIZE.fullmatch(size_text):
            raise AwsError("IncompleteBody", f"the aws-chunked body has no chunk size at byte {position}")
        size = int(size_text, 16)
        start = end + 2
        signature = extension.partition(b"=")[2].decode("latin-1")
        chunks.append(Chunk(body[start : start + size], signature))
        if len(chunks[-1].data) != size:
            raise AwsError(
                "IncompleteBody", f"the chunk at byte {position} should have {size} bytes, found {len(chunks[-1].data)}"
            )
        if size == 0:
            return chunks, _trailers(body[start:])
        position = start + size + 2
        if body[position - 2 : position] != b"\r\n":
            raise AwsError("IncompleteBody", f"the chunk that should end at byte {position - 2} goes on")


def _trailers(text: bytes) -> dict[str, str]:
    lines = [line.decode("latin-1") for line in text.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _verify_chunks(chunks: list[Chunk], trailers: dict[str, str], caller: Caller, *, has_trailer: bool) -> None:
    claim = caller.claim
    previous = claim.signature
    for chunk in chunks:
        digest = hashlib.sha256(chunk.data).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{claim.moment}\n{claim.scope}\n{previous}\n{EMPTY_SHA256}\n{digest}"
        _compare(sign(caller.key, text), chunk.signature)
        previous = chunk.signature
    if has_trailer or trailers:
        lines = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()) if name != "x-amz-trailer-signature")
        digest = hashlib.sha256(lines.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256-TRAILER\n{claim.moment}\n{claim.scope}\n{previous}\n{digest}"
        _compare(sign(caller.key, text), trailers.get("x-amz-trailer-signature", ""))


def _compare(expected: str, found: str) -> None:
    if not hmac.compare_digest(expected.encode(), found.encode()):
        raise AwsError("InvalidSignatureException", MISMATCH)


def verify_checksums(operation: str, request: WireRequest) -> None:
    """Compare the body with the checksums that came with it. Raises AwsError."""
    if operation == "CompleteMultipartUpload":  # its checksum is the whole object's, its body a list of parts
        return
    body = request.body
    computed: dict[str, Callable[[], bytes]] = {
        "x-amz-checksum-crc32": lambda: zlib.crc32(body).to_bytes(4, "big"),
        "x-amz-checksum-sha1": lambda: hashlib.sha1(body, usedforsecurity=False).digest(),
        "x-amz-checksum-sha256": lambda: hashlib.sha256(body).digest(),
    }
    for name, compute in computed.items():
        if name in request.headers and base64.b64encode(compute()).decode() != request.headers[name]:
            # AWS: S3 error responses, BadDigest.
            raise AwsError(
                "BadDigest", f"The {name.rpartition('-')[2].upper()} you specified did not match the calculated checksum."
            )


def with_checksums(operation: str, request: WireRequest, response: WireResponse) -> WireResponse:
    """Return the answer to a part with the checksums that came with it. # AWS: UploadPart, response headers x-amz-checksum-*."""
    given = {name: value for name, value in request.headers.items() if name.startswith("x-amz-checksum-")}
    return replace(response, headers={**response.headers, **given}) if operation == "UploadPart" and given else response
