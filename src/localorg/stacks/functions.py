"""Intrinsic functions: a value with functions in, a plain value out.

Flow: value -> `resolve(value, scope)` -> plain value. The scope answers Ref, GetAtt, mappings, conditions, imports.
`references` and `functions_in` look at the same tree without a scope.
Rules: AWS::NoValue removes the member that it stands for; a function that is not in the table is refused by name; what the functions
of one value make is counted before it is made, because a function in a function multiplies (`Metered`).
Refuses to know: where the scope's answers come from.

AWS: CloudFormation user guide, "Intrinsic function reference".
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from localorg.kernel.errors import AwsError
from localorg.stacks.template import SIZE_MAX, invalid

PSEUDO = frozenset(
    f"AWS::{name}"
    for name in ("AccountId", "NotificationARNs", "NoValue", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)
_INDEX = re.compile(r"[0-9]{1,9}")
_PLACEHOLDER = re.compile(r"\$\{(!?)([^{}]*)\}")


class _NoValue:
    """What Ref AWS::NoValue gives."""


NO_VALUE = _NoValue()


class Scope(Protocol):
    """Answers what names mean while a template is resolved."""

    def ref(self, name: str) -> Any:
        """Return what Ref gives. Raises ValidationError for an unknown name."""
        ...

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives."""
        ...

    def mapped(self, mapping: str, first: str, second: str) -> Any:
        """Return what Fn::FindInMap gives."""
        ...

    def condition(self, name: str) -> bool:
        """Return whether a condition holds."""
        ...

    def imported(self, name: str) -> str:
        """Return an exported value."""
        ...

    def of_type(self, kind: str) -> list[str]:
        """Return the values of every parameter of this type."""
        ...


class Metered:
    """A scope that counts the text which the functions of one value make, and refuses more than a template may come to."""

    def __init__(self, scope: Scope) -> None:
        self._made = 0
        self.ref = scope.ref
        self.attribute = scope.attribute
        self.mapped = scope.mapped
        self.condition = scope.condition
        self.imported = scope.imported
        self.of_type = scope.of_type

    def make(self, characters: int) -> None:
        """Count `characters` that are about to be made. Raises ValidationError."""
        self._made += characters
        if self._made > SIZE_MAX:
            # ASSUMED: the sentence; AWS refuses a template that comes to more than its quota.
            raise invalid(f"Template error: the functions of one value come to more than {SIZE_MAX} characters")


def resolve(value: Any, scope: Scope) -> Any:
    """Return `value` with every function replaced by what it gives. Raises ValidationError."""
    metered = scope if isinstance(scope, Metered) else Metered(scope)
    if isinstance(value, dict):
        called = _called(value)
        if called:
            return FUNCTIONS[called](value[called], metered)
        return {key: inner for key, raw in value.items() if (inner := resolve(raw, metered)) is not NO_VALUE}
    if isinstance(value, list):
        return [inner for raw in value if (inner := resolve(raw, metered)) is not NO_VALUE]
    return value


def _called(value: dict[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    name = next(iter(value))
    if not isinstance(name, str):
        return None
    if name in FUNCTIONS:
        return name
    if name.startswith("Fn::"):
        raise invalid(f"Template error: localorg does not support the intrinsic function {name}")
    return None


def functions_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, argument) of every function in a value, known or not, outermost first."""
    if isinstance(value, dict):
        if len(value) == 1:
            name = next(iter(value))
            if isinstance(name, str) and (name == "Ref" or name.startswith("Fn::")):
                yield name, value[name]
        for inner in value.values():
            yield from functions_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from functions_in(inner)


def placeholders(argument: Any) -> list[str]:
    """Return the names that a Fn::Sub asks its scope for."""
    text, given = (argument, {}) if isinstance(argument, str) else pair(argument, "Fn::Sub")
    return [name.strip() for literal, name in _PLACEHOLDER.findall(str(text)) if not literal and name.strip() not in given]


def references(value: Any, condition: Callable[[str], bool] | None = None) -> Iterator[tuple[str, str]]:
    """Yield (name, attribute or "") for every name that a value asks for.

    With `condition`, only the branch of each Fn::If that holds is looked at.
    """
    if isinstance(value, list):
        for inner in value:
            yield from references(inner, condition)
    if not isinstance(value, dict):
        return
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            yield name, ""
        case {"Fn::GetAtt": target} if len(value) == 1:
            yield _getatt(target)
        case {"Fn::Sub": argument} if len(value) == 1:
            for name in placeholders(argument):
                logical, _, attribute = name.partition(".")
                yield logical, attribute
            yield from references(argument, condition)
        case {"Fn::If": [str(name), yes, no]} if condition is not None and len(value) == 1:
            yield from references(yes if condition(name) else no, condition)
        case _:
            for inner in value.values():
                yield from references(inner, condition)


def _getatt(target: Any) -> tuple[str, str]:
    match target:
        case str():
            logical, dot, attribute = target.partition(".")
            if dot:
                return logical, attribute
        case [str(logical), str(attribute)]:
            return logical, attribute
        case [str(logical), *parts] if parts and all(isinstance(part, str) for part in parts):
            return logical, ".".join(parts)
        case _:
            pass
    raise invalid(f"Template error: Fn::GetAtt expects [resource, attribute], found {target!r}")


def pair(argument: Any, name: str) -> tuple[Any, Any]:
    """Return the two members of a function's argument. Raises ValidationError when there are not two."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise invalid(f"Template error: every {name} object must have two members in a list, found {argument!r}")
    return argument[0], argument[1]


def _ref(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, str):
        raise invalid(f"Template format error: every Ref must be a text, found {argument!r}")
    return NO_VALUE if argument == "AWS::NoValue" else scope.ref(argument)


def _get_att(argument: Any, scope: Scope) -> Any:
    if isinstance(argument, list) and len(argument) == 2:
        argument = [argument[0], resolve(argument[1], scope)]
    return scope.attribute(*_getatt(argument))


def _sub(argument: Any, scope: Metered) -> str:
    template, given = (argument, {}) if isinstance(argument, str) else pair(argument, "Fn::Sub")
    if not isinstance(template, str) or not isinstance(given, dict):
        raise invalid(
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments: a text, or [text, names]"
        )
    values = {name: text_of(resolve(value, scope), f"Fn::Sub ${{{name}}}") for name, value in given.items()}

    def named(name: str) -> str:
        if name in values:
            return values[name]
        logical, dot, attribute = name.partition(".")
        return text_of(scope.attribute(logical, attribute) if dot else scope.ref(name), f"Fn::Sub ${{{name}}}")

    def replaced(found: re.Match[str]) -> str:
        text = "${" + found.group(2) + "}" if found.group(1) else named(found.group(2).strip())
        scope.make(len(text))
        return text

    scope.make(len(template))
    return _PLACEHOLDER.sub(replaced, template)


def text_of(value: Any, place: str) -> str:
    """Return a scalar as CloudFormation writes it. Raises ValidationError for lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise invalid(f"Template error: {place} must be a text, found {type(value).__name__}")


def _join(argument: Any, scope: Metered) -> str:
    delimiter, raw = pair(argument, "Fn::Join")
    items = resolve(raw, scope)
    if not isinstance(delimiter, str) or not isinstance(items, list):
        raise invalid(
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined"
        )
    texts = [text_of(item, "every member of Fn::Join") for item in items]
    scope.make(sum(map(len, texts)) + len(delimiter) * len(texts))
    return delimiter.join(texts)


def _select(argument: Any, scope: Scope) -> Any:
    raw_index, raw = pair(argument, "Fn::Select")
    index, items = resolve(raw_index, scope), resolve(raw, scope)
    if not isinstance(items, list) or not _INDEX.fullmatch(str(index)):
        raise invalid("Template error: Fn::Select requires an index and a list")
    if int(index) >= len(items):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _split(argument: Any, scope: Metered) -> list[str]:
    delimiter, raw = pair(argument, "Fn::Split")
    text = resolve(raw, scope)
    if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str):
        raise invalid(
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split"
        )
    scope.make(len(text))
    return text.split(delimiter)


def _if(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        raise invalid("Template error: every Fn::If object requires a condition name and two values")
    return resolve(argument[1] if scope.condition(argument[0]) else argument[2], scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    otherwise = find_default(argument)
    keys = resolve(argument[:3] if otherwise else argument, scope)
    if not isinstance(keys, list) or len(keys) != 3:
        raise invalid(
            "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
        )
    name, first, second = (text_of(key, "every member of Fn::FindInMap") for key in keys)
    try:
        return scope.mapped(name, first, second)
    except AwsError:
        if not otherwise:
            raise
        return resolve(otherwise["DefaultValue"], scope)


def find_default(argument: Any) -> dict[str, Any] | None:
    """Return the {DefaultValue: ...} of a Fn::FindInMap, which the transform AWS::LanguageExtensions allows as its fourth member."""
    match argument:
        case [_, _, _, {"DefaultValue": _} as otherwise]:
            return dict(otherwise)
        case _:
            return None


def _base64(argument: Any, scope: Metered) -> str:
    text = text_of(resolve(argument, scope), "Fn::Base64").encode()
    scope.make(2 * len(text))
    return base64.b64encode(text).decode()


def _import_value(argument: Any, scope: Scope) -> str:
    return scope.imported(text_of(resolve(argument, scope), "Fn::ImportValue"))


def _cidr(argument: Any, scope: Scope) -> list[str]:
    given = resolve(argument, scope)
    if not isinstance(given, list) or len(given) not in (2, 3) or not all(_INDEX.fullmatch(str(one)) for one in given[1:]):
        raise invalid("Template error: every Fn::Cidr object requires an address block, a count and, optionally, cidrBits")
    try:
        block = ipaddress.ip_network(str(given[0]), strict=False)
    except ValueError:
        raise invalid(f"Template error: Fn::Cidr: {given[0]!r} is not a valid address block") from None
    # AWS: Fn::Cidr: count is 1 to 256; cidrBits is the inverse of the mask, 8 where it is not given for IPv4.
    count, bits = int(given[1]), int(given[2]) if len(given) == 3 else 8
    prefix = block.max_prefixlen - bits
    if not 1 <= count <= 256:
        raise invalid(f"Template error: Fn::Cidr: count must be between 1 and 256, found {count}")
    if prefix < block.prefixlen or 2 ** (prefix - block.prefixlen) < count:
        raise invalid(f"Template error: Fn::Cidr: {given[0]} does not hold {count} blocks of {bits} bits")
    start, step = int(block.network_address), 2**bits
    return [f"{type(block.network_address)(start + number * step)}/{prefix}" for number in range(count)]


def _length(argument: Any, scope: Scope) -> int:
    found = resolve(argument, scope)
    if not isinstance(found, list):
        raise invalid(f"Template error: Fn::Length expects a list, found {found!r}")
    return len(found)


def _to_json_string(argument: Any, scope: Metered) -> str:
    found = resolve(argument, scope)
    if not isinstance(found, list | dict):
        raise invalid(f"Template error: Fn::ToJsonString expects an object or a list, found {found!r}")
    text = json.dumps(found, separators=(",", ":"))
    scope.make(len(text))
    return text


EXTENDED_ONLY = frozenset({"Fn::Length", "Fn::ToJsonString"})
"""What only a template with the transform AWS::LanguageExtensions may call."""
FUNCTIONS: dict[str, Callable[[Any, Metered], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::ImportValue": _import_value,
    "Fn::Cidr": _cidr,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json_string,
}
"""What a resource or output may call."""
