"""What the API shows of commands and invocations: shapes, cut-offs, times. Pure.

AWS: API Command, CommandInvocation, CommandPlugin, GetCommandInvocation (24,000 and 8,000 characters; Output 2,500).
"""

from datetime import UTC, datetime

from localorg.commands import states
from localorg.commands.records import Command, Invocation, StepOutcome
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Output

STANDARD_OUTPUT_MAX = 24_000
STANDARD_ERROR_MAX = 8_000
OUTPUT_MAX = 2_500
CUT = "--output truncated--"
"""AWS: the agent ends what it trims with these words (agent/framework/runpluginutil)."""
STEP_STATUS = {"Skipped": "Success", "NotStarted": "Pending", "SuccessAndReboot": "InProgress", "PassedAndReboot": "InProgress"}
"""ASSUMED: how statuses that only agents know are shown; CommandPluginStatus has no word for them."""


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, ending in CUT when something is missing."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def command_view(command: Command) -> Output:
    """Return the shape Command. ExpiresAfter is when undelivered invocations are given up, under either reading of delivery-timeout."""
    return {
        "CommandId": command.command_id,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": command.expires
        if command.undelivered_after_s is None
        else command.requested + command.undelivered_after_s,
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": command.requested,
        "Status": command.status,
        "StatusDetails": command.detail,
        "OutputS3BucketName": command.output_bucket,
        "OutputS3KeyPrefix": command.output_prefix,
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        "TargetCount": len(command.order),
        "CompletedCount": command.ended_count,
        "ErrorCount": sum(command.counts.get(detail, 0) for detail in states.ERRORS),
        "DeliveryTimedOutCount": command.counts.get("DeliveryTimedOut", 0),
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        "TimeoutSeconds": command.timeout_s,
    }


def invocation_view(command: Command, invocation: Invocation, endpoint: str, *, details: bool) -> Output:
    """Return the shape CommandInvocation; `details` adds the plugins. `endpoint` is where S3 is."""
    names = command.step_names if details else []
    # AWS: API CommandInvocation: the links of the invocation are there when the document has a single step.
    only = invocation.steps.get(command.step_names[0]) if len(command.step_names) == 1 else None
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "InstanceName": invocation.computer_name,
        "Comment": command.comment,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": invocation.requested,
        "Status": invocation.status,
        "StatusDetails": invocation.detail,
        "TraceOutput": cut(invocation.trace, OUTPUT_MAX),
        **_links(only, endpoint),
        "CommandPlugins": [_plugin_view(command, invocation, name, endpoint) for name in names],
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def _plugin_view(command: Command, invocation: Invocation, name: str, endpoint: str) -> Output:
    step = invocation.steps.get(name)
    status, detail = _step_status(invocation, step)
    view: Output = {"Name": name, "Status": status, "StatusDetails": detail, "ResponseCode": -1, "Output": ""}
    if step is not None:
        view |= {"ResponseCode": step.code, "Output": cut(step.output or _combined(step), OUTPUT_MAX)}
        times = {"ResponseStartDateTime": _moment(step.started), "ResponseFinishDateTime": _moment(step.finished)}
        view |= {key: moment for key, moment in times.items() if moment is not None}
    place = {"OutputS3BucketName": command.output_bucket, "OutputS3KeyPrefix": step.prefix if step else command.output_prefix}
    return view | _links(step, endpoint) | {"OutputS3Region": invocation.region, **place}


def _links(step: StepOutcome | None, endpoint: str) -> Output:
    """Return where the streams of a step are in S3; empty texts while nobody knows, and without a bucket."""
    if step is None or not step.bucket or step.status == "Skipped":
        return {"StandardOutputUrl": "", "StandardErrorUrl": ""}
    # DEVIATES: AWS's links begin with https://s3.REGION.amazonaws.com; these lead to the local organization's S3.
    # AWS: the links are given also for an empty stream, which the agent does not store (ASSUMED).
    folder = "/".join(part for part in (endpoint, step.bucket, step.prefix, step.folder) if part)
    return {"StandardOutputUrl": f"{folder}/stdout", "StandardErrorUrl": f"{folder}/stderr"}


def _combined(step: StepOutcome) -> str:
    # AWS: the console's and ListCommandInvocations' Output sets the error text below this rule.
    error = f"\n----------ERROR-------\n{step.standard_error}" if step.standard_error else ""
    return step.standard_output + error


def _step_status(invocation: Invocation, step: StepOutcome | None) -> tuple[str, str]:
    """Return (Status, StatusDetails) of a step: the node's word, or what became of the whole when the node said nothing."""
    if step is None:
        if not invocation.ended:
            return "Pending", "Pending"
        status = {"Delayed": "Pending", "Cancelling": "InProgress"}.get(invocation.status, invocation.status)
        return status, invocation.detail
    status = STEP_STATUS.get(step.status, step.status)
    return status, "ExecutionTimedOut" if status == "TimedOut" else status


def step_view(command: Command, invocation: Invocation, plugin_name: str | None, endpoint: str) -> Output:
    """Return the output of GetCommandInvocation; `endpoint` is where S3 is. Raises InvalidPluginName."""
    if plugin_name is not None and plugin_name not in command.step_names:
        raise AwsError("InvalidPluginName", f"{plugin_name!r} is no step of {command.document_name}: {command.step_names}")
    only = command.step_names[0] if len(command.step_names) == 1 else None
    name = plugin_name or only
    step = invocation.steps.get(name) if name else None
    status, detail = (invocation.status, invocation.detail) if plugin_name is None else _step_status(invocation, step)
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": command.comment,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        # ASSUMED: without PluginName, a document of several steps shows the whole's status and no output.
        "PluginName": name or "",
        "ResponseCode": step.code if step else -1,
        "ExecutionStartDateTime": step.started if step else "",
        "ExecutionElapsedTime": _elapsed(step) if step else "",
        "ExecutionEndDateTime": step.finished if step else "",
        "Status": status,
        "StatusDetails": detail,
        "StandardOutputContent": cut(step.standard_output, STANDARD_OUTPUT_MAX) if step else "",
        "StandardErrorContent": cut(step.standard_error, STANDARD_ERROR_MAX) if step else "",
        **_links(step, endpoint),
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def _moment(text: str) -> float | None:
    """Return an ISO 8601 text as epoch seconds; None when the node sent none, or Go's zero time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if seconds >= 0 else None


def _elapsed(step: StepOutcome) -> str:
    started, finished = _moment(step.started), _moment(step.finished)
    # AWS: API GetCommandInvocation, ExecutionElapsedTime is an ISO 8601 duration such as PT1.234S.
    return f"PT{finished - started:.3f}S" if started is not None and finished is not None else ""
