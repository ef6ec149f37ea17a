"""A whole organization in memory behind the real front: every engine, the real evaluator and models, rows in a file, virtual time."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server.fuzz.guesses import COMMAND, HUB, MEMBER, NODE, OUTSIDER, REGION, RUNBOOK, SUSPENDED, TRUST

from localorg.fleet.records import NodeSeed
from localorg.instances.records import InstanceSeed
from localorg.kernel.blobs import Blobs
from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.organization.records import AccountSeed, OrganizationSeed, UnitSeed
from localorg.protocol.calls import ApiCall, Principal, ScriptJob
from localorg.protocol.models import operation_model, protocol_of, service_model
from localorg.server.asgi import build_app
from localorg.server.engines import wire_engines

START = 1_800_000_000.0
PATIENCE_S = 20
"""Nothing here takes a tenth of a second; what takes this long would take for ever."""


class NoScripts:
    """A script worker that runs nothing: every script ends at once."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def start(self, job: ScriptJob) -> None:
        outcome = {"ok": True, "payload": {}, "log": ""}
        self.kernel.post(Event(job.reply.engine, job.reply.name, {**job.reply.data, **outcome}))

    def stop(self, reply: Event) -> None:
        """Nothing runs."""


class WatchedStore(Store):
    """Rows that note what a kill right after a commit would lose: events that were posted beside them and not delivered yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.watch: Callable[[], list[str]] = list
        self.lost: list[str] = []

    def commit(self) -> None:
        self.lost += self.watch()
        super().commit()


class Hang(Exception):
    """A call that does not come back."""


class House:
    """The organization, and a way to knock at its door."""

    def __init__(self, state: Path) -> None:
        settings = Settings(regions=(REGION, "us-east-1"), long_poll_s=0.0, document_creating_s=0.0)
        store = WatchedStore(state)
        self.kernel = Kernel(store, VirtualClock(START), settings)
        store.watch = lambda: [event.name for _, _, alarm, event in self.kernel._heap if alarm is None]
        self.engines = wire_engines(self.kernel, Blobs(), NoScripts(self.kernel), lambda _identity: None)
        self.log: list[str] = []
        log = logging.Logger("fuzz")
        log.addHandler(_Keeper(self.log))
        self._seed()
        self.engines.identity.bootstrap_account(HUB)
        self.principals = {"user": Principal("root", HUB, f"arn:aws:iam::{HUB}:root"), "node": self._node()}
        self.who = "user"
        self.loop = asyncio.new_event_loop()
        self.app = build_app(self.kernel, self.engines.gateway, self._credentials, None, {}, log)
        self._furnish()

    def _credentials(self, _key: str) -> tuple[str, str | None, float | None, Principal]:
        return "secret", None, None, self.principals[self.who]

    def _seed(self) -> None:
        accounts = (AccountSeed(HUB, "hub", "h@x.com", "r-abcd"), AccountSeed(MEMBER, "member", "m@x.com", "ou-abcd-11111111"))
        closed = AccountSeed(SUSPENDED, "closed", "c@x.com", "ou-abcd-11111111", "SUSPENDED")
        units = (UnitSeed("ou-abcd-11111111", "Workloads", "r-abcd"),)
        outsiders = (AccountSeed(OUTSIDER, "outsider", "o@x.com", ""),)
        self.engines.organization.seed(
            OrganizationSeed("o-example001", "r-abcd", HUB, units, (*accounts, closed), outsiders=outsiders)
        )
        self.engines.identity.bootstrap_node_role(HUB)
        self.engines.instances.add_instance(InstanceSeed(NODE, HUB, REGION, "10.0.0.1", "node", profile="localorg-node"))
        platform = ("Linux", "Debian GNU/Linux", "12")
        self.engines.fleet.register(NodeSeed(NODE, HUB, REGION, "node", "10.0.0.1", *platform, "localorg-node"))

    def _node(self) -> Principal:
        keys = self.engines.identity.node_session(HUB, "localorg-node", NODE, REGION)
        return self.engines.identity.sessions.principal(keys["AccessKeyId"])

    def _furnish(self) -> None:
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("iam", "CreateRole", {"RoleName": "hub-role", "AssumeRolePolicyDocument": TRUST}),
            ("ssm", "CreateDocument", {"Name": "Greet", "Content": COMMAND, "DocumentType": "Command"}),
            ("ssm", "CreateDocument", {"Name": "Runbook", "Content": RUNBOOK, "DocumentType": "Automation"}),
            ("ssm", "SendCommand", {"DocumentName": "Greet", "InstanceIds": [NODE]}),
            ("ssm", "StartAutomationExecution", {"DocumentName": "Runbook"}),
        ]
        for service, operation, params in calls:
            self.engines.gateway.invoke(ApiCall(self.principals["user"], REGION, service, operation, params))
            self.kernel.run_until(self.kernel.now() + 1)
        self._furnish_keys()

    def _furnish_keys(self) -> None:
        def call(operation: str, **params: Any) -> dict[str, Any]:
            return self.engines.gateway.invoke(ApiCall(self.principals["user"], REGION, "kms", operation, params))

        made = call("CreateKey", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        call("CreateAlias", AliasName="alias/release", TargetKeyId=made["KeyId"])

    def lost(self) -> list[str]:
        """Return the events that a kill at the worst moment would have lost."""
        store = self.kernel.store
        assert isinstance(store, WatchedStore)
        return store.lost

    def knock(self, service: str, operation: str, params: dict[str, Any]) -> tuple[int, str]:
        """Send one call over the wire; return status and answer. Raises Hang."""
        self.who = "node" if service == "ec2messages" else "user"
        path, headers, body = wire_form(service, operation, params)
        name = service_model(service).signing_name
        request = AWSRequest("POST", f"http://127.0.0.1{path}", headers, body)
        SigV4Auth(Credentials("AKID", "secret"), name, REGION).add_auth(request)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        raw = [(name.lower().encode(), str(value).encode()) for name, value in request.headers.items()]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": raw}
        previous = signal.signal(signal.SIGALRM, _hang)
        signal.alarm(PATIENCE_S)
        try:
            self.loop.run_until_complete(self.app(scope, receive, send))
            self.kernel.step()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise Hang


class _Keeper(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self.kept = kept
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.kept.append(self.format(record))


def wire_form(service: str, operation: str, params: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Return (path, headers, body) of a call, whatever its parameters are: no serialiser of a client would send most of them."""
    model = service_model(service).metadata
    headers = {"host": "127.0.0.1"}
    match protocol_of(service):
        case "json":
            headers |= {
                "x-amz-target": f"{model['targetPrefix']}.{operation}",
                "content-type": f"application/x-amz-json-{model['jsonVersion']}",
            }
            return "/", headers, _json(params)
        case "query" | "ec2":
            flat = dict(_flat(params, "" if protocol_of(service) == "query" else None))
            form = urlencode({"Action": operation, "Version": model["apiVersion"], **flat}, errors="replace")
            return "/", headers | {"content-type": "application/x-www-form-urlencoded"}, form.encode()
        case _:
            return str(operation_model(service, operation).http["requestUri"]), headers, _json(params)


def _json(params: dict[str, Any]) -> bytes:
    return json.dumps(params, default=lambda value: value.decode("latin-1")).encode()


def _flat(value: Any, style: str | None, prefix: str = "") -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, style, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _flat(item, style, f"{prefix}.member.{number}" if style is not None else f"{prefix}.{number}")
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value, default=str)
