"""When associations are due: the agent's count and the service's against one look at every minute."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.associations.schedule import parse
from localorg.node.schedule import BadScheduleError, next_after

NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
LOOKED_MINUTES = 80 * 1440


def suits(minute: str, hour: str, day: str, weekday: str, at: datetime) -> bool:
    """The meaning of the fields, one moment at a time."""
    return at.minute in minutes(minute) and at.hour in hours(hour) and on_day(day, weekday, at)


def minutes(field: str) -> set[int]:
    return {0, 30} if field.endswith("/30") else {int(field)}


def hours(field: str) -> set[int]:
    if field == "*":
        return set(range(24))
    if "/" in field:
        first, step = field.split("/")
        return set(range(0 if first == "*" else int(first), 24, int(step)))
    if "-" in field:
        low, high = field.split("-")
        return set(range(int(low), int(high) + 1))
    return {int(part) for part in field.split(",")}


def on_day(day: str, weekday: str, at: datetime) -> bool:
    length = calendar.monthrange(at.year, at.month)[1]
    if day not in ("*", "?", "1/1"):
        return at.day == length if day == "L" else str(at.day) in day.split(",")
    if weekday in ("*", "?"):
        return True
    name, number = NAMES[at.isoweekday() % 7], at.isoweekday() % 7 + 1
    if "#" in weekday:
        wanted, nth = weekday.split("#")
        return wanted in (name, str(number)) and (at.day - 1) // 7 + 1 == int(nth)
    if weekday.endswith("L"):
        return weekday[:-1] == str(number) and at.day > length - 7
    if "-" in weekday:
        low, high = (NAMES.index(part) for part in weekday.split("-"))
        return low <= number - 1 <= high
    return any(part in (name, str(number)) for part in weekday.split(","))


minute_fields = st.one_of(st.integers(0, 59).map(str), st.sampled_from(["0/30", "*/30"]))
hour_fields = st.one_of(
    st.integers(0, 23).map(str), st.sampled_from(["*", "*/2", "0/4", "0/8", "0/12", "3/12", "9-17", "0,6,18", "*/1"])
)
days = st.one_of(
    st.tuples(
        st.sampled_from(["*", "?", "1/1"]),
        st.sampled_from([*NAMES, "*", "?", "1", "7", "MON-FRI", "TUE,SAT", "THU#2", "5#5", "2L"]),
    ),
    st.tuples(st.one_of(st.integers(1, 31).map(str), st.sampled_from(["L", "1,15"])), st.just("?")),
)


@settings(max_examples=120, deadline=None)
@given(minute_fields, hour_fields, days, st.booleans(), st.integers(0, 40 * 86400))
def test_both_counts_find_what_a_look_at_every_minute_finds(
    minute: str, hour: str, day_fields: tuple[str, str], seconds: bool, passed: int
) -> None:
    """Documented: user guide, reference-cron-and-rate-expressions, for associations: the forms of each field."""
    day, weekday = day_fields
    expression = f"cron({'0 ' if seconds else ''}{minute} {hour} {day} * {weekday} *)"
    moment = START.timestamp() + passed
    first = datetime.fromtimestamp(moment // 60 * 60, UTC)
    looked = (first + timedelta(minutes=ahead) for ahead in range(1, LOOKED_MINUTES))
    expected = next((at.timestamp() for at in looked if suits(minute, hour, day, weekday, at)), None)
    if expected is not None:
        assert next_after(expression, moment) == expected
        assert parse(expression).next_after(moment, 0.0) == expected
    else:
        assert next_after(expression, moment) == parse(expression).next_after(moment, 0.0)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(30 minutes)", 1800), ("rate(1 hour)", 3600), ("rate(2 days)", 172800), ("RATE(5 minutes)", 300)],
)
def test_a_rate_counts_from_the_last_run(expression: str, seconds: int) -> None:
    """Observed by the agent's source (rateexpr): the last run plus the interval, whatever it is."""
    assert next_after(expression, START.timestamp() + 7) == START.timestamp() + 7 + seconds


@pytest.mark.parametrize(
    "expression",
    [
        "at(2027-01-01T00:00:00)",
        "rate(0 minutes)",
        "cron(1 2 3)",
        "cron(99 * * * * *)",
        "cron(x * * * * *)",
        "",
        "cron(* * * * ? *)x",
    ],
)
def test_what_an_agent_cannot_read(expression: str) -> None:
    """Observed by the agent's source (scheduleexpression): rate and cron are all that it knows."""
    with pytest.raises(BadScheduleError):
        next_after(expression, START.timestamp())


def test_years_that_are_over_are_never() -> None:
    """Assumed: a year in the past is never due again."""
    assert next_after("cron(0 0 1 * ? 2020)", START.timestamp()) is None
