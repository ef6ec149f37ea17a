"""The front door: HTTP in, HTTP out. Every request is authenticated here, parsed along the models, and given to the gateway.

Flow: ASGI scope -> body -> extra route (unsigned paths with a proof of their own) or SigV4 -> service and Region from the credential
scope, principal from the credentials -> parse -> gateway.attempt -> serialise. Borrowed services are forwarded raw, after the same
authorisation. A handler that has nothing yet raises `Wait`; the request is then held open until its topic is announced.
Rules: everything of the engines happens on the loop's thread; rows are committed before the answer leaves (requests of one turn of
the loop share a commit); a defect becomes InternalServerError for the caller and a traceback in the server's log, never the reverse.
Refuses to know: what any operation means.
"""

import asyncio
import contextlib
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from typing import Protocol as Interface

from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.protocol import models, parse_query
from localorg.protocol.calls import ApiCall, Output, Principal, Wait
from localorg.protocol.gateway import Gateway
from localorg.protocol.http import WireRequest, WireResponse
from localorg.protocol.parse import operation_of, parse
from localorg.protocol.request_keys import request_keys
from localorg.protocol.serialise import serialise
from localorg.protocol.serialise_error import serialise_error
from localorg.server import node_signature, signature, signature_v2
from localorg.server.control_channel import ControlChannels
from localorg.server.replies import Receive, Reply, Route, Scope, Send, send_reply
from localorg.server.scope import check_region, check_service
from localorg.server.virtual_host import path_style

API_BODY_BYTES_MAX = 8 << 20
"""Far above what any API here takes (a CloudFormation template body is 51,200 bytes), far below what would hurt."""
OBJECT_BODY_BYTES_MAX = 5 << 30
"""AWS: S3 user guide, "Uploading objects": 5 GB in a single PUT."""
ANONYMOUS = frozenset({("ssm", "RegisterManagedInstance")})
"""Operations that are called without a signature; each brings its own proof (an activation code). AWS: seen from the stock agent."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost"})
KEY_SHOWN = 24
"""Characters of an access key in the log: AWS's have 20."""
NOBODY = Principal(kind="anonymous", account="", arn="anonymous")


class BorrowedFront(Interface):
    """The services that another library answers, as the front sees them; see `localorg.server.borrowed`."""

    def serves(self, service: str) -> bool:
        """Say whether `service` is borrowed."""
        ...

    async def forward(
        self, gateway: Gateway, service: str, region: str, caller: signature.Caller, request: WireRequest
    ) -> WireResponse:
        """Authorise and perform a raw request, and keep what it changed. Raises AwsError."""
        ...


class ClientGone(Exception):
    """The caller hung up while its request was held open."""


@dataclass
class _Turn:
    """What is known of one request so far, for its error to be told in the right protocol."""

    request_id: str
    protocol: models.Protocol
    service: str | None = None
    operation: str = "?"
    region: str = ""
    who: Principal = NOBODY
    """Who calls; until the signature is verified, only who it says it is."""
    request: WireRequest | None = None

    def claimed(self, claim: signature.Claim) -> None:
        """Take down what a signature claims."""
        self.region = claim.region
        self.who = replace(NOBODY, arn=f"key {claim.access_key[:KEY_SHOWN]}, not verified")
        self.service = models.service_signed_as(claim.signing_name)
        if self.service is not None:
            self.protocol = models.protocol_of(self.service)


@dataclass
class Application:
    """The ASGI application. `close` ends all held requests, so that a server can stop at once."""

    kernel: Kernel
    gateway: Gateway
    credentials: signature.CredentialLookup
    borrowed: BorrowedFront | None
    routes: Mapping[str, Route]
    log: logging.Logger
    node_keys: node_signature.NodeKeys = node_signature.nobody
    channels: ControlChannels | None = None
    admit: Callable[[str, str, str], None] = lambda _key, _service, _region: None
    """(access key, service, Region) of a call whose signature holds. Raises AwsError when the key may not call the service."""
    wall: Callable[[], float] = time.time
    _held: set["asyncio.Future[bool]"] = field(default_factory=set)
    _commit: "asyncio.Future[None] | None" = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif self.channels is not None:
            await self.channels.serve(_without_body(scope), receive, send, self._identified, self._committed)
        else:
            await send({"type": "websocket.close", "code": 1003})

    def close(self) -> None:
        """Answer every held request now, with what it says when nothing came."""
        for held in list(self._held):
            _resolve(held, outcome=False)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _without_body(scope)
        try:
            reply = await self._reply(request, receive)
        except ClientGone:
            return
        await send_reply(send, reply, head=request.method == "HEAD")

    async def _reply(self, head: WireRequest, receive: Receive) -> Reply:
        turn = _Turn(str(uuid.uuid4()), _guess(head))
        try:
            return await self._dispatch(head, receive, turn)
        except AwsError as refusal:
            self._log_refusal(turn, refusal)
            if refusal.code == "NotImplemented":
                self.log.warning("refused as not implemented: %s", refusal.message)
            return serialise_error(turn.service, turn.protocol, refusal, turn.request_id)
        except ClientGone:
            raise
        except RecursionError:  # only a text that is nested a thousand levels deep inside a parameter leads here
            deep = AwsError("ValidationException", "the request holds a text (JSON or YAML) that is nested too deeply")
            return serialise_error(turn.service, turn.protocol, deep, turn.request_id)
        except Exception:  # the rim of a request: one defect must not take the server down, nor leak to the caller
            self.log.exception("%s:%s failed (request %s)", turn.service, turn.operation, turn.request_id)
            defect = AwsError(
                "InternalServerError", f"localorg failed; its log has the reason under request {turn.request_id}.", 500
            )
            return serialise_error(turn.service, turn.protocol, defect, turn.request_id)

    def _log_refusal(self, turn: _Turn, refusal: AwsError) -> None:
        """Write down what did not come as far as the gateway; what came so far is in the log already."""
        if turn.request is not None and turn.operation == "?" and turn.protocol in {"query", "ec2"}:
            with contextlib.suppress(AwsError):
                turn.operation = parse_query.action(turn.request)
        call = ApiCall(turn.who, turn.region, turn.service or "unknown", turn.operation, source="wire")
        self.gateway.turned_away(call, refusal)

    async def _dispatch(self, head: WireRequest, receive: Receive, turn: _Turn) -> Reply:
        route = self._route(head)
        if route is not None:
            _refuse_foreign_host(head)
            return await route(await _with_body(head, receive, API_BODY_BYTES_MAX))
        turn.operation = head.headers.get("x-amz-target", "").rpartition(".")[2] or "?"
        if signature_v2.is_signed(head):
            turn.service, turn.protocol = "s3", models.protocol_of("s3")
            request = await _with_body(head, receive, OBJECT_BODY_BYTES_MAX)
            region = self.kernel.settings.regions[0]
            caller = signature_v2.verify(request, self.credentials, region, self.wall(), self.kernel.now())
        elif signature.is_signed(head):
            request, caller = await self._signed(head, receive, turn)
        else:
            return await self._unsigned(head, receive, turn)
        turn.who = caller.principal
        service, region = turn.service, caller.claim.region
        if service is not None:
            self.admit(caller.claim.access_key, caller.claim.signing_name, region)
        if service == "ssmmessages" and self.channels is not None:
            return await self.channels.create(caller, request, self._committed)
        if service is None:
            raise NotSupported(f"the service {caller.claim.signing_name}")
        check_region(service, region, self.kernel.settings)
        check_service(service, request)
        if self.borrowed is not None and self.borrowed.serves(service):
            return await self.borrowed.forward(self.gateway, service, region, caller, path_style(request))
        return await self._call(caller.principal, region, request, receive, turn)

    async def _signed(self, head: WireRequest, receive: Receive, turn: _Turn) -> tuple[WireRequest, signature.Caller]:
        claim = signature.claim_of(head)
        turn.claimed(claim)
        request = await _with_body(head, receive, OBJECT_BODY_BYTES_MAX if turn.service == "s3" else API_BODY_BYTES_MAX)
        if node_signature.is_claimed(claim):
            return request, node_signature.verify(request, claim, self.node_keys, self.wall())
        turn.request = request
        return request, signature.verify(request, claim, self.credentials, self.wall(), self.kernel.now())

    def _identified(self, request: WireRequest) -> signature.Caller:
        """Return who signed a request without a body. Raises AwsError."""
        turn = _Turn("", "json", operation="OpenControlChannel")
        try:
            claim = signature.claim_of(request)
            turn.claimed(claim)
            caller = signature.verify(request, claim, self.credentials, self.wall(), self.kernel.now())
            self.admit(claim.access_key, claim.signing_name, claim.region)
        except AwsError as refusal:
            self._log_refusal(turn, refusal)
            raise
        return caller

    def _route(self, head: WireRequest) -> Route | None:
        """An extra route, unless the request is signed (then its path is a bucket's)."""
        if head.headers.get("authorization", "").startswith("AWS4-") or "X-Amz-Signature=" in head.query:
            return None
        return next((route for prefix, route in self.routes.items() if head.path.startswith(prefix)), None)

    async def _unsigned(self, head: WireRequest, receive: Receive, turn: _Turn) -> Reply:
        prefix, _, operation = head.headers.get("x-amz-target", "").rpartition(".")
        turn.service = models.targets().get(prefix)
        if (turn.service, operation) not in ANONYMOUS:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
        request = await _with_body(head, receive, API_BODY_BYTES_MAX)
        # ASSUMED: an agent registers at the endpoint of its Region; on one port the first Region stands for it.
        return await self._call(NOBODY, self.kernel.settings.regions[0], request, receive, turn)

    async def _call(self, principal: Principal, region: str, request: WireRequest, receive: Receive, turn: _Turn) -> Reply:
        service = turn.service or ""
        turn.operation = operation_of(service, request)
        params = parse(service, turn.operation, request)
        call = ApiCall(principal, region, service, turn.operation, params, source="wire", context=request_keys(request))
        try:
            output = await self._attempt(call, receive)
        finally:
            await self._committed()
        return serialise(service, turn.operation, output, turn.request_id)

    async def _attempt(self, call: ApiCall, receive: Receive) -> Output:
        deadline: float | None = None
        gone: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    return self.gateway.attempt(call)
                except Wait as nothing_yet:
                    deadline = deadline or loop.time() + nothing_yet.timeout_s
                    gone = gone or loop.create_task(_hung_up(receive))
                    if not await self._announced(nothing_yet.topic, deadline - loop.time(), gone):
                        return nothing_yet.give_up()
        finally:
            if gone is not None:
                gone.cancel()

    async def _announced(self, topic: str, left_s: float, gone: "asyncio.Task[None]") -> bool:
        """Wait for `topic`; False when time is up or the server closes. Raises ClientGone."""
        if left_s <= 0:
            return False
        held: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._held.add(held)
        self.kernel.wait_on(topic, lambda: _resolve(held, outcome=True))
        try:
            either: list[asyncio.Future[Any]] = [held, gone]
            await asyncio.wait(either, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._held.discard(held)
        if gone.done():
            raise ClientGone
        if not held.done():
            held.cancel()
            return False
        return held.result()

    async def _committed(self) -> None:
        """Return when the rows are on disk; the requests of one turn of the loop share one transaction."""
        loop = asyncio.get_running_loop()
        if self._commit is None:
            self._commit = loop.create_future()
            loop.call_soon(self._commit_now, self._commit)
        await self._commit

    def _commit_now(self, done: "asyncio.Future[None]") -> None:
        self._commit = None
        try:
            # A turn, not only a commit: what the calls posted is not kept in rows, so a kill after a commit without it would lose it.
            self.kernel.step()
        except Exception as error:  # whoever waits for the commit gets its failure  # noqa: BLE001
            done.set_exception(error)
        else:
            done.set_result(None)


def build_app(
    kernel: Kernel,
    gateway: Gateway,
    credentials: signature.CredentialLookup,
    borrowed: BorrowedFront | None,
    routes: Mapping[str, Route],
    log: logging.Logger,
    node_keys: node_signature.NodeKeys = node_signature.nobody,
    channels: ControlChannels | None = None,
    admit: Callable[[str, str, str], None] = lambda _key, _service, _region: None,
) -> Application:
    """Return the ASGI application of one local organization. `routes` maps a path prefix to the handler of its unsigned requests."""
    return Application(kernel, gateway, credentials, borrowed, routes, log, node_keys, channels, admit)


def _resolve(held: "asyncio.Future[bool]", *, outcome: bool) -> None:
    if not held.done():
        held.set_result(outcome)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _without_body(scope: Scope) -> WireRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return WireRequest(
        scope.get("method", "GET"),
        raw_path.partition(b"?")[0].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        headers,
        peer=(scope.get("client") or ("",))[0],
        is_encrypted=scope.get("scheme") in {"https", "wss"},
    )


async def _with_body(head: WireRequest, receive: Receive, bytes_max: int) -> WireRequest:
    """Read the body. Raises RequestEntityTooLarge, but reads to the end first: a client that still sends does not hear a refusal."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size <= bytes_max:
            parts.append(part)
        more = message.get("more_body", False)
    if size > bytes_max:
        raise AwsError(
            "RequestEntityTooLarge", f"the body has {size} bytes, longer than the {bytes_max} bytes that are taken here", 413
        )
    return replace(head, body=parts[0] if len(parts) == 1 else b"".join(parts))


def _refuse_foreign_host(head: WireRequest) -> None:
    """Unsigned routes answer to this machine's own name only: a web page that rebinds its name to 127.0.0.1 sends its own."""
    name = re.sub(r":[0-9]*$", "", head.headers.get("host", ""))
    if name.lower() not in LOOPBACK_NAMES:
        raise AwsError(
            "AccessDeniedException", f"the host {name!r} is not this server; call it {', '.join(sorted(LOOPBACK_NAMES))}", 403
        )


def _guess(head: WireRequest) -> models.Protocol:
    """The protocol for errors to a request whose service is not known (yet)."""
    if "x-amz-target" in head.headers:
        return "json"
    if "x-www-form-urlencoded" in head.headers.get("content-type", "") or "Action=" in head.query:
        return "query"
    if not signature.is_signed(head) and head.method in {"GET", "HEAD", "PUT"} and head.path != "/":
        return "rest-xml"  # as a browser or curl asks for an object
    old = head.headers.get("authorization", "").startswith("AWS ")  # signature version 2, which only S3 ever took
    return "rest-xml" if old or "x-amz-content-sha256" in head.headers or "X-Amz-" in head.query else "rest-json"
