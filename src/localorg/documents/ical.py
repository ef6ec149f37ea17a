"""A change calendar: iCalendar text in, open or closed at any time out.

Flow: text -> `Calendar` (default state, events) -> `spans` of a window -> `is_open`, `next_transition`.
Rules: pure. The default state is X-CALENDAR-TYPE; during an event it is the other one. Only VEVENTs count.
AWS: user guide, systems-manager-change-calendar; an example of the document in the CloudFormation reference of AWS::SSM::Document.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
import recurring_ical_events

TYPES = ("DEFAULT_OPEN", "DEFAULT_CLOSED")
HORIZON = timedelta(days=366)
"""# ASSUMED: how far NextTransitionTime looks; AWS gives no bound, a calendar without events has no transition at all."""


FINEST = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
"""# ASSUMED: how often events may repeat; those of calendars that people keep do not repeat every minute."""
FIRST_YEAR = 1970
WORDS_MAX = 200


class BadCalendarError(Exception):
    """The text is no change calendar; the words say why."""


@dataclass(frozen=True)
class Calendar:
    """A calendar that was read. `content` is the parsed VCALENDAR."""

    default_open: bool
    content: Any

    def spans(self, start: datetime, end: datetime) -> list[tuple[float, float]]:
        """Return when the state is not the default one between two moments, joined and in order. Raises BadCalendarError."""
        try:
            _check_events(self.content)
            found = recurring_ical_events.of(self.content, components=["VEVENT"]).between(start, end)
        except (ValueError, TypeError, AttributeError, ArithmeticError) as problem:
            raise BadCalendarError(f"its events cannot be counted: {str(problem)[:WORDS_MAX]}") from problem
        joined: list[tuple[float, float]] = []
        for begin, stop in sorted(_span(event) for event in found):
            if joined and begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
            elif stop > begin:
                joined.append((begin, stop))
        return joined


def read(text: str) -> Calendar:
    """Read a change calendar. Raises BadCalendarError."""
    try:
        content = icalendar.Calendar.from_ical(text)
    except (ValueError, IndexError, KeyError, TypeError) as problem:
        raise BadCalendarError(f"it is no iCalendar text: {str(problem)[:WORDS_MAX]}") from problem
    if getattr(content, "name", "") != "VCALENDAR":
        raise BadCalendarError("it is no iCalendar text: VCALENDAR is missing")
    kind = str(content.get("X-CALENDAR-TYPE", ""))
    if kind not in TYPES:
        raise BadCalendarError(f"X-CALENDAR-TYPE must be {' or '.join(TYPES)}, found {kind or 'none'}")
    return Calendar(kind == "DEFAULT_OPEN", content)


def problems(text: str) -> list[str]:
    """Return what keeps a text from being a change calendar (the documents engine's check)."""
    try:
        calendar = read(text)
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        calendar.spans(moment, moment + timedelta(days=1))
    except BadCalendarError as problem:
        return [str(problem)]
    return []


def description(text: str) -> str:
    """Return what a calendar says of itself."""
    return str(read(text).content.get("X-WR-CALDESC", ""))


@dataclass(frozen=True)
class State:
    """The common state of some calendars, and when it changes (None: not within the horizon)."""

    is_open: bool
    changes: float | None


def state(calendars: list[Calendar], moment: float) -> State:
    """Return whether all calendars are open at `moment`. Raises BadCalendarError."""
    start = datetime.fromtimestamp(moment, UTC)
    planned = [(one, one.spans(start, start + HORIZON)) for one in calendars]
    now = _all_open(planned, moment)
    later = sorted({edge for _, spans in planned for span in spans for edge in span if edge > moment})
    return State(now, next((edge for edge in later if _all_open(planned, edge) != now), None))


def _check_events(content: Any) -> None:
    """Refuse what would take for ever to count."""
    for event in content.walk("VEVENT"):
        start = getattr(event.get("DTSTART"), "dt", None)
        if start is None or start.year < FIRST_YEAR:
            raise BadCalendarError(f"each event needs a DTSTART since {FIRST_YEAR}, found {start}")
        rules = event.get("RRULE") or []
        for rule in rules if isinstance(rules, list) else [rules]:
            often = [str(name).upper() for name in rule.get("FREQ", [])] if isinstance(rule, dict) else []
            if not often or not set(often) <= set(FINEST):
                raise BadCalendarError(f"events repeat {', '.join(FINEST)}, found {', '.join(often) or 'no FREQ'}")


def _all_open(planned: list[tuple[Calendar, list[tuple[float, float]]]], moment: float) -> bool:
    return all(one.default_open != _within(spans, moment) for one, spans in planned)


def _within(spans: list[tuple[float, float]], moment: float) -> bool:
    place = bisect_right(spans, (moment, float("inf"))) - 1
    return place >= 0 and moment < spans[place][1]


def _span(event: Any) -> tuple[float, float]:
    return _moment(event["DTSTART"].dt), _moment(event["DTEND"].dt)


def _moment(value: date | datetime) -> float:
    # ASSUMED: a day, and a time without a zone, are counted in UTC.
    at = value if isinstance(value, datetime) else datetime.combine(value, time())
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
