"""What change sets tell: each change, its reasons, replacements, values; their pages, tokens and failures."""

import json

import pytest
from stacks.world import HUB, NAMED, World, role, template

from localorg.kernel.errors import AwsError

PARAMETERS = {"Words": {"Type": "String", "Default": "one"}, "Secret": {"Type": "String", "NoEcho": True, "Default": "s1"}}


def refused(world, operation, params):
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params)
    return refusal.value


def planned(world, body, name="next", full=False, **params):
    given = {"StackName": "one", "ChangeSetName": name, "TemplateBody": body, "Capabilities": NAMED}
    arn = world.call("CreateChangeSet", {**given, **params})["Id"]
    shown = world.call("DescribeChangeSet", {"ChangeSetName": arn, "IncludePropertyValues": full})
    return {row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"] for row in shown["Changes"]}


def test_a_parameter_is_the_cause():
    """Documented: CloudFormation user guide, example change sets: ParameterReference, Static, and a Dynamic DirectModification."""
    world = World()
    body = template({"A": role(RoleName="a", Description={"Ref": "Words"})}, Parameters=PARAMETERS)
    world.create(body)
    found = planned(world, body, Parameters=[{"ParameterKey": "Words", "ParameterValue": "two"}])["A"]
    assert (found["Scope"], found["Replacement"], found["PhysicalResourceId"]) == (["Properties"], "False", "a")
    target = {"Attribute": "Properties", "Name": "Description", "RequiresRecreation": "Never"}
    assert found["Details"] == [
        {"Target": target, "Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": "Words"},
        {"Target": target, "Evaluation": "Dynamic", "ChangeSource": "DirectModification"},
    ]


def test_a_replacement_reaches_who_refers_to_it():
    """Documented: API reference, ResourceChangeDetail: what depends on a resource to be made is Dynamic; Replacement Conditional."""
    world = World()
    tail = {"B": role(RoleName="b", Description={"Fn::GetAtt": ["A", "Arn"]}), "C": role(Path={"Fn::Sub": "/${A}/"})}
    world.create(template({"A": role(RoleName="a"), **tail}))
    found = planned(world, template({"A": {**role(RoleName="z"), "UpdateReplacePolicy": "Retain"}, **tail}))
    assert (found["A"]["Replacement"], found["A"]["PolicyAction"], found["A"]["Scope"]) == (
        "True",
        "ReplaceAndDelete",
        ["Properties", "UpdateReplacePolicy"],
    )
    assert found["A"]["Details"][0]["Target"]["RequiresRecreation"] == "Always"
    (detail,) = found["B"]["Details"]
    assert (detail["Evaluation"], detail["ChangeSource"], detail["CausingEntity"]) == ("Dynamic", "ResourceAttribute", "A.Arn")
    assert (found["B"]["Replacement"], found["C"]["Replacement"]) == ("False", "Conditional")
    assert found["C"]["Details"][0]["ChangeSource"] == "ResourceReference"


def test_what_is_removed_added_retagged_and_only_described():
    """Documented: API reference, ResourceChange Scope (Tags, Metadata, DeletionPolicy) and PolicyAction."""
    world = World()
    kept = {**role(RoleName="k"), "DeletionPolicy": "Retain"}
    world.create(template({"A": role(RoleName="a"), "K": kept, "M": {**role(RoleName="m"), "Metadata": {"n": 1}}}))
    body = template(
        {"A": role(RoleName="a"), "M": {**role(RoleName="m"), "Metadata": {"n": 2}}, "N": role(Description={"Ref": "A"})}
    )
    found = planned(world, body, Tags=[{"Key": "team", "Value": "x"}])
    assert (found["K"]["Action"], found["K"]["PolicyAction"]) == ("Remove", "Retain")
    assert (found["N"]["Action"], found["N"]["Details"]) == ("Add", [])
    assert found["A"]["Scope"] == ["Tags"]
    assert found["M"]["Scope"] == ["Tags", "Metadata"]


def test_values_before_and_after_on_demand():
    """Documented: API reference, IncludePropertyValues: contexts and values; secrets stay hidden."""
    world = World()
    policies = [{"PolicyName": "p", "PolicyDocument": {"s": {"Ref": "Secret"}}}]
    body = template({"A": role(RoleName="a", Description="old", Policies=policies)}, Parameters=PARAMETERS)
    world.create(body)
    value = [{"ParameterKey": "Secret", "ParameterValue": "s2"}]
    found = planned(world, body.replace('"old"', '"new"'), full=True, Parameters=value)["A"]
    assert json.loads(found["BeforeContext"])["Properties"]["Description"] == "old"
    assert json.loads(found["AfterContext"])["Properties"]["Description"] == "new"
    by_path = {row["Target"]["Path"]: row["Target"] for row in found["Details"]}
    assert (by_path["/Properties/Description"]["BeforeValue"], by_path["/Properties/Description"]["AfterValue"]) == ("old", "new")
    assert by_path["/Properties/Policies"]["AfterValue"] == "****"
    assert "s1" not in json.dumps(found)
    assert "s2" not in json.dumps(found)


def test_a_literal_change_is_told_beside_one_that_is_not_known_yet():
    """Documented: API reference, ResourceChangeDetail: each property has its own details."""
    world = World()
    world.create(template({"A": role(RoleName="a", Description="d", MaxSessionDuration=3600)}))
    found = planned(
        world, template({"N": role(RoleName="n"), "A": role(RoleName="a", Description={"Ref": "N"}, MaxSessionDuration=7200)})
    )
    assert [(row["Target"]["Name"], row["Evaluation"]) for row in found["A"]["Details"]] == [
        ("MaxSessionDuration", "Static"),
        ("Description", "Dynamic"),
    ]


def test_a_token_makes_one_change_set_and_long_ones_have_pages():
    """Documented: API reference, CreateChangeSet ClientToken; DescribeChangeSet NextToken."""
    world = World()
    body = template({f"R{number}": role(RoleName=f"r{number}") for number in range(130)})
    params = {"StackName": "one", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": body, "Capabilities": NAMED}
    first = world.call("CreateChangeSet", {**params, "ClientToken": "t"})["Id"]
    assert world.call("CreateChangeSet", {**params, "ClientToken": "t"})["Id"] == first
    assert refused(world, "CreateChangeSet", {**params, "ClientToken": "u"}).code == "AlreadyExistsException"
    page = world.call("DescribeChangeSet", {"ChangeSetName": first})
    rest = world.call("DescribeChangeSet", {"ChangeSetName": first, "NextToken": page["NextToken"]})
    assert (len(page["Changes"]), len(rest["Changes"]), "NextToken" in rest) == (100, 30, False)
    assert world.call("GetTemplate", {"ChangeSetName": first})["TemplateBody"] == body
    assert (
        refused(world, "CreateChangeSet", {**params, "ChangeSetName": "d", "IncludeNestedStacks": True}).code == "ValidationError"
    )


def test_on_stack_failure_decides_what_a_failed_change_set_leaves():
    """Documented: API reference, CreateChangeSet OnStackFailure; not together with ExecuteChangeSet DisableRollback."""
    world = World()
    world.iam.roles[HUB, "taken"] = {"policies": {}, "attached": [], "tags": {}}
    params = {
        "StackName": "one",
        "ChangeSetName": "c",
        "ChangeSetType": "CREATE",
        "Capabilities": NAMED,
        "OnStackFailure": "DELETE",
    }
    made = world.call("CreateChangeSet", {**params, "TemplateBody": template({"A": role(RoleName="taken")})})
    assert world.call("DescribeChangeSet", {"ChangeSetName": made["Id"]})["OnStackFailure"] == "DELETE"
    run = {"ChangeSetName": made["Id"], "ClientRequestToken": "go"}
    assert "not both" in refused(world, "ExecuteChangeSet", {**run, "DisableRollback": True}).message
    world.call("ExecuteChangeSet", run)
    world.call("ExecuteChangeSet", run)
    world.run()
    assert world.status(made["StackId"]) == "DELETE_COMPLETE"
