"""SendCommand: from a request to a command and one invocation per node, or a refusal.

Flow: document, parameters, output bucket, then the nodes: those that are listed must all be fit, or the call is refused; those that are
targeted each get a first detail (Pending, or why they will never be sent to) -> rows, handed to the dispatcher.
Rules: what is accepted but cannot be done here (notifications, alarms, CloudWatch output) is refused by name.
AWS: API SendCommand; Service Authorization Reference, "AWS Systems Manager": SendCommand needs the document and every instance, and
no ssm:GetDocument.
"""

from localorg.commands import documents, parameters
from localorg.commands.documents import CommandDocument
from localorg.commands.records import Command, Invocation
from localorg.commands.targets import Nodes, Targets
from localorg.kernel import ids
from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Access, ApiCall, Output, Params, Principal, Request
from localorg.protocol.gateway import Gateway

TIMEOUT_S = 3600
"""AWS: API SendCommand, TimeoutSeconds: default 3600."""
REFUSED = ("ServiceRoleArn", "NotificationConfig", "AlarmConfiguration")
REFUSED_WHEN_ENABLED = "CloudWatchOutputConfig"


class Sending:
    """Makes commands."""

    def __init__(self, kernel: Kernel, gateway: Gateway, targets: Targets) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._targets = targets

    def access(self, request: Request) -> list[Access]:
        """Return what the caller must be allowed: the document, and every node that is listed."""
        partition = self._kernel.settings.partition
        arn = documents.document_arn(
            request.params["DocumentName"], partition=partition, region=request.region, account=request.account
        )
        accesses = [Access("ssm:SendCommand", str(arn))]
        return accesses + [self._node_access(request, name) for name in request.params.get("InstanceIds", ())]

    def _node_access(self, request: Request, instance_id: str) -> Access:
        service, kind = ("ssm", "managed-instance") if instance_id.startswith("mi-") else ("ec2", "instance")
        partition = self._kernel.settings.partition
        return Access("ssm:SendCommand", f"arn:{partition}:{service}:{request.region}:{request.account}:{kind}/{instance_id}")

    def make(self, request: Request) -> tuple[Command, list[Invocation]]:
        """Return the command that was asked for, with its invocations in the order of sending. Raises AwsError."""
        params = request.params
        _refuse(params)
        document = documents.fetch(lambda operation, wanted: self._read(request, operation, wanted), params)
        parameters.check(document.parameters, params.get("Parameters", {}))
        self._check_bucket(request)
        managed = self._targets.managed(request.account, request.region)
        fates = self._fates(request, document, managed)
        command = self._command(request, document)
        return command, [_invocation(command, managed, name, fate) for name, fate in fates.items()]

    def _read(self, request: Request, operation: str, params: Params) -> Output:
        """Read a document as Systems Manager itself does, inside the caller's account.

        AWS: SendCommand has no dependent action: a caller with ssm:SendCommand alone succeeds. So the reader is the service;
        it has the caller's account, which decides what is shared with it.
        """
        reader = Principal("root", request.account, arn="ssm.amazonaws.com")
        return self._gateway.invoke(ApiCall(reader, request.region, "ssm", operation, params))

    def _check_bucket(self, request: Request) -> None:
        bucket = request.params.get("OutputS3BucketName")
        if not bucket:
            return
        borrowed = self._gateway.borrowed
        if borrowed is None or not borrowed.serves("s3"):
            raise NotSupported("the parameter OutputS3BucketName without S3", "SendCommand")
        (access,) = borrowed.access(ApiCall(request.principal, request.region, "s3", "HeadBucket", {"Bucket": bucket}))
        if not access.owner:
            # AWS: API SendCommand, InvalidOutputFolder. Whether the nodes may write there shows when they do.
            raise AwsError("InvalidOutputFolder", f"The S3 bucket {bucket} does not exist.")

    def _fates(self, request: Request, document: CommandDocument, managed: Nodes) -> dict[str, str]:
        """Return node id -> first detail: Pending, or why it will never be sent. Raises when InstanceIds cannot be served."""
        params = request.params
        if params.get("InstanceIds") and params.get("Targets"):
            raise AwsError("ValidationException", "Give InstanceIds or Targets, not both.")
        if params.get("InstanceIds"):
            return self._listed_fates(request, document, managed)
        if not params.get("Targets"):
            raise AwsError("ValidationException", "SendCommand needs InstanceIds or Targets; found neither.")
        found = self._targets.resolve(request.principal, request.region, params["Targets"], managed)
        return {name: self._fate(request, document, managed, name) for name in found}

    def _listed_fates(self, request: Request, document: CommandDocument, managed: Nodes) -> dict[str, str]:
        listed = self._targets.listed(request.account, request.params["InstanceIds"], managed)
        wrong = [name for name in listed if not _fits(document, managed[name].platform_type)]
        if wrong:
            raise AwsError(
                "UnsupportedPlatformType",
                f"The document {document.name} runs on {', '.join(document.platforms)}, not on the platform of {', '.join(wrong)}.",
            )
        return dict.fromkeys(listed, "Pending")

    def _fate(self, request: Request, document: CommandDocument, managed: Nodes, name: str) -> str:
        # AWS: user guide, monitor-commands: with Targets, what cannot be reached ends by itself and does not stop the others.
        if name not in managed:
            return "Undeliverable"
        try:
            request.check(self._node_access(request, name))
        except AccessDenied:
            return "AccessDenied"
        return "Pending" if _fits(document, managed[name].platform_type) else "InvalidPlatform"

    def _command(self, request: Request, document: CommandDocument) -> Command:
        params, settings = request.params, self._kernel.settings
        given = params.get("Parameters", {})
        timeout_s = params.get("TimeoutSeconds", TIMEOUT_S)
        # AWS: user guide, "Understanding command timeout values": the total is TimeoutSeconds plus the execution time-out.
        total_s = timeout_s + parameters.execution_timeout_s(document.parameters, given)
        return Command(
            command_id=ids.uuid(self._kernel.dice),
            account=request.account,
            region=request.region,
            requested=request.now,
            expires=request.now + total_s,
            undelivered_after_s=timeout_s if settings.reading("delivery-timeout") == "delivery" else None,
            document_name=params["DocumentName"],
            document_version=params.get("DocumentVersion", "$DEFAULT"),
            content=document.content,
            step_names=list(document.steps),
            parameters=given,
            payload_parameters=parameters.payload(document.parameters, given),
            timeout_s=timeout_s,
            max_concurrency=params.get("MaxConcurrency", "50"),
            max_errors=params.get("MaxErrors", "0"),
            comment=params.get("Comment", ""),
            output_bucket=params.get("OutputS3BucketName", ""),
            output_prefix=params.get("OutputS3KeyPrefix", ""),
            empty_status=settings.reading("no-instances-status"),
            instance_ids=params.get("InstanceIds", []),
            targets=params.get("Targets", []),
        )


def _invocation(command: Command, managed: Nodes, instance_id: str, detail: str) -> Invocation:
    return Invocation(
        command_id=command.command_id,
        instance_id=instance_id,
        account=command.account,
        region=command.region,
        requested=command.requested,
        computer_name=managed[instance_id].computer_name if instance_id in managed else "",
        detail=detail,
    )


def _refuse(params: Params) -> None:
    for name in REFUSED:
        if params.get(name):
            raise NotSupported(f"the parameter {name}", "SendCommand")
    # AWS: API SendCommand, OutputS3Region: "The system ignores it", so it is not among the refused.
    if any(params.get(REFUSED_WHEN_ENABLED, {}).values()):
        raise NotSupported(f"the parameter {REFUSED_WHEN_ENABLED}", "SendCommand")


def _fits(document: CommandDocument, platform: str) -> bool:
    return not document.platforms or platform in document.platforms
