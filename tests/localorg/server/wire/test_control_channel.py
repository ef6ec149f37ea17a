"""The websocket of the message gateway, spoken to as an ASGI server would: who may open it, what goes over it, how it ends."""

import asyncio
import json
import logging
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import AllowAll

from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Kernel
from localorg.kernel.store import Store
from localorg.node.agent_message import BadFrameError
from localorg.protocol.calls import Operation, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate
from localorg.server.asgi import Application, build_app
from localorg.server.control_channel import ControlChannels

NODE, REGION, TOKEN = "mi-0123456789abcdef0", "us-east-1", "right"
PATH = f"/v1/control-channel/{NODE}"


class Line:
    """A channel whose other end is the test."""

    topic = "line"

    def __init__(self) -> None:
        self.waiting: list[bytes] = [b"first"]
        self.is_current = True
        self.is_closed = False

    def take(self) -> list[bytes]:
        taken, self.waiting = self.waiting, []
        return taken

    def hear(self, data: bytes) -> list[bytes]:
        if data == b"bad":
            raise BadFrameError("no frame")
        return [b"heard " + data]

    def close(self) -> None:
        self.is_closed = True


class Gate:
    """The message gateway on a kernel of its own."""

    def __init__(self) -> None:
        self.kernel = Kernel(Store(), VirtualClock())
        self.line = Line()
        self.denied = False
        gateway = Gateway(self.kernel, AllowAll(), validate)
        gateway.add([Operation("ssmmessages", name, self.answer) for name in ("CreateControlChannel", "OpenControlChannel")])
        channels = ControlChannels(self.kernel, gateway, self.open, logging.getLogger("gate"))
        self.app: Application = build_app(
            self.kernel, gateway, credentials, None, {}, logging.getLogger("gate"), channels=channels
        )

    def answer(self, request: Request) -> Output:
        if self.denied:
            raise AccessDenied("not <allowed> here")
        return {"MessageSchemaVersion": "1.0", "TokenValue": TOKEN} if request.operation == "CreateControlChannel" else {}

    def open(self, _principal: Principal, _region: str, token: str) -> Line:
        if token != TOKEN:
            raise AwsError("AccessDeniedException", "wrong token")
        return self.line


def credentials(key: str) -> tuple[str, str | None, float | None, Principal] | None:
    arn = f"arn:aws:sts::111111111111:assumed-role/R/{NODE}"
    return ("secret", None, None, Principal("role", "111111111111", arn)) if key == "AKID" else None


def signed(method: str, path: str, body: bytes = b"", key: str = "AKID") -> list[tuple[bytes, bytes]]:
    request = AWSRequest(method, f"https://127.0.0.1{path}", {"Host": "127.0.0.1"}, body)
    SigV4Auth(Credentials(key, "secret"), "ssmmessages", REGION).add_auth(request)
    return [(name.lower().encode(), str(value).encode()) for name, value in request.headers.items()]


class Socket:
    """The agent's side of an ASGI websocket."""

    def __init__(self, path: str = PATH, key: str = "AKID") -> None:
        query = "role=subscribe&stream=input"
        headers = signed("GET", f"{path}?{query}", key=key)
        self.scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": headers}
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.say({"type": "websocket.connect"})

    def say(self, message: dict[str, Any]) -> None:
        self.inbox.put_nowait(message)

    def hello(self, token: str = TOKEN) -> None:
        self.say({"type": "websocket.receive", "text": json.dumps({"TokenValue": token})})

    def frame(self, data: bytes) -> None:
        self.say({"type": "websocket.receive", "bytes": data})

    async def heard(self) -> Any:
        message = await asyncio.wait_for(self.outbox.get(), 10)
        return message.get("bytes") or (message["type"], message.get("reason"))

    def served_by(self, gate: Gate) -> "asyncio.Task[None]":
        async def serve() -> None:
            await gate.app(self.scope, self.inbox.get, self.outbox.put)

        return asyncio.create_task(serve())


def post(gate: Gate, path: str, key: str = "AKID") -> tuple[int, bytes]:
    body = json.dumps({"MessageSchemaVersion": "1.0", "RequestId": "r"}).encode()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": signed("POST", path, body, key)}
    asyncio.run(gate.app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_a_token_is_given_as_xml() -> None:
    """Observed: exactly 201, and XML; a refusal must hold <AccessDeniedException> for the agent to go on polling."""
    gate = Gate()
    status, body = post(gate, PATH)
    inside = f"<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>{TOKEN}</TokenValue>"
    assert (status, body.decode()) == (201, f"<CreateControlChannelResponse>{inside}</CreateControlChannelResponse>")
    gate.denied = True
    status, body = post(gate, PATH)
    assert (status, body.decode()) == (
        400,
        "<AccessDeniedException><Message>not &lt;allowed&gt; here</Message></AccessDeniedException>",
    )


def test_data_channels_are_refused_by_name() -> None:
    """Assumed of nobody: Session Manager is not here, and says so."""
    status, body = post(Gate(), "/v1/data-channel/session-1")
    assert status == 400
    assert b"<NotImplemented>" in body
    assert b"POST /v1/data-channel/session-1" in body


def test_frames_go_both_ways_until_the_agent_goes() -> None:
    """What waits is sent at once, what comes later when it is announced; frames are answered; the end is told to the channel."""

    async def story() -> None:
        gate, socket = Gate(), Socket()
        serving = socket.served_by(gate)
        assert await socket.heard() == ("websocket.accept", None)
        socket.hello()
        assert await socket.heard() == b"first"
        gate.line.waiting.append(b"second")
        gate.kernel.announce("line")
        assert await socket.heard() == b"second"
        socket.frame(b"bad")
        socket.frame(b"x")
        assert await socket.heard() == b"heard x"
        assert not gate.line.is_closed
        socket.say({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(serving, 10)
        assert gate.line.is_closed

    asyncio.run(story())


def test_a_channel_that_was_replaced_is_closed() -> None:
    """The server lets go of a websocket whose node has opened another."""

    async def story() -> None:
        gate, socket = Gate(), Socket()
        serving = socket.served_by(gate)
        assert await socket.heard() == ("websocket.accept", None)
        socket.hello()
        assert await socket.heard() == b"first"
        gate.line.is_current = False
        gate.kernel.announce("line")
        assert (await socket.heard())[0] == "websocket.close"
        await asyncio.wait_for(serving, 10)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "key", "reason"),
    [
        (PATH, "AKIDOTHER", "UnrecognizedClientException"),
        ("/v1/data-channel/session-1", "AKID", "NotImplemented"),
    ],
)
def test_who_may_not_open_a_channel_is_not_let_in(path: str, key: str, reason: str) -> None:
    """A websocket without a valid signature, or for something else, is refused before it is accepted."""

    async def story() -> None:
        socket = Socket(path, key)
        serving = socket.served_by(Gate())
        assert await socket.heard() == ("websocket.close", reason)
        await asyncio.wait_for(serving, 10)

    asyncio.run(story())


@pytest.mark.parametrize("first", ["wrong", "no token", "gone"])
def test_a_channel_is_not_opened_without_its_token(first: str) -> None:
    """Observed: the first frame is text with TokenValue; assumed: anything else ends the websocket."""

    async def story() -> None:
        gate, socket = Gate(), Socket()
        serving = socket.served_by(gate)
        assert await socket.heard() == ("websocket.accept", None)
        match first:
            case "wrong":
                socket.hello("wrong")
            case "no token":
                socket.say({"type": "websocket.receive", "text": "[]"})
            case _:
                socket.say({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(serving, 10)
        assert gate.line.waiting == [b"first"]

    asyncio.run(story())
