"""AWS::IAM::User, AWS::IAM::Group, AWS::IAM::AccessKey and AWS::IAM::UserToGroupAddition.

AWS: CloudFormation template reference, the types of those names.
"""

from localorg.stacks.resources.iam import (
    GONE,
    IAM_CAPABILITY,
    gives_policies,
    live_boundary,
    live_policies,
    named_capability,
    unless_gone,
)
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
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


def _create_user(work: Work) -> Steps:
    properties = work.properties
    name = properties.get("UserName") or work.generated_name(64)
    params = {"UserName": name, **chosen(properties, "Path", "PermissionsBoundary")}
    if tags_of(properties):
        params["Tags"] = tag_list(tags_of(properties))
    user = (yield Ask("iam", "CreateUser", params))["User"]
    yield Made(name)
    yield from gives_policies("User", name, {}, properties)
    yield from _joined(name, {}, properties)
    return Resource(name, {"Arn": user["Arn"]})


def _joined(name: str, before: Properties, after: Properties) -> Steps:
    was, wanted = list(before.get("Groups") or ()), list(after.get("Groups") or ())
    for group in [one for one in was if one not in wanted]:
        yield from unless_gone(Ask("iam", "RemoveUserFromGroup", {"GroupName": group, "UserName": name}))
    for group in [one for one in wanted if one not in was]:
        yield Ask("iam", "AddUserToGroup", {"GroupName": group, "UserName": name})
    return Resource(name)


def _update_user(work: Work) -> Steps:
    name, properties = work.physical_id, work.properties
    attributes = dict(work.attributes)
    if work.changed("Path"):
        yield Ask("iam", "UpdateUser", {"UserName": name, "NewPath": properties.get("Path", "/")})
        attributes["Arn"] = (yield Ask("iam", "GetUser", {"UserName": name}))["User"]["Arn"]
    if work.changed("PermissionsBoundary"):
        boundary = properties.get("PermissionsBoundary")
        if boundary:
            yield Ask("iam", "PutUserPermissionsBoundary", {"UserName": name, "PermissionsBoundary": boundary})
        else:
            yield Ask("iam", "DeleteUserPermissionsBoundary", {"UserName": name})
    yield from gives_policies("User", name, work.before, properties)
    yield from _joined(name, work.before, properties)
    gone, wanted = tag_changes(work)
    if gone:
        yield Ask("iam", "UntagUser", {"UserName": name, "TagKeys": gone})
    if wanted:
        yield Ask("iam", "TagUser", {"UserName": name, "Tags": tag_list(wanted)})
    return Resource(name, attributes)


def _delete_user(work: Work) -> Steps:
    name = work.physical_id
    yield from gives_policies("User", name, work.properties, {})
    yield from _joined(name, work.properties, {})
    yield from unless_gone(Ask("iam", "DeleteUser", {"UserName": name}))
    return Resource(name)


def _read_user(work: Work) -> Reading:
    name = work.physical_id
    user = (yield Ask("iam", "GetUser", {"UserName": name}))["User"]
    groups = (yield Ask("iam", "ListGroupsForUser", {"UserName": name}))["Groups"]
    return {
        **read(user, "UserName", "Path"),
        "PermissionsBoundary": live_boundary(user),
        "Tags": live_tags(user.get("Tags", ())),
        "Groups": [group["GroupName"] for group in groups],
        **(yield from live_policies("User", name)),
    }


USER = ResourceType(
    name="AWS::IAM::User",
    properties=frozenset({"Groups", "ManagedPolicyArns", "Path", "PermissionsBoundary", "Policies", "Tags", "UserName"}),
    attributes=frozenset({"Arn"}),
    create=_create_user,
    update=_update_user,
    delete=_delete_user,
    read=_read_user,
    replacing=replaced_by("UserName"),
    name_property="UserName",
    capability=named_capability("UserName"),
)


def _create_group(work: Work) -> Steps:
    properties = work.properties
    name = properties.get("GroupName") or work.generated_name(128)
    group = (yield Ask("iam", "CreateGroup", {"GroupName": name, **chosen(properties, "Path")}))["Group"]
    yield Made(name)
    yield from gives_policies("Group", name, {}, properties)
    return Resource(name, {"Arn": group["Arn"]})


def _update_group(work: Work) -> Steps:
    name, attributes = work.physical_id, dict(work.attributes)
    if work.changed("Path"):
        yield Ask("iam", "UpdateGroup", {"GroupName": name, "NewPath": work.properties.get("Path", "/")})
        attributes["Arn"] = (yield Ask("iam", "GetGroup", {"GroupName": name}))["Group"]["Arn"]
    yield from gives_policies("Group", name, work.before, work.properties)
    return Resource(name, attributes)


def _delete_group(work: Work) -> Steps:
    name = work.physical_id
    yield from gives_policies("Group", name, work.properties, {})
    yield from unless_gone(Ask("iam", "DeleteGroup", {"GroupName": name}))
    return Resource(name)


def _read_group(work: Work) -> Reading:
    group = (yield Ask("iam", "GetGroup", {"GroupName": work.physical_id}))["Group"]
    return {**read(group, "GroupName", "Path"), **(yield from live_policies("Group", work.physical_id))}


GROUP = ResourceType(
    name="AWS::IAM::Group",
    properties=frozenset({"GroupName", "ManagedPolicyArns", "Path", "Policies"}),
    attributes=frozenset({"Arn"}),
    create=_create_group,
    update=_update_group,
    delete=_delete_group,
    read=_read_group,
    replacing=replaced_by("GroupName"),
    name_property="GroupName",
    capability=named_capability("GroupName"),
)


def _create_key(work: Work) -> Steps:
    user = work.properties["UserName"]
    key = (yield Ask("iam", "CreateAccessKey", {"UserName": user}))["AccessKey"]
    yield Made(key["AccessKeyId"])
    if work.properties.get("Status", "Active") != "Active":
        yield Ask("iam", "UpdateAccessKey", _key(work, key["AccessKeyId"]))
    return Resource(key["AccessKeyId"], {"SecretAccessKey": key["SecretAccessKey"]})


def _key(work: Work, key_id: str) -> dict[str, str]:
    properties = work.properties
    return {"UserName": properties["UserName"], "AccessKeyId": key_id, "Status": properties.get("Status", "Active")}


def _update_key(work: Work) -> Steps:
    if work.changed("Status"):
        yield Ask("iam", "UpdateAccessKey", _key(work, work.physical_id))
    return Resource(work.physical_id, dict(work.attributes))


def _delete_key(work: Work) -> Steps:
    params = {"UserName": work.properties["UserName"], "AccessKeyId": work.physical_id}
    yield from unless_gone(Ask("iam", "DeleteAccessKey", params))
    return Resource(work.physical_id)


ACCESS_KEY = ResourceType(
    name="AWS::IAM::AccessKey",
    properties=frozenset({"Serial", "Status", "UserName"}),
    required=frozenset({"UserName"}),
    attributes=frozenset({"SecretAccessKey"}),
    create=_create_key,
    update=_update_key,
    delete=_delete_key,
    # AWS: a greater Serial rotates the key.
    replacing=replaced_by("Serial", "UserName"),
    capability=lambda _properties: IAM_CAPABILITY,
)


def _added(work: Work, before: Properties, after: Properties) -> Steps:
    was, wanted = list(before.get("Users") or ()), list(after.get("Users") or ())
    moved = before.get("GroupName") != after.get("GroupName")
    for user in [one for one in was if moved or one not in wanted]:
        yield from unless_gone(Ask("iam", "RemoveUserFromGroup", {"GroupName": before["GroupName"], "UserName": user}), GONE)
    for user in [one for one in wanted if moved or one not in was]:
        yield Ask("iam", "AddUserToGroup", {"GroupName": after["GroupName"], "UserName": user})
    return Resource(work.physical_id)


def _create_addition(work: Work) -> Steps:
    physical_id = work.generated_name(128)
    yield Made(physical_id)
    yield from _added(work, {}, work.properties)
    return Resource(physical_id)


def _update_addition(work: Work) -> Steps:
    return (yield from _added(work, work.before, work.properties))


def _delete_addition(work: Work) -> Steps:
    return (yield from _added(work, work.properties, {}))


USER_TO_GROUP_ADDITION = ResourceType(
    name="AWS::IAM::UserToGroupAddition",
    properties=frozenset({"GroupName", "Users"}),
    required=frozenset({"GroupName", "Users"}),
    create=_create_addition,
    update=_update_addition,
    delete=_delete_addition,
    capability=lambda _properties: IAM_CAPABILITY,
)
