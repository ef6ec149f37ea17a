"""Associations in the shapes of the API. Rules: pure; members without a value are left out."""

from typing import Any

from localorg.associations.records import AssociationRecord, ExecutionRecord, VersionRecord
from localorg.associations.requests import NO_TARGETS

# ASSUMED: without targets, the run's one target is the word that AWS shows as its target.
RESOURCE_ID = NO_TARGETS[0]["Values"][0]
RESOURCE_TYPE = NO_TARGETS[0]["Key"]


def description(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    """Return AssociationDescription."""
    answer = {
        **_identity(association, version),
        "Date": association.created,
        "LastUpdateAssociationDate": association.updated,
        "Overview": _overview(association),
        "Parameters": version.parameters,
        "ApplyOnlyAtCronInterval": version.only_at_interval,
        **_compliance(version),
    }
    if association.last_execution is not None:
        answer["LastExecutionDate"] = association.last_execution
    if association.last_success is not None:
        answer["LastSuccessfulExecutionDate"] = association.last_success
    return answer


def summary(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    """Return Association, as ListAssociations shows it."""
    answer = {**_identity(association, version), "Overview": _overview(association)}
    if association.last_execution is not None:
        answer["LastExecutionDate"] = association.last_execution
    return answer


def version_info(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    """Return AssociationVersionInfo."""
    return {
        **_identity(association, version),
        "CreatedDate": version.created,
        "Parameters": version.parameters,
        "ApplyOnlyAtCronInterval": version.only_at_interval,
        **_compliance(version),
    }


def execution(record: ExecutionRecord) -> dict[str, Any]:
    """Return AssociationExecution."""
    return {
        "AssociationId": record.association,
        "AssociationVersion": str(record.version),
        "ExecutionId": record.id,
        "Status": record.status,
        "DetailedStatus": record.detailed_status,
        "CreatedTime": record.created,
        "LastExecutionDate": record.ended or record.created,
        # AWS: aws CLI example of describe-association-executions: {Success=1}
        "ResourceCountByStatus": f"{{{record.status}=1}}",
    }


def target(record: ExecutionRecord) -> dict[str, Any]:
    """Return AssociationExecutionTarget."""
    answer: dict[str, Any] = {
        "AssociationId": record.association,
        "AssociationVersion": str(record.version),
        "ExecutionId": record.id,
        "ResourceId": RESOURCE_ID,
        "ResourceType": RESOURCE_TYPE,
        "Status": record.status,
        "DetailedStatus": record.detailed_status,
        "LastExecutionDate": record.ended or record.created,
    }
    if record.automation:
        # ASSUMED: the word; the aws CLI example shows RunCommand for a command.
        answer["OutputSource"] = {"OutputSourceId": record.automation, "OutputSourceType": "Automation"}
    return answer


def _identity(association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
    optional = {"AssociationName": version.name, "ScheduleExpression": version.schedule}
    return {
        "Name": version.document,
        "AssociationId": association.id,
        "AssociationVersion": str(version.number),
        "DocumentVersion": version.document_version,
        "Targets": NO_TARGETS,
        **{name: value for name, value in optional.items() if value},
    }


def _compliance(version: VersionRecord) -> dict[str, str]:
    shown = {"ComplianceSeverity": version.severity, "SyncCompliance": version.compliance}
    return {name: value for name, value in shown.items() if value}


def _overview(association: AssociationRecord) -> dict[str, Any]:
    counts = {"AssociationStatusAggregatedCount": association.counts} if association.counts else {}
    return {"Status": association.status, "DetailedStatus": association.detailed_status, **counts}
