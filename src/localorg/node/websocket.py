"""A websocket from the side that opens it, over TLS, for one thread that also has other things to wait for.

Flow: `WebSocket.open` -> `wait` until something came or somebody wakes the thread -> `received`, `send_…`, `ping` -> `close`.
Rules: a socket of TLS is not safe in two threads, so everything here happens in the thread that opened it; pings of the other side are
answered at once; every end that the other side or the network makes is `Unreachable`.
Refuses to know: what the messages are.
"""

import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from localorg.node.calls import Unreachable

SEND_LIMIT_S = 30.0
CHUNK = 65536


@dataclass
class WebSocket:
    """One open websocket. Use as a context manager."""

    _socket: ssl.SSLSocket
    _protocol: WSConnection = field(default_factory=lambda: WSConnection(ConnectionType.CLIENT))
    heard_at: float = field(default_factory=time.monotonic)
    """When anything came last, a pong among it (monotonic seconds)."""
    _parts: list[bytes] = field(default_factory=list)
    _is_open: bool = False

    @classmethod
    def open(cls, url: str, trust: ssl.SSLContext, headers: Mapping[str, str]) -> "WebSocket":
        """Connect to `url` (https://HOST:PORT/PATH?QUERY). Raises Unreachable."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        try:
            plain = socket.create_connection((host, parts.port or 443), timeout=SEND_LIMIT_S)
            opened = cls(trust.wrap_socket(plain, server_hostname=host))
        except OSError as error:
            raise Unreachable(f"no websocket to {parts.netloc}: {error}") from error
        try:
            opened._shake_hands(parts.netloc, f"{parts.path}?{parts.query}", headers)
        except BaseException:
            opened.close()
            raise
        return opened

    def __enter__(self) -> "WebSocket":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go. The other side sees a connection that has ended."""
        self._socket.close()

    def wait(self, wake: int, limit_s: float) -> None:
        """Return when something has come, when `wake` can be read, or when the time is up."""
        if not self._socket.pending():
            select.select([self._socket.fileno(), wake], [], [], max(0.0, limit_s))

    def received(self) -> list[bytes]:
        """Return the binary messages that have come, without waiting for more. Raises Unreachable."""
        try:
            self._socket.settimeout(0)
            data = self._socket.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []  # a part of a record, or one of TLS's own
        except OSError as error:
            raise Unreachable(f"the websocket broke: {error}") from error
        finally:
            self._socket.settimeout(SEND_LIMIT_S)
        return self._take(data)

    def send_text(self, text: str) -> None:
        """Send a text message. Raises Unreachable."""
        self._send(TextMessage(data=text))

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message. Raises Unreachable."""
        self._send(BytesMessage(data=data))

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unreachable."""
        self._send(Ping())

    def _shake_hands(self, host: str, target: str, headers: Mapping[str, str]) -> None:
        extra = [(name.encode(), value.encode()) for name, value in headers.items() if name.lower() != "host"]
        self._send(Request(host=host, target=target, extra_headers=extra))
        while not self._is_open:
            try:
                data = self._socket.recv(CHUNK)
            except OSError as error:
                raise Unreachable(f"the websocket was not opened: {error}") from error
            self._take(data)

    def _send(self, event: Event) -> None:
        try:
            self._socket.sendall(self._protocol.send(event))
        except (OSError, ProtocolError) as error:
            raise Unreachable(f"the websocket broke: {error}") from error

    def _take(self, data: bytes) -> list[bytes]:
        if not data:
            raise Unreachable("the other side has closed the connection of the websocket")
        self.heard_at = time.monotonic()
        try:
            self._protocol.receive_data(data)
            return [message for event in self._protocol.events() if (message := self._happened(event)) is not None]
        except ProtocolError as error:
            raise Unreachable(f"what came over the websocket cannot be read: {error}") from error

    def _happened(self, event: Event) -> bytes | None:
        match event:
            case AcceptConnection():
                self._is_open = True
            case RejectConnection():
                raise Unreachable(f"the websocket was refused with status {event.status_code}")
            case Ping():
                self._send(event.response())
            case CloseConnection():
                raise Unreachable(f"the other side has closed the websocket: {event.code} {event.reason or ''}".rstrip())
            case BytesMessage():
                self._parts.append(bytes(event.data))
                if event.message_finished:
                    whole, self._parts = b"".join(self._parts), []
                    return whole
        return None
