"""The roles' policies taken apart: each action on each resource is one grant, as the rendered templates say it.

Flow: csd.solution.roles -> `grants()`; a policy as IAM has it -> `without(policy, grant)`, the same policy less that one grant.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from csd.solution.roles import Statement, statements

SHORT = {
    "CSD-SystemsManager-AutomationAdministrationRole": "AdministrationRole",
    "CSD-FleetReaderHubRole": "FleetReaderHubRole",
    "CSD-SystemsManager-AutomationExecutionRole": "ExecutionRole",
    "CSD-FleetReaderRole": "FleetReaderRole",
}


@dataclass(frozen=True)
class Grant:
    """One action on one resource. `place` is where the resource stands in its statement: the templates and IAM have one order."""

    role: str
    sid: str
    action: str
    resource: str
    place: int
    is_alone: bool
    """Whether the statement has no other resource."""

    @property
    def id(self) -> str:
        """How the grant is called: in a test's id, and in the table of proofs."""
        where = "" if self.is_alone else "-" + self.resource.split(":", 5)[-1].replace("${", "").replace("}", "")
        return f"{SHORT[self.role]}-{self.sid}-{self.action}{where}"


def grants(effect: str = "Allow") -> list[Grant]:
    """Every grant of every role."""
    return [grant for statement in statements() if statement.effect == effect for grant in _of(statement)]


def _of(one: Statement) -> Iterator[Grant]:
    for action in one.actions:
        for place, resource in enumerate(one.resources):
            yield Grant(one.role, one.sid, action, resource, place, len(one.resources) == 1)


def without(policy: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """Return the policy less one grant: its action keeps the other resources, its resource the other actions."""
    less = copy.deepcopy(policy)
    (statement,) = (one for one in less["Statement"] if one["Sid"] == grant.sid)
    less["Statement"].remove(statement)
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    parts = (
        ([one for one in actions if one != grant.action], resources),
        ([grant.action], [one for place, one in enumerate(resources) if place != grant.place]),
    )
    for number, (kept, on) in enumerate(parts):
        if kept and on:
            less["Statement"].append({**statement, "Sid": f"{grant.sid}{number}", "Action": kept, "Resource": on})
    return less


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
