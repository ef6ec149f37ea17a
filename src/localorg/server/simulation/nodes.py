"""Nodes without a machine: they speak the agent's messages in virtual time, driven by the kernel's events.

`AgentNode` is our own agent (document, worker, package plugin, installer) over a transport in this process, with a folder as its root: its
scripts really run, on this machine and as its user, and are told the folder in LOCALORG_NODE_ROOT. `virtual.VirtualNode` has no files.

Flow: online -> UpdateInstanceInformation, and again each five minutes; GetMessages, held by the topic that the fleet announces; a document
runs `duration_s` after it was heard, and all its replies follow at once.
Rules: pings, polls and backoff are alarms of the kernel; a turn of a node never blocks but for a script, during which time stands still.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.exceptions import ClientError

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.node.agent import HEALTH_INTERVAL_S, Agent
from localorg.node.calls import CallRefusedError, NodeIdentity, Unreachable
from localorg.node.config import NodeConfig
from localorg.node.machine import Root, Ways, make_agent
from localorg.node.packages_api import Sink
from localorg.node.persona import os_release_text
from localorg.node.processes import WaitingRunner
from localorg.protocol.calls import ApiCall, Principal, Wait
from localorg.server.engines import Engines
from localorg.server.seeding import NODE_ROLE, NodeRecord
from localorg.server.simulation.outside import LendSession

RETRY_S = 15.0
"""AWS agent: a poll that failed is tried again after seconds that double up to about this."""
DURATION_S = 2.0
"""How much virtual time a document takes. A stock agent needs a moment, and somebody may cancel in it."""


@dataclass
class InProcessPlane:
    """The control plane as a simulated node reaches it: the gateway itself, under the node's own session."""

    engines: Engines
    record: NodeRecord
    identity: NodeIdentity = field(init=False)
    is_reachable: bool = True
    _credentials: dict[str, Any] = field(default_factory=dict)
    _principal: Principal | None = None
    _renew_at: float = 0.0
    _is_registered: bool = False

    def __post_init__(self) -> None:
        record = self.record
        self.identity = NodeIdentity(record.instance_id, record.account, record.region, "", record.secret)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call Systems Manager. Raises CallRefusedError, Unreachable."""
        return self._attempt("ssm", operation, parameters)

    def message(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call the message delivery service. Raises CallRefusedError, Unreachable, and Wait when there is no message yet."""
        return self._attempt("ec2messages", operation, parameters)

    def _attempt(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if not self.is_reachable:
            raise Unreachable("the node has no network")
        call = ApiCall(self._current(), self.record.region, service, operation, dict(parameters), source="wire")
        try:
            return self.engines.gateway.attempt(call)
        except AwsError as refusal:
            raise CallRefusedError(refusal.code, refusal.message) from refusal

    def _current(self) -> Principal:
        """Return the node's session, renewed at half of its life as the agent renews its credentials."""
        now = self.engines.kernel.now()
        if self._principal is None or now >= self._renew_at:
            identity = self.engines.identity
            try:
                fresh = self._fresh_session()
            except AwsError as refusal:
                raise Unreachable(f"the node gets no credentials: {refusal}") from refusal
            self._credentials = fresh
            self._principal = identity.sessions.principal(fresh["AccessKeyId"])
            self._renew_at = now + (fresh["Expiration"] - now) / 2
        return self._principal

    def _fresh_session(self) -> dict[str, Any]:
        record = self.record
        if not record.hybrid:
            return self.engines.identity.node_session(record.account, NODE_ROLE, record.instance_id, record.region)
        if not self._is_registered:
            self._register()
        _, node = self.engines.fleet.hybrid.key(record.instance_id, record.region)
        asked = {"Fingerprint": record.instance_id}
        answer = self.engines.gateway.invoke(
            ApiCall(node, record.region, "ssm", "RequestManagedInstanceRoleToken", asked, "wire")
        )
        return {**answer, "Expiration": answer["TokenExpirationDate"]}

    def _register(self) -> None:
        record = self.record
        params = {
            "ActivationId": record.activation_id,
            "ActivationCode": record.activation_code,
            "Fingerprint": record.instance_id,
            # Nothing is signed inside one process: any text in the form of a key will do.
            "PublicKey": base64.b64encode(record.secret.encode() * 8).decode(),
            "PublicKeyType": "Rsa",
        }
        anonymous = Principal("anonymous", "", "anonymous")
        self.engines.gateway.invoke(ApiCall(anonymous, record.region, "ssm", "RegisterManagedInstance", params, "wire"))
        self._is_registered = True

    def credentials(self) -> dict[str, Any]:
        """Return what the instance metadata service would: the keys of the node's session. Raises Unreachable."""
        self._current()
        return self._credentials

    def get(self, url: str, sink: Sink) -> tuple[int, str]:
        """Download an attachment."""
        parts = urlsplit(url)
        try:
            found = self.engines.documents.download(parts.path, dict(parse_qsl(parts.query)), self.engines.kernel.now())
        except AwsError as refusal:
            return refusal.status, refusal.code
        sink.write(found.read_bytes() if isinstance(found, Path) else found)
        return 200, "OK"


@dataclass(frozen=True)
class InProcessObjects:
    """S3 as a simulated node reaches it: by a boto3 client whose calls stay in this process."""

    plane: InProcessPlane
    lend_session: LendSession

    def put_object(self, bucket: str, key: str, path: Path) -> None:
        """Store a file in S3 as the node. Raises CallRefusedError, Unreachable, OSError."""
        with self.lend_session(self.plane.credentials(), self.plane.record.region) as session:
            try:
                body, acl = path.read_bytes(), "bucket-owner-full-control"
                session.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ACL=acl)
            except ClientError as refused:
                error = refused.response["Error"]
                raise CallRefusedError(error["Code"], error["Message"]) from refused


class PollingNode:
    """What all simulated nodes do: say hello, ping, poll, hold a poll, fall silent. Subclasses act on what they hear."""

    def __init__(self, engines: Engines, record: NodeRecord) -> None:
        self.record = record
        self.plane = InProcessPlane(engines, record)
        self.kernel: Kernel = engines.kernel
        self.is_online = False
        self._engine = f"node:{record.instance_id}"
        self._spell = 0
        """Counts the times online: an alarm of an earlier one is not heard."""
        self._polls = 0
        self._is_watching = False
        self.kernel.on(self._engine, self.handle)

    @property
    def instance_id(self) -> str:
        """The node's id."""
        return self.record.instance_id

    def online(self) -> None:
        """Reach the network."""
        self.is_online = self.plane.is_reachable = True
        self._spell += 1
        self._post("ping")
        self._post("poll", number=self._polls)

    def offline(self) -> None:
        """Lose the network; what runs goes on."""
        self.is_online = self.plane.is_reachable = False

    def handle(self, event: Event) -> None:
        """Take a turn."""
        if event.name in {"ping", "poll"}:
            if self.is_online and event.data["spell"] == self._spell:
                self._beat(event)
            return
        self.act(event)

    def _beat(self, event: Event) -> None:
        if event.name == "ping":
            self._tried(self.greet)
            self._alarm(HEALTH_INTERVAL_S, "ping")
        elif event.data["number"] == self._polls:
            self._poll()

    def _poll(self) -> None:
        self._polls += 1
        try:
            is_heard = self._tried(self.listen)
        except Wait as nothing_yet:
            self._watch(nothing_yet.topic)
            self._alarm(nothing_yet.timeout_s, "poll", number=self._polls)
            return
        self._alarm(0.0 if is_heard else RETRY_S, "poll", number=self._polls)

    def _watch(self, topic: str) -> None:
        """Poll again when something is announced. One callback stays however many polls end without anything."""
        if not self._is_watching:
            self._is_watching = True
            self.kernel.wait_on(topic, self._woken)

    def _woken(self) -> None:
        self._is_watching = False
        self._post("poll", number=self._polls)

    @staticmethod
    def _tried(what: Callable[[], object]) -> bool:
        try:
            what()
        except (Unreachable, CallRefusedError):
            return False
        return True

    def _post(self, name: str, **data: Any) -> None:
        self.kernel.post(Event(self._engine, name, {"spell": self._spell, **data}))

    def _alarm(self, delay_s: float, name: str, **data: Any) -> None:
        self.kernel.after(delay_s, Event(self._engine, name, {"spell": self._spell, **data}))

    def greet(self) -> None:
        """Say who and what this node is. Raises Unreachable, CallRefusedError."""
        raise NotImplementedError

    def listen(self) -> None:
        """Ask for messages and act on them. Raises Wait, Unreachable, CallRefusedError."""
        raise NotImplementedError

    def act(self, event: Event) -> None:
        """Take an event of the subclass's own."""
        raise NotImplementedError


class AgentNode(PollingNode):
    """Our own agent in a folder. Its package scripts run on this machine: only packages that honour LOCALORG_NODE_ROOT belong here."""

    def __init__(
        self,
        engines: Engines,
        record: NodeRecord,
        root: Path,
        work: Callable[[Callable[[], None]], None],
        lend_session: LendSession,
    ) -> None:
        super().__init__(engines, record)
        self.root = root
        self._work = work
        self._lend_session = lend_session
        self.duration_s = DURATION_S
        self.lines: list[str] = []
        """The agent's log."""
        self._documents: dict[str, Callable[[], None]] = {}
        self._begun = 0
        self._looks = 0
        self._config = _config(record, engines.kernel.settings.reading("upgrade-refetch"))
        _furnish(root, self._config)
        self.agent = self._boot(self._config)

    def _boot(self, config: NodeConfig) -> Agent:
        objects = InProcessObjects(self.plane, self._lend_session)
        ways = Ways(self.plane, WaitingRunner(), self.lines.append, self.kernel.now, self.plane.get, objects)
        agent = make_agent(config, Root(self.root, sandboxed=False), ways, begin=self._begin)
        agent.new_id = lambda: ids.uuid(self.kernel.dice)
        return agent

    def online(self) -> None:
        """Reach the network; what could not be told is told now."""
        self.agent.online.set()
        super().online()
        self._post("tell")
        self._post("associate", number=self._looks)

    def offline(self) -> None:
        """Lose the network; documents go on, and their replies are kept."""
        super().offline()
        self.agent.online.clear()

    def crash(self) -> None:
        """Kill the agent and start it again: documents under way are lost, and said to be."""
        self._documents.clear()
        self.agent = self._boot(self._config)
        if self.is_online:
            self.agent.online.set()
        self.agent.report_cut_off()
        self._post("tell")
        self._post("associate", number=self._looks)

    def greet(self) -> None:
        """Say who and what this node is."""
        self.agent.register()

    def listen(self) -> None:
        """Ask for messages and act on them."""
        self.agent.poll()
        self._tell()

    def act(self, event: Event) -> None:
        """Run a document, or tell what is kept."""
        if event.name == "associate":
            self._associate(event)
            return
        if event.name == "run" and (document := self._documents.pop(event.data["document"], None)):
            self._work(lambda: self._run(document))
        else:
            self._tell()

    def _run(self, document: Callable[[], None]) -> None:
        """Run a document between two turns: its scripts take real time, and its output may go to S3."""
        document()
        self._post("tell")
        self._post("associate", number=self._looks)

    def _associate(self, event: Event) -> None:
        """Let the agent look after its associations, unless it has looked since."""
        if self.agent.associations is None or not self.is_online or event.data["number"] != self._looks:
            return
        self._looks += 1
        self._work(self._look_after_associations)

    def _look_after_associations(self) -> None:
        """Let the agent run what is due, between two turns, and look again when it says."""
        if self.agent.associations is None:
            return
        try:
            due = self.agent.associations.step()
        except Unreachable:
            due = self.kernel.now() + RETRY_S
        self._alarm(max(0.0, due - self.kernel.now()), "associate", number=self._looks)

    def _begin(self, document: Callable[[], None]) -> None:
        self._begun += 1
        self._documents[str(self._begun)] = document
        self._alarm(self.duration_s, "run", document=str(self._begun))

    def _tell(self) -> None:
        try:
            self.agent.outbox.send_all()
        except Unreachable:
            self._alarm(RETRY_S, "tell")


def _config(record: NodeRecord, upgrade_refetch: str) -> NodeConfig:
    entry = record.as_host_config()
    persona = entry.pop("persona")
    return NodeConfig(**entry, **persona, upgrade_refetch=upgrade_refetch)


def _furnish(root: Path, config: NodeConfig) -> None:
    """Give a node's folder what an agent and our packages look for."""
    for folder in ("etc", "usr/bin", "var/log", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "etc/os-release").write_text(os_release_text(config.os_release), encoding="utf-8")
