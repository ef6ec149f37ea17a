"""Rows in the shapes of the API: GetAutomationExecution, DescribeAutomationExecutions, DescribeAutomationStepExecutions. Pure.

Rules: members without a value are left out, as AWS does. Inputs are JSON-encoded strings, outputs lists of strings.
AWS: API AutomationExecution, AutomationExecutionMetadata, StepExecution.
"""

from collections.abc import Sequence
from typing import Any

from localorg.automation.interpolate import as_text
from localorg.automation.parameters import to_wire
from localorg.automation.records import Execution, StepRecord
from localorg.automation.runbook import Runbook, Step

STEPS_SHOWN_MAX = 100
"""ASSUMED: how many steps GetAutomationExecution shows before it says StepExecutionsTruncated."""


RESOLVED_SHOWN_MAX = 50
"""ASSUMED: how many ResolvedTargets are shown before they are Truncated: as many as ParameterValues may name."""


def execution(row: Execution, steps: Sequence[StepRecord], runbook: Runbook, executed_by: str) -> dict[str, Any]:
    """Return the AutomationExecution."""
    shown = [step(record, runbook) for record in steps[:STEPS_SHOWN_MAX]]
    return {
        **_alike(row, next((one for one in steps if one.step_id == row.running), None), executed_by),
        "StepExecutions": shown,
        "StepExecutionsTruncated": len(steps) > STEPS_SHOWN_MAX,
        "Parameters": row.parameters,
        "ProgressCounters": counters(steps),
        **({"TargetLocations": row.locations} if row.locations else {}),
        **({"TargetLocationsURL": row.locations_url} if row.locations_url else {}),
        **({"Variables": {name: to_wire(value) for name, value in row.variables.items()}} if row.variables else {}),
    }


def metadata(row: Execution, current: StepRecord | None, executed_by: str) -> dict[str, Any]:
    """Return the AutomationExecutionMetadata; `current` is the step at work."""
    url = {"TargetLocationsURL": row.locations_url} if row.locations_url else {}
    return {**_alike(row, current, executed_by), "AutomationType": row.kind, "LogFile": "", **url}


def _alike(row: Execution, current: StepRecord | None, executed_by: str) -> dict[str, Any]:
    members: dict[str, Any] = {
        "AutomationExecutionId": row.execution_id,
        "DocumentName": row.document_name,
        "DocumentVersion": row.document_version,
        "AutomationExecutionStatus": row.status,
        "ExecutionStartTime": row.started,
        "ExecutionEndTime": row.ended,
        "ExecutedBy": executed_by,
        "Mode": row.mode,
        "FailureMessage": row.failure_message or None,
        "ParentAutomationExecutionId": row.parent.execution_id if row.parent else None,
        "CurrentStepName": current.name if current else None,
        "CurrentAction": current.action if current else None,
        "MaxConcurrency": row.max_concurrency or None,
        "MaxErrors": row.max_errors or None,
        # AWS: aws CLI examples of get-automation-execution: shown empty where there are none.
        "Outputs": row.outputs,
        "TargetParameterName": row.target_parameter or None,
        "TargetMaps": row.target_maps or None,
        "Target": row.target or None,
        "AssociationId": row.association or None,
    }
    present = {name: value for name, value in members.items() if value is not None}
    shown = {"ParameterValues": row.resolved[:RESOLVED_SHOWN_MAX], "Truncated": len(row.resolved) > RESOLVED_SHOWN_MAX}
    return {**present, "Targets": row.targets, "ResolvedTargets": shown}


def counters(steps: Sequence[StepRecord]) -> dict[str, int]:
    """Return the ProgressCounters."""
    statuses = [record.status for record in steps]
    return {
        "TotalSteps": len(statuses),
        "SuccessSteps": statuses.count("Success"),
        "FailedSteps": statuses.count("Failed"),
        "CancelledSteps": statuses.count("Cancelled"),
        "TimedOutSteps": statuses.count("TimedOut"),
    }


def step(record: StepRecord, runbook: Runbook) -> dict[str, Any]:
    """Return the StepExecution."""
    details = {"FailureStage": record.failure_stage, "FailureType": record.failure_type, "Details": {}}
    members: dict[str, Any] = {
        "StepName": record.name,
        "Action": record.action,
        "StepStatus": record.status,
        "StepExecutionId": record.step_id,
        "TimeoutSeconds": None if record.timeout_s is None else int(record.timeout_s),
        "ExecutionStartTime": record.started,
        "ExecutionEndTime": record.ended,
        "Inputs": record.inputs,
        "Outputs": record.outputs if record.is_fanned else record.outputs or None,
        "FailureMessage": record.failure_message or None,
        "FailureDetails": details if record.failure_stage else None,
        "ResponseCode": record.outputs.get("ResponseCode", [None])[0],
        "TargetLocation": record.target or None,
        "OverriddenParameters": {},
    }
    if record.parent:
        members["ParentStepDetails"] = {
            "StepExecutionId": record.parent.step_id,
            "StepName": record.parent.name,
            "Action": "aws:loop",
            "Iteration": record.parent.iteration,
            "IteratorValue": record.parent.iterator_value,
        }
    written = {} if record.is_fanned else _written(runbook.step(record.name), record, runbook)
    return {name: value for name, value in {**members, **written}.items() if value is not None}


def _written(of: Step, record: StepRecord, runbook: Runbook) -> dict[str, Any]:
    siblings = runbook.step(record.parent.name).inner if record.parent else runbook.steps
    names = [one.name for one in siblings]
    following = names[names.index(of.name) + 1 :][:1]
    valid = valid_next(of, following)
    return {
        "OnFailure": of.on_failure,
        "MaxAttempts": of.max_attempts,
        "IsEnd": of.is_end,
        "IsCritical": of.is_critical,
        "NextStep": record.next_step or of.next_step or (following[0] if following and not of.is_end else None),
        "ValidNextSteps": valid,
    }


def valid_next(of: Step, following: list[str]) -> list[str]:
    """Return the steps that may come after `of`, for ValidNextSteps."""
    if of.action == "aws:branch":
        choices = [str(choice["NextStep"]) for choice in of.inputs["Choices"]]
        default = [as_text(of.inputs["Default"])] if of.inputs.get("Default") else []
        return list(dict.fromkeys([*choices, *default]))
    if of.is_end:
        return []
    return [of.next_step] if of.next_step else following
