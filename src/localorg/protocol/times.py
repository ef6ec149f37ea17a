"""Timestamps: epoch seconds inside localorg, the protocol's own form on the wire."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime


def from_text(text: str) -> float:
    """Return epoch seconds of an ISO 8601, HTTP-date or epoch text. Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def iso8601(moment: float) -> str:
    """Return 2026-11-23T13:33:12.170Z."""
    whole = datetime.fromtimestamp(round(moment, 3), UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03d}Z"


def rfc822(moment: float) -> str:
    """Return Mon, 23 Nov 2026 13:33:12 GMT."""
    return format_datetime(datetime.fromtimestamp(int(moment), UTC), usegmt=True)


def in_format(moment: float, name: str) -> str | float:
    """Return `moment` in one of the models' formats: iso8601, rfc822, unixTimestamp."""
    match name.lower():
        case "iso8601":
            return iso8601(moment)
        case "rfc822":
            return rfc822(moment)
        case "unixtimestamp":
            return round(moment, 3)
        case other:
            raise ValueError(f"the model has the timestamp format {other!r}, which localorg.protocol.times does not know")
