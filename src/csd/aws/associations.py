"""The State Manager association that distributes: find, create, update, and follow the run that it starts.

Rules: UpdateAssociation forgets every optional field that is left out, so an update sends all that the association has.
Refuses to know: what the runbook's parameters mean.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused
from csd.solution.names import HUB_DOCUMENT

Parameters = dict[str, list[str]]
# AWS: UpdateAssociation API: "you must specify all the optional parameters" that are to stay.
KEPT = (
    "DocumentVersion", "ScheduleExpression", "OutputLocation", "Name", "Targets", "AssociationName", "AutomationTargetParameterName",
    "MaxErrors", "MaxConcurrency", "ComplianceSeverity", "SyncCompliance", "ApplyOnlyAtCronInterval", "CalendarNames", "TargetLocations",
    "ScheduleOffset", "Duration", "TargetMaps", "AlarmConfiguration", "AssociationDispatchAssumeRole",
)  # fmt: skip
_ENDED = ("Success", "Failed", "TimedOut", "Cancelled", "CompletedWithSuccess", "CompletedWithFailure")
_NO_RUNBOOK = "Deploy the solution in this account and Region first: csd deploy."
_LOOK_EVERY_S = (0.5, 1.0, 2.0, 5.0)
_BEGINS_WITHIN_S = 120


def find_association(principal: Principal, name: str) -> dict[str, Any] | None:
    """The association's description by name, or None."""
    ssm = principal.client("ssm")
    with asking(ssm, principal.account):
        pages = ssm.get_paginator("list_associations").paginate(AssociationFilterList=[{"key": "AssociationName", "value": name}])
        found = [held for page in pages for held in page["Associations"] if held.get("AssociationName") == name]
        if not found:
            return None
        described: dict[str, Any] = ssm.describe_association(AssociationId=found[0]["AssociationId"])["AssociationDescription"]
    return described


def put_association(principal: Principal, name: str, held: dict[str, Any] | None, parameters: Parameters, schedule: str) -> str:
    """Create it, or update `held` with new parameters and keep everything else. Returns its id."""
    ssm = principal.client("ssm")
    timing = {"ScheduleExpression": schedule} if schedule else {}
    with asking(ssm, principal.account, {"InvalidDocument": _NO_RUNBOOK}):
        if held is None:
            created = ssm.create_association(
                AssociationName=name, Name=HUB_DOCUMENT, Parameters=parameters, ApplyOnlyAtCronInterval=False, **timing
            )
            return str(created["AssociationDescription"]["AssociationId"])
        kept = {field: held[field] for field in KEPT if held.get(field) not in (None, [], "")}
        ssm.update_association(**(kept | timing | {"AssociationId": held["AssociationId"], "Parameters": parameters}))
        return str(held["AssociationId"])


def runs(principal: Principal) -> set[str]:
    """Ids of all runs of the hub runbook that AWS remembers."""
    ssm = principal.client("ssm")
    with asking(ssm, principal.account):
        pages = ssm.get_paginator("describe_automation_executions").paginate(
            Filters=[{"Key": "DocumentNamePrefix", "Values": [HUB_DOCUMENT]}]
        )
        return {run["AutomationExecutionId"] for page in pages for run in page["AutomationExecutionMetadataList"]}


def follow(principal: Principal, identifier: str, before: set[str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Wait for a run that was not there `before` and follow it to its end. Returns the AutomationExecution.

    Raises AwsRefused when the association starts none within two minutes.
    """
    ssm = principal.client("ssm")
    run_id = _begun(principal, identifier, before)
    tell(f"run {run_id} has begun")
    shown: dict[str, str] = {}
    for look in itertools.count():
        with asking(ssm, principal.account):
            run: dict[str, Any] = ssm.get_automation_execution(AutomationExecutionId=run_id)["AutomationExecution"]
        for step in run.get("StepExecutions", []):
            if shown.get(step["StepName"]) != step["StepStatus"] and step["StepStatus"] != "Pending":
                shown[step["StepName"]] = step["StepStatus"]
                tell(f"{step['StepName']}: {step['StepStatus']}")
        if run["AutomationExecutionStatus"] in _ENDED:
            return run
        time.sleep(_LOOK_EVERY_S[min(look // 10, len(_LOOK_EVERY_S) - 1)])
    raise AssertionError("unreachable: the count has no end")


def _begun(principal: Principal, identifier: str, before: set[str]) -> str:
    """The id of the run that was not there before."""
    until = time.monotonic() + _BEGINS_WITHIN_S
    while time.monotonic() < until:
        fresh = sorted(runs(principal) - before)
        if fresh:
            return fresh[0]
        time.sleep(_LOOK_EVERY_S[1])
    ssm = principal.client("ssm")
    with asking(ssm, principal.account):
        overview = ssm.describe_association(AssociationId=identifier)["AssociationDescription"].get("Overview", {})
    said = (
        f"no run began within {_BEGINS_WITHIN_S} s; the association is {overview.get('Status')}: {overview.get('DetailedStatus')}"
    )
    raise AwsRefused(service="ssm", operation="association " + identifier, code="NoRun", said=said, account=principal.account)
