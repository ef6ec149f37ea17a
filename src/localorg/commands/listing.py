"""Filters and order of ListCommands and ListCommandInvocations. Pure.

AWS: API CommandFilter: keys InvokedAfter, InvokedBefore, Status, ExecutionStage (ListCommands only), DocumentName.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from localorg.commands import states
from localorg.commands.records import Command, Invocation
from localorg.kernel.errors import AwsError

Filters = list[dict[str, Any]]
Row = tuple[Command, Invocation | None]
Test = Callable[[Row], bool]


def selection(filters: Filters, *, of_commands: bool) -> Test:
    """Return the test that all `filters` together make. Raises InvalidFilterKey, ValidationException."""
    tests = [_test(entry["key"], entry["value"], of_commands=of_commands) for entry in filters]
    return lambda row: all(test(row) for test in tests)


def _test(key: str, value: str, *, of_commands: bool) -> Test:
    match key:
        case "InvokedAfter":
            after = _moment(value)
            return lambda row: row[0].requested >= after
        case "InvokedBefore":
            before = _moment(value)
            return lambda row: row[0].requested < before
        case "Status":
            return _status_test(value, of_commands=of_commands)
        case "DocumentName":
            return lambda row: row[0].document_name == value
        case "ExecutionStage" if of_commands:
            return _stage_test(value)
        case _:
            raise AwsError("InvalidFilterKey", f"The filter key {key} is not valid for this operation.")


def _stage_test(value: str) -> Test:
    if value not in ("Executing", "Complete"):
        raise AwsError("ValidationException", f"ExecutionStage must be Executing or Complete, found {value!r}.")
    return lambda row: (row[0].detail in states.TERMINAL) == (value == "Complete")


def _status_test(value: str, *, of_commands: bool) -> Test:
    table = states.COMMAND_STATUS if of_commands else states.INVOCATION_STATUS
    known = set(table) | set(table.values()) | ({"LimitExceeded"} if of_commands else set())
    if value not in known:
        raise AwsError("ValidationException", f"Status must be one of {', '.join(sorted(known))}; found {value!r}.")

    def test(row: Row) -> bool:
        one = row[0] if of_commands else row[1]
        return one is not None and value in (one.status, one.detail)

    return test


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise AwsError("ValidationException", f"Expected a time such as 2024-07-07T00:00:00Z, found {text!r}.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
