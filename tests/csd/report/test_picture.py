"""The picture: what a node has comes from its own words; what is wrong with it from the newest of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csd.report.picture import NodeFacts, Picture, Said, State, Wanted, draw, leaves, plain, row_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:ssm:eu-west-1:111111111111:document/csd-hello"
WANTED = Wanted("csd-hello", "2.0.0", "Install")


def said(output: str = "", error: str = "", status: str = "Success", details: str = "", minutes_ago: int = 0) -> Said:
    return Said(NOW - timedelta(minutes=minutes_ago), status, details or status, output, error, f"command-{minutes_ago}")


def node(*words: Said, **more: Any) -> NodeFacts:
    return NodeFacts("222222222222", "eu-west-1", "i-12345678", more.pop("ping", "Online"), said=words, **more)


INSTALLED_2 = said(f"Initiating {ARN} 2.0.0 install\ninstall output: Running sh install.sh\nSuccessfully installed {ARN} 2.0.0\n")
INSTALLED_1 = said(f"Successfully installed {ARN} 1.0.0\n", minutes_ago=90)
UPGRADED = said(f"Successfully uninstalled {ARN} 1.0.0\nSuccessfully installed {ARN} 2.0.0\n")
ALREADY = said(f"{ARN} 2.0.0 is already installed\n")
BY_NAME = said("Successfully installed csd-hello 2.0.0")
FAILED = said("", "install errors: token-4711\nFailed to install package; install status Failed", "Failed")
ROLLED_BACK = said(f"Failed to install {ARN} 2.0.0, successfully rolled back to {ARN} 1.0.0\n", "token-4711", "Failed")
REMOVED = said(f"Successfully uninstalled {ARN} 2.0.0\n")
UNREACHED = said(status="TimedOut", details="DeliveryTimedOut")
OTHER_PACKAGE = said("Successfully installed other-thing 2.0.0")

ROWS = [
    ("fresh install", [INSTALLED_2], State.AS_WANTED, "2.0.0", ""),
    ("upgrade: the last words count", [UPGRADED], State.AS_WANTED, "2.0.0", ""),
    ("already there", [ALREADY], State.AS_WANTED, "2.0.0", ""),
    ("an owned package has a plain name", [BY_NAME], State.AS_WANTED, "2.0.0", ""),
    ("older version", [INSTALLED_1], State.OTHER_VERSION, "1.0.0", "has 1.0.0, wanted 2.0.0"),
    ("failed, in its own words", [FAILED, INSTALLED_1], State.FAILED, "", "token-4711"),
    ("rolled back", [ROLLED_BACK], State.ROLLED_BACK, "1.0.0", "token-4711"),
    ("unreachable keeps what it last told", [UNREACHED, INSTALLED_1], State.UNREACHABLE, "1.0.0", "DeliveryTimedOut"),
    ("unreachable, nothing ever told", [UNREACHED], State.UNREACHABLE, "", "DeliveryTimedOut"),
    ("under way", [said(status="InProgress")], State.WAITING, "", "InProgress"),
    ("success without words is no version", [said("")], State.OTHER_VERSION, "", "has none"),
    ("another package's words", [OTHER_PACKAGE], State.OTHER_VERSION, "", "has none"),
    ("removed", [REMOVED, INSTALLED_2], State.OTHER_VERSION, "", "has none"),
    ("never asked", [], State.NEVER_ASKED, "", "no command"),
]


@pytest.mark.parametrize(("claim", "words", "state", "version", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_rows(claim: str, words: list[Said], state: State, version: str, why: str) -> None:
    """Documented: the agent's sentences in configurepackage; AWS's invocation details."""
    row = row_of(WANTED, node(*words))
    assert (row.state, row.version) == (state, version)
    assert why in row.why


def test_uninstall_wants_nothing() -> None:
    """Gone is as wanted; still there is not. Documented: uninstalling what is not there is a success."""
    wanted = Wanted("csd-hello", "", "Uninstall")
    assert row_of(wanted, node(REMOVED)).state is State.AS_WANTED
    assert row_of(wanted, node(said("version: 2.0.0 is not installed"))).state is State.AS_WANTED
    assert row_of(wanted, node(INSTALLED_2)).state is State.OTHER_VERSION


def test_lacking_one_version_is_not_lacking_the_package() -> None:
    """Documented: agent: asked to remove a version that is not there, it answers Success; another version may stay."""
    wanted = Wanted("csd-hello", "2.0.0", "Uninstall")
    lacks = said("version: 2.0.0 is not installed")
    assert row_of(wanted, node(lacks, INSTALLED_1)).why == "has 1.0.0, wanted none"
    assert row_of(wanted, node(lacks, INSTALLED_2)).state is State.AS_WANTED
    assert row_of(wanted, node(said("version: latest is not installed"), INSTALLED_1)).state is State.AS_WANTED


def test_a_node_asked_for_by_id_that_is_nowhere() -> None:
    """It counts, and is told as not managed."""
    assert row_of(WANTED, NodeFacts("", "", "i-12345678")).state is State.NOT_MANAGED


def picture(nodes: list[NodeFacts], unread: tuple[str, ...] = ()) -> Picture:
    return draw(WANTED, nodes, NOW, list(unread), [])


def test_complete_needs_every_node_and_every_place() -> None:
    """One unreachable node, one unread place, or no node at all: not complete."""
    assert picture([node(INSTALLED_2)]).complete
    assert not picture([node(INSTALLED_2), node(UNREACHED, INSTALLED_2)]).complete
    assert not picture([node(INSTALLED_2)], ("222222222222 eu-west-1: AccessDenied",)).complete
    assert not picture([]).complete


words = st.sampled_from([INSTALLED_2, INSTALLED_1, UPGRADED, FAILED, ROLLED_BACK, REMOVED, UNREACHED, OTHER_PACKAGE])


@given(st.lists(st.lists(words, max_size=4), max_size=5))
def test_no_version_without_words(histories: list[list[Said]]) -> None:
    """Whatever happened: a version is shown only where the node wrote it, and every node has exactly one row."""
    drawn = picture([node(*history) for history in histories])
    assert len(drawn.rows) == len(histories) == sum(drawn.count(state) for state in State)
    for row in drawn.rows:
        assert not row.version or any(row.version in told.output for told in row.facts.said)
        assert row.state is not State.AS_WANTED or row.version == "2.0.0"


def test_a_failed_run_is_told_without_pythons_trace() -> None:
    """Assumed: a script's failure message holds its error, its trace and the error again. The node's own indented lines stay."""
    pointer = ". Please refer to Automation Service Troubleshooting Guide for more diagnosis details."
    trace = (
        'Traceback (most recent call last):\n  File "script.py", line 36, in handler\n  File "script.py", line 60, in _stop_at\n'
    )
    error = "RuntimeError: i-1 Failed: token-4711\n  from: the disk"
    assert plain(f"Step fails. {error}{pointer}\n{trace}{error}{pointer}{pointer}") == f"Step fails. {error}"
    assert plain(trace + error) == error
    assert plain("") == ""


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((INSTALLED_2,), ({"2.0.0"}, True)),
        ((FAILED, INSTALLED_1), ({"1.0.0"}, True)),  # a failure proves nothing about what was there
        ((FAILED,), (set(), False)),
        ((said(f"Initiating {ARN} 2.0.0 install", "boom", "Failed"), INSTALLED_1), ({"1.0.0", "2.0.0"}, True)),
        ((said(f"Successfully uninstalled {ARN} 1.0.0"), INSTALLED_1), (set(), True)),
        ((said("version: 3.0.0 is not installed"), INSTALLED_1), ({"1.0.0"}, True)),
        ((said("version: latest is not installed"), INSTALLED_1), (set(), True)),
        ((said("", "", "TimedOut"), INSTALLED_1), ({"1.0.0"}, True)),
        ((), (set(), False)),
    ],
    ids=["installed", "failed", "only failed", "half there", "gone", "another", "nothing", "silent", "never asked"],
)
def test_what_may_be_left_on_a_node(words: tuple[Said, ...], left: tuple[set[str], bool]) -> None:
    """Who deletes versions must not be wrong to the other side: only conclusive words prove that nothing else is there."""
    assert leaves("csd-hello", words) == (frozenset(left[0]), left[1])
