"""A stopped instance is a silent node: what the server tells the node host."""

import asyncio
from pathlib import Path
from typing import Any

from localorg.instances.power import FACT
from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Kernel
from localorg.kernel.store import Store
from localorg.server.machines import Machines
from localorg.server.power_switch import PowerSwitch
from localorg.server.seeding import NodeRecord
from localorg.server.state import LocalorgError

ONE, TWO = "i-00000000000000001", "i-00000000000000002"


class Told(Machines):
    """A node host that only remembers, or one that has gone."""

    def __init__(self, folder: Path, *, gone: bool = False) -> None:
        super().__init__(folder, folder / "log")
        self.gone = gone
        self.orders: list[dict[str, Any]] = []

    async def tell(self, command: dict[str, Any]) -> None:
        if self.gone:
            raise LocalorgError("the node host is not running")
        self.orders.append(command)


def record(instance_id: str, *, online: bool) -> NodeRecord:
    return NodeRecord(instance_id, "111111111111", "us-east-1", "debian-12", "node", online)


def change(machines: Told, records: list[NodeRecord], *changes: tuple[str, str]) -> Kernel:
    kernel = Kernel(Store(), VirtualClock())
    PowerSwitch(kernel, machines, records)

    async def go() -> None:
        for instance_id, state in changes:
            kernel.publish(FACT, {"account": "1", "region": "r", "instance_id": instance_id, "state": state})
            kernel.step()
            await asyncio.sleep(0)

    asyncio.run(go())
    return kernel


def test_an_agent_is_silent_from_stopping_until_running(tmp_path: Path) -> None:
    """Assumed: an agent stops talking as soon as its instance is stopping; it talks again when the instance is running."""
    machines = Told(tmp_path)
    change(machines, [record(ONE, online=True)], *((ONE, state) for state in ("stopping", "stopped", "pending", "running")))
    assert [order["online"] for order in machines.orders] == [False, False, True]
    assert {order["instance_id"] for order in machines.orders} == {ONE}


def test_a_node_that_is_offline_by_its_spec_stays_so(tmp_path: Path) -> None:
    """Starting its instance wakes nobody whom the spec keeps silent; instances that are no nodes have no machine."""
    machines = Told(tmp_path)
    change(machines, [record(ONE, online=False)], (ONE, "running"), (TWO, "stopping"))
    assert machines.orders == []


def test_a_host_that_has_gone_needs_no_orders(tmp_path: Path) -> None:
    """While everything goes down, an order that comes too late is no fault."""
    assert change(Told(tmp_path, gone=True), [record(ONE, online=True)], (ONE, "stopping")).faults == []
