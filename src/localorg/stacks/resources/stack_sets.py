"""AWS::CloudFormation::StackSet: a set and its instances; complete when its operations are.

AWS: CloudFormation template reference, AWS::CloudFormation::StackSet.
"""

import json
from collections.abc import Iterator
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.iam import unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Pause,
    Properties,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    replaced_by,
    tag_list,
    tags_of,
)

FIRST_POLL_S, LAST_POLL_S = 0.5, 30.0
_SET = ("Capabilities", "Description", "TemplateBody", "AutoDeployment", "ManagedExecution", "Parameters")

Place = tuple[str, str]
"""(deployment target as JSON, Region)"""


def _text(properties: Properties) -> dict[str, Any]:
    body = properties.get("TemplateBody")
    return {"TemplateBody": json.dumps(body)} if isinstance(body, dict) else {}


def _set_params(properties: Properties) -> dict[str, Any]:
    params = {**chosen(properties, *_SET, "CallAs"), **_text(properties)}
    if tags_of(properties):
        params["Tags"] = tag_list(tags_of(properties))
    return params


def _call_as(properties: Properties) -> dict[str, Any]:
    return chosen(properties, "CallAs")


def _create(work: Work) -> Steps:
    properties = work.properties
    name = properties["StackSetName"]
    params = {"StackSetName": name, **chosen(properties, "PermissionModel"), **_set_params(properties)}
    stack_set_id = (yield Ask("cloudformation", "CreateStackSet", params))["StackSetId"]
    yield Made(stack_set_id)
    for group in properties.get("StackInstancesGroup") or ():
        yield from _instances(stack_set_id, properties, "CreateStackInstances", _group_params(group))
    return Resource(stack_set_id, {"StackSetId": stack_set_id})


def _group_params(group: Properties) -> dict[str, Any]:
    return chosen(group, "DeploymentTargets", "Regions", "ParameterOverrides")


def _instances(stack_set_id: str, properties: Properties, operation: str, params: dict[str, Any]) -> Steps:
    common = {"StackSetName": stack_set_id, **_call_as(properties), **chosen(properties, "OperationPreferences")}
    answer = yield Ask("cloudformation", operation, {**common, **params})
    yield from _awaited(stack_set_id, properties, answer["OperationId"])
    return Resource(stack_set_id)


def _awaited(stack_set_id: str, properties: Properties, operation_id: str) -> Steps:
    which = {"StackSetName": stack_set_id, "OperationId": operation_id, **_call_as(properties)}
    pause = FIRST_POLL_S
    while True:
        found = (yield Ask("cloudformation", "DescribeStackSetOperation", which))["StackSetOperation"]
        if found["Status"] == "SUCCEEDED":
            return Resource(stack_set_id)
        if found["Status"] in ("FAILED", "STOPPED"):
            results = (yield Ask("cloudformation", "ListStackSetOperationResults", which))["Summaries"]
            failed = [row for row in results if row["Status"] == "FAILED"]
            words = "; ".join(f"{row['Account']} {row['Region']}: {row.get('StatusReason', '')}" for row in failed[:5])
            more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
            raise AwsError("StackSetOperationFailed", f"Operation {operation_id} {found['Status']}: {words}{more}")
        yield Pause(pause)
        pause = min(pause * 1.5, LAST_POLL_S)


def _places(properties: Properties) -> dict[Place, Any]:
    """Return where instances are asked for, one entry per unit and Region where no accounts are filtered, with the overrides."""
    found: dict[Place, Any] = {}
    for group in properties.get("StackInstancesGroup") or ():
        target = group["DeploymentTargets"]
        parts: Iterator[Any] = iter([target])
        if not target.get("Accounts"):
            parts = ({"OrganizationalUnitIds": [unit]} for unit in target.get("OrganizationalUnitIds") or ())
        for part in parts:
            for region in group["Regions"]:
                found[json.dumps(part, sort_keys=True), region] = group.get("ParameterOverrides")
    return found


def _update(work: Work) -> Steps:
    stack_set_id, properties = work.physical_id, work.properties
    was, wanted = _places(work.before), _places(properties)
    for target, regions in _gathered([place for place in was if place not in wanted]):
        params = {"DeploymentTargets": target, "Regions": regions, "RetainStacks": False}
        yield from _instances(stack_set_id, properties, "DeleteStackInstances", params)
    if work.changed(*_SET, "Tags"):
        params = {"StackSetName": stack_set_id, **_set_params(properties), **chosen(properties, "OperationPreferences")}
        answer = yield Ask("cloudformation", "UpdateStackSet", params)
        yield from _awaited(stack_set_id, properties, answer["OperationId"])
    for place, overrides in wanted.items():
        if place in was and was[place] != overrides:
            params = {"DeploymentTargets": json.loads(place[0]), "Regions": [place[1]], "ParameterOverrides": overrides or []}
            yield from _instances(stack_set_id, properties, "UpdateStackInstances", params)
    for target, regions in _gathered([place for place in wanted if place not in was]):
        overrides = wanted[_first_place(target), regions[0]]
        params = {"DeploymentTargets": target, "Regions": regions, **({"ParameterOverrides": overrides} if overrides else {})}
        yield from _instances(stack_set_id, properties, "CreateStackInstances", params)
    return Resource(stack_set_id, {"StackSetId": stack_set_id})


def _first_place(target: dict[str, Any]) -> str:
    return json.dumps(target, sort_keys=True)


def _gathered(places: list[Place]) -> list[tuple[dict[str, Any], list[str]]]:
    """Return (deployment target, Regions), one for each target."""
    by_target: dict[str, list[str]] = {}
    for target, region in places:
        by_target.setdefault(target, []).append(region)
    return [(json.loads(target), regions) for target, regions in by_target.items()]


def _delete(work: Work) -> Steps:
    stack_set_id, properties = work.physical_id, work.properties
    for target, regions in _gathered(list(_places(properties))):
        params = {"DeploymentTargets": target, "Regions": regions, "RetainStacks": False}
        try:
            yield from _instances(stack_set_id, properties, "DeleteStackInstances", params)
        except AwsError as refusal:
            if refusal.code != "StackSetNotFoundException":
                raise
    ask = Ask("cloudformation", "DeleteStackSet", {"StackSetName": stack_set_id, **_call_as(properties)})
    yield from unless_gone(ask, "StackSetNotFoundException")
    return Resource(stack_set_id)


STACK_SET = ResourceType(
    name="AWS::CloudFormation::StackSet",
    properties=frozenset(
        {*_SET, "CallAs", "OperationPreferences", "PermissionModel", "StackInstancesGroup", "StackSetName", "Tags"}
    ),
    required=frozenset({"PermissionModel", "StackSetName"}),
    attributes=frozenset({"StackSetId"}),
    create=_create,
    update=_update,
    delete=_delete,
    replacing=replaced_by("StackSetName", "PermissionModel", "CallAs"),
    name_property="StackSetName",
)
