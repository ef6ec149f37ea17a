"""What CreateAssociation and UpdateAssociation ask for: read into a version, refused where localorg cannot do it.

Rules: pure. What is left out of an update becomes empty, as AWS says; only the document's name stays.
"""

from typing import Any

from localorg.associations.records import VersionRecord
from localorg.associations.schedule import Rate, Schedule, parse
from localorg.kernel.errors import AwsError, NotSupported

NO_TARGETS = [{"Key": "aws:NoOpAutomationTag", "Values": ["AWS-NoOpAutomationTarget-Value"]}]
"""What AWS shows as the targets of an Automation association that has none. AWS: aws CLI example 2 of update-association."""
UNSUPPORTED = (
    "InstanceId",
    "OutputLocation",
    "AutomationTargetParameterName",
    "MaxErrors",
    "MaxConcurrency",
    "CalendarNames",
    "TargetLocations",
    "ScheduleOffset",
    "Duration",
    "TargetMaps",
    "Tags",
    "AlarmConfiguration",
    "AssociationDispatchAssumeRole",
)


def read(operation: str, params: dict[str, Any], number: int, now: float, document: str) -> VersionRecord:
    """Return the version that a request describes. Raises NotSupported, InvalidSchedule."""
    for name in UNSUPPORTED:
        if params.get(name):
            raise NotSupported(f"the parameter {name}", operation)
    if params.get("Targets") and params["Targets"] != NO_TARGETS:
        raise NotSupported("the parameter Targets", operation)
    if params.get("SyncCompliance") == "MANUAL":
        raise NotSupported("SyncCompliance MANUAL", operation)
    version = VersionRecord(
        number=number,
        created=now,
        document=params.get("Name") or document,
        document_version=params.get("DocumentVersion") or "$DEFAULT",
        parameters=params.get("Parameters") or {},
        schedule=params.get("ScheduleExpression") or "",
        name=params.get("AssociationName") or "",
        severity=params.get("ComplianceSeverity") or "",
        compliance=params.get("SyncCompliance") or "",
        only_at_interval=bool(params.get("ApplyOnlyAtCronInterval")),
    )
    schedule_of(version)
    return version


def schedule_of(version: VersionRecord) -> Schedule | None:
    """Return when a version runs by itself; None when never. Raises InvalidSchedule."""
    schedule = parse(version.schedule) if version.schedule else None
    if version.only_at_interval and isinstance(schedule, Rate):
        # AWS: API ApplyOnlyAtCronInterval, "This parameter isn't supported for rate expressions". ASSUMED: the error's name.
        raise AwsError(
            "InvalidSchedule",
            f"ApplyOnlyAtCronInterval is not supported for rate expressions, found {version.schedule!r}. Use cron(...) or leave it out.",
        )
    return schedule
