"""The frames of the agent's control channel: a fixed head, then the payload. Pure: bytes in, a value out, and back.

    u32 length of the head (116) | type, 32 characters | u32 schema | u64 created, ms | i64 sequence | u64 flags | message id, 16 bytes |
    sha256 of the payload, 32 bytes | u32 kind of payload | u32 length of the payload | payload                       all big endian

Rules: the two halves of the message id stand in the wrong order; a type may be padded with spaces or with zeros; a digest that is not
that of the payload is refused.
Both ends of a channel use it: the agent here, and the fleet. It is written once, and here, because the node imports nothing of the rest.
Refuses to know: what the types mean.
AWS agent: what the stock agent sends and takes on its websocket.
"""

import hashlib
import struct
import uuid
from dataclasses import dataclass

HEAD = struct.Struct(">I32sIQqQ16s32sII")
HEAD_LENGTH = 116
"""Without the last number, which counts as part of the payload."""
SCHEMA = 1


class BadFrameError(ValueError):
    """The bytes are no frame; the text says why."""


@dataclass(frozen=True)
class AgentMessage:
    """One frame. `created_ms` is milliseconds since the epoch; `message_id` a UUID as text."""

    kind: str
    message_id: str
    created_ms: int
    payload: bytes
    sequence: int = 0
    flags: int = 0
    payload_kind: int = 0

    def packed(self) -> bytes:
        """Return the frame as bytes."""
        digest = hashlib.sha256(self.payload).digest()
        kind = self.kind.encode().ljust(32)
        head = HEAD.pack(
            *(HEAD_LENGTH, kind, SCHEMA, self.created_ms, self.sequence, self.flags),
            *(_swapped(uuid.UUID(self.message_id).bytes), digest, self.payload_kind, len(self.payload)),
        )
        return head + self.payload


def unpacked(data: bytes) -> AgentMessage:
    """Return the frame in `data`. Raises BadFrameError."""
    if len(data) < HEAD.size:
        raise BadFrameError(f"a frame has at least {HEAD.size} bytes, found {len(data)}")
    head, kind, _schema, created, sequence, flags, identity, digest, payload_kind, length = HEAD.unpack_from(data)
    payload = data[HEAD.size :]
    if head != HEAD_LENGTH or length != len(payload):
        raise BadFrameError(f"the head announces {head} and {length} bytes, found {HEAD_LENGTH} and {len(payload)}")
    if hashlib.sha256(payload).digest() != digest:
        raise BadFrameError("the digest is not that of the payload")
    try:
        name = kind.decode().strip(" \0")
    except UnicodeDecodeError as error:
        raise BadFrameError("the type is not text") from error
    return AgentMessage(name, str(uuid.UUID(bytes=_swapped(identity))), created, payload, sequence, flags, payload_kind)


def _swapped(identity: bytes) -> bytes:
    return identity[8:] + identity[:8]
