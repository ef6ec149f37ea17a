"""What is signed: a release with when it was issued, when it expires, and the floor. Facts <-> canonical JSON.

    {... members of release.json ..., "issued", "expires", "floor"}

The floor is the lowest version that may still be published afterwards: who has seen it refuses what is older, well signed or not.

Rules: times are UTC to the second; the payload must be the one text that stands for its value, so that no two readers read it differently.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.release import Release, canonical, read_release, release_value
from csd.package.source import VERSION_PATTERN
from csd.package.versions import lowest, order

PAYLOAD_TYPE = "application/vnd.csd.release+json"
EXPIRES_DEFAULT = "365d"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LIFE = re.compile(r"([1-9][0-9]{0,4})d")
_SIGN_AGAIN = "Sign the package again: csd package sign DIR --key KEY --again."


@dataclass(frozen=True, slots=True)
class Statement:
    """One release, vouched for."""

    release: Release
    issued: datetime
    expires: datetime
    floor: str


def time_text(moment: datetime) -> str:
    """A moment as statements have it."""
    return moment.astimezone(UTC).strftime(_TIME)


def read_time(text: str) -> datetime:
    """The moment of a text. Raises ValueError."""
    moment = datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    if time_text(moment) != text:
        raise ValueError(f"{text!r} is not written as {_TIME}")
    return moment


def expiry(text: str, now: datetime) -> datetime:
    """When 180d (from now), 2027-01-31 (the day's end, UTC) or 2027-01-31T12:00:00Z is. Raises CsdInputError."""
    try:
        if life := _LIFE.fullmatch(text):
            moment = (now + timedelta(days=int(life[1]))).replace(microsecond=0)
        elif "T" in text:
            moment = read_time(text)
        else:
            moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1, seconds=-1)
    except (ValueError, OverflowError) as unread:
        raise CsdInputError(
            [Problem("--expires", f"found {text!r}.", "Say 180d, 2027-01-31 or 2027-01-31T12:00:00Z (UTC).")]
        ) from unread
    if moment <= now:
        raise CsdInputError([Problem("--expires", f"{time_text(moment)} is past.", "Name a moment that is to come.")])
    return moment


def make_statement(release: Release, now: datetime, expires: str, floor: str) -> Statement:
    """What a signature of now says; without a floor, the lowest, so that going back stays possible. Raises CsdInputError."""
    chosen = floor or lowest(release.version)
    _check_floor(chosen, release.version, "--floor")
    return Statement(release, now.replace(microsecond=0), expiry(expires, now), chosen)


def payload_of(statement: Statement) -> bytes:
    """The bytes that are signed."""
    times = {"issued": time_text(statement.issued), "expires": time_text(statement.expires), "floor": statement.floor}
    return canonical({**release_value(statement.release), **times}).encode()


def read_statement(payload: bytes, where: str) -> Statement:
    """What a payload says. Raises CsdInputError."""
    told = _value(payload, where)
    release = read_release(told, where)
    try:
        issued, expires = (read_time(str(told.get(key))) for key in ("issued", "expires"))
    except ValueError as unread:
        raise CsdInputError([Problem(where, f"has no time it can be judged by: {unread}.", _SIGN_AGAIN)]) from unread
    floor = told.get("floor")
    if not isinstance(floor, str):
        raise CsdInputError([Problem(f"{where}: floor", f"found {floor!r}.", _SIGN_AGAIN)])
    _check_floor(floor, release.version, f"{where}: floor")
    statement = Statement(release, issued, expires, floor)
    if payload_of(statement) != payload:
        raise CsdInputError([Problem(where, "is not written as a statement is, or says more than this csd knows.", _SIGN_AGAIN)])
    return statement


def _check_floor(floor: str, version: str, where: str) -> None:
    if not re.fullmatch(VERSION_PATTERN, floor):
        raise CsdInputError([Problem(where, f"{floor!r} is no version.", "Name the lowest version that may still be published.")])
    if order(floor) > order(version):
        raise CsdInputError(
            [Problem(where, f"{floor} is above the version itself, {version}.", f"Name {version} or an older version.")]
        )


def _value(payload: bytes, where: str) -> dict[str, Any]:
    try:
        told = json.loads(payload.decode("utf-8", "strict"), parse_constant=_no_number, parse_float=_no_number)
    except (ValueError, RecursionError) as broken:
        raise CsdInputError([Problem(where, f"is not JSON: {broken}.", _SIGN_AGAIN)]) from broken
    if not isinstance(told, dict):
        raise CsdInputError([Problem(where, "is not a JSON object.", _SIGN_AGAIN)])
    return told


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} stands nowhere in a statement")
