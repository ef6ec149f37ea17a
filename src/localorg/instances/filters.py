"""EC2 filters: names, values with wildcards, AND between filters, OR within one. Pure.

AWS: EC2 user guide "Filtering" (Using_Filtering): `*` any characters, `?` one character, a backslash before them takes them
literally; values are case-sensitive.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from localorg.instances.describing import STATE_CODES, dns_name, health
from localorg.instances.records import Instance
from localorg.kernel.errors import AwsError, NotSupported

FILTERS_MAX, VALUES_MAX = 50, 200
"""AWS: EC2 API "Filtering": up to 50 filters, up to 200 values in a request."""
Filters = list[dict[str, Any]]
Reader = Callable[[Any], Iterable[str]]
INSTANCE: dict[str, Callable[[Instance], Iterable[str]]] = {
    "instance-id": lambda one: [one.instance_id],
    "instance-state-name": lambda one: [one.state],
    "instance-state-code": lambda one: [str(STATE_CODES[one.state])],
    "instance-type": lambda one: [one.instance_type],
    "image-id": lambda one: [one.image_id],
    "architecture": lambda one: [one.architecture],
    "private-ip-address": lambda one: [one.private_ip],
    "owner-id": lambda one: [one.account],
    "reservation-id": lambda one: [one.reservation_id],
    "platform": lambda one: ["windows"] if one.windows else [],
    "availability-zone": lambda one: [f"{one.region}a"],
    "private-dns-name": lambda one: [dns_name(one)],
    "monitoring-state": lambda _one: ["disabled"],
    "tenancy": lambda _one: ["default"],
    "platform-details": lambda one: ["Windows" if one.windows else "Linux/UNIX"],
    **{f"{check}-status.status": lambda one: [health(one)] for check in ("instance", "system")},
    **{
        f"{check}-status.reachability": lambda one: ["passed"] if one.state == "running" else []
        for check in ("instance", "system")
    },
    "tag-key": lambda one: list(one.tags),
    "tag-value": lambda one: list(one.tags.values()),
}


def of_instance(name: str) -> Callable[[Instance], Iterable[str]]:
    """Return what filter `name` looks at. Raises NotSupported."""
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda one: [one.tags[key]] if key in one.tags else []
    if name not in INSTANCE:
        raise NotSupported(f"the filter {name}; supported are {', '.join(INSTANCE)} and tag:KEY", "DescribeInstances")
    return INSTANCE[name]


def selection(filters: Filters, reader: Callable[[str], Reader]) -> Callable[[Any], bool]:
    """Return the test that all filters together make. Raises InvalidParameterValue, NotSupported."""
    if len(filters) > FILTERS_MAX or sum(len(entry.get("Values", [])) for entry in filters) > VALUES_MAX:
        raise AwsError("FilterLimitExceeded", f"At most {FILTERS_MAX} filters with {VALUES_MAX} values in all.")
    tests = []
    for entry in filters:
        if not entry.get("Name") or not entry.get("Values"):
            raise AwsError("InvalidParameterValue", f"A filter needs a Name and Values, found {entry}.")
        tests.append((reader(entry["Name"]), [_pattern(value) for value in entry["Values"]]))
    return lambda one: all(any(pattern.fullmatch(text) for text in read(one) for pattern in patterns) for read, patterns in tests)


def literal(filters: Filters, name: str) -> list[str] | None:
    """Return the values of the filter `name` when they have no wildcards, else None: then any row may pass."""
    values = next((entry.get("Values") for entry in filters if entry.get("Name") == name), None)
    return values if values and not any(character in value for value in values for character in "\\*?") else None


@lru_cache(maxsize=10_000)
def _pattern(value: str) -> re.Pattern[str]:
    parts, escaped = [], False
    for character in value:
        if escaped or character not in "\\*?":
            parts.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append("." + ("*" if character == "*" else ""))
    return re.compile("".join(parts), re.DOTALL)
