"""Histories: any order of edits, starts, restarts and waiting keeps rows consistent, and every due run happens exactly once."""

from collections import Counter
from typing import Any

from associations.agents import StockAgent, next_after
from associations.harness import HUB, Harness
from hypothesis import given, settings
from hypothesis import strategies as st

DAY_S = 86400.0
SCHEDULES = (
    "cron(0 2 ? * * *)",
    "cron(30 */8 ? * * *)",
    "cron(15 4 1/1 * ? *)",
    "rate(30 minutes)",
    "rate(7 hours)",
    "rate(2 days)",
)
WEB = [{"Key": "tag:Role", "Values": ["web"]}]
waits = st.tuples(st.just("wait"), st.floats(60.0, DAY_S))
orders = st.sampled_from([("start", 0.0), ("restart", 0.0), ("update", 0.0)])
histories = st.lists(st.one_of(waits, orders), min_size=1, max_size=8)


def check_rows(house: Harness) -> None:
    """What the rows of one association say must agree with each other."""
    for association in house.call("ListAssociations")["Associations"]:
        identifier = association["AssociationId"]
        versions = house.call("ListAssociationVersions", AssociationId=identifier)["AssociationVersions"]
        assert [one["AssociationVersion"] for one in versions] == [str(number + 1) for number in range(len(versions))]
        assert association["AssociationVersion"] == versions[-1]["AssociationVersion"]
        for execution in house.executions(identifier):
            asked = {"AssociationId": identifier, "ExecutionId": execution["ExecutionId"]}
            targets = house.call("DescribeAssociationExecutionTargets", **asked)["AssociationExecutionTargets"]
            counts = Counter(one["Status"] for one in targets)
            shown = dict(part.split("=") for part in execution["ResourceCountByStatus"].strip("{}").split(", "))
            assert {status: int(count) for status, count in shown.items() if int(count)} == dict(counts)
            going = {"Pending", "InProgress"} & set(counts)
            assert bool(going) == (execution["Status"] in ("Pending", "InProgress")), (execution, counts)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(SCHEDULES), histories)
def test_every_due_run_of_a_runbook_happens_once(schedule: str, history: list[tuple[str, float]]) -> None:
    """Documented: user guide: at creation, after an edit, by hand, on schedule. Assumed: a rate counts from the last edit."""
    house = Harness()
    association = house.create(ScheduleExpression=schedule)
    house.wait()
    expected, anchor, counted = 1, house.kernel.now() - 1.0, house.kernel.now()
    started = len(house.automation.started)
    assert started == 1
    for order, seconds in history:
        if order == "start":
            house.call("StartAssociationsOnce", AssociationIds=[association])
            expected += 1
        elif order == "update":
            house.call(
                "UpdateAssociation", AssociationId=association, ScheduleExpression=schedule, Parameters={"name": ["eagle"]}
            )
            expected, anchor, counted = expected + 1, house.kernel.now(), house.kernel.now()
        elif order == "restart":
            before = house.automation
            house = Harness(house.store, house.clock)
            house.automation.states, house.automation.started = before.states, before.started
            house.associations.resume()
        house.wait(max(seconds, 1.0))
        due = next_due(schedule, counted, anchor)
        while due <= house.kernel.now():
            expected, counted = expected + 1, due
            due = next_due(schedule, counted, anchor)
        assert len(house.automation.started) == expected
        check_rows(house)


def next_due(schedule: str, moment: float, anchor: float) -> float:
    """The first time after `moment`; a rate counts from `anchor`."""
    if schedule.startswith("cron"):
        return next_after(schedule, moment)
    due = next_after(schedule, anchor)
    while due <= moment:
        due = next_after(schedule, due)
    return due


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from([*SCHEDULES, ""]),
    st.sampled_from([{}, {"MaxConcurrency": "1"}, {"CalendarNames": ["open"]}]),
    st.lists(st.one_of(waits, st.sampled_from([("start", 0.0), ("update", 0.0), ("off", 0.0), ("on", 0.0)])), max_size=8),
)
def test_nodes_run_no_association_twice_for_one_reason(
    schedule: str, more: dict[str, Any], history: list[tuple[str, float]]
) -> None:
    """Assumed: a node that is online runs once per reason, one that was away once for all reasons that it missed; rows agree."""
    house = Harness()
    agents = [StockAgent(house, house.fleet.add(number, Role="web"), asks_every_s=1800.0).start() for number in (1, 2)]
    asked = {"Targets": WEB, **more, **({"ScheduleExpression": schedule} if schedule else {})}
    association = house.create(Name="Script", Parameters={}, **asked)
    house.wait(600)
    reasons = 1
    for order, seconds in history:
        if order == "start":
            house.call("StartAssociationsOnce", AssociationIds=[association])
        elif order == "update":
            house.call("UpdateAssociation", AssociationId=association, **asked)
        elif order == "off":
            agents[1].stop()
        elif order == "on" and not agents[1].alive:
            agents[1].start()
        reasons += order in ("start", "update")
        house.wait(max(seconds, 600.0))
        check_rows(house)
    passed = house.kernel.now() - agents[0].ran[0][0]
    most = reasons + (passed // shortest(schedule) + 1 if schedule else 0)
    assert reasons <= len(agents[0].ran) <= most
    assert len(agents[1].ran) <= most
    times = [time for time, _ in agents[0].ran]
    assert len(set(times)) == len(times)


def shortest(schedule: str) -> float:
    """The shortest time between two runs of a schedule."""
    return {"cron(0 2 ? * * *)": DAY_S, "cron(30 */8 ? * * *)": DAY_S / 3, "cron(15 4 1/1 * ? *)": DAY_S}.get(
        schedule, next_after(schedule, 0.0) if schedule else DAY_S
    )


def month(seed: int) -> list[Any]:
    """A month of five associations on four nodes that come and go; returns everything that is shown at its end."""
    house = Harness()
    house.kernel.dice.seed(seed)
    agents = [
        StockAgent(house, house.fleet.add(number, Role="web"), works_s=1.0 + number, asks_every_s=3600.0) for number in range(4)
    ]
    for agent in agents[:3]:
        agent.start()
    made = [
        house.create(ScheduleExpression="cron(0 3 ? * * *)"),
        house.create(Name="Script", Parameters={}, Targets=WEB, ScheduleExpression="rate(12 hours)"),
        house.create(Name="Script", Parameters={}, Targets=WEB, ScheduleExpression="cron(0 2 ? * * *)", MaxConcurrency="50%"),
        house.create(
            Name="Script", Parameters={}, Targets=WEB, ScheduleExpression="cron(0 4 ? * TUE *)", ApplyOnlyAtCronInterval=True
        ),
        house.create(Name="Script", Parameters={}, Targets=WEB),
    ]
    for _ in range(30):
        house.wait(DAY_S)
        someone = house.kernel.dice.choice(agents)
        (someone.stop if someone.alive else someone.start)()
    check_rows(house)
    return [(identifier, house.describe(identifier), house.executions(identifier)) for identifier in made]


def test_the_same_seed_tells_the_same_month() -> None:
    """Assumed: a month of schedules is told within seconds, and depends on nothing but the seed."""
    first = month(7)
    assert first == month(7)
    assert first != month(8)
    nightly, half_daily, controlled, tuesdays, once = (len(executions) for _, _, executions in first)
    assert (nightly, controlled) == (31, 31)
    assert 4 <= tuesdays <= 16, "a node that was away makes up for its run in an execution of its own"
    assert 30 <= half_daily <= 70, "nodes keep this schedule themselves, and come and go"
    assert once >= 1
    assert HUB == "111111111111"
