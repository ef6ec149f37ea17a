"""The article from "Invoking the solution" to "Adding a package version", typed as it stands into the aws CLI."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.association import AssociationCall
from localorg.server.simulation.organization import Simulation
from seed.people import ADD, ADMINISTRATION, DISTRIBUTE, aws
from simulation.solution import BUCKET, HUB, LAB, NAME, REGIONS, SHOP, UNIT, Operator, Packages, spec, why

pytestmark = pytest.mark.xdist_group("seed-walkthrough")
ROLE = f"arn:aws:iam::{HUB}:role/{ADMINISTRATION}"


class Reader:
    """Somebody who reads the article and types what it says."""

    def __init__(self, simulation: Simulation, operator: Operator) -> None:
        self.simulation, self.operator = simulation, operator
        self.association = ""

    def aws(self, *words: str, account: str = "", region: str = "") -> dict[str, Any]:
        return aws(self.simulation, words, account, region)

    def upload(self, version: str, prefix: str = "") -> None:
        """Put a version's files where the previous ones are."""
        s3 = self.simulation.client("s3")
        for name, content in self.operator.packages.sealed(version).items():
            s3.put_object(Bucket=BUCKET, Key=prefix + name, Body=content)

    def call(self, version: str, **changes: Any) -> AssociationCall:
        return AssociationCall([UNIT], REGIONS, NAME, version, ROLE, BUCKET, **changes)

    def associate(self, call: AssociationCall, *more: str) -> dict[str, Any]:
        """Run the article's command, and return the run that it starts, when it has ended."""
        before = self.operator.run_ids()
        made = self.aws(*call.command(), *more)["AssociationDescription"]
        self.association = made["AssociationId"]
        return self.next_run(before)

    def update(self, call: AssociationCall, *more: str) -> dict[str, Any]:
        """Edit the association as "Adding a package version" says, and return the run that this starts."""
        before = self.operator.run_ids()
        association = ("--association-id", self.association, "--association-name", "csd-association", "--name", ADD)
        self.aws("ssm", "update-association", *association, "--parameters", call.parameters(), *more)
        return self.next_run(before)

    def next_run(self, before: set[str]) -> dict[str, Any]:
        self.simulation.until(lambda: self.operator.run_ids() - before, within_s=600)
        (fresh,) = self.operator.run_ids() - before
        return self.operator.ended_run(fresh)


@pytest.fixture(scope="module")
def reader(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody who has come as far as the State Manager association: it is created, and its first run has ended."""
    with Simulation(spec(), tmp_path_factory.mktemp("walkthrough")) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        reader = Reader(simulation, operator)
        reader.upload("1.0.0")
        run = reader.associate(reader.call("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        yield reader


def test_the_command_of_the_article_runs_at_once(reader: Reader) -> None:
    """The article: fill in the words in capitals and run the command in the management account; it is invoked once, right away.

    `{ADDITIONAL_ARGUMENTS}` filled with nothing is `{}`, and a bucket without prefix makes the prefix an empty text.
    """
    described = reader.aws("ssm", "describe-association", "--association-id", reader.association)["AssociationDescription"]
    assert (described["Name"], described["AssociationName"]) == (ADD, "csd-association")
    assert (described["Parameters"]["additionalArguments"], described["Parameters"]["bucketPrefix"]) == (["{}"], [""])
    assert (described["ApplyOnlyAtCronInterval"], "ScheduleExpression" in described) == (False, False)
    assert described["Overview"]["Status"] == "Success"
    assert set(reader.operator.markers().values()) == {"1.0.0"}
    runs = reader.operator.run_ids()
    reader.simulation.run_for(3600)
    assert reader.operator.run_ids() == runs


def test_both_executions_are_in_the_hubs_console(reader: Reader) -> None:
    """The article, Figures 2 and 3: Automation shows the newest execution of both documents, and the details of the roll-out."""
    prefix = {"Key": "DocumentNamePrefix", "Values": ["CSD-"]}
    ssm = reader.simulation.client("ssm")
    rows = ssm.describe_automation_executions(Filters=[prefix])["AutomationExecutionMetadataList"]
    hub = {row["DocumentName"]: row for row in rows if row["AutomationExecutionStatus"] == "Success"}
    assert set(hub) == {ADD, DISTRIBUTE}
    assert hub[ADD]["AutomationType"] == "Local"
    assert hub[DISTRIBUTE]["AutomationType"] == "CrossAccount"
    assert hub[DISTRIBUTE]["ParentAutomationExecutionId"] == hub[ADD]["AutomationExecutionId"]
    one = [{"Key": "ParentExecutionId", "Values": [hub[ADD]["AutomationExecutionId"]]}]
    (child,) = ssm.describe_automation_executions(Filters=one)["AutomationExecutionMetadataList"]
    assert child["AutomationExecutionId"] == hub[DISTRIBUTE]["AutomationExecutionId"]
    detail = ssm.get_automation_execution(AutomationExecutionId=child["AutomationExecutionId"])["AutomationExecution"]
    assert sorted(step["StepName"] for step in detail["StepExecutions"]) == [
        f"{a}_{r}" for a in (SHOP, LAB) for r in sorted(REGIONS)
    ]
    assert {step["StepStatus"] for step in detail["StepExecutions"]} == {"Success"}
    assert (detail["TargetLocations"][0]["Accounts"], sorted(detail["TargetLocations"][0]["Regions"])) == (
        [UNIT],
        sorted(REGIONS),
    )
    assert detail["ProgressCounters"]["SuccessSteps"] == 4


def test_the_execution_of_a_member_is_in_the_members_console(reader: Reader) -> None:
    """What the roll-out's details link to: the member's own execution in its Region, with its steps."""
    ssm = reader.simulation.client("ssm", SHOP, "eu-west-1")
    narrowed = [{"Key": "DocumentNamePrefix", "Values": [DISTRIBUTE]}, {"Key": "ExecutionStatus", "Values": ["Success"]}]
    (row,) = ssm.describe_automation_executions(Filters=narrowed)["AutomationExecutionMetadataList"]
    assert (
        ssm.describe_automation_executions(Filters=[{"Key": "ExecutionStatus", "Values": ["Failed"]}])[
            "AutomationExecutionMetadataList"
        ]
        == []
    )
    steps = ssm.describe_automation_step_executions(AutomationExecutionId=row["AutomationExecutionId"])["StepExecutions"]
    assert [step["StepName"] for step in steps if step["StepStatus"] == "Success"] == [
        *("prepareCommand", "isAnyNodeHere", "sendCommand", "howManyCommands", "waitForCommand", "judgeCommand"),
    ]


def test_the_commands_and_their_outputs_are_in_the_members_console(reader: Reader) -> None:
    """The article, Figures 4 and 5: Run Command's history has each invocation with its status, and an output for both steps."""
    for account, region, name in ((SHOP, "us-east-1", "shop-us"), (SHOP, "eu-west-1", "shop-eu"), (LAB, "us-east-1", "lab-us")):
        node = reader.simulation.nodes[name].instance_id
        (command,) = reader.aws("ssm", "list-commands", account=account, region=region)["Commands"]
        assert (command["DocumentName"], command["Status"]) == ("AWS-ConfigureAWSPackage", "Success")
        assert (command["TargetCount"], command["CompletedCount"], command["ErrorCount"]) == (1, 1, 0)
        listed = ("ssm", "list-command-invocations", "--command-id", command["CommandId"], "--details")
        (invocation,) = reader.aws(*listed, account=account, region=region)["CommandInvocations"]
        assert (invocation["InstanceId"], invocation["Status"]) == (node, "Success")
        plugins = {plugin["Name"]: plugin for plugin in invocation["CommandPlugins"]}
        assert list(plugins) == ["createDownloadFolder", "configurePackage"]
        assert {plugin["Status"] for plugin in plugins.values()} == {"Success"}
        assert "Step execution skipped due to unsatisfied preconditions" in plugins["createDownloadFolder"]["Output"]
        assert f"Successfully installed arn:aws:ssm:{region}:{HUB}:document/{NAME} 1.0.0" in plugins["configurePackage"]["Output"]
        asked = ("--command-id", command["CommandId"], "--instance-id", node, "--plugin-name", "configurePackage")
        found = reader.aws("ssm", "get-command-invocation", *asked, account=account, region=region)
        assert (found["Status"], found["StandardOutputContent"]) == ("Success", plugins["configurePackage"]["Output"])


def test_a_version_is_added_beside_the_previous_one(reader: Reader) -> None:
    """The article: upload the new version where the previous one is, then update the association with the manifest's version.

    update-association, as AWS says of it, forgets what it is not given: the whole call is repeated. Going back is the same with the
    older version's files.
    """
    for version in ("1.1.0", "1.0.0"):
        reader.upload(version)
        run = reader.update(reader.call(version), "--no-apply-only-at-cron-interval")
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert set(reader.operator.markers().values()) == {version}
    described = reader.aws("ssm", "describe-association", "--association-id", reader.association)["AssociationDescription"]
    assert described["AssociationVersion"] == "3"
    versions = reader.aws("ssm", "list-document-versions", "--name", NAME)["DocumentVersions"]
    assert [one["VersionName"] for one in versions if one["IsDefaultVersion"]] == ["1.0.0"]


def test_another_version_than_the_manifests_is_told(reader: Reader) -> None:
    """The article: the version must be the same as in manifest.json; another one ends with both versions in one sentence."""
    run = reader.update(reader.call("2.0.0"), "--no-apply-only-at-cron-interval")
    assert run["AutomationExecutionStatus"] == "Failed"
    assert "says version '1.0.0', asked for '2.0.0': they must be equal" in run["FailureMessage"]
    assert set(reader.operator.markers().values()) == {"1.0.0"}


def test_an_update_without_more_runs_at_once_too(reader: Reader) -> None:
    """Documented: UpdateAssociation API: the association runs immediately, unless it is told to wait for its schedule."""
    run = reader.update(reader.call("1.0.0", action="Uninstall"))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert set(reader.operator.markers().values()) == {""}


def times(reader: Reader, before: set[str]) -> list[datetime]:
    """Return when the runs began that were not there before, in order and to the minute."""
    fresh = [run["ExecutionStartTime"] for run in reader.operator.runs() if run["AutomationExecutionId"] not in before]
    return sorted(moment.astimezone(UTC).replace(second=0, microsecond=0) for moment in fresh)


def test_it_runs_on_a_schedule(reader: Reader) -> None:
    """The article: with --schedule-expression it runs on a schedule, by a rate or by the clock; and at once as well."""
    before = reader.operator.run_ids()
    for schedule, hours in (("rate(2 hours)", 5), ("cron(20 * * * ? *)", 1)):
        run = reader.update(reader.call("1.0.0"), "--schedule-expression", schedule, "--no-apply-only-at-cron-interval")
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert set(reader.operator.markers().values()) == {"1.0.0"}
        reader.simulation.run_for(hours * 3600)
    first, second, third, again, by_the_clock = times(reader, before)
    assert (second - first, third - second) == (timedelta(hours=2), timedelta(hours=2))
    assert again - third < timedelta(hours=2)
    assert by_the_clock.minute == 20


def test_it_may_wait_for_its_schedule(reader: Reader) -> None:
    """The other side of the article's --no-apply-only-at-cron-interval: with --apply-only-at-cron-interval nothing runs before."""
    before = reader.operator.run_ids()
    association = ("--association-id", reader.association, "--parameters", reader.call("1.0.0").parameters())
    timing = ("--schedule-expression", "cron(50 0/2 * * ? *)", "--apply-only-at-cron-interval")
    reader.aws("ssm", "update-association", *association, *timing)
    reader.simulation.run_for(60)
    assert reader.operator.run_ids() == before
    reader.simulation.run_for(2 * 3600)
    (once,) = times(reader, before)
    assert (once.hour % 2, once.minute) == (0, 50)
