"""Cron expressions of State Manager: six fields (minute hour day month weekday year), or seven with leading seconds of 0.

Flow: fields -> one set of permitted values each, all problems collected -> `Cron.next_after`, which walks days, not seconds.
Rules: pure; UTC. Months cannot be chosen. Weekdays are 1-7 or SUN-SAT, 1 is Sunday; `nL` is the last, `n#k` the k-th of a month.
AWS: user guide, reference-cron-and-rate-expressions, "Cron and rate expressions for associations".
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
HOUR_STEPS = (1, 2, 4, 8, 12)
YEARS = (1970, 2199)
SEARCH_DAYS = 366 * 9
"""Far enough for every day that exists: months cannot be chosen, so that no day is rarer than the fifth weekday or a 31st."""
PART = re.compile(r"(?P<first>\*|\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?")
NTH = re.compile(r"(?P<day>\w+)#(?P<nth>[1-5])")
LAST = re.compile(r"(?P<day>\w+)L")


@dataclass(frozen=True)
class Cron:
    """Permitted minutes, hours and years; days by `days` of the month or by weekday (plain, k-th, last). None means any."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    last_day: bool
    weekdays: frozenset[int] | None
    nth: frozenset[tuple[int, int]]
    last_weekdays: frozenset[int]
    years: frozenset[int] | None

    def next_after(self, moment: float, _anchor: float) -> float | None:
        """Return the first time after `moment`, or None when the years are over."""
        start = datetime.fromtimestamp(moment, UTC)
        for day in self._days_from(start.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp()
                    if due > moment:
                        return due
        return None

    def _days_from(self, start: date) -> Iterator[date]:
        later_years = sorted(year for year in self.years or {start.year} if year >= start.year)
        if not later_years:
            return
        first = max(start, date(later_years[0], 1, 1))
        for offset in range(SEARCH_DAYS):
            day = first + timedelta(days=offset)
            if day.year > YEARS[1]:
                return
            if (self.years is None or day.year in self.years) and self._suits(day):
                yield day

    def _suits(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if self.days is not None or self.last_day:
            return day.day in (self.days or ()) or (self.last_day and day.day == length)
        weekday = day.isoweekday() % 7 + 1
        if self.weekdays is None and not self.nth and not self.last_weekdays:
            return True
        return (
            weekday in (self.weekdays or ())
            or (weekday, (day.day - 1) // 7 + 1) in self.nth
            or (weekday in self.last_weekdays and day.day > length - 7)
        )


def parse_cron(text: str, problems: list[str]) -> Cron | None:
    """Return the expression, or None after adding to `problems`."""
    fields = text.split()
    if len(fields) == 7:
        if fields[0] != "0":
            problems.append(f"seconds must be 0, found {fields[0]}")
        fields = fields[1:]
    if len(fields) != 6:
        problems.append(f"six fields are needed (minute hour day month weekday year), found {len(fields)}")
        return None
    minute, hour, day, month, weekday, year = fields
    minutes, hours = _minutes(minute, problems), _hours(hour, problems)
    if month not in ("*", "?"):
        problems.append(f"months cannot be chosen, write * instead of {month}")
    if day not in ("*", "?", "1/1") and weekday not in ("*", "?"):
        problems.append("choose days of the month or weekdays, and write ? for the other")
    days = None if day in ("*", "?", "1/1", "L") else frozenset(_values(day, "day of the month", 1, 31, problems))
    weekdays, nth, last = _weekdays(weekday, problems)
    years = None if year in ("*", "?") else frozenset(_values(year, "year", *YEARS, problems))
    if problems:
        return None
    return Cron(minutes, hours, days, day == "L", weekdays, nth, last, years)


def _minutes(text: str, problems: list[str]) -> tuple[int, ...]:
    if re.fullmatch(r"(0|\*)/30", text):
        return (0, 30)
    if not re.fullmatch(r"[0-5]?\d", text):
        problems.append(f"minute must be one of 0 to 59, or 0/30, found {text}: nothing runs more often than every 30 minutes")
        return ()
    return (int(text),)


def _hours(text: str, problems: list[str]) -> tuple[int, ...]:
    step = re.fullmatch(r"(?:\d+|\*)/(\d+)", text)
    if step and int(step[1]) not in HOUR_STEPS:
        problems.append(f"hours repeat every {', '.join(map(str, HOUR_STEPS))} hours, found {text}")
        return ()
    return tuple(_values(text, "hour", 0, 23, problems))


def _weekdays(text: str, problems: list[str]) -> tuple[frozenset[int] | None, frozenset[tuple[int, int]], frozenset[int]]:
    if text in ("*", "?"):
        return None, frozenset(), frozenset()
    plain: set[int] = set()
    nth: set[tuple[int, int]] = set()
    last: set[int] = set()
    for part in text.split(","):
        if found := NTH.fullmatch(part):
            nth |= {(day, int(found["nth"])) for day in _values(found["day"], "weekday", 1, 7, problems)}
        elif (found := LAST.fullmatch(part)) and found["day"].isdecimal():
            last |= set(_values(found["day"], "weekday", 1, 7, problems))
        else:
            plain |= set(_values(part, "weekday", 1, 7, problems))
    return frozenset(plain) or None, frozenset(nth), frozenset(last)


def _values(text: str, what: str, low: int, high: int, problems: list[str]) -> list[int]:
    """Return the values of a list of numbers, ranges and steps, in order."""
    found: set[int] = set()
    for part in text.split(","):
        shape = PART.fullmatch(part)
        first = _number(shape["first"], low) if shape else None
        if shape is None or first is None:
            problems.append(f"{what} {part} is not understood")
            continue
        step = int(shape["step"] or 1)
        until = high if shape["first"] == "*" or shape["step"] else first
        last = _number(shape["last"], low) if shape["last"] else until
        if last is None or not low <= first <= last <= high or step == 0:
            problems.append(f"{what} must be {low} to {high}, found {part}")
            continue
        found |= set(range(first, last + 1, step))
    return sorted(found)


def _number(text: str, low: int) -> int | None:
    if text == "*":
        return low
    if text.upper() in WEEKDAYS:
        return WEEKDAYS.index(text.upper()) + 1
    return int(text) if text.isdecimal() else None
