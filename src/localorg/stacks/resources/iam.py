"""AWS::IAM::Role: made with its inline and attached policies, changed in place except for its name and path.

AWS: CloudFormation template reference, AWS::IAM::Role.
"""

import json
from typing import Any
from urllib.parse import unquote

from localorg.kernel.errors import AwsError
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

GONE = "NoSuchEntity"
IAM_CAPABILITY, NAMED_IAM_CAPABILITY = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"


def document(value: Any) -> str:
    """Return a policy document as text."""
    return value if isinstance(value, str) else json.dumps(value)


def unless_gone(ask: Ask, *codes: str) -> Steps:
    """Ask for a deletion; what is gone already is no error."""
    try:
        yield ask
    except AwsError as refusal:
        if refusal.code not in (codes or (GONE,)):
            raise
    return Resource("")


def named_capability(name_property: str) -> Any:
    """Return the rule: a custom name needs CAPABILITY_NAMED_IAM, else CAPABILITY_IAM serves."""

    def rule(properties: Properties) -> str:
        return NAMED_IAM_CAPABILITY if name_property in properties else IAM_CAPABILITY

    return rule


def _inline(properties: Properties) -> dict[str, str]:
    return {policy["PolicyName"]: document(policy["PolicyDocument"]) for policy in properties.get("Policies") or ()}


def _create_role(work: Work) -> Steps:
    properties = work.properties
    name = properties.get("RoleName") or work.generated_name(64)
    params = {
        "RoleName": name,
        "AssumeRolePolicyDocument": document(properties["AssumeRolePolicyDocument"]),
        **chosen(properties, "Description", "MaxSessionDuration", "Path", "PermissionsBoundary"),
    }
    if tags_of(properties):
        params["Tags"] = tag_list(tags_of(properties))
    role = (yield Ask("iam", "CreateRole", params))["Role"]
    yield Made(name)
    yield from gives_policies("Role", name, {}, properties)
    return Resource(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def gives_policies(word: str, name: str, before: Properties, after: Properties) -> Steps:
    """Bring the inline and attached policies of a Role, User or Group from `before` to `after`."""
    holder = {f"{word}Name": name}
    was, wanted = _inline(before), _inline(after)
    for policy in [one for one in was if one not in wanted]:
        yield from unless_gone(Ask("iam", f"Delete{word}Policy", {**holder, "PolicyName": policy}))
    for policy, text in wanted.items():
        if was.get(policy) != text:
            yield Ask("iam", f"Put{word}Policy", {**holder, "PolicyName": policy, "PolicyDocument": text})
    attached, asked = list(before.get("ManagedPolicyArns") or ()), list(after.get("ManagedPolicyArns") or ())
    for arn in attached:
        if arn not in asked:
            yield from unless_gone(Ask("iam", f"Detach{word}Policy", {**holder, "PolicyArn": arn}))
    for arn in asked:
        if arn not in attached:
            yield Ask("iam", f"Attach{word}Policy", {**holder, "PolicyArn": arn})
    return Resource(name)


def live_document(text: str) -> Any:
    """Return a policy document as IAM tells it (percent-encoded) as an object."""
    return json.loads(unquote(text))


def live_policies(word: str, name: str) -> Reading:
    """Read the inline and attached policies of a Role, User or Group."""
    holder = {f"{word}Name": name}
    inline = []
    for policy in (yield Ask("iam", f"List{word}Policies", holder))["PolicyNames"]:
        found = yield Ask("iam", f"Get{word}Policy", {**holder, "PolicyName": policy})
        inline.append({"PolicyName": policy, "PolicyDocument": live_document(found["PolicyDocument"])})
    attached = (yield Ask("iam", f"ListAttached{word}Policies", holder))["AttachedPolicies"]
    return {"Policies": inline, "ManagedPolicyArns": [one["PolicyArn"] for one in attached]}


def live_boundary(holder: Properties) -> Any:
    """Return the permissions boundary of a role or user, or None."""
    return (holder.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")


def _read_role(work: Work) -> Reading:
    role = (yield Ask("iam", "GetRole", {"RoleName": work.physical_id}))["Role"]
    return {
        **read(role, "RoleName", "Path", "Description", "MaxSessionDuration"),
        "AssumeRolePolicyDocument": live_document(role["AssumeRolePolicyDocument"]),
        "PermissionsBoundary": live_boundary(role),
        "Tags": live_tags(role.get("Tags", ())),
        **(yield from live_policies("Role", work.physical_id)),
    }


def _update_role(work: Work) -> Steps:
    name, properties = work.physical_id, work.properties
    if work.changed("AssumeRolePolicyDocument"):
        trust = document(properties["AssumeRolePolicyDocument"])
        yield Ask("iam", "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": trust})
    if work.changed("Description", "MaxSessionDuration"):
        described = {
            "Description": properties.get("Description", ""),
            "MaxSessionDuration": properties.get("MaxSessionDuration", 3600),
        }
        yield Ask("iam", "UpdateRole", {"RoleName": name, **described})
    if work.changed("PermissionsBoundary"):
        boundary = properties.get("PermissionsBoundary")
        if boundary:
            yield Ask("iam", "PutRolePermissionsBoundary", {"RoleName": name, "PermissionsBoundary": boundary})
        else:
            yield Ask("iam", "DeleteRolePermissionsBoundary", {"RoleName": name})
    yield from gives_policies("Role", name, work.before, properties)
    yield from _tags(name, work)
    return Resource(name, dict(work.attributes))


def _tags(name: str, work: Work) -> Steps:
    gone, wanted = tag_changes(work)
    if gone:
        yield Ask("iam", "UntagRole", {"RoleName": name, "TagKeys": gone})
    if wanted:
        yield Ask("iam", "TagRole", {"RoleName": name, "Tags": tag_list(wanted)})
    return Resource(name)


def _delete_role(work: Work) -> Steps:
    name = work.physical_id
    yield from gives_policies("Role", name, work.properties, {})
    yield from unless_gone(Ask("iam", "DeleteRole", {"RoleName": name}))
    return Resource(name)


ROLE = ResourceType(
    name="AWS::IAM::Role",
    properties=frozenset(
        {
            "AssumeRolePolicyDocument",
            "Description",
            "ManagedPolicyArns",
            "MaxSessionDuration",
            "Path",
            "PermissionsBoundary",
            "Policies",
            "RoleName",
            "Tags",
        }
    ),
    required=frozenset({"AssumeRolePolicyDocument"}),
    attributes=frozenset({"Arn", "RoleId"}),
    create=_create_role,
    update=_update_role,
    delete=_delete_role,
    read=_read_role,
    replacing=replaced_by("RoleName", "Path"),
    name_property="RoleName",
    capability=named_capability("RoleName"),
)
