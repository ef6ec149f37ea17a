"""CloudFormation templates: what their functions give, and what is said of those that are wrong."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import assumed, documented, observed, refused
from conformance.stack_world import StackMaker, parameter, template
from conformance.target import Account

Unique = Callable[[str], str]


@pytest.fixture
def stacks(member: Account) -> Iterator[StackMaker]:
    """Make stacks that are gone afterwards."""
    maker = StackMaker(member)
    yield maker
    maker.clean()


def outputs_of(stacks: StackMaker, name: str, values: dict[str, Any], **sections: Any) -> dict[str, str]:
    """Create a stack whose outputs are `values`, and return what they come to."""
    body = template({"P": parameter("x")}, Outputs={key: {"Value": value} for key, value in values.items()}, **sections)
    capabilities = ["CAPABILITY_AUTO_EXPAND"] if "Transform" in sections else []
    assert stacks.create(name, body, Capabilities=capabilities) == "CREATE_COMPLETE"
    return stacks.outputs(name)


@documented("CloudFormation user guide, intrinsic function reference")
def test_functions_give_what_they_promise(stacks: StackMaker, unique: Unique) -> None:
    """Join, Select, Split, Sub with names and literals, FindInMap, If, Base64 and Cidr give what the reference says."""
    name = unique("functions")
    found = outputs_of(
        stacks,
        name,
        {
            "Join": {"Fn::Join": ["-", {"Fn::Split": [",", "a,b,c"]}]},
            "Select": {"Fn::Select": ["1", {"Ref": "List"}]},
            "Sub": {"Fn::Sub": ["${Own}/${AWS::Region}/${!Literal}/${P.Type}", {"Own": "mine"}]},
            "Map": {"Fn::FindInMap": ["Map", {"Ref": "AWS::Partition"}, "Key"]},
            "If": {"Fn::If": ["Never", "yes", {"Fn::If": ["Always", "no", {"Ref": "AWS::NoValue"}]}]},
            "Base64": {"Fn::Base64": "hello"},
            "Cidr": {"Fn::Join": [" ", {"Fn::Cidr": ["10.0.0.0/24", 3, 5]}]},
        },
        Parameters={"List": {"Type": "CommaDelimitedList", "Default": "one, two"}},
        Mappings={"Map": {name: {"Key": "mapped"} for name in ("aws", "aws-cn", "aws-us-gov")}},
        Conditions={
            "Never": {"Fn::And": [{"Fn::Equals": [1, "1"]}, {"Fn::Not": [{"Condition": "Always"}]}]},
            "Always": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::StackName"}, name]}, {"Fn::Equals": ["a", "b"]}]},
        },
    )
    assert found == {
        "Join": "a-b-c",
        "Select": "two",
        "Sub": f"mine/{stacks.client.meta.region_name}/${{Literal}}/String",
        "Map": "mapped",
        "If": "no",
        "Base64": "aGVsbG8=",
        "Cidr": "10.0.0.0/27 10.0.0.32/27 10.0.0.64/27",
    }


@documented("CloudFormation user guide, AWS::LanguageExtensions transform")
def test_language_extensions(stacks: StackMaker, unique: Unique) -> None:
    """With AWS::LanguageExtensions, ForEach makes resources, Length counts, ToJsonString writes, FindInMap has a default."""
    name = unique("extensions")
    body = {
        "Transform": "AWS::LanguageExtensions",
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "red,blue"}},
        "Mappings": {"Map": {"a": {"b": "c"}}},
        "Resources": {"Fn::ForEach::All": ["Name", {"Ref": "Names"}, {"P${Name}": parameter("${Name}")}]},
        "Outputs": {
            "Count": {"Value": {"Fn::Length": {"Ref": "Names"}}},
            "Json": {"Value": {"Fn::ToJsonString": {"a": [1, "b"]}}},
            "Default": {"Value": {"Fn::FindInMap": ["Map", "x", "y", {"DefaultValue": "none"}]}},
        },
    }
    with refused("InsufficientCapabilitiesException", "CAPABILITY_AUTO_EXPAND"):
        stacks.client.create_stack(StackName=name, TemplateBody=json.dumps(body))
    assert stacks.create(name, json.dumps(body), Capabilities=["CAPABILITY_AUTO_EXPAND"]) == "CREATE_COMPLETE"
    assert stacks.outputs(name) == {"Count": "2", "Json": '{"a":[1,"b"]}', "Default": "none"}
    rows = stacks.client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    assert {row["LogicalResourceId"] for row in rows} == {"Pred", "Pblue"}
    stages = {
        stage: stacks.client.get_template(StackName=name, TemplateStage=stage)["TemplateBody"]
        for stage in ("Original", "Processed")
    }
    assert "Fn::ForEach" in json.dumps(stages["Original"])
    assert "Fn::ForEach" not in json.dumps(stages["Processed"])


@documented("CloudFormation user guide, Systems Manager parameter types and dynamic references")
def test_values_of_parameter_store(stacks: StackMaker, member: Account, unique: Unique) -> None:
    """AWS::SSM::Parameter::Value and {{resolve:ssm:...}} give values of Parameter Store; ResolvedValue shows the first kind."""
    name, ssm = unique("stored"), member.client("ssm")
    ssm.put_parameter(Name=f"/{name}", Value="kept", Type="String")
    try:
        kinds = {"Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{name}"}}
        body = template(
            {"P": parameter({"Fn::Join": ["+", [{"Ref": "Stored"}, f"{{{{resolve:ssm:/{name}:1}}}}"]]})}, Parameters=kinds
        )
        body = body.replace('"Resources"', '"Outputs": {"V": {"Value": {"Fn::GetAtt": ["P", "Value"]}}}, "Resources"')
        assert stacks.create(name, body) == "CREATE_COMPLETE"
        assert stacks.outputs(name) == {"V": "kept+kept"}
        (row,) = stacks.stack(name)["Parameters"]
        assert (row["ParameterValue"], row["ResolvedValue"]) == (f"/{name}", "kept")
    finally:
        ssm.delete_parameter(Name=f"/{name}")


@observed("CloudFormation's sentence for a parameter that Parameter Store does not have")
def test_a_stored_value_that_is_absent_is_refused(stacks: StackMaker, unique: Unique) -> None:
    """A parameter type that reads Parameter Store refuses a name that is not there, before anything is made."""
    kinds = {"Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/conf-absent"}}
    with refused("ValidationError", "Unable to fetch parameters [/conf-absent] from parameter store for this account."):
        stacks.client.create_stack(StackName=unique("absent"), TemplateBody=template({"P": parameter()}, Parameters=kinds))


REFUSALS: dict[str, tuple[dict[str, Any] | str, str]] = {
    "text": ("a: [", "not well-formed"),
    "nothing": ({"Description": "x"}, "At least one Resources member must be defined."),
    "no type": ({"Resources": {"A": {}}}, "Every Resources object must contain a Type member."),
    "version": ({"AWSTemplateFormatVersion": "2011-01-01", "Resources": {"A": parameter()}}, "AWSTemplateFormatVersion"),
    "section": ({"Extra": {}, "Resources": {"A": parameter()}}, "Invalid template property or properties [Extra]"),
    "name": ({"Resources": {"A-B": parameter()}}, "Resource name A-B is non alphanumeric."),
    "reference": (
        {"Resources": {"A": parameter({"Ref": "Nobody"})}},
        "Unresolved resource dependencies [Nobody] in the Resources block of the template",
    ),
    "attribute": ({"Resources": {"A": parameter(), "B": parameter({"Fn::GetAtt": ["A", "Nope"]})}}, "Fn::GetAtt"),
    "circle": (
        {"Resources": {"A": parameter({"Ref": "B"}), "B": parameter({"Ref": "A"})}},
        "Circular dependency between resources: [A, B]",
    ),
    "condition": ({"Resources": {"A": {**parameter(), "Condition": "Nope"}}}, "Nope"),
    "loop": ({"Resources": {"Fn::ForEach::L": ["N", ["a"], {"P${N}": parameter()}]}}, "ForEach"),
}


@documented("CloudFormation user guide, template anatomy; the sentences are CloudFormation's")
@pytest.mark.parametrize("row", REFUSALS)
def test_a_template_that_is_wrong_is_refused(stacks: StackMaker, unique: Unique, row: str) -> None:
    """CreateStack refuses a template that is not well-formed, dangling, circular or unknown, with a ValidationError that says so."""
    body, words = REFUSALS[row]
    with refused("ValidationError", words):
        stacks.client.create_stack(StackName=unique("wrong"), TemplateBody=body if isinstance(body, str) else json.dumps(body))


@documented("CloudFormation user guide, Parameters")
def test_values_are_held_to_their_parameters(stacks: StackMaker, unique: Unique) -> None:
    """Missing values, unknown parameters and broken constraints are refused; a ConstraintDescription is the reason given."""
    kinds = {
        "Must": {"Type": "String"},
        "Few": {"Type": "Number", "MaxValue": 5, "Default": 1},
        "Small": {"Type": "String", "AllowedPattern": "[a-z]*", "ConstraintDescription": "small letters only", "Default": ""},
    }
    body = template({"P": parameter()}, Parameters=kinds)

    def create(**values: str) -> None:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
        stacks.client.create_stack(StackName=unique("values"), TemplateBody=body, Parameters=given)

    with refused("ValidationError", "Parameters: [Must] must have values"):
        create()
    with refused("ValidationError", "Parameters: [Other] do not exist in the template"):
        create(Must="x", Other="y")
    with refused("ValidationError", "Few", "must be a number not greater than 5"):
        create(Must="x", Few="6")
    with refused("ValidationError", "Small", "small letters only"):
        create(Must="x", Small="BIG")


@documented("CloudFormation user guide, Rules")
def test_rules_are_asserted(stacks: StackMaker, unique: Unique) -> None:
    """A rule whose condition holds and whose assertion does not refuses the request with the assertion's description."""
    rule = {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "Assertions": [{"Assert": {"Fn::Contains": [["large"], {"Ref": "Size"}]}, "AssertDescription": "prod is large"}],
    }
    kinds = {"Stage": {"Type": "String", "Default": "prod"}, "Size": {"Type": "String", "Default": "small"}}
    with refused("ValidationError", "prod is large"):
        body = template({"P": parameter()}, Parameters=kinds, Rules={"Sized": rule})
        stacks.client.create_stack(StackName=unique("rule"), TemplateBody=body)


ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    },
}


@documented("API CreateStack, Capabilities")
def test_identities_have_to_be_acknowledged(stacks: StackMaker, unique: Unique) -> None:
    """A role needs CAPABILITY_IAM; one with a name of its own needs CAPABILITY_NAMED_IAM."""
    with refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"):
        stacks.client.create_stack(StackName=unique("role"), TemplateBody=template({"R": ROLE}))
    named = {**ROLE, "Properties": {**ROLE["Properties"], "RoleName": unique("r")}}  # type: ignore[dict-item]
    with refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"):
        body = template({"R": named})
        stacks.client.create_stack(StackName=unique("role"), TemplateBody=body, Capabilities=["CAPABILITY_IAM"])


@documented("API GetTemplateSummary and ValidateTemplate")
def test_a_template_is_summed_up(stacks: StackMaker) -> None:
    """GetTemplateSummary tells parameters with their constraints, types, capabilities and metadata; ValidateTemplate the first ones."""
    kinds = {"P": {"Type": "String", "AllowedValues": ["a", "b"], "Default": "a", "NoEcho": True, "Description": "one of two"}}
    body = template({"R": ROLE, "S": parameter()}, Parameters=kinds, Metadata={"why": 1}, Description="Summed up")
    found = stacks.client.get_template_summary(TemplateBody=body)
    assert (found["Description"], found["Capabilities"]) == ("Summed up", ["CAPABILITY_IAM"])
    assert sorted(found["ResourceTypes"]) == ["AWS::IAM::Role", "AWS::SSM::Parameter"]
    assert json.loads(found["Metadata"]) == {"why": 1}
    (row,) = found["Parameters"]
    assert row["ParameterConstraints"] == {"AllowedValues": ["a", "b"]}
    assert (row["DefaultValue"], row["NoEcho"], row["ParameterType"]) == ("a", True, "String")
    valid = stacks.client.validate_template(TemplateBody=body)
    assert [(one["ParameterKey"], one["Description"]) for one in valid["Parameters"]] == [("P", "one of two")]
    assert valid["CapabilitiesReason"]


@documented("API TemplateURL")
def test_a_template_comes_from_a_bucket(stacks: StackMaker, hub: Account, bucket: str, unique: Unique) -> None:
    """TemplateURL may point at an object of S3 that is larger than a body may be; other addresses are refused."""
    key, s3 = f"{unique('template')}.json", hub.client("s3")
    body = template({"P": parameter()}, Metadata={"long": "x" * 60_000})
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    client = hub.client("cloudformation")
    try:
        found = client.get_template_summary(TemplateURL=f"https://{bucket}.s3.{hub.region}.{hub.dns_suffix}/{key}")
        assert found["ResourceTypes"] == ["AWS::SSM::Parameter"]
        with refused("ValidationError", "Member must have length less than or equal to 51200"):
            client.validate_template(TemplateBody=body)
        with refused("ValidationError", "TemplateURL must be a supported URL."):
            client.validate_template(TemplateURL="https://example.com/template.json")
    finally:
        s3.delete_object(Bucket=bucket, Key=key)


@assumed("localorg's own rule; AWS fails when the resource's turn comes, or knows the type")
def test_unknown_types_are_refused_all_at_once(stacks: StackMaker, unique: Unique) -> None:
    """Resource types that are not known are refused before anything is made, all in one message."""
    body = template({"A": parameter(), "B": {"Type": "AWS::No::Such"}, "C": {"Type": "AWS::Nor::This"}})
    with refused("ValidationError", "Unrecognized resource types: [AWS::No::Such, AWS::Nor::This]"):
        stacks.client.create_stack(StackName=unique("types"), TemplateBody=body)
