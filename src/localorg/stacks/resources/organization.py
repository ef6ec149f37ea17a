"""AWS::Organizations::OrganizationalUnit, Policy, ResourcePolicy and Account.

Rules: an account's e-mail address and role are given once; deleting the resource closes the account, as on AWS.

AWS: CloudFormation template reference, the types of those names.
"""

import json
from collections.abc import Generator
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.iam import document, unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Pause,
    Plain,
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
    tag_changes,
    tag_list,
    tags_of,
)

SERVICE = "organizations"
POLL_S = 2.0
_ONCE = ("AccountName", "Email", "RoleName")


def _tagged(properties: Properties) -> dict[str, Any]:
    return {"Tags": tag_list(tags_of(properties))} if tags_of(properties) else {}


def _retagged(work: Work) -> Steps:
    gone, wanted = tag_changes(work)
    if gone:
        yield Ask(SERVICE, "UntagResource", {"ResourceId": work.physical_id, "TagKeys": gone})
    if wanted:
        yield Ask(SERVICE, "TagResource", {"ResourceId": work.physical_id, "Tags": tag_list(wanted)})
    return Resource(work.physical_id, dict(work.attributes))


def _live_tags(work: Work) -> Reading:
    tags = (yield Ask(SERVICE, "ListTagsForResource", {"ResourceId": work.physical_id}))["Tags"]
    return {"Tags": live_tags(tags)}


def _live_parent(work: Work) -> Generator[Ask, dict[str, Any], str]:
    return str((yield Ask(SERVICE, "ListParents", {"ChildId": work.physical_id}))["Parents"][0]["Id"])


def _create_unit(work: Work) -> Steps:
    params = {**chosen(work.properties, "Name", "ParentId"), **_tagged(work.properties)}
    unit = (yield Ask(SERVICE, "CreateOrganizationalUnit", params))["OrganizationalUnit"]
    yield Made(unit["Id"])
    return Resource(unit["Id"], {"Arn": unit["Arn"], "Id": unit["Id"]})


def _update_unit(work: Work) -> Steps:
    if work.changed("Name"):
        params = {"OrganizationalUnitId": work.physical_id, "Name": work.properties["Name"]}
        yield Ask(SERVICE, "UpdateOrganizationalUnit", params)
    return (yield from _retagged(work))


def _delete_unit(work: Work) -> Steps:
    ask = Ask(SERVICE, "DeleteOrganizationalUnit", {"OrganizationalUnitId": work.physical_id})
    yield from unless_gone(ask, "OrganizationalUnitNotFoundException")
    return Resource(work.physical_id)


def _read_unit(work: Work) -> Reading:
    asked = {"OrganizationalUnitId": work.physical_id}
    unit = (yield Ask(SERVICE, "DescribeOrganizationalUnit", asked))["OrganizationalUnit"]
    return {"Name": unit["Name"], "ParentId": (yield from _live_parent(work)), **(yield from _live_tags(work))}


UNIT = ResourceType(
    name="AWS::Organizations::OrganizationalUnit",
    properties=frozenset({"Name", "ParentId", "Tags"}),
    required=frozenset({"Name", "ParentId"}),
    attributes=frozenset({"Arn", "Id"}),
    create=_create_unit,
    update=_update_unit,
    delete=_delete_unit,
    read=_read_unit,
    replacing=replaced_by("ParentId"),
)


def _create_policy(work: Work) -> Steps:
    properties = work.properties
    # AWS: the API wants a description, the type does not.
    params = {"Description": "", **chosen(properties, "Name", "Type", "Description"), **_tagged(properties)}
    params["Content"] = document(properties["Content"])
    policy = (yield Ask(SERVICE, "CreatePolicy", params))["Policy"]["PolicySummary"]
    yield Made(policy["Id"])
    yield from _attached(policy["Id"], {}, properties)
    attributes = {"Arn": policy["Arn"], "Id": policy["Id"], "AwsManaged": policy.get("AwsManaged", False)}
    return Resource(policy["Id"], attributes)


def _attached(policy: str, before: Properties, after: Properties) -> Steps:
    was, wanted = list(before.get("TargetIds") or ()), list(after.get("TargetIds") or ())
    for target in [one for one in was if one not in wanted]:
        ask = Ask(SERVICE, "DetachPolicy", {"PolicyId": policy, "TargetId": target})
        yield from unless_gone(ask, "PolicyNotAttachedException", "TargetNotFoundException", "PolicyNotFoundException")
    for target in [one for one in wanted if one not in was]:
        yield Ask(SERVICE, "AttachPolicy", {"PolicyId": policy, "TargetId": target})
    return Resource(policy)


def _update_policy(work: Work) -> Steps:
    if work.changed("Name", "Description", "Content"):
        params = {"PolicyId": work.physical_id, "Description": "", **chosen(work.properties, "Name", "Description")}
        yield Ask(SERVICE, "UpdatePolicy", {**params, "Content": document(work.properties["Content"])})
    yield from _attached(work.physical_id, work.before, work.properties)
    return (yield from _retagged(work))


def _delete_policy(work: Work) -> Steps:
    yield from _attached(work.physical_id, work.properties, {})
    yield from unless_gone(Ask(SERVICE, "DeletePolicy", {"PolicyId": work.physical_id}), "PolicyNotFoundException")
    return Resource(work.physical_id)


def _read_policy(work: Work) -> Reading:
    policy = (yield Ask(SERVICE, "DescribePolicy", {"PolicyId": work.physical_id}))["Policy"]
    targets = (yield Ask(SERVICE, "ListTargetsForPolicy", {"PolicyId": work.physical_id}))["Targets"]
    return {
        **read(policy["PolicySummary"], "Name", "Type", "Description"),
        "Content": json.loads(policy["Content"]),
        "TargetIds": [target["TargetId"] for target in targets],
        **(yield from _live_tags(work)),
    }


POLICY = ResourceType(
    name="AWS::Organizations::Policy",
    properties=frozenset({"Content", "Description", "Name", "Tags", "TargetIds", "Type"}),
    required=frozenset({"Content", "Name", "Type"}),
    attributes=frozenset({"Arn", "AwsManaged", "Id"}),
    create=_create_policy,
    update=_update_policy,
    delete=_delete_policy,
    read=_read_policy,
    replacing=replaced_by("Type"),
    name_property="Name",
)


def _create_resource_policy(work: Work) -> Steps:
    try:
        yield Ask(SERVICE, "DescribeResourcePolicy", {})
    except AwsError as refusal:
        if refusal.code != "ResourcePolicyNotFoundException":
            raise
    else:
        # AWS: an organization has one policy, and the handler takes none over.
        raise AwsError("AlreadyExists", "The organization has a resource policy already.", 409)
    params = {"Content": document(work.properties["Content"]), **_tagged(work.properties)}
    made = (yield Ask(SERVICE, "PutResourcePolicy", params))["ResourcePolicy"]["ResourcePolicySummary"]
    yield Made(made["Id"])
    return Resource(made["Id"], {"Arn": made["Arn"], "Id": made["Id"]})


def _update_resource_policy(work: Work) -> Steps:
    if work.changed("Content"):
        yield Ask(SERVICE, "PutResourcePolicy", {"Content": document(work.properties["Content"])})
    return (yield from _retagged(work))


def _delete_resource_policy(work: Work) -> Steps:
    yield from unless_gone(Ask(SERVICE, "DeleteResourcePolicy", {}), "ResourcePolicyNotFoundException")
    return Resource(work.physical_id)


def _read_resource_policy(work: Work) -> Reading:
    found = (yield Ask(SERVICE, "DescribeResourcePolicy", {}))["ResourcePolicy"]
    return {"Content": json.loads(found["Content"]), **(yield from _live_tags(work))}


RESOURCE_POLICY = ResourceType(
    name="AWS::Organizations::ResourcePolicy",
    properties=frozenset({"Content", "Tags"}),
    required=frozenset({"Content"}),
    attributes=frozenset({"Arn", "Id"}),
    create=_create_resource_policy,
    update=_update_resource_policy,
    delete=_delete_resource_policy,
    read=_read_resource_policy,
)


def _create_account(work: Work) -> Steps:
    properties = work.properties
    params = {**chosen(properties, *_ONCE), **_tagged(properties)}
    status = (yield Ask(SERVICE, "CreateAccount", params))["CreateAccountStatus"]
    while status["State"] == "IN_PROGRESS":
        yield Pause(POLL_S)
        asked = {"CreateAccountRequestId": status["Id"]}
        status = (yield Ask(SERVICE, "DescribeCreateAccountStatus", asked))["CreateAccountStatus"]
    if status["State"] != "SUCCEEDED":
        raise AwsError("GeneralServiceException", f"The account was not made: {status.get('FailureReason', status['State'])}")
    account = status["AccountId"]
    yield Made(account)
    yield from _moved(account, properties)
    found = (yield Ask(SERVICE, "DescribeAccount", {"AccountId": account}))["Account"]
    attributes = {"AccountId": account, "AccountName": found["Name"]}
    return Resource(account, attributes | chosen(found, "Arn", "JoinedMethod", "JoinedTimestamp", "Status"))


def _moved(account: str, properties: Properties) -> Steps:
    wanted = list(properties.get("ParentIds") or ())
    parent = (yield Ask(SERVICE, "ListParents", {"ChildId": account}))["Parents"][0]["Id"]
    if wanted and wanted[0] != parent:
        params = {"AccountId": account, "SourceParentId": parent, "DestinationParentId": wanted[0]}
        yield Ask(SERVICE, "MoveAccount", params)
    return Resource(account)


def _update_account(work: Work) -> Steps:
    fixed = [name for name in _ONCE if work.changed(name)]
    if fixed:
        # AWS: "You can't update" these; DEVIATES: AWS can change AccountName meanwhile, localorg has no operation for it.
        raise Plain(f"Update not allowed for {', '.join(fixed)} of AWS::Organizations::Account.")
    if work.changed("ParentIds"):
        yield from _moved(work.physical_id, work.properties)
    return (yield from _retagged(work))


def _delete_account(work: Work) -> Steps:
    ask = Ask(SERVICE, "CloseAccount", {"AccountId": work.physical_id})
    yield from unless_gone(ask, "AccountNotFoundException", "AccountAlreadyClosedException")
    return Resource(work.physical_id)


def _read_account(work: Work) -> Reading:
    found = (yield Ask(SERVICE, "DescribeAccount", {"AccountId": work.physical_id}))["Account"]
    return {
        "AccountName": found["Name"],
        "Email": found["Email"],
        "ParentIds": [(yield from _live_parent(work))],
        **(yield from _live_tags(work)),
    }


ACCOUNT = ResourceType(
    name="AWS::Organizations::Account",
    properties=frozenset({"AccountName", "Email", "ParentIds", "RoleName", "Tags"}),
    required=frozenset({"AccountName", "Email"}),
    attributes=frozenset({"AccountId", "AccountName", "Arn", "JoinedMethod", "JoinedTimestamp", "Status"}),
    create=_create_account,
    update=_update_account,
    delete=_delete_account,
    read=_read_account,
)
