"""The roles of the rendered templates as statements, and what each of their actions is for: for the reference page and for proofs.

Flow: render -> `statements()` one by one; permissions.yaml -> `purposes()`. Refuses to know: how policies are evaluated.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from csd.solution.render import render_member_roles, render_template

_PARAMETER = re.compile(r'"Ref": "(\w+)"')
_PURPOSES = Path(__file__).parent / "permissions.yaml"


@dataclass(frozen=True)
class Statement:
    """One statement of a role. `resources` are ARNs with ${AWS::Partition}, ${AWS::AccountId} and the template's parameters in them."""

    role: str
    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: dict[str, Any]


@dataclass(frozen=True)
class Purpose:
    """Why an action is granted; `aws` is where AWS says so when no script of ours calls it, else empty."""

    why: str
    aws: str


def statements() -> list[Statement]:
    """Every statement of the roles in the hub and in the members, each role once."""
    templates = [yaml.load(text, yaml.CSafeLoader) for text in (render_template(), render_member_roles())]
    roles = [one for template in templates for one in template["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    by_name = {role["Properties"]["RoleName"]: role["Properties"] for role in roles}
    return [statement for name, properties in by_name.items() for statement in _of(name, properties)]


def purposes() -> dict[tuple[str, str, str], Purpose]:
    """{(role, Sid, action): what it is for}"""
    found = {}
    for role, sids in yaml.load(_PURPOSES.read_text(encoding="utf-8"), yaml.CSafeLoader).items():
        for sid, actions in sids.items():
            for action, told in actions.items():
                found[role, sid, action] = Purpose(told, "") if isinstance(told, str) else Purpose(told["why"], told["aws"])
    return found


def _of(role: str, properties: dict[str, Any]) -> Iterator[Statement]:
    for policy in properties["Policies"]:
        for written in policy["PolicyDocument"]["Statement"]:
            # One side of a condition is the statement, the other none at all.
            said = next(one for one in written["Fn::If"][1:] if "Sid" in one) if "Fn::If" in written else written
            resources = tuple(_named(one) for one in _listed(said["Resource"]))
            yield Statement(role, said["Sid"], said["Effect"], _listed(said["Action"]), resources, said.get("Condition", {}))


def _named(resource: Any) -> str:
    """A resource as text; a list that is made of a parameter goes by the parameter's name."""
    if isinstance(resource, str):
        return resource
    if "Fn::Sub" in resource:
        return str(resource["Fn::Sub"])
    (parameter,) = _PARAMETER.findall(json.dumps(resource))
    return f"${{{parameter}}}"


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
