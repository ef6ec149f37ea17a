"""CloudFormation stacks: made, failed, updated, rolled back, protected, deleted; and what is told of them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.stack_world import StackMaker, parameter, template
from conformance.target import Account

Unique = Callable[[str], str]


@pytest.fixture
def stacks(member: Account) -> Iterator[StackMaker]:
    """Make stacks that are gone afterwards."""
    maker = StackMaker(member)
    yield maker
    maker.clean()


@pytest.fixture
def taken(member: Account, unique: Unique) -> Iterator[str]:
    """A name of a parameter that is there already, so that making it again fails."""
    name, ssm = f"/{unique('taken')}", member.client("ssm")
    ssm.put_parameter(Name=name, Value="there", Type="String")
    yield name
    ssm.delete_parameter(Name=name)


def story(stacks: StackMaker, name: str) -> list[tuple[str, str]]:
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in stacks.events(name)]


@documented("CloudFormation user guide, stack events; API DescribeStacks")
def test_a_stack_tells_its_story(stacks: StackMaker, unique: Unique) -> None:
    """Resources come after what they refer to; each begins, is initiated, completes; then the stack is CREATE_COMPLETE."""
    name = unique("story")
    body = template({"B": parameter({"Ref": "A"}), "A": parameter()}, Description="Told")
    assert stacks.create(name, body, Tags=[{"Key": "k", "Value": "v"}]) == "CREATE_COMPLETE"
    one = [("CREATE_IN_PROGRESS",)] * 2 + [("CREATE_COMPLETE",)]
    expected = [(row, status) for row in ("A", "B") for (status,) in one]
    assert story(stacks, name) == [(name, "CREATE_IN_PROGRESS"), *expected, (name, "CREATE_COMPLETE")]
    found = stacks.stack(name)
    assert (found["Description"], found["Tags"]) == ("Told", [{"Key": "k", "Value": "v"}])
    assert found["StackId"].split("/")[1] == name
    reasons = [event.get("ResourceStatusReason") for event in stacks.events(name)]
    assert reasons[0] == "User Initiated"
    assert reasons[2] == "Resource creation Initiated"


@documented("CloudFormation user guide, stack failure options")
def test_a_failed_creation_is_rolled_back(stacks: StackMaker, unique: Unique, taken: str) -> None:
    """A creation that fails ends in ROLLBACK_COMPLETE with nothing left; such a stack can only be deleted."""
    name = unique("rolled")
    body = template({"A": parameter(), "B": {**parameter(Name=taken), "DependsOn": "A"}})
    assert stacks.create(name, body) == "ROLLBACK_COMPLETE"
    rolling = next(event for event in stacks.events(name) if event["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert rolling["ResourceStatusReason"] == "The following resource(s) failed to create: [B]. Rollback requested by user."
    assert story(stacks, name)[-3:] == [("A", "DELETE_IN_PROGRESS"), ("A", "DELETE_COMPLETE"), (name, "ROLLBACK_COMPLETE")]
    with refused("ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated."):
        stacks.client.update_stack(StackName=name, TemplateBody=template({"A": parameter()}))


@documented("API CreateStack OnFailure, DisableRollback; RollbackStack")
def test_a_failure_can_be_left_and_rolled_back_later(stacks: StackMaker, unique: Unique, taken: str) -> None:
    """With DisableRollback a failed creation is CREATE_FAILED and keeps what was made; RollbackStack takes it away."""
    name = unique("left")
    body = template({"A": parameter(), "B": {**parameter(Name=taken), "DependsOn": "A"}})
    with refused("ValidationError", "DisableRollback", "OnFailure"):
        stacks.client.create_stack(StackName=name, TemplateBody=body, DisableRollback=True, OnFailure="DELETE")
    assert stacks.create(name, body, DisableRollback=True) == "CREATE_FAILED"
    assert (("A", "CREATE_COMPLETE") in story(stacks, name), ("A", "DELETE_COMPLETE") in story(stacks, name)) == (True, False)
    stacks.client.rollback_stack(StackName=name)
    assert stacks.settled(name) == "ROLLBACK_COMPLETE"
    assert ("A", "DELETE_COMPLETE") in story(stacks, name)


@documented("API CreateStack OnFailure DELETE; DescribeStacks by id")
def test_a_failure_can_leave_nothing(stacks: StackMaker, unique: Unique, taken: str) -> None:
    """With OnFailure DELETE the stack is gone; its id still tells of it, its name does not."""
    name = unique("nothing")
    stack_id = stacks.client.create_stack(
        StackName=name, TemplateBody=template({"B": parameter(Name=taken)}), OnFailure="DELETE"
    )["StackId"]
    assert stacks.settled(stack_id) == "DELETE_COMPLETE"
    with refused("ValidationError", f"Stack with id {name} does not exist"):
        stacks.client.describe_stacks(StackName=name)
    listed = stacks.client.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    assert stack_id in [row["StackId"] for page in listed for row in page["StackSummaries"]]


@documented("API UpdateStack; the aws CLI looks for the sentence")
def test_an_update_changes_what_changed(stacks: StackMaker, unique: Unique, member: Account) -> None:
    """UpdateStack changes, adds and removes resources; previous template and values may stay; without a change it is refused."""
    name = unique("update")
    kinds = {"V": {"Type": "String", "Default": "one"}}
    first = template({"A": parameter({"Ref": "V"}), "B": parameter()}, Parameters=kinds)
    stacks.create(name, first)
    with refused("ValidationError", "No updates are to be performed."):
        stacks.client.update_stack(StackName=name, UsePreviousTemplate=True)
    value = [{"ParameterKey": "V", "ParameterValue": "two"}]
    stacks.client.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=value)
    assert stacks.settled(name) == "UPDATE_COMPLETE"
    kept = [{"ParameterKey": "V", "UsePreviousValue": True}]
    assert stacks.update(name, template({"A": parameter({"Ref": "V"})}, Parameters=kinds), Parameters=kept) == "UPDATE_COMPLETE"
    (row,) = stacks.client.describe_stack_resources(StackName=name)["StackResources"]
    assert member.client("ssm").get_parameter(Name=row["PhysicalResourceId"])["Parameter"]["Value"] == "two"
    assert story(stacks, name)[-4:] == [
        (name, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("B", "DELETE_IN_PROGRESS"),
        ("B", "DELETE_COMPLETE"),
        (name, "UPDATE_COMPLETE"),
    ]


@documented("CloudFormation user guide, update rollback")
def test_a_failed_update_is_taken_back(stacks: StackMaker, unique: Unique, taken: str, member: Account) -> None:
    """An update that fails ends in UPDATE_ROLLBACK_COMPLETE, with everything as it was before."""
    name = unique("back")
    first = template({"A": parameter("old")})
    stacks.create(name, first)
    bad = template({"A": parameter("new"), "B": {**parameter(Name=taken), "DependsOn": "A"}})
    assert stacks.update(name, bad) == "UPDATE_ROLLBACK_COMPLETE"
    (row,) = stacks.client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    assert member.client("ssm").get_parameter(Name=row["PhysicalResourceId"])["Parameter"]["Value"] == "old"
    with refused("ValidationError", "can not continue update rollback"):
        stacks.client.continue_update_rollback(StackName=name)
    with refused("ValidationError", "CancelUpdateStack cannot be called from current stack status"):
        stacks.client.cancel_update_stack(StackName=name)


@documented("CloudFormation user guide, stack policies")
def test_a_stack_policy_stands_in_the_way(stacks: StackMaker, unique: Unique) -> None:
    """What a stack policy denies fails the update; StackPolicyDuringUpdateBody lets one update through."""
    name = unique("policy")
    everything = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    deny = {**everything, "Effect": "Deny", "Action": "Update:Modify", "Resource": "LogicalResourceId/A"}
    policy = json.dumps({"Statement": [everything, deny]})
    stacks.create(name, template({"A": parameter("one")}), StackPolicyBody=policy)
    assert json.loads(stacks.client.get_stack_policy(StackName=name)["StackPolicyBody"]) == json.loads(policy)
    assert stacks.update(name, template({"A": parameter("two")})) == "UPDATE_ROLLBACK_COMPLETE"
    failed = next(event for event in stacks.events(name) if event["ResourceStatus"] == "UPDATE_FAILED")
    assert "Action denied by stack policy" in failed["ResourceStatusReason"]
    override = json.dumps({"Statement": [everything]})
    assert stacks.update(name, template({"A": parameter("two")}), StackPolicyDuringUpdateBody=override) == "UPDATE_COMPLETE"


@documented("CloudFormation user guide, DeletionPolicy; API DeleteStack, RetainResources, termination protection")
def test_a_deletion_keeps_what_shall_be_kept(stacks: StackMaker, unique: Unique, member: Account) -> None:
    """A protected stack is not deleted; what is retained is DELETE_SKIPPED and stays; deleting it again is no error."""
    name = unique("deletion")
    body = template({"A": {**parameter(Name=f"/{name}"), "DeletionPolicy": "Retain"}, "B": parameter()})
    stacks.create(name, body, EnableTerminationProtection=True)
    stack_id = stacks.made[-1]
    with refused("ValidationError", "cannot be deleted while TerminationProtection is enabled"):
        stacks.client.delete_stack(StackName=name)
    stacks.client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    with refused("ValidationError", "DELETE_FAILED"):
        stacks.client.delete_stack(StackName=name, RetainResources=["A"])
    stacks.client.delete_stack(StackName=name)
    assert stacks.settled(stack_id) == "DELETE_COMPLETE"
    assert ("A", "DELETE_SKIPPED") in story(stacks, stack_id)
    member.client("ssm").delete_parameter(Name=f"/{name}")
    stacks.client.delete_stack(StackName=name)


@documented("CloudFormation user guide, exports")
def test_an_export_in_use_is_held(stacks: StackMaker, unique: Unique) -> None:
    """What a stack imports from another cannot be taken away: the other's update fails; ListImports names the importer."""
    exporter, importer = unique("exporter"), unique("importer")

    def exporting(value: str) -> str:
        return template(
            {"A": parameter(value)}, Outputs={"O": {"Value": {"Fn::GetAtt": ["A", "Value"]}, "Export": {"Name": exporter}}}
        )

    stacks.create(exporter, exporting("one"))
    with refused("ValidationError", "is not imported by any stack"):
        stacks.client.list_imports(ExportName=exporter)
    stacks.create(importer, template({"B": parameter({"Fn::ImportValue": exporter})}))
    assert stacks.client.list_imports(ExportName=exporter)["Imports"] == [importer]
    assert stacks.update(exporter, exporting("two")) == "UPDATE_ROLLBACK_COMPLETE"
    rolling = next(event for event in stacks.events(exporter) if event["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS")
    assert f"Export {exporter} cannot be updated as it is in use by {importer}" in rolling["ResourceStatusReason"]


@documented("API ClientRequestToken")
def test_a_token_makes_a_request_safe_to_repeat(stacks: StackMaker, unique: Unique) -> None:
    """CreateStack with the same token again gives the same stack; its events carry the token; without a token the name is taken."""
    name, token = unique("token"), unique("t")
    body = template({"A": parameter()})
    assert stacks.create(name, body, ClientRequestToken=token) == "CREATE_COMPLETE"
    again = stacks.client.create_stack(StackName=name, TemplateBody=body, ClientRequestToken=token)["StackId"]
    assert again == stacks.made[-1]
    assert {event["ClientRequestToken"] for event in stacks.events(name)} == {token}
    with refused("AlreadyExistsException", f"Stack [{name}] already exists"):
        stacks.client.create_stack(StackName=name, TemplateBody=body)


@observed("CloudFormation's sentences for what is not there")
def test_what_is_not_there_is_told(stacks: StackMaker) -> None:
    """Unknown stacks, resources and change sets are refused in CloudFormation's words; deleting an unknown stack is not."""
    client = stacks.client
    with refused("ValidationError", "Stack with id conf-absent does not exist"):
        client.describe_stacks(StackName="conf-absent")
    with refused("ValidationError", "conf-absent", "does not exist"):
        client.update_stack(StackName="conf-absent", TemplateBody=template({"A": parameter()}))
    with refused("ValidationError", "Stack", "conf-absent", "does not exist"):
        client.get_template(StackName="conf-absent")
    with refused("ValidationError", "Stack", "conf-absent", "does not exist"):
        client.create_change_set(StackName="conf-absent", ChangeSetName="c", TemplateBody=template({"A": parameter()}))
    client.delete_stack(StackName="conf-absent")


@documented("CloudFormation user guide, name type")
def test_a_custom_name_stands_in_the_way_of_a_replacement(stacks: StackMaker, unique: Unique) -> None:
    """A resource with a name of its own is not replaced under the same name; the update fails and says to rename it."""
    name = unique("named")
    stacks.create(name, template({"A": parameter(Name=f"/{name}")}))
    changed = parameter("a,b", Name=f"/{name}")
    changed["Properties"]["Type"] = "StringList"
    assert stacks.update(name, template({"A": changed})) == "UPDATE_ROLLBACK_COMPLETE"
    failed = next(event for event in stacks.events(name) if event["ResourceStatus"] == "UPDATE_FAILED")
    assert f"Rename /{name} and update the stack again." in failed["ResourceStatusReason"]


def planned(stacks: StackMaker, name: str, body: str, kind: str, **params: Any) -> dict[str, Any]:
    """Make a change set and return it once it is there."""
    arn = stacks.client.create_change_set(StackName=name, ChangeSetName="c", ChangeSetType=kind, TemplateBody=body, **params)[
        "Id"
    ]
    found: dict[str, Any] = eventually(
        lambda: stacks.client.describe_change_set(ChangeSetName=arn), lambda one: one["Status"] in ("CREATE_COMPLETE", "FAILED")
    )
    return found


@documented("CloudFormation user guide, change sets")
def test_a_change_set_makes_a_stack(stacks: StackMaker, unique: Unique) -> None:
    """A CREATE change set leaves the stack REVIEW_IN_PROGRESS until it is executed, once."""
    name = unique("review")
    found = planned(stacks, name, template({"A": parameter()}), "CREATE")
    stacks.made.append(found["StackId"])
    assert (found["ExecutionStatus"], stacks.stack(name)["StackStatus"]) == ("AVAILABLE", "REVIEW_IN_PROGRESS")
    assert [row["ResourceChange"]["Action"] for row in found["Changes"]] == ["Add"]
    stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])
    eventually(lambda: stacks.stack(name)["StackStatus"], lambda status: status == "CREATE_COMPLETE", 60)
    with refused("InvalidChangeSetStatus"):
        stacks.client.execute_change_set(ChangeSetName=found["ChangeSetId"])


@documented("API ResourceChange; user guide, example change sets")
def test_a_change_set_tells_why(stacks: StackMaker, unique: Unique) -> None:
    """A change set tells Action, Replacement, Scope and, for each property, its cause and whether it recreates the resource."""
    name = unique("why")
    kinds = {"V": {"Type": "String", "Default": "one"}}
    stacks.create(
        name, template({"A": parameter({"Ref": "V"}), "B": parameter(), "C": parameter({"Ref": "B"})}, Parameters=kinds)
    )
    body = template(
        {"A": parameter({"Ref": "V"}), "B": parameter(Name=f"/{name}"), "C": parameter({"Ref": "B"}), "D": parameter()},
        Parameters=kinds,
    )
    found = planned(stacks, name, body, "UPDATE", Parameters=[{"ParameterKey": "V", "ParameterValue": "two"}])
    rows = {(one := row["ResourceChange"])["LogicalResourceId"]: one for row in found["Changes"]}
    assert {key: (row["Action"], row.get("Replacement")) for key, row in rows.items()} == {
        "A": ("Modify", "False"),
        "B": ("Modify", "True"),
        "C": ("Modify", "False"),
        "D": ("Add", None),
    }
    causes = {(detail["ChangeSource"], detail.get("CausingEntity")) for detail in rows["A"]["Details"]}
    assert ("ParameterReference", "V") in causes
    assert rows["B"]["Details"][0]["Target"]["RequiresRecreation"] == "Always"
    assert rows["C"]["Details"][0]["Evaluation"] == "Dynamic"


@observed("the aws CLI's deploy looks for the sentence")
def test_a_change_set_without_changes_has_failed(stacks: StackMaker, unique: Unique) -> None:
    """A change set that changes nothing is FAILED and UNAVAILABLE, and says that nothing was changed."""
    name = unique("same")
    body = template({"A": parameter()})
    stacks.create(name, body)
    found = planned(stacks, name, body, "UPDATE")
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")


@documented("CloudFormation user guide, nested stacks")
def test_a_stack_in_a_stack(hub: Account, bucket: str, unique: Unique) -> None:
    """A nested stack is made from a template in S3, gives its outputs as attributes, knows its parent, and goes with it."""
    name, s3, maker = unique("outer"), hub.client("s3"), StackMaker(hub)
    inner = template({"A": parameter({"Ref": "V"})}, Parameters={"V": {"Type": "String"}}, Outputs={"O": {"Value": {"Ref": "V"}}})
    s3.put_object(Bucket=bucket, Key=f"{name}.json", Body=inner.encode())
    nested = {"TemplateURL": f"https://{bucket}.s3.{hub.region}.{hub.dns_suffix}/{name}.json", "Parameters": {"V": "given"}}
    body = template(
        {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": nested}},
        Outputs={"O": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.O"]}}},
    )
    try:
        assert maker.create(name, body) == "CREATE_COMPLETE"
        assert maker.outputs(name) == {"O": "given"}
        (row,) = maker.client.describe_stack_resources(StackName=name)["StackResources"]
        found = maker.stack(row["PhysicalResourceId"])
        assert (found["ParentId"], found["RootId"]) == (maker.made[-1], maker.made[-1])
        maker.clean()
        assert maker.stack(row["PhysicalResourceId"])["StackStatus"] == "DELETE_COMPLETE"
    finally:
        maker.clean()
        s3.delete_object(Bucket=bucket, Key=f"{name}.json")


@assumed("what is not acted on is named; AWS acts on it")
def test_what_is_not_acted_on_is_named(stacks: StackMaker, unique: Unique) -> None:
    """Notifications by SNS are not known here: a stack that asks for them is refused by name."""
    topic = f"arn:{stacks.client.meta.partition}:sns:{stacks.client.meta.region_name}:{'1' * 12}:absent"
    with refused("ValidationError", ""):
        stacks.client.create_stack(StackName=unique("sns"), TemplateBody=template({"A": parameter()}), NotificationARNs=[topic])
