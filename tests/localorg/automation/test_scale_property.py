"""Runs over targets and over locations whatever happens: limits hold, errors stop, counters add up, every run ends, history repeats."""

import tempfile
from pathlib import Path
from typing import Any

from automation.harness import Harness, book, script, step
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.kernel.amounts import amount
from localorg.kernel.store import Store

CHILD = book(
    step("nap", "aws:sleep", {"Duration": "PT{{ Nap }}S"}),
    script("judge", "if events['v'] == 'bad': raise RuntimeError('bad')\nreturn {}", {"v": "{{ Verdict }}"}),
    parameters={name: {"type": "String"} for name in ("Id", "Nap", "Verdict")},
)
TERMINAL = {"Success", "Failed", "Cancelled", "TimedOut"}
WHOLE = 4_000.0
TICK = 30.0
FLEET = st.lists(st.tuples(st.sampled_from([1, 7, 30, 90]), st.booleans()), min_size=1, max_size=9)
LIMIT = st.sampled_from(["1", "2", "4", "25%", "50%", "100%"])
ERRORS = st.sampled_from(["0", "1", "2", "20%", "100%"])
EVENTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["Cancel", "Complete", "restart", "child"])), max_size=3)


def over_targets(fleet: list[tuple[int, bool]], concurrency: str, errors: str) -> dict[str, Any]:
    maps = [
        {"Id": [f"t{number}"], "Nap": [str(nap)], "Verdict": ["bad" if bad else "good"]}
        for number, (nap, bad) in enumerate(fleet)
    ]
    return {"TargetMaps": maps, "TargetParameterName": "Id", "MaxConcurrency": concurrency, "MaxErrors": errors}


def restarted(house: Harness, path: Path) -> Harness:
    house.kernel.step()  # as the server does: rows never reach the file without what was posted beside them
    house.store.close()
    again = Harness(store=Store(path))
    again.near.documents = house.near.documents
    again.kernel.clock.advance_to(house.kernel.now())
    again.automation.resume()
    return again


def steps_of(house: Harness, execution_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.call("DescribeAutomationStepExecutions", AutomationExecutionId=execution_id)[
        "StepExecutions"
    ]
    return found


def disturbed(house: Harness, path: Path, execution_id: str, what: str) -> Harness:
    if what == "restart":
        return restarted(house, path)
    if house.execution(execution_id)["AutomationExecutionStatus"] in TERMINAL:
        return house
    if what != "child":
        house.call("StopAutomationExecution", AutomationExecutionId=execution_id, Type=what)
        return house
    listed = house.call("DescribeAutomationExecutions", Filters=[{"Key": "ParentExecutionId", "Values": [execution_id]}])
    alive = [one for one in listed["AutomationExecutionMetadataList"] if one["AutomationExecutionStatus"] not in TERMINAL]
    if alive:
        house.call("StopAutomationExecution", AutomationExecutionId=alive[0]["AutomationExecutionId"])
    return house


def lived(
    fleet: list[tuple[int, bool]], concurrency: str, errors: str, events: list[tuple[int, str]]
) -> list[list[dict[str, Any]]]:
    """Run once, and return the steps as they were at each tick."""
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        is_kept = any(what == "restart" for _, what in events)
        house = Harness(store=Store(path) if is_kept else Store())
        house.document(CHILD)
        execution_id = house.start(**over_targets(fleet, concurrency, errors))
        for tick in range(int(WHOLE / TICK)):
            for moment, what in events:
                if moment == tick:
                    house = disturbed(house, path, execution_id, what)
            house.pass_time(TICK)
            seen.append(steps_of(house, execution_id))
            if house.execution(execution_id)["AutomationExecutionStatus"] in TERMINAL:
                break
        made = house.execution(execution_id)
        house.store.close()
    assert made["AutomationExecutionStatus"] in TERMINAL
    counters = made["ProgressCounters"]
    assert sum(counters[name] for name in counters if name != "TotalSteps") == counters["TotalSteps"]
    # A run that is stopped before its targets were asked for has no steps.
    assert counters["TotalSteps"] in (len(fleet), 0 if (0, "Cancel") in events or (0, "Complete") in events else len(fleet))
    return seen


@settings(max_examples=25, deadline=None)
@given(fleet=FLEET, concurrency=LIMIT, errors=ERRORS, events=EVENTS)
def test_limits_hold_and_every_run_ends(
    fleet: list[tuple[int, bool]], concurrency: str, errors: str, events: list[tuple[int, str]]
) -> None:
    """Documented: API StartAutomationExecution, MaxConcurrency and MaxErrors, whatever fails, is stopped or is restarted."""
    seen = lived(fleet, concurrency, errors, events)
    most = max(1, amount(concurrency, len(fleet), "down"))
    for steps in seen:
        running = sum(one["StepStatus"] == "InProgress" for one in steps)
        ended = sum(one["StepStatus"] in TERMINAL and "ExecutionStartTime" in one for one in steps)
        assert running <= min(most, 1 + ended)
    _no_start_after_too_many_errors(seen[-1], amount(errors, len(fleet), "down"))
    assert seen == lived(fleet, concurrency, errors, events)


def _no_start_after_too_many_errors(steps: list[dict[str, Any]], tolerated: int) -> None:
    started = [one for one in steps if "ExecutionStartTime" in one]
    failed = sorted(one["ExecutionEndTime"] for one in started if one["StepStatus"] != "Success")
    if len(failed) > tolerated:
        assert all(one["ExecutionStartTime"] <= failed[tolerated] for one in started)


@settings(max_examples=25, deadline=None)
@given(
    locations=st.lists(
        st.tuples(st.sets(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 2), LIMIT, ERRORS), min_size=1, max_size=3
    ),
    missing=st.sets(st.integers(1, 6), max_size=3),
)
def test_each_location_keeps_its_own_limits(locations: list[tuple[set[int], int, str, str]], missing: set[int]) -> None:
    """Documented: API TargetLocation; each pair runs once, however often it is named."""
    house = Harness()
    house.near.missing_roles = {f"arn:aws:iam::{number:012d}:role/Member" for number in missing}
    content = book(step("nap", "aws:sleep", {"Duration": "PT1M"}))
    asked = [
        {
            "Accounts": [f"{number:012d}" for number in sorted(accounts)],
            "Regions": ["us-east-1", "eu-west-1"][:regions],
            "ExecutionRoleName": "Member",
            "TargetLocationMaxConcurrency": concurrency,
            "TargetLocationMaxErrors": errors,
        }
        for accounts, regions, concurrency, errors in locations
    ]
    pairs = {(account, region): None for one in asked for account in one["Accounts"] for region in one["Regions"]}
    execution_id = house.start(content, TargetLocations=asked)
    for _ in range(40):
        house.pass_time(30)
        running = sum(one["StepStatus"] == "InProgress" for one in steps_of(house, execution_id))
        assert running <= sum(max(1, amount(one["TargetLocationMaxConcurrency"], len(pairs), "up")) for one in asked)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] in {"Success", "Failed"}
    assert [one["StepName"] for one in made["StepExecutions"]] == [f"{account}_{region}" for account, region in pairs]
    failed = [one["StepName"] for one in made["StepExecutions"] if one["StepStatus"] == "Failed"]
    assert all(int(name[:12]) in missing for name in failed)
