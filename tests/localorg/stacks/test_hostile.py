"""Templates that mean harm: whatever a stranger writes is refused by CloudFormation's error, in little memory, and nothing hangs."""

import json
from typing import Any

import pytest
from stacks.test_changes import SmallS3
from stacks.world import NAMED, World, role, template

from localorg.kernel.errors import AwsError
from localorg.stacks.stack_policy import checked, objection

EXTENSIONS = {"Transform": "AWS::LanguageExtensions"}
URL = "https://bucket.s3.amazonaws.com/inner.yaml"


def nested(levels: int, value: Any) -> Any:
    for _ in range(levels):
        value = {"a": value}
    return value


def within(levels: int, value: Any, wrap: str, width: int = 1) -> Any:
    """Return a function in a function in a function."""
    for _ in range(levels):
        match wrap:
            case "Fn::Sub":
                value = {wrap: ["${a}" * width, {"a": value}]}
            case "Fn::Join":
                value = {wrap: ["", [value] * width]}
            case "Fn::ToJsonString":
                value = {wrap: [value]}
            case _:
                value = {wrap: value}
    return value


def loops(levels: int) -> dict[str, Any]:
    """Return loops in loops, each over one member that is twice as long as that of the loop around it."""
    found: dict[str, Any] = {"R": role(Description=f"${{L{levels}}}")}
    for level in range(levels, 0, -1):
        member = f"${{L{level - 1}}}" * 2 if level > 1 else "xx"
        found = {f"Fn::ForEach::L{level}": [f"L{level}", [member], found]}
    return found


def asking(length: int) -> str:
    """Return a template whose last condition asks twice for the one before, and so on."""
    chain = {f"C{number}": {"Fn::And": [{"Condition": f"C{number - 1}"}] * 2} for number in range(1, length)}
    conditions = {"C0": {"Fn::Equals": ["a", "a"]}, **chain}
    return template({"One": {**role(), "Condition": f"C{length - 1}"}}, Conditions=conditions)


def parameter(**declaration: Any) -> str:
    return template({"One": role()}, Parameters={"P": {"Type": "String", "Default": "a" * 40 + "!", **declaration}})


REFUSED = [
    (template({"One": role(Description=nested(150, "x"))}), "nested too deeply"),
    (template({"One": role(Description=within(90, "x", "Fn::Join"))}), "nested too deeply"),
    ("{" * 1000, "JSON not well-formed"),
    ("Resources: " + "[" * 1000, "nested too deeply"),
    ("Resources: {One: {Type: AWS::IAM::Role, Properties: {Description: !!set {a}}}}", "{'a'} cannot stand in a template"),
    ("Resources: {One: {Type: AWS::IAM::Role, Properties: {Description: !!binary aGk=}}}", "b'hi' cannot stand in a template"),
    ('{"Resources": {"One": {"Type": "AWS::IAM::Role", "Properties": {"Description": NaN}}}}', "nan cannot stand in a template"),
    (
        '{"Resources": {"One": {"Type": "AWS::IAM::Role", "Properties": {"Description": "\\ud800"}}}}',
        "cannot stand in a template",
    ),
    ('{"Resources": {"One": {"Type": {"a": 1}}}}', "must contain a Type member"),
    (template(loops(40), **EXTENSIONS), "the loops of the template unroll to more than 1048576 characters"),
    (parameter(AllowedPattern="((a{1000}){1000}){1000}"), "unfold to more than"),
    (parameter(AllowedPattern="(" * 3000 + ")" * 3000), "AllowedPattern is no regular expression: it is nested too deeply"),
    (parameter(AllowedPattern="a{99999999999}"), "AllowedPattern is no regular expression"),
    (parameter(MinLength="x"), "[/Parameters/P]/MinLength must be a number"),
    (parameter(Type="Number", Default=1, MaxValue=[1]), "[/Parameters/P]/MaxValue must be a number"),
    (parameter(AllowedValues=5), "[/Parameters/P]/AllowedValues must be a list of texts"),
    (parameter(AllowedValues=[{"a": 1}]), "[/Parameters/P]/AllowedValues must be a list of texts"),
]


@pytest.mark.parametrize(("body", "words"), REFUSED)
def test_a_template_that_means_harm_is_refused(body: str, words: str) -> None:
    """Assumed: AWS publishes neither these limits nor their sentences; here each is an error of the request, never a defect."""
    world = World()
    with pytest.raises(AwsError) as refusal:
        world.call("CreateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": [*NAMED, "CAPABILITY_AUTO_EXPAND"]})
    assert refusal.value.code in ("ValidationError", "NotImplemented")
    assert words in refusal.value.message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (within(8, "x" * 10, "Fn::Sub", 10), "the functions of one value come to more than 1048576 characters"),
        (within(40, "x" * 10, "Fn::Base64"), "the functions of one value come to more than 1048576 characters"),
        (within(25, '"', "Fn::ToJsonString"), "the functions of one value come to more than 1048576 characters"),
        ({"Fn::Select": ["9" * 5000, ["a"]]}, "Fn::Select requires an index and a list"),
        ({"Fn::Select": ["²", ["a"]]}, "Fn::Select requires an index and a list"),
        ({"Fn::Select": [0, {"Fn::Cidr": ["10.0.0.0/8", 256, "9" * 5000]}]}, "requires an address block, a count"),
    ],
)
def test_functions_that_multiply_fail_their_resource(value: Any, words: str) -> None:
    """Assumed: 700 bytes of functions in functions come to gigabytes; what they make is counted before it is made."""
    world = World()
    assert world.create(
        template({"One": role(Description=value)}, **EXTENSIONS), Capabilities=[*NAMED, "CAPABILITY_AUTO_EXPAND"]
    ) == ("ROLLBACK_COMPLETE")
    assert any(words in reason for reason in world.reasons())


def test_a_condition_is_judged_once() -> None:
    """Assumed: 80 conditions that each ask twice for the one before are 80 judgements, not 2 to the power of 80."""
    assert World().create(asking(80)) == "CREATE_COMPLETE"
    with pytest.raises(AwsError, match="the conditions of the template ask for one another too deeply"):
        World().create(asking(500))


def test_a_stack_within_itself_comes_to_an_end() -> None:
    """Assumed: AWS publishes no depth of nested stacks; a template that has itself as a nested stack fails as a whole."""
    world, body = World(), template({"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": URL}}})
    world.gateway.borrowed = SmallS3(world.kernel, {("bucket", "inner.yaml"): body.encode()})
    assert world.create(body) == "ROLLBACK_COMPLETE"
    stacks = world.call("ListStacks")["StackSummaries"]
    assert len(stacks) == 20
    assert sum("Stacks can be nested 20 deep" in reason for one in stacks for reason in world.reasons(one["StackId"])) == 1


def test_keys_of_yaml_are_text_as_they_are_written() -> None:
    """Documented: CloudFormation user guide, "Template format": YAML stands for JSON, whose keys are text (an account id is one)."""
    body = """
Mappings: {Names: {012345678901: {on: right}}}
Resources: {One: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}, Description: !FindInMap [Names, "012345678901", "on"]}}}
"""
    world = World()
    assert world.create(body) == "CREATE_COMPLETE"
    assert [one["Description"] for one in world.iam.roles.values()] == ["right"]


def test_a_stack_policy_is_judged_in_time_that_grows_with_the_name() -> None:
    """Assumed: with a backtracking matcher thirty stars take years for one resource."""
    stars = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/" + "*a" * 30 + "b"}
    assert "no statement allows" in objection(checked(json.dumps({"Statement": [stars]})), "Update:Modify", "a" * 255, "T")
