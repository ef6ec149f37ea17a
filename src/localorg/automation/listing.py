"""The filters of DescribeAutomationExecutions and DescribeAutomationStepExecutions. Pure.

Rules: the values of one filter are alternatives, several filters must all hold; a filter that is not supported is refused by name.
AWS: API AutomationExecutionFilter, StepExecutionFilter.
"""

from collections.abc import Callable
from typing import Any

from localorg.automation.records import Execution, StepRecord
from localorg.automation.resolve import GROUP
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol import times
from localorg.protocol.models import service_model

ExecutionTest = Callable[[Execution, StepRecord | None, str], bool]
"""(execution, its step at work, value)"""
StepTest = Callable[[StepRecord, str], bool]


def enum_of(shape: str) -> list[str]:
    """Return the words that a shape of the model allows."""
    return list(service_model("ssm").shape_for(shape).enum)


def _time(value: str) -> float:
    try:
        return times.from_text(value)
    except ValueError:
        raise AwsError(
            "InvalidFilterValue", f"The filter value {value!r} is no ISO 8601 time such as 2026-01-01T00:00:00Z."
        ) from None


def _targets_group(row: Execution, value: str) -> bool:
    return any(target.get("Key") == GROUP and value in (target.get("Values") or []) for target in row.targets)


EXECUTION_TESTS: dict[str, ExecutionTest] = {
    "DocumentNamePrefix": lambda row, _steps, value: row.document_name.startswith(value),
    "ExecutionStatus": lambda row, _steps, value: row.status == value,
    "ExecutionId": lambda row, _steps, value: row.execution_id == value,
    "ParentExecutionId": lambda row, _steps, value: row.parent is not None and row.parent.execution_id == value,
    "CurrentAction": lambda _row, current, value: current is not None and current.action == value,
    "StartTimeBefore": lambda row, _steps, value: row.started < _time(value),
    "StartTimeAfter": lambda row, _steps, value: row.started > _time(value),
    "AutomationType": lambda row, _steps, value: row.kind == value,
    "TagKey": lambda row, _steps, value: value in row.tags,
    "TargetResourceGroup": lambda row, _steps, value: _targets_group(row, value),
    # Change Manager, just-in-time access and OpsCenter start no automations here, so these match none.
    "AutomationSubtype": lambda _row, _steps, _value: False,
    "OpsItemId": lambda _row, _steps, _value: False,
}
WORDS = {
    "AutomationType": frozenset({"CrossAccount", "Local"}),
    "AutomationSubtype": frozenset({"ChangeRequest", "AccessRequest"}),
    "ExecutionStatus": frozenset(enum_of("AutomationExecutionStatus")),
    "StepExecutionStatus": frozenset(enum_of("AutomationExecutionStatus")),
}
"""Filters whose values are words of the model. ASSUMED: another word is refused, as a time is that is none."""
STEP_TESTS: dict[str, StepTest] = {
    "StepExecutionStatus": lambda step, value: step.status == value,
    "StepExecutionId": lambda step, value: step.step_id == value,
    "StepName": lambda step, value: step.name == value,
    "Action": lambda step, value: step.action == value,
    "StartTimeBefore": lambda step, value: step.started is not None and step.started < _time(value),
    "StartTimeAfter": lambda step, value: step.started is not None and step.started > _time(value),
    "ParentStepExecutionId": lambda step, value: step.parent is not None and step.parent.step_id == value,
    "ParentStepIteration": lambda step, value: step.parent is not None and str(step.parent.iteration) == value,
    "ParentStepIteratorValue": lambda step, value: step.parent is not None and step.parent.iterator_value == value,
}


def check(filters: list[dict[str, Any]], known: dict[str, Any], operation: str) -> None:
    """Refuse filters that are not known here, and values that they cannot have. Raises NotSupported, AwsError."""
    for one in filters:
        if one["Key"] not in known:
            raise NotSupported(f"the filter {one['Key']}", operation)
        words = WORDS.get(one["Key"])
        wrong = [value for value in one["Values"] if words is not None and value not in words]
        if wrong:
            raise AwsError("InvalidFilterValue", f"The filter {one['Key']} cannot have the value {', '.join(wrong)}.")
        if one["Key"].startswith("StartTime"):
            for value in one["Values"]:
                _time(value)


def execution_matches(row: Execution, current: StepRecord | None, filters: list[dict[str, Any]]) -> bool:
    """Say whether `row` is asked for; `current` is its step at work."""
    return all(any(EXECUTION_TESTS[one["Key"]](row, current, value) for value in one["Values"]) for one in filters)


def step_matches(record: StepRecord, filters: list[dict[str, Any]]) -> bool:
    """Say whether `record` is asked for."""
    return all(any(STEP_TESTS[one["Key"]](record, value) for value in one["Values"]) for one in filters)
