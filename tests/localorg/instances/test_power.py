"""Instances that are started, stopped and terminated: what they pass through, what is refused, who is told."""

import re
from typing import Any

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event

ONE, TWO = "i-00000000000000001", "i-00000000000000002"


class House(Harness):
    """Two instances, and everything that was told of their states."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []
        self.kernel.on("power-listener", self.hear)
        self.kernel.subscribe("ec2.instance-state-change", "power-listener")
        self.node(1)
        self.node(2)

    def hear(self, event: Event) -> None:
        assert (event.data["account"], event.data["region"]) == (ACCOUNT, REGION)
        self.told.append((event.data["instance_id"], event.data["state"]))

    def change(self, operation: str, *ids: str, **params: object) -> list[tuple[str, str]]:
        answer = self.call(operation, "ec2", InstanceIds=list(ids), **params)
        changes = next(iter(answer.values()), [])
        return [(one["PreviousState"]["Name"], one["CurrentState"]["Name"]) for one in changes]

    def state(self, instance_id: str = ONE) -> str:
        found = self.call("DescribeInstances", "ec2", InstanceIds=[instance_id])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])

    def pass_time(self, seconds: float) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []


def test_a_stopped_instance_starts_again_over_time() -> None:
    """Documented: EC2 user guide, instance lifecycle: running, stopping, stopped, pending, running."""
    house = House()
    assert house.change("StopInstances", ONE) == [("running", "stopping")]
    house.pass_time(60)
    assert house.state() == "stopped"
    assert house.change("StartInstances", ONE) == [("stopped", "pending")]
    assert house.state() == "pending"
    house.pass_time(60)
    assert house.state() == "running"
    assert house.told == [(ONE, state) for state in ("stopping", "stopped", "pending", "running")]


def test_an_instance_tells_why_it_does_not_run() -> None:
    """Documented: API Instance, StateReason and StateTransitionReason; user guide: a terminated instance has no addresses any more."""
    house = House()

    def told(instance_id: str) -> dict[str, Any]:
        shown = house.call("DescribeInstances", "ec2", InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        return dict(shown)

    assert told(ONE)["StateTransitionReason"] == ""
    assert "StateReason" not in told(ONE)
    house.change("StopInstances", ONE)
    house.change("TerminateInstances", TWO)
    house.pass_time(60)
    for one in (told(ONE), told(TWO)):
        assert one["StateReason"] == {
            "Code": "Client.UserInitiatedShutdown",
            "Message": "Client.UserInitiatedShutdown: User initiated shutdown",
        }
        assert re.fullmatch(r"User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)", one["StateTransitionReason"])
    assert told(ONE)["PrivateDnsName"].endswith(".ec2.internal")
    assert (told(TWO)["PrivateDnsName"], "PrivateIpAddress" in told(TWO)) == ("", False)
    house.change("StartInstances", ONE)
    assert told(ONE)["StateTransitionReason"] == ""


def test_what_is_there_already_stays() -> None:
    """Documented: API StopInstances and StartInstances: stopping what is stopped, and starting what runs, succeed."""
    house = House()
    assert house.change("StartInstances", ONE) == [("running", "running")]
    house.change("StopInstances", ONE)
    assert house.change("StopInstances", ONE, Force=True) == [("stopping", "stopping")]
    house.pass_time(60)
    assert house.told == [(ONE, "stopping"), (ONE, "stopped")]


def test_a_terminated_instance_does_not_come_back() -> None:
    """Documented: API TerminateInstances; EC2 error codes, IncorrectInstanceState."""
    house = House()
    house.change("StopInstances", ONE)
    assert house.change("TerminateInstances", ONE, TWO) == [("stopping", "shutting-down"), ("running", "shutting-down")]
    house.pass_time(60)
    assert house.state() == house.state(TWO) == "terminated"
    with pytest.raises(
        AwsError, match=f"IncorrectInstanceState: The instance '{ONE}' is not in a state from which it can be started"
    ):
        house.change("StartInstances", ONE)


def test_all_change_or_none() -> None:
    """Observed: one instance in the wrong state refuses the whole request."""
    house = House()
    house.change("StopInstances", TWO)
    with pytest.raises(AwsError, match="IncorrectInstanceState"):
        house.change("StartInstances", ONE, TWO)
    with pytest.raises(AwsError, match="can be rebooted"):
        house.call("RebootInstances", "ec2", InstanceIds=[ONE, TWO])
    assert house.call("RebootInstances", "ec2", InstanceIds=[ONE]) == {}
    assert house.state() == "running"


@pytest.mark.parametrize(("operation", "name"), [("StopInstances", "Hibernate"), ("TerminateInstances", "SkipOsShutdown")])
def test_what_is_not_honoured_is_refused(operation: str, name: str) -> None:
    """Nothing is accepted and then ignored."""
    with pytest.raises(AwsError, match=f"the parameter {name}"):
        House().change(operation, ONE, **{name: True})


def test_status_checks_are_of_running_instances() -> None:
    """Documented: API DescribeInstanceStatus: running instances only, unless all are asked for."""
    house = House()
    house.change("StopInstances", ONE)
    listed = house.call("DescribeInstanceStatus", "ec2")["InstanceStatuses"]
    assert [one["InstanceId"] for one in listed] == [TWO]
    everyone = house.call("DescribeInstanceStatus", "ec2", IncludeAllInstances=True)["InstanceStatuses"]
    assert [one["InstanceStatus"]["Status"] for one in everyone] == ["not-applicable", "ok"]


def test_systems_manager_follows_the_states_of_instances() -> None:
    """Documented: API InvalidInstanceId: running, pending, stopped and stopping are valid states; DescribeInstanceInformation leaves
    stopped and terminated instances out.
    """
    house = House()

    def shown() -> list[str]:
        return [row["InstanceId"] for row in house.call("DescribeInstanceInformation")["InstanceInformationList"]]

    def states() -> list[str]:
        return [row["InstanceState"] for row in house.call("DescribeInstanceProperties")["InstanceProperties"]]

    house.change("StopInstances", ONE)
    house.pass_time(60)
    assert (shown(), states()) == ([TWO], ["stopped", "running"])
    assert house.send(InstanceIds=[ONE])
    house.change("StartInstances", ONE)
    house.change("TerminateInstances", TWO)
    house.pass_time(60)
    assert shown() == [ONE]
    with pytest.raises(AwsError, match=rf"InvalidInstanceId: Instances \[\[{TWO}\]\] not in a valid state"):
        house.send(InstanceIds=[TWO])
    everyone = house.send(Targets=[{"Key": "InstanceIds", "Values": ["*"]}])
    house.pass_time(60)
    found = house.call("ListCommandInvocations", CommandId=everyone)["CommandInvocations"]
    assert [one["InstanceId"] for one in found] == [ONE]
