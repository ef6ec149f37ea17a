"""A whole local organization: engines, HTTP application, seeds, control routes and machines, ready to be served.

Flow: options -> kernel on the state directory's rows -> engines -> seeds from the spec -> ASGI application -> (the server listens) ->
machines start -> pump runs until the end.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from localorg.identity.service import Identity
from localorg.kernel.blobs import Blobs
from localorg.kernel.events import Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.asgi import Application, build_app
from localorg.server.borrowed import Borrowed
from localorg.server.call_log import CallLog
from localorg.server.control import PREFIX, ControlRoutes
from localorg.server.control_channel import ControlChannels
from localorg.server.doors import Addresses
from localorg.server.engines import Engines, wire_engines
from localorg.server.launch import UpOptions
from localorg.server.machines import Machines
from localorg.server.operator import Operator
from localorg.server.power_switch import PowerSwitch, is_online
from localorg.server.pump import Pump, WallClock
from localorg.server.replies import FileReply, Reply
from localorg.server.scripts import ScriptWorkers
from localorg.server.seeding import NodeRecord, node_records, seed, welcome_new_accounts
from localorg.server.spec import Spec, load_spec
from localorg.server.state import LocalorgError, StateDirectory

ATTACHMENTS = "/_attachments/"


@dataclass
class LocalOrganization:
    """One organization, from its rows to its machines."""

    app: Application
    engines: Engines
    borrowed: Borrowed
    scripts: ScriptWorkers
    machines: Machines
    pump: Pump
    calls: CallLog
    host_config: dict[str, Any]
    _pumping: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Start what needs the server to answer: the pump and the machines. Raises LocalorgError."""
        self.engines.resume()
        self._pumping = asyncio.create_task(self.pump.run())
        await self.scripts.open()
        await self.machines.start(self.host_config)

    async def stop_machines(self) -> None:
        """Let the nodes and the script workers go."""
        await self.machines.stop()
        await self.scripts.close()
        self.app.close()

    async def close(self) -> None:
        """Keep what there is to keep."""
        self.pump.stop()
        if self._pumping is not None:
            await self._pumping
        self.borrowed.close()
        self.engines.kernel.step()  # rows never reach the file without what was posted beside them
        self.engines.kernel.store.close()
        self.calls.close()


async def assemble(options: UpOptions, addresses: Addresses) -> LocalOrganization:
    """Build the organization of `options`. Raises LocalorgError when its state does not fit its spec."""
    state, log, endpoint = options.state, _log(), addresses.endpoint
    spec = load_spec(options.spec)
    loop = asyncio.get_running_loop()
    with _readable(state):
        kernel = _kernel(options, spec, endpoint)
    scripts = ScriptWorkers(kernel, options.isolation, state.root, log)
    made: list[Borrowed] = []

    def borrow(identity: Identity) -> Borrowed:
        made.append(Borrowed(kernel, state.objects, identity.resource_policies, loop.call_soon_threadsafe, log))
        return made[0]

    with _readable(state):
        engines = wire_engines(kernel, Blobs(state.blobs), scripts, borrow)
        kernel.store.table("server.node", NodeRecord)
    borrowed = made[0]
    borrowed.start()
    try:
        records, changes = node_records(spec, kernel.store)
        seed(engines, spec, records, changes)
        welcome_new_accounts(engines)
        for bucket in spec.buckets:
            borrowed.ensure_bucket(bucket.account, bucket.region, bucket.name)
    except ValueError as error:
        raise LocalorgError(f"{options.spec} does not fit the organization kept in {state.root}: {error}") from error
    kernel.store.commit()
    shutil.copyfile(options.spec, state.spec)
    calls = CallLog(state.call_log)
    engines.gateway.on_record = calls.write
    machines = Machines(state.nodes, state.server_log)
    PowerSwitch(kernel, machines, records)
    control = _control(state, Operator(engines, records, machines, spec, addresses))
    routes = _routes(engines, control)
    channels = ControlChannels(kernel, engines.gateway, engines.fleet.open_channel, log)
    keys = engines.fleet.hybrid.key
    identity = engines.identity
    app = build_app(kernel, engines.gateway, identity.credentials, borrowed, routes, log, keys, channels, identity.admit)
    return LocalOrganization(
        app,
        engines,
        borrowed,
        scripts,
        machines,
        Pump(kernel, log),
        calls,
        _host_config(options, addresses, records, engines),
    )


@contextlib.contextmanager
def _readable(state: StateDirectory) -> Iterator[None]:
    """Say in one sentence that the rows are damaged, or were written by another version. Raises LocalorgError."""
    try:
        yield
    except (sqlite3.DatabaseError, ValidationError) as error:
        first, *_ = str(error).splitlines()
        raise LocalorgError(
            f"{state.database} cannot be read ({first}): it is damaged, or another version of localorg wrote it. "
            "Give --state another directory, or remove this one; what is in it is lost then."
        ) from error


def _log() -> logging.Logger:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return logging.getLogger("localorg")


def _kernel(options: UpOptions, spec: Spec, endpoint: str) -> Kernel:
    settings = Settings(
        partition=spec.partition,
        regions=spec.regions,
        endpoint=endpoint,
        readings=options.readings,
        allow_retired_runtimes=options.allow_retired_runtimes,
        pwsh=shutil.which("pwsh") or "",
    )
    return Kernel(Store(options.state.database), WallClock(), settings, seed=int.from_bytes(os.urandom(8)))


def _host_config(options: UpOptions, addresses: Addresses, records: list[NodeRecord], engines: Engines) -> dict[str, Any]:
    checkout = str(Path(__file__).parents[3])
    return {
        "endpoint": addresses.endpoint,
        "message_gateway": {"endpoint": addresses.tls_endpoint, "authority": str(addresses.authority)},
        "state_dir": str(options.state.nodes),
        "isolation": options.isolation,
        "masked": ["/root", "/home", str(options.state.root), checkout, sys.prefix],
        "nodes": [
            {
                **one.as_host_config(),
                "online": is_online(one, engines.instances),
                "upgrade_refetch": engines.kernel.settings.reading("upgrade-refetch"),
            }
            for one in records
        ],
    }


def _control(state: StateDirectory, operator: Operator) -> ControlRoutes:
    control = ControlRoutes(state.token())
    for name, answer in operator.answers().items():
        control.operator(name, answer)
    control.node_credentials(operator.node_credentials)
    return control


def _routes(engines: Engines, control: ControlRoutes) -> dict[str, Any]:
    async def controlled(request: WireRequest) -> Reply:
        status, body = control.handle(request.path, dict(request.query_pairs()), request.headers.get("authorization", ""))
        return WireResponse(status, {"content-type": "application/json"}, orjson.dumps(body))

    async def attached(request: WireRequest) -> Reply:
        found = engines.documents.download(request.path, dict(request.query_pairs()), engines.kernel.now())
        headers = {"content-type": "application/octet-stream"}
        return FileReply(found, headers=headers) if isinstance(found, Path) else WireResponse(200, headers, found)

    return {PREFIX: controlled, ATTACHMENTS: attached}
