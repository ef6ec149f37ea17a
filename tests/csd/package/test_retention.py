"""What may be deleted: never what a node may have, never what somebody may want to go back to."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from csd.package.retention import Fleet, Policy, Version, decide

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)


def version(number: int, *, status: str = "Active", default: bool = False, days_ago: int = 100) -> Version:
    return Version(f"1.{number}", number, status, default, NOW - timedelta(days=days_ago))


def deleted(versions: list[Version], fleet: Fleet = Fleet(), keep: int = 1, days: int = 30) -> list[str]:  # noqa: B008 - frozen
    decisions = decide(versions, fleet, Policy(keep, timedelta(days=days)), NOW)
    return [decision.version.name for decision in decisions if decision.deletes]


def test_what_nobody_has_wants_or_may_go_back_to_goes() -> None:
    """Each reason alone keeps a version, and is said."""
    versions = [version(number, default=number == 9) for number in range(1, 10)]
    fleet = Fleet({"1.1": 3}, {"1.2": NOW - timedelta(days=29), "1.3": NOW - timedelta(days=31)}, {"1.4": "weekly (us-east-1)"})
    assert deleted(versions, fleet, keep=2) == ["1.7", "1.6", "1.5", "1.3"]
    reasons = {d.version.name: d.reasons for d in decide(versions, fleet, Policy(2, timedelta(days=30)), NOW)}
    assert reasons["1.1"] == ("installed on 3 nodes",)
    assert reasons["1.2"] == ("a command asked for it within 30 days",)
    assert reasons["1.4"] == ("association weekly (us-east-1) names it",)
    assert reasons["1.8"] == ("the one before the default", "one of the last 2")
    assert reasons["1.9"] == ("the default", "one of the last 2")
    assert deleted([version(1, days_ago=29), version(2)]) == []


def test_what_is_not_known_keeps_everything() -> None:
    """A place that cannot be read, or one node that tells nothing, may have any version."""
    versions = [version(1), version(2), version(3, default=True)]
    assert deleted(versions) == ["1.1"]
    assert deleted(versions, Fleet(unread=("222222222222 eu-west-1: AccessDenied",))) == []
    silent = Fleet(silent=("222222222222 eu-west-1 i-1",))
    assert deleted(versions, silent) == []
    said = decide(versions, silent, Policy(1, timedelta(days=30), silent_have_none=True), NOW)  # a person's word
    assert [one.version.name for one in said if one.deletes] == ["1.1"]


def test_the_version_before_the_default_stays() -> None:
    """AWS tells no history of defaults. The one before is the last that was good; of an oldest default there is none."""
    versions = [version(1), version(2), version(3, status="Failed"), version(4, default=True), version(5), version(6)]
    assert deleted(versions) == ["1.5", "1.3", "1.1"]
    assert deleted([version(1, default=True), version(2), version(3)]) == ["1.2"]


def test_a_failed_version_takes_no_place_among_the_last() -> None:
    """Nobody can go back to it; one that is being made is left alone."""
    versions = [version(1), version(2), version(3, status="Failed"), version(4, status="Creating"), version(5, default=True)]
    assert deleted(versions, keep=2) == ["1.3", "1.1"]


VERSIONS = st.lists(
    st.builds(
        version,
        st.integers(1, 30),
        status=st.sampled_from(["Active", "Failed", "Creating"]),
        default=st.booleans(),
        days_ago=st.integers(0, 400),
    ),
    max_size=25,
    unique_by=lambda one: one.number,
)
NAMES = st.sampled_from([f"1.{number}" for number in range(1, 31)])
FLEETS = st.builds(
    Fleet,
    st.dictionaries(NAMES, st.integers(0, 5)),
    st.dictionaries(NAMES, st.integers(0, 90).map(lambda days: NOW - timedelta(days=days))),
    st.dictionaries(NAMES, st.just("association")),
    st.lists(st.just("a node"), max_size=1).map(tuple),
    st.lists(st.just("a place"), max_size=1).map(tuple),
)


@given(VERSIONS, FLEETS, st.integers(1, 10), st.integers(0, 60))
def test_nothing_that_may_be_needed_is_ever_deleted(versions: list[Version], fleet: Fleet, keep: int, days: int) -> None:
    """An installed, wanted, default or recent version is never in the list; with anything unknown the list is empty; the last stay."""
    gone = set(deleted(versions, fleet, keep, days))
    assert not gone & {name for name, count in fleet.installed.items() if count}
    assert not gone & {*fleet.wanted} | gone & {one.name for one in versions if one.is_default}
    assert not gone & {one.name for one in versions if one.created >= NOW - timedelta(days=days)}
    assert not gone or not (fleet.unread or fleet.silent)
    left = [one for one in versions if one.status == "Active" and one.name not in gone]
    assert len(left) >= min(keep, sum(one.status == "Active" for one in versions))


@given(VERSIONS, FLEETS, st.integers(1, 10), st.integers(0, 60))
def test_knowing_less_never_deletes_more(versions: list[Version], fleet: Fleet, keep: int, days: int) -> None:
    """Any fact taken for unknown only keeps."""
    blind = Fleet(fleet.installed, fleet.asked, fleet.wanted, fleet.silent, (*fleet.unread, "another place"))
    assert set(deleted(versions, blind, keep, days)) <= set(deleted(versions, fleet, keep, days))
    assert set(deleted(versions, fleet, keep + 1, days)) <= set(deleted(versions, fleet, keep, days))
