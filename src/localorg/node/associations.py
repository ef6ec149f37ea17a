"""The associations of a node: asked for, run when they are due, reported. Beside the commands, and one at a time.

Flow: `step` -> ListInstanceAssociations at the start, every five minutes and when told (aws:refreshAssociation) -> what is due is run by
the `Worker` -> UpdateInstanceAssociationStatus at each stage, PutComplianceItems at the end.
Rules: what cannot be told now is told later, in order; a run that the agent's death cut off is reported as failed.
AWS: amazon-ssm-agent, association/processor, association/model (when something is due), association/schedulemanager.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.node import association_reports as reports
from localorg.node import schedule
from localorg.node.association_reports import Compliance
from localorg.node.calls import CallRefusedError, Plane, Unreachable
from localorg.node.processes import Cancel
from localorg.node.results import Status, StepResult
from localorg.node.schedule import BadScheduleError
from localorg.node.software_inventory import PLUGIN as INVENTORY_PLUGIN
from localorg.node.storing import Destination
from localorg.node.worker import REFRESH_PLUGIN, Command, Worker

ASKS_EVERY_S = 300.0
"""AWS agent: appconfig, AssociationFrequencyMinutes, 5 to 60. # ASSUMED: five, the least, so that changes are soon seen."""
ASKS_AGAIN_S = 30.0
"""AWS: processor.go: no associations at the start are asked for again, for tags take their time."""
PAGE = 20
CUT_OFF = "document process failed unexpectedly: the agent was stopped while the document ran"


@dataclass
class Known:
    """An association as the service told it, and when it is due."""

    told: dict[str, Any]
    content: Mapping[str, Any]
    checksum: str
    due: float | None = None

    @property
    def id(self) -> str:
        """AssociationId."""
        return str(self.told["AssociationId"])


@dataclass
class Associations:
    """The association processor of one agent. `folder` is where it remembers what it has begun."""

    plane: Plane
    worker: Worker
    folder: Path
    log: Callable[[str], None]
    now: Callable[[], float] = time.time
    _known: dict[str, Known] = field(default_factory=dict)
    _unsaid: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _asks_at: float = 0.0
    _empty_starts: int = 1
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _news: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._compliance = Compliance(self.folder / "compliance.json")
        for path in self.folder.glob("*.running"):
            self._say(path.stem, Status.FAILED, CUT_OFF, reports.EXECUTION_ERROR)
            path.unlink()

    def run_for_ever(self, online: threading.Event) -> None:
        """The body of the thread of associations."""
        while True:
            online.wait()
            self._news.clear()
            try:
                pause = max(0.0, self.step() - self.now())
            except Unreachable as error:
                self.log(f"associations wait: {error}")
                pause = ASKS_AGAIN_S
            self._news.wait(min(pause, ASKS_EVERY_S))

    def step(self) -> float:
        """Do what is to be done now; return when to look again (epoch seconds). Raises Unreachable."""
        self._tell_unsaid()
        if self.now() >= self._asks_at:
            self._asks_at = self.now() + ASKS_EVERY_S
            try:
                if not self._ask() and self._empty_starts:
                    self._asks_at = self.now() + ASKS_AGAIN_S
            except CallRefusedError as error:
                self.log(f"Unable to load instance associations, {error}")
            self._empty_starts = 0
        while (known := self._next()) is not None:
            self._run(known)
        with self._guard:
            return min([self._asks_at, *(known.due for known in self._known.values() if known.due is not None)])

    def refresh(self, ids: list[str]) -> StepResult:
        """Ask anew, and let these associations (all, when none is named) run now: the plugin aws:refreshAssociation."""
        ids = [identifier for identifier in ids if identifier]
        try:
            self._ask(ids, every=not ids)
        except (Unreachable, CallRefusedError) as error:
            return StepResult(REFRESH_PLUGIN, Status.SUCCESS, 1, stderr=f"failed to list instance associations, {error}")
        self._news.set()
        named = f"Associations [{' '.join(ids)}]" if ids else "All associations"
        return StepResult(REFRESH_PLUGIN, Status.SUCCESS, stdout=f"{named} have been requested to execute immediately")

    def _next(self) -> Known | None:
        with self._guard:
            return next((known for known in self._known.values() if known.due is not None and known.due <= self.now()), None)

    # What there is

    def _ask(self, ids: list[str] | None = None, *, every: bool = False) -> int:
        """Learn what associations there are now; returns how many."""
        listed = list(self._listed())
        with self._guard:
            before, self._known = self._known, {}
        for told in listed:
            known = self._loaded(told, before.get(str(told["AssociationId"])))
            if known is None:
                continue
            wanted = every or known.id in (ids or ())
            if wanted and told.get("DetailedStatus") not in ("InProgress", "Pending"):
                self._say(known.id, "Pending", reports.PENDING)
                told["DetailedStatus"] = "Pending"
            with self._guard:
                self._known[known.id] = known
                self._plan(known)
        self._compliance.keep_only([str(told["AssociationId"]) for told in listed])
        return len(listed)

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, Any] = {}
        while True:
            asked = {"InstanceId": self.plane.identity.instance_id, "MaxResults": PAGE, **token}
            answer = self.plane.call("ListInstanceAssociations", asked)
            found += answer.get("Associations") or []
            if not answer.get("NextToken"):
                return found
            token = {"NextToken": answer["NextToken"]}

    def _loaded(self, told: dict[str, Any], before: Known | None) -> Known | None:
        """Return an association with its document, which is read anew only when the checksum is another."""
        checksum = str(told.get("Checksum", ""))
        if before is not None and before.checksum == checksum:
            return Known(told, before.content, checksum)
        identifier = str(told["AssociationId"])
        try:
            asked = {"Name": told["Name"], "DocumentVersion": told["DocumentVersion"]}
            return Known(told, json.loads(self.plane.call("GetDocument", asked)["Content"]), checksum)
        except (CallRefusedError, ValueError, KeyError) as error:
            words = f"Encountered error while loading association {identifier} contents, {error}"
            self._fail(told, words, reports.LIST_ERROR)
            return None

    def _plan(self, known: Known) -> None:
        """AWS: model.go SetNextScheduledDate."""
        told, expression = known.told, known.told.get("ScheduleExpression")
        status, last = told.get("DetailedStatus"), told.get("LastExecutionDate")
        if status == "Pending" or (not expression and status == "Associated") or (expression and last is None):
            known.due = self.now()
            return
        try:
            known.due = schedule.next_after(expression, float(last)) if expression and last is not None else None
        except BadScheduleError as error:
            known.due = None
            words = f"Encountered error while parsing expression for association {known.id}: {error}"
            self._fail(told, words, reports.EXPRESSION_ERROR)

    # Runs

    def _run(self, known: Known) -> None:
        mark = self.folder / f"{known.id}.running"
        self._say(known.id, "Pending", reports.PENDING)
        self._say(known.id, Status.IN_PROGRESS, reports.IN_PROGRESS)
        mark.write_text("")
        command = self._command(known)
        told = reports.Progress(len(command.outline()))

        def tell(reply: dict[str, Any]) -> None:
            told.add(reply)
            if reply["documentStatus"] == Status.IN_PROGRESS:
                self._say(known.id, Status.IN_PROGRESS, told.summary(), url=told.url())

        self.worker.run(command, Cancel(), tell)
        failed = told.status == Status.FAILED
        self._say(known.id, told.status, told.summary(), reports.EXECUTION_ERROR if failed else "", told.url())
        mark.unlink()
        self._comply(known.told, told.status)
        with self._guard:
            known.told |= {"DetailedStatus": str(told.status), "LastExecutionDate": self.now()}
            self._plan(known)

    def _command(self, known: Known) -> Command:
        run = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(self.now())) + f".{int(self.now() * 1000) % 1000:03d}Z"
        location = (known.told.get("OutputLocation") or {}).get("S3Location") or {}
        parts = (location.get("OutputS3KeyPrefix"), self.plane.identity.instance_id, known.id, run)
        bucket = str(location.get("OutputS3BucketName") or "")
        destination = Destination(bucket, "/".join(str(part).strip("/") for part in parts if part)) if bucket else Destination()
        parameters = _typed(known.content, known.told.get("Parameters") or {})
        with self._guard:
            inventories = tuple(one.id for one in self._known.values() if INVENTORY_PLUGIN in json.dumps(one.content))
        return Command(f"{known.id}.{run}", known.content, parameters, destination, inventories=inventories)

    # What is told

    def _fail(self, told: dict[str, Any], words: str, code: str) -> None:
        self.log(words)
        self._say(str(told["AssociationId"]), Status.FAILED, words, code)
        self._comply(told, Status.FAILED)

    def _say(self, identifier: str, status: str, summary: str, code: str = "", url: str = "") -> None:
        result: dict[str, Any] = {
            "Status": str(status),
            "ErrorCode": code,
            "ExecutionDate": round(self.now(), 3),
            "ExecutionSummary": reports.cut(summary),
        }
        if url:
            result["OutputUrl"] = {"S3OutputUrl": {"OutputUrl": url}}
        instance = self.plane.identity.instance_id
        said = {"AssociationId": identifier, "InstanceId": instance, "ExecutionResult": result}
        self._tell("UpdateInstanceAssociationStatus", said)

    def _comply(self, told: Mapping[str, Any], status: str) -> None:
        put = self._compliance.put(told, status, self.plane.identity.instance_id, self.now())
        if put is not None:
            self._tell("PutComplianceItems", put)

    def _tell(self, operation: str, parameters: dict[str, Any]) -> None:
        with self._guard:
            self._unsaid.append((operation, parameters))
        try:
            self._tell_unsaid()
        except Unreachable as error:
            self.log(f"told later: {operation}: {error}")
            self._news.set()

    def _tell_unsaid(self) -> None:
        """Tell what is still to be told, in order. Raises Unreachable."""
        with self._guard:
            while self._unsaid:
                operation, parameters = self._unsaid[0]
                try:
                    self.plane.call(operation, parameters)
                except CallRefusedError as error:
                    self.log(f"{operation} was refused and is dropped: {error}")
                self._unsaid.pop(0)


def _typed(content: Mapping[str, Any], given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return parameters in the types that the document declares. AWS: docparser ParseParameters."""
    declared = content.get("parameters") or {}
    kinds = {name: str(rules.get("type", "String")) for name, rules in declared.items()}
    return {
        name: values if kinds.get(name) == "StringList" else next(iter(values), "")
        for name, values in given.items()
        if name in kinds
    }
