"""Change calendars among the documents: what makes one, and GetCalendarState.

Flow: names or ARNs -> documents that the account may see -> `ical` -> open when all are open.
AWS: API GetCalendarState; user guide, systems-manager-change-calendar.
"""

from datetime import UTC, datetime

from localorg.documents import ical
from localorg.documents.lookup import Lookup
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

KIND = "ChangeCalendar"


class Calendars:
    """The operation on change calendars."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def operations(self) -> list[Operation]:
        """Return it."""
        return [Operation("ssm", "GetCalendarState", self._state, self._access)]

    def _access(self, request: Request) -> list[Access]:
        names = request.params["CalendarNames"]
        return [Access("ssm:GetCalendarState", self._lookup.arn_of(request, name)) for name in names] or [
            Access("ssm:GetCalendarState")
        ]

    def _state(self, request: Request) -> Output:
        names = request.params["CalendarNames"]
        if not names:
            raise AwsError("ValidationException", "CalendarNames names no calendar.")
        moment = _moment(request.params["AtTime"]) if request.params.get("AtTime") else request.now
        calendars = [self._calendar(request, name) for name in names]
        try:
            found = ical.state(calendars, moment)
        except ical.BadCalendarError as problem:
            raise AwsError("UnsupportedCalendarException", f"{', '.join(names)}: {problem}.") from problem
        more = {} if found.changes is None else {"NextTransitionTime": _text(found.changes)}
        return {"State": "OPEN" if found.is_open else "CLOSED", "AtTime": _text(moment), **more}

    def _calendar(self, request: Request, name: str) -> ical.Calendar:
        found = self._lookup.find(request, name)
        version = self._lookup.choose(found, {})
        if found.document.type != KIND:
            raise AwsError("InvalidDocumentType", f"{name} is of type {found.document.type}, not {KIND}.")
        try:
            return ical.read(version.content)
        except ical.BadCalendarError as problem:
            raise AwsError("UnsupportedCalendarException", f"{name}: {problem}.") from problem


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise AwsError("ValidationException", f"AtTime looks like 2026-11-23T16:00:00Z, found {text!r}.") from None


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
