"""The operations of IAM as an administrator meets them, through the gateway and botocore's models."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from identity.world import HUB, MEMBER, Desk, allow, deny, document, service

from localorg.kernel.errors import AccessDenied, AwsError

EC2_TRUST = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
SSM_CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def iam() -> Desk:
    return Desk()


def test_a_role_from_cradle_to_grave(iam: Desk) -> None:
    """Documented: IAM API reference, CreateRole to DeleteRole; the refusals' words are Observed in IAM's answers."""
    made = iam(
        "CreateRole", RoleName="Node", Path="/team/", AssumeRolePolicyDocument=EC2_TRUST, Tags=[{"Key": "a", "Value": "b"}]
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{HUB}:role/team/Node"
    assert made["RoleId"].startswith("AROA")
    assert len(made["RoleId"]) == 21
    assert json.loads(unquote(made["AssumeRolePolicyDocument"])) == json.loads(EC2_TRUST)
    iam("PutRolePolicy", RoleName="Node", PolicyName="inline", PolicyDocument=document(allow("s3:GetObject")))
    iam("AttachRolePolicy", RoleName="Node", PolicyArn=SSM_CORE)
    iam("AttachRolePolicy", RoleName="Node", PolicyArn=SSM_CORE)
    assert iam("ListRolePolicies", RoleName="Node") == {"PolicyNames": ["inline"], "IsTruncated": False}
    attached = [{"PolicyName": "AmazonSSMManagedInstanceCore", "PolicyArn": SSM_CORE}]
    assert iam("ListAttachedRolePolicies", RoleName="Node")["AttachedPolicies"] == attached
    assert iam("ListRoleTags", RoleName="Node")["Tags"] == [{"Key": "a", "Value": "b"}]
    iam("CreateInstanceProfile", InstanceProfileName="Profile")
    iam("AddRoleToInstanceProfile", InstanceProfileName="Profile", RoleName="Node")
    conflict = "DeleteConflict"
    assert iam.refused("DeleteRole", RoleName="Node") == (
        conflict,
        "Cannot delete entity, must remove roles from instance profile first.",
    )
    iam("RemoveRoleFromInstanceProfile", InstanceProfileName="Profile", RoleName="Node")
    assert iam.refused("DeleteRole", RoleName="Node") == (conflict, "Cannot delete entity, must detach all policies first.")
    iam("DetachRolePolicy", RoleName="Node", PolicyArn=SSM_CORE)
    assert iam.refused("DeleteRole", RoleName="Node") == (conflict, "Cannot delete entity, must delete policies first.")
    iam("DeleteRolePolicy", RoleName="Node", PolicyName="inline")
    iam("DeleteRole", RoleName="Node")
    assert iam.refused("GetRole", RoleName="Node") == ("NoSuchEntity", "The role with name Node cannot be found.")


def test_names_have_no_case(iam: Desk) -> None:
    """Documented: IAM user guide, quotas: "Names are not distinguished by case"."""
    iam("CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)
    assert iam.refused("CreateRole", RoleName="NODE", AssumeRolePolicyDocument=EC2_TRUST) == (
        "EntityAlreadyExists",
        "Role with name NODE already exists.",
    )
    iam.world.call(iam.world.admin(MEMBER), "iam", "CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)


@pytest.mark.parametrize(
    ("operation", "params", "code", "words"),
    [
        ("GetUser", {"UserName": "x"}, "NoSuchEntity", "The user with name x cannot be found."),
        (
            "GetRolePolicy",
            {"RoleName": "Node", "PolicyName": "x"},
            "NoSuchEntity",
            "The role policy with name x cannot be found.",
        ),
        (
            "DeleteRolePolicy",
            {"RoleName": "Node", "PolicyName": "x"},
            "NoSuchEntity",
            "The role policy with name x cannot be found.",
        ),
        ("DetachRolePolicy", {"RoleName": "Node", "PolicyArn": SSM_CORE}, "NoSuchEntity", f"Policy {SSM_CORE} was not found."),
        ("GetInstanceProfile", {"InstanceProfileName": "x"}, "NoSuchEntity", "Instance Profile x cannot be found."),
        (
            "DeleteAccessKey",
            {"UserName": "admin", "AccessKeyId": "A" * 20},
            "NoSuchEntity",
            f"The Access Key with id {'A' * 20} cannot be found.",
        ),
        (
            "GetPolicy",
            {"PolicyArn": f"arn:aws:iam::{HUB}:policy/x"},
            "NoSuchEntity",
            f"Policy arn:aws:iam::{HUB}:policy/x was not found.",
        ),
        (
            "AttachRolePolicy",
            {"RoleName": "Node", "PolicyArn": f"arn:aws:iam::{HUB}:policy/x"},
            "NoSuchEntity",
            "does not exist or is not attachable",
        ),
        (
            "AttachRolePolicy",
            {"RoleName": "Node", "PolicyArn": "arn:aws:iam::aws:policy/NoSuchAccess"},
            "NotImplemented",
            "the AWS managed policy",
        ),
        (
            "AttachRolePolicy",
            {"RoleName": "Node", "PolicyArn": "arn:aws:iam::aws:policy/aws-service-role/AmazonSSMServiceRolePolicy"},
            "PolicyNotAttachable",
            "Cannot attach a Service Role Policy to a Customer Role.",
        ),
        (
            "CreateRole",
            {"RoleName": "x", "AssumeRolePolicyDocument": "{}"},
            "MalformedPolicyDocument",
            "a policy needs at least one statement",
        ),
        ("CreateRole", {"RoleName": "x y", "AssumeRolePolicyDocument": EC2_TRUST}, "ValidationError", "roleName"),
        (
            "PutRolePolicy",
            {"RoleName": "Node", "PolicyName": "x", "PolicyDocument": "nonsense"},
            "MalformedPolicyDocument",
            "invalid Json",
        ),
        ("DeletePolicy", {"PolicyArn": ADMINISTRATOR}, "AccessDeniedException", "AWS manages this policy"),
        ("ListRoles", {"Marker": "invented"}, "ValidationError", "Invalid Marker"),
        (
            "UpdateAssumeRolePolicy",
            {"RoleName": "Node", "PolicyDocument": document(allow("sts:AssumeRole"))},
            "MalformedPolicyDocument",
            "Has prohibited field Resource",
        ),
        (
            "CreateServiceLinkedRole",
            {"AWSServiceName": "ecs.amazonaws.com"},
            "NotImplemented",
            "the service-linked role of ecs.amazonaws.com",
        ),
        ("CreateLoginProfile", {"UserName": "x", "Password": "y"}, "NotImplemented", "the operation iam:CreateLoginProfile"),
        ("GenerateServiceLastAccessedDetails", {"Arn": ADMINISTRATOR}, "NotImplemented", "the operation iam:Generate"),
    ],
)
def test_refusals_name_what_is_wrong(iam: Desk, operation: str, params: dict[str, Any], code: str, words: str) -> None:
    """Documented: the errors of each operation in the IAM API reference; the words are Observed in IAM's answers."""
    iam("CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)
    refused, message = iam.refused(operation, **params)
    assert refused == code
    assert words in message


def test_a_managed_policy_and_its_versions(iam: Desk) -> None:
    """Documented: IAM user guide, "Versioning IAM policies": five versions, one in force, and the change is felt at once."""
    user = iam.world.user(HUB, "worker")
    arn = iam("CreatePolicy", PolicyName="Work", PolicyDocument=document(allow("ssm:ListCommands")))["Policy"]["Arn"]
    iam("AttachUserPolicy", UserName="worker", PolicyArn=arn)
    iam.world.call(user, "ssm", "ListCommands")
    iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document(deny("*")), SetAsDefault=True)
    with pytest.raises(AccessDenied, match="with an explicit deny in an identity-based policy"):
        iam.world.call(user, "ssm", "ListCommands")
    for _ in range(3):
        iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document(allow("*")))
    assert iam.refused("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document(allow("*")))[0] == "LimitExceeded"
    versions = iam("ListPolicyVersions", PolicyArn=arn)["Versions"]
    assert [(version["VersionId"], version["IsDefaultVersion"]) for version in versions] == [
        ("v5", False), ("v4", False), ("v3", False), ("v2", True), ("v1", False),
    ]  # fmt: skip
    assert iam.refused("DeletePolicyVersion", PolicyArn=arn, VersionId="v2")[0] == "DeleteConflict"
    assert iam.refused("DeletePolicy", PolicyArn=arn) == ("DeleteConflict", "Cannot delete a policy attached to entities.")
    assert iam("GetPolicy", PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert iam("ListEntitiesForPolicy", PolicyArn=arn)["PolicyUsers"][0]["UserName"] == "worker"
    iam("DetachUserPolicy", UserName="worker", PolicyArn=arn)
    assert "more than one version" in iam.refused("DeletePolicy", PolicyArn=arn)[1]
    for version in ("v1", "v3", "v4", "v5"):
        iam("DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    iam("DeletePolicy", PolicyArn=arn)
    assert iam("ListPolicies", Scope="Local")["Policies"] == []


def test_a_policy_of_another_account_is_out_of_reach(iam: Desk) -> None:
    """Assumed: managed policies of another account cannot be read or attached; IAM does not find them."""
    other = iam.world.call(iam.world.admin(MEMBER), "iam", "CreatePolicy", PolicyName="P", PolicyDocument=document(allow("*")))
    arn = other["Policy"]["Arn"]
    iam("CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)
    assert iam.refused("GetPolicy", PolicyArn=arn)[0] == "NoSuchEntity"
    assert iam.refused("AttachRolePolicy", RoleName="Node", PolicyArn=arn)[0] == "NoSuchEntity"


def test_users_and_their_keys(iam: Desk) -> None:
    """Documented: IAM API reference, CreateAccessKey: two keys, the secret shown once, an inactive key opens nothing."""
    user = iam.world.user(HUB, "worker", allow("iam:*AccessKey*", f"arn:aws:iam::{HUB}:user/${{aws:username}}"))
    own = iam.world.call(user, "iam", "CreateAccessKey")["AccessKey"]
    assert own["UserName"] == "worker"
    assert own["AccessKeyId"].startswith("AKIA")
    assert len(own["SecretAccessKey"]) == 40
    assert iam.refused("CreateAccessKey", UserName="worker") == ("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    with pytest.raises(AccessDenied):
        iam.world.call(user, "iam", "CreateAccessKey", UserName="admin")
    iam("UpdateAccessKey", UserName="worker", AccessKeyId=own["AccessKeyId"], Status="Inactive")
    assert iam.world.identity.credentials(own["AccessKeyId"]) is None
    listed = iam("ListAccessKeys", UserName="worker")["AccessKeyMetadata"]
    assert [key["Status"] for key in listed] == ["Active", "Inactive"]
    assert "SecretAccessKey" not in listed[0]
    assert iam.refused("DeleteUser", UserName="worker")[1] == "Cannot delete entity, must delete access keys first."
    for key in listed:
        iam("DeleteAccessKey", UserName="worker", AccessKeyId=key["AccessKeyId"])
    iam("DeleteUserPolicy", UserName="worker", PolicyName="inline")
    iam("DeleteUser", UserName="worker")
    assert [found["UserName"] for found in iam("ListUsers")["Users"]] == ["admin"]


def test_lists_come_in_pages(iam: Desk) -> None:
    """Documented: IAM API reference, ListRoles: Marker and IsTruncated."""
    for number in range(5):
        iam("CreateRole", RoleName=f"r{number}", AssumeRolePolicyDocument=EC2_TRUST)
    names, marker = [], None
    for _ in range(3):
        page = iam("ListRoles", MaxItems=2, **({"Marker": marker} if marker else {}))
        names += [role["RoleName"] for role in page["Roles"]]
        marker = page.get("Marker")
        assert page["IsTruncated"] is (marker is not None)
    assert names == [f"r{number}" for number in range(5)]


def test_quotas_are_kept(iam: Desk) -> None:
    """Documented: IAM user guide, "IAM and AWS STS quotas": trust 2,048, a role's inline policies 10,240, a managed policy 6,144."""
    long = ["ssm:Get" + "x" * 90] * 40
    iam("CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)
    for number in range(2):
        iam("PutRolePolicy", RoleName="Node", PolicyName=f"p{number}", PolicyDocument=document(allow(long)))
    code, words = iam.refused("PutRolePolicy", RoleName="Node", PolicyName="p2", PolicyDocument=document(allow(long)))
    assert (code, words) == ("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role Node")
    assert iam.refused("CreatePolicy", PolicyName="P", PolicyDocument=document(allow(long * 2)))[0] == "LimitExceeded"
    everybody = [f"arn:aws:iam::{number:012}:root" for number in range(60)]
    wide = document({"Effect": "Allow", "Principal": {"AWS": everybody}, "Action": "sts:AssumeRole"})
    assert (
        iam.refused("CreateRole", RoleName="W", AssumeRolePolicyDocument=wide)[1]
        == "Cannot exceed quota for ACLSizePerRole: 2048"
    )


@pytest.mark.parametrize(("kind", "most"), [("Role", 1000), ("User", 5000)])
def test_an_account_has_so_many(iam: Desk, kind: str, most: int) -> None:
    """Documented: IAM user guide, "IAM and AWS STS quotas": roles and users of an account."""
    trust = {"AssumeRolePolicyDocument": EC2_TRUST} if kind == "Role" else {}
    iam(f"Create{kind}", **{f"{kind}Name": "first"}, **trust)
    directory = iam.world.identity.directory
    first = {"Role": directory.roles, "User": directory.users}[kind].get(HUB, "first")
    for number in range(most):
        directory.keep(replace(first, name=f"n{number}"))
    words = f"Cannot exceed quota for {kind}sPerAccount: {most}"
    assert iam.refused(f"Create{kind}", **{f"{kind}Name": "last"}, **trust) == ("LimitExceeded", words)
    assert iam("GetAccountSummary")["SummaryMap"][f"{kind}sQuota"] == most


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("Role", {"AssumeRolePolicyDocument": EC2_TRUST}),
        ("User", {}),
        ("Policy", {"PolicyDocument": document(allow("s3:*"))}),
        ("InstanceProfile", {}),
    ],
)
def test_tags_on_something_new_need_the_leave_to_tag(iam: Desk, kind: str, params: dict[str, Any]) -> None:
    """Observed by clients: CreateRole with tags is refused to who may create roles and not tag them."""
    params = {f"{kind}Name": "new", **params, "Tags": [{"Key": "k", "Value": "v"}]}
    person = iam.world.user(HUB, "person", allow(f"iam:Create{kind}"))
    with pytest.raises(AwsError, match=f"not authorized to perform: iam:Tag{kind} on resource: arn:aws:iam::{HUB}:"):
        iam.world.call(person, "iam", f"Create{kind}", **params)
    tagger = iam.world.user(HUB, "tagger", allow([f"iam:Create{kind}", f"iam:Tag{kind}"]))
    iam.world.call(tagger, "iam", f"Create{kind}", **params)


def test_passing_a_role_to_an_instance_needs_its_own_leave(iam: Desk) -> None:
    """Documented: IAM user guide, "Grant a user permissions to pass a role to an AWS service"."""
    iam("CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)
    iam("CreateInstanceProfile", InstanceProfileName="P")
    to_ssm = allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "ssm.amazonaws.com"})
    user = iam.world.user(HUB, "worker", allow("iam:AddRoleToInstanceProfile"), to_ssm)
    with pytest.raises(AccessDenied, match=f"iam:PassRole on resource: arn:aws:iam::{HUB}:role/Node because no identity"):
        iam.world.call(user, "iam", "AddRoleToInstanceProfile", InstanceProfileName="P", RoleName="Node")
    to_ec2 = allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "ec2.amazonaws.com"})
    iam("PutUserPolicy", UserName="worker", PolicyName="pass", PolicyDocument=document(to_ec2))
    iam.world.call(user, "iam", "AddRoleToInstanceProfile", InstanceProfileName="P", RoleName="Node")
    profile = iam("GetInstanceProfile", InstanceProfileName="P")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["Node"]
    assert iam.refused("AddRoleToInstanceProfile", InstanceProfileName="P", RoleName="Node")[0] == "LimitExceeded"
    assert len(iam("ListInstanceProfilesForRole", RoleName="Node")["InstanceProfiles"]) == 1


def test_service_linked_roles_belong_to_their_service(iam: Desk) -> None:
    """Documented: IAM user guide, "Using service-linked roles": they are only modifiable by AWS."""
    name = "AWSServiceRoleForAmazonSSM"
    made = iam("CreateServiceLinkedRole", AWSServiceName="ssm.amazonaws.com")["Role"]
    assert made["Arn"] == f"arn:aws:iam::{HUB}:role/aws-service-role/ssm.amazonaws.com/{name}"
    assert iam.refused("CreateServiceLinkedRole", AWSServiceName="ssm.amazonaws.com")[0] == "InvalidInput"
    code, words = iam.refused("AttachRolePolicy", RoleName=name, PolicyArn=ADMINISTRATOR)
    assert (code, words) == (
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
    )
    assert iam.refused("DeleteRole", RoleName=name)[0] == "UnmodifiableEntity"
    iam("TagRole", RoleName=name, Tags=[{"Key": "a", "Value": "b"}])
    iam("UpdateRoleDescription", RoleName=name, Description="ours")
    assert iam.refused("UpdateRole", RoleName=name, MaxSessionDuration=7200)[0] == "UnmodifiableEntity"
    task = iam("DeleteServiceLinkedRole", RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/ssm.amazonaws.com/{name}/")
    assert iam("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task) == {"Status": "SUCCEEDED"}
    assert iam.refused("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task[:-1] + "x")[0] == "NoSuchEntity"
    assert iam.refused("DeleteServiceLinkedRole", RoleName=name)[0] == "NoSuchEntity"


def test_some_service_linked_roles_have_a_suffix(iam: Desk) -> None:
    """Documented: Auto Scaling user guide, "Service-linked roles": several, told apart by a custom suffix. Words are Observed."""
    scaling = {"AWSServiceName": "autoscaling.amazonaws.com"}
    made = iam("CreateServiceLinkedRole", **scaling, CustomSuffix="blue")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForAutoScaling_blue"
    iam("CreateServiceLinkedRole", **scaling)
    taken = "Service role name AWSServiceRoleForAutoScaling_blue has been taken in this account, please try a different suffix."
    assert iam.refused("CreateServiceLinkedRole", **scaling, CustomSuffix="blue") == ("InvalidInput", taken)
    refused = iam.refused("CreateServiceLinkedRole", AWSServiceName="ssm.amazonaws.com", CustomSuffix="x")
    assert refused == ("InvalidInput", "Custom suffix is not allowed for ssm.amazonaws.com")


def test_every_managed_policy_of_aws_can_be_read_and_attached(iam: Desk) -> None:
    """Documented: AWS managed policy reference guide: real paths and versions; what cannot be judged is refused when it would decide."""
    iam("CreateRole", RoleName="Node", AssumeRolePolicyDocument=EC2_TRUST)
    policies = iam("ListPolicies", Scope="AWS", MaxItems=1000)["Policies"]
    assert len(policies) > 60
    for policy in policies:
        version = {"PolicyArn": policy["Arn"], "VersionId": policy["DefaultVersionId"]}
        assert json.loads(unquote(iam("GetPolicyVersion", **version)["PolicyVersion"]["Document"]))["Statement"]
        if policy["IsAttachable"]:
            iam("AttachRolePolicy", RoleName="Node", PolicyArn=policy["Arn"])
            iam("DetachRolePolicy", RoleName="Node", PolicyArn=policy["Arn"])


def test_stacksets_act_as_an_administrator_in_a_member(iam: Desk) -> None:
    """Documented: CloudFormation user guide, StackSets with trusted access: stacksets-exec-* with AdministratorAccess in each member."""
    who = iam.world.identity.service_linked_role(MEMBER, "member.org.stacksets.cloudformation.amazonaws.com")
    assert f"arn:aws:iam::{MEMBER}:role/stacksets-exec-" in who.role_arn
    iam.world.call(who, "iam", "CreateRole", RoleName="Brought", AssumeRolePolicyDocument=EC2_TRUST)
    assert iam.world.identity.service_linked_role(MEMBER, "member.org.stacksets.cloudformation.amazonaws.com") == who


def test_what_is_there_before_anybody_asks(iam: Desk) -> None:
    """Documented: Organizations user guide, OrganizationAccountAccessRole; the administrator and the nodes' role are localorg's own."""
    identity = iam.world.identity
    assert identity.bootstrap_account(HUB) == identity.bootstrap_account(HUB)
    assert identity.bootstrap_node_role(MEMBER) == identity.bootstrap_node_role(MEMBER)
    role = identity.bootstrap_organization_access_role(MEMBER, HUB)
    inside = iam.world.assume(iam.admin, role.arn)
    iam.world.call(inside, "iam", "ListRoles")
    stranger = iam.world.user(HUB, "worker")
    with pytest.raises(AccessDenied):
        iam.world.assume(stranger, role.arn)


def test_a_node_has_the_session_of_its_instance(iam: Desk) -> None:
    """Documented: EC2 user guide, instance metadata credentials: the session is named after the instance, and EC2 must be trusted."""
    identity, world = iam.world.identity, iam.world
    identity.bootstrap_node_role(HUB)
    credentials = identity.node_session(HUB, "localorg-node", "i-0123456789abcdef0")
    node = identity.sessions.principal(credentials["AccessKeyId"])
    assert node.arn == f"arn:aws:sts::{HUB}:assumed-role/localorg-node/i-0123456789abcdef0"
    assert credentials["Expiration"] == world.kernel.now() + 6 * 3600
    world.call(node, "ssm", "GetDocument", Name="AWS-ConfigureAWSPackage")
    with pytest.raises(AccessDenied):
        world.call(node, "ssm", "ListCommands")
    ssm_only = document({"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam("UpdateAssumeRolePolicy", RoleName="localorg-node", PolicyDocument=ssm_only)
    with pytest.raises(AccessDenied, match="no role trust policy allows the sts:AssumeRole action"):
        identity.node_session(HUB, "localorg-node", "i-0123456789abcdef0")


def test_services_cannot_use_what_only_accounts_may(iam: Desk) -> None:
    """Contract: an engine acting as a service is only let in by trust and resource policies."""
    with pytest.raises(AccessDenied, match=r"User: ssm\.amazonaws\.com is not authorized .* because no resource-based policy"):
        iam.world.call(service("ssm.amazonaws.com", HUB), "iam", "ListRoles")
