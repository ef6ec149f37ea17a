"""The wire without a socket: boto3 clients whose requests are answered by the real front, in this process and on the caller's turn.

Flow: boto3 signs and serialises -> botocore's `before-send` hook -> an ASGI request to the real `Application` (signature, models, gateway,
borrowed services) -> the response, which boto3 parses. So what a simulated caller sees is what a caller over HTTP sees.
Rules: one request at a time, never from inside a handler: a request ends with a turn of the kernel, and turns do not nest. A request that
is held for something outside (a template in S3) lets the simulation do that; one that is held for time is held in real time.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3.response import HTTPResponse

from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.asgi import Application
from localorg.server.replies import Message
from localorg.server.simulation.seats import RememberingSession, Seat, Seats, new_core, seat_in

SESSIONS_MAX = 64
LOOK_EVERY_S = 0.01
"""Real seconds after which a request that has no answer counts as held."""


class Front:
    """Answers requests, and makes boto3 sessions that ask here."""

    def __init__(self, app: Application, meanwhile: Callable[[], None]) -> None:
        self._app = app
        self._meanwhile = meanwhile
        self._loop = asyncio.new_event_loop()
        self._seats = Seats(self._answer)
        self._sessions: dict[tuple[str, str], boto3.Session] = {}

    def close(self) -> None:
        """Let the loop and all sessions go."""
        self._seats.close()
        self._loop.close()

    def session(self, credentials: Mapping[str, str] | None, region: str) -> boto3.Session:
        """Return a session with these credentials (AccessKeyId, SecretAccessKey, SessionToken; None: without any)."""
        place = ((credentials or {}).get("AccessKeyId", ""), region)
        if place not in self._sessions:
            if len(self._sessions) >= SESSIONS_MAX:
                oldest = self._sessions.pop(next(iter(self._sessions)))
                if isinstance(oldest, Seat):
                    self._seats.drop(oldest)
            self._sessions[place] = self._new_session(credentials, region)
        return self._sessions[place]

    @contextmanager
    def lent(self, credentials: Mapping[str, str] | None, region: str) -> Iterator[boto3.Session]:
        """Lend a session to somebody who keeps nothing of it, such as one run of a script."""
        session = self._new_session(credentials, region)
        try:
            yield session
        finally:
            if isinstance(session, Seat):
                self._seats.leave(session)

    def _new_session(self, credentials: Mapping[str, str] | None, region: str) -> boto3.Session:
        if credentials is None:
            return RememberingSession(seat_in(new_core(), self._answer, None, region), region)
        return self._seats.take(credentials, region)

    def seat(self, core: botocore.session.Session, credentials: Mapping[str, str] | None, region: str) -> None:
        """Let the botocore session of another tool ask here: the aws CLI has one."""
        seat_in(core, self._answer, credentials, region)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        response = self.ask(_wire(request))
        raw = HTTPResponse(
            body=BytesIO(response.body), headers=dict(response.headers), status=response.status, preload_content=False
        )
        return AWSResponse(request.url, response.status, raw.headers, raw)

    def ask(self, request: WireRequest) -> WireResponse:
        """Answer one request."""
        answer = self._loop.create_task(self._served(request))
        while not answer.done():
            self._loop.run_until_complete(asyncio.wait({answer}, timeout=LOOK_EVERY_S))
            if not answer.done():
                self._meanwhile()
        return answer.result()

    async def _served(self, request: WireRequest) -> WireResponse:
        told: list[Message] = []
        bodies = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> Message:
            if bodies:
                return bodies.pop()
            await asyncio.Future()  # nobody hangs up here
            raise AssertionError("unreachable: the future never ends")

        async def send(message: Message) -> None:
            told.append(message)

        await self._app(_scope(request), receive, send)
        head, *parts = told
        headers = {name.decode(): value.decode("latin-1") for name, value in head["headers"]}
        return WireResponse(head["status"], headers, b"".join(part["body"] for part in parts))


def _wire(request: AWSPreparedRequest) -> WireRequest:
    parts = urlsplit(request.url)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    body = request.body or b""
    if not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else body.read()
    return WireRequest(request.method, parts.path or "/", parts.query, {"host": parts.netloc, **headers}, body)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _scope(request: WireRequest) -> dict[str, Any]:
    return {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
    }
