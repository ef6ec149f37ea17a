"""The agent's message gateway: POST for a token, then a websocket on which messages go to a node and come from it.

Flow: POST /v1/control-channel/<node> (JSON in, 201 and XML out) -> websocket upgrade of the same path, signed too -> the first frame brings
the token -> frames from `channel.take` out, frames in to `channel.hear`, until either side goes.
Rules: both steps are calls that the gateway authorises and logs (ssmmessages:CreateControlChannel, OpenControlChannel); rows are committed
before an answer leaves; a frame that cannot be used is told in the server's log and not answered.
Refuses to know: what messages mean (the fleet).
AWS agent: what the stock agent says to ssmmessages; data channels (Session Manager) are not served.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Interface
from xml.sax.saxutils import escape

from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.node.agent_message import BadFrameError
from localorg.protocol.calls import ApiCall, Output, Params, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.http import WireRequest, WireResponse
from localorg.protocol.parse_json import loaded
from localorg.protocol.request_keys import request_keys
from localorg.server.replies import Receive, Send
from localorg.server.signature import Caller

PREFIX = "/v1/control-channel/"
XML = {"content-type": "text/xml"}
GOING_AWAY, POLICY = 1001, 1008


class Channel(Interface):
    """One node's open channel, as the websocket sees it; see `localorg.fleet.channel`."""

    @property
    def topic(self) -> str:
        """What is announced when there is something to take."""
        ...

    @property
    def is_current(self) -> bool:
        """Say whether the channel has not been replaced."""
        ...

    def take(self) -> list[bytes]:
        """Return the frames to send now."""
        ...

    def hear(self, data: bytes) -> list[bytes]:
        """Act on a frame; return the frames that answer it. Raises BadFrameError, AwsError."""
        ...

    def close(self) -> None:
        """The websocket is gone."""
        ...


Opener = Callable[[Principal, str, str], Channel]
"""(a node's session, Region, token) -> its channel. Raises AccessDenied."""
Committed = Callable[[], Awaitable[None]]
Identified = Callable[[WireRequest], Caller]


@dataclass(frozen=True)
class ControlChannels:
    """Serves both steps. `identified` verifies a signature; `committed` returns when the rows are on disk."""

    kernel: Kernel
    gateway: Gateway
    open: Opener
    log: logging.Logger

    async def create(self, caller: Caller, request: WireRequest, committed: Committed) -> WireResponse:
        """Answer CreateControlChannel; what is refused is XML that names the error, for the agent looks for that."""
        try:
            if request.method != "POST" or not request.path.startswith(PREFIX):
                raise NotSupported(f"{request.method} {request.path}", "ssmmessages (expected a control channel)")
            params = {**loaded(request.body), "ChannelId": request.path.removeprefix(PREFIX)}
            answer = self._call(caller, "CreateControlChannel", params, request)
        except AwsError as refusal:
            return _error(refusal)
        finally:
            await committed()
        return WireResponse(201, XML, _xml("CreateControlChannelResponse", answer))

    async def serve(
        self, request: WireRequest, receive: Receive, send: Send, identified: Identified, committed: Committed
    ) -> None:
        """Serve one websocket from its upgrade to its end."""
        await receive()  # websocket.connect
        try:
            caller = identified(request)
            self._call(caller, "OpenControlChannel", _open_params(request), request)
        except AwsError as refusal:
            self.log.warning("control channel refused: %s", refusal)
            await send({"type": "websocket.close", "code": POLICY, "reason": refusal.code})
            return
        await send({"type": "websocket.accept"})
        channel = await self._opened(caller, receive, send)
        if channel is None:
            return
        try:
            await self._talk(channel, receive, send, committed)
        finally:
            channel.close()
            await committed()

    def _call(self, caller: Caller, operation: str, params: Params, request: WireRequest) -> Output:
        region, keys = caller.claim.region, request_keys(request)
        return self.gateway.attempt(ApiCall(caller.principal, region, "ssmmessages", operation, params, "wire", keys))

    async def _opened(self, caller: Caller, receive: Receive, send: Send) -> Channel | None:
        """Return the channel that the first frame has the token of; None when it has not, or nothing came."""
        first = await receive()
        if first["type"] != "websocket.receive":
            return None
        try:
            hello = json.loads(first.get("text") or first.get("bytes") or "null")
            token = hello.get("TokenValue") if isinstance(hello, dict) else None
            return self.open(caller.principal, caller.claim.region, str(token or ""))
        except (ValueError, AwsError) as refusal:
            self.log.warning("control channel of %s not opened: %s", caller.principal.arn, refusal)
            await send({"type": "websocket.close", "code": POLICY, "reason": "the token is not valid"})
            return None

    async def _talk(self, channel: Channel, receive: Receive, send: Send, committed: Committed) -> None:
        parts = (self._deliver(channel, send, committed), self._listen(channel, receive, send, committed))
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0] in done:
                with contextlib.suppress(RuntimeError):  # the other side may have gone in the same moment
                    await send({"type": "websocket.close", "code": GOING_AWAY})
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    self.log.error("a control channel broke", exc_info=result)

    async def _deliver(self, channel: Channel, send: Send, committed: Committed) -> None:
        """Send what there is to send, until another channel takes this one's place."""
        loop = asyncio.get_running_loop()
        while channel.is_current:
            news = loop.create_future()
            self.kernel.wait_on(channel.topic, lambda news=news: _wake(news))  # type: ignore[misc]
            frames = channel.take()
            await committed()
            for frame in frames:
                await send({"type": "websocket.send", "bytes": frame})
            await news

    async def _listen(self, channel: Channel, receive: Receive, send: Send, committed: Committed) -> None:
        """Act on what comes, until the node goes."""
        while (message := await receive())["type"] == "websocket.receive":
            data = message.get("bytes")
            if not data:
                continue
            try:
                answers = channel.hear(data)
            except (BadFrameError, AwsError) as refusal:
                self.log.warning("a frame of a control channel cannot be used: %s", refusal)
                continue
            await committed()
            for answer in answers:
                await send({"type": "websocket.send", "bytes": answer})


def _wake(news: "asyncio.Future[None]") -> None:
    if not news.done():
        news.set_result(None)


def _open_params(request: WireRequest) -> Params:
    if not request.path.startswith(PREFIX):
        raise NotSupported(f"the websocket {request.path}", "ssmmessages (expected a control channel)")
    pairs = dict(request.query_pairs())
    return {"ChannelId": request.path.removeprefix(PREFIX), **{name: pairs[name] for name in ("role", "stream") if name in pairs}}


def _xml(name: str, members: dict[str, Any]) -> bytes:
    inside = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in members.items())
    return f"<{name}>{inside}</{name}>".encode()


def _error(refusal: AwsError) -> WireResponse:
    return WireResponse(refusal.status, XML, _xml(refusal.code, {"Message": refusal.message}))
