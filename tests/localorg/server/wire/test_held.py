"""Requests that are held open, spoken to as an ASGI server does: time, hang-ups, and no message lost to a closed connection."""

import asyncio
import json
import logging
from typing import Any

from server.wire.signed import signed
from server.wire.toy import ToyAuthoriser, credentials

from localorg.kernel.events import Kernel
from localorg.kernel.store import Store
from localorg.protocol.calls import Operation, Output, Request, Wait
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate
from localorg.server.asgi import Application, build_app
from localorg.server.pump import WallClock

ANSWER = {"Destination": "i-1", "MessagesRequestId": "r"}
CALL = json.dumps({**ANSWER, "VisibilityTimeoutInSeconds": 1}).encode()


class Mailbox:
    """One message at most, handed out once; `polled` tells that it was asked, and the request is held from then on."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.message: dict[str, str] | None = None
        self.polls = 0
        self.polled = asyncio.Event()

    def poll(self, _request: Request) -> Output:
        """Hand the message out, or wait."""
        self.polls += 1
        self.polled.set()
        message, self.message = self.message, None
        if message is None:
            raise Wait("mail", self.timeout_s, {**ANSWER, "Messages": []})
        return {**ANSWER, "Messages": [message]}


def application(mailbox: Mailbox) -> tuple[Kernel, Application]:
    kernel = Kernel(Store(), WallClock())
    gateway = Gateway(kernel, ToyAuthoriser(), validate)
    gateway.add([Operation("ec2messages", "GetMessages", mailbox.poll)])
    return kernel, build_app(kernel, gateway, credentials, None, {}, logging.getLogger("held"))


class Connection:
    """One HTTP exchange: what the server receives and sends; `hang_up` closes it."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.incoming.put_nowait({"type": "http.request", "body": CALL})
        self.sent: list[Any] = []

    async def send(self, message: Any) -> None:
        """Keep what the server sends."""
        self.sent.append(message)

    def hang_up(self) -> None:
        """Close the connection."""
        self.incoming.put_nowait({"type": "http.disconnect"})

    def open(self, app: Application) -> "asyncio.Task[None]":
        """Start the exchange."""
        target = {"Host": "h", "X-Amz-Target": "EC2WindowsMessageDeliveryService.GetMessages"}
        headers = signed("http://h", "POST", "/", "ec2messages", CALL, target)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": raw}
        return asyncio.ensure_future(app(scope, self.incoming.get, self.send))


def test_who_hangs_up_gets_no_message() -> None:
    """A message that comes after the hang-up stays in the mailbox for the next poll."""

    async def story() -> None:
        mailbox = Mailbox(60)
        kernel, app = application(mailbox)
        connection = Connection()
        held = connection.open(app)
        await mailbox.polled.wait()
        connection.hang_up()
        await held
        mailbox.message = {"MessageId": "m", "Destination": "i-1", "CreatedDate": "d", "Topic": "t"}
        kernel.announce("mail")
        assert (connection.sent, mailbox.polls, len(app._held)) == ([], 1, 0)
        assert mailbox.message is not None

    asyncio.run(story())


def test_an_announcement_for_somebody_else_keeps_it_waiting() -> None:
    """Asked again after each announcement, until there is something."""

    async def story() -> None:
        mailbox = Mailbox(60)
        kernel, app = application(mailbox)
        connection = Connection()
        held = connection.open(app)
        await mailbox.polled.wait()
        kernel.announce("mail")
        mailbox.polled.clear()
        await mailbox.polled.wait()
        mailbox.message = {"MessageId": "m", "Destination": "i-1", "CreatedDate": "d", "Topic": "t"}
        kernel.announce("mail")
        await held
        assert json.loads(connection.sent[1]["body"])["Messages"][0]["MessageId"] == "m"

    asyncio.run(story())


def test_when_time_is_up_the_answer_is_the_empty_one() -> None:
    """The handler says how long and what then."""

    async def story() -> None:
        _, app = application(Mailbox(0.01))
        connection = Connection()
        await connection.open(app)
        assert json.loads(connection.sent[1]["body"]) == {**ANSWER, "Messages": []}

    asyncio.run(story())
