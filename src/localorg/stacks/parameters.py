"""Parameters: their declarations, the values given, and every way in which they do not fit.

Flow: (declarations, given values, earlier values) -> `settle` -> {name: text} kept on the stack -> `typed` -> what Ref gives.
Rules: all problems at once. A NoEcho value is kept, and shown as asterisks.

AWS: CloudFormation user guide, "Parameters".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localorg.protocol import expressions
from localorg.protocol.calls import Output
from localorg.stacks.functions import text_of
from localorg.stacks.parameter_types import TYPES, kind_of
from localorg.stacks.template import invalid

KEYS = frozenset(
    {
        "Type",
        "Default",
        "Description",
        "AllowedValues",
        "AllowedPattern",
        "MinLength",
        "MaxLength",
        "MinValue",
        "MaxValue",
        "NoEcho",
        "ConstraintDescription",
    }
)
HIDDEN = "****"
VALUE_BYTES_MAX = 4096
"""AWS: CloudFormation quotas."""
NOTHING: Mapping[str, str] = {}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def declaration_problems(declarations: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for everything wrong with a Parameters section."""
    for name, declaration in declarations.items():
        place = f"[/Parameters/{name}]"
        if not isinstance(declaration, dict):
            yield f"{place} must be an object"
            continue
        if not name.isalnum():
            yield f"Parameter name {name} is non alphanumeric."
        for key in sorted(set(declaration) - KEYS):
            yield f"Invalid template parameter property '{key}' at {place}"
        kind = declaration.get("Type")
        if kind is None:
            yield f"Every Parameters object must contain a Type member: {place}"
        elif not isinstance(kind, str) or kind not in TYPES:
            yield f"localorg does not support the parameter type {kind} at {place}/Type; it supports {', '.join(sorted(TYPES))}"
        if isinstance(declaration.get("Default"), dict | list):
            yield "Template format error: Every Default member must be a string."
        yield from _constraint_problems(declaration, place)
        yield from _pattern_problems(declaration, place)


def _constraint_problems(declaration: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield what is no constraint at all. # ASSUMED: the sentences."""
    for key in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        if key in declaration and not _NUMBER.fullmatch(str(declaration[key])):
            yield f"Template format error: {place}/{key} must be a number."
    allowed = declaration.get("AllowedValues", [])
    if not isinstance(allowed, list) or any(isinstance(value, dict | list) or value is None for value in allowed):
        yield f"Template format error: {place}/AllowedValues must be a list of texts."


def _pattern_problems(declaration: Mapping[str, Any], place: str) -> Iterator[str]:
    try:
        expressions.check(str(declaration.get("AllowedPattern", "")))
    except expressions.Unreadable as error:
        yield f"{place}/AllowedPattern is no regular expression: {error}"


def settle(declarations: Mapping[str, Any], given: Sequence[Mapping[str, Any]], before: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every parameter as text. Raises ValidationError telling all problems."""
    problems, values = [], {}
    if any("ParameterKey" not in item for item in given):
        # ASSUMED: the words; the model does not require the member that tells which parameter is meant.
        raise invalid("Each entry of Parameters must have a ParameterKey; one has none.")
    unknown = [item["ParameterKey"] for item in given if item["ParameterKey"] not in declarations]
    if unknown:
        problems.append(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    by_name = {item["ParameterKey"]: item for item in given}
    missing = []
    for name, declaration in declarations.items():
        value = _chosen(by_name.get(name, {}), declaration, before.get(name))
        if value is None:
            missing.append(name)
            continue
        values[name] = value
        problems += value_problems(name, declaration, value)
    if missing:
        problems.insert(0, f"Parameters: [{', '.join(missing)}] must have values")
    if problems:
        raise invalid("\n".join(problems))
    return values


def _chosen(item: Mapping[str, Any], declaration: Mapping[str, Any], before: str | None) -> str | None:
    if item.get("UsePreviousValue"):
        return before
    if "ParameterValue" in item:
        return str(item["ParameterValue"])
    default = declaration.get("Default")
    if default is None:
        return None
    # AWS: lists are written as one comma-separated text; YAML may hold numbers and booleans.
    return text_of(default, "a parameter's default")


def defaults(declarations: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the parameters that have a default."""
    chosen = ((name, _chosen({}, declaration, None)) for name, declaration in declarations.items())
    return {name: value for name, value in chosen if value is not None}


def value_problems(name: str, declaration: Mapping[str, Any], value: str) -> list[str]:
    """Return a sentence for each constraint that `value` does not meet."""
    kind = kind_of(declaration["Type"])
    # AWS: the constraints of a Parameter Store type are about the name that is given.
    members = split(value) if kind.is_list and not kind.stored else [value]
    if len(value.encode()) > VALUE_BYTES_MAX:
        # ASSUMED: the sentence.
        return [f"Parameter '{name}' must have a value of at most {VALUE_BYTES_MAX} bytes"]
    found: list[str] = []
    if kind.is_number:
        found += [f"Parameter '{name}' must be a number" for member in members if not _NUMBER.fullmatch(member)]
    if not found:
        found = [words for member in dict.fromkeys(members) for words in _broken(declaration, member)]
        # AWS: the ConstraintDescription takes the place of the reason.
        described = declaration.get("ConstraintDescription")
        found = [
            f"Parameter {name} failed to satisfy constraint: {described}" if described else f"Parameter '{name}' {w}"
            for w in found
        ]
    return list(dict.fromkeys(found))


def _broken(declaration: Mapping[str, Any], member: str) -> Iterator[str]:
    allowed = declaration.get("AllowedValues")
    if allowed is not None and all(member != text_of(value, "AllowedValues") for value in allowed):
        yield "must be one of AllowedValues"
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not expressions.matches(str(pattern), member):
        yield f"must match pattern {pattern}"
    kind = kind_of(declaration["Type"])
    if not kind.is_list and not kind.is_number:
        if len(member) < float(declaration.get("MinLength", 0)):
            yield f"must contain at least {declaration['MinLength']} characters"
        if "MaxLength" in declaration and len(member) > float(declaration["MaxLength"]):
            yield f"must contain at most {declaration['MaxLength']} characters"
    if kind.is_number:
        if "MinValue" in declaration and float(member) < float(declaration["MinValue"]):
            yield f"must be a number not less than {declaration['MinValue']}"
        if "MaxValue" in declaration and float(member) > float(declaration["MaxValue"]):
            yield f"must be a number not greater than {declaration['MaxValue']}"


def split(value: str) -> list[str]:
    """Return the members of a comma-separated value; spaces around them do not count."""
    return [member.strip() for member in value.split(",")] if value else []


def typed(declaration: Mapping[str, Any], value: str) -> str | list[str]:
    """Return what Ref gives for a parameter."""
    return split(value) if kind_of(declaration["Type"]).is_list else value


def shown(declarations: Mapping[str, Any], values: Mapping[str, str], resolved: Mapping[str, str] = NOTHING) -> list[Output]:
    """Return the parameters of a stack as DescribeStacks shows them; `resolved` are values out of Parameter Store."""
    rows = []
    for name, value in values.items():
        hidden = hides(declarations.get(name, {}))
        row = {"ParameterKey": name, "ParameterValue": HIDDEN if hidden else value}
        if name in resolved:
            row["ResolvedValue"] = HIDDEN if hidden else resolved[name]
        rows.append(row)
    return rows


def hides(declaration: Mapping[str, Any]) -> bool:
    """Say whether a parameter is NoEcho."""
    return str(declaration.get("NoEcho", False)).lower() == "true"


def declared(declarations: Mapping[str, Any]) -> list[Output]:
    """Return the parameters of a template as GetTemplateSummary shows them."""
    found = []
    for name, declaration in declarations.items():
        row: Output = {"ParameterKey": name, "ParameterType": declaration["Type"], "NoEcho": hides(declaration)}
        if "Default" in declaration:
            row["DefaultValue"] = _chosen({}, declaration, None)
        if "Description" in declaration:
            row["Description"] = str(declaration["Description"])
        allowed = declaration.get("AllowedValues")
        row["ParameterConstraints"] = {"AllowedValues": [text_of(value, "AllowedValues") for value in allowed]} if allowed else {}
        found.append(row)
    return found
