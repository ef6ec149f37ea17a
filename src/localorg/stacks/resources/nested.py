"""AWS::CloudFormation::Stack: a stack in a stack, made by the same API as every other one, under the outer stack's rights.

Rules: the inner stack has the outer one's capabilities; its outputs are the attributes Outputs.NAME. An update of the outer stack asks
the inner one too, whose template may have changed where it lies. A rollback goes back to the template that the inner stack had,
whatever lies at its URL by now.

AWS: CloudFormation template reference, AWS::CloudFormation::Stack; user guide, "Embed stacks within other stacks".
"""

from collections.abc import Generator
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Pause,
    Plain,
    Properties,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    tag_list,
    tags_of,
)
from localorg.stacks.template import BODY_BYTES_MAX

POLL_S = 2.0
NOTHING_TO_DO = "No updates are to be performed."
OUTPUTS = "Outputs."
TEXT = "Template"
"""Where the inner template is kept among the attributes; no Fn::GetAtt can name it."""


def _params(work: Work) -> dict[str, Any]:
    properties = work.properties
    given = properties.get("Parameters") or {}
    kept = str(work.attributes.get(TEXT, "")) if work.undoing else ""
    is_sent = bool(kept) and len(kept.encode()) <= BODY_BYTES_MAX
    return {
        **({"TemplateBody": kept} if is_sent else {"TemplateURL": properties["TemplateURL"]}),
        "Parameters": [{"ParameterKey": key, "ParameterValue": _text(value)} for key, value in given.items()],
        "Capabilities": list(work.capabilities),
        "Tags": tag_list(tags_of(properties)),
    }


def _text(value: Any) -> Any:
    # AWS: "Parameters": a list is given to a list parameter of the inner stack as one comma-separated text.
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _create(work: Work) -> Steps:
    params = {"StackName": work.generated_name(128), **_params(work), **chosen(work.properties, "TimeoutInMinutes")}
    stack_id = (yield Ask("cloudformation", "CreateStack", params))["StackId"]
    yield Made(stack_id)
    return (yield from _ended(stack_id, "CREATE_COMPLETE", "created"))


def _ended(stack_id: str, wanted: str, verb: str) -> Steps:
    while True:
        stack = (yield Ask("cloudformation", "DescribeStacks", {"StackName": stack_id}))["Stacks"][0]
        status = stack["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        yield Pause(POLL_S)
    if status != wanted:
        listed = yield Ask("cloudformation", "DescribeStackEvents", {"StackName": stack_id})
        # AWS: CloudFormation's sentence, with the inner stack's own reason.
        raise Plain(f"Embedded stack {stack_id} was not successfully {verb}: {_reason(stack_id, listed['StackEvents'])}")
    return Resource(stack_id, (yield from _attributes(stack)) if wanted != "DELETE_COMPLETE" else {})


def _attributes(stack: Properties) -> Generator[Ask, dict[str, Any], dict[str, Any]]:
    found = {f"{OUTPUTS}{row['OutputKey']}": row["OutputValue"] for row in stack.get("Outputs", ())}
    try:
        found[TEXT] = (yield Ask("cloudformation", "GetTemplate", {"StackName": stack["StackId"]}))["TemplateBody"]
    except AwsError:
        # Who may not ask for it goes back to what lies at the URL.
        return found
    return found


def _reason(stack_id: str, events: list[Properties]) -> str:
    """Return why the operation of the inner stack that came last has failed."""
    own = [row for row in events if row["PhysicalResourceId"] == stack_id and row.get("ResourceStatusReason")]
    return str(own[0]["ResourceStatusReason"]) if own else "no reason was given"


def _update(work: Work) -> Steps:
    stack_id = work.physical_id
    try:
        yield Ask("cloudformation", "UpdateStack", {"StackName": stack_id, **_params(work)})
    except AwsError as refusal:
        if refusal.message != NOTHING_TO_DO:
            raise
        return (yield from _as_it_is(stack_id))
    return (yield from _ended(stack_id, "UPDATE_COMPLETE", "updated"))


def _as_it_is(stack_id: str) -> Steps:
    stack = (yield Ask("cloudformation", "DescribeStacks", {"StackName": stack_id}))["Stacks"][0]
    return Resource(stack_id, (yield from _attributes(stack)))


def _delete(work: Work) -> Steps:
    stack_id = work.physical_id
    try:
        yield Ask("cloudformation", "DeleteStack", {"StackName": stack_id})
        yield from _ended(stack_id, "DELETE_COMPLETE", "deleted")
    except AwsError as refusal:
        if not refusal.message.endswith("does not exist"):
            raise
    return Resource(stack_id)


NESTED_STACK = ResourceType(
    name="AWS::CloudFormation::Stack",
    properties=frozenset({"Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"}),
    required=frozenset({"TemplateURL"}),
    attribute_prefix=OUTPUTS,
    create=_create,
    update=_update,
    delete=_delete,
    always_asked=True,
)
