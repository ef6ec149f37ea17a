"""What the HTTP rim sends back: a response in memory, or a file that is read while it is sent. And how ASGI wants to be told."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.protocol.http import WireRequest, WireResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
FILE_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FileReply:
    """A whole file as the body."""

    path: Path
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Reply = WireResponse | FileReply
Route = Callable[[WireRequest], Awaitable[Reply]]


async def send_reply(send: Send, reply: Reply, *, head: bool) -> None:
    """Send `reply`; a HEAD request gets the headers only."""
    size = reply.path.stat().st_size if isinstance(reply, FileReply) else len(reply.body)
    names = {name.lower() for name in reply.headers}
    length = [] if "content-length" in names else [(b"content-length", str(size).encode())]
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items()] + length
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if head:
        await send({"type": "http.response.body", "body": b""})
    elif isinstance(reply, FileReply):
        for chunk in _chunks(reply.path):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": reply.body})


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(FILE_CHUNK_BYTES):
            yield chunk
