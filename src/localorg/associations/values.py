"""Parameters of an association against the declarations of its document: all problems at once.

Rules: pure. Every value travels as a list of strings; StringMap and MapList as JSON text in it.
AWS: user guide, documents-syntax-data-elements-parameters; API InvalidParameters.
"""

import json
import re
from collections.abc import Callable, Iterator, Set
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol import expressions

Declared = dict[str, dict[str, Any]]
Given = dict[str, list[str]]
BOOLEANS = ("true", "false", "True", "False")


def check(declared: Declared, given: Given, branching: Set[str] = frozenset(), *, automation: bool = True) -> None:
    """Raise InvalidParameters when the document could not be run with `given`; `branching` get their values from targets."""
    problems = [f"{name} is no parameter; there are {', '.join(declared) or 'none'}" for name in given if name not in declared]
    problems += [f"{name} is no parameter, but is to take targets" for name in branching if name not in declared]
    wanted = {name: rules for name, rules in declared.items() if "default" not in rules and name not in branching}
    problems += [f"{name} is required" for name in wanted if not given.get(name)]
    for name, values in given.items():
        if name in declared and values:
            problems += [f"{name} {problem}" for problem in _of_one(declared[name], values, automation=automation)]
    if problems:
        raise AwsError("InvalidParameters", f"The parameters do not fit the document: {'; '.join(problems)}.")


def for_automation(given: Given) -> Given:
    """Return what StartAutomationExecution is given: an empty text is left out, for Automation's values have 1 to 512 characters.

    # ASSUMED: the seed's own call makes [""] for an empty prefix or version; it means the default, which `check` has found to be "".
    """
    return {name: values for name, values in given.items() if values != [""]}


def _of_one(rules: dict[str, Any], values: list[str], *, automation: bool) -> Iterator[str]:
    kind = str(rules.get("type", "String"))
    if values == [""] and automation:
        if rules.get("default", "-") != "":
            yield "is empty, which Automation cannot carry; leave it out for its default, or give a value"
        return
    is_list = kind == "StringList" or kind.startswith("List<")
    if not is_list and kind != "MapList" and len(values) > 1:
        yield f"takes one value, found {len(values)}"
    reader = READERS.get(kind)
    for value in values:
        if reader and not reader(value):
            yield f"must be {WORDS[kind]}, found {value!r}"
    yield from _limits(rules, values, is_list=is_list)


def _limits(rules: dict[str, Any], values: list[str], *, is_list: bool) -> Iterator[str]:
    if is_list and not rules.get("minItems", 0) <= len(values) <= rules.get("maxItems", len(values)):
        yield f"has {len(values)} items, expected {rules.get('minItems', 0)} to {rules.get('maxItems', 'any number')}"
    allowed, pattern = rules.get("allowedValues"), rules.get("allowedPattern")
    for value in values:
        if not rules.get("minChars", 0) <= len(value) <= rules.get("maxChars", len(value)):
            yield f"has {len(value)} characters, expected {rules.get('minChars', 0)} to {rules.get('maxChars', 'any number')}"
        if allowed and value not in [_text(one) for one in allowed]:
            yield f"must be one of {', '.join(map(_text, allowed))}, found {value!r}"
        if pattern and not _matches(pattern, value):
            yield f"must match {pattern}, found {value!r}"


def _matches(pattern: str, value: str) -> bool:
    """# ASSUMED: Java's syntax is near enough to Python's; a pattern that Python cannot read is left to Automation to judge."""
    try:
        return expressions.matches(pattern, value)
    except expressions.Unreadable:
        return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json(wanted: Callable[[Any], bool]) -> Callable[[str], bool]:
    def reads(text: str) -> bool:
        try:
            return wanted(json.loads(text))
        except (ValueError, RecursionError):
            return False

    return reads


def _is_map_list(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and all(isinstance(one, dict) for one in value))


READERS: dict[str, Callable[[str], bool]] = {
    "Integer": lambda text: re.fullmatch(r"-?\d+", text) is not None,
    "Boolean": lambda text: text in BOOLEANS,
    "StringMap": _json(lambda value: isinstance(value, dict)),
    "MapList": _json(_is_map_list),
}
WORDS = {"Integer": "a whole number", "Boolean": "true or false", "StringMap": "a JSON object", "MapList": "JSON objects"}
