"""aws:approve: waits until enough of the named people have approved, or one has rejected.

Flow: `start` -> a message to the topic, if one is named -> Waiting -> the signals Approve and Reject of approvers -> the end.
Rules: an approver decides once at a time, a later decision replaces the earlier; a signal of anybody else is refused.
AWS: user guide, automation-action-approve. ASSUMED: one rejection fails the step, and the members of ApproverDecisions' entries.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation import outputs
from localorg.automation.actions.action import (
    RESOLVING,
    Action,
    Failed,
    Outcome,
    Run,
    Signal,
    Succeeded,
    Waiting,
    WrongSignal,
    refusal_text,
)
from localorg.automation.actions.pause import DEFAULT_TIMEOUT_S, TIMEOUT_MAX_S, not_in_members
from localorg.kernel.arn import parse_arn
from localorg.protocol import times
from localorg.protocol.calls import Principal

APPROVERS_MAX = 10
MESSAGE_MAX = 4_096


class Approve(Action):
    """Asks people."""

    name = "aws:approve"
    required = ("Approvers",)
    optional = ("NotificationArn", "Message", "MinRequiredApprovals")
    own_outputs = frozenset({"ApprovalStatus", "ApproverDecisions"})
    signals = frozenset({"Approve", "Reject"})
    default_timeout_s = DEFAULT_TIMEOUT_S
    timeout_max_s = TIMEOUT_MAX_S

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Say what is wrong already where it is written out."""
        if "{{" not in str(inputs) and "Approvers" in inputs:
            yield from (f"{place}.inputs: {problem}" for problem in _wrong(inputs))

    def start(self, run: Run) -> Outcome:
        """Tell the topic, and wait."""
        for problem in _wrong(run.inputs):
            return Failed(problem, RESOLVING, stage="InputValidation", kind="Verification")
        if refusal := not_in_members(run, self.name):
            return refusal
        run.state["decisions"] = []
        self._show(run, "Waiting")
        if topic := run.inputs.get("NotificationArn"):
            message = {"TopicArn": topic, "Subject": f"Automation approval for {run.step.name}"[:100], "Message": _message(run)}
            run.ports.submit(run, "sns", "Publish", message, "told")
        return Waiting(for_person=True)

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """The topic has answered. # ASSUMED: a topic that cannot be told fails the step, for nobody would know of it."""
        del run, event
        if not data["ok"]:
            return Failed(refusal_text("Publish", data["error"]["Code"], data["error"]["Message"]))
        return Waiting(for_person=True)

    def signal(self, run: Run, signal: Signal) -> Outcome:
        """Take a decision."""
        if not any(_is(signal.sender, approver) for approver in run.inputs["Approvers"]):
            raise WrongSignal(f"{signal.sender.arn} is no approver of the step {run.step.name}.")
        decision = {
            "Approver": signal.sender.arn,
            "Decision": "Approved" if signal.kind == "Approve" else "Rejected",
            "Comment": signal.comment,
            "Time": times.iso8601(run.ports.now()),
        }
        kept = [one for one in run.state["decisions"] if one["Approver"] != signal.sender.arn]
        run.state["decisions"] = [*kept, decision]
        if signal.kind == "Reject":
            return Failed(f"The approval was rejected by {signal.sender.arn}.", outputs=self._show(run, "Rejected"))
        approved = len(run.state["decisions"])
        if approved < int(run.inputs.get("MinRequiredApprovals", 1)):
            self._show(run, "Waiting")
            return Waiting(for_person=True)
        return Succeeded(outputs=self._show(run, "Approved"))

    @staticmethod
    def _show(run: Run, status: str) -> dict[str, Any]:
        given = {"ApprovalStatus": status, "ApproverDecisions": run.state["decisions"]}
        run.record.outputs = outputs.shown(given)
        return given

    def recover(self, run: Run) -> Outcome:
        """The people have not all answered yet."""
        del run
        return Waiting(for_person=True)


def _wrong(inputs: Mapping[str, Any]) -> Iterator[str]:
    approvers, least = inputs["Approvers"], inputs.get("MinRequiredApprovals", 1)
    if not isinstance(approvers, list) or not 1 <= len(approvers) <= APPROVERS_MAX:
        yield f"Approvers must be a list of 1 to {APPROVERS_MAX} principals, found {approvers!r}"
    elif not str(least).isdigit() or not 1 <= int(least) <= len(approvers):
        yield f"MinRequiredApprovals must be 1 to {len(approvers)}, the number of Approvers; found {least!r}"
    if len(str(inputs.get("Message", ""))) > MESSAGE_MAX:
        yield f"Message has at most {MESSAGE_MAX} characters"
    topic = inputs.get("NotificationArn")
    arn = parse_arn(str(topic)) if topic else None
    # AWS: "The title of the Amazon SNS topic must be prefixed with "Automation"".
    if topic and (arn is None or arn.service != "sns" or not arn.resource.startswith("Automation")):
        yield f"NotificationArn must be the ARN of an SNS topic whose name begins with Automation, found {topic!r}"


def _is(sender: Principal, approver: str) -> bool:
    """Say whether `approver` (user name, user ARN, role ARN or assumed-role ARN) means `sender`."""
    is_named = sender.kind == "user" and sender.arn.rpartition("/")[2] == approver
    return is_named or approver in (sender.arn, sender.role_arn or sender.arn)


def _message(run: Run) -> str:
    said = str(run.inputs.get("Message", ""))
    execution = f"Automation execution {run.execution.execution_id}, step {run.step.name}, waits for your approval."
    return f"{said}\n{execution}".strip()
