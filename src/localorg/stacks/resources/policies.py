"""AWS::IAM::Policy, AWS::IAM::ManagedPolicy and AWS::IAM::InstanceProfile.

AWS: CloudFormation template reference, the types of those names.
"""

from collections.abc import Sequence
from typing import Any

from localorg.stacks.resources.iam import document, live_document, named_capability, unless_gone
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

VERSIONS_MAX = 5
"""AWS: IAM quotas, versions of a managed policy."""

HOLDERS = (("Roles", "Role", "RoleName"), ("Users", "User", "UserName"), ("Groups", "Group", "GroupName"))
"""(property, word in the operation's name, its parameter)"""


def _holders(properties: Properties, name: str) -> list[str]:
    return list(properties.get(name) or ())


def _put(properties: Properties, policy: str, *, everyone: bool, before: Properties) -> Steps:
    """Put an inline policy into its holders, and take it out of those that it has left."""
    text = document(properties["PolicyDocument"])
    for member, word, parameter in HOLDERS:
        wanted, was = _holders(properties, member), _holders(before, member)
        for holder in [one for one in was if one not in wanted]:
            yield from unless_gone(Ask("iam", f"Delete{word}Policy", {parameter: holder, "PolicyName": policy}))
        for holder in [one for one in wanted if everyone or one not in was]:
            yield Ask("iam", f"Put{word}Policy", {parameter: holder, "PolicyName": policy, "PolicyDocument": text})
    return Resource(policy)


def _create_inline(work: Work) -> Steps:
    # The id is that of the stack's resource: an inline policy has none of its own.
    physical_id = work.generated_name(64)
    yield Made(physical_id)
    yield from _put(work.properties, work.properties["PolicyName"], everyone=True, before={})
    return Resource(physical_id)


def _update_inline(work: Work) -> Steps:
    renamed = work.changed("PolicyName")
    if renamed:
        yield from _delete_inline_of(work.before)
    before: Properties = {} if renamed else work.before
    yield from _put(work.properties, work.properties["PolicyName"], everyone=work.changed("PolicyDocument"), before=before)
    return Resource(work.physical_id)


def _delete_inline_of(properties: Properties) -> Steps:
    for member, word, parameter in HOLDERS:
        for holder in _holders(properties, member):
            ask = Ask("iam", f"Delete{word}Policy", {parameter: holder, "PolicyName": properties["PolicyName"]})
            yield from unless_gone(ask)
    return Resource("")


def _delete_inline(work: Work) -> Steps:
    yield from _delete_inline_of(work.properties)
    return Resource(work.physical_id)


POLICY = ResourceType(
    name="AWS::IAM::Policy",
    properties=frozenset({"Groups", "PolicyDocument", "PolicyName", "Roles", "Users"}),
    required=frozenset({"PolicyDocument", "PolicyName"}),
    create=_create_inline,
    update=_update_inline,
    delete=_delete_inline,
    capability=lambda _properties: "CAPABILITY_IAM",
)


def _attach(arn: str, before: Properties, after: Properties) -> Steps:
    for member, word, parameter in HOLDERS:
        wanted, was = _holders(after, member), _holders(before, member)
        for holder in [one for one in was if one not in wanted]:
            yield from unless_gone(Ask("iam", f"Detach{word}Policy", {parameter: holder, "PolicyArn": arn}))
        for holder in [one for one in wanted if one not in was]:
            yield Ask("iam", f"Attach{word}Policy", {parameter: holder, "PolicyArn": arn})
    return Resource(arn)


def _create_managed(work: Work) -> Steps:
    properties = work.properties
    params = {
        "PolicyName": properties.get("ManagedPolicyName") or work.generated_name(128),
        "PolicyDocument": document(properties["PolicyDocument"]),
        **chosen(properties, "Description", "Path"),
    }
    if tags_of(properties):
        params["Tags"] = tag_list(tags_of(properties))
    policy = (yield Ask("iam", "CreatePolicy", params))["Policy"]
    yield Made(policy["Arn"])
    yield from _attach(policy["Arn"], {}, properties)
    return Resource(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})


def _update_managed(work: Work) -> Steps:
    arn = work.physical_id
    if work.changed("PolicyDocument"):
        versions = (yield Ask("iam", "ListPolicyVersions", {"PolicyArn": arn}))["Versions"]
        yield from _drop(arn, _surplus(versions))
        params = {"PolicyArn": arn, "PolicyDocument": document(work.properties["PolicyDocument"]), "SetAsDefault": True}
        yield Ask("iam", "CreatePolicyVersion", params)
    yield from _attach(arn, work.before, work.properties)
    gone, wanted = tag_changes(work)
    if gone:
        yield Ask("iam", "UntagPolicy", {"PolicyArn": arn, "TagKeys": gone})
    if wanted:
        yield Ask("iam", "TagPolicy", {"PolicyArn": arn, "Tags": tag_list(wanted)})
    return Resource(arn, dict(work.attributes))


def _surplus(versions: Sequence[Properties]) -> list[str]:
    """Return the oldest versions that have to make room for one more."""
    others = sorted((one["VersionId"] for one in versions if not one["IsDefaultVersion"]), key=lambda name: int(name[1:]))
    return others[: max(0, len(versions) - VERSIONS_MAX + 1)]


def _drop(arn: str, versions: Sequence[Any]) -> Steps:
    for version in versions:
        yield from unless_gone(Ask("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version}))
    return Resource(arn)


def _delete_managed(work: Work) -> Steps:
    arn = work.physical_id
    yield from _attach(arn, work.properties, {})
    listed = yield Ask("iam", "ListPolicyVersions", {"PolicyArn": arn})
    yield from _drop(arn, [one["VersionId"] for one in listed["Versions"] if not one["IsDefaultVersion"]])
    yield from unless_gone(Ask("iam", "DeletePolicy", {"PolicyArn": arn}))
    return Resource(arn)


def _read_managed(work: Work) -> Reading:
    arn = work.physical_id
    policy = (yield Ask("iam", "GetPolicy", {"PolicyArn": arn}))["Policy"]
    version = {"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]}
    default = (yield Ask("iam", "GetPolicyVersion", version))["PolicyVersion"]
    holders = yield Ask("iam", "ListEntitiesForPolicy", {"PolicyArn": arn})
    return {
        **read(policy, "Path", "Description"),
        "ManagedPolicyName": policy["PolicyName"],
        "PolicyDocument": live_document(default["Document"]),
        "Tags": live_tags(policy.get("Tags", ())),
        **{member: [one[named] for one in holders[f"Policy{member}"]] for member, _, named in HOLDERS},
    }


MANAGED_POLICY = ResourceType(
    name="AWS::IAM::ManagedPolicy",
    properties=frozenset({"Description", "Groups", "ManagedPolicyName", "Path", "PolicyDocument", "Roles", "Tags", "Users"}),
    required=frozenset({"PolicyDocument"}),
    attributes=frozenset({"PolicyArn", "PolicyId"}),
    create=_create_managed,
    update=_update_managed,
    delete=_delete_managed,
    read=_read_managed,
    replacing=replaced_by("Description", "ManagedPolicyName", "Path"),
    name_property="ManagedPolicyName",
    capability=named_capability("ManagedPolicyName"),
)


def _create_profile(work: Work) -> Steps:
    properties = work.properties
    name = properties.get("InstanceProfileName") or work.generated_name(128)
    params = {"InstanceProfileName": name, **chosen(properties, "Path")}
    profile = (yield Ask("iam", "CreateInstanceProfile", params))["InstanceProfile"]
    yield Made(name)
    for role in properties["Roles"]:
        yield Ask("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": name, "RoleName": role})
    return Resource(name, {"Arn": profile["Arn"]})


def _update_profile(work: Work) -> Steps:
    name = work.physical_id
    was, wanted = _holders(work.before, "Roles"), _holders(work.properties, "Roles")
    for role in [one for one in was if one not in wanted]:
        yield from unless_gone(Ask("iam", "RemoveRoleFromInstanceProfile", {"InstanceProfileName": name, "RoleName": role}))
    for role in [one for one in wanted if one not in was]:
        yield Ask("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": name, "RoleName": role})
    return Resource(name, dict(work.attributes))


def _delete_profile(work: Work) -> Steps:
    name = work.physical_id
    for role in _holders(work.properties, "Roles"):
        yield from unless_gone(Ask("iam", "RemoveRoleFromInstanceProfile", {"InstanceProfileName": name, "RoleName": role}))
    yield from unless_gone(Ask("iam", "DeleteInstanceProfile", {"InstanceProfileName": name}))
    return Resource(name)


def _read_profile(work: Work) -> Reading:
    profile = (yield Ask("iam", "GetInstanceProfile", {"InstanceProfileName": work.physical_id}))["InstanceProfile"]
    return {**read(profile, "InstanceProfileName", "Path"), "Roles": [role["RoleName"] for role in profile["Roles"]]}


INSTANCE_PROFILE = ResourceType(
    name="AWS::IAM::InstanceProfile",
    properties=frozenset({"InstanceProfileName", "Path", "Roles"}),
    required=frozenset({"Roles"}),
    attributes=frozenset({"Arn"}),
    create=_create_profile,
    update=_update_profile,
    delete=_delete_profile,
    read=_read_profile,
    replacing=replaced_by("InstanceProfileName", "Path"),
    name_property="InstanceProfileName",
    capability=named_capability("InstanceProfileName"),
)
