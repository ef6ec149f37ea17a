"""What IAM tells of an account as a whole, of what nobody here can have, and of tags."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from identity.world import HUB, MEMBER, Desk, allow, document

from localorg.kernel.errors import AwsError

EC2_TRUST = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})


@pytest.fixture
def iam() -> Desk:
    return Desk()


def test_an_account_has_one_alias_that_no_other_has(iam: Desk) -> None:
    """Documented: IAM API reference, CreateAccountAlias, ListAccountAliases; the words are Observed in IAM's answers."""
    assert iam("ListAccountAliases") == {"AccountAliases": [], "IsTruncated": False}
    iam("CreateAccountAlias", AccountAlias="the-hub")
    iam("CreateAccountAlias", AccountAlias="hub")
    assert iam("ListAccountAliases")["AccountAliases"] == ["hub"]
    member = iam.world.admin(MEMBER)
    with pytest.raises(AwsError, match="EntityAlreadyExists: The account alias hub already exists."):
        iam.world.call(member, "iam", "CreateAccountAlias", AccountAlias="hub")
    assert iam.refused("DeleteAccountAlias", AccountAlias="other")[0] == "NoSuchEntity"
    iam("DeleteAccountAlias", AccountAlias="hub")
    iam.world.call(member, "iam", "CreateAccountAlias", AccountAlias="hub")


def test_the_password_policy_is_as_it_was_set(iam: Desk) -> None:
    """Documented: API UpdateAccountPasswordPolicy: whole, never in part; without one there is NoSuchEntity."""
    none = ("NoSuchEntity", f"The Password Policy with domain name {HUB} cannot be found.")
    assert iam.refused("GetAccountPasswordPolicy") == none
    iam("UpdateAccountPasswordPolicy", MinimumPasswordLength=14, MaxPasswordAge=90)
    rules = iam("GetAccountPasswordPolicy")["PasswordPolicy"]
    assert (rules["MinimumPasswordLength"], rules["ExpirePasswords"], rules["RequireSymbols"]) == (14, True, False)
    iam("UpdateAccountPasswordPolicy", RequireSymbols=True)
    rules = iam("GetAccountPasswordPolicy")["PasswordPolicy"]
    assert (rules["MinimumPasswordLength"], rules["ExpirePasswords"], rules["RequireSymbols"]) == (6, False, True)
    iam("DeleteAccountPasswordPolicy")
    assert iam.refused("DeleteAccountPasswordPolicy") == none


def test_the_summary_counts(iam: Desk) -> None:
    """Documented: API GetAccountSummary; "IAM and AWS STS quotas"."""
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=EC2_TRUST)
    iam("CreateGroup", GroupName="g")
    iam("CreatePolicy", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    summary = iam("GetAccountSummary")["SummaryMap"]
    counted = {key: summary[key] for key in ("Users", "Roles", "Groups", "Policies", "PolicyVersionsInUse", "InstanceProfiles")}
    assert counted == {"Users": 1, "Roles": 1, "Groups": 1, "Policies": 1, "PolicyVersionsInUse": 1, "InstanceProfiles": 0}
    assert (summary["AccessKeysPerUserQuota"], summary["VersionsPerPolicyQuota"], summary["RolesQuota"]) == (2, 5, 1000)


def test_all_details_in_one_answer(iam: Desk) -> None:
    """Documented: API GetAccountAuthorizationDetails: users with groups, roles with instance profiles, policies with versions."""
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=EC2_TRUST, Tags=[{"Key": "a", "Value": "b"}])
    iam("PutRolePolicy", RoleName="r", PolicyName="inline", PolicyDocument=document(allow("s3:*")))
    iam("CreateInstanceProfile", InstanceProfileName="i")
    iam("AddRoleToInstanceProfile", InstanceProfileName="i", RoleName="r")
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName="admin")
    iam("CreatePolicy", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    everything = iam("GetAccountAuthorizationDetails")
    (role,), (user,) = everything["RoleDetailList"], everything["UserDetailList"]
    assert json.loads(unquote(role["RolePolicyList"][0]["PolicyDocument"])) == json.loads(document(allow("s3:*")))
    assert (role["InstanceProfileList"][0]["InstanceProfileName"], role["Tags"]) == ("i", [{"Key": "a", "Value": "b"}])
    assert user["GroupList"] == ["g"]
    assert [policy["PolicyName"] for policy in everything["Policies"]] == ["p", "AdministratorAccess"]
    only: dict[str, Any] = iam("GetAccountAuthorizationDetails", Filter=["Group", "LocalManagedPolicy"], MaxItems=1)
    assert (len(only["GroupDetailList"]), only["RoleDetailList"], only["Policies"], only["IsTruncated"]) == (1, [], [], True)
    rest = iam("GetAccountAuthorizationDetails", Filter=["Group", "LocalManagedPolicy"], Marker=only["Marker"])
    assert [policy["PolicyName"] for policy in rest["Policies"]] == ["p"]


def test_what_nobody_here_can_have_is_truthfully_absent(iam: Desk) -> None:
    """Documented: the lists of the IAM API reference are empty where there is nothing; the words of GetLoginProfile are Observed."""
    for operation, member in {
        "ListMFADevices": "MFADevices",
        "ListSSHPublicKeys": "SSHPublicKeys",
        "ListSigningCertificates": "Certificates",
        "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    }.items():
        assert iam(operation, UserName="admin") == {member: [], "IsTruncated": False}
        assert iam.refused(operation, UserName="nobody")[0] == "NoSuchEntity"
    assert iam("ListServiceSpecificCredentials", AllUsers=True)["ServiceSpecificCredentials"] == []
    assert iam("ListVirtualMFADevices")["VirtualMFADevices"] == []
    assert iam("ListOpenIDConnectProviders") == {"OpenIDConnectProviderList": []}
    assert iam("ListSAMLProviders") == {"SAMLProviderList": []}
    words = "Login Profile for User admin cannot be found."
    assert iam.refused("GetLoginProfile", UserName="admin") == ("NoSuchEntity", words)
    provider = f"arn:aws:iam::{HUB}:oidc-provider/example.org"
    assert iam.refused("GetOpenIDConnectProvider", OpenIDConnectProviderArn=provider)[0] == "NoSuchEntity"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Role", {"RoleName": "x"}),
        ("User", {"UserName": "x"}),
        ("InstanceProfile", {"InstanceProfileName": "x"}),
        ("Policy", {"PolicyArn": f"arn:aws:iam::{HUB}:policy/x"}),
    ],
)
def test_tags_of_every_kind(iam: Desk, kind: str, name: dict[str, str]) -> None:
    """Documented: user guide "Tags for IAM resources": keys have no case for IAM, keep theirs, and do not begin with aws:."""
    more = {"Role": {"AssumeRolePolicyDocument": EC2_TRUST}, "Policy": {"PolicyDocument": document(allow("s3:*"))}}.get(kind, {})
    made = {"PolicyName": "x"} if kind == "Policy" else name
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    refused = iam.refused(f"Create{kind}", **made, **more, Tags=twice)
    assert refused == ("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    iam(f"Create{kind}", **made, **more, Tags=[{"Key": "Stage", "Value": "dev"}, {"Key": "b", "Value": ""}])
    iam(f"Tag{kind}", **name, Tags=[{"Key": "stage", "Value": "prod"}])
    listed = iam(f"List{kind}Tags", **name)
    assert listed == {"Tags": [{"Key": "b", "Value": ""}, {"Key": "stage", "Value": "prod"}], "IsTruncated": False}
    iam(f"Untag{kind}", **name, TagKeys=["STAGE", "none"])
    assert [tag["Key"] for tag in iam(f"List{kind}Tags", **name)["Tags"]] == ["b"]
    assert iam.refused(f"Tag{kind}", **name, Tags=[{"Key": "aws:x", "Value": ""}])[0] == "InvalidInput"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert iam.refused(f"Tag{kind}", **name, Tags=many)[0] == "LimitExceeded"


def test_a_key_tells_when_it_was_used(iam: Desk) -> None:
    """Documented: API GetAccessKeyLastUsed. Assumed: to the minute, as AWS's examples have it."""
    key = iam("CreateAccessKey", UserName="admin")["AccessKey"]["AccessKeyId"]
    unused = {"Region": "N/A", "ServiceName": "N/A"}
    assert iam("GetAccessKeyLastUsed", AccessKeyId=key) == {"UserName": "admin", "AccessKeyLastUsed": unused}
    iam.world.identity.admit(key, "ssm", "eu-west-1")
    used = iam("GetAccessKeyLastUsed", AccessKeyId=key)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"], used["LastUsedDate"] % 60) == ("ssm", "eu-west-1", 0)
    unknown = f"The Access Key with id {'A' * 20} cannot be found."
    assert iam.refused("GetAccessKeyLastUsed", AccessKeyId="A" * 20) == ("NoSuchEntity", unknown)
    assert iam.refused("UpdateAccessKey", UserName="admin", AccessKeyId=key, Status="Expired")[0] == "ValidationError"
