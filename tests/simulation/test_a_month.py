"""A month of our solution, day by day, in a few seconds: what an operator lives through, and what the nodes say at the end of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from localorg.server.simulation.organization import DAY_S, Simulation
from simulation.solution import HUB, RUNBOOK, UNIT, Operator, Packages, spec, why

pytestmark = [pytest.mark.soak, pytest.mark.xdist_group("month")]  # one worker lives it, once


@dataclass
class Month:
    """The world, and what was seen of it on the way."""

    simulation: Simulation
    operator: Operator
    day: float = 0
    newcomer: str = ""
    seen: dict[str, dict[str, str]] = field(default_factory=dict)

    def until_day(self, day: float) -> None:
        """Let the days pass."""
        self.simulation.run_for((day - self.day) * DAY_S)
        self.day = day

    def note(self, what: str) -> None:
        """Remember what stands on the nodes."""
        self.seen[what] = self.operator.markers()


def an_account_joins(month: Month) -> None:
    """An account is made, moved under the targeted unit, and a node comes up in it."""
    organizations = month.simulation.client("organizations")
    asked = organizations.create_account(AccountName="late", Email="late@example.com")["CreateAccountStatus"]["Id"]
    month.simulation.run_for(60)
    status = organizations.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]
    month.newcomer = status["AccountId"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.move_account(AccountId=month.newcomer, SourceParentId=root, DestinationParentId=UNIT)
    month.simulation.add_node(month.newcomer, "eu-west-1", "amazon-2023", "late-eu")


def lived(month: Month) -> None:
    """Twenty-nine days and a half: the thirtieth run has ended by then."""
    simulation, operator = month.simulation, month.operator
    operator.deploy()
    operator.publish("1.0.0")
    run = operator.distribute(operator.wish("1.0.0"), schedule="rate(1 day)")
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    month.until_day(3)
    simulation.nodes["lab-us"].offline()
    (simulation.root("lab-us") / "etc/csd-marker").unlink()
    month.until_day(7)
    month.note("while lab-us is away")
    simulation.nodes["lab-us"].online()
    month.until_day(10)
    month.note("after lab-us is back")
    an_account_joins(month)
    month.until_day(14)
    month.note("after the account has joined")
    (simulation.root("shop-eu") / "etc/csd-marker-fail").write_text("no room on this disk\n")
    operator.publish("1.1.0")
    operator.associate(operator.wish("1.1.0"), schedule="rate(1 day)")
    month.until_day(15.5)
    month.note("with one node failing")
    (simulation.root("shop-eu") / "etc/csd-marker-fail").unlink()
    month.until_day(29.5)


@pytest.fixture(scope="module")
def month(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    with Simulation(spec(), tmp_path_factory.mktemp("month"), seed=30) as simulation:
        month = Month(simulation, Operator(simulation, packages))
        lived(month)
        yield month


def test_every_node_has_the_new_version_at_the_end(month: Month) -> None:
    """The node that was away, the node that failed and the node that came with its account: all as wanted."""
    assert month.operator.markers() == dict.fromkeys(["shop-us", "shop-eu", "lab-us", "late-eu"], "1.1.0")


def test_a_node_that_was_away_is_brought_back_by_the_next_day_s_run(month: Month) -> None:
    """What it lost while it was away is there again after it is back; until then nobody can help it."""
    assert month.seen["while lab-us is away"] == {"shop-us": "1.0.0", "shop-eu": "1.0.0", "lab-us": ""}
    assert month.seen["after lab-us is back"]["lab-us"] == "1.0.0"


def test_a_node_that_is_away_is_not_a_failure(month: Month) -> None:
    """Four days without lab-us are four good runs: an unreachable node is counted, not blamed (ADR 0010)."""
    status = {run["AutomationExecutionStatus"] for run in month.operator.runs() if run["ExecutionStartTime"].day in range(4, 8)}
    assert status == {"Success"}


def test_an_account_that_joins_is_reached_without_anybody_s_help(month: Month) -> None:
    """The StackSet brings the roles, the next run shares and installs."""
    assert month.seen["after the account has joined"]["late-eu"] == "1.0.0"


def test_a_failing_node_is_named_day_by_day_in_its_own_words(month: Month) -> None:
    """The runs of the days on which it failed are Failed and say why; every other node has the new version by then."""
    failed = [run for run in month.operator.runs() if run["AutomationExecutionStatus"] != "Success"]
    assert len(failed) == 2
    assert all("no room on this disk" in run["FailureMessage"] for run in failed)
    assert all(month.simulation.nodes["shop-eu"].instance_id in run["FailureMessage"] for run in failed)
    others = {name: version for name, version in month.seen["with one node failing"].items() if name != "shop-eu"}
    assert set(others.values()) == {"1.1.0"}


def test_there_was_a_run_each_day(month: Month) -> None:
    """The schedule held: one run at creation, one at the update, and one a day."""
    days = Counter(run["ExecutionStartTime"].date() for run in month.operator.runs() if run["DocumentName"] == RUNBOOK)
    assert len(days) >= 29
    assert all(count == 1 for day, count in days.items() if day.day not in (1, 15))


def test_a_version_that_is_there_is_not_installed_again(month: Month) -> None:
    """Thirty runs, and each node ran its install script once for a version: the daily run only validates."""
    assert month.operator.diary("shop-us") == ["install 1.0.0", "uninstall 1.1.0", "install 1.1.0"]


def test_nothing_was_denied_all_month(month: Month) -> None:
    """The roles of the template are enough for everything that happens in a month."""
    denied = [(call.action, call.principal) for call in month.simulation.engines.gateway.log if call.verdict == "denied"]
    assert denied == []
    assert HUB in {call.account for call in month.simulation.engines.gateway.log}
