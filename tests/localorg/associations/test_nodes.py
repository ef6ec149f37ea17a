"""Stories of Command associations and the nodes that they are for: ordered, kept, caught up with, counted."""

from typing import Any

import pytest
from associations.agents import StockAgent
from associations.harness import HOME, HUB, SCRIPT, Harness

from localorg.kernel.errors import AccessDenied, AwsError

WEB = [{"Key": "tag:Role", "Values": ["web"]}]
DAY_S = 86400.0


def associated(house: Harness, **params: Any) -> str:
    return house.create(**{"Name": "Script", "Parameters": {"word": ["hi"]}, "Targets": WEB, **params})


def targets(house: Harness, association: str, number: int = 0) -> dict[str, str]:
    execution = house.executions(association)[number]["ExecutionId"]
    answer = house.call("DescribeAssociationExecutionTargets", AssociationId=association, ExecutionId=execution)
    return {one["ResourceId"]: one["Status"] for one in answer["AssociationExecutionTargets"]}


def test_nodes_that_are_online_run_a_new_association_at_once() -> None:
    """Documented: user guide, sysman-state-about: runs at creation. Observed: stock agent 3.3.0.0, aws:refreshAssociation."""
    house = Harness()
    web, db = house.fleet.add(1, Role="web"), house.fleet.add(2, Role="db")
    agents = [StockAgent(house, name).start() for name in (web, db)]
    house.wait(1)
    association = associated(house)
    house.wait(1)
    (message,) = house.fleet.sent
    assert (message["instance_id"], message["topic"]) == (web, "aws.ssm.sendCommand.eu-west-1")
    assert house.describe(association)["Overview"]["Status"] == "Pending"
    house.wait(10)
    assert [len(agent.ran) for agent in agents] == [1, 0]
    assert house.describe(association)["Overview"] == {
        "Status": "Success",
        "DetailedStatus": "Success",
        "AssociationStatusAggregatedCount": {"Success": 1},
    }
    (execution,) = house.executions(association)
    assert (execution["Status"], execution["ResourceCountByStatus"]) == ("Success", "{Success=1}")
    asked = {"AssociationId": association, "ExecutionId": execution["ExecutionId"]}
    (target,) = house.call("DescribeAssociationExecutionTargets", **asked)["AssociationExecutionTargets"]
    assert (target["ResourceId"], target["ResourceType"], target["OutputSource"]["OutputSourceType"]) == (
        web,
        "ManagedInstance",
        "RunCommand",
    )
    house.wait(DAY_S)
    assert len(agents[0].ran) == 1


def test_a_new_node_and_a_returning_node_are_caught() -> None:
    """Documented: user guide, sysman-state-about: a node runs what it is a target of when it comes online, and what it missed."""
    house = Harness()
    away = StockAgent(house, house.fleet.add(1, online=False, Role="web"))
    association = associated(house)
    house.wait(60)
    assert targets(house, association) == {away.node: "Pending"}
    away.start()
    house.wait(60)
    new = StockAgent(house, house.fleet.add(2, Role="web")).start()
    house.wait(60)
    assert [len(away.ran), len(new.ran)] == [1, 1]
    assert (targets(house, association, 1), targets(house, association)) == ({away.node: "Success"}, {new.node: "Success"})
    assert house.describe(association)["Overview"]["AssociationStatusAggregatedCount"] == {"Success": 2}


def test_a_node_that_becomes_a_target_is_caught_within_five_minutes() -> None:
    """Observed: the stock agent asks every five minutes; Documented: API CreateAssociation: new nodes of dynamic targets."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="db")).start()
    association = associated(house)
    house.wait(60)
    house.fleet.nodes[agent.node].tags["Role"] = "web"
    house.wait(300)
    assert [identifier for _, identifier in agent.ran] == [association]
    house.fleet.nodes[agent.node].tags["Role"] = "db"
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait(600)
    assert len(agent.ran) == 1


def test_a_missed_run_is_made_up_for_once() -> None:
    """Documented: user guide, sysman-state-about: a node that was offline runs when it is back. Observed: by LastExecutionDate."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web")).start()
    associated(house, ScheduleExpression="cron(0 2 ? * * *)")
    house.wait(2 * DAY_S)
    assert len(agent.ran) == 3
    agent.stop()
    house.wait(3 * DAY_S)
    agent.start()
    house.wait(60)
    assert len(agent.ran) == 4
    house.wait(DAY_S)
    assert len(agent.ran) == 5


def test_with_only_at_interval_nobody_runs_before_the_schedule_says() -> None:
    """Documented: API ApplyOnlyAtCronInterval; new nodes wait for the schedule too."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web")).start()
    association = associated(house, ScheduleExpression="cron(0 2 ? * * *)", ApplyOnlyAtCronInterval=True)
    late = StockAgent(house, house.fleet.add(2, Role="web")).start()
    house.wait(600)
    assert agent.ran == late.ran == []
    house.wait(DAY_S)
    assert [len(agent.ran), len(late.ran)] == [1, 1]
    assert agent.ran[0][0] % DAY_S == 2 * 3600
    assert targets(house, association) == {agent.node: "Success", late.node: "Success"}


def test_a_node_learns_of_another_document_version_before_its_next_run() -> None:
    """Documented: aws CLI example of describe-instance-associations-status: the number. Observed: agents read anew by Checksum."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web")).start()
    association = associated(house, ScheduleExpression="cron(0 2 ? * * *)", ApplyOnlyAtCronInterval=True)
    house.wait(600)
    first = agent.known[association]
    assert (first["DocumentVersion"], house.describe(association)["DocumentVersion"]) == ("1", "$DEFAULT")
    house.documents.held["Script"] = ("Command", SCRIPT, "2", "Active")
    house.kernel.publish("document.changed", {"account": HUB, "region": HOME, "name": "Script"})
    house.wait(600)
    second = agent.known[association]
    assert (second["DocumentVersion"], second["Checksum"] == first["Checksum"], agent.ran) == ("2", False, [])
    (info,) = house.call("DescribeInstanceAssociationsStatus", InstanceId=agent.node)["InstanceAssociationStatusInfos"]
    assert info["DocumentVersion"] == "2"


@pytest.mark.parametrize(
    "asked",
    [
        {"ScheduleExpression": "at(2027-01-20T04:00:00)", "ApplyOnlyAtCronInterval": True},
        {"ScheduleExpression": "cron(0 4 ? * TUE#3 *)", "ScheduleOffset": 1, "ApplyOnlyAtCronInterval": True},
        {"ScheduleExpression": "cron(0 4 20 * ? *)", "ApplyOnlyAtCronInterval": True, "CalendarNames": ["quiet"]},
        {"ScheduleExpression": "cron(0 4 20 * ? *)", "ApplyOnlyAtCronInterval": True, "MaxConcurrency": "1"},
    ],
)
def test_what_agents_do_not_know_the_service_orders(asked: dict[str, Any]) -> None:
    """Observed: the stock agent reads rate(...) and cron(...) only. Assumed: the service then orders each run itself."""
    house = Harness()
    agents = [StockAgent(house, house.fleet.add(number, Role="web")).start() for number in (1, 2)]
    association = associated(house, **asked)
    house.wait(20 * DAY_S)
    assert [[time for time, _ in agent.ran if time % DAY_S - 4 * 3600 < 60] for agent in agents] == [
        [time for time, _ in agent.ran] for agent in agents
    ]
    assert [len(agent.ran) for agent in agents] == [1, 1]
    assert all("ScheduleExpression" not in entry for entry in agents[0].listed())
    assert len(house.executions(association)) == 1


def test_rate_control_lets_so_many_run_and_stops_after_errors() -> None:
    """Documented: API CreateAssociation: MaxConcurrency nodes at a time; sending stops with the error after MaxErrors."""
    house = Harness()
    agents = [StockAgent(house, house.fleet.add(number, Role="web"), ends="Failed").start() for number in range(6)]
    association = associated(house, MaxConcurrency="2", MaxErrors="1")
    house.wait(1)
    assert sum(len(agent.ran) for agent in agents) == 2
    house.wait(120)
    assert sum(len(agent.ran) for agent in agents) == 3
    assert sorted(targets(house, association).values()) == ["Failed"] * 3 + ["Terminated"] * 3
    assert house.describe(association)["Overview"]["Status"] == "Failed"
    steady = [StockAgent(house, house.fleet.add(10 + number, Role="db")).start() for number in range(5)]
    associated(house, Targets=[{"Key": "tag:Role", "Values": ["db"]}], MaxConcurrency="40%")
    house.wait(120)
    assert sorted(round(time - steady[0].ran[0][0]) for agent in steady for time, _ in agent.ran) == [0, 0, 5, 5, 10]


def test_a_closed_calendar_keeps_a_run_back() -> None:
    """Documented: API CalendarNames: associations only run when the calendar is open. Assumed: the run is shown as Skipped."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web")).start()
    house.fleet.calendar = "CLOSED"
    association = associated(house, CalendarNames=["quiet"], ScheduleExpression="rate(1 day)")
    house.wait(600)
    assert agent.ran == []
    assert [(one["Status"], one["DetailedStatus"]) for one in house.executions(association)] == [
        ("Skipped", "the change calendar is CLOSED (quiet)")
    ]
    house.fleet.calendar = "OPEN"
    house.wait(DAY_S)
    assert len(agent.ran) >= 1


def test_an_edit_runs_at_once_and_tells_a_new_checksum() -> None:
    """Documented: API UpdateAssociation. Observed: the stock agent reads the document anew when Checksum changes."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web")).start()
    association = associated(house, ScheduleExpression="rate(1 day)")
    house.wait(60)
    (before,) = agent.listed()
    house.call("UpdateAssociation", AssociationId=association, Targets=WEB, Parameters={"word": ["ho"]})
    house.wait(60)
    (after,) = agent.listed()
    assert before["Checksum"] != after["Checksum"]
    assert (after["AssociationVersion"], after["Parameters"], len(agent.ran)) == ("2", {"word": ["ho"]}, 2)
    assert "ScheduleExpression" not in after
    kind, content, _, status = house.documents.held["Script"]
    house.documents.held["Script"] = (kind, content, "2", status)
    house.kernel.publish("document.changed", {"account": "111111111111", "region": "eu-west-1", "name": "Script"})
    house.wait(60)
    assert len(agent.ran) == 3


def test_a_new_run_times_the_earlier_one_out() -> None:
    """Documented: user guide, sysman-state-about: the previous association times out and the new one runs."""
    house = Harness()
    away = house.fleet.add(1, online=False, Role="web")
    association = associated(house)
    house.wait(1)
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait(1)
    assert (targets(house, association, 1), targets(house, association)) == ({away: "TimedOut"}, {away: "Pending"})
    agent = StockAgent(house, away).start()
    house.wait(60)
    assert len(agent.ran) == 1
    assert targets(house, association) == {away: "Success"}


def test_duration_ends_what_is_not_done() -> None:
    """Documented: API Duration, with ApplyOnlyAtCronInterval. Assumed: agents finish unheard what they have begun."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web"), works_s=7200).start()
    away = house.fleet.add(2, online=False, Role="web")
    association = associated(house, ScheduleExpression="cron(0 4 ? * * *)", ApplyOnlyAtCronInterval=True, Duration=1)
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait(3700)
    assert targets(house, association) == {agent.node: "Cancelled", away: "Cancelled"}
    house.wait(7200)
    assert targets(house, association)[agent.node] == "Cancelled"


def test_a_node_speaks_for_itself_only() -> None:
    """Assumed: an agent that claims to be another node is refused; statuses that no agent says are too."""
    house = Harness()
    agent, other = StockAgent(house, house.fleet.add(1, Role="web")), house.fleet.add(2)
    association = associated(house)
    with pytest.raises(AccessDenied):
        agent.call("ListInstanceAssociations", InstanceId=other)
    with pytest.raises(
        AwsError, match="Status must be one of Failed, InProgress, Pending, Skipped, Success, TimedOut; found 'Fine'"
    ):
        agent.say(association, "Fine")
    with pytest.raises(AwsError, match="AssociationDoesNotExist"):
        agent.say(house.create(), "Success")


def test_people_see_a_nodes_associations() -> None:
    """Documented: API DescribeEffectiveInstanceAssociations, DescribeInstanceAssociationsStatus."""
    house = Harness()
    agent = StockAgent(house, house.fleet.add(1, Role="web"), ends="Failed").start()
    association = associated(house, AssociationName="greeting")
    (info,) = house.call("DescribeInstanceAssociationsStatus", InstanceId=agent.node)["InstanceAssociationStatusInfos"]
    assert (info["Status"], info["DetailedStatus"]) == ("Pending", "Associated")
    house.wait(60)
    (info,) = house.call("DescribeInstanceAssociationsStatus", InstanceId=agent.node)["InstanceAssociationStatusInfos"]
    assert (info["AssociationId"], info["Status"], info["AssociationName"], info["ExecutionSummary"]) == (
        association,
        "Failed",
        "greeting",
        "Failed",
    )
    (effective,) = house.call("DescribeEffectiveInstanceAssociations", InstanceId=agent.node)["Associations"]
    assert effective["AssociationId"] == association
    assert "aws:runShellScript" in effective["Content"]
    for operation in ("DescribeEffectiveInstanceAssociations", "DescribeInstanceAssociationsStatus"):
        with pytest.raises(AwsError, match="InvalidInstanceId"):
            house.call(operation, InstanceId="i-00000000000000009")


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("InstanceIds", ["i-00000000000000001"], [1]),
        ("InstanceIds", ["*"], [1, 2, 3]),
        ("instanceids", ["mi-00000000000000002"], [2]),
        ("tag:Role", ["web", "db"], [1, 2]),
        ("tag-key", ["Owner"], [2, 3]),
        ("resource-groups:Name", ["fleet"], [1, 3]),
        ("resource-groups:Name", ["gone"], []),
    ],
)
def test_every_form_of_target(key: str, values: list[str], expected: list[int]) -> None:
    """Documented: user guide, systems-manager-state-manager-targets-and-rate-controls."""
    house = Harness()
    nodes = [
        house.fleet.add(1, Role="web"),
        house.fleet.add(2, kind="mi", Role="db", Owner="x"),
        house.fleet.add(3, Owner="y"),
    ]
    house.fleet.groups["fleet"] = [nodes[0], nodes[2]]
    association = associated(house, Targets=[{"Key": key, "Values": values}])
    house.wait(1)
    assert list(targets(house, association)) == [nodes[number - 1] for number in expected]


def test_all_targets_must_fit() -> None:
    """Documented: API Targets: keys are AND-ed. Assumed: an execution that finds nobody ends at once."""
    house = Harness()
    node = house.fleet.add(1, Role="web", Stage="one")
    house.fleet.add(2, Role="web", Stage="two")
    both = associated(house, Targets=[*WEB, {"Key": "tag:Stage", "Values": ["one"]}])
    none = associated(house, Targets=[*WEB, {"Key": "tag:Stage", "Values": ["three"]}])
    house.wait(1)
    assert list(targets(house, both)) == [node]
    assert house.executions(none)[0]["DetailedStatus"] == "NoInstancesInTag"


def test_nobody_waits_for_a_node_that_is_gone() -> None:
    """Assumed: a terminated or deregistered node's open part is Cancelled, and it is counted no longer."""
    house = Harness()
    agent, away = StockAgent(house, house.fleet.add(1, Role="web")).start(), house.fleet.add(2, online=False, Role="web")
    association = associated(house)
    house.wait(60)
    assert house.describe(association)["Overview"]["AssociationStatusAggregatedCount"] == {"Success": 1, "Pending": 1}
    house.fleet.go(away)
    house.wait(1)
    assert house.describe(association)["Overview"]["AssociationStatusAggregatedCount"] == {"Success": 1}
    assert targets(house, association) == {agent.node: "Success", away: "Cancelled"}
    assert house.executions(association)[0]["Status"] == "Cancelled"
    house.fleet.go(agent.node)
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait(1)
    assert house.executions(association)[0]["DetailedStatus"] == "NoInstancesInTag"


def test_orders_outlive_a_restart() -> None:
    """Assumed: an order stands in rows until the node begins."""
    house = Harness()
    away = house.fleet.add(1, online=False, Role="web")
    association = associated(house)
    house.wait(1)
    later = Harness(house.store, house.clock)
    later.fleet.nodes = house.fleet.nodes
    later.associations.resume()
    agent = StockAgent(later, away).start()
    later.wait(60)
    assert len(agent.ran) == 1
    assert targets(later, association) == {away: "Success"}
