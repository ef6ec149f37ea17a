"""From a template and values to resources in order, their properties and outputs, as they would be now.

Flow: `Plan(template, values, ...)` -> active resources and what each needs -> `properties_of` as its turn comes -> `outputs`.
Rules: a resource whose condition is false is not there; naming it is an error. Stack tags reach every resource that takes tags.
Refuses to know: what is done with the plan.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.checks import depends_on
from localorg.stacks.functions import NO_VALUE, references, resolve, text_of
from localorg.stacks.logic import broken_rules
from localorg.stacks.order import waves
from localorg.stacks.records import OutputRecord, ResourceRecord
from localorg.stacks.resources.kinds import Properties, ResourceType, tag_list, tags_of
from localorg.stacks.scope import TemplateScope, no_exports
from localorg.stacks.template import Template, invalid


class Plan:
    """One template with one set of values, for one stack. `existing` are the stack's resources as they come to be."""

    def __init__(
        self,
        template: Template,
        values: Mapping[str, str],
        pseudo: Mapping[str, Any],
        types: Mapping[str, ResourceType],
        existing: Mapping[str, ResourceRecord],
        imported: Callable[[str], str] = no_exports,
        dynamic: Callable[[str], str] = str,
    ) -> None:
        self._dynamic = dynamic
        self._template = template
        self._types = types
        self._existing = existing
        self.imports: list[str] = []
        self._find_export = imported
        self._scope = TemplateScope(template, values, pseudo, self._attribute, self._imported)
        self._plain = TemplateScope(template, values, pseudo)

    def check(self) -> None:
        """Raise ValidationError for broken rules, unknown names and cycles: everything at once."""
        problems = list(broken_rules(self._template.rules, self._plain))
        try:
            self.needs()
        except AwsError as refusal:
            problems.append(refusal.message)
        if problems:
            raise invalid("\n".join(problems))

    def active(self) -> list[str]:
        """Return the logical ids whose condition holds, in the order of the template."""
        return [
            name
            for name, resource in self._template.resources.items()
            if "Condition" not in resource or self._scope.condition(resource["Condition"])
        ]

    def needs(self) -> dict[str, list[str]]:
        """Return what each active resource needs, in an order that respects it. Raises ValidationError for cycles."""
        active = self.active()
        found: dict[str, list[str]] = {}
        missing: set[str] = set()
        for name in active:
            resource = self._template.resources[name]
            asked = [asked for asked, _ in references(resource.get("Properties"), self._scope.condition)]
            named = dict.fromkeys(one for one in asked if one in self._template.resources)
            missing.update(one for one in named if one not in active)
            # AWS: DependsOn of a resource whose condition is false is ignored.
            named.update(dict.fromkeys(one for one in depends_on(resource) if one in active))
            found[name] = [one for one in named if one in active]
        if missing:
            listed = ", ".join(sorted(missing))
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{listed}] in the Resources block of the template"
            )
        try:
            return {name: found[name] for name in waves(found)}
        except ValueError as cycle:
            raise invalid(f"Circular dependency between resources: [{cycle}]") from None

    def type_of(self, name: str) -> ResourceType:
        """Return the type of a resource."""
        return self._types[self._template.resources[name]["Type"]]

    def policies_of(self, name: str) -> tuple[str, str]:
        """Return (DeletionPolicy, UpdateReplacePolicy) of a resource."""
        resource = self._template.resources[name]
        return resource.get("DeletionPolicy", "Delete"), resource.get("UpdateReplacePolicy", "Delete")

    def properties_of(self, name: str, stack_tags: Mapping[str, str]) -> dict[str, Any]:
        """Return the resolved properties of a resource. What it names must exist. Raises ValidationError."""
        properties = resolve(self._template.resources[name].get("Properties") or {}, self._scope)
        if not isinstance(properties, dict):
            raise invalid(f"[/Resources/{name}/Properties] must be an object")
        properties = dict(self._told(properties))
        kind = self.type_of(name)
        properties |= with_stack_tags(kind, properties, stack_tags)
        require_properties(name, kind, properties)
        return properties

    def asked(self, value: Any) -> list[tuple[str, str]]:
        """Return (name, attribute or "") for all that a value asks for under the conditions that hold."""
        return list(references(value, self._scope.condition))

    def value_of(self, value: Any) -> Any:
        """Return a value resolved; NO_VALUE stands for none. Raises ValidationError."""
        return self._told(resolve(value, self._scope))

    def outputs(self) -> list[OutputRecord]:
        """Return the outputs whose condition holds. Raises ValidationError."""
        found = []
        for key, output in self._template.outputs.items():
            if "Condition" in output and not self._scope.condition(output["Condition"]):
                continue
            value = self._told(resolve(output["Value"], self._scope))
            if value is NO_VALUE:
                continue
            place = f"[/Outputs/{key}/Value]"
            export = resolve(output["Export"]["Name"], self._scope) if "Export" in output else ""
            found.append(
                OutputRecord(
                    key, text_of(value, place), str(output.get("Description", "")), text_of(export, f"[/Outputs/{key}/Export]")
                )
            )
        return found

    def _told(self, value: Any) -> Any:
        """Return a resolved value with its dynamic references replaced."""
        match value:
            case str() if "{{resolve:" in value:
                return self._dynamic(value)
            case list():
                return [self._told(inner) for inner in value]
            case dict():
                return {key: self._told(inner) for key, inner in value.items()}
            case _:
                return value

    def capabilities(self) -> dict[str, list[str]]:
        """Return the capability -> types that the active resources need."""
        found: dict[str, list[str]] = {}
        for name in self.active():
            kind = self.type_of(name)
            wanted = kind.capability(self._template.resources[name].get("Properties") or {}) if kind.capability else ""
            if wanted:
                found.setdefault(wanted, []).append(kind.name)
        return found

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        record = self._existing.get(logical_id)
        if record is None or not record.physical_id:
            raise invalid(f"Template error: the resource {logical_id} does not exist (yet)")
        if not attribute:
            return record.physical_id
        if attribute not in record.attributes:
            raise invalid(f"Template error: resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt")
        return record.attributes[attribute]

    def _imported(self, name: str) -> str:
        value = self._find_export(name)
        if name not in self.imports:
            self.imports.append(name)
        return value


def with_stack_tags(kind: ResourceType, properties: Properties, stack_tags: Mapping[str, str]) -> dict[str, Any]:
    """Return {"Tags": ...} of a resource that takes tags in a stack that has some, else nothing."""
    if not stack_tags or "Tags" not in kind.properties:
        return {}
    # AWS: CloudFormation user guide, "Resource tag": stack-level tags propagate to resources that support them.
    return {"Tags": tag_list({**stack_tags, **tags_of(properties)})}


def require_properties(name: str, kind: ResourceType, properties: Properties) -> None:
    """Raise ValidationError for what is missing or not known once everything is resolved."""
    # AWS: the sentences are those of CloudFormation's resource schemas.
    words = [f"#: required key [{key}] not found" for key in sorted(kind.required - set(properties))]
    words += [f"#: extraneous key [{key}] is not permitted" for key in sorted(set(properties) - kind.properties)]
    if words:
        raise invalid(f"Properties validation failed for resource {name} with message:\n" + "\n".join(words))
