"""Parameter Store as the default of a runbook's parameter: `default: "{{ ssm:name }}"`.

Flow: typed values with references in them -> one ssm:GetParameters as whoever starts the automation -> values without, or every problem.
Rules: only parameters that were not given are looked up. A SecureString is refused: its text would stand in the execution.
AWS: user guide, documents-syntax-data-elements-parameters and automation-variables. # ASSUMED: the starter's right to read counts.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from localorg.automation.interpolate import interpolate, references
from localorg.automation.parameters import kind_of, violations
from localorg.protocol.calls import Output, Params

PREFIX = "ssm:"
ASKED_MAX = 10
"""AWS: API GetParameters: at most 10 names."""
Ask = Callable[[Params], Output]
"""GetParameters. Raises AwsError."""


def filled(declared: dict[str, Any], values: dict[str, Any], given: frozenset[str], ask: Ask) -> tuple[dict[str, Any], list[str]]:
    """Return `values` with the references of defaults replaced, and everything that is wrong with what was found."""
    waiting = {name: value for name, value in values.items() if name not in given and any(references(value))}
    names = sorted({one.removeprefix(PREFIX) for value in waiting.values() for one in references(value)})
    if not names:
        return values, []
    found, problems = _asked(names, ask)
    if problems:
        return values, problems
    replaced = dict(values)
    for name, value in waiting.items():
        kind = kind_of(declared[name]["type"])
        replaced[name] = interpolate(value, partial(_look, found, kind))
        problems += violations(name, declared[name], replaced[name])
    return replaced, problems


def _asked(names: list[str], ask: Ask) -> tuple[dict[str, Output], list[str]]:
    found: dict[str, Output] = {}
    problems: list[str] = []
    for start in range(0, len(names), ASKED_MAX):
        answer = ask({"Names": names[start : start + ASKED_MAX]})
        problems += [f"Parameter Store has no parameter {name} here." for name in answer.get("InvalidParameters", [])]
        for one in answer.get("Parameters", []):
            # A name may be asked for with a version or a label, which comes back apart from it.
            found[f"{one['Name']}{one.get('Selector', '')}"] = one
    problems += list(_secret(found))
    return found, problems


def _secret(found: dict[str, Output]) -> Iterator[str]:
    for name, one in found.items():
        if one["Type"] == "SecureString":
            yield f"The parameter {name} is a SecureString, which automations cannot refer to."


def _look(found: dict[str, Output], kind: str, reference: str) -> Any:
    one = found[reference.removeprefix(PREFIX)]
    return one["Value"].split(",") if kind == "StringList" else one["Value"]
