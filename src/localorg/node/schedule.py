"""When an association is due, as the agent counts it: rate(...) from the last run, cron(...) in UTC. Pure.

AWS: amazon-ssm-agent, association/scheduleexpression and rateexpr (any number of minutes, hours or days), and the cron library that it
uses. at(...) is not known to it: the service orders such runs.
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

RATE = re.compile(r"rate\((\d+)\s*(minute|hour|day)s?\)", re.IGNORECASE)
CRON = re.compile(r"cron\((.*)\)", re.IGNORECASE)
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DAYS_MAX = 366 * 9
"""As far as it is looked ahead; months cannot be chosen in State Manager, so that no day is rarer."""
ANY = ("*", "?")


class BadScheduleError(Exception):
    """The expression cannot be read."""


def next_after(expression: str, moment: float) -> float | None:
    """Return when `expression` is due after `moment` (epoch seconds); None when never again. Raises BadScheduleError."""
    if found := RATE.fullmatch(expression):
        if not int(found[1]):
            raise BadScheduleError("Schedule expression is not a valid rate expression. Time value should be a positive number.")
        return moment + int(found[1]) * UNITS[found[2].lower()]
    found = CRON.fullmatch(expression)
    if not found:
        raise BadScheduleError(f"Unknown expression type detected in expression {expression}")
    try:
        return _next_cron(found[1].split(), moment)
    except (ValueError, IndexError) as error:
        raise BadScheduleError(f"Cron expression {expression} is invalid: {error}") from error


def _next_cron(fields: list[str], moment: float) -> float | None:
    if len(fields) not in (6, 7):
        raise ValueError(f"six or seven fields are needed, found {len(fields)}")
    minute, hour, day, _, weekday, year = fields[-6:]
    minutes, hours = _values(minute, 0, 59), _values(hour, 0, 23)
    years = None if year in ANY else _values(year, 1970, 2199)
    suits = _day_test(day, weekday)
    start = datetime.fromtimestamp(moment, UTC)
    for offset in range(DAYS_MAX):
        on = start.date() + timedelta(days=offset)
        if (years is not None and on.year not in years) or not suits(on):
            continue
        for at_hour in hours:
            for at_minute in minutes:
                due = datetime(on.year, on.month, on.day, at_hour, at_minute, tzinfo=UTC).timestamp()
                if due > moment:
                    return due
    return None


def _day_test(day: str, weekday: str) -> Callable[[date], bool]:
    if day == "L":
        return lambda on: on.day == calendar.monthrange(on.year, on.month)[1]
    if day not in (*ANY, "1/1"):
        days = _values(day, 1, 31)
        return lambda on: on.day in days
    if weekday in ANY:
        return lambda _: True
    tests = [_weekday_test(part) for part in weekday.split(",")]
    return lambda on: any(test(on) for test in tests)


def _weekday_test(part: str) -> Callable[[date], bool]:
    name, _, nth = part.partition("#")
    if nth:
        number, wanted = int(nth), _weekday(name)
        return lambda on: _of(on) == wanted and (on.day - 1) // 7 + 1 == number
    if name.endswith("L") and name[:-1].isdecimal():
        last = _weekday(name[:-1])
        return lambda on: _of(on) == last and on.day > calendar.monthrange(on.year, on.month)[1] - 7
    chosen = _values(name, 1, 7)
    return lambda on: _of(on) in chosen


def _of(on: date) -> int:
    return on.isoweekday() % 7 + 1


def _weekday(text: str) -> int:
    return WEEKDAYS.index(text.upper()) + 1 if text.upper() in WEEKDAYS else int(text)


def _values(text: str, low: int, high: int) -> list[int]:
    """Return the values of a field with lists, ranges and steps, in order."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = low if first == "*" else _weekday(first)
        end = _weekday(last) if last else high if first == "*" or step else begin
        if not low <= begin <= end <= high:
            raise ValueError(f"{part} is not within {low} to {high}")
        found |= set(range(begin, end + 1, int(step or 1)))
    return sorted(found)
