"""Parameters of a Command document: what the caller gave against what the document declares, then typed for the node.

Flow: {"commands": ["echo hi"]} + the document's `parameters` -> every problem at once, or a payload whose values have the
types that the agent expects: StringList a list, String a string, StringMap a JSON string, numbers and booleans as texts.
Rules: pure; `{{ x }}` in the document is left for the node to replace.
AWS: user guide "Data elements and parameters" (documents-syntax-data-elements-parameters).
"""

import json
import re
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol import expressions

Values = dict[str, list[str]]
PARAMETER_STORE = re.compile(r"\{\{\s*ssm:[\w./-]+(:\w+)?\s*\}\}")
"""A reference to Parameter Store in a value, such as {{ssm:name}} or {{ ssm:/team/key:2 }}."""


def check(declared: dict[str, Any], given: Values) -> None:
    """Raise InvalidParameters with every problem of `given`."""
    problems = [f"{name}: the document has no such parameter" for name in given if name not in declared]
    for name, definition in declared.items():
        if name in given:
            problems += _problems(name, definition, given[name])
        elif "default" not in definition:
            problems.append(f"{name}: required, but not given")
    if problems:
        raise AwsError("InvalidParameters", "; ".join(problems))


def _problems(name: str, definition: dict[str, Any], values: list[str]) -> list[str]:
    kind = definition.get("type", "String")
    problems = []
    if kind != "StringList" and len(values) != 1:
        problems.append(f"{name}: a {kind} takes one value, found {len(values)}")
    if kind == "StringList":
        problems += _count_problems(name, definition, values)
    for value in values:
        # AWS: agent, parameterstore: the node looks such a value up and checks it then. ASSUMED: the service does not look.
        if not PARAMETER_STORE.search(value):
            problems += _value_problems(name, kind, definition, value)
    return problems


def _count_problems(name: str, definition: dict[str, Any], values: list[str]) -> list[str]:
    problems = []
    if len(values) < int(definition.get("minItems", 0)):
        problems.append(f"{name}: at least {definition['minItems']} values, found {len(values)}")
    if "maxItems" in definition and len(values) > int(definition["maxItems"]):
        problems.append(f"{name}: at most {definition['maxItems']} values, found {len(values)}")
    return problems


def _value_problems(name: str, kind: str, definition: dict[str, Any], value: str) -> list[str]:
    problems = []
    allowed = [str(choice) for choice in definition.get("allowedValues", ())]
    if allowed and value not in allowed:
        problems.append(f"{name}: must be one of {', '.join(allowed)}, found {value!r}")
    pattern = definition.get("allowedPattern")
    if pattern:
        problems += _pattern_problems(name, pattern, value)
    if len(value) < int(definition.get("minChars", 0)):
        problems.append(f"{name}: at least {definition['minChars']} characters, found {len(value)}")
    if "maxChars" in definition and len(value) > int(definition["maxChars"]):
        problems.append(f"{name}: at most {definition['maxChars']} characters, found {len(value)}")
    if (expected := _type_problem(kind, value)) is not None:
        problems.append(f"{name}: a {kind} is {expected}, found {value!r}")
    return problems


def _pattern_problems(name: str, pattern: str, value: str) -> list[str]:
    try:
        return [] if expressions.matches(pattern, value, whole=False) else [f"{name}: must match {pattern}, found {value!r}"]
    except expressions.Unreadable as unreadable:
        return [f"{name}: the allowedPattern {pattern} cannot be used: {unreadable}"]


def _type_problem(kind: str, value: str) -> str | None:
    match kind:
        case "Integer" if not re.fullmatch(r"-?\d+", value):
            return "a whole number"
        case "Boolean" if value.lower() not in ("true", "false"):
            return "true or false"
        case "StringMap" | "MapList":
            return _json_problem(value, dict if kind == "StringMap" else list)
        case _:
            return None


def _json_problem(value: str, expected: type) -> str | None:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        parsed = None
    wanted = "a JSON object" if expected is dict else "a JSON list"
    return None if isinstance(parsed, expected) else wanted


def payload(declared: dict[str, Any], given: Values) -> dict[str, Any]:
    """Return every parameter, given or default, in the type that the message to the node carries."""
    return {
        name: _typed(definition.get("type", "String"), given[name]) if name in given else _default(definition)
        for name, definition in declared.items()
        if name in given or "default" in definition
    }


def _typed(kind: str, values: list[str]) -> Any:
    return list(values) if kind == "StringList" else values[0]


def _default(definition: dict[str, Any]) -> Any:
    default = definition["default"]
    match definition.get("type", "String"):
        case "StringList":
            return [str(item) for item in default] if isinstance(default, list) else [str(default)]
        case "StringMap" | "MapList" if not isinstance(default, str):
            return json.dumps(default)
        case "Boolean" if isinstance(default, bool):
            return str(default).lower()
        case _:
            return str(default)


def execution_timeout_s(declared: dict[str, Any], given: Values) -> int:
    """Return the execution share of the total time-out in seconds.

    AWS: user guide "Understanding command timeout values": total = TimeoutSeconds + executionTimeout.
    """
    text = str(payload(declared, given).get("executionTimeout", ""))
    # AWS: list-commands in the CLI's examples: AWS-UpdateSSMAgent, which has no such parameter, counts with one hour.
    return int(text) if re.fullmatch(r"[1-9]\d*", text) else 3600
