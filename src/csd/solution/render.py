"""Render the solution: put the scripts into the documents and the documents into the template.

    python -m csd.solution.render            writes artifacts/ of the working folder

Flow: source YAML -> replace the markers -> YAML text. The markers: {csd_step: FILE} is a script's text, {csd_document: NAME,
defaults: {...}, payloads: {STEP: {...}}} a document, {csd_text: NAME} another source as text; {csd_part: NAME} and
{csd_conditions: targets} are what csd.solution.targets makes; {csd_member_roles: CONDITION} are the member roles as resources.

Rules: pure apart from reading the sources; the output is a function of them alone. Scripts are read as text, never imported.
Refuses to know: what CloudFormation or Systems Manager make of it.
"""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from csd.solution.names import HUB_DOCUMENT, MEMBER_DOCUMENT, MEMBER_ROLES, TEMPLATE
from csd.solution.targets import CONDITIONS, PARTS

SOURCES = Path(__file__).parent / "sources"
STEPS = Path(__file__).parents[2] / "csd_steps"

# AWS: CreateStack API, TemplateURL: at most 1 MB; CreateStackSet API, TemplateBody: at most 51,200 bytes.
TEMPLATE_BYTES_MAX = 1_000_000
BODY_BYTES_MAX = 51_200
# AWS: CreateDocument API, MaxDocumentSizeExceeded: 64 KB.
DOCUMENT_BYTES_MAX = 64_000
LINE_CHARS = 110

_HEADER = "# Rendered from src/csd/solution/sources and src/csd_steps by `python -m csd.solution.render`. Edit those, not this.\n"


@cache
def render_document(name: str) -> str:
    """One Automation document as YAML text."""
    return _HEADER + _dump(_document(name, {}, {}))


@cache
def render_template() -> str:
    """The CloudFormation template as YAML text, documents included."""
    return _HEADER + _dump(_fill(_source(TEMPLATE)))


@cache
def render_member_roles() -> str:
    """The template of a member's roles as YAML text: what the StackSet brings, and what a person launches where it cannot."""
    return _HEADER + _dump(_source(MEMBER_ROLES))


def artifacts() -> dict[str, str]:
    """{path below artifacts/: text} of everything that is rendered."""
    documents = {f"documents/{name}.yaml": render_document(name) for name in (HUB_DOCUMENT, MEMBER_DOCUMENT)}
    return {f"{TEMPLATE}.yaml": render_template(), f"{MEMBER_ROLES}.yaml": render_member_roles(), **documents}


def _source(name: str) -> Any:
    return yaml.load((SOURCES / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)  # ours; nine times as fast


def _document(name: str, defaults: dict[str, Any], payloads: dict[str, dict[str, Any]]) -> Any:
    """A document with the template's own defaults of parameters, and what its steps are given that no parameter can change."""
    document = _fill(_source(name))
    for parameter, default in defaults.items():
        document["parameters"][parameter]["default"] = default
    for step in document["mainSteps"]:
        step["inputs"].get("InputPayload", {}).update(_fill(payloads.get(step["name"], {})))
    return document


def _fill(value: Any) -> Any:
    """Replace the markers, at any depth."""
    match value:
        case {"csd_document": str(name)}:
            return _document(name, value.get("defaults", {}), value.get("payloads", {}))
        case dict() if len(value) == 1 and (marker := next(iter(value))) in _MARKERS:
            return _MARKERS[marker](value[marker])
        case dict():
            return _filled(value)
        case list():
            return [_fill(item) for item in value]
        case _:
            return value


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    """Each member filled in; a marker that stands for several members gives way to them."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= _MEMBERS[key](item) if key in _MEMBERS else {key: _fill(item)}
    return found


def _roles_of_the_hub(condition: str) -> dict[str, Any]:
    """The member roles as resources of the hub's own stack."""
    text = json.dumps(_source(MEMBER_ROLES)["Resources"]).replace("HubAccountId", "AWS::AccountId")
    return {f"Hub{name}": {"Type": role["Type"], "Condition": condition, **role} for name, role in json.loads(text).items()}


_MARKERS: dict[str, Callable[[str], Any]] = {
    "csd_step": lambda file: (STEPS / file).read_text(encoding="utf-8"),
    "csd_text": lambda name: _dump(_source(name)),
    "csd_part": lambda name: PARTS[name],
}
_MEMBERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "csd_conditions": lambda _targets: CONDITIONS,
    "csd_member_roles": _roles_of_the_hub,
}


class _Dumper(yaml.SafeDumper):
    """Long text as it is written; what fits a line stands on one; nothing is abbreviated by anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the method's signature is PyYAML's.
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


def _mapping(dumper: _Dumper, value: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=_fits(value))


def _sequence(dumper: _Dumper, value: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_fits(value))


def _fits(value: Any) -> bool:
    """Whether a value stands on one line: a short one, and a call of CloudFormation's functions up to twice as long."""
    text = json.dumps(value)
    is_call = isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("Fn::")
    return "\\n" not in text and len(text) <= (2 * LINE_CHARS if is_call else LINE_CHARS)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _sequence)


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=4096, allow_unicode=True)


def main() -> None:
    """Write artifacts/ in the working folder."""
    for path, text in artifacts().items():
        target = Path("artifacts") / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        sys.stderr.write(f"{target}: {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
