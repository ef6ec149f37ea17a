"""Stacks in stacks: made from templates in S3, their outputs, their failures, their end."""

import pytest
from stacks.test_changes import SmallS3
from stacks.world import HUB, World, role, template

from localorg.kernel.errors import AwsError

URL = "https://bucket.s3.amazonaws.com/inner.yaml"
INNER = template(
    {"Role": role(RoleName={"Ref": "Name"}, Description={"Fn::Join": ["+", {"Ref": "Words"}]})},
    Parameters={"Name": {"Type": "String"}, "Words": {"Type": "CommaDelimitedList", "Default": "a"}},
    Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
)


def outer(name: str = "inner", words: object = ("x", "y"), **resources) -> str:
    nested = {"TemplateURL": URL, "Parameters": {"Name": name, "Words": list(words)}}
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": nested}
    return template({"Inner": stack, **resources}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}}})


@pytest.fixture
def world() -> World:
    found = World()
    found.gateway.borrowed = SmallS3(found.kernel, {("bucket", "inner.yaml"): INNER.encode()})
    return found


def inner_of(world: World) -> str:
    rows = world.call("DescribeStackResources", {"StackName": "one"})["StackResources"]
    return next(row["PhysicalResourceId"] for row in rows if row["LogicalResourceId"] == "Inner")


def test_a_nested_stack_lives_with_its_parent(world):
    """Documented: CloudFormation user guide, nested stacks: outputs by Fn::GetAtt, ParentId and RootId, deletion with the parent."""
    assert world.create(outer()) == "CREATE_COMPLETE"
    assert world.outputs() == {"Arn": f"arn:aws:iam::{HUB}:role/inner"}
    assert world.iam.roles[HUB, "inner"]["Description"] == "x+y"
    inner, parent = world.stack(inner_of(world)), world.stack()["StackId"]
    assert (inner["ParentId"], inner["RootId"]) == (parent, parent)
    assert inner["StackName"].startswith("one-Inner-")
    assert world.update(outer(words=("z",))) == "UPDATE_COMPLETE"
    assert world.iam.roles[HUB, "inner"]["Description"] == "z"
    world.delete()
    assert world.status(inner["StackId"]) == "DELETE_COMPLETE"
    assert world.iam.roles == {}


def test_a_template_that_changed_where_it_lies_is_noticed(world):
    """Observed: CloudFormation asks nested stacks at every update of the parent; what did not change stays."""
    world.create(outer())
    assert world.update(outer()) == "UPDATE_COMPLETE"
    assert world.stack(inner_of(world))["StackStatus"] == "CREATE_COMPLETE"
    world.gateway.borrowed.objects["bucket", "inner.yaml"] = INNER.replace('"+"', '"-"').encode()
    assert world.update(outer()) == "UPDATE_COMPLETE"
    assert world.iam.roles[HUB, "inner"]["Description"] == "x-y"


def test_a_nested_stack_that_fails_fails_its_parent(world):
    """Documented: CloudFormation's sentence "Embedded stack ... was not successfully created", with the inner reason."""
    world.iam.roles[HUB, "inner"] = {"policies": {}, "attached": [], "tags": {}}
    assert world.create(outer()) == "ROLLBACK_COMPLETE"
    told = next(reason for reason in world.reasons() if reason.startswith("Embedded stack"))
    assert "was not successfully created: The following resource(s) failed to create: [Role]" in told
    assert set(world.iam.roles) == {(HUB, "inner")}


def test_an_update_of_the_parent_that_fails_brings_the_nested_stack_back(world):
    """Documented: CloudFormation user guide, a failed update of the parent rolls its nested stacks back."""
    world.create(outer())
    world.iam.roles[HUB, "taken"] = {"policies": {}, "attached": [], "tags": {}}
    bad = {**role(RoleName="taken"), "DependsOn": "Inner"}
    assert world.update(outer(words=("new",), Bad=bad)) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.iam.roles[HUB, "inner"]["Description"] == "x+y"


def test_capabilities_of_the_parent_are_those_of_the_nested_stack(world):
    """Documented: CloudFormation API reference, CAPABILITY_IAM has to be acknowledged for nested stacks too."""
    assert world.create(outer(), Capabilities=[]) == "ROLLBACK_COMPLETE"
    assert any("Requires capabilities : [CAPABILITY_NAMED_IAM]" in reason for reason in world.reasons())


def test_only_outputs_are_attributes(world):
    """Documented: CloudFormation template reference, AWS::CloudFormation::Stack: Outputs.NAME."""
    body = template(
        {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": URL}}},
        Outputs={"A": {"Value": {"Fn::GetAtt": "Inner.Arn"}}},
    )
    with pytest.raises(AwsError, match="does not support attribute type Arn"):
        world.create(body)


def test_a_rollback_goes_back_to_the_template_that_the_nested_stack_had(world):
    """Documented: CloudFormation user guide, a failed update of the parent rolls its nested stacks back."""
    world.create(outer())
    world.iam.roles[HUB, "taken"] = {"policies": {}, "attached": [], "tags": {}}
    world.gateway.borrowed.objects["bucket", "inner.yaml"] = INNER.replace('"+"', '"-"').encode()
    bad = {**role(RoleName="taken"), "DependsOn": "Inner"}
    assert world.update(outer(Bad=bad)) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.iam.roles[HUB, "inner"]["Description"] == "x+y"
    body = world.call("GetTemplate", {"StackName": inner_of(world)})["TemplateBody"]
    assert body == INNER


def test_the_protection_of_a_nested_stack_is_its_roots(world):
    """Documented: API reference, EnableTerminationProtection: for nested stacks it is set on the root stack."""
    world.create(outer(), EnableTerminationProtection=True)
    inner = inner_of(world)
    assert world.stack(inner)["EnableTerminationProtection"] is True
    with pytest.raises(AwsError, match="is set on its root stack and cannot be changed directly"):
        world.call("UpdateTerminationProtection", {"StackName": inner, "EnableTerminationProtection": False})
    with pytest.raises(AwsError, match="cannot be deleted while TerminationProtection is enabled"):
        world.call("DeleteStack", {"StackName": inner})
    assert world.update(template({"Other": role(RoleName="other")})) == "UPDATE_COMPLETE"
    assert world.status(inner) == "DELETE_COMPLETE"
