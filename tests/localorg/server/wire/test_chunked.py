"""aws-chunked bodies: the forms that SDKs other than boto3 send over plain HTTP."""

import base64
import hashlib
import zlib

import pytest

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal
from localorg.protocol.http import WireRequest
from localorg.server.chunked import decoded
from localorg.server.signature import Caller, Claim, _signing_key, sign

CLAIM = Claim("AKID", "20130524", "us-east-1", "s3", ("host",), "", "20130524T000000Z", "", None)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def caller(seed: str = "") -> Caller:
    claim = Claim(*[seed if name == "signature" else getattr(CLAIM, name) for name in CLAIM.__dataclass_fields__])
    return Caller(Principal("user", "1", "arn"), claim, _signing_key(SECRET, "20130524", "us-east-1", "s3"))


def request(body: bytes, declared: str, **headers: str) -> WireRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return WireRequest("PUT", "/b/k", "", {"x-amz-content-sha256": declared, **names}, body)


def test_a_body_with_a_checksum_trailer_is_unwrapped() -> None:
    """Documented: S3, STREAMING-UNSIGNED-PAYLOAD-TRAILER."""
    check = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big"))
    body = b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:" + check + b"\r\n\r\n"
    plain = decoded(request(body, UNSIGNED, content_encoding="aws-chunked,gzip", x_amz_decoded_content_length="11"), caller())
    assert plain.body == b"hello world"
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.headers["x-amz-checksum-crc32"] == check.decode()


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "5", "BadDigest"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-sha256:AAAAAA==\r\n\r\n", "5", "BadDigest"),
        (b"5\r\nhello\r\n0\r\n\r\n", "6", "IncompleteBody"),
        (b"9\r\nhello", "9", "IncompleteBody"),
        (b"x\r\nhello", "5", "IncompleteBody"),
        (b"5\r\nhello\r\n", "5", "IncompleteBody"),
        (b"", "0", "IncompleteBody"),
    ],
)
def test_a_body_that_does_not_hold_is_refused(body: bytes, length: str, code: str) -> None:
    """Documented: S3 error responses, BadDigest and IncompleteBody."""
    with pytest.raises(AwsError) as caught:
        decoded(request(body, UNSIGNED, x_amz_decoded_content_length=length), caller())
    assert caught.value.code == code


def test_the_signed_example_of_the_guide_holds() -> None:
    """Documented: S3 API reference, "Signature calculations ... multiple chunks", its example of 66,560 bytes in three chunks."""
    seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    signatures = (
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    )
    pieces = (b"a" * 65536, b"a" * 1024, b"")
    body = b"".join(
        f"{len(piece):x};chunk-signature={signature}\r\n".encode() + piece + b"\r\n"
        for piece, signature in zip(pieces, signatures, strict=True)
    )
    signed = request(body, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", x_amz_decoded_content_length="66560")
    assert decoded(signed, caller(seed)).body == b"a" * 66560
    with pytest.raises(AwsError, match="InvalidSignatureException"):
        decoded(request(body.replace(b"a" * 9, b"b" * 9, 1), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), caller(seed))


def test_a_signed_trailer_is_verified() -> None:
    """Documented: the trailer has a signature of its own, over its lines and the last chunk's signature."""
    whoever = caller("0" * 64)
    empty = hashlib.sha256(b"").hexdigest()
    text = f"AWS4-HMAC-SHA256-PAYLOAD\n{CLAIM.moment}\n{CLAIM.scope}\n{'0' * 64}\n{empty}\n{empty}"
    last = sign(whoever.key, text)
    check = base64.b64encode(zlib.crc32(b"").to_bytes(4, "big")).decode()
    digest = hashlib.sha256(f"x-amz-checksum-crc32:{check}\n".encode()).hexdigest()
    trailer = sign(whoever.key, f"AWS4-HMAC-SHA256-TRAILER\n{CLAIM.moment}\n{CLAIM.scope}\n{last}\n{digest}")
    declared = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    for signature, good in ((trailer, True), ("1" * 64, False)):
        body = f"0;chunk-signature={last}\r\nx-amz-checksum-crc32:{check}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()
        if good:
            assert decoded(request(body, declared), whoever).body == b""
        else:
            with pytest.raises(AwsError, match="InvalidSignatureException"):
                decoded(request(body, declared), whoever)


def test_a_trailer_of_a_signed_body_needs_its_signature() -> None:
    """Documented: S3 API reference, trailing headers: whoever drops the trailer's signature cannot change the trailer."""
    key = _signing_key(SECRET, "20130524", "us-east-1", "s3")
    empty = hashlib.sha256(b"").hexdigest()
    previous, body = "", b""
    for piece in (b"hello", b""):
        digest = hashlib.sha256(piece).hexdigest()
        scope = f"AWS4-HMAC-SHA256-PAYLOAD\n{CLAIM.moment}\n{CLAIM.scope}\n{previous}\n{empty}\n{digest}"
        previous = sign(key, scope)
        body += f"{len(piece):x};chunk-signature={previous}\r\n".encode() + (piece + b"\r\n" if piece else b"")
    check = base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big"))
    body += b"x-amz-checksum-crc32:" + check + b"\r\n\r\n"
    for declared in ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"):
        with pytest.raises(AwsError, match="InvalidSignatureException"):
            decoded(request(body, declared), caller())


@pytest.mark.parametrize("size", [b"+5", b"0x5", b"-5", b" 5", b"5_0", b"\xb2", b"f" * 11])
def test_a_chunk_size_is_hexadecimal_digits_and_nothing_else(size: bytes) -> None:
    """What Python's int() takes beyond them is refused."""
    with pytest.raises(AwsError, match="has no chunk size"):
        decoded(request(size + b"\r\nhello\r\n0\r\n\r\n", UNSIGNED), caller())


def test_a_chunk_ends_where_it_says() -> None:
    """Two bytes that are not CRLF after a chunk are an error, not something to skip."""
    with pytest.raises(AwsError, match="goes on"):
        decoded(request(b"5\r\nhelloXX0\r\n\r\n", UNSIGNED), caller())
