"""The condition operators: how one value of a request is compared with one value of a policy.

Flow: "NumericLessThan" -> `OPERATORS[...]` -> (does it match?, is it negated?).
Rules: a value that is no number, date, address or such matches nothing, so a negated operator holds for it. Strings are compared as
they are; only StringLike and the ARN operators know wildcards.
Refuses to know: keys, missing values and sets of values (conditions.py).

AWS: IAM user guide, "IAM JSON policy elements: Condition operators".
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from operator import eq, ge, gt, le, lt
from typing import Any

from localorg.identity.templates import Lookup, Template

Matcher = Callable[[str, Template, Lookup], bool]
"""(value in the request, value in the policy, the request) -> do they match?"""
Order = Callable[[Any, Any], bool]

_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})")
_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?)?"
)


@lru_cache(maxsize=4096)
def number(text: str) -> Decimal | None:
    """Return the number that a text is, or None."""
    return Decimal(text) if _NUMBER.fullmatch(text.strip()) else None


@lru_cache(maxsize=4096)
def moment(text: str) -> float | None:
    """Return the epoch seconds of a date, or None. AWS: one of the W3C forms of ISO 8601, or epoch (UNIX) time."""
    found = _DATE.fullmatch(text)
    if not found:
        # ASSUMED: four digits are a year (2020), never the second 2020 of the epoch.
        plain = number(text)
        return None if plain is None else float(plain)
    part = {name: int(found[name] or default) for name, default in _PARTS.items()}
    fraction = float(f"0.{found['fraction'] or 0}")
    try:
        whole = datetime(**part, tzinfo=_zone(found["zone"]))
    except ValueError:
        return None
    return whole.timestamp() + fraction


_PARTS = {"year": 1, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}


def _zone(text: str | None) -> timezone:
    if text in {None, "Z"}:
        return UTC
    sign, digits = str(text)[0], str(text)[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if sign == "-" else offset)


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        # AWS: "If you specify an IP address without the associated routing prefix, IAM uses the default prefix value of /32."
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _equal(found: str, wanted: Template, lookup: Lookup) -> bool:
    return wanted.text(lookup) == found


def _equal_any_case(found: str, wanted: Template, lookup: Lookup) -> bool:
    text = wanted.text(lookup)
    return text is not None and text.lower() == found.lower()


def _like(found: str, wanted: Template, lookup: Lookup) -> bool:
    pattern = wanted.pattern(lookup)
    return pattern is not None and pattern(found)


def _arn_like(found: str, wanted: Template, lookup: Lookup) -> bool:
    """AWS: each of the six colon-delimited parts is compared by itself; ArnEquals and ArnLike behave identically."""
    pattern = wanted.pattern(lookup, "arn-parts")
    return pattern is not None and found.count(":") >= 5 and pattern(found)


def _in_network(found: str, wanted: Template, lookup: Lookup) -> bool:
    address, network = _address(found), _network(wanted.text(lookup) or "")
    return address is not None and network is not None and address in network


def _same_bytes(found: str, wanted: Template, lookup: Lookup) -> bool:
    """AWS: BinaryEquals compares a key in binary form byte for byte with the base64 text of the policy."""
    left, right = _bytes(found), _bytes(wanted.text(lookup) or "")
    return left is not None and left == right


def _by(order: Order, read: Callable[[str], Any]) -> Matcher:
    def matches(found: str, wanted: Template, lookup: Lookup) -> bool:
        text = wanted.text(lookup)
        left, right = read(found), None if text is None else read(text)
        return left is not None and right is not None and order(left, right)

    return matches


_ORDERS: dict[str, tuple[Order, bool]] = {
    "Equals": (eq, False),
    "NotEquals": (eq, True),
    "LessThan": (lt, False),
    "LessThanEquals": (le, False),
    "GreaterThan": (gt, False),
    "GreaterThanEquals": (ge, False),
}

OPERATORS: dict[str, tuple[Matcher, bool]] = {
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnNotLike": (_arn_like, True),
    "BinaryEquals": (_same_bytes, False),
    "Bool": (_equal_any_case, False),
    "IpAddress": (_in_network, False),
    "NotIpAddress": (_in_network, True),
    "StringEquals": (_equal, False),
    "StringEqualsIgnoreCase": (_equal_any_case, False),
    "StringLike": (_like, False),
    "StringNotEquals": (_equal, True),
    "StringNotEqualsIgnoreCase": (_equal_any_case, True),
    "StringNotLike": (_like, True),
    **{f"Numeric{name}": (_by(order, number), negated) for name, (order, negated) in _ORDERS.items()},
    **{f"Date{name}": (_by(order, moment), negated) for name, (order, negated) in _ORDERS.items()},
}
"""Operator -> (how one value matches, negated?). Each also exists with the suffix IfExists; `Null` stands apart."""
