"""The stock agent's association processor as the server sees it, in virtual time: it asks, keeps plain schedules, runs, reports.

AWS agent: association/processor (asks at start and every five minutes, or when told by aws:refreshAssociation), association/model
(when an association is due), association/schedulemanager. Cron is counted by brute force here, minute by minute.
"""

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from associations.harness import HOME, HUB, Harness

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event
from localorg.protocol.calls import ApiCall, Principal

ASKS_EVERY_S = 300.0
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@lru_cache(maxsize=10_000)
def next_after(expression: str, moment: float) -> float:
    """Return when a rate(...) or plain cron(...) is due after `moment`, found by looking at every minute."""
    if found := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return moment + int(found[1]) * UNITS[found[2]]
    minute, hour, day, _, weekday, _ = expression.removeprefix("cron(").removesuffix(")").split()[-6:]
    due = (int(moment) // 60 + 1) * 60
    while True:
        at = datetime.fromtimestamp(due, UTC)
        name = NAMES[at.isoweekday() % 7]
        if (
            _fits(minute, at.minute)
            and _fits(hour, at.hour)
            and _fits(day, at.day)
            and (weekday in ("*", "?") or weekday == name)
        ):
            return float(due)
        due += 60


def _fits(field: str, value: int) -> bool:
    if field in ("*", "?", "1/1"):
        return True
    if "/" in field:
        start, step = field.split("/")
        first = 0 if start == "*" else int(start)
        return value >= first and (value - first) % int(step) == 0
    return value == int(field)


class StockAgent:
    """One agent. `ends` is the status that its runs come to, `works_s` how long they take; `ran` notes (time, association id)."""

    def __init__(
        self, house: Harness, node: str, *, works_s: float = 5.0, ends: str = "Success", asks_every_s: float = ASKS_EVERY_S
    ) -> None:
        self.house, self.kernel, self.node, self.asks_every_s = house, house.kernel, node, asks_every_s
        self.works_s, self.ends = works_s, ends
        self.ran: list[tuple[float, str]] = []
        self.known: dict[str, dict[str, Any]] = {}
        self.engine = f"agent-{node}"
        self.alive = False
        self.kernel.on(self.engine, self._hear)
        self.kernel.subscribe("node.deliver", self.engine)

    def start(self) -> "StockAgent":
        """Come online and ask."""
        self.alive = True
        self.house.fleet.come(self.node)
        self._later(0.0, "ask")
        return self

    def stop(self) -> None:
        """Go offline."""
        self.alive = self.house.fleet.nodes[self.node].online = False

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        speaker = Principal("role", HUB, f"arn:aws:sts::{HUB}:assumed-role/node/{self.node}")
        return self.house.gateway.invoke(ApiCall(speaker, HOME, "ssm", operation, {"InstanceId": self.node, **params}))

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self.call("ListInstanceAssociations", MaxResults=20, **token)
            found += answer["Associations"]
            if not answer.get("NextToken"):
                return found
            token = {"NextToken": answer["NextToken"]}

    def say(self, association: str, status: str, **more: Any) -> None:
        result = {"Status": status, "ExecutionDate": self.kernel.now(), "ExecutionSummary": status, "ErrorCode": "", **more}
        self.call("UpdateInstanceAssociationStatus", AssociationId=association, ExecutionResult=result)

    def _later(self, seconds: float, name: str, **data: Any) -> None:
        self.kernel.after(seconds, Event(self.engine, name, data))

    def _hear(self, event: Event) -> None:
        if event.name == "node.deliver":
            if event.data["instance_id"] == self.node and self.alive:
                self._refresh(json.loads(event.data["payload"])["Parameters"]["associationIds"])
        elif not self.alive:
            return
        elif event.name == "ask":
            self._refresh([])
            self._later(self.asks_every_s, "ask")
        elif event.name == "due":
            entry = self.known.get(event.data["id"])
            if entry is not None and entry.get("due") == event.data["due"]:
                self._begin(entry)
        else:
            self._finish(event.data["id"])

    def _refresh(self, wanted: list[str]) -> None:
        for entry in self.listed():
            for member in ("AssociationId", "InstanceId", "Name", "DocumentVersion", "Checksum", "DetailedStatus"):
                assert isinstance(entry[member], str), f"the stock agent dies of a null {member}"
            identifier = entry["AssociationId"]
            if identifier in wanted and entry["DetailedStatus"] not in ("InProgress", "Pending"):
                self.say(identifier, "Pending")
                entry["DetailedStatus"] = "Pending"
            if self.known.get(identifier, {}).get("running"):
                entry["running"] = True
            self.known[identifier] = entry
            self._plan(entry)

    def _plan(self, entry: dict[str, Any]) -> None:
        schedule = entry.get("ScheduleExpression")
        due = None
        if entry["DetailedStatus"] == "Pending" or (not schedule and entry["DetailedStatus"] == "Associated"):
            due = self.kernel.now()
        elif schedule:
            last = entry.get("LastExecutionDate")
            due = self.kernel.now() if last is None else max(self.kernel.now(), next_after(schedule, last))
        entry["due"] = due
        if due is not None and not entry.get("running"):
            self._later(due - self.kernel.now(), "due", id=entry["AssociationId"], due=due)

    def _begin(self, entry: dict[str, Any]) -> None:
        identifier = entry["AssociationId"]
        if entry.get("running"):
            return
        entry["running"] = True
        self.ran.append((self.kernel.now(), identifier))
        self.say(identifier, "Pending")
        self.say(identifier, "InProgress")
        entry["DetailedStatus"] = "InProgress"
        self._later(self.works_s, "finish", id=identifier)

    def _finish(self, identifier: str) -> None:
        entry = self.known[identifier]
        entry["running"] = False
        try:
            self.say(identifier, self.ends)
        except AwsError:
            return  # deleted meanwhile: the agent only logs it
        entry["DetailedStatus"], entry["LastExecutionDate"] = self.ends, self.kernel.now()
        self._plan(entry)
