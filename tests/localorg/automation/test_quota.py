"""Quotas: 100 at once and 1,000 queued, 25 rate-controlled and 1,000 queued; first come, first served; nothing waits for ever."""

from typing import Any

import pytest
from automation.harness import HUB, Harness, book, step

from localorg.automation.quota import Quota
from localorg.automation.records import Execution, ParentLink, StepRecord
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal

NAP = book(step("nap", "aws:sleep", {"Duration": "PT1H"}), parameters={"Id": {"type": "String", "default": "x"}})
LIMIT = "AutomationExecutionLimitExceededException"


def over(*values: str) -> dict[str, Any]:
    return {"TargetParameterName": "Id", "Targets": [{"Key": "ParameterValues", "Values": list(values)}]}


def counted(house: Harness, status: str) -> int:
    found, token = 0, {}
    while True:
        asked = {"Filters": [{"Key": "ExecutionStatus", "Values": [status]}], **token}
        answer = house.call("DescribeAutomationExecutions", **asked)
        found += len(answer["AutomationExecutionMetadataList"])
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


def test_beyond_the_queue_a_start_is_refused() -> None:
    """Documented: quotas: 100 run and 1,000 wait; that one more is AutomationExecutionLimitExceededException is assumed."""
    house = Harness()
    house.document(NAP)
    for _ in range(1_100):
        house.start()
    assert (counted(house, "InProgress"), counted(house, "Pending")) == (100, 1_000)
    with pytest.raises(AwsError, match=f"{LIMIT}: 1,000 automations wait"):
        house.start()
    house.pass_time(3_600)
    assert (counted(house, "InProgress"), counted(house, "Pending")) == (100, 900)
    house.start()


def test_twenty_five_rate_controlled_run_at_once() -> None:
    """Documented: quotas: 25 rate control automations; a plain one does not wait behind those that wait for that."""
    house = Harness()
    house.document(NAP)
    started = [house.start(**over("a")) for _ in range(27)]
    plain = house.start()
    house.pass_time(10)
    shown = [house.execution(one)["AutomationExecutionStatus"] for one in [*started[24:], plain]]
    assert shown == ["InProgress", "Pending", "Pending", "InProgress"]
    house.pass_time(3_600)
    assert [house.execution(one)["AutomationExecutionStatus"] for one in started[24:]] == ["Success", "InProgress", "InProgress"]


def test_parents_and_children_count_alike() -> None:
    """Documented: quotas: child automations and rate control automations are included."""
    house = Harness()
    house.document(NAP)
    house.start(**over(*(f"n{number}" for number in range(40))), MaxConcurrency="40")
    for _ in range(100):
        house.start()
    house.pass_time(10)
    assert counted(house, "InProgress") == 100


def test_a_target_waits_for_room_in_the_queue() -> None:
    """Assumed: a full queue fails no target."""
    house = Harness()
    house.document(NAP)
    for _ in range(99):
        house.start()
    parent = house.start(**over("a", "b"))
    for _ in range(1_000):
        house.start()
    house.pass_time(10)
    assert house.execution(parent)["ProgressCounters"]["FailedSteps"] == 0
    house.pass_time(40 * 3_600)
    assert house.execution(parent)["AutomationExecutionStatus"] == "Success"


@pytest.mark.parametrize("depth", [1, 2])
def test_parents_that_fill_the_quota_do_not_starve_their_children(depth: int) -> None:
    """Assumed: when all that run wait for children in the queue, the one with the most ancestors is let in."""
    house = Harness()
    house.document(book(step("nap", "aws:sleep", {"Duration": "PT1M"})), "Book0")
    for level in range(depth):
        outer = book(step("run", "aws:executeAutomation", {"DocumentName": f"Book{level}"}))
        house.document(outer, f"Book{level + 1}")
    started = [house.start(name=f"Book{depth}") for _ in range(150)]
    house.pass_time(10)
    assert 100 < counted(house, "InProgress") <= 100 + depth
    house.pass_time(86_400)
    assert {house.execution(one)["AutomationExecutionStatus"] for one in started} == {"Success"}


def test_rate_controlled_parents_do_not_starve_rate_controlled_children() -> None:
    """Assumed: the same holds for the 25."""
    house = Harness()
    house.document(NAP, "Inner")
    inputs = {"DocumentName": "Inner", **over("a", "b")}
    house.document(book(step("run", "aws:executeAutomation", inputs), parameters=NAP["parameters"]), "Outer")
    started = [house.start(name="Outer", **over("x", "y")) for _ in range(30)]
    house.pass_time(30 * 86_400 - 100)
    assert {house.execution(one)["AutomationExecutionStatus"] for one in started} == {"Success"}


def test_each_region_has_a_quota_of_its_own() -> None:
    """Documented: quotas are per account and Region."""
    house = Harness()
    house.document(NAP)
    house.document(NAP, region="eu-west-1")
    for _ in range(101):
        house.start()
    other = house.call("StartAutomationExecution", region="eu-west-1", DocumentName="Runbook")["AutomationExecutionId"]
    house.pass_time(1)
    assert house.execution(other, region="eu-west-1")["AutomationExecutionStatus"] == "InProgress"


def row(name: str, status: str, parent: str = "") -> Execution:
    who = Principal("user", HUB, "arn:x")
    link = ParentLink(HUB, "us-east-1", parent, "s", 1) if parent else None
    return Execution(name, HUB, "us-east-1", "d", "d", "1", "", {}, {}, who, 0.0, status=status, parent=link)


def test_one_that_moves_keeps_the_quota_closed() -> None:
    """The quota opens only when nobody could free a place any more."""
    quota = Quota()
    for number in range(99):
        quota.note(row(f"parent{number}", "InProgress"))
        quota.note(row(f"child{number}", "Pending", f"parent{number}"))
    worker = row("worker", "InProgress")
    quota.note(worker)
    assert not quota.has_room(HUB, "us-east-1", rate_controlled=False)
    assert quota.next_in(HUB, "us-east-1") is None
    quota.note(row("of-worker", "Pending", "worker"))
    assert quota.next_in(HUB, "us-east-1") == "child0"
    worker.status = "Success"
    quota.note(worker)
    assert quota.has_room(HUB, "us-east-1", rate_controlled=True)
    assert quota.next_in(HUB, "us-east-1") == "child0"


def test_executions_are_kept_thirty_days() -> None:
    """Assumed: as commands are; then neither they nor their steps are there any more."""
    house = Harness()
    first = house.start(NAP)
    house.pass_time(86_400)
    second = house.start()
    house.pass_time(29 * 86_400 + 3_000)
    assert house.execution(first)["AutomationExecutionStatus"] == "Success"
    house.pass_time(1_000)
    with pytest.raises(AwsError, match="AutomationExecutionNotFoundException"):
        house.execution(first)
    assert house.execution(second)["AutomationExecutionStatus"] == "Success"
    assert len(house.store.table("ssm.automation-step", StepRecord)) == 1
    house.pass_time(2 * 86_400)
    with pytest.raises(AwsError, match="AutomationExecutionNotFoundException"):
        house.execution(second)
