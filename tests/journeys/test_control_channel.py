"""Nodes of the spec whose agents keep a control channel: both kinds of node, real processes, TLS, and a server that comes back."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from conformance.claims import eventually
from demo.walk import Walk
from journeys.conftest import organization

pytestmark = pytest.mark.journey
ACCOUNT, REGION = "222222222222", "us-east-1"
SPEC = """
regions: [us-east-1]
organization:
  id: o-channel001
  root: r-abcd
  management: {id: "111111111111", name: hub}
  units:
    - {id: ou-abcd-11111111, name: Workloads, accounts: [{id: "222222222222", name: shop}]}
nodes:
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: shop, channel: control-channel, tags: {Hall: "3"}}
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: press, hybrid: true, tags: {Hall: "3"}, channel: control-channel}
"""
PROGRESS = {"Pending", "InProgress", "Delayed", "Cancelling"}


class Hall:
    """Both nodes, and whoever sends them commands."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        keys = walk.keys(ACCOUNT, REGION)
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        self.ssm = session.client("ssm", endpoint_url=keys["AWS_ENDPOINT_URL"])
        self.ec2 = session.client("ec2", endpoint_url=keys["AWS_ENDPOINT_URL"])

    def send(self, *commands: str) -> str:
        """Send a command to the hall."""
        target = {"Key": "tag:Hall", "Values": ["3"]}
        sent = self.ssm.send_command(Targets=[target], DocumentName="AWS-RunShellScript", Parameters={"commands": list(commands)})
        return str(sent["Command"]["CommandId"])

    def invocations(self, command: str) -> list[dict[str, Any]]:
        """Return what each node says of a command."""
        return list(self.ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"])

    def wait(self, command: str, *statuses: str) -> list[dict[str, Any]]:
        """Wait until both nodes are in one of these states; without any: until they have ended."""

        def is_there(found: list[dict[str, Any]]) -> bool:
            return len(found) == 2 and all(
                one["Status"] in statuses if statuses else one["Status"] not in PROGRESS for one in found
            )

        return eventually(lambda: self.invocations(command), is_there)

    def outputs(self, command: str) -> set[str]:
        """Wait for the end of a command, and return what the nodes wrote."""
        return {str(one["CommandPlugins"][0]["Output"]) for one in self.wait(command)}

    def pings(self) -> dict[str, str]:
        """Return which nodes are online."""
        rows = self.ssm.describe_instance_information()["InstanceInformationList"]
        return {row["InstanceId"]: row["PingStatus"] for row in rows}

    def polls(self) -> int:
        """Count the polls in the server's log of calls."""
        return (self.walk.folder / "state" / "calls.jsonl").read_text().count('"GetMessages"')


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """An organization with both kinds of node, online."""
    with organization(tmp_path, SPEC) as walk:
        found = Hall(walk)
        eventually(found.pings, lambda pings: list(pings.values()) == ["Online"] * 2)
        yield found


def test_commands_go_over_the_channel_and_nothing_is_polled(hall: Hall) -> None:
    """Long output, a cancel and an instance that is stopped and started: all without one GetMessages."""
    assert hall.outputs(hall.send("hostname")) == {"shop\n", "press\n"}
    long = hall.wait(hall.send("seq 20000"))
    for one in long:
        answer = hall.ssm.get_command_invocation(CommandId=one["CommandId"], InstanceId=one["InstanceId"])
        assert (answer["Status"], len(answer["StandardOutputContent"])) == ("Success", 24_000)
    sleeping = hall.send("sleep 600")
    hall.wait(sleeping, "InProgress")
    hall.ssm.cancel_command(CommandId=sleeping)
    assert {one["Status"] for one in hall.wait(sleeping)} == {"Cancelled"}
    instance = next(one["InstanceId"] for one in long if one["InstanceId"].startswith("i-"))
    for change, ping in ((hall.ec2.stop_instances, "ConnectionLost"), (hall.ec2.start_instances, "Online")):
        eventually(partial(change, InstanceIds=[instance]), bool, 60, ("IncorrectInstanceState",))
        eventually(hall.pings, lambda pings, ping=ping: pings[instance] == ping)
    assert hall.outputs(hall.send("hostname")) == {"shop\n", "press\n"}
    assert hall.polls() == 0


def test_the_channel_is_there_again_after_a_restart_of_the_server(hall: Hall) -> None:
    """A document that the end cuts off is reported over the next channel; the same node takes the next command."""
    sleeping = hall.send("sleep 600")
    hall.wait(sleeping, "InProgress")
    hall.walk.down()
    hall.walk.up()
    assert {one["Status"] for one in hall.wait(sleeping)} == {"Failed"}
    assert hall.outputs(hall.send("hostname")) == {"shop\n", "press\n"}
    assert hall.polls() == 0
