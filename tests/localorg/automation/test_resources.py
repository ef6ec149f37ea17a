"""Actions that change things outside Systems Manager: instances (the real small EC2), tags, stacks."""

from typing import Any

import pytest
from automation.harness import REGION, Deny, book, statuses, step
from automation.outside import ONE, TWO, House

from localorg.automation.checks import check_runbook


def change(name: str, state: str, *ids: str, **more: Any) -> dict[str, Any]:
    return step(name, "aws:changeInstanceState", {"InstanceIds": list(ids) or [ONE], "DesiredState": state, **more})


def test_an_instance_is_stopped_and_started() -> None:
    """Observed: automation-working-executing-manually shows AWS-RestartEC2Instance with the output InstanceStates."""
    made = House().run(book(change("stop", "stopped", ONE, TWO), change("start", "running", Force=True)))
    assert made["AutomationExecutionStatus"] == "Success"
    assert [one["Outputs"]["InstanceStates"] for one in made["StepExecutions"]] == [["stopped", "stopped"], ["running"]]


def test_to_look_only_changes_nothing() -> None:
    """Documented: automation-action-changestate: CheckStateOnly asserts the state by polling; default time-out one hour."""
    house = House()
    found = house.start(book(change("look", "stopped", CheckStateOnly=True)))
    house.pass_time(3_500)
    assert statuses(house.execution(found)) == {"look": "InProgress"}
    house.pass_time(200)
    assert statuses(house.execution(found)) == {"look": "TimedOut"}
    assert house.run(book(change("look", "running", CheckStateOnly=True)))["AutomationExecutionStatus"] == "Success"


def test_who_may_not_stop_fails_with_ec2_s_words() -> None:
    """The actor's own rights count, and the refused call is named."""
    made = House(Deny(("ec2:StopInstances", ONE))).run(book(change("stop", "stopped")))
    assert "An error occurred (AccessDeniedException) when calling the StopInstances operation" in made["FailureMessage"]
    assert made["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"


def test_a_change_of_state_survives_a_restart() -> None:
    """The wait goes on with the next look."""
    house = House()
    found = house.start(book(change("stop", "stopped")))
    house.pass_time(1)
    house.automation.resume()
    house.pass_time(60)
    assert statuses(house.execution(found)) == {"stop": "Success"}


def test_tags() -> None:
    """Documented: automation-action-createtag: EC2 by default, or one managed node or parameter."""
    house = House()
    tags = [{"Key": "a", "Value": "b"}]
    made = house.run(
        book(
            step("ec2", "aws:createTags", {"ResourceIds": [ONE, TWO], "Tags": tags}),
            step("node", "aws:createTags", {"ResourceType": "ManagedInstance", "ResourceIds": ["mi-1"], "Tags": tags}),
            step("two", "aws:createTags", {"ResourceType": "Parameter", "ResourceIds": ["p", "q"], "Tags": tags}),
        )
    )
    assert statuses(made) == {"ec2": "Success", "node": "Success", "two": "Failed"}
    assert house.asked == [("AddTagsToResource", {"ResourceType": "ManagedInstance", "ResourceId": "mi-1", "Tags": tags})]
    assert "ResourceIds must have one item for Parameter" in made["FailureMessage"]


STACK = {"StackName": "Web", "TemplateBody": "{}", "Parameters": [{"ParameterKey": "P", "ParameterValue": "{{ global:REGION }}"}]}


def test_a_stack_is_made_and_taken_away() -> None:
    """Documented: automation-action-createstack and -deletestack: the step waits; outputs StackId, StackStatus, StackStatusReason."""
    house = House()
    steps = (step("make", "aws:createStack", STACK), step("drop", "aws:deleteStack", {"StackName": "{{ make.StackId }}"}))
    made = house.run(book(*steps, outputs=["make.StackStatus", "drop.StackStatus"]))
    assert made["Outputs"] == {"make.StackStatus": ["CREATE_COMPLETE"], "drop.StackStatus": ["DELETE_COMPLETE"]}
    assert house.asked[0][1]["Parameters"] == [{"ParameterKey": "P", "ParameterValue": REGION}]


def test_a_stack_that_rolls_back_fails_the_step() -> None:
    """Documented: the output StackStatusReason is the failure message of the stack."""
    made = House(ends="ROLLBACK_COMPLETE").run(book(step("make", "aws:createStack", STACK)))
    assert "entered the status ROLLBACK_COMPLETE: no room" in made["FailureMessage"]
    assert made["StepExecutions"][0]["Outputs"]["StackStatus"] == ["ROLLBACK_COMPLETE"]


def test_a_stack_that_is_not_there_is_gone() -> None:
    """Assumed: as CloudFormation's own DeleteStack, which succeeds."""
    assert statuses(House().run(book(step("drop", "aws:deleteStack", {"StackName": "No"})))) == {"drop": "Success"}


@pytest.mark.parametrize(
    ("action", "inputs", "sentence"),
    [
        (
            "aws:changeInstanceState",
            {"InstanceIds": [ONE], "DesiredState": "rebooted"},
            "must be one of running, stopped, terminated",
        ),
        (
            "aws:changeInstanceState",
            {"InstanceIds": [ONE], "DesiredState": "running", "AdditionalInfo": "x"},
            "has no input AdditionalInfo",
        ),
        (
            "aws:createTags",
            {"ResourceType": "MaintenanceWindow", "ResourceIds": ["mw-1"], "Tags": []},
            "tags on a MaintenanceWindow",
        ),
        (
            "aws:createTags",
            {"ResourceType": "S3", "ResourceIds": ["b"], "Tags": []},
            "must be EC2, ManagedInstance, Parameter or",
        ),
        ("aws:createStack", {"StackName": "s"}, "needs either TemplateBody or TemplateURL"),
        (
            "aws:createStack",
            {"StackName": "s", "TemplateBody": "{}", "OnFailure": "DELETE", "DisableRollback": True},
            "takes either",
        ),
    ],
)
def test_what_cannot_be_done_is_said_at_creation(action: str, inputs: dict[str, Any], sentence: str) -> None:
    """Documented: the pages of the actions; what localorg lacks is named."""
    assert sentence in "; ".join(check_runbook(book(step("x", action, inputs))))


@pytest.mark.parametrize(
    "action",
    ["copyImage", "createImage", "deleteImage", "runInstances", "invokeLambdaFunction", "invokeWebhook", "executeStateMachine"],
)
def test_every_other_action_is_refused_by_name(action: str) -> None:
    """Nothing that cannot run is taken."""
    assert f"localorg does not support the action aws:{action}" in check_runbook(book(step("x", f"aws:{action}", {})))[0]
