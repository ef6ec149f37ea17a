"""Schedules: what is understood, what is refused, and when the next run is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.associations.schedule import parse
from localorg.kernel.errors import AwsError

NOON = "2027-03-03T12:00:00"  # a Wednesday


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(sep="T")[:19]


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("rate(30 minutes)", ["2027-03-03T12:30:00", "2027-03-03T13:00:00"]),
        ("rate(1 hour)", ["2027-03-03T13:00:00", "2027-03-03T14:00:00"]),
        ("rate(30 days)", ["2027-04-02T12:00:00", "2027-05-02T12:00:00"]),
        ("at(2027-03-05T15:55:00)", ["2027-03-05T15:55:00", None]),
        ("at(2027-03-01T00:00:00)", [None]),
        ("cron(0/30 * * * ? *)", ["2027-03-03T12:30:00", "2027-03-03T13:00:00"]),
        ("cron(0 0 0/12 ? * * *)", ["2027-03-04T00:00:00", "2027-03-04T12:00:00"]),
        ("cron(0 0 0/4 1/1 * ? *)", ["2027-03-03T16:00:00", "2027-03-03T20:00:00"]),
        ("cron(15 10 ? * * *)", ["2027-03-04T10:15:00", "2027-03-05T10:15:00"]),
        ("cron(0 2 ? * SUN *)", ["2027-03-07T02:00:00", "2027-03-14T02:00:00"]),
        ("cron(0 2 ? * 1 *)", ["2027-03-07T02:00:00"]),
        ("cron(0 2 ? * MON-FRI *)", ["2027-03-04T02:00:00", "2027-03-05T02:00:00", "2027-03-08T02:00:00"]),
        ("cron(30 9 ? * THU#3 *)", ["2027-03-18T09:30:00", "2027-04-15T09:30:00"]),
        ("cron(0 0 ? * 7L *)", ["2027-03-27T00:00:00", "2027-04-24T00:00:00"]),
        ("cron(0 6 31 * ? *)", ["2027-03-31T06:00:00", "2027-05-31T06:00:00"]),
        ("cron(0 6 L * ? *)", ["2027-03-31T06:00:00", "2027-04-30T06:00:00"]),
        ("cron(0 6 1,15 * ? 2028-2029)", ["2028-01-01T06:00:00", "2028-01-15T06:00:00"]),
        ("cron(0 6 * * ? 2026)", [None]),
    ],
)
def test_the_next_runs(expression: str, following: list[str | None]) -> None:
    """Documented: user guide, reference-cron-and-rate-expressions; 1 is Sunday; all times are UTC."""
    schedule, moment, found = parse(expression), at(NOON), []
    for _ in following:
        due = schedule.next_after(moment, at(NOON))
        found.append(shown(due))
        moment = due or moment
    assert found == following


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("daily", r"expected rate\(VALUE minutes\|hours\|days\), cron"),
        ("rate(5 minutes)", "a rate is at least 30 minutes"),
        ("rate(1 hours)", "write 1 hour"),
        ("rate(2 hour)", "write 2 hours"),
        ("rate(31 days)", "a rate is less than 31 days"),
        ("rate(1 minutes)", "write 1 minute; a rate is at least 30 minutes"),
        ("at(2027-02-30T00:00:00)", "2027-02-30T00:00:00 is no time: day is out of range"),
        ("cron(* * * * ? *)", r"minute must be one of 0 to 59, or 0/30, found \*: nothing runs more often"),
        ("cron(0 2 ? *)", r"six fields are needed \(minute hour day month weekday year\), found 4"),
        ("cron(5 0 2 ? * * *)", "seconds must be 0, found 5"),
        ("cron(0 0/3 * * ? *)", "hours repeat every 1, 2, 4, 8, 12 hours, found 0/3"),
        ("cron(0 25 * * ? *)", "hour must be 0 to 23, found 25"),
        ("cron(0 2 1 * MON *)", "choose days of the month or weekdays, and write \\? for the other"),
        ("cron(0 2 ? JAN * *)", r"months cannot be chosen, write \* instead of JAN"),
        ("cron(0 2 ? * FUNDAY *)", "weekday FUNDAY is not understood"),
        (
            "cron(61 24 32 1 ? 1900)",
            "minute must .*hour must .*months .*day of the month must be 1 to 31.*year must be 1970 to 2199",
        ),
    ],
)
def test_wrong_schedules_say_all_that_is_wrong(expression: str, words: str) -> None:
    """Documented: same page for the limits, API InvalidSchedule for the code; the words are ours."""
    with pytest.raises(AwsError, match=words) as caught:
        parse(expression)
    assert caught.value.code == "InvalidSchedule"
    assert repr(expression) in caught.value.message


EXPRESSIONS = st.one_of(
    st.integers(30, 40_000).map(lambda n: f"rate({n} minutes)"),
    st.builds(
        "cron({} {} ? * {} *)".format,
        st.integers(0, 59),
        st.integers(0, 23),
        st.sampled_from(["*", "MON", "2-4", "FRI#1", "3L", "SUN,WED", "6#5"]),
    ),
    st.builds("cron({} 0/{} {} * ? *)".format, st.integers(0, 59), st.sampled_from([1, 2, 4, 8, 12]), st.integers(1, 31)),
)


@given(EXPRESSIONS, st.floats(1.7e9, 2.2e9))
def test_the_next_run_is_later_and_nothing_lies_between(expression: str, moment: float) -> None:
    """Assumed: next_after is a proper successor: later than asked, and the same when asked from just before it."""
    schedule = parse(expression)
    due = schedule.next_after(moment, 1.7e9)
    assert due is not None
    assert due > moment
    assert schedule.next_after(due - 0.5 if due - 0.5 > moment else moment, 1.7e9) == due
    later = schedule.next_after(due, 1.7e9)
    assert later is None or later - due >= 1800


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Assumed: anything may stand in a schedule; it is understood or refused with InvalidSchedule."""
    for expression in (text, f"cron({text})", f"rate({text})", f"at({text})"):
        assert refusal(expression) in ("", "InvalidSchedule")


def refusal(expression: str) -> str:
    try:
        parse(expression)
    except AwsError as refused:
        return refused.code
    return ""
