"""MaxConcurrency, MaxErrors and the ramp, for any fleet and any luck."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.commands import ratecontrol

LIMITS = st.one_of(st.integers(1, 9999).map(str), st.integers(1, 100).map(lambda share: f"{share}%"))


@pytest.mark.parametrize(
    ("limit", "targets", "rounding", "expected"),
    [
        ("10", 50, "down", 10),
        ("10%", 50, "down", 5),
        ("1%", 50, "down", 1),
        ("100%", 7, "down", 7),
        ("50", 3, "down", 50),
        ("10%", 19, "down", 1),
        ("10%", 19, "up", 2),
        ("10%", 50, "up", 5),
    ],
)
def test_concurrency(limit, targets, rounding, expected):
    """Documented: API SendCommand, MaxConcurrency; rounding is an open question; assumed: at least one."""
    assert ratecontrol.concurrency(limit, targets, rounding) == expected


@pytest.mark.parametrize(
    ("limit", "targets", "errors", "stops"),
    [("0", 9, 0, False), ("0", 9, 1, True), ("3", 9, 3, False), ("3", 9, 4, True), ("10%", 50, 5, False), ("10%", 50, 6, True)],
)
def test_sending_stops_on_one_error_more_than_allowed(limit, targets, errors, stops):
    """Documented: API SendCommand, MaxErrors: 0 stops on the first, 3 on the fourth, 10 % of 50 on the sixth."""
    for rounding in ("down", "up"):
        assert ratecontrol.must_stop(errors, ratecontrol.tolerated(limit, targets, rounding)) is stops


@pytest.mark.parametrize(
    ("max_errors", "reading", "expected"), [(0, "reached", 1), (0, "exceeded", 1), (3, "reached", 3), (3, "exceeded", 4)]
)
def test_how_many_errors_make_a_command_failed(max_errors, reading, expected):
    """Documented: API Command, StatusDetails, Failed: MaxErrors or more; the other reading is an open question."""
    assert ratecontrol.failed_from(max_errors, reading) == expected


@given(st.integers(1, 300), LIMITS, st.sampled_from(["down", "up"]), st.lists(st.booleans(), max_size=600))
def test_never_more_than_allowed_and_never_stuck(targets, limit, rounding, ends):
    """Documented: user guide, Run commands at scale; whatever ends or ticks, everybody is served and nobody too early."""
    maximum = ratecontrol.concurrency(limit, targets, rounding)
    waiting, in_flight, ended, ticks = targets, 0, 0, 0
    for is_end in [*ends, *[True] * 2 * targets]:
        allowed = ratecontrol.window(ended=ended, ticks=ticks, max_concurrency=maximum)
        sent = ratecontrol.may_send(in_flight=in_flight, waiting=waiting, allowed=allowed)
        waiting, in_flight = waiting - sent, in_flight + sent
        assert in_flight <= maximum
        assert in_flight or not waiting
        if is_end and in_flight:
            in_flight, ended = in_flight - 1, ended + 1
        elif not is_end:
            ticks += 1
    assert (waiting, ended) == (0, targets)


def test_rounds_grow_1_2_4_8():
    """Documented: user guide, Control automations at scale: one, then two more, then exponentially."""
    ended, rounds = 0, []
    for _ in range(5):
        rounds.append(ratecontrol.window(ended=ended, ticks=0, max_concurrency=10))
        ended += rounds[-1]
    assert rounds == [1, 2, 4, 8, 10]
