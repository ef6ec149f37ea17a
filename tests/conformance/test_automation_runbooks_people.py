"""Runbooks that wait for people: approvals, pauses, manual mode, and what stops an automation."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, refused
from conformance.target import Account
from conformance.test_automation_runbooks import book, document, ended, execution, statuses, step, who

Unique = Callable[[str], str]
NAP = step("nap", "sleep", {"Duration": "PT1H"})


class Started:
    """An execution that has been started, and what people tell it."""

    def __init__(self, account: Account, name: str, content: dict[str, Any], until: str, **params: Any) -> None:
        self.account, self.ssm = account, account.client("ssm")
        with document(account, name, content):
            self.id = self.ssm.start_automation_execution(DocumentName=name, **params)["AutomationExecutionId"]
        self.is_now(until)

    def is_now(self, status: str) -> dict[str, Any]:
        found: dict[str, Any] = eventually(
            lambda: execution(self.account, self.id), lambda shown: shown["AutomationExecutionStatus"] == status, 30
        )
        return found

    def signal(self, kind: str, **payload: str) -> None:
        given = {"Payload": {name: [value] for name, value in payload.items()}} if payload else {}
        self.ssm.send_automation_signal(AutomationExecutionId=self.id, SignalType=kind, **given)

    def stop(self, kind: str = "Cancel") -> None:
        self.ssm.stop_automation_execution(AutomationExecutionId=self.id, Type=kind)

    def end(self) -> dict[str, Any]:
        return ended(self.account, self.id)


@documented("user guide, automation-action-pause; API SendAutomationSignal")
def test_a_pause_waits_for_resume_with_its_name(member: Account, unique: Unique) -> None:
    """A paused automation is Waiting until Resume names the step."""
    story = Started(member, unique("Book"), book(step("hold", "pause"), who()), "Waiting")
    with refused("InvalidAutomationSignalException"):
        story.signal("Resume")
    with refused("AutomationStepNotFoundException"):
        story.signal("Resume", StepName="gone")
    story.signal("Resume", StepName="hold")
    assert statuses(story.end()) == {"hold": "Success", "who": "Success"}


def approval(member: Account, **more: Any) -> dict[str, Any]:
    me = member.client("sts").get_caller_identity()["Arn"]
    return step("ask", "approve", {"Approvers": [me], **more})


@documented("user guide, automation-action-approve")
def test_an_approval_lets_it_go_on(member: Account, unique: Unique) -> None:
    """Approve of an approver succeeds the step, with ApprovalStatus Approved."""
    story = Started(member, unique("Book"), book(approval(member), outputs=["ask.ApprovalStatus"]), "Waiting")
    story.signal("Approve", Comment="looks good")
    assert story.end()["Outputs"] == {"ask.ApprovalStatus": ["Approved"]}


@documented("user guide, automation-action-approve")
def test_a_rejection_ends_it(member: Account, unique: Unique) -> None:
    """Reject of an approver does not let the automation succeed."""
    story = Started(member, unique("Book"), book(approval(member), who()), "Waiting")
    story.signal("Reject")
    assert story.end()["AutomationExecutionStatus"] != "Success"


@documented("user guide, automation-action-approve")
def test_nobody_but_an_approver_decides(member: Account, unique: Unique) -> None:
    """A signal of somebody who is no approver changes nothing."""
    story = Started(member, unique("Book"), book(step("ask", "approve", {"Approvers": ["somebody-else"]})), "Waiting")
    with pytest.raises(story.ssm.exceptions.ClientError):
        story.signal("Approve")
    assert execution(member, story.id)["AutomationExecutionStatus"] == "Waiting"
    story.stop()


@documented("user guide, automation-working-executing-manually")
def test_manual_mode_waits_before_each_step(member: Account, unique: Unique) -> None:
    """In mode Interactive each step begins with StartStep, and Complete ends the automation."""
    story = Started(member, unique("Book"), book(who("a"), who("b")), "Waiting", Mode="Interactive")
    assert statuses(execution(member, story.id)) == {"a": "Pending", "b": "Pending"}
    for name in ("a", "b"):
        story.signal("StartStep", StepName=name)
        eventually(lambda name=name: statuses(execution(member, story.id))[name], lambda status: status == "Success")
        story.is_now("Waiting")
    story.stop("Complete")
    assert story.end()["AutomationExecutionStatus"] == "Success"


@documented("user guide, automation-working-executing-manually")
def test_start_step_is_for_manual_mode(member: Account, unique: Unique) -> None:
    """StartStep to an automation that runs by itself is InvalidAutomationSignalException."""
    story = Started(member, unique("Book"), book(NAP), "InProgress")
    with refused("InvalidAutomationSignalException"):
        story.signal("StartStep", StepName="nap")
    story.stop()


@documented("API StopAutomationExecution")
def test_a_cancelled_automation_leaves_the_rest_pending(member: Account, unique: Unique) -> None:
    """Cancel ends the step at work and the automation as Cancelled."""
    story = Started(member, unique("Book"), book(NAP, who()), "InProgress")
    story.stop()
    made = story.end()
    assert made["AutomationExecutionStatus"] == "Cancelled"
    assert statuses(made) == {"nap": "Cancelled", "who": "Pending"}


@documented("user guide, automation-actions, onCancel")
def test_a_cancel_may_lead_to_a_clean_up(member: Account, unique: Unique) -> None:
    """onCancel step:NAME runs that step before the automation is Cancelled."""
    story = Started(member, unique("Book"), book({**NAP, "onCancel": "step:clean", "isEnd": True}, who("clean")), "InProgress")
    story.stop()
    made = story.end()
    assert (made["AutomationExecutionStatus"], statuses(made)["clean"]) == ("Cancelled", "Success")


@documented("API StopAutomationExecution, InvalidAutomationStatusUpdateException")
def test_what_has_ended_cannot_be_stopped(member: Account, unique: Unique) -> None:
    """Stopping an automation that has ended is InvalidAutomationStatusUpdateException."""
    story = Started(member, unique("Book"), book(NAP), "InProgress")
    story.stop()
    story.end()
    with refused("InvalidAutomationStatusUpdateException"):
        story.stop()


@assumed("the API names the error, and says nothing of ended automations")
def test_no_signal_reaches_what_has_ended(member: Account, unique: Unique) -> None:
    """A signal to an automation that has ended is InvalidAutomationSignalException."""
    story = Started(member, unique("Book"), book(NAP), "InProgress")
    story.stop()
    story.end()
    with refused("InvalidAutomationSignalException"):
        story.signal("Resume", StepName="nap")


@documented("API SendAutomationSignal, StopStep")
def test_stop_step_takes_a_step_execution_id(member: Account, unique: Unique) -> None:
    """StopStep of an id that the automation does not have is AutomationStepNotFoundException."""
    story = Started(member, unique("Book"), book(NAP), "InProgress")
    with refused("AutomationStepNotFoundException"):
        story.signal("StopStep", StepExecutionId="00000000-0000-4000-8000-000000000000")
    story.signal("StopStep", StepExecutionId=execution(member, story.id)["StepExecutions"][0]["StepExecutionId"])
    assert statuses(story.end()) == {"nap": "Cancelled"}
