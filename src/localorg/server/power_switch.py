"""What a stopped instance means for its machine: the agent falls silent, and speaks again when the instance runs.

Flow: "ec2.instance-state-change" -> `set_online` for the node host. A node whose spec says that it is offline stays silent.
# DEVIATES: a stopped or terminated instance keeps its processes and files; only its agent does not talk.
"""

import asyncio
import contextlib

from localorg.instances.power import FACT
from localorg.instances.service import SmallEc2
from localorg.kernel.events import Event, Kernel
from localorg.server.machines import Machines
from localorg.server.seeding import NodeRecord
from localorg.server.state import LocalorgError

ENGINE = "power-switch"


def is_online(record: NodeRecord, instances: SmallEc2) -> bool:
    """Say whether the agent of a node talks when its machine comes up."""
    return record.online and instances.is_running(record.account, record.region, record.instance_id)


class PowerSwitch:
    """Tells the machines of instances that stop and start."""

    def __init__(self, kernel: Kernel, machines: Machines, records: list[NodeRecord]) -> None:
        self._machines = machines
        self._nodes = {record.instance_id: record for record in records}
        self._telling: set[asyncio.Task[None]] = set()
        kernel.on(ENGINE, self.handle)
        kernel.subscribe(FACT, ENGINE)

    def handle(self, event: Event) -> None:
        """Take a change of state."""
        record = self._nodes.get(event.data["instance_id"])
        if record is None or not record.online or event.data["state"] == "pending":
            return
        order = {"op": "set_online", "instance_id": record.instance_id, "online": event.data["state"] == "running"}
        task = asyncio.get_running_loop().create_task(self._tell(order))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, order: dict[str, object]) -> None:
        with contextlib.suppress(LocalorgError, ConnectionError):  # the host has gone, and the nodes with it
            await self._machines.tell(order)
