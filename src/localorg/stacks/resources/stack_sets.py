"""AWS::CloudFormation::StackSet: a set and its instances; complete when its operations are.

Rules: an update switches managed execution, deletes the instances that are wanted no more, updates the set, creates new instances and
changes the overrides of others, in this order; an update that fails midway is rolled back the same way. An operation that is in the
way is waited for.

AWS: CloudFormation template reference, AWS::CloudFormation::StackSet; the published source of the resource type
(aws-cloudformation-resource-providers-cloudformation): UpdateHandler, BaseHandlerStd.
"""

import json
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.iam import unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Pause,
    Properties,
    Reading,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    live_tags,
    read,
    replaced_by,
    tag_list,
    tags_of,
)
from localorg.stacks.resources.stack_instances import Call, Coverage, calls, covered, overridden, without

FIRST_POLL_S, LAST_POLL_S = 0.5, 30.0
WORDS_MAX = 850
"""AWS: the resource type's limit of its error message."""
_ROLES = ("AdministrationRoleARN", "ExecutionRoleName")
_SET = ("Capabilities", "Description", "TemplateBody", "TemplateURL", "AutoDeployment", "Parameters", *_ROLES)
_UPDATING = (*_ROLES, "Description", "TemplateBody", "Parameters", "AutoDeployment", "Tags")
"""AWS: Comparator.isStackSetConfigEquals: what an update of the set is for; Capabilities alone are none."""


def _template(properties: Properties) -> dict[str, Any]:
    body = properties.get("TemplateBody")
    return {"TemplateBody": json.dumps(body)} if isinstance(body, dict) else chosen(properties, "TemplateBody", "TemplateURL")


def _set_params(properties: Properties) -> dict[str, Any]:
    params = {**chosen(properties, *_SET, "CallAs"), **_template(properties)}
    if tags_of(properties):
        params["Tags"] = tag_list(tags_of(properties))
    return params


def _call_as(properties: Properties) -> dict[str, Any]:
    return chosen(properties, "CallAs")


def _check_template(properties: Properties) -> Steps:
    """Let CloudFormation look at the set's template first, as the resource type does."""
    # AWS: Validator: a set's template has no stack set in it, and a service-managed one's no stack.
    summary = yield Ask("cloudformation", "GetTemplateSummary", _template(properties))
    if "AWS::CloudFormation::StackSet" in summary.get("ResourceTypes", ()):
        kind = "AWS::CloudFormation::StackSet"
        raise AwsError("InvalidRequest", f"Invalid request provided: Nested {kind} is not supported in {kind}")
    return Resource("")


def _create(work: Work) -> Steps:
    properties = work.properties
    wanted = covered(properties)
    yield from _check_template(properties)
    params = {
        "StackSetName": properties["StackSetName"],
        **chosen(properties, "PermissionModel", "ManagedExecution"),
        **_set_params(properties),
    }
    stack_set_id = (yield Ask("cloudformation", "CreateStackSet", params))["StackSetId"]
    yield Made(stack_set_id)
    for call in calls(properties, wanted):
        yield from _operation(stack_set_id, properties, "CreateStackInstances", _with_overrides(call))
    return Resource(stack_set_id, {"StackSetId": stack_set_id})


def _with_overrides(call: Call) -> Call:
    return call if call["ParameterOverrides"] else _without_overrides(call)


def _without_overrides(call: Call) -> Call:
    return {name: value for name, value in call.items() if name != "ParameterOverrides"}


def _operation(stack_set_id: str, properties: Properties, operation: str, params: dict[str, Any]) -> Steps:
    """Begin an operation, as soon as no other is in the way, and wait for its end."""
    common = {"StackSetName": stack_set_id, **_call_as(properties), **chosen(properties, "OperationPreferences")}
    pause = FIRST_POLL_S
    while True:
        try:
            answer = yield Ask("cloudformation", operation, {**common, **params})
        except AwsError as refusal:
            # AWS: BaseHandlerStd.filterException: the operation is tried again.
            if refusal.code != "OperationInProgressException":
                raise
        else:
            return (yield from _awaited(stack_set_id, properties, answer["OperationId"]))
        yield Pause(pause)
        pause = min(pause * 1.5, LAST_POLL_S)


def _awaited(stack_set_id: str, properties: Properties, operation_id: str) -> Steps:
    which = {"StackSetName": stack_set_id, "OperationId": operation_id, **_call_as(properties)}
    pause = FIRST_POLL_S
    while True:
        found = (yield Ask("cloudformation", "DescribeStackSetOperation", which))["StackSetOperation"]
        if found["Status"] == "SUCCEEDED":
            return Resource(stack_set_id)
        if found["Status"] not in ("RUNNING", "QUEUED"):
            yield from _explain(which, found.get("StatusReason", ""))
        yield Pause(pause)
        pause = min(pause * 1.5, LAST_POLL_S)


def _explain(which: dict[str, Any], reason: str) -> Steps:
    """Raise what AWS's resource type says of an operation that did not succeed."""
    reasons = [reason] if reason else []
    token: dict[str, str] = {}
    while not reason:
        answer = yield Ask("cloudformation", "ListStackSetOperationResults", {**which, **token})
        reasons += [row.get("StatusReason", "") for row in answer["Summaries"] if row["Status"] == "FAILED"]
        if not answer.get("NextToken"):
            break
        token = {"NextToken": answer["NextToken"]}
    told = "".join(f" [{words}]" for words in dict.fromkeys(reasons))
    message = f"Stack set operation [{which['OperationId']}] was unexpectedly stopped or failed. status reason(s):{told}"
    if len(message) > WORDS_MAX:
        message = f"{message[:WORDS_MAX]}... Use list-stack-set-operation-results for more information."
    raise AwsError("NotStabilized", message)


def _update(work: Work) -> Steps:
    stack_set_id, properties = work.physical_id, work.properties
    wanted = covered(properties)
    was = _covered_before(work, wanted)
    yield from _check_template(properties)
    yield from _switch_execution(stack_set_id, properties)
    for call in calls(properties, without(was, wanted)):
        params = {**_without_overrides(call), "RetainStacks": False}
        yield from _operation(stack_set_id, properties, "DeleteStackInstances", params)
    if work.changed(*_UPDATING) or "TemplateURL" in properties:
        params = _set_params(properties)
        if tags_of(work.before) and "Tags" not in params:
            params["Tags"] = []
        yield from _operation(stack_set_id, properties, "UpdateStackSet", params)
    for call in calls(properties, without(wanted, was)):
        yield from _operation(stack_set_id, properties, "CreateStackInstances", _with_overrides(call))
    for call in calls(properties, overridden(wanted, was)):
        yield from _operation(stack_set_id, properties, "UpdateStackInstances", call)
    return Resource(stack_set_id, {"StackSetId": stack_set_id})


def _covered_before(work: Work, wanted: Coverage) -> Coverage:
    """Return what was covered. Nothing was made of a group that is no group, so going back from it changes nothing."""
    try:
        return covered(work.before)
    except AwsError:
        return wanted


def _switch_execution(stack_set_id: str, properties: Properties) -> Steps:
    """Switch managed execution in an update of its own: no other change may go with it."""
    ask = Ask("cloudformation", "DescribeStackSet", {"StackSetName": stack_set_id, **_call_as(properties)})
    is_active = (yield ask)["StackSet"]["ManagedExecution"]["Active"]
    wanted = str((properties.get("ManagedExecution") or {}).get("Active", False)).lower() == "true"
    if is_active != wanted:
        params = {
            "ManagedExecution": {"Active": wanted},
            "UsePreviousTemplate": True,
            **chosen(properties, *_ROLES, "Capabilities"),
        }
        yield from _operation(stack_set_id, {**properties, "OperationPreferences": {}}, "UpdateStackSet", params)
    return Resource(stack_set_id)


def _delete(work: Work) -> Steps:
    stack_set_id, properties = work.physical_id, work.properties
    for call in calls(properties, covered(properties)):
        params = {**_without_overrides(call), "RetainStacks": False}
        try:
            yield from _operation(stack_set_id, properties, "DeleteStackInstances", params)
        except AwsError as refusal:
            if refusal.code != "StackSetNotFoundException":
                raise
    ask = Ask("cloudformation", "DeleteStackSet", {"StackSetName": stack_set_id, **_call_as(properties)})
    yield from unless_gone(ask, "StackSetNotFoundException")
    return Resource(stack_set_id)


def _read(work: Work) -> Reading:
    """Read the set itself; its instances are what StackSets detect drift of."""
    ask = Ask("cloudformation", "DescribeStackSet", {"StackSetName": work.physical_id, **_call_as(work.properties)})
    found = (yield ask)["StackSet"]
    parameters = [chosen(row, "ParameterKey", "ParameterValue") for row in found.get("Parameters", ())]
    asked = {row["ParameterKey"] for row in work.properties.get("Parameters") or ()}
    return {
        **read(found, "StackSetName", "PermissionModel", "Description", "ManagedExecution", "Capabilities"),
        "TemplateBody": found["TemplateBody"],
        # A parameter that the template leaves out has its default.
        "Parameters": [row for row in parameters if row["ParameterKey"] in asked],
        "Tags": live_tags(found.get("Tags", ())),
    }


STACK_SET = ResourceType(
    name="AWS::CloudFormation::StackSet",
    properties=frozenset(
        {
            *_SET,
            "CallAs",
            "ManagedExecution",
            "OperationPreferences",
            "PermissionModel",
            "StackInstancesGroup",
            "StackSetName",
            "Tags",
        }
    ),
    required=frozenset({"PermissionModel", "StackSetName"}),
    attributes=frozenset({"StackSetId"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=replaced_by("StackSetName", "PermissionModel"),
    name_property="StackSetName",
)
