"""Template text to a value: YAML with short-form tags, or JSON; plain dictionaries with long-form functions come out.

Flow: text -> `parse` -> Template (sections as they stand) -> `checks` finds what is wrong with it.
Rules: text that cannot be read raises at once; what is read but wrong is left to `checks`, which tells everything together.
A parsed template is kept and never changed: a set sends the same text to every account.
Refuses to know: parameters' values, resource types.
"""

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import isfinite
from typing import Any

import yaml

from localorg.kernel.errors import AwsError
from localorg.kernel.yaml_text import bounded_events

BODY_BYTES_MAX = 51_200
"""AWS: CloudFormation quotas, template body size in a request."""
SIZE_MAX = 1_048_576
"""AWS: CloudFormation quotas, template size in S3; nothing that a template comes to may be more."""
DEPTH_MAX = 100
"""ASSUMED: AWS has a limit too and does not publish it; everything behind this door walks values by recursion."""
EXTENSIONS = "AWS::LanguageExtensions"
"""The one transform that localorg knows."""


def invalid(message: str) -> AwsError:
    """Return CloudFormation's error for everything that is wrong with a request."""
    return AwsError("ValidationError", message)


@dataclass(frozen=True)
class Template:
    """A parsed template. Sections are dictionaries; `body` is the whole of it."""

    body: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    mappings: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    extended: bool = False
    """Whether the transform AWS::LanguageExtensions was declared (and, in a template that `extensions.expand` gave, was applied)."""

    @property
    def description(self) -> str:
        """Return the description, or an empty string."""
        return str(self.body.get("Description", ""))

    @property
    def transforms(self) -> list[Any]:
        """Return the declared transforms (macros), in order."""
        declared = self.body.get("Transform") or []
        return declared if isinstance(declared, list) else [declared]


@lru_cache(maxsize=64)
def parse(text: str) -> Template:
    """Return the template in `text`, which nobody may change. Raises ValidationError when it is no template at all."""
    body = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    if not isinstance(body, dict):
        raise invalid("Template format error: unsupported structure.")
    _require_plain(body)
    for section in ("Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs"):
        value = body.get(section)
        if value is not None and not (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
            raise invalid(f"Template format error: [/{section}] must be an object with text keys.")
    return built(body)


def built(body: dict[str, Any], *, extended: bool = False) -> Template:
    """Return the template with this body, whose sections are objects."""
    template = Template(
        body,
        body.get("Parameters") or {},
        body.get("Mappings") or {},
        body.get("Conditions") or {},
        body.get("Rules") or {},
        body.get("Resources") or {},
        body.get("Outputs") or {},
    )
    return replace(template, extended=extended or EXTENSIONS in template.transforms)


def _require_plain(body: dict[str, Any]) -> None:
    """Refuse what JSON has no words for (YAML's sets, bytes and infinities), and what is nested too deeply."""
    level: list[Any] = [body]
    for _ in range(DEPTH_MAX):
        if not level:
            return
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif not _is_plain(value):
                # ASSUMED: the sentence.
                raise invalid(f"Template format error: {value!r:.40} cannot stand in a template.")
        level = below
    raise invalid("Template format error: nested too deeply.")


def _is_plain(value: Any) -> bool:
    match value:
        case str():
            return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
        case float():
            return isfinite(value)
        case _:
            return value is None or isinstance(value, bool | int)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"(line {error.lineno}, column {error.colno})"
        raise invalid(f"Template format error: JSON not well-formed. {place}") from error
    except ValueError as error:  # a number of thousands of digits
        raise invalid(f"Template format error: JSON not well-formed. {error}") from error
    except RecursionError as error:
        raise invalid("Template format error: nested too deeply.") from error


def _yaml(text: str) -> Any:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in bounded_events(text)):
            raise invalid("Template error: YAML aliases are not allowed in CloudFormation templates")
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a CSafeLoader that knows CloudFormation's tags
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"(line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        why = f" {error.problem}." if error.problem else ""
        raise invalid(f"Template format error: YAML not well-formed. {place}{why}") from error
    except yaml.YAMLError as error:
        raise invalid(f"Template format error: YAML not well-formed. {error}") from error
    except ValueError as error:  # a number of thousands of digits, a date that is none
        raise invalid(f"Template format error: YAML not well-formed. {error}") from error
    except RecursionError as error:
        raise invalid("Template format error: nested too deeply.") from error


class _Loader(yaml.CSafeLoader):
    """YAML as CloudFormation reads it: dates are text, !Tags are functions."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Take keys as they are written: CloudFormation makes JSON of YAML, and JSON's keys are text."""
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and not key.tag.startswith("!"):
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case _:
            raise yaml.MarkedYAMLError(problem=f"!{suffix} has no value", problem_mark=node.start_mark)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_multi_constructor("!", _function)
