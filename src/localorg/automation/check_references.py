"""Do the references of a runbook name something that exists? Pure.

AWS: user guide, automation-variables (system variables), automation-action-loop (values inside a loop).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from localorg.automation.actions.loop import INSIDE
from localorg.automation.interpolate import references

GLOBALS = frozenset({"ACCOUNT_ID", "REGION", "DATE", "DATE_TIME", "AWS_PARTITION"})


@dataclass
class Names:
    """Everything a reference may name."""

    parameters: frozenset[str]
    variables: frozenset[str]
    outputs: dict[str, frozenset[str]] = field(default_factory=dict)
    """step name -> its outputs."""


def problems(value: Any, place: str, names: Names, inside: str) -> Iterator[str]:
    """Yield a sentence per reference in `value` that names nothing; `inside` is the loop that `value` belongs to."""
    for reference in references(value):
        prefix, colon, rest = reference.partition(":")
        problem = _prefixed(prefix, rest, names) if colon else _plain(reference, names, inside)
        if problem:
            yield f"{place}: {{{{ {reference} }}}} {problem}"


def _prefixed(prefix: str, rest: str, names: Names) -> str:
    match prefix:
        case "global" if rest not in GLOBALS:
            return f"is no system variable; there are {_listed(GLOBALS)}"
        case "automation" if rest != "EXECUTION_ID":
            return "is unknown; there is automation:EXECUTION_ID"
        case "variable" if rest not in names.variables:
            return f"is no variable of this runbook; it has {_listed(names.variables)}"
        case "global" | "automation" | "variable":
            return ""
        case _:
            return "is no reference that runbooks know"


def _plain(reference: str, names: Names, inside: str) -> str:
    step, dot, output = reference.partition(".")
    if not dot:
        return "" if reference in names.parameters else f"is no parameter of this runbook; it has {_listed(names.parameters)}"
    if step not in names.outputs:
        return f"names the step {step!r}, which this runbook does not have"
    if output in INSIDE:
        return "" if step == inside else f"exists only for the steps inside the loop {step!r}"
    if output not in names.outputs[step]:
        return f"is no output of {step!r}; it gives {_listed(names.outputs[step])}"
    return ""


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
