"""Runbooks of strangers: the shapes that public runbooks have (restart, stop, approve, patch by platform, remediate a finding, support
checks, loops, change windows, stacks), written anew for these tests. They can be created, and they run to the end that is meant."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from automation.harness import HUB, REGION, Harness, statuses
from automation.outside import ONE, TWO, House
from automation.people import BOSS, DEPUTY, signal

from localorg.automation.checks import check_runbook
from localorg.protocol.calls import Output

SHELF = Path(__file__).parent / "strangers"
ROLE = f"arn:aws:iam::{HUB}:role/Automation"


def content(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SHELF / f"{name}.yaml").read_text())
    return found


def ran(name: str, parameters: dict[str, list[str]], house: Harness | None = None) -> Output:
    given: dict[str, Any] = {"Parameters": parameters} if parameters else {}
    return (house or House()).run(content(name), **given)


@pytest.mark.parametrize("path", sorted(SHELF.glob("*.yaml")), ids=lambda path: path.stem)
def test_they_can_be_created(path: Path) -> None:
    """Documented: the pages of the actions and of schema 0.3."""
    assert check_runbook(yaml.safe_load(path.read_text())) == []


def test_restart() -> None:
    """Two changes of state, one after the other, as the assumed role."""
    house = House()
    made = ran("restart_instances", {"InstanceId": [ONE, TWO], "AutomationAssumeRole": [ROLE]}, house)
    assert made["Outputs"] == {"startInstances.InstanceStates": ["running", "running"]}
    assert house.near.assumed == [("ssm.amazonaws.com", ROLE)]


def test_a_stop_that_takes_too_long_is_forced() -> None:
    """A time-out that is no end, since onFailure is Continue."""
    made = ran("stop_then_force", {"InstanceId": [ONE]})
    assert made["AutomationExecutionStatus"] == "Success"
    assert statuses(made) == {"stopInstances": "TimedOut", "forceStopInstances": "Success"}


def test_two_people_let_it_stop() -> None:
    """Approvers and their number come by parameters."""
    house = House()
    given = {"InstanceId": [ONE], "Approvers": ["boss", DEPUTY.role_arn]}
    found = house.start(content("stop_with_approval"), Parameters=given)
    house.pass_time(1)
    signal(house, found, "Approve", BOSS)
    signal(house, found, "Approve", DEPUTY)
    house.pass_time(60)
    made = house.execution(found)
    assert (made["AutomationExecutionStatus"], made["Outputs"]["approve.ApprovalStatus"]) == ("Success", ["Approved"])


@pytest.mark.parametrize(
    ("platform", "version", "way", "status"),
    [
        ("Linux", "22.04", "patchLinux", "Success"),
        ("Windows", "10", "patchWindows", "Success"),
        ("MacOS", "14", "unknown", "Failed"),
    ],
)
def test_patched_as_its_platform_wants(platform: str, version: str, way: str, status: str) -> None:
    """One branch of three, each with its own end."""
    house = House()
    house.near.nodes[HUB, REGION] = [ONE]
    house.near.node_facts[ONE] = {"PlatformType": platform, "PlatformVersion": version}
    found = house.start(content("patch_by_platform"), Parameters={"InstanceId": [ONE]})
    house.pass_time(1)
    for command_id in house.near.commands:
        house.near.end_command(command_id, "Success")
    house.pass_time(1)
    made = house.execution(found)
    assert made["AutomationExecutionStatus"] == status
    assert [one for one, how in statuses(made).items() if how != "Pending"] == ["getPlatform", "chooseOs", way]


FINDING = """{"Id": "f-1", "ProductArn": "arn:aws:p", "AwsAccountId": "111111111111", "ControlId": "S3.2",
 "Resources": [{"Id": "arn:aws:s3:::my-bucket"}]}"""


def test_a_finding_is_remediated() -> None:
    """A StringMap in, a script that takes it apart, a second runbook as another role, a note."""
    house = House()
    house.document(content("disable_public_access"), "DisablePublicAccess")
    made = ran("remediate_finding", {"Finding": [FINDING], "AutomationAssumeRole": [ROLE]}, house)
    assert made["Outputs"]["UpdateFinding.Note"] == ["f-1 resolved for arn:aws:s3:::my-bucket by 1 outputs"]
    wrong = ran("remediate_finding", {"Finding": [FINDING.replace("S3.2", "S3.9")], "AutomationAssumeRole": [ROLE]}, house)
    assert "wrong control" in wrong["FailureMessage"]


@pytest.mark.parametrize(("expected", "report"), [("running", "reportFine.Report"), ("stopped", "reportWrong.Report")])
def test_support_checks_report_whatever_they_find(expected: str, report: str) -> None:
    """A failed check that is not critical leads to its own report, and the whole succeeds."""
    made = ran("support_checks", {"InstanceId": [ONE], "Expected": [expected]})
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["Outputs"][report] == ["fine" if expected == "running" else "not stopped"]


def test_a_loop_with_branches_and_variables() -> None:
    """What is not running is passed over, and the variables outlive the passes."""
    house = House()
    house.ec2("StopInstances", TWO)
    house.pass_time(60)
    made = ran("loop_over_instances", {"Targets": [ONE, TWO]}, house)
    assert made["Outputs"] == {"tell.Text": [f"1 run; {TWO} was stopped"]}


def test_try_again_until_it_is_done() -> None:
    """A do-while loop with a rest in each pass."""
    made = ran("try_until_ready", {})
    assert made["Outputs"] == {"count.n": ["3"]}


@pytest.mark.parametrize("at", [10.0, 4_000.0])
def test_a_change_window_cleans_up_when_it_is_called_off(at: float) -> None:
    """Cancelled while it sleeps, and while it waits for a person."""
    house = House()
    found = house.start(content("change_window"), Parameters={"WindowStart": ["2027-01-15T09:00:00Z"]})
    house.pass_time(at)
    house.call("StopAutomationExecution", AutomationExecutionId=found)
    house.pass_time(1)
    made = house.execution(found)
    assert (made["AutomationExecutionStatus"], made["Outputs"]) == ("Cancelled", {"cleanUp.cleaned": ["true"]})


def test_a_change_window_that_is_let_through() -> None:
    """The clean-up is also the last step of the good way."""
    house = House()
    found = house.start(content("change_window"), Parameters={"WindowStart": ["2027-01-15T09:00:00Z"]})
    house.pass_time(4_000)
    signal(house, found, "Resume", StepName="lastLook")
    assert house.execution(found)["AutomationExecutionStatus"] == "Success"


def test_send_and_wait() -> None:
    """A command by its API calls alone."""
    house = House()
    found = house.start(content("send_and_wait"), Parameters={"Instances": [ONE], "Lines": ["date", "uptime"]})
    house.pass_time(30)
    house.near.end_command(*house.near.commands, "Failed")
    house.pass_time(30)
    assert house.execution(found)["Outputs"] == {"ask.Error": ["node-token-42\n"]}
    assert house.near.sent[0][1]["Parameters"] == {"commands": ["date", "uptime"]}


@pytest.mark.parametrize(
    ("resource", "keep", "dropped"), [(ONE, "true", False), (ONE, "false", True), ("i-0000000000000000f", "true", True)]
)
def test_a_stack_is_kept_or_taken_away(resource: str, keep: str, dropped: bool) -> None:
    """A branch on a Boolean, and a way for the failure."""
    made = ran("stack_with_tags", {"StackName": ["s"], "Resources": [resource], "Keep": [keep]})
    assert made["StepExecutions"][0]["StepStatus"] == "Success"
    assert (statuses(made)["drop"] == "Success") is dropped
