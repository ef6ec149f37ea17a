"""What is wrong with a template, before anything is made: everything at once.

Flow: Template -> `problems` -> sentences; -> `require_sound` raises ValidationError with all of them.
Rules: unknown types, properties, attributes and functions are refused here, by name and place; a property that a resource lacks is
told when the resource is made, as CloudFormation does.

AWS: CloudFormation user guide, "Template anatomy"; the sentences are CloudFormation's where it has one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.anatomy import anatomy_problems, transform_problems
from localorg.stacks.extensions import LOOP
from localorg.stacks.functions import EXTENDED_ONLY, FUNCTIONS, find_default, functions_in, references
from localorg.stacks.logic import LISTS, LOGIC, RULES_ONLY
from localorg.stacks.lookups import REFERENCE, reference_problem
from localorg.stacks.parameter_types import kind_of
from localorg.stacks.parameters import declaration_problems
from localorg.stacks.resources.kinds import ResourceType, has_attribute
from localorg.stacks.template import EXTENSIONS, Template, invalid

RESOURCE_KEYS = frozenset({"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"})
OUTPUT_KEYS = frozenset({"Value", "Description", "Export", "Condition"})
LATER_KEYS = frozenset({"CreationPolicy", "UpdatePolicy"})
"""Keys of resources that AWS knows, for types that localorg has none of."""
DELETION_POLICIES = frozenset({"Delete", "Retain", "RetainExceptOnCreate"})
REPLACE_POLICIES = frozenset({"Delete", "Retain"})
EXPORT_NAME = re.compile(r"[A-Za-z0-9:-]+")


def require_sound(template: Template, types: Mapping[str, ResourceType], *, tolerant: bool = False) -> None:
    """Raise ValidationError with every problem of the template; `tolerant` of resource types that are not supported."""
    unknown = [] if tolerant else _unknown_types(template, types)
    found = list(dict.fromkeys([*unknown, *problems(template, types)]))
    if found:
        raise invalid("\n".join(found))


def problems(template: Template, types: Mapping[str, ResourceType]) -> Iterator[str]:
    """Yield a sentence for everything wrong with the template."""
    yield from anatomy_problems(template)
    yield from declaration_problems(template.parameters)
    for name, resource in template.resources.items():
        yield from _resource(name, resource, types)
    for name, output in template.outputs.items():
        yield from _output(name, output)
    yield from _sharing(template)
    for name, rule in template.rules.items():
        yield from _rule(name, rule)
    for section, words in (("Resources", template.resources), ("Outputs", template.outputs)):
        yield from _functions(words, section, frozenset(FUNCTIONS), extended=template.extended)
        yield from _names(template, section, words, types)
    allowed = frozenset({*FUNCTIONS, *LOGIC}) - RULES_ONLY - {"Fn::GetAtt", "Fn::ImportValue"}
    yield from _functions(template.conditions, "Conditions", allowed, extended=template.extended)
    yield from _functions(template.rules, "Rules", frozenset({*LOGIC, *LISTS, "Ref"}), extended=template.extended)
    text = json.dumps([template.resources, template.outputs], default=str, ensure_ascii=False)
    yield from (problem for found in REFERENCE.findall(text) if (problem := reference_problem(*found)))


def refuse_declarations(template: Template) -> None:
    """Raise ValidationError for parameters and transforms that localorg does not know: without them nothing can be processed."""
    found = [*transform_problems(template), *declaration_problems(template.parameters)]
    if found:
        # Tell what is wrong with the rest at once, as far as it can be seen.
        raise invalid("\n".join(found))


def _unknown_types(template: Template, types: Mapping[str, ResourceType]) -> Iterator[str]:
    named = [resource.get("Type") for resource in template.resources.values() if isinstance(resource, dict)]
    unknown = sorted({str(name) for name in named if name and str(name) not in types})
    if unknown:
        yield f"Template format error: Unrecognized resource types: [{', '.join(unknown)}] (localorg supports {', '.join(sorted(types))})"


def _resource(name: str, resource: Any, types: Mapping[str, ResourceType]) -> Iterator[str]:
    place = f"[/Resources/{name}]"
    if not name.isalnum():
        yield f"Template format error: Resource name {name} is non alphanumeric."
    if not isinstance(resource, dict):
        yield f"Template format error: {place} must be an object."
        return
    if not isinstance(resource.get("Type"), str):
        yield f"Template format error: {place} Every Resources object must contain a Type member."
    for key in sorted(str(key) for key in set(resource) - RESOURCE_KEYS):
        if key in LATER_KEYS:
            yield f"localorg does not support the resource attribute {key} at {place}"
        else:
            yield f"Invalid template resource property '{key}' at {place}"
    yield from _policies(name, resource)
    depends = resource.get("DependsOn", [])
    if not isinstance(depends, str) and not (isinstance(depends, list) and all(isinstance(one, str) for one in depends)):
        yield f"Template format error: DependsOn must be a resource name or a list of them: {place}"
    yield from _properties(place, resource.get("Properties") or {}, types.get(str(resource.get("Type"))))


def _policies(name: str, resource: Mapping[str, Any]) -> Iterator[str]:
    for key, known in (("DeletionPolicy", DELETION_POLICIES), ("UpdateReplacePolicy", REPLACE_POLICIES)):
        value = resource.get(key, "Delete")
        if not isinstance(value, str):
            yield f"Template format error: Every {key} member must be a string."
        elif value == "Snapshot":
            words = "deletion policy" if key == "DeletionPolicy" else "update replace policy"
            yield f"Template error: resource type {resource.get('Type')} does not support {words} Snapshot"
        elif value not in known:
            yield f"Template format error: Unrecognized {key} {value} for resource {name}"


def _properties(place: str, properties: Any, kind: ResourceType | None) -> Iterator[str]:
    if not isinstance(properties, dict):
        yield f"Template format error: {place}/Properties must be an object."
    elif kind is not None and not any(key.startswith("Fn::") for key in properties):
        for key in sorted(set(properties) - kind.properties):
            yield f"localorg does not support the property {key} of {kind.name} at {place}/Properties/{key}"


def _output(name: str, output: Any) -> Iterator[str]:
    place = f"[/Outputs/{name}]"
    if not name.isalnum():
        yield f"Template format error: Output name {name} is non alphanumeric."
    if not isinstance(output, dict) or "Value" not in output:
        yield f"Template format error: Every Outputs member must contain a Value object: {place}"
        return
    for key in sorted(set(output) - OUTPUT_KEYS):
        yield f"Invalid property {key} at {place}"
    export = output.get("Export", {"Name": "none"})
    if not isinstance(export, dict) or set(export) != {"Name"} or not _is_export_name(export["Name"]):
        yield (
            f"Template format error: Output {name} is malformed. The Name field of every Export member must be specified and "
            "consist only of alphanumeric characters, colons, or hyphens."
        )


def _is_export_name(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and bool(EXPORT_NAME.fullmatch(value)))


def _sharing(template: Template) -> Iterator[str]:
    """Yield what is wrong with what is exported and imported: it depends on no resource, and a name is exported once."""
    outputs = [one for one in template.outputs.values() if isinstance(one, dict)]
    exports = [one["Export"]["Name"] for one in outputs if isinstance(one.get("Export"), dict) and "Name" in one["Export"]]
    for name in sorted({one for one in exports if isinstance(one, str) and exports.count(one) > 1}):
        # ASSUMED: the sentence.
        yield f"Template format error: Export name {name} is in more than one output"
    words = [template.resources, template.outputs]
    imports = [argument for name, argument in functions_in(words) if name == "Fn::ImportValue"]
    for place, values in (("Fn::ImportValue", imports), ("Export Name", exports)):
        if _depends_on_resources(template, values):
            yield f"Template error: the attribute in {place} must not depend on any resources, imported values, or Fn::GetAZs"


def _depends_on_resources(template: Template, values: list[Any]) -> bool:
    try:
        named = {name for name, _ in references(values)}
    except AwsError:
        # It is told with the functions.
        return False
    return bool(named & set(template.resources)) or any(name == "Fn::ImportValue" for name, _ in functions_in(values))


def _rule(name: str, rule: Any) -> Iterator[str]:
    place = f"[/Rules/{name}]"
    if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
        yield f"Template format error: every rule must have a list of Assertions: {place}"
        return
    for key in sorted(set(rule) - {"RuleCondition", "Assertions"}):
        yield f"Invalid property {key} at {place}"
    for number, assertion in enumerate(rule["Assertions"]):
        if not isinstance(assertion, dict) or "Assert" not in assertion or set(assertion) - {"Assert", "AssertDescription"}:
            yield f"Template format error: an assertion has an Assert and an AssertDescription: {place}/Assertions/{number}"


def _functions(words: Any, section: str, allowed: frozenset[str], *, extended: bool) -> Iterator[str]:
    for name, argument in functions_in(words):
        loop = name.startswith(LOOP)
        if not extended and (loop or name in EXTENDED_ONLY or (name == "Fn::FindInMap" and _needs_extensions(argument))):
            # ASSUMED: the sentence around it; AWS documents that these need the transform.
            yield f"Template error: {name} as used in the {section} block requires the transform {EXTENSIONS}"
        elif name == "Fn::RefAll" and not kind_of(str(argument)).names:
            yield f"Template error: localorg does not support the intrinsic function {name} of {argument} (in the {section} block)"
        elif name in allowed or loop:
            continue
        elif name in FUNCTIONS or name in LOGIC or name in LISTS:
            yield f"Template error: {name} cannot be used in the {section} block of the template"
        else:
            yield f"Template error: localorg does not support the intrinsic function {name} (in the {section} block)"


def _needs_extensions(argument: Any) -> bool:
    """Say whether a Fn::FindInMap has a default, or functions that it may not have without the transform."""
    nested = {name for name, _ in functions_in(argument)}
    return find_default(argument) is not None or bool(nested - {"Ref", "Fn::FindInMap"})


def _names(template: Template, section: str, words: Mapping[str, Any], types: Mapping[str, ResourceType]) -> Iterator[str]:
    try:
        asked = list(references(words))
    except AwsError as refusal:
        yield refusal.message
        return
    depended = [(one, "") for resource in words.values() for one in depends_on(resource)] if section == "Resources" else []
    known = {*template.resources, *template.parameters}
    missing = sorted({name for name, _ in (*asked, *depended) if name not in known and not name.startswith("AWS::")})
    if missing:
        yield f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] in the {section} block of the template"
    for name, attribute in asked:
        resource = template.resources.get(name)
        kind = types.get(str(resource.get("Type"))) if isinstance(resource, dict) else None
        if attribute and kind is not None and not has_attribute(kind, attribute):
            yield f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
    for place, name in _conditions_named(words, section):
        if name not in template.conditions:
            yield f"Template format error: Unresolved condition dependency {name} at {place}"


def _conditions_named(words: Mapping[str, Any], section: str) -> Iterator[tuple[str, str]]:
    for logical, entry in words.items():
        if isinstance(entry, dict) and isinstance(entry.get("Condition"), str):
            yield f"[/{section}/{logical}/Condition]", entry["Condition"]
    for name, argument in functions_in(words):
        if name == "Fn::If" and isinstance(argument, list) and argument and isinstance(argument[0], str):
            yield f"an Fn::If of the {section} block", argument[0]


def depends_on(resource: Any) -> list[str]:
    """Return the DependsOn of a resource as a list."""
    value = resource.get("DependsOn", []) if isinstance(resource, dict) else []
    return (
        [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    )
