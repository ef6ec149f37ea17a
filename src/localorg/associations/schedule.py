"""When an association runs: rate(), cron() and at() expressions, read once and asked for the next time.

Flow: text -> `parse` -> Rate | Cron | At -> `next_after(moment)`. A wrong expression raises InvalidSchedule with all that is wrong.
Rules: pure; times are epoch seconds, UTC. Nothing runs more often than every 30 minutes.
AWS: user guide, reference-cron-and-rate-expressions, the part on associations.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from localorg.associations.cron import Cron, parse_cron
from localorg.kernel.errors import AwsError

RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
CRON = re.compile(r"cron\((.*)\)")
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
RATE_MIN_S = 30 * 60
RATE_MAX_S = 31 * 86400
"""AWS: at least 30 minutes, less than 31 days."""


@dataclass(frozen=True)
class Rate:
    """Every `interval_s`, counted from an anchor: see the question `rate-anchor`."""

    interval_s: int

    def next_after(self, moment: float, anchor: float) -> float | None:
        """Return the first time after `moment`."""
        passed = max(0, int((moment - anchor) // self.interval_s))
        due = anchor + (passed + 1) * self.interval_s
        return due if due > moment else due + self.interval_s


@dataclass(frozen=True)
class At:
    """Once."""

    due: float

    def next_after(self, moment: float, _anchor: float) -> float | None:
        """Return the time when it is still to come."""
        return self.due if self.due > moment else None


@dataclass(frozen=True)
class Shifted:
    """So many days after each scheduled day. # AWS: API ScheduleOffset"""

    base: Cron
    days: int

    def next_after(self, moment: float, anchor: float) -> float | None:
        """Return the first time after `moment`."""
        shift = self.days * SECONDS["day"]
        due = self.base.next_after(moment - shift, anchor)
        return None if due is None else due + shift


Schedule = Rate | Cron | At | Shifted
__all__ = ["At", "Cron", "Rate", "Schedule", "Shifted", "parse"]


def parse(expression: str) -> Schedule:
    """Return the schedule. Raises AwsError InvalidSchedule."""
    problems: list[str] = []
    schedule: Schedule | None = None
    if found := RATE.fullmatch(expression):
        schedule = _rate(int(found[1]), found[2], found[3], problems)
    elif found := AT.fullmatch(expression):
        schedule = _at(found[1], problems)
    elif found := CRON.fullmatch(expression):
        schedule = parse_cron(found[1], problems)
    else:
        problems.append(
            "expected rate(VALUE minutes|hours|days), cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR) or at(yyyy-mm-ddThh:mm:ss)"
        )
    if schedule is None or problems:
        raise AwsError("InvalidSchedule", f"The schedule {expression!r} cannot be used: {'; '.join(problems)}.")
    return schedule


def _rate(value: int, unit: str, plural: str, problems: list[str]) -> Rate | None:
    if (value == 1) == bool(plural):
        problems.append(f"write {value} {unit if value == 1 else unit + 's'}")
    interval_s = value * SECONDS[unit]
    if interval_s < RATE_MIN_S:
        problems.append("a rate is at least 30 minutes")
    if interval_s >= RATE_MAX_S:
        problems.append("a rate is less than 31 days")
    return None if problems else Rate(interval_s)


def _at(text: str, problems: list[str]) -> At | None:
    try:
        return At(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as wrong:
        problems.append(f"{text} is no time: {wrong}")
        return None
