"""The transform AWS::LanguageExtensions: loops (Fn::ForEach) unrolled, functions in policies of resources replaced.

Flow: Template as written + values of its parameters -> `expand` -> Template as processed, which `checks` and `planning` work on.
Rules: what needs a resource is left to `functions`; a loop's collection can only come from parameters and mappings.
Refuses to know: resource types.

AWS: CloudFormation user guide, "AWS::LanguageExtensions transform", "Fn::ForEach".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.stacks.functions import NO_VALUE, resolve, text_of
from localorg.stacks.scope import TemplateScope
from localorg.stacks.template import SIZE_MAX, Template, built, invalid

LOOP = "Fn::ForEach::"
TURNS_MAX = 5_000
"""How often all loops of a template may turn. # ASSUMED: AWS refuses the result (500 resources, 1 MB) at the latest."""
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")
_SECTIONS = ("Conditions", "Resources", "Outputs")
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def expand(template: Template, values: Mapping[str, str], pseudo: Mapping[str, Any]) -> Template:
    """Return the template after its transform; one without a transform is returned as it is. Raises ValidationError."""
    if not template.extended:
        return template
    scope = TemplateScope(template, values, pseudo)
    body = {key: value for key, value in template.body.items() if key != "Transform"}
    unrolling = _Unrolling(scope)
    for section in _SECTIONS:
        if section in body:
            body[section] = unrolling.of(body[section] or {}, {})
    for resource in (body.get("Resources") or {}).values():
        if isinstance(resource, dict):
            _settle_policies(resource, scope)
    return built(body, extended=True)


def _settle_policies(resource: dict[str, Any], scope: TemplateScope) -> None:
    # AWS: with this transform DeletionPolicy and UpdateReplacePolicy may come from parameters and conditions.
    for key in _POLICIES:
        if isinstance(resource.get(key), dict):
            value = resolve(resource[key], scope)
            if value is NO_VALUE:
                del resource[key]
            else:
                resource[key] = value


class _Unrolling:
    """Unrolls the loops of one template."""

    def __init__(self, scope: TemplateScope) -> None:
        self._scope = scope
        self._turns = 0
        self._size = 0

    def of(self, value: Any, bound: Mapping[str, str]) -> Any:
        """Return a copy of `value` with loops unrolled and identifiers replaced."""
        self._grow(1)
        match value:
            case str():
                return self._bind(value, bound)
            case list():
                return [self.of(inner, bound) for inner in value]
            case {"Ref": str(name)} if len(value) == 1 and name in bound:
                return bound[name]
            case dict():
                return self._object(value, bound)
            case _:
                return value

    def _object(self, value: dict[Any, Any], bound: Mapping[str, str]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, inner in value.items():
            if not isinstance(key, str):
                found[key] = self.of(inner, bound)
                continue
            rows = self._loop(key, inner, bound) if key.startswith(LOOP) else ((self._bind(key, bound), self.of(inner, bound)),)
            for name, row in rows:
                if name in found:
                    raise invalid(f"Template error: {key} gives {name} more than once")
                found[name] = row
        return found

    def _loop(self, key: str, argument: Any, bound: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        match argument:
            case [str(identifier), collection, dict(fragment)] if key.removeprefix(LOOP).isalnum() and identifier.isalnum():
                pass
            case _:
                raise invalid(
                    f"Template error: {key} must be [identifier, collection, {{output key: output value}}] under an alphanumeric name"
                )
        for member in self._members(key, collection, bound):
            self._turns += 1
            if self._turns > TURNS_MAX:
                raise invalid(f"Template error: the loops of the template turn more than {TURNS_MAX} times")
            yield from self._object(fragment, {**bound, identifier: member}).items()

    def _members(self, key: str, collection: Any, bound: Mapping[str, str]) -> list[str]:
        members = resolve(self.of(collection, bound), self._scope)
        if not isinstance(members, list):
            raise invalid(f"Template error: the collection of {key} must be a list, found {members!r}")
        # AWS: a member that is a list itself (a Ref to a list parameter among others) counts with its members.
        flat = [one for member in members for one in (member if isinstance(member, list) else [member])]
        texts = [text_of(member, f"every member of {key}") for member in flat]
        if len(set(texts)) != len(texts):
            raise invalid(f"Template error: the collection of {key} has members that are the same")
        return texts

    def _bind(self, text: str, bound: Mapping[str, str]) -> str:
        for name, value in bound.items():
            # AWS: &{name} is for keys: what is not alphanumeric is left out of it.
            for mark, word in ((f"${{{name}}}", value), (f"&{{{name}}}", _NOT_ALPHANUMERIC.sub("", value))):
                if mark in text:
                    self._grow(text.count(mark) * len(word))
                    text = text.replace(mark, word)
        self._grow(len(text))
        return text

    def _grow(self, pieces: int) -> None:
        """Count what is about to be made: a loop in a loop multiplies."""
        self._size += pieces
        if self._size > SIZE_MAX:
            raise invalid(f"Template error: the loops of the template unroll to more than {SIZE_MAX} characters")
