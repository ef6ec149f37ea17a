"""The filters of ListDocuments. Rules: pure; an unknown key is InvalidFilterKey, never ignored.

AWS: API DocumentKeyValuesFilter; keys are AND-ed, the values of a key are OR-ed.
"""

from collections.abc import Callable
from typing import Any

from localorg.documents.aws_owned import OWNER
from localorg.documents.lookup import Found
from localorg.documents.records import VersionRecord
from localorg.kernel.errors import AwsError

OWNERS = ("All", "Amazon", "Private", "Public", "Self", "ThirdParty")
Test = Callable[[Found, VersionRecord], bool]
TESTS: dict[str, Callable[[Found, VersionRecord, list[str]], bool]] = {
    # AWS: "you can use a name prefix"
    "Name": lambda found, _, values: found.document.name.startswith(tuple(values)) or found.shown_name.startswith(tuple(values)),
    "DocumentType": lambda found, _, values: found.document.type in values,
    "PlatformTypes": lambda _, version, values: bool(set(version.platform_types) & set(values)),
    # ASSUMED: a keyword is looked for in names only.
    "SearchKeyword": lambda found, _, values: any(value.lower() in found.document.name.lower() for value in values),
    "TargetType": lambda _, version, values: version.target_type in values,
    "VersionName": lambda _, version, values: version.version_name in values,
}


def tests(params: dict[str, Any]) -> list[Test]:
    """Return one test per filter of a ListDocuments request, old or new style."""
    old = [(one["key"], [one["value"]]) for one in params.get("DocumentFilterList") or []]
    new = [(one.get("Key", ""), one.get("Values") or []) for one in params.get("Filters") or []]
    if old and new:
        raise AwsError("ValidationException", "Give Filters or DocumentFilterList, not both.")
    tags = [key for key, _ in old + new if key.startswith("tag:")]
    if len(tags) > 1:
        # AWS: API ListDocumentsRequest.Filters, "only supports filtering documents by using a single tag key". ASSUMED: the error.
        raise AwsError("InvalidFilterKey", f"ListDocuments filters by one tag key; found {', '.join(tags)}.")
    return [_test(key, values) for key, values in old + new]


def _test(key: str, values: list[str]) -> Test:
    if key.startswith("tag:"):
        return lambda found, _: found.is_own and found.document.tags.get(key[4:]) in values
    if key == "Owner":
        return _owner(values)
    if key not in TESTS:
        raise AwsError(
            "InvalidFilterKey", f"ListDocuments cannot filter by {key!r}; it knows {', '.join(TESTS)}, Owner, tag:KEY."
        )
    return lambda found, version: TESTS[key](found, version, values)


def _owner(values: list[str]) -> Test:
    if len(values) != 1 or values[0] not in OWNERS:
        raise AwsError("InvalidFilterKey", f"Owner takes exactly one of {', '.join(OWNERS)}; found {', '.join(values)}.")
    match values[0]:
        case "Self":
            return lambda found, _: found.is_own
        case "Amazon":
            return lambda found, _: found.owner == OWNER
        case "Public":
            return lambda found, _: not found.is_own and "all" in found.document.shares
        case "ThirdParty":
            return lambda _found, _version: False  # documents of partners of AWS: there are none in a local organization
        case "Private":
            return lambda found, _: not found.is_own and found.owner != OWNER and "all" not in found.document.shares
        case _:
            return lambda _found, _version: True
