"""What is a template and what is not: text, anatomy, parameters, rules; everything wrong at once."""

import json

import pytest
from stacks.world import NAMED, World, role, template

from localorg.kernel.errors import AwsError
from localorg.stacks.template import parse

SHORT = """
Resources:
  One:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "${AWS::StackName}-x"
      Description: !GetAtt Two.Arn
      Path: !If [A, !Ref P, !Select [0, !Split [",", "a,b"]]]
      When: 2012-10-17
"""


def refusal_of(body: str, **params) -> AwsError:
    with pytest.raises(AwsError) as refusal:
        World().call("CreateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": NAMED, **params})
    return refusal.value


def test_short_form_tags_become_functions():
    """Documented: CloudFormation user guide, "Intrinsic function reference", short forms; dates in YAML stay text."""
    properties = parse(SHORT).resources["One"]["Properties"]
    assert properties == {
        "RoleName": {"Fn::Sub": "${AWS::StackName}-x"},
        "Description": {"Fn::GetAtt": ["Two", "Arn"]},
        "Path": {"Fn::If": ["A", {"Ref": "P"}, {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}]},
        "When": "2012-10-17",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON not well-formed. (line 1, column 2)"),
        ("a: [", "YAML not well-formed. (line 2, column 1) did not find expected node content."),
        ("just text", "unsupported structure"),
        ("Resources: []", "[/Resources] must be an object"),
        ("Resources: &a {x: *a}", "YAML aliases are not allowed"),
        ("Description: nothing", "At least one Resources member must be defined."),
        ("Resources: {A: {Properties: {}}}", "must contain a Type member"),
    ],
)
def test_text_that_is_no_template(text, words):
    """Documented: CloudFormation's sentences for templates that it cannot read."""
    refusal = refusal_of(text)
    assert refusal.code == "ValidationError"
    assert words in refusal.message


def test_everything_wrong_is_told_at_once():
    """Assumed: localorg's own rule; unknown types and dangling names have CloudFormation's sentences."""
    body = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Oops": 1,
        "Parameters": {"P": {"Type": "AWS::EC2::VPC::Id", "Size": 1}, "Q": {}},
        "Resources": {
            "A": {"Type": "AWS::Lambda::Function"},
            "B": {**role(Oops=1, Description={"Fn::GetAtt": ["C", "Nope"]}), "CreationPolicy": {}, "DeletionPolicy": "Snapshot"},
            "C": role(Path={"Ref": "Missing"}, Description={"Fn::ToJsonString": {}}, RoleName={"Fn::If": ["NoSuch", 1, 2]}),
            "D-D": {**role(), "DependsOn": "Nobody", "Condition": "NotThere"},
            "E": role(Description="{{resolve:secretsmanager:x}}"),
        },
        "Outputs": {"O": {}, "P": {"Value": {"Ref": "Absent"}, "Extra": 1}},
        "Rules": {"R": {"Assertions": [{"Assert": {"Fn::RefAll": "AWS::EC2::VPC::Id"}, "AssertDescription": "x"}]}},
        "Conditions": {"X": {"Fn::Contains": [["a"], "a"]}},
    }
    told = refusal_of(json.dumps(body)).message
    for words in (
        "does not support the transform AWS::Serverless-2016-10-31",
        "Invalid template property or properties [Oops]",
        "does not support the parameter type AWS::EC2::VPC::Id at [/Parameters/P]/Type",
        "Invalid template parameter property 'Size'",
        "Every Parameters object must contain a Type member: [/Parameters/Q]",
        "Unrecognized resource types: [AWS::Lambda::Function]",
        "does not support the property Oops of AWS::IAM::Role at [/Resources/B]/Properties/Oops",
        "does not support the resource attribute CreationPolicy at [/Resources/B]",
        "resource type AWS::IAM::Role does not support deletion policy Snapshot",
        "resource C does not support attribute type Nope in Fn::GetAtt",
        "Unresolved resource dependencies [Missing, Nobody] in the Resources block",
        "Fn::ToJsonString as used in the Resources block requires the transform AWS::LanguageExtensions",
        "Unresolved condition dependency NoSuch",
        "Unresolved condition dependency NotThere at [/Resources/D-D/Condition]",
        "Resource name D-D is non alphanumeric",
        "does not support dynamic references to secrets: {{resolve:secretsmanager:x}}",
        "Every Outputs member must contain a Value object: [/Outputs/O]",
        "Unresolved resource dependencies [Absent] in the Outputs block",
        "does not support the intrinsic function Fn::RefAll",
        "Fn::Contains cannot be used in the Conditions block",
    ):
        assert words in told, words


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (
            {"Parameters": {"A": {"Type": "String"}}},
            "Template error: all resources and parameters must have unique names. Common name(s):[A]",
        ),
        ({"Description": "x" * 1025}, "Template format error: 'Description' length is greater than 1024."),
        ({"Outputs": {"O": None}}, "[/Outputs/O] 'null' values are not allowed in templates"),
        ({"Parameters": {"P": {"Type": "CommaDelimitedList", "Default": ["a"]}}}, "Every Default member must be a string."),
        ({"Mappings": {"M": {"a": {"b": {"c": "d"}}}}}, "Every Mappings attribute must be a String or a List."),
        ({"Mappings": {"M-M": {"a": {"b": "c"}}}}, "Mapping name 'M-M' is non alphanumeric."),
        ({"Conditions": {"C": "true"}}, "Conditions can only be boolean operations on parameters and other conditions"),
        ({"Outputs": {"O": {"Value": "v", "Export": {"Name": "a b"}}}}, "Template format error: Output O is malformed."),
        (
            {"Outputs": {"O": {"Value": "v", "Export": {"Name": {"Ref": "A"}}}}},
            "the attribute in Export Name must not depend on any resources, imported values, or Fn::GetAZs",
        ),
        (
            {"Outputs": {"O": {"Value": {"Fn::ImportValue": {"Ref": "A"}}}}},
            "the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs",
        ),
        (
            {"Outputs": {name: {"Value": "v", "Export": {"Name": "same"}} for name in ("O", "P")}},
            "Export name same is in more than one output",
        ),
        ({"Outputs": {f"O{number}": {"Value": "v"} for number in range(201)}}, "Number of outputs, 201, is greater than"),
    ],
)
def test_the_outer_form(sections, words):
    """Documented: CloudFormation user guide, "Template anatomy", quotas; the sentences are CloudFormation's where it has one."""
    assert words in refusal_of(template({"A": role()}, **sections)).message


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("DeletionPolicy", "Keep", "Template format error: Unrecognized DeletionPolicy Keep for resource A"),
        ("UpdateReplacePolicy", "RetainExceptOnCreate", "Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A"),
        ("UpdateReplacePolicy", "Snapshot", "does not support update replace policy Snapshot"),
        ("DeletionPolicy", {"Ref": "AWS::Region"}, "Template format error: Every DeletionPolicy member must be a string."),
        ("Propertis", {}, "Invalid template resource property 'Propertis' at [/Resources/A]"),
        ("UpdatePolicy", {}, "localorg does not support the resource attribute UpdatePolicy at [/Resources/A]"),
    ],
)
def test_keys_of_a_resource(key, value, words):
    """Documented: CloudFormation user guide, "DeletionPolicy attribute", "UpdateReplacePolicy attribute"."""
    assert words in refusal_of(template({"A": {**role(), key: value}})).message


def test_a_key_that_is_written_twice_counts_as_it_is_written_last():
    """Observed: CloudFormation takes duplicate keys of JSON and YAML, the last one wins (cfn-language-discussion issue 96)."""
    assert parse('{"Resources": {"A": {"Type": "x"}, "A": {"Type": "y"}}}').resources == {"A": {"Type": "y"}}
    assert parse("Resources: {A: {Type: x}, A: {Type: y}}").resources == {"A": {"Type": "y"}}


def test_a_refused_template_makes_nothing():
    """Assumed: localorg's own rule, unsupported things are refused before anything is created."""
    world = World()
    body = template({"A": role(RoleName="a"), "B": {"Type": "AWS::EC2::Instance"}})
    with pytest.raises(AwsError):
        world.call("CreateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": NAMED})
    world.run()
    assert world.iam.roles == {}
    assert world.call("ListStacks")["StackSummaries"] == []


def test_circles_are_refused():
    """Documented: CloudFormation's sentence for circular dependencies."""
    body = template({"A": role(Description={"Ref": "B"}), "B": {**role(), "DependsOn": "A"}, "C": role(Description={"Ref": "A"})})
    assert refusal_of(body).message == "Circular dependency between resources: [A, B]"


def test_a_resource_that_is_not_there_cannot_be_named():
    """Documented: CloudFormation user guide, conditions: a reference to a resource whose condition is false is unresolved."""
    parameters = {"P": {"Type": "String", "Default": "no"}}
    conditions = {"Never": {"Fn::Equals": [{"Ref": "P"}, "yes"]}}
    body = template(
        {"A": {**role(), "Condition": "Never"}, "B": role(Description={"Ref": "A"})}, Parameters=parameters, Conditions=conditions
    )
    assert "Unresolved resource dependencies [A]" in refusal_of(body).message


def test_size_limit_of_a_body():
    """Documented: CloudFormation quotas, 51,200 bytes."""
    body = template({"A": role()}, Description="x" * 51_200)
    assert "Member must have length less than or equal to 51200" in refusal_of(body).message


@pytest.mark.parametrize(
    ("name", "capabilities", "asked"),
    [
        ({}, [], "Requires capabilities : [CAPABILITY_IAM]"),
        ({"RoleName": "a"}, ["CAPABILITY_IAM"], "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
    ],
)
def test_capabilities(name, capabilities, asked):
    """Documented: CloudFormation API reference, InsufficientCapabilitiesException."""
    refusal = refusal_of(template({"A": role(**name)}), Capabilities=capabilities)
    assert (refusal.code, refusal.message) == ("InsufficientCapabilitiesException", asked)


def test_a_required_property_is_asked_for_when_its_turn_comes():
    """Observed: CloudFormation's resource schemas: "required key [X] not found" is a failure of the resource."""
    world = World()
    assert world.create(template({"D": {"Type": "AWS::SSM::Document", "Properties": {}}})) == "ROLLBACK_COMPLETE"
    assert "#: required key [Content] not found" in world.reasons()[1]


PARAMETERS = {
    "Name": {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "must be small letters.", "Default": "abc"},
    "Mode": {"Type": "String", "AllowedValues": ["on", "off", True], "Default": "on"},
    "Count": {"Type": "Number", "MinValue": 1, "MaxValue": 5, "Default": 2},
    "Words": {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+", "Default": "a, b"},
    "Secret": {"Type": "String", "NoEcho": True, "MinLength": 3, "MaxLength": 5, "Default": "abcd"},
    "Numbers": {"Type": "List<Number>", "Default": "1,2"},
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Name", "ABC", "Parameter Name failed to satisfy constraint: must be small letters."),
        ("Mode", "maybe", "Parameter 'Mode' must be one of AllowedValues"),
        ("Count", "many", "Parameter 'Count' must be a number"),
        ("Count", "0", "Parameter 'Count' must be a number not less than 1"),
        ("Count", "6", "Parameter 'Count' must be a number not greater than 5"),
        ("Words", "a,B", "Parameter 'Words' must match pattern [a-z]+"),
        ("Secret", "ab", "Parameter 'Secret' must contain at least 3 characters"),
        ("Secret", "abcdef", "Parameter 'Secret' must contain at most 5 characters"),
        ("Numbers", "1,x", "Parameter 'Numbers' must be a number"),
        ("Words", "a," * 2049, "Parameter 'Words' must have a value of at most 4096 bytes"),
        ("Nobody", "1", "Parameters: [Nobody] do not exist in the template"),
    ],
)
def test_values_that_do_not_fit(name, value, words):
    """Documented: CloudFormation user guide, "Parameters": constraints; the sentences are CloudFormation's."""
    body = template({"A": role()}, Parameters=PARAMETERS)
    assert refusal_of(body, Parameters=[{"ParameterKey": name, "ParameterValue": value}]).message == words


def test_missing_values_and_others_are_told_together():
    """Documented: CloudFormation's sentence "Parameters: [X] must have values"."""
    body = template({"A": role()}, Parameters={"X": {"Type": "String"}, **PARAMETERS})
    told = refusal_of(body, Parameters=[{"ParameterKey": "Name", "ParameterValue": "1"}]).message
    assert told.splitlines() == [
        "Parameters: [X] must have values",
        "Parameter Name failed to satisfy constraint: must be small letters.",
    ]


def test_a_parameter_without_its_name_is_refused():
    """Assumed: the model does not require ParameterKey, and nothing can be done without it."""
    told = refusal_of(template({"A": role()}, Parameters=PARAMETERS), Parameters=[{"ParameterValue": "1"}]).message
    assert told == "Each entry of Parameters must have a ParameterKey; one has none."


def test_secrets_are_not_shown_and_previous_values_stay():
    """Documented: CloudFormation user guide, NoEcho; API reference, UsePreviousValue."""
    world = World()
    words = {"Fn::Join": ["-", {"Ref": "Words"}]}
    body = template({"A": role(Description=words)}, Parameters=PARAMETERS)
    world.create(body, Parameters=[{"ParameterKey": "Words", "ParameterValue": "x,y"}])
    shown = {row["ParameterKey"]: row["ParameterValue"] for row in world.stack()["Parameters"]}
    assert (shown["Secret"], shown["Words"]) == ("****", "x,y")
    kept = [{"ParameterKey": "Words", "UsePreviousValue": True}, {"ParameterKey": "Name", "ParameterValue": "new"}]
    with pytest.raises(AwsError, match="No updates are to be performed"):
        world.update(body, Parameters=kept)
    assert next(iter(world.iam.roles.values()))["Description"] == "x-y"


def test_rules():
    """Documented: CloudFormation user guide, "Rules": assertions on parameters, with their descriptions."""
    rules = {
        "Prod": {
            "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "Assertions": [
                {
                    "Assert": {"Fn::Contains": [["eu-west-1"], {"Ref": "AWS::Region"}]},
                    "AssertDescription": "prod lives in Europe",
                },
                {"Assert": {"Fn::EachMemberIn": [{"Ref": "Zones"}, ["a", "b"]]}, "AssertDescription": "zones are a and b"},
                {"Assert": {"Fn::Not": [{"Fn::EachMemberEquals": [{"Ref": "Zones"}, "c"]}]}, "AssertDescription": "not only c"},
            ],
        }
    }
    parameters = {"Stage": {"Type": "String", "Default": "dev"}, "Zones": {"Type": "CommaDelimitedList", "Default": "c"}}
    body = template({"A": role()}, Parameters=parameters, Rules=rules)
    assert World().create(body) == "CREATE_COMPLETE"
    told = refusal_of(body, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prod"}]).message
    assert told.splitlines() == ["Rule Prod: prod lives in Europe", "Rule Prod: zones are a and b", "Rule Prod: not only c"]


@pytest.mark.parametrize("name", ["1one", "a_b", "x" * 129])
def test_names_of_stacks(name):
    """Documented: CloudFormation API reference, CreateStack StackName."""
    assert "at 'stackName' failed to satisfy constraint" in refusal_of(template({"A": role()}), StackName=name).message


def test_parameters_of_requests_that_are_not_acted_on():
    """Assumed: localorg's own rule, each is named."""
    told = refusal_of(template({"A": role()}), NotificationARNs=["arn:aws:sns:us-east-1:1:x"], DisableValidation=True).message
    assert "NotificationARNs" in told
    assert "DisableValidation" in told
    alarms = {"RollbackTriggers": [{"Arn": "arn:aws:cloudwatch:us-east-1:1:alarm:a", "Type": "AWS::CloudWatch::Alarm"}]}
    assert "RollbackConfiguration" in refusal_of(template({"A": role()}), RollbackConfiguration=alarms).message
