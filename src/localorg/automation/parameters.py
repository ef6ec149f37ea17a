"""Parameters of an execution: lists of strings on the wire, typed values inside. Pure.

Flow: the runbook's declarations + what was given -> {name: value} | all problems at once. `to_wire` is the way back.
Rules: a parameter without default is required; an undeclared one is refused; StringMap and MapList travel as JSON text.
AWS: user guide, documents-syntax-data-elements-parameters; API AutomationParameterMap. `... has value "x" not found in [...]` was
observed in a public report of InvalidAutomationExecutionParametersException, `Missing required parameter: ... in user inputs.` in another.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from localorg.automation.interpolate import as_text
from localorg.protocol import expressions

RESOURCE_LIST = re.compile(r"List<.+>")
NUMBER = re.compile(r"-?\d+")


class ParameterError(ValueError):
    """One value does not fit its declaration; the text is a sentence for the caller."""


def typed(declared: dict[str, Any], given: dict[str, list[str]]) -> tuple[dict[str, Any], list[str]]:
    """Return the typed values, defaults included, and everything that is wrong with `given`."""
    problems = [
        f'Parameter "{name}" is not defined in the runbook; it defines {", ".join(declared) or "none"}.'
        for name in given
        if name not in declared
    ]
    values: dict[str, Any] = {}
    for name, rules in declared.items():
        if name not in given:
            if "default" not in rules:
                problems.append(f"Missing required parameter: {name} in user inputs.")
            else:
                values[name] = of_default(kind_of(rules["type"]), rules["default"])
            continue
        try:
            values[name] = retype(name, rules["type"], given[name])
        except ParameterError as problem:
            problems.append(str(problem))
            continue
        problems += violations(name, rules, values[name])
    return values, problems


def kind_of(declared_type: str) -> str:
    """Return the plain type of a declared one: AWS resource types are Strings, List<...> are StringLists.

    ASSUMED: the patterns that the guide gives for resource types choose what the console lists; no value is held against them.
    """
    if RESOURCE_LIST.fullmatch(declared_type):
        return "StringList"
    return "String" if declared_type.startswith("AWS::") else declared_type


def retype(name: str, declared_type: str, given: list[str]) -> Any:
    """Return the value that the strings `given` mean for this type. Raises ParameterError."""
    kind = kind_of(declared_type)
    if kind == "StringList":
        # ASSUMED: a list given as one JSON text is taken as that list, as the console sends it.
        if len(given) == 1 and given[0].lstrip().startswith("["):
            return _json(name, kind, given[0], list)
        return list(given)
    if kind == "MapList":
        return _maps(name, given)
    if len(given) != 1:
        raise ParameterError(f'Parameter "{name}" is a {kind} and takes one value; found {len(given)}.')
    return _single(name, kind, given[0])


def _single(name: str, kind: str, text: str) -> Any:
    match kind:
        case "Integer" if NUMBER.fullmatch(text):
            return int(text)
        case "Boolean" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "Integer" | "Boolean":
            raise ParameterError(f'Parameter "{name}" has value "{text}", which is no {kind}.')
        case "StringMap":
            return _json(name, kind, text, dict)
        case _:
            return text


def _maps(name: str, given: list[str]) -> list[Any]:
    if len(given) == 1 and given[0].lstrip().startswith("["):
        return list(_json(name, "MapList", given[0], list))
    return [_json(name, "MapList", text, dict) for text in given]


def _json(name: str, kind: str, text: str, wanted: type) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, wanted):
        raise ParameterError(f'Parameter "{name}" has value "{text}", which is no {kind} in JSON.')
    return value


def violations(name: str, rules: dict[str, Any], value: Any) -> Iterator[str]:
    """Yield how `value` breaks allowedValues, allowedPattern, minItems, maxItems, minChars or maxChars."""
    items = value if isinstance(value, list) else [value]
    allowed = rules.get("allowedValues")
    if allowed is not None:
        texts = {as_text(one) for one in allowed}
        for item in items:
            if as_text(item) not in texts:
                listed = ", ".join(as_text(one) for one in allowed)
                yield f'Parameter "{name}" has value "{as_text(item)}" not found in [{listed}].'
    pattern = rules.get("allowedPattern")
    if pattern is not None:
        for item in items:
            # ASSUMED: the whole value must match, as everywhere in AWS; the patterns are Java's.
            yield from _mismatch(name, pattern, as_text(item))
    yield from _sizes(name, rules, value)


def _mismatch(name: str, pattern: str, text: str) -> Iterator[str]:
    try:
        if not expressions.matches(pattern, text):
            yield f'Parameter "{name}" has value "{text}" not matching the pattern "{pattern}".'
    except expressions.Unreadable as unreadable:
        yield f'Parameter "{name}" has a pattern "{pattern}" that cannot be used: {unreadable}.'


def _sizes(name: str, rules: dict[str, Any], value: Any) -> Iterator[str]:
    if isinstance(value, list):
        count, unit, bounds = len(value), "items", (rules.get("minItems"), rules.get("maxItems"))
    else:
        count, unit, bounds = len(as_text(value)), "characters", (rules.get("minChars"), rules.get("maxChars"))
    if bounds[0] is not None and count < int(bounds[0]):
        yield f'Parameter "{name}" has {count} {unit}, at least {bounds[0]} are needed.'
    if bounds[1] is not None and count > int(bounds[1]):
        yield f'Parameter "{name}" has {count} {unit}, at most {bounds[1]} are allowed.'


VARIABLE_ITEMS_MAX = {"StringList": 50, "MapList": 200}
"""AWS: user guide, automation-action-update-variable."""


def is_of(kind: str, value: Any) -> bool:
    """Say whether `value` is of a plain type."""
    match kind:
        case "Boolean":
            return isinstance(value, bool)
        case "Integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "StringList" | "MapList":
            member = str if kind == "StringList" else dict
            return isinstance(value, list) and all(isinstance(one, member) for one in value)
        case "StringMap":
            return isinstance(value, dict)
        case _:
            return isinstance(value, str)


def variable_problems(name: str, rules: dict[str, Any], value: Any) -> Iterator[str]:
    """Yield why a variable that was declared with `rules` cannot become `value`."""
    kind = str(rules["type"])
    if not is_of(kind, value):
        yield f"variable:{name} is a {kind} and cannot become {as_text(value)}."
        return
    most = VARIABLE_ITEMS_MAX.get(kind)
    if most is not None and len(value) > most:
        yield f"variable:{name} has {len(value)} items, a {kind} has at most {most}."
    yield from violations(name, rules, value)


def of_default(kind: str, default: Any) -> Any:
    """Return a declared default as its type; Integer and Boolean are often written as text."""
    if isinstance(default, str) and kind == "Integer" and NUMBER.fullmatch(default):
        return int(default)
    if isinstance(default, str) and kind == "Boolean" and default.lower() in ("true", "false"):
        return default.lower() == "true"
    return default


def to_wire(value: Any) -> list[str]:
    """Return `value` as the API carries it: a list of strings; mappings as JSON text."""
    return [as_text(item) for item in value] if isinstance(value, list) else [as_text(value)]
