"""The Run Command engine: its operations, and who may call them.

Flow: SendCommand -> `sending` makes the rows -> `dispatch`, which does the rest over time. The other operations only read rows, or ask
for a cancel.
AWS: API SendCommand, ListCommands, ListCommandInvocations, GetCommandInvocation, CancelCommand.
"""

import re
from collections import Counter
from collections.abc import Iterator

from localorg.commands import listing, results
from localorg.commands.dispatch import Dispatcher
from localorg.commands.ports import NodeDirectory, ServiceLinkedRole
from localorg.commands.records import Command
from localorg.commands.sending import Sending
from localorg.commands.targets import Targets
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Operation, Output, Request
from localorg.protocol.gateway import Gateway

ENGINE = "commands"
PAGE_MAX = 50
COMMAND_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Commands:
    """Run Command of every account and Region."""

    def __init__(
        self, kernel: Kernel, gateway: Gateway, directory: NodeDirectory, service_linked_role: ServiceLinkedRole
    ) -> None:
        self._kernel = kernel
        self._dispatcher = Dispatcher(kernel, ENGINE)
        reading = kernel.settings.reading
        self._targets = Targets(
            *(gateway, directory, service_linked_role),
            asks_query=reading("group-lookup") == "query",
            takes_star=reading("run-command-star") == "taken",
        )
        self._sending = Sending(kernel, gateway, self._targets)
        kernel.on(ENGINE, self.handle)
        kernel.subscribe("node.reply", ENGINE)

    def handle(self, event: Event) -> None:
        """Take an event."""
        self._dispatcher.handle(event)

    def operations(self) -> list[Operation]:
        """Return the operations of ssm that are Run Command's."""
        return [
            Operation("ssm", "SendCommand", self._send, self._sending.access),
            Operation("ssm", "ListCommands", self._list_commands),
            Operation("ssm", "ListCommandInvocations", self._list_invocations),
            Operation("ssm", "GetCommandInvocation", self._get_invocation),
            Operation("ssm", "CancelCommand", self._cancel),
        ]

    def _send(self, request: Request) -> Output:
        command, invocations = self._sending.make(request)
        self._dispatcher.add(command, invocations)
        return {"Command": results.command_view(command)}

    def _list_commands(self, request: Request) -> Output:
        params = request.params
        filters = params.get("Filters", [])
        if "InstanceId" in params and {"key": "Status", "value": "Pending"} in filters:
            # AWS: API ListCommands, InstanceId. ASSUMED: the code of this refusal.
            raise AwsError("ValidationException", "InstanceId cannot be given together with the status Pending.")
        chosen = listing.selection(filters, of_commands=True)
        rows = [row for row in self._commands(request) if chosen((row, None))]
        shown, token = page(
            rows, lambda row: row.command_id, params.get("MaxResults", PAGE_MAX), params.get("NextToken"), _bad_token()
        )
        return {"Commands": [results.command_view(row) for row in shown], **_next(token)}

    def _commands(self, request: Request) -> Iterator[Command]:
        """Yield the commands asked for, the newest first, as in the CLI's examples. Raises InvalidCommandId, InvalidInstanceId."""
        params = request.params
        if "InstanceId" in params:
            self._check_node(request, params["InstanceId"])
        if "CommandId" in params:
            found = [self._known(request, params["CommandId"])]
        else:
            found = self._dispatcher.commands.values(request.account, request.region)[::-1]
        for command in found:
            if "InstanceId" not in params or params["InstanceId"] in command.order:
                yield command

    def _check_node(self, request: Request, instance_id: str) -> None:
        # ASSUMED: InvalidInstanceId is for ids that are no managed node and were sent no command that is still remembered.
        commands = self._dispatcher.commands.values(request.account, request.region)
        if instance_id in self._targets.managed(request.account, request.region):
            return
        if not any(instance_id in command.order for command in commands):
            raise AwsError("InvalidInstanceId", f"Instances [[{instance_id}]] not in a valid state for account {request.account}")

    def _list_invocations(self, request: Request) -> Output:
        params = request.params
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
        details, endpoint = params.get("Details", False), self._kernel.settings.endpoint
        views = [results.invocation_view(command, invocation, endpoint, details=details) for command, invocation in shown]
        return {"CommandInvocations": views, **_next(token)}

    def _get_invocation(self, request: Request) -> Output:
        params = request.params
        command_id, instance_id = params["CommandId"], params["InstanceId"]
        _check_command_id(command_id)
        command = self._dispatcher.commands.get(request.account, request.region, command_id)
        invocation = self._dispatcher.invocations.get(request.account, request.region, command_id, instance_id)
        if command is None or invocation is None:
            raise AwsError("InvocationDoesNotExist", f"Command {command_id} has no invocation on {instance_id} here.")
        return results.step_view(command, invocation, params.get("PluginName"), self._kernel.settings.endpoint)

    def _cancel(self, request: Request) -> Output:
        command = self._known(request, request.params["CommandId"])
        listed = request.params.get("InstanceIds") or None
        twice = sorted(name for name, count in Counter(listed or ()).items() if count > 1)
        if twice:
            raise AwsError("DuplicateInstanceId", f"InstanceIds lists {', '.join(twice)} more than once.")
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


def _check_command_id(command_id: str) -> None:
    # ASSUMED: a text that no command can have is InvalidCommandId, also where an unknown command is InvocationDoesNotExist.
    if not COMMAND_ID.fullmatch(command_id):
        raise AwsError("InvalidCommandId", f"{command_id!r} is no id of a command.")


def _next(token: str | None) -> Output:
    return {"NextToken": token} if token else {}


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The NextToken is not one that this list gave, or its row is gone.")
