"""What people tell an automation: approve, reject, resume, begin a step, stop a step, complete. As they would through the API."""

import pytest
from automation.harness import HUB, Harness, book, output, script, statuses, step
from automation.people import BOSS, DEPUTY, refused, signal

from localorg.automation.checks import check_runbook

AFTER = script("after", "return {}")
PAUSE = step("hold", "aws:pause")
DAY = 86_400.0


def approve(*approvers: str, **more: object) -> dict[str, object]:
    return step("ask", "aws:approve", {"Approvers": list(approvers), **more})


def started(content: dict[str, object], **params: object) -> tuple[Harness, str]:
    house = Harness()
    execution_id = house.start(content, **params)
    house.pass_time(5)
    return house, execution_id


def test_a_pause_lasts_until_it_is_resumed_by_its_name() -> None:
    """Documented: automation-action-pause: status Waiting until the signal Resume, whose payload names the step."""
    house, found = started(book(PAUSE, AFTER))
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"
    assert statuses(house.execution(found)) == {"hold": "Waiting", "after": "Pending"}
    assert refused(house, found, "Resume").code == "InvalidAutomationSignalException"
    assert refused(house, found, "Resume", StepName="gone").code == "AutomationStepNotFoundException"
    assert refused(house, found, "Resume", StepName="after").code == "InvalidAutomationSignalException"
    signal(house, found, "Resume", StepName="hold")
    assert statuses(house.execution(found)) == {"hold": "Success", "after": "Success"}


def test_a_pause_that_nobody_ends_times_out() -> None:
    """Assumed: aws:pause waits as long as aws:approve does, 7 days."""
    house, found = started(book(PAUSE))
    house.pass_time(7 * DAY)
    assert house.execution(found)["AutomationExecutionStatus"] == "TimedOut"


@pytest.mark.parametrize("approver", ["boss", BOSS.arn])
def test_one_approval_is_enough_by_default(approver: str) -> None:
    """Documented: automation-action-approve: MinRequiredApprovals is one; a user is named by name or ARN."""
    house, found = started(book(approve(approver), AFTER, outputs=["ask.ApprovalStatus", "ask.ApproverDecisions"]))
    assert house.execution(found)["StepExecutions"][0]["Outputs"]["ApprovalStatus"] == ["Waiting"]
    signal(house, found, "Approve", BOSS, Comment="fine")
    made = house.execution(found)
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["Outputs"]["ask.ApprovalStatus"] == ["Approved"]
    assert '"Comment":"fine"' in made["Outputs"]["ask.ApproverDecisions"][0]


def test_as_many_as_are_needed_must_approve_and_each_counts_once() -> None:
    """Documented: automation-action-approve: the automation goes on after the required number of approvals."""
    house, found = started(book(approve("boss", DEPUTY.role_arn, MinRequiredApprovals=2), AFTER))
    signal(house, found, "Approve", BOSS)
    signal(house, found, "Approve", BOSS)
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"
    signal(house, found, "Approve", DEPUTY)
    assert house.execution(found)["AutomationExecutionStatus"] == "Success"


def test_nobody_else_decides() -> None:
    """Documented: automation-action-approve: "designated principals"; Assumed: another's signal is an invalid one."""
    house, found = started(book(approve("boss")))
    assert "is no approver of the step ask" in refused(house, found, "Approve").message
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"


def test_a_rejection_fails_the_step() -> None:
    """Assumed: one Reject ends the step as Failed, with ApprovalStatus Rejected."""
    house, found = started(book(approve("boss"), AFTER))
    signal(house, found, "Reject", BOSS, Comment="no")
    made = house.execution(found)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert made["StepExecutions"][0]["Outputs"]["ApprovalStatus"] == ["Rejected"]
    assert "The approval was rejected by arn:aws:iam::111111111111:user/boss." in made["FailureMessage"]


def test_an_approval_that_does_not_come_times_out_after_seven_days() -> None:
    """Documented: automation-action-approve: default 7 days, then step and automation are timed out."""
    house, found = started(book(approve("boss"), AFTER))
    house.pass_time(7 * DAY - 60)
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"
    house.pass_time(60)
    assert house.execution(found)["AutomationExecutionStatus"] == "TimedOut"
    assert refused(house, found, "Approve", BOSS).code == "InvalidAutomationSignalException"


def test_a_topic_that_cannot_be_told_fails_the_step() -> None:
    """Assumed: nobody would know of the request, so it is not asked in vain."""
    house = Harness()
    made = house.run(book(approve("boss", NotificationArn=f"arn:aws:sns:us-east-1:{HUB}:Automation-ask")), 60)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "when calling the Publish operation" in made["FailureMessage"]


def test_what_waits_can_be_cancelled() -> None:
    """Documented: API StopAutomationExecution, Type Cancel."""
    house, found = started(book(PAUSE, AFTER))
    house.call("StopAutomationExecution", AutomationExecutionId=found)
    assert statuses(house.execution(found)) == {"hold": "Cancelled", "after": "Pending"}


def test_complete_ends_here_as_the_steps_have_earned() -> None:
    """Assumed: of an automation that runs by itself, Complete stops the step at work and keeps the rest."""
    house, found = started(book(script("first", "return {}"), PAUSE, AFTER))
    house.call("StopAutomationExecution", AutomationExecutionId=found, Type="Complete")
    assert house.execution(found)["AutomationExecutionStatus"] == "Success"
    assert statuses(house.execution(found)) == {"first": "Success", "hold": "Cancelled", "after": "Pending"}


def test_stop_step_takes_the_id_of_the_step_at_work() -> None:
    """Documented: API SendAutomationSignal: the payload of StopStep is StepExecutionId. Assumed: its automation stops with it."""
    clean = script("clean", "return {}")
    house, found = started(book({**PAUSE, "onCancel": "step:clean", "isEnd": True}, clean))
    hold = house.execution(found)["StepExecutions"][0]["StepExecutionId"]
    other = house.execution(found)["StepExecutions"][1]["StepExecutionId"]
    assert refused(house, found, "StopStep", StepExecutionId="0" * 36).code == "AutomationStepNotFoundException"
    assert refused(house, found, "StopStep", StepExecutionId=other).code == "InvalidAutomationSignalException"
    signal(house, found, "StopStep", StepExecutionId=hold)
    assert statuses(house.execution(found)) == {"hold": "Cancelled", "clean": "Success"}


def test_a_manual_automation_waits_before_each_step_and_for_its_completion() -> None:
    """Documented: automation-working-executing-manually: Waiting between the steps; StartStep; at the end Complete."""
    house, found = started(book(script("one", "return {}"), script("two", "return {}")), Mode="Interactive")
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"
    assert house.execution(found)["Mode"] == "Interactive"
    assert refused(house, found, "StartStep", StepName="two").message.endswith("the next one is one.")
    assert refused(house, found, "StartStep", StepName="three").code == "AutomationStepNotFoundException"
    signal(house, found, "StartStep", StepName="one")
    assert statuses(house.execution(found)) == {"one": "Success", "two": "Pending"}
    signal(house, found, "StartStep", StepName="two")
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"
    house.call("StopAutomationExecution", AutomationExecutionId=found, Type="Complete")
    assert house.execution(found)["AutomationExecutionStatus"] == "Success"


def test_a_loop_is_one_step_of_a_manual_automation() -> None:
    """Assumed: the steps inside a loop follow by themselves once the loop was let begin."""
    loop = step("each", "aws:loop", {"Iterators": ["a", "b"], "Steps": [script("inner", "return {}")]})
    house, found = started(book(loop), Mode="Interactive")
    signal(house, found, "StartStep", StepName="each")
    assert [one["StepStatus"] for one in house.execution(found)["StepExecutions"]] == ["Success", "Success", "Success"]


def test_start_step_and_revoke_have_nothing_to_say_to_an_automatic_one() -> None:
    """Documented: StartStep belongs to manual execution. Assumed: Revoke belongs to access requests."""
    house, found = started(book(PAUSE))
    assert refused(house, found, "StartStep", StepName="hold").code == "InvalidAutomationSignalException"
    assert refused(house, found, "Revoke").code == "InvalidAutomationSignalException"
    assert refused(house, found, "Approve", StepName="hold").message.startswith("The payload of Approve has Comment")


def test_what_waits_survives_a_restart() -> None:
    """A person has as much time after a restart as before."""
    house, found = started(book(approve("boss"), PAUSE, AFTER))
    house.automation.resume()
    house.pass_time(1)
    signal(house, found, "Approve", BOSS)
    house.automation.resume()
    house.pass_time(1)
    signal(house, found, "Resume", StepName="hold")
    assert house.execution(found)["AutomationExecutionStatus"] == "Success"


def test_an_approval_counts_inside_a_loop() -> None:
    """The step that waits may be one of a pass."""
    loop = step("each", "aws:loop", {"Iterators": ["a", "b"], "Steps": [approve("boss")]})
    house, found = started(book(loop, outputs=["ask.ApprovalStatus"]))
    signal(house, found, "Approve", BOSS)
    assert house.execution(found)["AutomationExecutionStatus"] == "Waiting"
    signal(house, found, "Approve", BOSS)
    assert house.execution(found)["AutomationExecutionStatus"] == "Success"


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"Approvers": []}, "Approvers must be a list of 1 to 10 principals"),
        ({"Approvers": ["a"], "MinRequiredApprovals": 2}, "MinRequiredApprovals must be 1 to 1, the number of Approvers"),
        ({"Approvers": ["a"], "NotificationArn": f"arn:aws:sns:us-east-1:{HUB}:Other"}, "whose name begins with Automation"),
        ({"Approvers": ["a"], "Message": "x" * 4097}, "Message has at most 4096 characters"),
    ],
)
def test_what_cannot_be_asked_is_said_at_creation(inputs: dict[str, object], sentence: str) -> None:
    """Documented: automation-action-approve, the limits of its inputs."""
    assert sentence in "; ".join(check_runbook(book(step("ask", "aws:approve", inputs, outputs=[output("x", "$.x")]))))
