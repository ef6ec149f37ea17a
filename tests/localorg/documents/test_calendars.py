"""Change calendars: texts that are none, states and transitions, several calendars at once; and a brute-force look at all hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from documents.harness import COMMAND, Harness
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.documents import ical
from localorg.kernel.errors import AwsError

NOON = "2027-03-01T11:00:00Z"


def event(start: str, end: str, *more: str) -> str:
    return "\r\n".join(
        ["BEGIN:VEVENT", "DTSTAMP:20270101T000000Z", f"UID:{start}{end}", f"DTSTART{start}", f"DTEND{end}", *more, "END:VEVENT"]
    )


def calendar(*events: str, kind: str = "DEFAULT_OPEN") -> str:
    head = [
        "BEGIN:VCALENDAR",
        "PRODID:-//AWS//Change Calendar 1.0//EN",
        "VERSION:2.0",
        f"X-CALENDAR-TYPE:{kind}",
        "X-WR-CALDESC:test",
    ]
    todo = ["BEGIN:VTODO", "DTSTAMP:20200320T004207Z", "UID:x", "SUMMARY:Add events to this calendar.", "END:VTODO"]
    return "\r\n".join([*head, *todo, *events, "END:VCALENDAR", ""])


MORNINGS = event(":20270101T100000Z", ":20270101T120000Z", "RRULE:FREQ=DAILY")
HELD = {
    "open": calendar(),
    "quiet-mornings": calendar(MORNINGS),
    "only-mornings": calendar(MORNINGS, kind="DEFAULT_CLOSED"),
}


def held() -> Harness:
    """A shelf with three calendars, and a Command document."""
    house = Harness()
    for name, text in HELD.items():
        house.call("CreateDocument", Name=name, DocumentType="ChangeCalendar", DocumentFormat="TEXT", Content=text)
    house.call("CreateDocument", Name="script", DocumentType="Command", Content=COMMAND)
    return house


def state(house: Harness, *names: str, at: str = NOON) -> dict[str, Any]:
    return house.call("GetCalendarState", CalendarNames=list(names), **({"AtTime": at} if at else {}))


@pytest.mark.parametrize(
    ("names", "at", "expected", "changes"),
    [
        (["open"], NOON, "OPEN", None),
        (["quiet-mornings"], NOON, "CLOSED", "2027-03-01T12:00:00Z"),
        (["quiet-mornings"], "2027-03-01T12:00:00Z", "OPEN", "2027-03-02T10:00:00Z"),
        (["quiet-mornings"], "2027-03-01T13:00:00+02:00", "CLOSED", "2027-03-01T12:00:00Z"),
        (["only-mornings"], NOON, "OPEN", "2027-03-01T12:00:00Z"),
        (["open", "quiet-mornings"], NOON, "CLOSED", "2027-03-01T12:00:00Z"),
        (["only-mornings", "quiet-mornings"], NOON, "CLOSED", None),
    ],
)
def test_states_and_transitions(names: list[str], at: str, expected: str, changes: str | None) -> None:
    """Documented: API GetCalendarState; several calendars are open when all are. Assumed: the transition is that of all together."""
    answer = state(held(), *names, at=at)
    assert (answer["State"], answer.get("NextTransitionTime")) == (expected, changes)


def test_now_is_the_time_when_none_is_said() -> None:
    """Documented: API GetCalendarState.AtTime."""
    house = held()
    assert state(house, "open", at="")["AtTime"] == datetime.fromtimestamp(house.kernel.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("names", "at", "code"),
    [
        (["absent"], NOON, "InvalidDocument"),
        (["script"], NOON, "InvalidDocumentType"),
        ([], NOON, "ValidationException"),
        (["open"], "noon", "ValidationException"),
    ],
)
def test_errors(names: list[str], at: str, code: str) -> None:
    """Documented: API GetCalendarState, Errors. Assumed: what stands for a wrong time."""
    with pytest.raises(AwsError) as caught:
        state(held(), *names, at=at)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no iCalendar text"),
        ("x" * 5000, "no iCalendar text"),
        ("BEGIN:VCALENDAR\r\nEND:VCALENDAR", "X-CALENDAR-TYPE must be DEFAULT_OPEN or DEFAULT_CLOSED, found none"),
        (calendar(kind="OPEN"), "found OPEN"),
        (calendar(event(":soon", ":later")), "cannot be counted|needs a DTSTART"),
        (calendar(event(":20270101T100000Z", ":20270101T120000Z", "RRULE:FREQ=SECONDLY")), "events repeat HOURLY"),
        (calendar(event(":20270101T100000Z", ":20270101T120000Z", "RRULE:FREQ=NEVER")), "events repeat HOURLY"),
        (calendar(event(":00010101T100000Z", ":00010101T120000Z", "RRULE:FREQ=DAILY")), "needs a DTSTART since 1970"),
    ],
)
def test_texts_that_are_no_calendars(text: str, words: str) -> None:
    """Documented: user guide: X-CALENDAR-TYPE is needed. Assumed: which repetitions are too fine, and how it is said."""
    with pytest.raises(AwsError, match=words) as caught:
        Harness().call("CreateDocument", Name="broken", DocumentType="ChangeCalendar", DocumentFormat="TEXT", Content=text or " ")
    assert caught.value.code == "InvalidDocumentContent"
    assert len(caught.value.message) < 400


def test_a_calendar_is_a_document_of_plain_text() -> None:
    """Documented: CloudFormation reference of AWS::SSM::Document: DocumentType ChangeCalendar, DocumentFormat TEXT."""
    house = held()
    found = house.call("GetDocument", Name="open")
    assert (found["Content"], found["DocumentFormat"], found["DocumentType"]) == (HELD["open"], "TEXT", "ChangeCalendar")
    assert house.call("DescribeDocument", Name="open")["Document"]["Description"] == "test"
    with pytest.raises(AwsError, match="DocumentFormat is TEXT, found JSON"):
        house.call("CreateDocument", Name="other", DocumentType="ChangeCalendar", DocumentFormat="JSON", Content=HELD["open"])


def test_days_and_zones() -> None:
    """Documented: RFC 5545: a day without a time; a zone with its own rules. Assumed: days are counted in UTC."""
    rules = ["DTSTART:19700101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0100"]
    zone = "\r\n".join(["BEGIN:VTIMEZONE", "TZID:Berlin", "BEGIN:STANDARD", *rules, "END:STANDARD", "END:VTIMEZONE"])
    day = ical.read(calendar(event(";VALUE=DATE:20270301", ";VALUE=DATE:20270302")))
    local = ical.read(calendar(zone, event(";TZID=Berlin:20270301T120000", ";TZID=Berlin:20270301T130000")))
    moment = datetime(2027, 3, 1, 11, 30, tzinfo=UTC)
    assert not ical.state([day], moment.timestamp()).is_open
    assert not ical.state([local], moment.timestamp()).is_open
    assert ical.state([local], (moment + timedelta(hours=1)).timestamp()).is_open


spans = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), spans), min_size=1, max_size=3), st.integers(0, 220))
def test_the_next_transition_is_what_looking_at_every_hour_finds(
    drawn: list[tuple[bool, list[tuple[int, int]]]], hour: int
) -> None:
    """Assumed: the transition is the first hour at which the common state is another."""
    start = datetime(2027, 3, 1, tzinfo=UTC)

    def written(hours: int) -> str:
        return ":" + (start + timedelta(hours=hours)).strftime("%Y%m%dT%H%M%SZ")

    def is_open(at: int) -> bool:
        return all(default != any(begin <= at < begin + length for begin, length in found) for default, found in drawn)

    read = [
        ical.read(
            calendar(*(event(written(b), written(b + n)) for b, n in found), kind="DEFAULT_OPEN" if default else "DEFAULT_CLOSED")
        )
        for default, found in drawn
    ]
    found = ical.state(read, (start + timedelta(hours=hour)).timestamp())
    changes = next((at for at in range(hour + 1, 260) if is_open(at) != is_open(hour)), None)
    expected = None if changes is None else (start + timedelta(hours=changes)).timestamp()
    assert (found.is_open, found.changes) == (is_open(hour), expected)
