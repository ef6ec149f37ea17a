"""What CreateAssociation and UpdateAssociation ask for: read into a version, refused where localorg cannot do it.

Rules: pure. What is left out of an update becomes empty, as AWS says; only the document's name stays.
"""

from typing import Any

from localorg.associations.records import VersionRecord
from localorg.associations.schedule import Cron, Rate, Schedule, Shifted, parse
from localorg.kernel.errors import AwsError, NotSupported

NO_TARGETS = [{"Key": "aws:NoOpAutomationTag", "Values": ["AWS-NoOpAutomationTarget-Value"]}]
"""What AWS shows as the targets of an Automation association that has none. AWS: aws CLI example 2 of update-association."""
UNSUPPORTED = ("AlarmConfiguration",)
"""There are no CloudWatch alarms here."""
LEGACY_REFUSES = ("AssociationName", "DocumentVersion", "MaxErrors", "MaxConcurrency", "OutputLocation", "ScheduleExpression")
"""AWS: API CreateAssociation.InstanceId, "you can't use the parameters"."""
CALENDARS_MAX = 10
"""# ASSUMED: AWS gives no number of calendars; the model sets none."""


def read(operation: str, params: dict[str, Any], number: int, now: float, document: str) -> VersionRecord:
    """Return the version that a request describes. Raises NotSupported, InvalidSchedule, InvalidTarget, InvalidTargetMaps."""
    for name in UNSUPPORTED:
        if params.get(name):
            raise NotSupported(f"the parameter {name}", operation)
    # DEVIATES: there are no CloudWatch alarms here, so those of single TargetLocations are refused by name as well.
    if any(place.get("TargetLocationAlarmConfiguration") for place in params.get("TargetLocations") or []):
        raise NotSupported("TargetLocationAlarmConfiguration of TargetLocations", operation)
    if params.get("InstanceId"):
        _check_legacy(params)
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
        instance=params.get("InstanceId") or "",
        targets=[] if params.get("Targets") == NO_TARGETS else params.get("Targets") or [],
        target_parameter=params.get("AutomationTargetParameterName") or "",
        target_maps=params.get("TargetMaps") or [],
        locations=params.get("TargetLocations") or [],
        max_concurrency=params.get("MaxConcurrency") or "",
        max_errors=params.get("MaxErrors") or "",
        output=_output(params),
        calendars=params.get("CalendarNames") or [],
        offset_days=params.get("ScheduleOffset") or 0,
        duration_h=params.get("Duration") or 0,
        dispatch_role=params.get("AssociationDispatchAssumeRole") or "",
    )
    schedule_of(version)
    if len(version.calendars) > CALENDARS_MAX:
        raise AwsError("ValidationException", f"At most {CALENDARS_MAX} CalendarNames, found {len(version.calendars)}.")
    return version


def _check_legacy(params: dict[str, Any]) -> None:
    wrong = [name for name in LEGACY_REFUSES if params.get(name)]
    if wrong:
        raise AwsError("ValidationException", f"With InstanceId there can be no {', '.join(wrong)}. Use Targets.")
    if params.get("Targets"):
        raise AwsError("InvalidTarget", "Give InstanceId or Targets, not both.")


def _output(params: dict[str, Any]) -> dict[str, Any]:
    """Return OutputLocation. Raises InvalidOutputLocation.

    AWS agent: OutputS3Region is kept and shown, but an agent finds a bucket's own Region and never reads it.
    """
    location = (params.get("OutputLocation") or {}).get("S3Location") or {}
    if location and not location.get("OutputS3BucketName"):
        raise AwsError("InvalidOutputLocation", "OutputLocation.S3Location needs OutputS3BucketName.")
    return {"S3Location": location} if location else {}


def schedule_of(version: VersionRecord) -> Schedule | None:
    """Return when a version runs by itself; None when never. Raises InvalidSchedule."""
    schedule = parse(version.schedule) if version.schedule else None
    if version.only_at_interval and isinstance(schedule, Rate):
        # AWS: API ApplyOnlyAtCronInterval, "This parameter isn't supported for rate expressions". ASSUMED: the error's name.
        raise AwsError(
            "InvalidSchedule",
            f"ApplyOnlyAtCronInterval is not supported for rate expressions, found {version.schedule!r}. Use cron(...) or leave it out.",
        )
    if not version.offset_days:
        return schedule
    if not version.only_at_interval or not isinstance(schedule, Cron):
        # AWS: API ScheduleOffset, "To use offsets, you must specify the ApplyOnlyAtCronInterval parameter". ASSUMED: the error's name.
        raise AwsError("InvalidSchedule", "ScheduleOffset needs a cron(...) schedule and ApplyOnlyAtCronInterval.")
    return Shifted(schedule, version.offset_days)


def dispatched_by_service(version: VersionRecord) -> bool:
    """Say whether State Manager itself tells nodes when to run, because agents know only rate(...) and cron(...).

    AWS agent: association/scheduleexpression reads rate and cron; it knows no at(...), offset, calendar or rate control.
    # ASSUMED: for those the service withholds the schedule from nodes and orders each run.
    """
    controlled = version.max_concurrency not in ("", "100%") or version.max_errors not in ("", "100%")
    return bool(version.schedule.startswith("at(") or version.offset_days or version.calendars or controlled)
