"""The filters of DescribeAutomationExecutions and DescribeAutomationStepExecutions. Pure.

Rules: the values of one filter are alternatives, several filters must all hold; a filter that is not supported is refused by name.
AWS: API AutomationExecutionFilter, StepExecutionFilter.
"""

from collections.abc import Callable
from typing import Any

from localorg.automation.records import Execution, StepRecord
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol import times

ExecutionTest = Callable[[Execution, list[StepRecord], str], bool]
StepTest = Callable[[StepRecord, str], bool]


def _time(value: str) -> float:
    try:
        return times.from_text(value)
    except ValueError:
        raise AwsError(
            "InvalidFilterValue", f"The filter value {value!r} is no ISO 8601 time such as 2026-01-01T00:00:00Z."
        ) from None


def _current_action(row: Execution, steps: list[StepRecord], value: str) -> bool:
    return any(step.step_id == row.running and step.action == value for step in steps)


EXECUTION_TESTS: dict[str, ExecutionTest] = {
    "DocumentNamePrefix": lambda row, _steps, value: row.document_name.startswith(value),
    "ExecutionStatus": lambda row, _steps, value: row.status == value,
    "ExecutionId": lambda row, _steps, value: row.execution_id == value,
    "ParentExecutionId": lambda row, _steps, value: row.parent is not None and row.parent.execution_id == value,
    "CurrentAction": _current_action,
    "StartTimeBefore": lambda row, _steps, value: row.started < _time(value),
    "StartTimeAfter": lambda row, _steps, value: row.started > _time(value),
    "AutomationType": lambda row, _steps, value: row.kind == value,
    "TagKey": lambda row, _steps, value: value in row.tags,
}
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
    """Refuse filters that are not known here. Raises NotSupported."""
    for one in filters:
        if one["Key"] not in known:
            raise NotSupported(f"the filter {one['Key']}", operation)


def execution_matches(row: Execution, steps: list[StepRecord], filters: list[dict[str, Any]]) -> bool:
    """Say whether `row` is asked for."""
    return all(any(EXECUTION_TESTS[one["Key"]](row, steps, value) for value in one["Values"]) for one in filters)


def step_matches(record: StepRecord, filters: list[dict[str, Any]]) -> bool:
    """Say whether `record` is asked for."""
    return all(any(STEP_TESTS[one["Key"]](record, value) for value in one["Values"]) for one in filters)
