"""The filters of DescribeParameters and GetParametersByPath.

AWS: API ParameterStringFilter: which keys and options belong to which operation.
Rules: pure; keys are AND-ed, the values of a key OR-ed. Label and KeyId are refused by name.
"""

from collections.abc import Callable
from typing import Any

from localorg.kernel.errors import AwsError, NotSupported
from localorg.parameters.names import check_path
from localorg.parameters.records import ParameterRecord, ParameterVersion

REFUSED = ("KeyId", "Label")
"""Keys of AWS that are not supported: nothing is encrypted here, and which version a label would find is not known."""
WORDS = {"Tier": ("Standard", "Advanced", "Intelligent-Tiering"), "Type": ("String", "StringList", "SecureString")}
Test = Callable[[ParameterRecord, ParameterVersion], bool]
Read = Callable[[ParameterRecord, ParameterVersion], str]
FIELDS: dict[str, Read] = {
    "Name": lambda record, _: record.name,
    "Type": lambda record, _: record.type,
    "Tier": lambda _, version: version.tier,
    "DataType": lambda _, version: version.data_type,
}
COMPARE: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda found, value: found == value,
    "BeginsWith": lambda found, value: found.startswith(value),
    "Contains": lambda found, value: value in found,
}


def tests(params: dict[str, Any], operation: str) -> list[Test]:
    """Return one test per filter of the request. Raises InvalidFilterKey, InvalidFilterOption, InvalidFilterValue."""
    old = [{"Key": one["Key"], "Option": "Equals", "Values": one["Values"]} for one in params.get("Filters") or []]
    new = params.get("ParameterFilters") or []
    if old and new:
        raise AwsError("ValidationException", "You can use either Filters or ParameterFilters in a single request.")
    keys = [one["Key"] for one in old + new]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise AwsError(
            "ValidationException", f"The following filter is duplicated in the request: {', '.join(twice)}. Give each key once."
        )
    return [_test(one, operation) for one in old + new]


def _test(given: dict[str, Any], operation: str) -> Test:
    key, values = given["Key"], given.get("Values") or []
    if key in REFUSED:
        raise NotSupported(f"the filter {key}", operation)
    known = ["Type"] if operation == "GetParametersByPath" else [*FIELDS, "Path"]
    if key not in known and not (key.startswith("tag:") and operation == "DescribeParameters"):
        raise AwsError(
            "InvalidFilterKey", f"The following filter key is not valid: {key}. Valid filter keys include: [{', '.join(known)}]."
        )
    if not values and not key.startswith("tag:"):
        raise AwsError("InvalidFilterValue", f"The following filter values are missing : null for filter key {key}.")
    unknown = [value for value in values if value not in WORDS.get(key, values)]
    if unknown:
        # Observed by moto: moto/ssm/models.py, _validate_parameter_filters, for this code and these words.
        raise AwsError(
            "InvalidFilterOption",
            f"The following filter value is not valid: {unknown[0]}. Valid values include: [{', '.join(WORDS[key])}].",
        )
    if key == "Path":
        for value in values:
            check_path(value)
        return _by_path(given.get("Option", "OneLevel"), values)
    return _by_text(key, given.get("Option", "Equals"), values)


def _by_text(key: str, option: str, values: list[str]) -> Test:
    options = ["BeginsWith", "Equals", "Contains"] if key == "Name" else ["BeginsWith", "Equals"]
    if option not in options:
        raise AwsError(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: [{', '.join(options)}].",
        )
    compare = COMPARE[option]
    if key.startswith("tag:"):
        return lambda record, _: _has_tag(record, key[4:], values, compare)
    read = FIELDS[key]
    # AWS: a name may be given with or without the slash that begins a path.
    return lambda record, version: any(
        compare(read(record, version), value) or (key == "Name" and compare(read(record, version), f"/{value}"))
        for value in values
    )


def _has_tag(record: ParameterRecord, key: str, values: list[str], compare: Callable[[str, str], bool]) -> bool:
    found = record.tags.get(key)
    return found is not None and (not values or any(compare(found, value) for value in values))


def _by_path(option: str, values: list[str]) -> Test:
    if option not in ("Recursive", "OneLevel"):
        raise AwsError(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: [Recursive, OneLevel].",
        )
    return lambda record, _: any(lies_under(record.name, value, is_recursive=option == "Recursive") for value in values)


def lies_under(name: str, path: str, *, is_recursive: bool) -> bool:
    """Say whether the parameter `name` lies under `path`: directly, or on any level below."""
    folder = path.rstrip("/") + "/"
    if folder == "/" and not name.startswith("/"):
        return True  # AWS: a name without slashes lies on the first level
    rest = name.removeprefix(folder)
    return rest != name and (is_recursive or "/" not in rest)
