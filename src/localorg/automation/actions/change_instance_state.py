"""aws:changeInstanceState: starts, stops or terminates EC2 instances, or only looks, until all are in the desired state.

AWS: user guide, automation-action-changestate: `running` also means that both status checks are ok. Observed there: the output
InstanceStates lists the states.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import Action, Outcome, Run, Succeeded, Waiting, is_literal, refused
from localorg.automation.runbook import truth
from localorg.kernel.errors import AwsError

CHANGES = {"running": "StartInstances", "stopped": "StopInstances", "terminated": "TerminateInstances"}
POLL_S = (1.0, 2.0, 3.0, 5.0)
"""ASSUMED: the time between two looks; AWS does not say it. The last one is repeated."""


class ChangeInstanceState(Action):
    """Changes or asserts the state of instances."""

    name = "aws:changeInstanceState"
    required = ("InstanceIds", "DesiredState")
    optional = ("CheckStateOnly", "Force")
    own_outputs = frozenset({"InstanceStates"})
    default_timeout_s = 3600.0

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """There are three states to ask for."""
        if is_literal(wanted := inputs.get("DesiredState")) and wanted not in CHANGES:
            yield f"{place}.inputs.DesiredState must be one of {', '.join(CHANGES)}, found {wanted!r}"

    def start(self, run: Run) -> Outcome:
        """Ask for the change, unless it is only to be looked at."""
        wanted = str(run.inputs["DesiredState"])
        if wanted not in CHANGES:
            raise ValueError(f"DesiredState must be one of {', '.join(CHANGES)}, found {wanted!r}")
        run.state["looks"] = 0
        if not truth(run.inputs.get("CheckStateOnly", False)):
            params: dict[str, Any] = {"InstanceIds": run.inputs["InstanceIds"]}
            if wanted == "stopped" and "Force" in run.inputs:
                params["Force"] = truth(run.inputs["Force"])
            try:
                run.invoke("ec2", CHANGES[wanted], params)
            except AwsError as refusal:
                return refused(CHANGES[wanted], refusal)
        return self._look(run)

    def _look(self, run: Run) -> Outcome:
        operation, ids = "DescribeInstances", {"InstanceIds": run.inputs["InstanceIds"]}
        try:
            found = run.invoke("ec2", operation, ids)["Reservations"]
            operation = "DescribeInstanceStatus"
            checks = run.invoke("ec2", operation, ids)["InstanceStatuses"]
        except AwsError as refusal:
            return refused(operation, refusal)
        states = [one["State"]["Name"] for group in found for one in group["Instances"]]
        wanted = str(run.inputs["DesiredState"])
        if set(states) == {wanted} and (wanted != "running" or _all_ok(checks, len(states))):
            return Succeeded({"InstanceStates": states}, {"InstanceStates": states})
        looks = int(run.state["looks"])
        run.state["looks"] = looks + 1
        run.ports.after(run, POLL_S[min(looks, len(POLL_S) - 1)], "look")
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Time for the next look."""
        del event, data
        return self._look(run)

    def recover(self, run: Run) -> Outcome:
        """Looking changes nothing, so look again; the change was asked for, or nobody knows of it and the wait will time out."""
        run.state.setdefault("looks", 0)
        return self._look(run)


def _all_ok(checks: list[dict[str, Any]], count: int) -> bool:
    fine = [one for one in checks if one["InstanceStatus"]["Status"] == "ok" and one["SystemStatus"]["Status"] == "ok"]
    return len(fine) == count
