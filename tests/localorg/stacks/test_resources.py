"""The programs of resource types, driven by hand: what they ask for, in which order, and what they make of the answers."""

import json

import pytest

from localorg.kernel.errors import AwsError
from localorg.protocol.models import operation_model
from localorg.stacks.resources.kinds import Ask, Made, Pause, Work
from localorg.stacks.resources.registry import TYPES

ARN = "arn:aws:iam::111111111111:policy/p"


def work(properties, before=None, physical_id="", region="us-east-1"):
    return Work("Logical", properties, before or {}, physical_id, "stack", "1" * 12, region, "aws", "ABCDEFGHIJKL")


def play(program, answers):
    """Run a program; `answers` maps an operation to its output or its refusal. Returns (what was asked, the resource)."""
    asked = []
    effect = None
    try:
        effect = next(program)
        while True:
            if isinstance(effect, Ask):
                asked.append((effect.operation, dict(effect.params)))
                answer = answers.get(effect.operation, {})
                if isinstance(answer, list):
                    answer = answer.pop(0)
                effect = program.throw(answer) if isinstance(answer, AwsError) else program.send(answer)
            else:
                assert isinstance(effect, Made | Pause)
                effect = program.send({}) if isinstance(effect, Pause) else next(program)
    except StopIteration as end:
        return asked, end.value


def names(asked):
    return [operation for operation, _ in asked]


def test_an_inline_policy_is_put_into_each_holder():
    """Documented: CloudFormation template reference, AWS::IAM::Policy."""
    kind = TYPES["AWS::IAM::Policy"]
    properties = {"PolicyName": "p", "PolicyDocument": {"v": 1}, "Roles": ["a", "b"], "Users": ["u"]}
    asked, made = play(kind.create(work(properties)), {})
    assert names(asked) == ["PutRolePolicy", "PutRolePolicy", "PutUserPolicy"]
    after = {**properties, "Roles": ["b", "c"], "Users": []}
    asked, _ = play(kind.update(work(after, properties, made.physical_id)), {})
    assert [(name, params.get("RoleName")) for name, params in asked] == [
        ("DeleteRolePolicy", "a"),
        ("PutRolePolicy", "c"),
        ("DeleteUserPolicy", None),
    ]
    asked, _ = play(kind.delete(work(after, {}, made.physical_id)), {"DeleteRolePolicy": AwsError("NoSuchEntity", "gone")})
    assert names(asked) == ["DeleteRolePolicy", "DeleteRolePolicy"]


def test_a_managed_policy_keeps_five_versions():
    """Documented: IAM quotas, five versions of a managed policy; the oldest that is not the default makes room."""
    kind = TYPES["AWS::IAM::ManagedPolicy"]
    properties = {"PolicyDocument": {"v": 1}, "Roles": ["a"]}
    asked, made = play(kind.create(work(properties)), {"CreatePolicy": {"Policy": {"Arn": ARN, "PolicyId": "ANPA"}}})
    assert names(asked) == ["CreatePolicy", "AttachRolePolicy"]
    assert asked[0][1]["PolicyName"] == "stack-Logical-ABCDEFGHIJKL"
    assert made.physical_id == ARN
    versions = [{"VersionId": f"v{n}", "IsDefaultVersion": n == 12} for n in (12, 11, 10, 9, 8)]
    after = {**properties, "PolicyDocument": {"v": 2}}
    asked, _ = play(kind.update(work(after, properties, ARN)), {"ListPolicyVersions": {"Versions": versions}})
    assert asked[1] == ("DeletePolicyVersion", {"PolicyArn": ARN, "VersionId": "v8"})
    assert asked[2][0] == "CreatePolicyVersion"
    asked, _ = play(kind.delete(work(after, {}, ARN)), {"ListPolicyVersions": {"Versions": versions}})
    assert names(asked) == ["DetachRolePolicy", "ListPolicyVersions", *["DeletePolicyVersion"] * 4, "DeletePolicy"]


def test_a_profile_swaps_its_role():
    """Documented: CloudFormation template reference, AWS::IAM::InstanceProfile."""
    kind = TYPES["AWS::IAM::InstanceProfile"]
    asked, made = play(kind.create(work({"Roles": ["a"]})), {"CreateInstanceProfile": {"InstanceProfile": {"Arn": "arn"}}})
    assert names(asked) == ["CreateInstanceProfile", "AddRoleToInstanceProfile"]
    asked, _ = play(kind.update(work({"Roles": ["b"]}, {"Roles": ["a"]}, made.physical_id)), {})
    assert names(asked) == ["RemoveRoleFromInstanceProfile", "AddRoleToInstanceProfile"]
    asked, _ = play(kind.delete(work({"Roles": ["b"]}, {}, made.physical_id)), {})
    assert names(asked) == ["RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_bucket_is_made_where_the_stack_is(region):
    """Documented: S3 API reference, CreateBucket: a LocationConstraint outside us-east-1."""
    kind = TYPES["AWS::S3::Bucket"]
    properties = {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    asked, made = play(kind.create(work(properties, region=region)), {})
    assert names(asked) == [
        "CreateBucket",
        "PutBucketEncryption",
        "PutPublicAccessBlock",
        "PutBucketTagging",
    ]
    assert ("CreateBucketConfiguration" in asked[0][1]) == (region != "us-east-1")
    assert made.physical_id == "stack-logical-abcdefghijkl"
    assert made.attributes["Arn"] == "arn:aws:s3:::stack-logical-abcdefghijkl"
    asked, _ = play(kind.update(work({}, {"Tags": properties["Tags"]}, made.physical_id)), {})
    assert names(asked) == ["DeleteBucketTagging"]


def test_a_bucket_policy_does_not_take_over():
    """Observed: CloudFormation's handler refuses a bucket that has a policy already."""
    kind = TYPES["AWS::S3::BucketPolicy"]
    properties = {"Bucket": "b", "PolicyDocument": {"v": 1}}
    asked, made = play(kind.create(work(properties)), {"GetBucketPolicy": AwsError("NoSuchBucketPolicy", "none")})
    assert json.loads(asked[1][1]["Policy"]) == {"v": 1}
    assert made.physical_id == "b"
    with pytest.raises(AwsError, match="already exists on bucket b"):
        play(kind.create(work(properties)), {"GetBucketPolicy": {"Policy": "{}"}})


def description(status):
    return {"AssociationDescription": {"AssociationId": "id", "Overview": {"Status": status, "DetailedStatus": "why"}}}


def test_an_association_waits_for_success_where_asked():
    """Documented: CloudFormation template reference, WaitForSuccessTimeoutSeconds."""
    kind = TYPES["AWS::SSM::Association"]
    properties = {"Name": "Doc", "WaitForSuccessTimeoutSeconds": 60}
    answers = {
        "CreateAssociation": description("Pending"),
        "DescribeAssociation": [description("Pending"), description("Success")],
    }
    asked, made = play(kind.create(work(properties)), answers)
    assert names(asked) == ["CreateAssociation", "DescribeAssociation", "DescribeAssociation"]
    assert made.attributes == {"AssociationId": "id"}
    with pytest.raises(AwsError, match="ended in Failed"):
        play(
            kind.create(work(properties)),
            {"CreateAssociation": description("Pending"), "DescribeAssociation": description("Failed")},
        )
    with pytest.raises(AwsError, match="did not succeed within 60 seconds"):
        play(
            kind.create(work(properties)),
            {"CreateAssociation": description("Pending"), "DescribeAssociation": description("Pending")},
        )
    asked, _ = play(kind.create(work({"Name": "Doc"})), {"CreateAssociation": description("Pending")})
    assert names(asked) == ["CreateAssociation"]


def test_an_association_is_asked_for_with_all_that_its_type_has():
    """Documented: CloudFormation template reference, AWS::SSM::Association: its properties are CreateAssociation's members."""
    kind = TYPES["AWS::SSM::Association"]
    plain = kind.properties - {"Tags", "WaitForSuccessTimeoutSeconds"}
    properties = {name: [name] for name in plain}
    asked, made = play(
        kind.create(work({**properties, "Tags": [{"Key": "a", "Value": "b"}]})), {"CreateAssociation": description("")}
    )
    assert asked == [("CreateAssociation", {**properties, "Tags": [{"Key": "a", "Value": "b"}]})]
    before, after = {**properties, "Tags": [{"Key": "a", "Value": "b"}]}, {**properties, "MaxErrors": "2"}
    asked, _ = play(kind.update(work(after, before, made.physical_id)), {})
    del after["InstanceId"]
    assert asked == [
        ("UpdateAssociation", {"AssociationId": "id", **after}),
        ("RemoveTagsFromResource", {"ResourceType": "Association", "ResourceId": "id", "TagKeys": ["a"]}),
    ]
    members = set(operation_model("ssm", "CreateAssociation").input_shape.members)
    assert members - plain == {"Tags", "AlarmConfiguration", "Duration", "TargetLocations", "TargetMaps"}


def test_generated_names_fit():
    """Documented: CloudFormation user guide, generated names are shortened to what the service takes."""
    long = Work("L" * 100, {}, {}, "", "s" * 100, "1" * 12, "us-east-1", "aws", "ABCDEFGHIJKL")
    assert len(long.generated_name(64)) == 64
    assert long.generated_name(64).endswith("-ABCDEFGHIJKL")


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_every_type_is_of_one_piece(kind):
    """Assumed: localorg's own rule: what is required or names a resource is among the supported properties."""
    assert kind.required <= kind.properties
    assert not kind.name_property or kind.name_property in kind.properties


def test_a_parameter_follows_its_template():
    """Documented: CloudFormation template reference, AWS::SSM::Parameter: Tags is a mapping; the name or the type makes it anew."""
    kind = TYPES["AWS::SSM::Parameter"]
    properties = {"Name": "/app/url", "Type": "String", "Value": "one", "Tags": {"team": "a", "old": "x"}}
    asked, made = play(kind.create(work(properties)), {})
    tags = [{"Key": "team", "Value": "a"}, {"Key": "old", "Value": "x"}]
    assert asked == [("PutParameter", {"Name": "/app/url", "Type": "String", "Value": "one", "Tags": tags})]
    assert (made.physical_id, made.attributes) == ("/app/url", {"Type": "String", "Value": "one"})
    after = {**properties, "Value": "two", "Tags": {"team": "b"}}
    asked, made = play(kind.update(work(after, properties, "/app/url")), {})
    assert names(asked) == ["PutParameter", "RemoveTagsFromResource", "AddTagsToResource"]
    assert (asked[0][1]["Overwrite"], made.attributes["Value"]) == (True, "two")
    assert names(play(kind.update(work(after, after, "/app/url")), {})[0]) == []
    assert kind.replacing(properties, {**properties, "Type": "StringList"}) == {"Type"}
    asked, _ = play(kind.delete(work(after, {}, "/app/url")), {"DeleteParameter": AwsError("ParameterNotFound", "gone")})
    assert names(asked) == ["DeleteParameter"]
    unnamed, _ = play(kind.create(work({"Type": "String", "Value": "x"})), {})
    assert unnamed[0][1]["Name"] == "CFN-stack-Logical-ABCDEFGHIJKL"
