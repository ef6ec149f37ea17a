"""What an update would do, resource by resource and property by property, and why.

Flow: the stack as it stands + the plan of what it shall be -> `Comparing.changes` -> Change, Detail ... -> UpdateStack ("No updates ..."),
change sets.
Rules: nothing is asked of any service but dynamic references; what depends on a resource that is still to be made is Dynamic, and its
replacement Conditional.

AWS: API reference, ResourceChange and ResourceChangeDetail; user guide, "Example change sets".
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.functions import NO_VALUE, references
from localorg.stacks.parameters import HIDDEN, hides
from localorg.stacks.planning import Plan, with_stack_tags
from localorg.stacks.records import ResourceRecord, StackRecord
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.template import Template

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""AWS: what a value that depends on a resource to be made is shown as."""
_ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "Metadata")


@dataclass(frozen=True)
class Detail:
    """One thing that changes, and one reason for it."""

    attribute: str
    name: str = ""
    recreation: str = "Never"
    evaluation: str = "Static"
    source: str = "DirectModification"
    cause: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Change:
    """What happens to one resource: Add, Modify or Remove. Without a logical id it is the stack itself (tags, outputs)."""

    action: str
    logical_id: str
    physical_id: str
    type: str
    replacement: str = ""
    details: tuple[Detail, ...] = ()
    policy: str = ""
    before: str = ""
    after: str = ""


class Comparing:
    """Compares a stack with what it shall be."""

    def __init__(
        self,
        stack: StackRecord,
        plan: Plan,
        templates: tuple[Template, Template],
        values: tuple[Mapping[str, str], Mapping[str, str]],
        stack_tags: Mapping[str, str],
    ) -> None:
        self._stack = stack
        self._plan = plan
        self._old, self._new = templates
        self._tags = stack_tags
        self._told = {name for name, value in values[1].items() if values[0].get(name) != value}
        self._secret = {name for name, declaration in self._new.parameters.items() if hides(declaration)}
        self._remade: set[str] = set()

    def changes(self) -> list[Change]:
        """Return what would change, in the order in which it would happen."""
        needs = self._plan.needs()
        found = [change for name in needs if (change := self._change(name))]
        return found + [self._removal(row) for name, row in self._stack.resources.items() if name not in needs]

    def _removal(self, resource: ResourceRecord) -> Change:
        policy = "Delete" if resource.deletion_policy == "Delete" else "Retain"
        before = self._context(resource.properties, self._raw(self._old, resource.logical_id))
        return Change("Remove", resource.logical_id, resource.physical_id, resource.type, policy=policy, before=before)

    def _change(self, name: str) -> Change | None:
        kind, current = self._plan.type_of(name), self._stack.resources.get(name)
        raw = self._raw(self._new, name)
        wanted, unknown = self._wanted(name, raw)
        if current is None or not current.physical_id:
            self._remade.add(name)
            return Change("Add", name, "", kind.name, after=self._context({**wanted, **dict.fromkeys(unknown, UNKNOWN)}, raw))
        details = [*self._details(kind, current, wanted, unknown, raw), *self._attributes(name)]
        retyped = current.type != kind.name
        if not details and not retyped and not kind.always_asked and not current.status.endswith("_FAILED"):
            return None
        replacement = "True" if retyped else _replacement(details)
        policy = ""
        if replacement != "False":
            self._remade.add(name)
            policy = "ReplaceAndRetain" if current.replace_policy == "Retain" else "ReplaceAndDelete"
        before = self._context(current.properties, self._raw(self._old, name))
        after = self._context({**wanted, **dict.fromkeys(unknown, UNKNOWN)}, raw)
        return Change("Modify", name, current.physical_id, kind.name, replacement, tuple(details), policy, before, after)

    def _wanted(self, name: str, raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the properties that are known already, and the names of those that are not."""
        unknown = [key for key, value in raw.items() if any(one in self._remade for one, _ in self._plan.asked(value))]
        wanted = {}
        for key in raw:
            if key not in unknown:
                try:
                    value = self._plan.value_of(raw[key])
                except AwsError:
                    # What cannot be resolved fails the resource when its turn comes.
                    value = UNKNOWN
                if value is not NO_VALUE:
                    wanted[key] = value
        kind = self._plan.type_of(name)
        if "Tags" not in unknown:
            wanted |= with_stack_tags(kind, wanted, self._tags)
        return wanted, unknown

    def _details(
        self, kind: ResourceType, current: ResourceRecord, wanted: Mapping[str, Any], unknown: list[str], raw: Mapping[str, Any]
    ) -> Iterator[Detail]:
        was = current.properties
        for key in sorted({*wanted, *was} - set(unknown)):
            if was.get(key) != wanted.get(key):
                again = key in kind.replacing(was, {**was, key: wanted.get(key)})
                told = Detail(
                    "Properties",
                    key,
                    "Always" if again else "Never",
                    before=_text(was.get(key)),
                    after=_text(wanted.get(key)),
                )
                yield from self._reasons(current.logical_id, told, raw)
        for key in unknown:
            again = key in kind.replacing(was, {**was, key: UNKNOWN})
            recreation = "Always" if again else "Never"
            for cause, attribute in self._plan.asked(raw[key]):
                if cause in self._remade:
                    source = "ResourceAttribute" if attribute else "ResourceReference"
                    named = f"{cause}.{attribute}" if attribute else cause
                    yield Detail("Properties", key, recreation, "Dynamic", source, named, _text(was.get(key)), UNKNOWN)

    def _reasons(self, name: str, told: Detail, raw: Mapping[str, Any]) -> Iterator[Detail]:
        key = told.name
        if self._hidden(raw.get(key)):
            told = replace(told, before=HIDDEN, after=HIDDEN)
        if key == "Tags":
            yield replace(told, attribute="Tags", name="")
            return
        causes = list(dict.fromkeys(one for one, _ in self._plan.asked(raw.get(key)) if one in self._told))
        for cause in causes:
            yield replace(told, source="ParameterReference", cause=cause)
        direct = self._raw(self._old, name).get(key) != raw.get(key)
        # AWS: with a parameter as the cause, a direct modification is told too, as Dynamic, because it might come on top.
        yield replace(told, evaluation="Static" if direct or not causes else "Dynamic")

    def _attributes(self, name: str) -> Iterator[Detail]:
        old, new = self._old.resources.get(name) or {}, self._new.resources[name]
        for key in _ATTRIBUTES:
            if old.get(key) != new.get(key):
                yield Detail(key, before=_text(old.get(key)), after=_text(new.get(key)))

    @staticmethod
    def _raw(template: Template, name: str) -> dict[str, Any]:
        properties = (template.resources.get(name) or {}).get("Properties") or {}
        return properties if isinstance(properties, dict) else {}

    def _hidden(self, raw: Any) -> bool:
        return any(name in self._secret for name, _ in references(raw))

    def _context(self, properties: Mapping[str, Any], raw: Mapping[str, Any]) -> str:
        shown = {key: HIDDEN if self._hidden(raw.get(key)) else value for key, value in properties.items()}
        return json.dumps({"Properties": shown}, default=str)


def _replacement(details: list[Detail]) -> str:
    always = {detail.evaluation for detail in details if detail.recreation == "Always"}
    return "True" if "Static" in always else "Conditional" if always else "False"


def _text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
