"""The CloudFormation stack: create or update it, tell how it goes, and give its outputs.

Rules: a failed stack is AwsRefused with CloudFormation's own reasons; an unchanged one is no failure.
Refuses to know: what the template holds.
"""

import time
from collections.abc import Callable
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, CsdInputError, Problem

Tell = Callable[[str], None]
# AWS: CloudFormation guide, "Stack status codes": what a stack in these states needs before it can be updated.
_DELETE_FIRST = "Delete it first: aws cloudformation delete-stack"
_STUCK = {
    "ROLLBACK_COMPLETE": _DELETE_FIRST,
    "ROLLBACK_FAILED": _DELETE_FIRST,
    "DELETE_FAILED": _DELETE_FIRST,
    "UPDATE_ROLLBACK_FAILED": "Mend the cause that its events name, then: aws cloudformation continue-update-rollback",
}
_LOOK_EVERY_S = (0.5, 1.0, 2.0, 5.0)


def deploy_stack(
    principal: Principal,
    name: str,
    url: str,
    parameters: dict[str, str | None],
    tell: Tell,
    *,
    tags: dict[str, str] | None = None,
) -> dict[str, str]:
    """Create or update the stack and wait for it; a parameter that is None stays as it is, or has its default; tags stay too.

    Returns the stack's outputs. Raises AwsRefused with the reasons when it fails.
    """
    cloudformation = principal.client("cloudformation")
    before = _describe(principal, cloudformation, name)
    request = {
        "StackName": name,
        "TemplateURL": url,
        "Parameters": _parameters(parameters, before),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **({"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}),
    }
    with asking(cloudformation, principal.account):
        seen = {event["EventId"] for event in _events(cloudformation, name)} if before else set()
    if before and before["StackStatus"] in _STUCK:
        remedy = f"{_STUCK[before['StackStatus']]} --stack-name {name}"
        raise CsdInputError([Problem(f"stack {name}", f"is {before['StackStatus']} and cannot be updated.", remedy)])
    if not before:
        tell(f"stack {name}: creating")
        with asking(cloudformation, principal.account):
            cloudformation.create_stack(OnFailure="ROLLBACK", **request)
    elif not _update(principal, cloudformation, request):
        tell(f"stack {name}: nothing to change")
        return _outputs(before)
    return _wait(principal, cloudformation, name, seen, tell)


def held_parameter(principal: Principal, name: str, parameter: str) -> str:
    """The value of a parameter of the stack; empty when there is no stack."""
    held = (_describe(principal, principal.client("cloudformation"), name) or {}).get("Parameters", [])
    return next((str(one.get("ParameterValue", "")) for one in held if one["ParameterKey"] == parameter), "")


def _parameters(wanted: dict[str, str | None], before: dict[str, Any] | None) -> list[dict[str, Any]]:
    held = {one["ParameterKey"] for one in (before or {}).get("Parameters", [])}
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in wanted.items() if value is not None]
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key, value in wanted.items() if value is None and key in held]
    return [*given, *kept]


def _describe(principal: Principal, cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        with asking(cloudformation, principal.account):
            stacks: list[dict[str, Any]] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except AwsRefused as refused:
        # AWS: DescribeStacks has no code of its own for this: ValidationError, "Stack with id … does not exist".
        if refused.code == "ValidationError" and "does not exist" in refused.said:
            return None
        raise
    return stacks[0]


def _update(principal: Principal, cloudformation: Any, request: dict[str, Any]) -> bool:
    try:
        with asking(cloudformation, principal.account):
            cloudformation.update_stack(**request)
    except AwsRefused as refused:
        # AWS: UpdateStack: an update without change is a ValidationError with this sentence.
        if refused.code == "ValidationError" and "No updates are to be performed" in refused.said:
            return False
        raise
    return True


def _wait(principal: Principal, cloudformation: Any, name: str, seen: set[str], tell: Tell) -> dict[str, str]:
    reasons: list[str] = []
    for look in range(100_000):
        stack = _describe(principal, cloudformation, name)
        if stack is None:
            raise AwsRefused(service="cloudformation", operation="DescribeStacks", code="Gone", said=f"stack {name} was deleted")
        with asking(cloudformation, principal.account):
            fresh = [event for event in reversed(_events(cloudformation, name)) if event["EventId"] not in seen]
        for event in fresh:
            seen.add(event["EventId"])
            reason = event.get("ResourceStatusReason", "")
            tell(f"{event['LogicalResourceId']}: {event['ResourceStatus']}{f': {reason}' if reason else ''}")
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason.lower():
                reasons.append(f"{event['LogicalResourceId']}: {reason}")
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return _outputs(stack)
        if not status.endswith("_IN_PROGRESS"):
            said = "; ".join(dict.fromkeys(reasons)) or stack.get("StackStatusReason", "no reason given")
            raise AwsRefused(
                service="cloudformation",
                operation="stack " + name,
                code=status,
                said=said,
                account=principal.account,
                region=principal.region,
            )
        time.sleep(_LOOK_EVERY_S[min(look // 10, len(_LOOK_EVERY_S) - 1)])
    raise AssertionError("unreachable: a stack that never ends")


def _events(cloudformation: Any, name: str) -> list[dict[str, Any]]:
    """Newest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    return [event for page in pages for event in page["StackEvents"]]


def _outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
