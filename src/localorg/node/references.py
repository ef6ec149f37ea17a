"""References to a document's parameters, {{ name }}: filled in once, with the stock agent's spelling of every type. Pure.

AWS: amazon-ssm-agent, docparser/parameters.
Rules: a text that is nothing but a reference becomes the value, of whatever type; within a text, the value's text. What nobody declared
stays as it is written, and a value is never looked into again.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9]+")
"""A value that is given under another name is dropped; a default under such a name can only stand within a text."""
REFERENCE = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def values_of(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each parameter: what was given, else the default of the document."""
    values = {name: value for name, value in given.items() if NAME.fullmatch(name)}
    defaults = {name: spec.get("default") for name, spec in declared.items()}
    return {**defaults, **values}


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Return `value` with every reference in it filled in."""
    match value:
        case dict():
            return {key: filled(item, values) for key, item in value.items()}
        case list():
            return [filled(item, values) for item in value]
        case str():
            return _filled_text(value, values)
    return value


def _filled_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = REFERENCE.fullmatch(text)
    if whole and whole[1] in values and NAME.fullmatch(whole[1]):
        return values[whole[1]]
    return REFERENCE.sub(lambda found: _within(values[found[1]]) if found[1] in values else found[0], text)


def _within(value: Any) -> str:
    """Return a value as a part of a text. Two dollar signs become one, as they did in agents that took them for back references."""
    return as_text(value).replace("$$", "$")


def as_text(value: Any) -> str:
    """Return a text as it is, and anything else as JSON without blanks, keys sorted, HTML's characters escaped."""
    if isinstance(value, str):
        return value
    written = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return "".join(_ESCAPED.get(character, character) for character in written)
