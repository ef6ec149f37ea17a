"""What is wrong with the outer form of a template: sections, names, counts, nothing where something must be.

Flow: Template -> `anatomy_problems` -> sentences, which `checks` tells together with what is wrong with the rest.
Rules: a key that is written twice is no problem: the last one counts.

AWS: CloudFormation user guide, "Template anatomy", "CloudFormation quotas"; the sentences are CloudFormation's where it has one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.stacks.template import EXTENSIONS, Template

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Mappings",
        "Conditions",
        "Rules",
        "Resources",
        "Outputs",
    }
)
LIMITS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
"""AWS: CloudFormation quotas."""
NAME_MAX, DESCRIPTION_BYTES_MAX = 255, 1024
"""AWS: CloudFormation quotas: names of parameters, mappings, outputs (and, # ASSUMED: resources); template description."""


def transform_problems(template: Template) -> Iterator[str]:
    """Yield a sentence for each transform that localorg does not know."""
    for name in template.transforms:
        if name != EXTENSIONS:
            yield f"localorg does not support the transform {name} (macros) at [/Transform]; it supports {EXTENSIONS}"


def anatomy_problems(template: Template) -> Iterator[str]:
    """Yield a sentence for everything wrong with the sections of a template."""
    unknown = sorted(str(key) for key in set(template.body) - SECTIONS)
    if "Transform" in unknown:
        unknown.remove("Transform")
        yield from transform_problems(template)
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"
    version = template.body.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        yield f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
    yield from _description(template.body.get("Description", ""))
    if not template.resources:
        yield "Template format error: At least one Resources member must be defined."
    yield from _counts(template)
    yield from _names(template)
    yield from _mappings(template.mappings)
    for name, condition in template.conditions.items():
        if not isinstance(condition, dict):
            yield f"Template format error: Conditions can only be boolean operations on parameters and other conditions: {name}"
    yield from (f"[{place}] 'null' values are not allowed in templates" for place in _nothings(template.body, ""))


def _description(value: Any) -> Iterator[str]:
    if value is not None and not isinstance(value, str):
        yield "Template format error: Description must be a text."
    elif value is not None and len(value.encode()) > DESCRIPTION_BYTES_MAX:
        yield f"Template format error: 'Description' length is greater than {DESCRIPTION_BYTES_MAX}."


def _counts(template: Template) -> Iterator[str]:
    for section, most in LIMITS.items():
        count = len(template.body.get(section) or {})
        if count > most:
            yield f"Template format error: Number of {section.lower()}, {count}, is greater than maximum allowed, {most}"


def _names(template: Template) -> Iterator[str]:
    shared = sorted(set(template.parameters) & set(template.resources))
    if shared:
        # AWS: the very sentence, as reported to cfn-lint (issue 1689).
        yield f"Template error: all resources and parameters must have unique names. Common name(s):[{', '.join(shared)}]"
    for section in LIMITS:
        for name in template.body.get(section) or {}:
            if len(name) > NAME_MAX:
                # ASSUMED: the sentence.
                yield f"Template format error: {section[:-1]} name {name} is longer than {NAME_MAX} characters."


def _mappings(mappings: Mapping[str, Any]) -> Iterator[str]:
    for name, rows in mappings.items():
        if not name.isalnum():
            yield f"Template format error: Mapping name '{name}' is non alphanumeric."
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            yield f"Template format error: Every Mappings member {name} must be a map"
            continue
        values = [value for row in rows.values() for value in row.values()]
        if any(isinstance(value, dict) for value in values):
            yield "Template format error: Every Mappings attribute must be a String or a List."


def _nothings(value: Any, place: str) -> Iterator[str]:
    """Yield the place of every null."""
    match value:
        case None:
            yield place
        case dict():
            for key, inner in value.items():
                yield from _nothings(inner, f"{place}/{key}")
        case list():
            for number, inner in enumerate(value):
                yield from _nothings(inner, f"{place}/{number}")
