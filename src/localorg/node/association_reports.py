"""The words that an agent finds for its associations, and what it says of their compliance. No calls are made here.

AWS: amazon-ssm-agent, association/processor buildOutput, association/compliance, contracts/model.go (error codes and messages).
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.node.results import Status

PENDING, IN_PROGRESS = "Association is pending", "Executing association"
EXECUTION_ERROR, LIST_ERROR, EXPRESSION_ERROR = "ExecutionError", "ListAssocError", "InvalidExpression"
SUMMARY_CHARACTERS_MAX = 510
CUT = "--output truncated--"
COMPLIANCE_TYPE, RESOURCE_TYPE = "Association", "ManagedInstance"


def cut(text: str) -> str:
    """Return a summary of the length that the service takes."""
    return text if len(text) <= SUMMARY_CHARACTERS_MAX else text[: SUMMARY_CHARACTERS_MAX - len(CUT)] + CUT


@dataclass
class Progress:
    """What the replies of one run have told so far. `plugins` is how many steps the document has."""

    plugins: int
    status: Status = Status.IN_PROGRESS
    trace: str = ""
    _steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, reply: Mapping[str, Any]) -> None:
        """Take one reply of the worker."""
        self.status, self.trace = Status(reply["documentStatus"]), str(reply.get("documentTraceOutput") or "")
        self._steps |= reply.get("runtimeStatus") or {}

    def summary(self) -> str:
        """Say in numbers how the steps went, and why those failed that did."""
        statuses = [str(step["status"]) for step in self._steps.values()]
        counted = ", ".join(
            f"{statuses.count(status)} {word}"
            for status, word in (("Success", "success"), ("Failed", "failed"), ("TimedOut", "timedout"), ("Skipped", "skipped"))
        )
        reasons = [
            f"\nThe operation {name} failed because {step['standardError']}."
            for name, step in self._steps.items()
            if step["status"] == Status.FAILED
        ]
        plural = "s" if self.plugins > 1 else ""
        said = f"{len(statuses)} out of {self.plugins} plugin{plural} processed, {counted}. {''.join(reasons)}"
        return f"{said}{self.trace}"

    def url(self) -> str:
        """Return the place of the output in S3; empty when there is none."""
        for step in self._steps.values():
            bucket, prefix = str(step.get("outputS3BucketName") or ""), str(step.get("outputS3KeyPrefix") or "")
            if bucket:
                return "/".join([bucket, *prefix.split("/")[:-1]])
        return ""


class Compliance:
    """The compliance items of this node's associations, kept in a file, so that a new start forgets none.

    # DEVIATES: the stock agent keeps them in memory: its first report after a new start leaves out what it has not run since.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._items: dict[str, dict[str, Any]] = {}
        self._hash = ""
        if path.exists():
            kept = json.loads(path.read_text())
            self._items, self._hash = kept["items"], kept["hash"]

    def keep_only(self, ids: list[str]) -> None:
        """Forget associations that are this node's no more."""
        self._items = {identifier: item for identifier, item in self._items.items() if identifier in ids}

    def put(self, told: Mapping[str, Any], status: str, instance_id: str, now: float) -> dict[str, Any] | None:
        """Return the parameters of PutComplianceItems after a run that ended so; None for a status that says nothing of compliance."""
        if status not in (Status.SUCCESS, Status.FAILED, Status.TIMED_OUT):
            return None
        identifier = str(told["AssociationId"])
        self._items[identifier] = {
            "Id": identifier,
            "Title": "",
            "Severity": "UNSPECIFIED",
            "Status": "COMPLIANT" if status == Status.SUCCESS else "NON_COMPLIANT",
            "Details": {"DocumentName": told["Name"], "DocumentVersion": told["DocumentVersion"]},
        }
        timed = [*self._items.values(), round(now, 3)]
        content_hash = b64encode(hashlib.md5(json.dumps(timed, sort_keys=True).encode(), usedforsecurity=False).digest()).decode()
        same, self._hash = content_hash == self._hash, content_hash
        self._path.write_text(json.dumps({"items": self._items, "hash": self._hash}))
        return {
            "ResourceId": instance_id,
            "ResourceType": RESOURCE_TYPE,
            "ComplianceType": COMPLIANCE_TYPE,
            "ExecutionSummary": {"ExecutionTime": round(now, 3)},
            "ItemContentHash": content_hash,
            "Items": [] if same else list(self._items.values()),
        }
