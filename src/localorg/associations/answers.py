"""Associations in the shapes of the API. Rules: pure; members without a value are left out."""

from typing import Any

from localorg.associations.records import AssociationRecord, BindingRecord, ExecutionRecord, TargetRecord, VersionRecord
from localorg.associations.requests import NO_TARGETS


def description(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    """Return AssociationDescription."""
    optional = {
        "LastExecutionDate": association.last_execution,
        "LastSuccessfulExecutionDate": association.last_success,
        "Status": association.legacy_status,
    }
    return {
        **_identity(association, version),
        **_asked(version),
        "Date": association.created,
        "LastUpdateAssociationDate": association.updated,
        "Overview": _overview(association),
        **_given(optional),
    }


def summary(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    """Return Association, as ListAssociations shows it."""
    optional = {
        "LastExecutionDate": association.last_execution,
        "TargetMaps": version.target_maps,
        "Duration": version.duration_h,
    }
    instance = {"InstanceId": version.instance, "ScheduleOffset": version.offset_days}
    return {**_identity(association, version), "Overview": _overview(association), **_given({**optional, **instance})}


def version_info(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    """Return AssociationVersionInfo."""
    asked = {
        name: value for name, value in _asked(version).items() if name not in ("AutomationTargetParameterName", "InstanceId")
    }
    return {**_identity(association, version), **asked, "CreatedDate": version.created}


def execution(record: ExecutionRecord) -> dict[str, Any]:
    """Return AssociationExecution."""
    # AWS: aws CLI example of describe-association-executions: {Success=1}
    counts = record.counts or {record.status: 0}
    return {
        "AssociationId": record.association,
        "AssociationVersion": str(record.version),
        "ExecutionId": record.id,
        "Status": record.status,
        "DetailedStatus": record.detailed_status,
        "CreatedTime": record.created,
        "LastExecutionDate": record.ended or record.created,
        "ResourceCountByStatus": "{" + ", ".join(f"{name}={count}" for name, count in counts.items()) + "}",
    }


def target(record: ExecutionRecord, one: TargetRecord) -> dict[str, Any]:
    """Return AssociationExecutionTarget."""
    answer: dict[str, Any] = {
        "AssociationId": record.association,
        "AssociationVersion": str(record.version),
        "ExecutionId": record.id,
        "ResourceId": one.resource,
        "ResourceType": one.resource_type,
        "Status": one.status,
        "DetailedStatus": one.detailed_status,
        "LastExecutionDate": one.executed or record.created,
    }
    if one.source:
        answer["OutputSource"] = {"OutputSourceId": one.source, "OutputSourceType": one.source_type}
    return answer


def on_node(association: AssociationRecord, version: VersionRecord, binding: BindingRecord) -> dict[str, Any]:
    """Return InstanceAssociationStatusInfo."""
    url = {"S3OutputUrl": {"OutputUrl": binding.output_url}} if binding.output_url else {}
    optional = {
        "ExecutionDate": binding.executed,
        "ExecutionSummary": binding.summary,
        "ErrorCode": binding.error_code,
        "OutputUrl": url,
        "AssociationName": version.name,
    }
    return {
        "AssociationId": association.id,
        "Name": version.document,
        # AWS: aws CLI example of describe-instance-associations-status: the number of what $DEFAULT means.
        "DocumentVersion": association.document_number or version.document_version,
        "AssociationVersion": str(binding.version),
        "InstanceId": binding.node,
        # AWS: API InstanceAssociationStatusInfo; Status is Pending, Success or Failed, the detail what the agent said.
        "Status": {"Success": "Success", "Skipped": "Success"}.get(
            binding.status, "Pending" if binding.shown in ("Pending", "InProgress") else "Failed"
        ),
        "DetailedStatus": binding.status,
        **_given(optional),
    }


def _identity(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    optional = {"AssociationName": version.name, "ScheduleExpression": version.schedule}
    return {
        "Name": version.document,
        "AssociationId": association.id,
        "AssociationVersion": str(version.number),
        "DocumentVersion": version.document_version,
        "Targets": _targets(version),
        **_given(optional),
    }


def _targets(version: VersionRecord) -> list[dict[str, Any]]:
    if version.targets:
        return version.targets
    if version.instance:
        return [{"Key": "InstanceIds", "Values": [version.instance]}]
    return [] if version.target_maps or version.kind == "Command" else NO_TARGETS


def _asked(version: VersionRecord) -> dict[str, Any]:
    """Return what a version says beside its identity."""
    optional = {
        "InstanceId": version.instance,
        "AutomationTargetParameterName": version.target_parameter,
        "OutputLocation": version.output,
        "MaxErrors": version.max_errors,
        "MaxConcurrency": version.max_concurrency,
        "ComplianceSeverity": version.severity,
        "SyncCompliance": version.compliance,
        "CalendarNames": version.calendars,
        "TargetLocations": version.locations,
        "ScheduleOffset": version.offset_days,
        "Duration": version.duration_h,
        "TargetMaps": version.target_maps,
        "AssociationDispatchAssumeRole": version.dispatch_role,
    }
    # AWS: aws CLI examples of create-association and update-association: without parameters there is no such member.
    optional["Parameters"] = version.parameters
    return {"ApplyOnlyAtCronInterval": version.only_at_interval, **_given(optional)}


def _given(optional: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in optional.items() if value not in (None, "", 0, [], {})}


def _overview(association: AssociationRecord) -> dict[str, Any]:
    ended = association.status != "Pending" or len(association.counts) > 1
    counts = {"AssociationStatusAggregatedCount": association.counts} if association.counts and ended else {}
    return {"Status": association.status, "DetailedStatus": association.detailed_status, **counts}
