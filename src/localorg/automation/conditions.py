"""The conditions of aws:branch and of a loop: one operator on a variable, or And, Or, Not of conditions. Pure.

Flow: condition (as written) + a resolver of variables -> true or false. `problems` says what is wrong with one as written.
Rules: a variable without a value satisfies no operator (the guide branches on outputs that are absent). Numbers may come as text.
AWS: user guide, automation-branch-condition and automation-action-branch.
"""

from collections.abc import Callable, Iterator
from typing import Any

from localorg.automation.interpolate import Unresolved, as_text

Resolve = Callable[[Any], Any]
Operator = Callable[[Any, Any], bool]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _numeric(compare: Callable[[float, float], bool]) -> Operator:
    def operator(found: Any, wanted: Any) -> bool:
        left, right = _number(found), _number(wanted)
        return left is not None and right is not None and compare(left, right)

    return operator


def _boolean(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


OPERATORS: dict[str, Operator] = {
    "StringEquals": lambda found, wanted: as_text(found) == as_text(wanted),
    "EqualsIgnoreCase": lambda found, wanted: as_text(found).lower() == as_text(wanted).lower(),
    "StartsWith": lambda found, wanted: as_text(found).startswith(as_text(wanted)),
    "EndsWith": lambda found, wanted: as_text(found).endswith(as_text(wanted)),
    "Contains": lambda found, wanted: as_text(wanted) in (found if isinstance(found, list) else as_text(found)),
    "NumericEquals": _numeric(lambda left, right: left == right),
    "NumericGreater": _numeric(lambda left, right: left > right),
    "NumericLesser": _numeric(lambda left, right: left < right),
    "NumericGreaterOrEquals": _numeric(lambda left, right: left >= right),
    "NumericLesserOrEquals": _numeric(lambda left, right: left <= right),
    "BooleanEquals": lambda found, wanted: _boolean(found) is not None and _boolean(found) == _boolean(wanted),
}
LOGICAL = ("And", "Or", "Not")


def holds(condition: dict[str, Any], resolve: Resolve) -> bool:
    """Say whether `condition` is true; `resolve` interpolates a value and raises Unresolved."""
    if "And" in condition:
        return all(holds(part, resolve) for part in condition["And"])
    if "Or" in condition:
        return any(holds(part, resolve) for part in condition["Or"])
    if "Not" in condition:
        return not holds(condition["Not"], resolve)
    name = next(key for key in condition if key in OPERATORS)
    try:
        return OPERATORS[name](resolve(condition["Variable"]), resolve(condition[name]))
    except Unresolved:
        return False


def problems(condition: Any, place: str, extra: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what is wrong with `condition`; `extra` are keys that may stand beside it (NextStep)."""
    if not isinstance(condition, dict):
        yield f"{place} must be a mapping, found {condition!r}"
        return
    keys = set(condition) - extra
    logical = sorted(keys & set(LOGICAL))
    if logical:
        yield from _logical_problems(condition, logical, keys, place)
        return
    unknown = sorted(keys - set(OPERATORS) - {"Variable"})
    if unknown:
        yield f"{place} has the unknown operators {', '.join(unknown)}; the known ones are {', '.join([*OPERATORS, *LOGICAL])}"
    elif len(keys & set(OPERATORS)) != 1 or "Variable" not in keys:
        yield f"{place} must have Variable and exactly one of {', '.join(OPERATORS)}; found {', '.join(sorted(keys)) or 'nothing'}"


def _logical_problems(condition: dict[str, Any], logical: list[str], keys: set[str], place: str) -> Iterator[str]:
    if len(keys) != 1:
        yield f"{place} must have {logical[0]} alone, found {', '.join(sorted(keys))}"
        return
    name = logical[0]
    if name == "Not":
        yield from problems(condition[name], f"{place}.Not")
        return
    parts = condition[name]
    if not isinstance(parts, list) or not parts:
        yield f"{place}.{name} must be a list of conditions, found {parts!r}"
        return
    for position, part in enumerate(parts):
        yield from problems(part, f"{place}.{name}[{position}]")
