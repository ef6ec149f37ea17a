"""A tiny organization behind the real front: two accounts, a few toy operations, S3; in a thread, or as a process of its own.

python toy.py STATE_DIRECTORY       serves until killed; prints its port
"""

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import Access, ApiCall, Operation, Output, Principal, Request, Wait
from localorg.protocol.gateway import Gateway
from localorg.protocol.http import WireRequest, WireResponse
from localorg.protocol.validate import validate
from localorg.server.asgi import Application, build_app
from localorg.server.borrowed import Borrowed
from localorg.server.pump import Pump, WallClock
from localorg.server.replies import Reply

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
OWNER, GUEST = "111111111111", "222222222222"


class ToyAuthoriser:
    """Everybody may do what is not forbidden; across accounts a bucket policy must be there."""

    def __init__(self) -> None:
        self.forbidden: set[str] = set()
        self.asked: list[Access] = []

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Raise AccessDenied for a forbidden action, or for another account's resource without a policy."""
        self.asked.append(access)
        foreign = access.owner not in {"", principal.account}
        if access.action in self.forbidden or (foreign and not access.resource_policy):
            raise AccessDenied(
                f"User: {principal.arn} is not authorized to perform: {access.action} on resource: {access.resource}"
            )


def credentials(key: str) -> tuple[str, str | None, float | None, Principal] | None:
    """Keys of the toy: AKIDOWNER, AKIDGUEST, ASIASESSION (token `token`), ASIAEXPIRED (expired long ago)."""
    account = GUEST if key == "AKIDGUEST" else OWNER
    principal = Principal("user", account, f"arn:aws:iam::{account}:user/toy", access_key=key)
    match key:
        case "AKIDOWNER" | "AKIDGUEST":
            return SECRET, None, None, principal
        case "ASIASESSION":
            return SECRET, "token", 9_999_999_999.0, principal
        case "ASIAEXPIRED":
            return SECRET, "token", 1_000_000_000.0, principal
        case _:
            return None


class ToyPolicies:
    """Refuses the one policy that tests send to be refused."""

    def kept(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document as it is. Raises AwsError."""
        if "Colour" in document:
            raise AwsError("MalformedPolicyDocument", "Unknown field Colour")
        return dict(document)

    def shown(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document as it is."""
        return dict(document)


class Toy:
    """The organization and its server."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.endpoint = ""
        self.port = 0
        self.replies: list[dict[str, Any]] = []
        self.authoriser = ToyAuthoriser()
        self.kernel: Kernel
        self.gateway: Gateway
        self.app: Application
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._server: uvicorn.Server
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)

    def start(self) -> "Toy":
        """Serve in a thread; returns when the port answers."""
        self._thread.start()
        self._ready.wait(30)
        return self

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        self._loop.call_soon_threadsafe(self.app.close)
        self._server.should_exit = True
        self._thread.join(30)

    def on_loop(self, action: Callable[[], Any]) -> Any:
        """Run `action` on the loop's thread and return what it returns."""

        async def run() -> Any:
            return action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    async def serve(self) -> None:
        """Build everything on this loop and serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        self.state.mkdir(parents=True, exist_ok=True)
        log = logging.getLogger("toy")
        self.kernel = Kernel(Store(self.state / "toy.db"), WallClock(), Settings(regions=("us-east-1", "eu-west-1")))
        self.kernel.on("toy", lambda event: self.replies.append({"name": event.name, **event.data}))
        borrowed = Borrowed(self.kernel, self.state / "s3", ToyPolicies(), self._loop.call_soon_threadsafe, log)
        self.gateway = Gateway(self.kernel, self.authoriser, validate, borrowed)
        self.gateway.add(self._operations())
        borrowed.start()
        self.app = build_app(self.kernel, self.gateway, credentials, borrowed, {"/_toy/": self._route}, log)
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="error", lifespan="off"))
        pump = Pump(self.kernel, log)
        pumping = asyncio.create_task(pump.run())
        self._loop.call_soon(self._ready.set)
        self._loop.call_soon(lambda: print(self.port, flush=True))
        await self._server.serve([listening])
        pump.stop()
        await pumping
        borrowed.close()
        self.kernel.store.close()

    def submit(self, operation: str, params: dict[str, Any]) -> None:
        """Let an engine call S3; the outcome arrives in `replies`."""
        principal = Principal("role", OWNER, f"arn:aws:sts::{OWNER}:assumed-role/engine/toy")
        call = ApiCall(principal, "us-east-1", "s3", operation, params)
        self.on_loop(lambda: self.gateway.submit(call, Event("toy", operation, {"tag": 7})))

    def _operations(self) -> list[Operation]:
        return [
            Operation(
                "ssm", "DescribeDocument", lambda request: {"Document": {"Name": request.params["Name"], "CreatedDate": 1.5}}
            ),
            Operation("ssm", "GetParameter", self._defective),
            Operation(
                "ssm", "RegisterManagedInstance", lambda request: {"InstanceId": f"mi-{request.principal.kind}"}, lambda _: []
            ),
            Operation("ec2messages", "GetMessages", self._messages),
            Operation("sts", "GetCallerIdentity", self._identity),
            Operation("iam", "ListRoles", lambda request: {"Roles": [], "IsTruncated": False}),
            Operation("ec2", "DescribeInstances", lambda request: {"Reservations": []}),
            Operation("resource-groups", "ListGroups", lambda request: {"GroupIdentifiers": [{"GroupName": "g"}]}),
        ]

    @staticmethod
    def _defective(_request: Request) -> Output:
        raise KeyError("a defect with a secret in it")

    @staticmethod
    def _identity(request: Request) -> Output:
        return {"Account": request.account, "Arn": request.principal.arn, "UserId": request.region}

    def _messages(self, request: Request) -> Output:
        empty = {
            "Destination": request.params["Destination"],
            "MessagesRequestId": request.params["MessagesRequestId"],
            "Messages": [],
        }
        waiting = self.kernel.store.table("toy.message", dict)
        message = waiting.get(request.params["Destination"])
        if message is None:
            raise Wait("toy.message", 20.0, empty)
        return {**empty, "Messages": [message]}

    @staticmethod
    async def _route(request: WireRequest) -> Reply:
        return WireResponse(200, {"content-type": "text/plain"}, request.headers.get("authorization", "none").encode())


if __name__ == "__main__":
    asyncio.run(Toy(Path(sys.argv[1])).serve())
