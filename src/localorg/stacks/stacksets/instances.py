"""The operations on stack instances: made, changed and taken away in accounts and Regions.

Flow: request -> `targets` -> accounts (`organization`) -> one item per account and Region -> `queueing` -> `working`.
Rules: the management account is never a target of a service-managed set. Units that were targeted are remembered with their Regions,
whatever filter went with them: auto-deployment does not consider filters.

AWS: CloudFormation API reference, CreateStackInstances, UpdateStackInstances, DeleteStackInstances, StopStackSetOperation.
"""

from collections.abc import Callable

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Output, Request
from localorg.stacks.accepting import Accepting
from localorg.stacks.parameters import settle
from localorg.stacks.stacksets.account_lists import AccountLists
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.queueing import Queue, preferences_of
from localorg.stacks.stacksets.reading import Reading
from localorg.stacks.stacksets.records import SERVICE_MANAGED, Action, InstanceRecord, ItemRecord, StackSetRecord, TargetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.targets import target_of
from localorg.stacks.template import invalid

INSTANCES_MAX = 100_000
"""AWS: CloudFormation quotas, stack instances per stack set."""


class Instances:
    """Answers the operations on stack instances."""

    def __init__(
        self,
        shelf: Shelf,
        directory: Directory,
        accepting: Accepting,
        queue: Queue,
        reading: Reading,
        account_lists: AccountLists,
        kernel: Kernel,
    ) -> None:
        self._shelf = shelf
        self._directory = directory
        self._accepting = accepting
        self._queue = queue
        self._reading = reading
        self._account_lists = account_lists
        self._kernel = kernel

    def handlers(self) -> dict[str, Callable[[Request], Output]]:
        """Return operation name -> handler."""
        return {
            "CreateStackInstances": self._create,
            "UpdateStackInstances": self._update,
            "DeleteStackInstances": self._delete,
            "StopStackSetOperation": self._stop,
        }

    def _create(self, request: Request) -> Output:
        stack_set, target = self._targeted(request, "CREATE")
        items = [
            ItemRecord(account, region, unit)
            for region in target.regions
            for account, unit in self._accounts(stack_set, target).items()
        ]
        preferences_of(request.params, target.regions)
        overrides = self._overrides(request, stack_set)
        new = [item for item in items if self._instance(stack_set, item) is None]
        if len(self._shelf.instances(stack_set.stack_set_id)) + len(new) > INSTANCES_MAX:
            words = f"You have reached your limit of {INSTANCES_MAX} stack instances of a stack set"
            raise AwsError("LimitExceededException", words)
        self._remember(stack_set, target)
        for item in new:
            self._shelf.put_instance(InstanceRecord(stack_set.stack_set_id, item.account, item.region, item.unit))
        return self._begin(request, stack_set, "CREATE", items, overrides)

    def _update(self, request: Request) -> Output:
        stack_set, target = self._targeted(request, "UPDATE")
        items = self._existing(stack_set, target)
        if not items:
            words = f"No stack instances of {stack_set.name} are in the targets"
            raise AwsError("StackInstanceNotFoundException", words, status=404)
        return self._begin(request, stack_set, "UPDATE", items, self._overrides(request, stack_set))

    def _delete(self, request: Request) -> Output:
        stack_set, target = self._targeted(request, "DELETE")
        preferences_of(request.params, target.regions)
        # ASSUMED: a unit that is not in the organization (any more) is no error here: its instances, if any, go.
        items = self._existing(stack_set, target, lenient=True)
        self._forget(stack_set, target, items)
        return self._begin(request, stack_set, "DELETE", items, None)

    def _stop(self, request: Request) -> Output:
        self._queue.stop(self._reading.require(request), request.params["OperationId"])
        return {}

    def _targeted(self, request: Request, action: Action) -> tuple[StackSetRecord, TargetRecord]:
        stack_set = self._reading.require(request)
        if stack_set.permission_model == SERVICE_MANAGED:
            self._directory.require_trust(request)
        self._queue.require_new(request, stack_set)
        self._queue.require_idle(stack_set)
        params = {**request.params, **self._account_lists.targets(request)}
        return stack_set, target_of(params, stack_set, action, self._kernel.settings.regions)

    def _accounts(self, stack_set: StackSetRecord, target: TargetRecord, *, lenient: bool = False) -> dict[str, str]:
        """Return account -> the unit by which it is targeted; an empty one for a self-managed set."""
        if stack_set.permission_model != SERVICE_MANAGED:
            return dict.fromkeys(target.accounts, "")
        under = self._directory.expand(stack_set.account, target, lenient=lenient)
        return {account: unit for account, (unit, _) in under.items()}

    def _existing(self, stack_set: StackSetRecord, target: TargetRecord, *, lenient: bool = False) -> list[ItemRecord]:
        under = self._accounts(stack_set, target, lenient=lenient)
        everyone = target.filter_type == "NONE"
        return [
            ItemRecord(one.account, one.region, one.unit)
            for region in target.regions
            for one in self._shelf.instances(stack_set.stack_set_id)
            if one.region == region and (one.account in under or (everyone and one.unit in target.units))
        ]

    def _instance(self, stack_set: StackSetRecord, item: ItemRecord) -> InstanceRecord | None:
        return self._shelf.instance(stack_set.stack_set_id, item.account, item.region)

    def _remember(self, stack_set: StackSetRecord, target: TargetRecord) -> None:
        for unit in target.units:
            stack_set.units[unit] = list(dict.fromkeys([*stack_set.units.get(unit, ()), *target.regions]))
        self._shelf.put(stack_set)

    def _forget(self, stack_set: StackSetRecord, target: TargetRecord, items: list[ItemRecord]) -> None:
        """Forget the units that are targets no more. # ASSUMED: after a filtered deletion, those that have no instances left."""
        gone = {(item.account, item.region) for item in items}
        left = {
            (one.unit, one.region)
            for one in self._shelf.instances(stack_set.stack_set_id)
            if (one.account, one.region) not in gone
        }
        for unit in target.units:
            filtered = target.filter_type != "NONE"
            dropped = [region for region in target.regions if not (filtered and (unit, region) in left)]
            regions = [region for region in stack_set.units.get(unit, ()) if region not in dropped]
            stack_set.units.pop(unit, None)
            if regions:
                stack_set.units[unit] = regions
        self._shelf.put(stack_set)

    def _overrides(self, request: Request, stack_set: StackSetRecord) -> dict[str, str | None] | None:
        """Return the overrides that a request gives: a value, or None for a key that keeps what it has."""
        if "ParameterOverrides" not in request.params:
            return None
        given = request.params["ParameterOverrides"]
        for row in given:
            if ("ParameterValue" in row) == bool(row.get("UsePreviousValue")):
                # ASSUMED: the words.
                raise invalid(f"Give parameter {row.get('ParameterKey')} either a ParameterValue or UsePreviousValue true")
        named = {row.get("ParameterKey") for row in given}
        rest = [{"ParameterKey": key, "UsePreviousValue": True} for key in stack_set.parameters if key not in named]
        settle(self._accepting.sound(stack_set.template).parameters, [*given, *rest], stack_set.parameters)
        return {row["ParameterKey"]: row.get("ParameterValue") for row in given}

    def _begin(
        self,
        request: Request,
        stack_set: StackSetRecord,
        action: Action,
        items: list[ItemRecord],
        overrides: dict[str, str | None] | None,
    ) -> Output:
        operation = self._queue.operation(stack_set, action, items, preferences_of(request.params, request.params["Regions"]))
        operation.overrides = overrides
        operation.retain = request.params.get("RetainStacks", False)
        operation.targets = request.params.get("DeploymentTargets", {})
        return self._queue.begin(request, stack_set, operation)
