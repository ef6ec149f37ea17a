"""Templates with the transform AWS::LanguageExtensions: loops, lengths, JSON texts, defaults, functions in policies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stacks.world import HUB, NAMED, World, role, template

from localorg.kernel.errors import AwsError
from localorg.stacks.extensions import expand
from localorg.stacks.template import built

EXPANDING = [*NAMED, "CAPABILITY_AUTO_EXPAND"]
TEAMS = {"Teams": {"Type": "CommaDelimitedList", "Default": "red,blue"}}
LOOP = {
    "Fn::ForEach::Teams": [
        "Team",
        {"Ref": "Teams"},
        {"Role${Team}": role(RoleName={"Fn::Sub": "team-${Team}"}, Description={"Ref": "Team"})},
    ]
}


def extended(resources, **sections) -> str:
    return template(resources, Transform="AWS::LanguageExtensions", **sections)


def refusal_of(body: str, capabilities=EXPANDING) -> AwsError:
    with pytest.raises(AwsError) as refusal:
        World().call("CreateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": capabilities})
    return refusal.value


def test_a_loop_makes_a_resource_for_each_member():
    """Documented: CloudFormation user guide, Fn::ForEach in Resources and Outputs, over a list parameter."""
    outputs = {"Fn::ForEach::Out": ["T", {"Ref": "Teams"}, {"Arn${T}": {"Value": {"Fn::GetAtt": ["Role${T}", "Arn"]}}}]}
    world = World()
    body = extended(LOOP, Parameters=TEAMS, Outputs=outputs)
    assert world.create(body, Capabilities=EXPANDING) == "CREATE_COMPLETE"
    assert {name: made["Description"] for (_, name), made in world.iam.roles.items()} == {"team-red": "red", "team-blue": "blue"}
    assert world.outputs() == {f"Arn{t}": f"arn:aws:iam::{HUB}:role/team-{t}" for t in ("red", "blue")}
    value = [{"ParameterKey": "Teams", "ParameterValue": "blue,green"}]
    assert world.update(body, Capabilities=EXPANDING, Parameters=value) == "UPDATE_COMPLETE"
    assert {name for _, name in world.iam.roles} == {"team-blue", "team-green"}
    written = world.call("GetTemplate", {"StackName": "one"})["TemplateBody"]
    processed = world.call("GetTemplate", {"StackName": "one", "TemplateStage": "Processed"})["TemplateBody"]
    assert written == body
    assert set(json.loads(processed)["Resources"]) == {"Roleblue", "Rolegreen"}


def test_loops_in_loops_and_keys_that_are_not_alphanumeric():
    """Documented: CloudFormation user guide, Fn::ForEach: nested loops; &{} leaves out what is not alphanumeric."""
    inner = {"Fn::ForEach::Inner": ["B", ["x.y", "z"], {"R${A}&{B}": {"Type": "T", "Properties": {"n": "${A}/${B}"}}}]}
    found = expand(
        built({"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::Outer": ["A", ["1", "2"], inner]}}), {}, {}
    )
    assert {name: one["Properties"]["n"] for name, one in found.resources.items()} == {
        "R1xy": "1/x.y",
        "R1z": "1/z",
        "R2xy": "2/x.y",
        "R2z": "2/z",
    }


def test_what_the_transform_adds_to_functions():
    """Documented: CloudFormation user guide, Fn::Length, Fn::ToJsonString, Fn::FindInMap with DefaultValue, DeletionPolicy by parameter."""
    description = {
        "Fn::Sub": [
            "${N} ${M} ${J}",
            {
                "N": {"Fn::Length": {"Ref": "Teams"}},
                "M": {"Fn::FindInMap": ["Map", {"Fn::Select": [0, {"Ref": "Teams"}]}, "k", {"DefaultValue": "none"}]},
                "J": {"Fn::ToJsonString": {"region": {"Ref": "AWS::Region"}}},
            },
        ]
    }
    resource = {**role(RoleName="a", Description=description), "DeletionPolicy": {"Ref": "Keep"}}
    parameters = {**TEAMS, "Keep": {"Type": "String", "Default": "Retain"}}
    world = World()
    body = extended({"A": resource}, Parameters=parameters, Mappings={"Map": {"green": {"k": "v"}}})
    assert world.create(body, Capabilities=EXPANDING) == "CREATE_COMPLETE"
    assert world.iam.roles[HUB, "a"]["Description"] == '2 none {"region":"us-east-1"}'
    world.delete()
    assert set(world.iam.roles) == {(HUB, "a")}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (template(LOOP, Parameters=TEAMS), "Fn::ForEach::Teams as used in the Resources block requires the transform"),
        (
            template(
                {"A": role(Path={"Fn::FindInMap": ["M", "a", "b", {"DefaultValue": "x"}]})}, Mappings={"M": {"a": {"c": 1}}}
            ),
            "Fn::FindInMap as used in the Resources block requires the transform AWS::LanguageExtensions",
        ),
        (extended({"Fn::ForEach::X": ["A", "text", {}]}), "the collection of Fn::ForEach::X must be a list"),
        (extended({"Fn::ForEach::X": ["A", ["a", "a"], {}]}), "has members that are the same"),
        (extended({"Fn::ForEach::X": ["A", ["a", "b"], {"Same": role()}]}), "Fn::ForEach::X gives Same more than once"),
        (extended({"Fn::ForEach::X": {}}), "must be [identifier, collection"),
        (extended({"Fn::ForEach::X": ["A", {"Fn::GetAtt": ["R", "L"]}, {}]}), "Unresolved dependencies [R]"),
        (template({"A": role()}, Transform=["AWS::LanguageExtensions", "Mine"]), "does not support the transform Mine"),
    ],
)
def test_what_is_no_loop(body, words):
    """Documented: CloudFormation user guide, what needs the transform, and how a loop is written. Assumed: the sentences."""
    assert words in refusal_of(body).message


def test_a_transform_has_to_be_acknowledged():
    """Documented: CloudFormation API reference, CreateStack: CAPABILITY_AUTO_EXPAND; it does not apply to change sets."""
    refusal = refusal_of(extended({"A": role(RoleName="a")}), NAMED)
    assert (refusal.code, refusal.message) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
    )
    world = World()
    params = {"StackName": "one", "ChangeSetName": "c", "ChangeSetType": "CREATE", "Capabilities": NAMED}
    world.call("CreateChangeSet", {**params, "TemplateBody": extended({"A": role(RoleName="a")})})
    world.call("ExecuteChangeSet", {"StackName": "one", "ChangeSetName": "c"})
    world.run()
    assert world.status() == "CREATE_COMPLETE"


names = st.lists(st.text("abcXYZ019", min_size=1, max_size=4), max_size=6, unique=True)


@given(names, names)
def test_a_loop_turns_once_for_each_pair(outer, inner):
    """Documented: CloudFormation user guide, Fn::ForEach: every member of the collection, in order, nested loops within."""
    fragment = {"Fn::ForEach::I": ["B", inner, {"K${A}x${B}": {"Ref": "B"}}]}
    body = {"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::O": ["A", outer, fragment]}}
    expected = [(f"K{a}x{b}", b) for a in outer for b in inner]
    keys = [key for key, _ in expected]
    if len(set(keys)) == len(keys):
        assert list(expand(built(body), {}, {}).resources.items()) == expected
