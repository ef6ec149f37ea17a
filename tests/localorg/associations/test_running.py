"""Stories of runs: at creation, on schedule, by hand, after an update or a new document version; how they end; restarts."""

from datetime import UTC, datetime

import pytest
from associations.harness import HOME, HUB, MEMBER, RUNBOOK, Harness

from localorg.kernel.errors import AwsError

MONTH_S = 30 * 86400
NOOP = "AWS-NoOpAutomationTarget-Value"


def test_a_run_succeeds_with_its_automation() -> None:
    """Documented: user guide, sysman-state-about: runs at creation. Assumed: OutputSourceType Automation."""
    house = Harness()
    association = house.create()
    house.wait()
    (started,) = house.automation.started
    assert started.principal.arn == f"arn:aws:sts::{HUB}:assumed-role/AWSServiceRoleForAmazonSSM/x"
    assert started.params == {"DocumentName": "Roll", "DocumentVersion": "$DEFAULT", "Parameters": {"name": ["falcon"]}}
    assert house.describe(association)["Overview"] == {"Status": "Pending", "DetailedStatus": "InProgress"}
    (execution,) = house.executions(association)
    assert (execution["Status"], execution["ResourceCountByStatus"]) == ("InProgress", "{InProgress=1}")
    automation = house.automation.end()
    house.wait()
    described = house.describe(association)
    assert described["Overview"] == {
        "Status": "Success",
        "DetailedStatus": "Success",
        "AssociationStatusAggregatedCount": {"Success": 1},
    }
    assert described["LastExecutionDate"] == described["LastSuccessfulExecutionDate"] == described["Date"]
    (execution,) = house.executions(association)
    assert (execution["Status"], execution["ResourceCountByStatus"]) == ("Success", "{Success=1}")
    asked = {"AssociationId": association, "ExecutionId": execution["ExecutionId"]}
    (target,) = house.call("DescribeAssociationExecutionTargets", **asked)["AssociationExecutionTargets"]
    assert target["OutputSource"] == {"OutputSourceId": automation, "OutputSourceType": "Automation"}
    assert (target["ResourceId"], target["Status"]) == (NOOP, "Success")
    none = house.call("DescribeAssociationExecutionTargets", **asked, Filters=[{"Key": "Status", "Value": "Failed"}])
    assert none["AssociationExecutionTargets"] == []


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        ("Failed", "Step fails: no node has it", "Step fails: no node has it"),
        ("TimedOut", "", "TimedOut"),
        ("Cancelled", "", "Cancelled"),
    ],
)
def test_a_failed_automation_is_a_failed_association(status: str, message: str, words: str) -> None:
    """Documented: user guide: the automation's own status counts. Assumed: DetailedStatus carries its failure message."""
    house = Harness()
    association = house.create()
    house.wait()
    house.automation.end(status, message)
    house.wait()
    described = house.describe(association)
    assert described["Overview"] == {
        "Status": "Failed",
        "DetailedStatus": words,
        "AssociationStatusAggregatedCount": {"Failed": 1},
    }
    assert "LastSuccessfulExecutionDate" not in described
    (execution,) = house.executions(association)
    assert (execution["Status"], execution["DetailedStatus"]) == ("Failed", words)


def test_a_start_that_is_refused_is_a_failed_run() -> None:
    """Assumed: what StartAutomationExecution says is shown, and no automation is named."""
    house = Harness()
    house.automation.refusal = AwsError("AutomationExecutionLimitExceededException", "too many")
    association = house.create()
    house.wait()
    (execution,) = house.executions(association)
    assert (execution["Status"], execution["DetailedStatus"]) == ("Failed", "AutomationExecutionLimitExceededException: too many")
    asked = {"AssociationId": association, "ExecutionId": execution["ExecutionId"]}
    (target,) = house.call("DescribeAssociationExecutionTargets", **asked)["AssociationExecutionTargets"]
    assert "OutputSource" not in target


def test_states_in_between_change_nothing() -> None:
    """Assumed: only final states of an automation end a run, and each only once."""
    house = Harness()
    association = house.create()
    house.wait()
    for status in ("InProgress", "Waiting", "Cancelling"):
        house.automation.end(status)
    house.automation.end("Success", execution="somebody-elses")
    house.wait()
    assert house.executions(association)[0]["Status"] == "InProgress"
    house.automation.end("Failed", "first word")
    house.automation.end("Success")
    house.wait()
    assert house.executions(association)[0]["DetailedStatus"] == "first word"


def test_a_new_run_ends_the_one_before() -> None:
    """Documented: user guide, sysman-state-about: the previous association times out and the new one runs."""
    house = Harness()
    association = house.create()
    house.wait()
    (first,) = house.automation.states
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait()
    newest, oldest = house.executions(association)
    assert (newest["Status"], oldest["Status"], oldest["DetailedStatus"]) == ("InProgress", "TimedOut", "TimedOut")
    assert house.automation.stopped == [first]
    house.automation.end("Cancelled", execution=first)
    house.wait()
    assert house.describe(association)["Overview"]["Status"] == "Pending"
    house.automation.stop_refusal = AwsError("NotImplemented", "cannot")
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait()
    assert house.executions(association)[1]["DetailedStatus"] == "TimedOut; its automation goes on, NotImplemented: cannot"


def test_an_update_forgets_what_it_does_not_say_and_runs() -> None:
    """Documented: API UpdateAssociation: "overwrites the association with null values"; example 1 keeps the name."""
    house = Harness()
    schedule = "cron(0 2 ? * SUN *)"
    association = house.create(AssociationName="weekly", ScheduleExpression=schedule, ComplianceSeverity="HIGH")
    house.wait()
    house.automation.end()
    house.wait()
    answer = house.call("UpdateAssociation", AssociationId=association, Parameters={"name": ["eagle"]})["AssociationDescription"]
    assert (answer["AssociationVersion"], answer["Name"], answer["Overview"]["DetailedStatus"]) == ("2", "Roll", "Creating")
    assert not {"AssociationName", "ScheduleExpression", "ComplianceSeverity"} & set(answer)
    house.wait(MONTH_S)
    assert [one.params["Parameters"]["name"] for one in house.automation.started] == [["falcon"], ["eagle"]]
    first, second = house.call("ListAssociationVersions", AssociationId=association)["AssociationVersions"]
    assert (first["AssociationName"], first["ScheduleExpression"], second["Parameters"]) == (
        "weekly",
        schedule,
        {"name": ["eagle"]},
    )
    old = house.call("DescribeAssociation", AssociationId=association, AssociationVersion="1")["AssociationDescription"]
    assert old["Parameters"] == {"name": ["falcon"]}
    for operation in ("UpdateAssociation", "DescribeAssociation"):
        with pytest.raises(AwsError) as caught:
            house.call(operation, AssociationId=association, AssociationVersion="1" if operation == "UpdateAssociation" else "9")
        assert caught.value.code == "InvalidAssociationVersion"


def test_what_describe_shows_can_be_sent_back() -> None:
    """Documented: API UpdateAssociation: call DescribeAssociation and send everything again, its own targets too."""
    house = Harness()
    held = house.describe(house.create(AssociationName="weekly", ScheduleExpression="rate(1 day)", SyncCompliance="AUTO"))
    kept = ("AssociationId", "Name", "AssociationName", "DocumentVersion", "Parameters", "ScheduleExpression", "SyncCompliance")
    house.call("UpdateAssociation", Targets=held["Targets"], **{name: held[name] for name in kept})
    assert {name: house.describe(held["AssociationId"])[name] for name in kept} == {name: held[name] for name in kept}


def test_a_month_of_schedules_is_told_in_a_moment() -> None:
    """Documented: user guide, reference-cron-and-rate-expressions: at creation, and then as scheduled."""
    house = Harness()
    association = house.create(ScheduleExpression="cron(30 4 ? * MON *)")
    start = house.kernel.now()
    house.wait(MONTH_S)
    runs = [one["CreatedTime"] for one in house.executions(association)]
    assert runs[-1] == start
    assert {datetime.fromtimestamp(one, UTC).strftime("%a %H:%M") for one in runs[:-1]} == {"Mon 04:30"}
    assert len(runs) == 5
    newer = house.executions(
        association, Filters=[{"Key": "CreatedTime", "Type": "GREATER_THAN", "Value": "2027-01-20T00:00:00Z"}]
    )
    assert len(newer) == 3
    assert house.executions(association, Filters=[{"Key": "Status", "Type": "EQUAL", "Value": "Success"}]) == []


@pytest.mark.parametrize(
    ("schedule", "only_at_interval", "runs"),
    [
        ("rate(10 days)", False, 4),
        ("cron(0 0 1 * ? *)", True, 1),
        ("at(2027-01-20T00:00:00)", False, 2),
        ("at(2027-01-20T00:00:00)", True, 1),
        ("at(2020-01-01T00:00:00)", False, 1),
        ("at(2020-01-01T00:00:00)", True, 1),
        ("", True, 0),
    ],
)
def test_when_runs_happen_within_a_month(schedule: str, only_at_interval: bool, runs: int) -> None:
    """Documented: API ApplyOnlyAtCronInterval; aws CLI example 3: a date in the past runs at once."""
    house = Harness()
    timing = {"ScheduleExpression": schedule} if schedule else {}
    association = house.create(ApplyOnlyAtCronInterval=only_at_interval, **timing)
    house.wait(MONTH_S)
    assert len(house.executions(association)) == runs


def test_a_new_default_version_of_the_document_runs_it() -> None:
    """Documented: user guide, sysman-state-about: when the document version that it is bound to changes."""
    house = Harness()
    house.create()
    house.create(DocumentVersion="1")
    house.create(ApplyOnlyAtCronInterval=True)
    house.wait()
    changed = {"account": HUB, "region": "eu-west-1", "name": "Roll"}
    for number, status, runs in (("1", "Active", 2), ("2", "Creating", 2), ("2", "Active", 3), ("2", "Active", 3)):
        house.documents.held["Roll"] = ("Automation", RUNBOOK, number, status)
        house.kernel.publish("document.changed", changed)
        house.wait()
        assert len(house.automation.started) == runs
    for other in ({"name": "Other"}, {"account": "222222222222"}, {"region": "us-east-1"}):
        house.documents.held["Roll"] = ("Automation", RUNBOOK, "3", "Active")
        house.kernel.publish("document.changed", {**changed, **other})
    house.wait()
    assert len(house.automation.started) == 3


@pytest.mark.parametrize(
    ("given", "default", "runs"),
    [
        ({"name": ["falcon"], "prefix": ["{{ssm:/team/key}}"]}, "", 2),
        ({"name": ["falcon"], "regions": ["a", "{{ ssm:/team/key:live }}"]}, "", 2),
        ({"name": ["falcon"], "prefix": ["{{ssm:/team/key:3}}"]}, "", 1),
        ({"name": ["falcon"], "prefix": ["{{ssm:/team/keys}}"]}, "", 1),
        ({"name": ["falcon"]}, "{{ ssm:/team/key }}", 2),
        ({"name": ["falcon"], "prefix": ["given"]}, "{{ ssm:/team/key }}", 1),
    ],
)
def test_a_changed_parameter_store_value_runs_what_refers_to_it(given: dict[str, list[str]], default: str, runs: int) -> None:
    """Documented: user guide, sysman-state-about. Assumed: a numbered version never changes, and deleting is no change."""
    house = Harness()
    rules = {**RUNBOOK["parameters"]["prefix"], "default": default, "allowedPattern": ".*"}
    runbook = {**RUNBOOK, "parameters": {**RUNBOOK["parameters"], "prefix": rules}}
    house.documents.held["Roll"] = ("Automation", runbook, "1", "Active")
    association = house.create(Parameters=given)
    house.wait()
    house.automation.end()
    for exists in (True, False):
        house.kernel.publish("parameter.changed", {"account": HUB, "region": HOME, "name": "/team/key", "exists": exists})
    house.kernel.publish("parameter.changed", {"account": MEMBER, "region": HOME, "name": "/team/key", "exists": True})
    house.wait()
    assert len(house.executions(association)) == runs


def test_a_deleted_document_fails_the_next_run() -> None:
    """Assumed: the association stays; its runs say what is missing."""
    house = Harness()
    association = house.create()
    house.wait()
    house.automation.end()
    del house.documents.held["Roll"]
    house.kernel.publish("document.changed", {"account": HUB, "region": "eu-west-1", "name": "Roll"})
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait()
    assert house.executions(association)[0]["DetailedStatus"] == "InvalidDocument: Document with name Roll does not exist."


def test_deleting_ends_the_schedule() -> None:
    """Documented: API DeleteAssociation. Assumed: an automation that is going on goes on."""
    house = Harness()
    association = house.create(ScheduleExpression="rate(1 day)")
    house.wait()
    house.call("DeleteAssociation", AssociationId=association)
    house.automation.end()
    house.wait(MONTH_S)
    assert len(house.automation.started) == 1
    assert house.call("ListAssociations")["Associations"] == []


def test_schedules_and_waiting_runs_outlive_a_restart() -> None:
    """Assumed: rows are the truth: what ended meanwhile is asked for, what is scheduled still happens."""
    first = Harness()
    ended = first.create(ScheduleExpression="rate(1 day)")
    going = first.create()
    first.wait()
    states = dict(first.automation.states)
    one, _ = states
    second = Harness(first.store, first.clock)
    second.automation.states = {**states, one: ("Failed", "while nobody looked")}
    second.associations.resume()
    second.wait()
    assert second.describe(ended)["Overview"]["DetailedStatus"] == "while nobody looked"
    assert second.describe(going)["Overview"]["Status"] == "Pending"
    second.automation.end()
    second.wait(86400)
    assert second.describe(going)["Overview"]["Status"] == "Success"
    assert len(second.executions(ended)) == 2


@pytest.mark.parametrize(("reading", "runs"), [("no", 1), ("yes", 2)])
def test_a_new_node_and_a_runbook(reading: str, runs: int) -> None:
    """Assumed: automation-association-new-nodes: whether a node that Targets take in starts the runbook again."""
    house = Harness(automation_association_new_nodes=reading)
    house.fleet.add(1, Role="web")
    web = [{"Key": "tag:Role", "Values": ["web"]}]
    association = house.create(Targets=web, AutomationTargetParameterName="name", Parameters={})
    house.wait()
    house.automation.end()
    house.fleet.add(2, Role="other")
    house.wait()
    assert len(house.executions(association)) == 1
    house.fleet.add(3, Role="web")
    house.wait()
    house.fleet.come(f"i-{1:017x}")
    house.wait()
    assert len(house.executions(association)) == runs


@pytest.mark.parametrize("word", ["Automation", "AutomationExecution"])
def test_the_word_for_an_automation_as_the_source_of_output(word: str) -> None:
    """Assumed: association-output-source: the OutputSourceType of an execution that ran a runbook."""
    house = Harness(association_output_source=word)
    association = house.create()
    house.wait()
    execution = house.executions(association)[0]["ExecutionId"]
    (target,) = house.call("DescribeAssociationExecutionTargets", AssociationId=association, ExecutionId=execution)[
        "AssociationExecutionTargets"
    ]
    assert target["OutputSource"] == {"OutputSourceId": house.automation.end(), "OutputSourceType": word}


@pytest.mark.parametrize(("reading", "runs"), [("creation", 3), ("last-run", 2)])
def test_from_when_a_rate_counts(reading: str, runs: int) -> None:
    """Assumed: rate-anchor: a run by hand after twenty of thirty minutes puts the next one off, or does not."""
    house = Harness(rate_anchor=reading)
    association = house.create(ScheduleExpression="rate(30 minutes)")
    house.wait(20 * 60)
    house.call("StartAssociationsOnce", AssociationIds=[association])
    house.wait(15 * 60)
    assert len(house.executions(association)) == runs
    house.wait(20 * 60)
    assert len(house.executions(association)) == 3
