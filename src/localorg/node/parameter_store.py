"""References to Parameter Store, {{ssm:name}} or {{ssm:name:version}}: the node reads the values itself, under its role.

Flow: any value -> the references in it -> GetParameters, ten names a call -> the value with them filled in.
AWS: amazon-ssm-agent, docparser/parameterstore, whose words are kept.
Rules: a StringList becomes the elements of the list in which it stands alone, and nothing else; SecureString is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localorg.node.calls import CallRefusedError, Unreachable

REFERENCE = re.compile(r"\{\{ *ssm:([/\w.:-]+) *\}\}")
SECURE = re.compile(r"\{\{ *ssm-secure:[/\w.:-]+ *\}\}")
NAMES_PER_CALL = 10


class BadReferenceError(Exception):
    """A reference cannot be filled in; the text becomes documentTraceOutput."""


class Calls(Protocol):
    """The part of AWS's API that is used here."""

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call `operation` of Systems Manager."""
        ...


@dataclass(frozen=True)
class ParameterStore:
    """Parameter Store as this node reads it."""

    calls: Calls

    def resolved(self, value: Any) -> Any:
        """Return `value` with every reference to Parameter Store filled in. Raises BadReferenceError."""
        names = list(dict.fromkeys(_names_in(value)))
        return _filled(value, self._read(names)) if names else value

    def _read(self, names: list[str]) -> dict[str, dict[str, Any]]:
        found: list[dict[str, Any]] = []
        invalid: list[str] = []
        for start in range(0, len(names), NAMES_PER_CALL):
            try:
                answer = self.calls.call("GetParameters", {"Names": names[start : start + NAMES_PER_CALL]})
            except (CallRefusedError, Unreachable) as error:
                raise BadReferenceError(str(error)) from error
            found += answer.get("Parameters") or []
            invalid += answer.get("InvalidParameters") or []
        if len(found) != len(names):
            raise BadReferenceError(f"Input contains invalid parameters [{' '.join(invalid)}]")
        secure = [one["Name"] for one in found if one["Type"] == "SecureString"]
        if secure:
            raise BadReferenceError(f"Parameters [{' '.join(secure)}] of type SecureString are not supported")
        return {one["Name"] + one.get("Selector", ""): one for one in found}


def _names_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from REFERENCE.findall(value)
        case list():
            for item in value:
                yield from _names_in(item)
        case dict():
            for item in value.values():
                yield from _names_in(item)


def _filled(value: Any, found: Mapping[str, Mapping[str, Any]]) -> Any:
    match value:
        case str():
            return REFERENCE.sub(lambda reference: _as_string(found[reference[1]]), value)
        case list():
            return [part for item in value for part in _elements(item, found)]
        case dict():
            return {key: _filled(item, found) for key, item in value.items()}
    return value


def _elements(item: Any, found: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    alone = REFERENCE.fullmatch(item.strip()) if isinstance(item, str) else None
    if alone and found[alone[1]]["Type"] == "StringList":
        return list(str(found[alone[1]]["Value"]).split(","))
    return [_filled(item, found)]


def _as_string(parameter: Mapping[str, Any]) -> str:
    if parameter["Type"] == "StringList":
        raise BadReferenceError(f"Parameter {parameter['Name']} of type StringList cannot be used as a String")
    return str(parameter["Value"])
