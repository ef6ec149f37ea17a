"""The simulation: an organization that lives in virtual time, and how a test or a study lets time pass in it.

    simulation = Simulation(spec, folder, seed=1, readings={"runbook-lookup": "strict"})
    simulation.client("ssm").create_association(...)
    simulation.until(lambda: ..., within_s=3600)
    simulation.run_for(30 * DAY_S)

Flow: events of the kernel in order of time -> work outside (scripts, S3) between two turns -> the next event. Nothing happens while
nobody lets time pass, but for the calls of clients.
Rules: one seed, one history: ids, secrets, order and call log are the same in every run. S3 is moto's, whose state
belongs to the process, so one simulation at a time uses it. A handler's defect is raised at once.
"""

import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import boto3
import botocore.session

from localorg.identity.service import Identity
from localorg.kernel.blobs import Blobs
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.readings import chosen
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.gateway import CallRecord
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server import moto_app
from localorg.server.asgi import build_app
from localorg.server.borrowed import Borrowed
from localorg.server.engines import Engines, wire_engines
from localorg.server.seeding import NODE_ROLE, NodeRecord, node_records, seed_node, welcome_new_accounts
from localorg.server.seeding import seed as seed_organization
from localorg.server.simulation.front import Front
from localorg.server.simulation.nodes import AgentNode
from localorg.server.simulation.outside import InlineExecutor, InlineScripts, Outside
from localorg.server.simulation.virtual import VirtualNode
from localorg.server.spec import Spec

ENDPOINT = "http://127.0.0.1:4599"
HELD_POLL_S = 3600.0
"""The server holds a poll for 15 s. Held for longer, a month has fewer turns and no other outcome: the health report of each five minutes
shows that a node is there, and a message wakes a poll however long it is held."""
DAY_S = 86_400.0
START_S = 1_798_761_600.0
"""2027-01-01T00:00:00Z."""
NodeKind = Literal["agents", "virtual"]
SimulatedNode = AgentNode | VirtualNode


class DefectError(AssertionError):
    """A handler of an engine failed: a defect of localorg, with its traceback."""


class Simulation:
    """One organization in virtual time. `folder` holds the nodes' roots and S3's objects; use as a context manager."""

    def __init__(
        self,
        spec: Spec,
        folder: Path,
        *,
        seed: int = 0,
        readings: Mapping[str, str] | None = None,
        nodes: NodeKind = "agents",
        start_s: float = START_S,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.clock = VirtualClock(start_s)
        settings = Settings(
            partition=spec.partition,
            regions=spec.regions,
            endpoint=ENDPOINT,
            long_poll_s=HELD_POLL_S,
            readings=chosen(f"{question}={reading}" for question, reading in (readings or {}).items()),
        )
        self.kernel = Kernel(Store(), self.clock, settings, seed)
        self._outside = Outside(self.kernel)
        self._kind = nodes
        self._log = logging.getLogger("localorg.simulation")
        scripts = InlineScripts(self.kernel, self._outside)
        self.engines, self._borrowed = self._wire(scripts)
        self._fingerprint = hashlib.sha256()
        self.calls = 0
        """How many calls have passed the gateway."""
        self.engines.gateway.on_record = self._remember
        identity = self.engines.identity
        app = build_app(
            self.kernel, self.engines.gateway, identity.credentials, self._borrowed, {}, self._log, admit=identity.admit
        )
        self._front = Front(app, self._meanwhile)
        scripts.lend_session = self._front.lent
        self._clients: dict[tuple[str, str, str], Any] = {}
        self.nodes: dict[str, SimulatedNode] = {}
        """Every node by its name in the spec."""
        self._seed()

    def _wire(self, scripts: InlineScripts) -> tuple[Engines, Borrowed]:
        made: list[Borrowed] = []

        def borrow(identity: Identity) -> Borrowed:
            policies = identity.resource_policies
            made.append(Borrowed(self.kernel, self.folder / "s3", policies, self._outside.later, self._log, InlineExecutor()))
            return made[0]

        return wire_engines(self.kernel, Blobs(), scripts, borrow, self._random_text), made[0]

    def _random_text(self, count: int) -> str:
        return base64.urlsafe_b64encode(self.kernel.dice.randbytes(count)).decode().rstrip("=")

    def _seed(self) -> None:
        moto_app.forget("s3")
        self._borrowed.start()
        records, changes = node_records(self.spec, self.kernel.store)
        seed_organization(self.engines, self.spec, records, changes)
        welcome_new_accounts(self.engines)
        for bucket in self.spec.buckets:
            self._borrowed.ensure_bucket(bucket.account, bucket.region, bucket.name)
        for record in records:
            self._start_node(record)

    def _start_node(self, record: NodeRecord) -> SimulatedNode:
        if record.name in self.nodes:
            raise ValueError(f"two nodes are called {record.name}; in a simulation nodes are known by their names")
        if record.channel != "polls":
            # A websocket lives on a real network and in real time; here agents are called by the kernel's events.
            raise NotSupported(f"nodes[].channel: {record.channel} (node {record.name})", "a simulation, whose nodes poll")
        node: SimulatedNode
        root = self.folder / "nodes" / record.instance_id
        if self._kind == "agents":
            node = AgentNode(self.engines, record, root, self._outside.work, self._front.lent)
        else:
            node = VirtualNode(self.engines, record)
        self.nodes[record.name] = node
        if record.online:
            node.online()
        return node

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what the process holds for this simulation."""
        self._front.close()
        self._borrowed.close()
        moto_app.forget("s3")

    def _meanwhile(self) -> None:
        """Do what a held request waits for, while virtual time stands still."""
        self._outside.do_all()
        self.kernel.step()

    # Who asks

    def session(self, account: str = "", region: str = "") -> boto3.Session:
        """Return a boto3 session of an account's administrator; the management account's by default."""
        return self._front.session(self._administrator(account), region or self.spec.regions[0])

    def seat(self, core: botocore.session.Session, account: str = "", region: str = "") -> None:
        """Let the botocore session of another tool, such as the aws CLI's, ask here as an account's administrator."""
        self._front.seat(core, self._administrator(account), region or self.spec.regions[0])

    def _administrator(self, account: str) -> dict[str, str]:
        key = self.engines.identity.bootstrap_account(account or self.spec.organization.management.id)
        return {"AccessKeyId": key.id, "SecretAccessKey": key.secret}

    def session_of(self, key_id: str, secret: str, region: str) -> boto3.Session:
        """Return a boto3 session of somebody with an access key."""
        return self._front.session({"AccessKeyId": key_id, "SecretAccessKey": secret}, region)

    def client(self, service: str, account: str = "", region: str = "") -> Any:
        """Return a boto3 client of an account's administrator."""
        place = (service, account, region)
        if place not in self._clients:
            self._clients[place] = self.session(account, region).client(service)
        return self._clients[place]

    def ask(self, request: WireRequest) -> WireResponse:
        """Answer a request as it comes over the wire, for whoever opens a port of its own."""
        return self._front.ask(request)

    # Who is there

    def add_node(self, account: str, region: str, persona: str, name: str) -> SimulatedNode:
        """Let a new node join an account and come online."""
        digest = hashlib.sha256(f"{self.spec.organization.id}/{account}/{region}/{name}".encode()).hexdigest()
        serial = len(self.nodes) + 1
        address = f"10.{128 | (serial >> 16 & 127)}.{serial >> 8 & 255}.{serial & 255}"
        record = NodeRecord(
            f"i-{digest[:17]}", account, region, persona, name, online=True, tags={"Name": name}, ip_address=address
        )
        self.engines.identity.bootstrap_node_role(account, NODE_ROLE)
        seed_node(self.engines, record)
        return self._start_node(record)

    def root(self, name: str) -> Path:
        """Return the root folder of a node that has one. Raises TypeError for a virtual node."""
        node = self.nodes[name]
        if not isinstance(node, AgentNode):
            raise TypeError(f"{name} is a virtual node: it has no files")
        return node.root

    # How time passes

    def now(self) -> float:
        """Return the virtual time in epoch seconds."""
        return self.clock.now()

    def run_for(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.run_until(self.now() + seconds)

    def run_until(self, moment: float) -> None:
        """Let virtual time pass until `moment`. Raises DefectError."""
        while True:
            self._outside.do_all()
            self.kernel.run_until(moment)
            if self.kernel.faults:
                raise DefectError("\n".join(self.kernel.faults))
            if not self._outside.waiting and self.now() >= moment:
                return

    def until(self, is_so: Callable[[], object], within_s: float, every_s: float = 5.0) -> None:
        """Let virtual time pass until `is_so` (asked every few virtual seconds). Raises TimeoutError."""
        limit = self.now() + within_s
        while not is_so():
            if self.now() >= limit:
                raise TimeoutError(f"it was not so within {within_s:.0f} s of virtual time")
            self.run_until(min(limit, self.now() + every_s))

    # What has been

    def _remember(self, record: CallRecord) -> None:
        self.calls += 1
        self._fingerprint.update(repr(record).encode())

    def fingerprint(self) -> str:
        """Return a digest of every call so far, in order, with its time, caller, resource and verdict."""
        return self._fingerprint.hexdigest()
