"""AWS::SSM::Association: made and changed; where asked to, it waits for the association's first success.

AWS: CloudFormation template reference, AWS::SSM::Association. It has no Duration, TargetLocations, TargetMaps or AlarmConfiguration.
"""

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
    retagged,
    tag_list,
    tags_of,
)

POLL_S = 5.0
_OPTIONS = (
    "ApplyOnlyAtCronInterval",
    "AssociationDispatchAssumeRole",
    "AssociationName",
    "AutomationTargetParameterName",
    "CalendarNames",
    "ComplianceSeverity",
    "DocumentVersion",
    "MaxConcurrency",
    "MaxErrors",
    "OutputLocation",
    "Parameters",
    "ScheduleExpression",
    "ScheduleOffset",
    "SyncCompliance",
    "Targets",
)


def _params(properties: Properties) -> dict[str, Any]:
    return chosen(properties, "Name", *_OPTIONS)


def _create(work: Work) -> Steps:
    params = {**_params(work.properties), **chosen(work.properties, "InstanceId")}
    if tags_of(work.properties):
        params["Tags"] = tag_list(tags_of(work.properties))
    created = (yield Ask("ssm", "CreateAssociation", params))["AssociationDescription"]
    association = created["AssociationId"]
    yield Made(association)
    yield from _succeeded(association, work.properties)
    return Resource(association, {"AssociationId": association})


def _succeeded(association: str, properties: Properties) -> Steps:
    left = float(properties.get("WaitForSuccessTimeoutSeconds") or 0)
    while left > 0:
        found = (yield Ask("ssm", "DescribeAssociation", {"AssociationId": association}))["AssociationDescription"]
        status = found.get("Overview", {}).get("Status", "Pending")
        if status == "Success":
            return Resource(association)
        if status == "Failed":
            why = found.get("Overview", {}).get("DetailedStatus", "")
            raise AwsError("AssociationFailed", f"Association {association} ended in {status} ({why})")
        yield Pause(min(POLL_S, left))
        left -= POLL_S
    if properties.get("WaitForSuccessTimeoutSeconds"):
        waited = properties["WaitForSuccessTimeoutSeconds"]
        raise AwsError("NotStabilized", f"Association {association} did not succeed within {waited} seconds")
    return Resource(association)


def _update(work: Work) -> Steps:
    association = work.physical_id
    if work.changed("Name", *_OPTIONS):
        yield Ask("ssm", "UpdateAssociation", {"AssociationId": association, **_params(work.properties)})
        yield from _succeeded(association, work.properties)
    yield from retagged(work, "Association")
    return Resource(association, {"AssociationId": association})


def _delete(work: Work) -> Steps:
    ask = Ask("ssm", "DeleteAssociation", {"AssociationId": work.physical_id})
    yield from unless_gone(ask, "AssociationDoesNotExist")
    return Resource(work.physical_id)


def _read(work: Work) -> Reading:
    association = work.physical_id
    found = (yield Ask("ssm", "DescribeAssociation", {"AssociationId": association}))["AssociationDescription"]
    tags = yield Ask("ssm", "ListTagsForResource", {"ResourceType": "Association", "ResourceId": association})
    return {**read(found, "Name", "InstanceId", *_OPTIONS), "Tags": live_tags(tags["TagList"])}


ASSOCIATION = ResourceType(
    name="AWS::SSM::Association",
    properties=frozenset({*_OPTIONS, "InstanceId", "Name", "Tags", "WaitForSuccessTimeoutSeconds"}),
    required=frozenset({"Name"}),
    attributes=frozenset({"AssociationId"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=replaced_by("InstanceId"),
)
