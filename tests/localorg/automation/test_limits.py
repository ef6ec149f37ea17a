"""Limits of parents, row by row and by property: MaxConcurrency, MaxErrors, ramp-up, rounding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.automation.limits import Group, Limits, limits
from localorg.kernel.amounts import amount


def group(total: int, *, running: int = 0, errors: int = 0, good: int = 0) -> Group:
    made = Group(running=running, ended=errors + good, errors=errors)
    made.waiting.extend(str(number) for number in range(max(0, total - running - errors - good)))
    return made


@given(
    total=st.integers(0, 300),
    errors=st.integers(0, 300),
    running=st.integers(0, 300),
    concurrency=st.sampled_from(["1", "4", "50%", "100%"]),
    tolerated=st.sampled_from(["0", "3", "10%", "100%"]),
    rounding=st.sampled_from(["down", "up"]),
)
def test_limits_hold(total: int, errors: int, running: int, concurrency: str, tolerated: str, rounding: str) -> None:
    """Documented: API StartAutomationExecution, MaxConcurrency and MaxErrors; beyond the errors nothing more is started."""
    made = group(total, running=running, errors=errors)
    startable = made.startable(limits(concurrency, tolerated, total, rounding))
    assert 0 <= startable <= len(made.waiting)
    if errors > amount(tolerated, total, rounding):
        assert startable == 0
    elif made.waiting and not running:
        assert startable >= 1


def test_ten_percent_of_fifty_stops_at_the_sixth() -> None:
    """Documented: API StartAutomationExecution, MaxErrors."""
    allowed = limits("10", "10%", 50, "down")
    assert [group(50, errors=errors).is_beyond(allowed) for errors in (5, 6)] == [False, True]


@pytest.mark.parametrize(
    ("limit", "total", "rounding", "number"),
    [("3", 9, "down", 3), ("10%", 25, "down", 2), ("10%", 25, "up", 3), ("10%", 20, "up", 2), ("0%", 9, "up", 0)],
)
def test_percentages_are_rounded_as_read(limit: str, total: int, rounding: str, number: int) -> None:
    """Assumed: down, or up under the other reading of percent-rounding."""
    assert amount(limit, total, rounding) == number


def test_no_max_errors_tolerates_everything() -> None:
    """Assumed: the reading "unlimited" of automation-max-errors-default."""
    assert not group(9, errors=9).is_beyond(limits("1", "", 9, "down"))


def test_the_ramp_is_one_two_four() -> None:
    """Documented: running-automations-scale-controls: one resource, then two more, exponentially until the concurrency."""
    made, allowed, waves = group(20), Limits(5, 0, ramps=True), []
    while made.waiting:
        waves.append(made.startable(allowed))
        for _ in range(waves[-1]):
            made.waiting.popleft()
            made.running += 1
        for _ in range(made.running):
            made.end("Success")
    assert waves == [1, 2, 4, 5, 5, 3]
