"""IAM as its clients meet it: names, ids, documents, limits, refusals."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(account: Account, principal: dict[str, Any] | None = None) -> str:
    whom = principal or {"AWS": f"arn:{account.partition}:iam::{account.id}:root"}
    return text({"Effect": "Allow", "Principal": whom, "Action": "sts:AssumeRole"})


READ = text({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"})


@contextmanager
def role(account: Account, name: str, **params: Any) -> Iterator[dict[str, Any]]:
    """Make a role and take it away again."""
    iam = account.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(account), **params)["Role"]
    try:
        yield made
    finally:
        iam.delete_role(RoleName=name)


@contextmanager
def policy(account: Account, name: str, **params: Any) -> Iterator[str]:
    """Make a managed policy and take it away again."""
    iam = account.client("iam")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=READ, **params)["Policy"]["Arn"]
    try:
        yield arn
    finally:
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=arn)


@contextmanager
def user(account: Account, name: str) -> Iterator[dict[str, Any]]:
    """Make a user and take it away again."""
    iam = account.client("iam")
    made = iam.create_user(UserName=name)["User"]
    try:
        yield made
    finally:
        iam.delete_user(UserName=name)


@documented("IAM user guide, IAM identifiers, unique identifiers")
def test_unique_ids_tell_their_kind(member: Account, unique: Unique) -> None:
    """Roles have ids AROA..., users AIDA..., groups AGPA..., managed policies ANPA..., instance profiles AIPA...."""
    iam, name = member.client("iam"), unique("conf-ids")
    group = iam.create_group(GroupName=name)["Group"]["GroupId"]
    profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["InstanceProfileId"]
    try:
        with role(member, name) as made, user(member, name) as person, policy(member, name) as arn:
            ids = [made["RoleId"], person["UserId"], group, iam.get_policy(PolicyArn=arn)["Policy"]["PolicyId"], profile]
    finally:
        iam.delete_group(GroupName=name)
        iam.delete_instance_profile(InstanceProfileName=name)
    assert [one[:4] for one in ids] == ["AROA", "AIDA", "AGPA", "ANPA", "AIPA"]


@observed("clients' reports: Terraform treats an account's number and the ARN of its root as one")
def test_an_account_in_a_trust_policy_comes_back_as_its_root(member: Account, unique: Unique) -> None:
    """GetRole shows an account that a trust policy names by its number as the ARN of its root, and a list of one as that one."""
    iam, name = member.client("iam"), unique("conf-root")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(member, {"AWS": [member.id]}))
    try:
        (statement,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    finally:
        iam.delete_role(RoleName=name)
    assert statement["Principal"] == {"AWS": f"arn:{member.partition}:iam::{member.id}:root"}


@observed("clients' reports of CreatePolicy")
@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}], ids=["none", "2008"])
def test_a_managed_policy_needs_its_version(member: Account, unique: Unique, version: dict[str, str]) -> None:
    """CreatePolicy refuses a document whose Version is not 2012-10-17."""
    document = json.dumps({**version, "Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}})
    with refused("MalformedPolicyDocument", "must be version 2012-10-17 or greater"):
        member.client("iam").create_policy(PolicyName=unique("conf-version"), PolicyDocument=document)


@documented("IAM user guide, quotas: names are not distinguished by case")
def test_names_have_no_case(member: Account, unique: Unique) -> None:
    """A role cannot be made under the name of another in other letters."""
    name = unique("conf-case")
    with role(member, name), refused("EntityAlreadyExists", f"Role with name {name.upper()} already exists."):
        member.client("iam").create_role(RoleName=name.upper(), AssumeRolePolicyDocument=trust(member))


@observed("IAM's answers, as Terraform matches them")
@pytest.mark.parametrize(
    ("operation", "params", "words"),
    [
        ("get_role", {"RoleName": "conf-none"}, "The role with name conf-none cannot be found."),
        ("get_user", {"UserName": "conf-none"}, "The user with name conf-none cannot be found."),
        ("get_group", {"GroupName": "conf-none"}, "The group with name conf-none cannot be found."),
        ("get_instance_profile", {"InstanceProfileName": "conf-none"}, "Instance Profile conf-none cannot be found."),
        ("get_login_profile", {"UserName": "conf-none"}, "conf-none cannot be found."),
    ],
)
def test_what_is_not_there_is_no_such_entity(member: Account, operation: str, params: dict[str, str], words: str) -> None:
    """What is not there is NoSuchEntity, with status 404 and a sentence that names it."""
    with pytest.raises(ClientError) as caught:
        getattr(member.client("iam"), operation)(**params)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == ("NoSuchEntity", 404)
    assert words in response["Error"]["Message"]


@documented("API GetRole, GetRolePolicy: policies are URL-encoded as RFC 3986 says; boto3 decodes them")
def test_documents_come_back_as_they_were_written(member: Account, unique: Unique) -> None:
    """An inline policy is given back letter by letter, white space too."""
    iam, name = member.client("iam"), unique("conf-text")
    written = '{ "Version": "2012-10-17",\n  "Statement": [{"Effect":"Allow","Action":"s3:*","Resource":"arn:*:s3:::a b+c%/*"}] }'
    with role(member, name):
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=written)
        found = iam.get_role_policy(RoleName=name, PolicyName="p")["PolicyDocument"]
        iam.delete_role_policy(RoleName=name, PolicyName="p")
    assert found == json.loads(written)


@observed("IAM's answers, as Terraform retries on them")
def test_a_trust_in_nobody_is_malformed(member: Account, unique: Unique) -> None:
    """A role cannot trust a user or role that does not exist."""
    nobody = f"arn:{member.partition}:iam::{member.id}:role/conf-nobody-{unique('x')}"
    with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{nobody}"'):
        member.client("iam").create_role(RoleName=unique("conf-trust"), AssumeRolePolicyDocument=trust(member, {"AWS": nobody}))


@documented("IAM user guide, Principal: when a trusted role is deleted, its unique id takes the place of its ARN")
def test_a_deleted_role_is_trusted_by_its_id_only(member: Account, unique: Unique) -> None:
    """A role made again under the name of a trusted one is not trusted."""
    iam, name, gone = member.client("iam"), unique("conf-trusts"), unique("conf-gone")
    with role(member, name):
        with role(member, gone) as trusted:
            write = lambda: iam.update_assume_role_policy(  # noqa: E731
                RoleName=name, PolicyDocument=trust(member, {"AWS": trusted["Arn"]})
            )
            eventually(write, bool, retry=("MalformedPolicyDocument",))
        shown = lambda: iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]  # noqa: E731
        assert eventually(shown, lambda value: value == trusted["RoleId"]) == trusted["RoleId"]


@documented("API CreatePolicyVersion: five versions at most")
def test_a_policy_has_five_versions(member: Account, unique: Unique) -> None:
    """The sixth version of a policy is refused; the default version cannot be deleted; versions are never numbered again."""
    iam = member.client("iam")
    with policy(member, unique("conf-versions")) as arn:
        for _ in range(4):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ)
        with refused("LimitExceeded", "A managed policy can have up to 5 versions."):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ)
        with refused("DeleteConflict", "Cannot delete the default version of a policy."):
            iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
        with refused("DeleteConflict", "This policy has more than one version."):
            iam.delete_policy(PolicyArn=arn)
        iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ, SetAsDefault=True)["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", True)


@documented("API DeleteRole, DeleteConflict")
def test_a_role_that_holds_something_is_not_deleted(member: Account, unique: Unique) -> None:
    """A role with an attached policy is a DeleteConflict."""
    iam, name = member.client("iam"), unique("conf-holds")
    managed = f"arn:{member.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
    with role(member, name):
        iam.attach_role_policy(RoleName=name, PolicyArn=managed)
        with refused("DeleteConflict", "Cannot delete entity, must detach all policies first."):
            iam.delete_role(RoleName=name)
        iam.detach_role_policy(RoleName=name, PolicyArn=managed)
        with refused("NoSuchEntity", f"Policy {managed} was not found."):
            iam.detach_role_policy(RoleName=name, PolicyArn=managed)


@documented("API AttachRolePolicy, NoSuchEntity")
def test_a_policy_that_is_not_there_is_not_attachable(member: Account, unique: Unique) -> None:
    """Attaching a policy that does not exist is NoSuchEntity."""
    missing = f"arn:{member.partition}:iam::{member.id}:policy/conf-none"
    name = unique("conf-attach")
    with role(member, name), refused("NoSuchEntity", f"Policy {missing} does not exist or is not attachable."):
        member.client("iam").attach_role_policy(RoleName=name, PolicyArn=missing)


@documented("API ListRoles: operations that list leave out tags, boundaries and last use")
def test_lists_say_less_than_get(member: Account, unique: Unique) -> None:
    """ListRoles says no tags, GetRole does; the path prefix narrows."""
    iam, name = member.client("iam"), unique("conf-list")
    with role(member, name, Path=f"/{name}/", Tags=[{"Key": "a", "Value": "b"}]):
        (listed,) = iam.list_roles(PathPrefix=f"/{name}/")["Roles"]
        whole = iam.get_role(RoleName=name)["Role"]
    assert "Tags" not in listed
    assert "RoleLastUsed" not in listed
    assert (whole["Tags"], whole["RoleLastUsed"]) == ([{"Key": "a", "Value": "b"}], {})
    assert whole["Arn"].endswith(f":role/{name}/{name}")


@documented("IAM user guide, Tags for IAM resources: keys are the same in any case")
def test_tag_keys_have_no_case(member: Account, unique: Unique) -> None:
    """A tag whose key differs in case takes the place of the other; two of them in one request are refused."""
    iam, name = member.client("iam"), unique("conf-tags")
    with role(member, name, Tags=[{"Key": "Stage", "Value": "dev"}]):
        iam.tag_role(RoleName=name, Tags=[{"Key": "stage", "Value": "prod"}])
        assert [tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]] == ["prod"]
        with refused("InvalidInput", "Duplicate tag keys found."):
            iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])


@documented("API AttachedPermissionsBoundary")
def test_a_boundary_is_told_and_counted(member: Account, unique: Unique) -> None:
    """A permissions boundary is shown with the type Policy, and its policy counts it as a use of its own kind."""
    iam, name = member.client("iam"), unique("conf-edge")
    with policy(member, name) as arn, role(member, name, PermissionsBoundary=arn) as made:
        assert made["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
        counted = iam.get_policy(PolicyArn=arn)["Policy"]
        assert (counted["AttachmentCount"], counted["PermissionsBoundaryUsageCount"]) == (0, 1)
        with refused("DeleteConflict"):
            iam.delete_policy(PolicyArn=arn)
        by_use = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
        assert [entity["RoleName"] for entity in by_use["PolicyRoles"]] == [name]


@observed("IAM's answers, as Terraform shows them")
def test_a_boundary_must_be_there(member: Account, unique: Unique) -> None:
    """A boundary that does not exist is NoSuchEntity, as a scope."""
    arn = f"arn:{member.partition}:iam::{member.id}:policy/conf-none"
    with refused("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable."):
        member.client("iam").create_user(UserName=unique("conf-edge"), PermissionsBoundary=arn)


@documented("IAM and AWS STS quotas: two access keys for each user")
def test_a_user_has_two_keys(member: Account, unique: Unique) -> None:
    """The third access key is refused; a key that was not used says N/A; a user with keys is not deleted."""
    iam, name = member.client("iam"), unique("conf-keys")
    with user(member, name):
        keys = [iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"] for _ in range(2)]
        with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"):
            iam.create_access_key(UserName=name)
        used = iam.get_access_key_last_used(AccessKeyId=keys[0])
        assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == (name, "N/A")
        with refused("DeleteConflict", "Cannot delete entity, must delete access keys first."):
            iam.delete_user(UserName=name)
        for key in keys:
            iam.delete_access_key(UserName=name, AccessKeyId=key)


@documented("IAM user guide, Rename an IAM user")
def test_a_renamed_user_keeps_its_id(member: Account, unique: Unique) -> None:
    """A user who is renamed has another ARN and the same id."""
    iam, name = member.client("iam"), unique("conf-old")
    before = iam.create_user(UserName=name)["User"]
    iam.update_user(UserName=name, NewUserName=f"{name}-new", NewPath="/conf/")
    after = iam.get_user(UserName=f"{name}-new")["User"]
    iam.delete_user(UserName=f"{name}-new")
    assert after["UserId"] == before["UserId"]
    assert after["Arn"].endswith(f":user/conf/{name}-new")


@documented("API AddUserToGroup, DeleteGroup")
def test_a_group_with_members_is_not_deleted(member: Account, unique: Unique) -> None:
    """A group is deleted when nobody is in it."""
    iam, name = member.client("iam"), unique("conf-group")
    iam.create_group(GroupName=name)
    with user(member, name):
        iam.add_user_to_group(GroupName=name, UserName=name)
        assert [group["GroupName"] for group in iam.list_groups_for_user(UserName=name)["Groups"]] == [name]
        with refused("DeleteConflict", "Cannot delete entity, must remove users from group first."):
            iam.delete_group(GroupName=name)
        iam.remove_user_from_group(GroupName=name, UserName=name)
    iam.delete_group(GroupName=name)


@documented("API ListRoles, Marker and MaxItems")
def test_lists_come_in_pages(member: Account, unique: Unique) -> None:
    """MaxItems makes pages, IsTruncated says there are more, Marker leads on; the last page has no Marker."""
    iam, stem = member.client("iam"), unique("conf-page")
    with role(member, f"{stem}-1", Path=f"/{stem}/"), role(member, f"{stem}-2", Path=f"/{stem}/"):
        first = iam.list_roles(PathPrefix=f"/{stem}/", MaxItems=1)
        rest = iam.list_roles(PathPrefix=f"/{stem}/", MaxItems=1, Marker=first["Marker"])
    assert (first["IsTruncated"], rest["IsTruncated"], "Marker" in rest) == (True, False, False)
    assert [page["Roles"][0]["RoleName"] for page in (first, rest)] == [f"{stem}-1", f"{stem}-2"]


@documented("API AddRoleToInstanceProfile: an instance profile holds one role")
def test_an_instance_profile_holds_one_role(member: Account, unique: Unique) -> None:
    """The second role is refused, and a profile with a role is not deleted."""
    iam, name = member.client("iam"), unique("conf-profile")
    iam.create_instance_profile(InstanceProfileName=name, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == [{"Key": "a", "Value": "b"}]
    with role(member, name):
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        with refused("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"):
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        with refused("DeleteConflict", "must remove roles from instance profile first"):
            iam.delete_instance_profile(InstanceProfileName=name)
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)


@documented("AWS managed policy reference guide")
@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("AmazonSSMManagedInstanceCore", "ssm:UpdateInstanceInformation"),
        ("AmazonSSMManagedEC2InstanceDefaultPolicy", "ssm:UpdateInstanceInformation"),
        ("service-role/AmazonSSMAutomationRole", "ssm:*"),
        ("CloudWatchAgentServerPolicy", "cloudwatch:PutMetricData"),
        ("ReadOnlyAccess", "ssm:List*"),
        ("AWSOrganizationsReadOnlyAccess", "organizations:List*"),
    ],
)
def test_the_managed_policies_of_aws(member: Account, path: str, action: str) -> None:
    """AWS's managed policies are at their paths, in the partition, and say what they are known for."""
    iam, arn = member.client("iam"), f"arn:{member.partition}:iam::aws:policy/{path}"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert f'"{action}"' in json.dumps(document)


@observed("IAM's answers: a service-linked role is protected")
def test_a_service_linked_role_is_not_for_the_account_to_change(member: Account) -> None:
    """A service-linked role is UnmodifiableEntity to whoever would delete it as another role."""
    iam, name = member.client("iam"), "AWSServiceRoleForAmazonSSM"
    try:
        iam.create_service_linked_role(AWSServiceName="ssm.amazonaws.com")
    except ClientError as there_already:
        assert there_already.response["Error"]["Code"] == "InvalidInput"  # noqa: PT017 - it may be there or not
    with refused("UnmodifiableEntity", "this role is only modifiable by AWS"):
        iam.delete_role(RoleName=name)


@assumed("IAM documents that AWS's own policies cannot be changed, not in which words")
def test_a_policy_of_aws_is_not_for_the_account_to_change(member: Account) -> None:
    """A new version of one of AWS's policies is denied."""
    arn = f"arn:{member.partition}:iam::aws:policy/AdministratorAccess"
    with refused("AccessDenied"):
        member.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=READ)
