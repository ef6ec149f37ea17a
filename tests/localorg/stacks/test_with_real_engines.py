"""Stacks over the engines themselves: what each type makes is there, follows its template, and is gone with its stack."""

import json
from pathlib import Path
from typing import Any

import pytest
from server.fuzz.guesses import MEMBER
from server.fuzz.house import HUB, REGION, TRUST, House

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall

ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
OTHER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
READ_ONLY = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMReadOnlyAccess"}
QUERY = {"ResourceTypeFilters": ["AWS::EC2::Instance"], "TagFilters": [{"Key": "Role", "Values": ["web"]}]}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def resources(path: str = "/", document: Any = ALLOW, status: str = "Active", words: str = "one") -> dict[str, Any]:
    inline = [{"PolicyName": "own", "PolicyDocument": document}]
    tags = [{"Key": "words", "Value": words}]
    rows: dict[str, tuple[str, dict[str, Any]]] = {
        "Group": ("IAM::Group", {"Path": path, "Policies": inline, "ManagedPolicyArns": [READ_ONLY]}),
        "User": (
            "IAM::User",
            {"Path": path, "Groups": [ref("Group")], "Policies": inline, "Tags": tags, "PermissionsBoundary": ref("Managed")},
        ),
        "Second": ("IAM::User", {"ManagedPolicyArns": [ref("Managed")]}),
        "Added": ("IAM::UserToGroupAddition", {"GroupName": ref("Group"), "Users": [ref("Second")]}),
        "Key": ("IAM::AccessKey", {"UserName": ref("User"), "Status": status}),
        "Role": ("IAM::Role", {"AssumeRolePolicyDocument": json.loads(TRUST), "Description": words, "Tags": tags}),
        "Managed": ("IAM::ManagedPolicy", {"PolicyDocument": document, "Tags": tags}),
        "Held": ("IAM::ManagedPolicy", {"PolicyDocument": document, "Roles": [ref("Role")], "Groups": [ref("Group")]}),
        "Inline": (
            "IAM::Policy",
            {"PolicyName": "shared", "PolicyDocument": document, "Roles": [ref("Role")], "Groups": [ref("Group")]},
        ),
        "RolePolicy": ("IAM::RolePolicy", {"PolicyName": "a", "RoleName": ref("Role"), "PolicyDocument": document}),
        "UserPolicy": ("IAM::UserPolicy", {"PolicyName": "a", "UserName": ref("User"), "PolicyDocument": document}),
        "GroupPolicy": ("IAM::GroupPolicy", {"PolicyName": "a", "GroupName": ref("Group"), "PolicyDocument": document}),
        "Profile": ("IAM::InstanceProfile", {"Roles": [ref("Role")]}),
        "Parameter": ("SSM::Parameter", {"Type": "String", "Value": words, "Tags": {"words": words}}),
        "Found": (
            "ResourceGroups::Group",
            {"Name": "web", "Description": words, "ResourceQuery": {"Type": "TAG_FILTERS_1_0", "Query": QUERY}, "Tags": tags},
        ),
        "Document": (
            "SSM::Document",
            {"DocumentType": "Command", "UpdateMethod": "NewVersion", "Content": command(words), "Tags": tags},
        ),
        "Association": ("SSM::Association", {"Name": ref("Document"), "Targets": [{"Key": "tag:Role", "Values": [words]}]}),
    }
    return {name: {"Type": f"AWS::{kind}", "Properties": properties} for name, (kind, properties) in rows.items()}


def command(words: str) -> dict[str, Any]:
    step = {"action": "aws:runShellScript", "name": "say", "inputs": {"runCommand": [f"echo {words}"]}}
    return {"schemaVersion": "2.2", "mainSteps": [step]}


class Place:
    """A House, asked as its administrator."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder / "db")

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        call = ApiCall(self.house.principals["user"], REGION, service, operation, params)
        return self.house.engines.gateway.invoke(call)

    def stack(self, operation: str, body: dict[str, Any] | None = None, **params: Any) -> str:
        given = {"TemplateBody": json.dumps({"Resources": body}), "Capabilities": ["CAPABILITY_NAMED_IAM"]} if body else {}
        self.call("cloudformation", operation, StackName="one", **given, **params)
        self.house.kernel.run_until(self.house.kernel.now() + 900)
        assert self.house.kernel.faults == []
        stacks = self.call("cloudformation", "ListStacks")["StackSummaries"]
        events = self.call("cloudformation", "DescribeStackEvents", StackName=stacks[0]["StackId"])["StackEvents"]
        self.reasons = [row["ResourceStatusReason"] for row in events if "FAILED" in row["ResourceStatus"]]
        return str(stacks[0]["StackStatus"])

    def id_of(self, name: str) -> str:
        params = {"StackName": "one", "LogicalResourceId": name}
        return str(self.call("cloudformation", "DescribeStackResource", **params)["StackResourceDetail"]["PhysicalResourceId"])


def test_every_type_is_made_changed_and_unmade(tmp_path: Path) -> None:
    """Documented: CloudFormation template reference, the types of IAM, Systems Manager and Resource Groups."""
    place = Place(tmp_path)
    counts = [
        place.call("iam", "GetAccountSummary")["SummaryMap"][name] for name in ("Users", "Groups", "InstanceProfiles", "Policies")
    ]
    assert (place.stack("CreateStack", resources()), place.reasons) == ("CREATE_COMPLETE", [])
    members = place.call("iam", "GetGroup", GroupName=place.id_of("Group"))["Users"]
    assert {row["UserName"] for row in members} == {place.id_of("User"), place.id_of("Second")}
    after = resources("/team/", OTHER, "Inactive", "two")
    assert (place.stack("UpdateStack", after), place.reasons) == ("UPDATE_COMPLETE", [])
    user = place.call("iam", "GetUser", UserName=place.id_of("User"))["User"]
    assert (user["Path"], user["Tags"]) == ("/team/", [{"Key": "words", "Value": "two"}])
    keys = place.call("iam", "ListAccessKeys", UserName=place.id_of("User"))["AccessKeyMetadata"]
    assert [row["Status"] for row in keys] == ["Inactive"]
    policies = place.call("iam", "ListGroupPolicies", GroupName=place.id_of("Group"))["PolicyNames"]
    assert sorted(policies) == ["a", "own", "shared"]
    assert place.call("ssm", "GetParameter", Name=place.id_of("Parameter"))["Parameter"]["Value"] == "two"
    assert place.call("resource-groups", "GetGroup", Group="web")["Group"]["Description"] == "two"
    assert (place.stack("DeleteStack"), place.reasons) == ("DELETE_COMPLETE", [])
    assert counts == [
        place.call("iam", "GetAccountSummary")["SummaryMap"][name] for name in ("Users", "Groups", "InstanceProfiles", "Policies")
    ]


def test_a_signing_key_and_its_alias(tmp_path: Path) -> None:
    """Documented: template reference, AWS::KMS::Key and Alias: all but spec and usage is changed in place; a key is not deleted at once."""
    place = Place(tmp_path)
    signing = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "PendingWindowInDays": 7}
    tags = [{"Key": "Team", "Value": "desk"}]

    def body(**changes: Any) -> dict[str, Any]:
        key = {"Type": "AWS::KMS::Key", "Properties": {**signing, "Description": "one", "Tags": tags, **changes}}
        target = {"Fn::GetAtt": ["Key", "Arn"]}
        alias = {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/stacked", "TargetKeyId": target}}
        return {"Key": key, "Alias": alias}

    assert (place.stack("CreateStack", body()), place.reasons) == ("CREATE_COMPLETE", [])
    asked = {"KeyId": "alias/stacked", "SigningAlgorithm": "ECDSA_SHA_256", "Message": b"x"}
    key_id = place.id_of("Key")
    assert place.call("kms", "Sign", **asked)["KeyId"].endswith(f"key/{key_id}")
    assert place.call("kms", "ListResourceTags", KeyId=key_id)["Tags"] == [{"TagKey": "Team", "TagValue": "desk"}]
    assert place.stack("UpdateStack", body(Description="two", Tags=[], Enabled=False)) == "UPDATE_COMPLETE"
    told = place.call("kms", "DescribeKey", KeyId=key_id)["KeyMetadata"]
    assert (told["Description"], told["KeyState"]) == ("two", "Disabled")
    assert place.stack("UpdateStack", body(KeySpec="RSA_2048")) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("make another key" in reason for reason in place.reasons)
    assert place.stack("DeleteStack") == "DELETE_COMPLETE"
    assert place.call("kms", "DescribeKey", KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_the_secret_of_a_key_is_an_attribute(tmp_path: Path) -> None:
    """Documented: CloudFormation template reference, AWS::IAM::AccessKey: Ref gives the id, Fn::GetAtt SecretAccessKey; Serial rotates."""
    place = Place(tmp_path)
    body = {
        "User": {"Type": "AWS::IAM::User"},
        "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": ref("User"), "Serial": 1}},
        "Kept": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": "Key.SecretAccessKey"}}},
    }
    assert place.stack("CreateStack", body) == "CREATE_COMPLETE"
    first = place.id_of("Key")
    secret = place.call("ssm", "GetParameter", Name=place.id_of("Kept"))["Parameter"]["Value"]
    body["Key"]["Properties"]["Serial"] = 2
    assert place.stack("UpdateStack", body) == "UPDATE_COMPLETE"
    keys = place.call("iam", "ListAccessKeys", UserName=place.id_of("User"))["AccessKeyMetadata"]
    assert [row["AccessKeyId"] for row in keys] == [place.id_of("Key")] != [first]
    assert place.call("ssm", "GetParameter", Name=place.id_of("Kept"))["Parameter"]["Value"] != secret


def test_a_role_of_the_stack_makes_its_calls(tmp_path: Path) -> None:
    """Documented: CloudFormation user guide, service role: its policies decide, whatever the caller may do."""
    place = Place(tmp_path)
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    )
    place.call("iam", "CreateRole", RoleName="deployer", AssumeRolePolicyDocument=trust)
    body = {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x", "Name": "/p"}}}
    role = f"arn:aws:iam::{HUB}:role/deployer"
    assert place.stack("CreateStack", body, RoleARN=role) == "ROLLBACK_COMPLETE"
    assert any(
        "assumed-role/deployer/AWSCloudFormation is not authorized to perform: ssm:PutParameter" in one for one in place.reasons
    )
    may = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["ssm:*Parameter*", "ssm:*Tags*"], "Resource": "*"}],
    }
    place.call("iam", "PutRolePolicy", RoleName="deployer", PolicyName="may", PolicyDocument=json.dumps(may))
    place.stack("DeleteStack")
    assert place.stack("CreateStack", body, RoleARN=role) == "CREATE_COMPLETE"
    body["P"]["Properties"]["Value"] = "y"
    with pytest.raises(AwsError, match="is invalid or cannot be assumed"):
        place.stack("UpdateStack", body, RoleARN=f"arn:aws:iam::{HUB}:role/hub-role")


def test_an_organization_grows_by_a_template(tmp_path: Path) -> None:
    """Documented: CloudFormation template reference, AWS::Organizations::OrganizationalUnit, Policy and Account."""
    place = Place(tmp_path)
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}

    def body(name: str, content: dict[str, Any], targets: list[Any], parent: Any) -> dict[str, Any]:
        tags = [{"Key": "name", "Value": name}]
        rows = {
            "Unit": ("OrganizationalUnit", {"Name": name, "ParentId": "r-abcd", "Tags": tags}),
            "Policy": (
                "Policy",
                {"Name": "deny", "Type": "SERVICE_CONTROL_POLICY", "Content": content, "TargetIds": targets, "Tags": tags},
            ),
            "Account": ("Account", {"AccountName": "new", "Email": "new@example.com", "ParentIds": [parent], "Tags": tags}),
        }
        return {
            key: {"Type": f"AWS::Organizations::{kind}", "Properties": properties} for key, (kind, properties) in rows.items()
        }

    unit = {"Fn::GetAtt": ["Unit", "Id"]}
    assert (place.stack("CreateStack", body("one", deny, [unit], unit)), place.reasons) == ("CREATE_COMPLETE", [])
    unit_id, account = place.id_of("Unit"), place.id_of("Account")
    assert [row["Id"] for row in place.call("organizations", "ListAccountsForParent", ParentId=unit_id)["Accounts"]] == [account]
    targets = place.call("organizations", "ListTargetsForPolicy", PolicyId=place.id_of("Policy"))["Targets"]
    assert [row["TargetId"] for row in targets] == [unit_id]
    after = body("two", ALLOW, [ref("Account")], "r-abcd")
    assert (place.stack("UpdateStack", after), place.reasons) == ("UPDATE_COMPLETE", [])
    assert (
        place.call("organizations", "DescribeOrganizationalUnit", OrganizationalUnitId=unit_id)["OrganizationalUnit"]["Name"]
        == "two"
    )
    assert place.call("organizations", "ListTagsForResource", ResourceId=account)["Tags"] == [{"Key": "name", "Value": "two"}]
    targets = place.call("organizations", "ListTargetsForPolicy", PolicyId=place.id_of("Policy"))["Targets"]
    assert [row["TargetId"] for row in targets] == [account]
    after["Account"]["Properties"]["Email"] = "other@example.com"
    assert place.stack("UpdateStack", after) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Update not allowed for Email of AWS::Organizations::Account." in place.reasons
    assert (place.stack("DeleteStack"), place.reasons) == ("DELETE_COMPLETE", place.reasons)
    assert place.call("organizations", "DescribeAccount", AccountId=account)["Account"]["Status"] in (
        "PENDING_CLOSURE",
        "SUSPENDED",
    )


def test_a_role_of_a_service_and_the_policy_of_the_organization(tmp_path: Path) -> None:
    """Documented: CloudFormation template reference, AWS::IAM::ServiceLinkedRole, AWS::Organizations::ResourcePolicy."""
    place = Place(tmp_path)

    def body(words: str, action: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Action": action, "Resource": "*"}
        content = {"Version": "2012-10-17", "Statement": [{"Sid": "S", **statement}]}
        linked = {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "x", "Description": words}
        return {
            "Linked": {"Type": "AWS::IAM::ServiceLinkedRole", "Properties": linked},
            "Delegation": {"Type": "AWS::Organizations::ResourcePolicy", "Properties": {"Content": content}},
        }

    assert (place.stack("CreateStack", body("one", "organizations:List*")), place.reasons) == ("CREATE_COMPLETE", [])
    name = place.id_of("Linked")
    assert name == "AWSServiceRoleForAutoScaling_x"
    assert (place.stack("UpdateStack", body("two", "organizations:Describe*")), place.reasons) == ("UPDATE_COMPLETE", [])
    assert place.call("iam", "GetRole", RoleName=name)["Role"]["Description"] == "two"
    found = place.call("organizations", "DescribeResourcePolicy")["ResourcePolicy"]
    assert "organizations:Describe*" in found["Content"]
    assert (place.stack("DeleteStack"), place.reasons) == ("DELETE_COMPLETE", [])
    for service, operation, params in (
        ("iam", "GetRole", {"RoleName": name}),
        ("organizations", "DescribeResourcePolicy", {}),
    ):
        with pytest.raises(AwsError, match=r"cannot be found|ResourcePolicy|policy"):
            place.call(service, operation, **params)
