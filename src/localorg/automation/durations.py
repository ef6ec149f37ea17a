"""ISO 8601 durations and moments, as aws:sleep takes them: `PT10M`, `P1DT2H`, `2026-01-01T01:00:00Z`.

AWS: user guide, automation-action-sleep: "You can specify a maximum duration of 604799 seconds (7 days)".
"""

import re

from localorg.protocol import times

DURATION_S_MAX = 604_799
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNITS_S = (604_800, 86_400, 3_600, 60, 1)


def duration_s(text: str) -> float:
    """Return the seconds of an ISO 8601 duration without months and years. Raises ValueError with what was expected."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()) or text.endswith("T"):
        raise ValueError(f"Duration must be an ISO 8601 duration such as PT10M, found {text!r}")
    seconds = sum(float(number) * unit for number, unit in zip(found.groups(), _UNITS_S, strict=True) if number)
    if seconds > DURATION_S_MAX:
        raise ValueError(f"Duration is at most {DURATION_S_MAX} seconds, found {text!r} ({seconds:.0f} s)")
    return seconds


def moment(text: str) -> float:
    """Return epoch seconds of an ISO 8601 moment. Raises ValueError."""
    try:
        return times.from_text(text)
    except ValueError:
        raise ValueError(f"Timestamp must be ISO 8601 such as 2026-01-01T01:00:00Z, found {text!r}") from None
