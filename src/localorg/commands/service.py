"""The Run Command engine: its operations, and who may call them.

Flow: SendCommand -> document, parameters, targets, access per node -> rows -> `dispatch`, which does the rest over time. The
other operations only read rows, or ask for a cancel.
Rules: what is accepted but cannot be done here (S3 output, notifications, alarms) is refused by name.
AWS: API SendCommand, ListCommands, ListCommandInvocations, GetCommandInvocation, CancelCommand; Service Authorization
Reference, "AWS Systems Manager": SendCommand needs the document and every instance, and no ssm:GetDocument.
"""

from collections.abc import Iterator

from localorg.commands import documents, listing, parameters, results
from localorg.commands.dispatch import Dispatcher
from localorg.commands.documents import CommandDocument
from localorg.commands.ports import NodeDirectory, ServiceLinkedRole
from localorg.commands.records import Command, Invocation
from localorg.commands.targets import Nodes, Targets
from localorg.kernel import ids
from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Access, ApiCall, Operation, Output, Params, Principal, Request
from localorg.protocol.gateway import Gateway

ENGINE = "commands"
PAGE_MAX = 50
TIMEOUT_S = 3600
"""AWS: API SendCommand, TimeoutSeconds: default 3600."""
REFUSED = (
    "OutputS3BucketName",
    "OutputS3KeyPrefix",
    "OutputS3Region",
    "ServiceRoleArn",
    "NotificationConfig",
    "AlarmConfiguration",
)


class Commands:
    """Run Command of every account and Region."""

    def __init__(
        self, kernel: Kernel, gateway: Gateway, directory: NodeDirectory, service_linked_role: ServiceLinkedRole
    ) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._dispatcher = Dispatcher(kernel, ENGINE)
        self._targets = Targets(gateway, directory, service_linked_role)
        kernel.on(ENGINE, self.handle)
        kernel.subscribe("node.reply", ENGINE)

    def handle(self, event: Event) -> None:
        """Take an event."""
        self._dispatcher.handle(event)

    def operations(self) -> list[Operation]:
        """Return the operations of ssm that are Run Command's."""
        return [
            Operation("ssm", "SendCommand", self._send, self._send_access),
            Operation("ssm", "ListCommands", self._list_commands),
            Operation("ssm", "ListCommandInvocations", self._list_invocations),
            Operation("ssm", "GetCommandInvocation", self._get_invocation),
            Operation("ssm", "CancelCommand", self._cancel),
        ]

    # SendCommand

    def _send_access(self, request: Request) -> list[Access]:
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

    def _send(self, request: Request) -> Output:
        params = request.params
        _refuse(params)
        document = documents.fetch(lambda operation, wanted: self._read(request, operation, wanted), params)
        given = params.get("Parameters", {})
        parameters.check(document.parameters, given)
        managed = self._targets.managed(request.account, request.region)
        fates = self._fates(request, document, managed)
        command = self._command(request, document)
        self._dispatcher.add(command, [self._invocation(command, managed, name, fate) for name, fate in fates.items()])
        return {"Command": results.command_view(command)}

    def _read(self, request: Request, operation: str, params: Params) -> Output:
        """Read a document as Systems Manager itself does, inside the caller's account.

        AWS: SendCommand has no dependent action: a caller with ssm:SendCommand alone succeeds. So the reader is the service;
        it has the caller's account, which decides what is shared with it.
        """
        reader = Principal("root", request.account, arn="ssm.amazonaws.com")
        return self._gateway.invoke(ApiCall(reader, request.region, "ssm", operation, params))

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
        params = request.params
        given = params.get("Parameters", {})
        timeout_s = params.get("TimeoutSeconds", TIMEOUT_S)
        allowance_s = self._kernel.settings.command_execution_allowance_s
        # AWS: user guide, "Understanding command timeout values": the total is TimeoutSeconds plus the execution time-out.
        total_s = timeout_s + parameters.execution_timeout_s(document.parameters, given)
        return Command(
            command_id=ids.uuid(self._kernel.dice),
            account=request.account,
            region=request.region,
            requested=request.now,
            expires=request.now + total_s,
            undelivered_after_s=None if allowance_s is None else timeout_s + allowance_s,
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
            instance_ids=params.get("InstanceIds", []),
            targets=params.get("Targets", []),
        )

    def _invocation(self, command: Command, managed: Nodes, instance_id: str, detail: str) -> Invocation:
        return Invocation(
            command_id=command.command_id,
            instance_id=instance_id,
            account=command.account,
            region=command.region,
            requested=command.requested,
            computer_name=managed[instance_id].computer_name if instance_id in managed else "",
            detail=detail,
        )

    # Reading

    def _list_commands(self, request: Request) -> Output:
        params = request.params
        if "CommandId" in params:
            self._known(request, params["CommandId"])
        chosen = listing.selection(params.get("Filters", []), of_commands=True)
        rows = [row for row in self._commands(request) if chosen((row, None))]
        shown, token = page(
            rows, lambda row: row.command_id, params.get("MaxResults", PAGE_MAX), params.get("NextToken"), _bad_token()
        )
        return {"Commands": [results.command_view(row) for row in shown], **_next(token)}

    def _commands(self, request: Request) -> Iterator[Command]:
        """Yield the commands asked for, the newest first (ASSUMED order)."""
        params = request.params
        for command in reversed(self._dispatcher.commands.values(request.account, request.region)):
            wanted = params.get("CommandId") in (None, command.command_id)
            if wanted and ("InstanceId" not in params or params["InstanceId"] in command.order):
                yield command

    def _list_invocations(self, request: Request) -> Output:
        params = request.params
        if "CommandId" in params:
            self._known(request, params["CommandId"])
        chosen = listing.selection(params.get("Filters", []), of_commands=False)
        rows = [
            (command, invocation)
            for command in self._commands(request)
            for invocation in self._dispatcher.of(command)
            if params.get("InstanceId") in (None, invocation.instance_id) and chosen((command, invocation))
        ]
        shown, token = page(
            rows,
            lambda row: f"{row[0].command_id} {row[1].instance_id}",
            params.get("MaxResults", PAGE_MAX),
            params.get("NextToken"),
            _bad_token(),
        )
        details = params.get("Details", False)
        views = [results.invocation_view(command, invocation, details=details) for command, invocation in shown]
        return {"CommandInvocations": views, **_next(token)}

    def _get_invocation(self, request: Request) -> Output:
        params = request.params
        command = self._dispatcher.commands.get(request.account, request.region, params["CommandId"])
        invocation = self._dispatcher.invocations.get(request.account, request.region, params["CommandId"], params["InstanceId"])
        if command is None or invocation is None:
            raise AwsError(
                "InvocationDoesNotExist", f"Command {params['CommandId']} has no invocation on {params['InstanceId']} here."
            )
        return results.step_view(command, invocation, params.get("PluginName"))

    def _cancel(self, request: Request) -> Output:
        command = self._known(request, request.params["CommandId"])
        listed = request.params.get("InstanceIds") or None
        strangers = [name for name in listed or () if name not in command.order]
        if strangers:
            raise AwsError("InvalidInstanceId", f"Command {command.command_id} was not sent to {', '.join(strangers)}.")
        self._dispatcher.cancel(command, listed)
        return {}

    def _known(self, request: Request, command_id: str) -> Command:
        command = self._dispatcher.commands.get(request.account, request.region, command_id)
        if command is None:
            raise AwsError("InvalidCommandId", f"There is no command {command_id} in {request.account} {request.region}.")
        return command


def _refuse(params: Params) -> None:
    for name in REFUSED:
        if name in params:
            raise NotSupported(f"the parameter {name}", "SendCommand")
    if params.get("CloudWatchOutputConfig", {}).get("CloudWatchOutputEnabled"):
        raise NotSupported("the parameter CloudWatchOutputConfig", "SendCommand")


def _fits(document: CommandDocument, platform: str) -> bool:
    return not document.platforms or platform in document.platforms


def _next(token: str | None) -> Output:
    return {"NextToken": token} if token else {}


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The NextToken is not one that this list gave, or its row is gone.")
