"""One node from the inside: process 1 of its sandbox. Reaps what ends, hears the host's orders, and runs the agent in threads.

Flow: `run(node, ...)` -> log file -> agent started -> loop: a child ended -> reap; a line from the host (online, offline) -> obey; the
host's end of the pipe closed -> the node ends, and with it every process in it.
Refuses to know: how its root came to be. `root` is / in a sandbox, a folder with isolation "none".
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localorg.node.agent import Agent, Begin, Presence
from localorg.node.associations import Associations
from localorg.node.calls import ControlPlane, InstanceMetadata, NodeIdentity, Plane, SessionSource
from localorg.node.config import HostConfig, NodeConfig
from localorg.node.configure_package import ConfigurePackage, Facts
from localorg.node.control_channel import Opener
from localorg.node.download_content import Bucket, Sources
from localorg.node.gathering import Machine
from localorg.node.message_gateway import MessageGateway
from localorg.node.packages_api import Get, http_get
from localorg.node.parameter_store import ParameterStore
from localorg.node.persona import Platform, detect
from localorg.node.processes import Processes, Runner
from localorg.node.registration import Registration
from localorg.node.repository import Repository
from localorg.node.scripts import base_environment
from localorg.node.software_inventory import SoftwareInventory
from localorg.node.storing import Objects, OutputStore
from localorg.node.worker import Worker

AGENT_FOLDER = "var/lib/amazon/ssm"
LOG_FILE = "var/log/amazon/ssm/amazon-ssm-agent.log"


@dataclass(frozen=True)
class Root:
    """Where a node's files are, and whether they are a root of its own."""

    path: Path
    sandboxed: bool

    @property
    def working_folder(self) -> Path:
        """Return where commands run that name no folder. AWS: commands of the stock agent start in /usr/bin."""
        return self.path / "usr/bin" if self.sandboxed else self.path


def run(node: NodeConfig, settings: HostConfig, root: Root, orders: int) -> int:
    """Be the node until the host closes its end of `orders`. Returns the exit code."""
    processes = Processes()
    woken, wake = os.pipe()
    for descriptor in (woken, wake):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # not SIG_IGN: programs that are started would inherit it
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    _redirect_output(root.path / LOG_FILE, orders)
    identity = NodeIdentity(node.instance_id, node.account, node.region, settings.endpoint, node.secret)
    plane = ControlPlane(identity, _session_source(node, identity, root))
    gateway: MessageGateway | None = None
    if node.channel == "control-channel" and settings.message_gateway is not None:
        gateway = MessageGateway(settings.message_gateway, identity, plane.sign, plane.forget_session)
    agent = make_agent(node, root, Ways(plane, processes, objects=plane, s3=plane, gateway=gateway))
    agent.set_online(online=node.online)
    agent.start()
    return _obey(agent, processes, orders, woken)


def _session_source(node: NodeConfig, identity: NodeIdentity, root: Root) -> SessionSource:
    """An instance asks its metadata service for credentials; a machine outside EC2 registers, and then proves itself by its key."""
    if not node.is_hybrid:
        return InstanceMetadata(identity)
    return Registration(identity, root.path / AGENT_FOLDER, node.activation_id, node.activation_code)


def _redirect_output(log: Path, orders: int) -> None:
    """Let the node hold nothing of the host's: its streams are its own log and its own /dev/null."""
    log.parent.mkdir(parents=True, exist_ok=True)
    null, own = os.open("/dev/null", os.O_RDWR), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    os.dup2(null, 0)
    os.dup2(own, 1)
    os.dup2(own, 2)
    for descriptor in (null, own):
        if descriptor > 2 and descriptor != orders:
            os.close(descriptor)


def log_line(text: str) -> None:
    """Write a line into the node's log."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    os.write(2, f"{moment} {text}\n".encode())


@dataclass(frozen=True)
class Ways:
    """How an agent reaches the world outside its root. Other ways than a machine's let it live in somebody else's process and time."""

    plane: Plane
    processes: Runner
    log: Callable[[str], None] = log_line
    now: Callable[[], float] = time.time
    get: Get = http_get
    objects: Objects | None = None
    """S3, for the output of commands; None: there is no way to it."""
    s3: Bucket | None = None
    """S3, for content that is downloaded."""
    gateway: Opener | None = None
    """Where control channels are opened; None: messages are polled."""


def make_agent(node: NodeConfig, root: Root, ways: Ways, begin: Begin | None = None) -> Agent:
    """Put an agent together for `node`."""
    base = root.path / AGENT_FOLDER
    facts = Facts(
        instance_id=node.instance_id,
        account=node.account,
        region=node.region,
        architecture=node.architecture,
        init_system=_init_system(root.path),
        platform=lambda: _detected(root.path),
    )
    environment = base_environment(node.instance_id, node.region, node.platform_name, node.platform_version)
    if not root.sandboxed:
        environment |= {"HOME": str(root.path), "LOCALORG_NODE_ROOT": str(root.path)}
    worker = Worker(
        processes=ways.processes,
        packages=ConfigurePackage(
            ways.plane, Repository(base, ways.now), facts, ways.log, ways.now, ways.get, node.upgrade_refetch
        ),
        inventory=SoftwareInventory(ways.plane, Machine(node.ip_address), base / node.instance_id / "inventory", ways.now),
        output=OutputStore(ways.objects, ways.log),
        folder=base / node.instance_id / "document/orchestration",
        working_folder=root.working_folder,
        environment=environment,
        resolve=ParameterStore(ways.plane).resolved,
        sources=Sources(ways.plane, ways.s3),
        now=ways.now,
    )
    presence = Presence(
        node.platform_name,
        node.platform_version,
        node.platform_type,
        node.computer_name,
        node.ip_address,
        "" if node.is_hybrid else f"{node.region}a",
    )
    associations = Associations(ways.plane, worker, base / node.instance_id / "associations", ways.log, ways.now)
    worker.refresh = associations.refresh
    return Agent(
        *(ways.plane, worker, presence, base, ways.log),
        now=ways.now,
        begin=begin,
        associations=associations,
        gateway=ways.gateway,
    )


def _detected(root: Path) -> Platform:
    release = root / "etc/os-release"
    return detect((release if release.exists() else root / "usr/lib/os-release").read_text(encoding="utf-8"))


def _init_system(root: Path) -> str:
    # AWS: osdetect DetectInitSystem asks programs for their version; a node has the host's programs, but nothing runs as init.
    return "systemd" if (root / "usr/bin/systemctl").exists() else "docker"


def _obey(agent: Agent, processes: Processes, orders: int, woken: int) -> int:
    pending = b""
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            processes.reap()
        if orders in ready:
            chunk = os.read(orders, 4096)
            if not chunk:
                return 0
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                if line in {b"online", b"offline"}:
                    agent.set_online(online=line == b"online")
