"""aws:softwareInventory: gather what the inputs enable, and put it to Systems Manager.

Flow: inputs -> gatherers -> items with the hash of their content -> PutInventory; a content that did not change since the last time is
stood for by its hash alone, and sent whole when the service does not know it.
Rules: only an association may run it. Gatherers of Windows are skipped on Linux, as in the stock agent; what this agent cannot gather
fails the step and is named.
AWS: amazon-ssm-agent, plugins/inventory/inventory.go and datauploader. Deviation: no random sleep before the upload.
"""

import hashlib
import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localorg.node import gathering
from localorg.node.calls import CallRefusedError, Plane, Unreachable
from localorg.node.gathering import GatheringError, Machine
from localorg.node.results import Status, StepResult, failed
from localorg.node.scripts import Surroundings

PLUGIN = "aws:softwareInventory"
ONLY_ASSOCIATIONS = f"{PLUGIN} plugin can only be invoked via ssm-associate"
TWO = (
    f"{PLUGIN} detected multiple inventory configurations associated with one instance. Each instance can be associated with just one "
    "inventory configuration. Conflicting inventory configuration IDs: {} and {}"
)
"""AWS agent: each of two associations that gather inventory fails."""
NOTHING = "Inventory policy has been successfully applied but there is no inventory data to upload to SSM"
UPLOADED = "Inventory policy has been successfully applied and collected inventory data has been uploaded to SSM"
NOT_UPLOADED = "inventory data could not be uploaded to Systems Manager. Additional troubleshooting information - {}"
CHANGED = frozenset({"ItemContentMismatchException", "InvalidItemContentException"})
"""Refusals after which everything is sent whole."""
Item = dict[str, Any]


@dataclass
class SoftwareInventory:
    """The plugin, for one node. `folder` is where it keeps the hashes of what it sent."""

    plane: Plane
    machine: Machine
    folder: Path
    now: Callable[[], float] = time.time

    def run(
        self, inputs: Mapping[str, Any], around: Surroundings, *, is_association: bool, rivals: Sequence[str] = ()
    ) -> StepResult:
        """Gather and upload; `rivals` are this association and another one that gathers inventory."""
        if not is_association:
            return failed(PLUGIN, ONLY_ASSOCIATIONS)
        if rivals:
            return failed(PLUGIN, TWO.format(*rivals))
        try:
            items = self._gather({key.lower(): str(value or "") for key, value in inputs.items()}, around)
        except (GatheringError, OSError) as error:
            return failed(PLUGIN, str(error))
        if not items:
            return StepResult(PLUGIN, Status.SUCCESS, 0, stdout=NOTHING)
        try:
            self._upload(items)
        except (CallRefusedError, Unreachable) as error:
            return failed(PLUGIN, NOT_UPLOADED.format(error))
        return StepResult(PLUGIN, Status.SUCCESS, 0, stdout=UPLOADED)

    def _gather(self, inputs: Mapping[str, str], around: Surroundings) -> list[Item]:
        def on(name: str) -> bool:
            return inputs.get(name) == "Enabled"

        if inputs.get("files"):
            raise GatheringError("AWS:File is not gathered by this agent; leave the input files empty")
        items: list[Item] = []
        programs = gathering.applications(around) if on("applications") or on("awscomponents") else []
        if on("applications"):
            items.append(self._item("AWS:Application", "1.1", programs))
        if on("awscomponents"):
            items.append(self._item("AWS:AWSComponent", "1.0", gathering.aws_components(programs)))
        if on("networkconfig"):
            items.append(self._item("AWS:Network", "1.0", gathering.network(self.machine)))
        if on("billinginfo"):
            # AWS agent: an instance document without billing products gives no entries.
            items.append(self._item("AWS:BillingInfo", "1.0", []))
        if on("instancedetailedinformation"):
            text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
            items.append(self._item("AWS:InstanceDetailedInformation", "1.0", gathering.processor(text)))
        if on("custominventory"):
            folder = Path(inputs.get("custominventorydirectory") or self.folder / "custom")
            items += [self._item(one["TypeName"], one["SchemaVersion"], one["Content"]) for one in gathering.custom(folder)]
        return items

    def _item(self, name: str, version: str, content: list[gathering.Entry]) -> Item:
        moment = f"{datetime.fromtimestamp(self.now(), UTC):%Y-%m-%dT%H:%M:%SZ}"
        digest = hashlib.md5(json.dumps(content, sort_keys=True).encode(), usedforsecurity=False).digest()
        return {
            "TypeName": name,
            "SchemaVersion": version,
            "CaptureTime": moment,
            "ContentHash": b64encode(digest).decode(),
            "Content": content,
        }

    def _upload(self, items: list[Item]) -> None:
        sent = self._sent()
        known = [item for item in items if sent.get(item["TypeName"]) == item["ContentHash"]]
        short = [{key: value for key, value in item.items() if key != "Content"} if item in known else item for item in items]
        try:
            self._put(short)
        except CallRefusedError as error:
            if error.code not in CHANGED:
                raise
            self._put(items)
        hashes = {item["TypeName"]: item["ContentHash"] for item in items}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "contentHash").write_text(json.dumps({**sent, **hashes}), encoding="utf-8")

    def _put(self, items: list[Item]) -> None:
        self.plane.call("PutInventory", {"InstanceId": self.plane.identity.instance_id, "Items": items})

    def _sent(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / "contentHash").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
