"""AWS::IAM::ServiceLinkedRole: the role that a service makes for itself, asked for by a template.

AWS: CloudFormation template reference, AWS::IAM::ServiceLinkedRole: Ref and Fn::GetAtt RoleName give the role's name.
"""

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.iam import GONE
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Pause,
    Plain,
    Reading,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    read,
    replaced_by,
)

POLL_S = 2.0


def _create(work: Work) -> Steps:
    params = chosen(work.properties, "AWSServiceName", "CustomSuffix", "Description")
    name = (yield Ask("iam", "CreateServiceLinkedRole", params))["Role"]["RoleName"]
    yield Made(name)
    return Resource(name, {"RoleName": name})


def _update(work: Work) -> Steps:
    if work.changed("Description"):
        params = {"RoleName": work.physical_id, "Description": work.properties.get("Description", "")}
        yield Ask("iam", "UpdateRole", params)
    return Resource(work.physical_id, dict(work.attributes))


def _delete(work: Work) -> Steps:
    try:
        task = (yield Ask("iam", "DeleteServiceLinkedRole", {"RoleName": work.physical_id}))["DeletionTaskId"]
    except AwsError as refusal:
        if refusal.code != GONE:
            raise
        return Resource(work.physical_id)
    while True:
        found = yield Ask("iam", "GetServiceLinkedRoleDeletionStatus", {"DeletionTaskId": task})
        match found["Status"]:
            case "SUCCEEDED":
                return Resource(work.physical_id)
            case "FAILED":
                raise Plain(f"The service-linked role cannot be deleted: {found.get('Reason', {}).get('Reason', '')}")
        yield Pause(POLL_S)


def _read(work: Work) -> Reading:
    role = (yield Ask("iam", "GetRole", {"RoleName": work.physical_id}))["Role"]
    return read(role, "Description")


SERVICE_LINKED_ROLE = ResourceType(
    name="AWS::IAM::ServiceLinkedRole",
    properties=frozenset({"AWSServiceName", "CustomSuffix", "Description"}),
    required=frozenset({"AWSServiceName"}),
    attributes=frozenset({"RoleName"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=replaced_by("AWSServiceName", "CustomSuffix"),
)
