"""StackSets: CloudFormation's operations on stack sets with service-managed permissions.

Flow: CreateStackSet -> CreateStackInstances -> an operation with one item per account and Region -> `working` -> stacks in members.
UpdateStackSet and UpdateStackInstances go over the instances again, DeleteStackInstances takes them away. `following` reacts to
accounts that come and go.
Rules: the set lives in the management account; a delegated administrator works on it with CallAs DELEGATED_ADMIN.
SELF_MANAGED sets are refused by name.
"""

from collections.abc import Callable
from typing import Any

from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Access, Operation, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.accepting import Accepting
from localorg.stacks.parameters import settle
from localorg.stacks.stacksets.following import ABOUT_ACCOUNTS, concerned
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.pace import check_preferences, region_order
from localorg.stacks.stacksets.reading import Reading
from localorg.stacks.stacksets.records import (
    Action,
    InstanceRecord,
    ItemRecord,
    SetOperationRecord,
    StackSetRecord,
    TargetRecord,
)
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.working import ENGINE, Working
from localorg.stacks.template import invalid


class StackSets:
    """Stack sets of the organization."""

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        accepting: Accepting,
        linked: Callable[[str, str], Principal],
        management_of: Callable[[str], str | None] | None = None,
    ) -> None:
        self._kernel = kernel
        self._accepting = accepting
        self._shelf = Shelf(kernel.store)
        self._directory = Directory(gateway, linked, management_of)
        self._working = Working(kernel, gateway, self._shelf, self._directory)
        self._reading = Reading(self._shelf, self._directory, kernel.settings.partition)
        kernel.on(ENGINE, self._handle)
        kernel.subscribe("stack.finished", ENGINE)
        kernel.subscribe("organization.changed", ENGINE)

    def resume(self) -> None:
        """Go on with every operation that a restart interrupted."""
        for stack_set in self._shelf.every():
            self._working.resume(stack_set)

    def operations(self) -> list[Operation]:
        """Return what StackSets answer."""
        handlers = {
            "CreateStackSet": self._create,
            "UpdateStackSet": self._update,
            "DeleteStackSet": self._delete,
            "CreateStackInstances": self._create_instances,
            "UpdateStackInstances": self._update_instances,
            "DeleteStackInstances": self._delete_instances,
            "StopStackSetOperation": self._stop,
            **self._reading.handlers(),
        }
        return [Operation("cloudformation", name, handler, self._on_set) for name, handler in handlers.items()]

    def _on_set(self, request: Request) -> list[Access]:
        # AWS: Service Authorization Reference, CloudFormation: resource type stackset, stackset/NAME:ID.
        name = request.params.get("StackSetName")
        action = f"cloudformation:{request.operation}"
        if name is None:
            return [Access(action)]
        home = self._directory.home(request)
        found = self._shelf.find(home, request.region, name)
        if found is not None:
            return [Access(action, self._reading.arn(found))]
        resource = f"stackset/{name.rsplit('stackset/', 1)[-1]}"
        resource = resource if ":" in name else f"{resource}:*"
        return [Access(action, str(Arn(self._kernel.settings.partition, "cloudformation", request.region, home, resource)))]

    def _handle(self, event: Event) -> None:
        match event.name:
            case "pump":
                stack_set = self._shelf.by_id(event.data["set"])
                if stack_set is not None:
                    self._working.pump(stack_set)
            case "stack.finished":
                self._working.finished(event.data["stack"], event.data["status"])
            case "organization.changed" if event.data["kind"] in ABOUT_ACCOUNTS:
                for stack_set, leaving, coming in concerned(self._shelf, self._directory, event.data):
                    self._follow(stack_set, leaving, coming)

    def _follow(self, stack_set: StackSetRecord, leaving: list[ItemRecord], coming: list[ItemRecord]) -> None:
        # AWS: auto-deployment does not follow the operation preferences of the set's other operations.
        rows: list[tuple[Action, list[ItemRecord]]] = [("DELETE", leaving), ("CREATE", coming)]
        for action, items in rows:
            if items:
                operation = self._operation(stack_set, action, items, {"RegionConcurrencyType": "PARALLEL"})
                operation.retain = stack_set.retain_on_removal
                self._enqueue(stack_set, operation)

    def _create(self, request: Request) -> Output:
        params = request.params
        if params.get("PermissionModel", "SELF_MANAGED") != "SERVICE_MANAGED":
            raise NotSupported("the permission model SELF_MANAGED (give PermissionModel SERVICE_MANAGED)", "CreateStackSet")
        _refuse_unsupported(params)
        home = self._directory.home(request)
        self._directory.require_trust(request)
        if self._shelf.find(home, request.region, params["StackSetName"]):
            raise AwsError("NameAlreadyExistsException", f"StackSet {params['StackSetName']} already exists", status=409)
        template = self._accepting.template_of(request)
        values = settle(self._accepting.sound(template).parameters, params.get("Parameters", ()), {})
        deployment = params.get("AutoDeployment", {})
        stack_set = StackSetRecord(
            f"{params['StackSetName']}:{ids.uuid(self._kernel.dice)}",
            params["StackSetName"],
            home,
            request.region,
            template,
            values,
            list(params.get("Capabilities", ())),
            {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())},
            deployment.get("Enabled", False),
            deployment.get("RetainStacksOnAccountRemoval", False),
            params.get("ManagedExecution", {}).get("Active", False),
            request.now,
            params.get("Description", ""),
        )
        self._shelf.put(stack_set)
        return {"StackSetId": stack_set.stack_set_id}

    def _update(self, request: Request) -> Output:
        params, stack_set = request.params, self._reading.require(request)
        if params.get("PermissionModel", "SERVICE_MANAGED") != "SERVICE_MANAGED":
            raise NotSupported("the permission model SELF_MANAGED", "UpdateStackSet")
        _refuse_unsupported(params)
        self._require_idle(stack_set, params)
        template = self._accepting.template_of(request, stack_set.template)
        values = settle(self._accepting.sound(template).parameters, params.get("Parameters", ()), stack_set.parameters)
        instances = self._chosen(stack_set, params)
        preferences = _preferences(params, [one.region for one in instances])
        stack_set.template, stack_set.parameters = template, values
        stack_set.description = params.get("Description", stack_set.description)
        stack_set.capabilities = list(params.get("Capabilities", stack_set.capabilities))
        if "Tags" in params:
            stack_set.tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        if "AutoDeployment" in params:
            stack_set.auto_deployment = params["AutoDeployment"].get("Enabled", False)
            stack_set.retain_on_removal = params["AutoDeployment"].get("RetainStacksOnAccountRemoval", False)
        if "ManagedExecution" in params:
            stack_set.managed_execution = params["ManagedExecution"].get("Active", False)
        self._shelf.put(stack_set)
        for one in self._shelf.instances(stack_set.stack_set_id):
            one.status = "OUTDATED"
            self._shelf.put_instance(one)
        items = [ItemRecord(one.account, one.region, one.unit) for one in instances]
        return self._begin(request, stack_set, self._operation(stack_set, "UPDATE", items, preferences))

    def _chosen(self, stack_set: StackSetRecord, params: dict[str, Any]) -> list[InstanceRecord]:
        """Return the instances that an update names; all of them when it names none."""
        rows = self._shelf.instances(stack_set.stack_set_id)
        if "Regions" in params:
            rows = [one for one in rows if one.region in params["Regions"]]
        if "Accounts" in params:
            raise invalid(_ONLY_UNITS)
        if "DeploymentTargets" in params:
            wanted = self._directory.expand(stack_set.account, _target(params))
            rows = [one for one in rows if one.account in wanted]
        return rows

    def _delete(self, request: Request) -> Output:
        stack_set = self._shelf.find(self._directory.home(request), request.region, request.params["StackSetName"])
        if stack_set is None or stack_set.status == "DELETED":
            # AWS: deleting a set that is not there succeeds.
            return {}
        if self._shelf.open_operations(stack_set.stack_set_id):
            raise _in_progress(stack_set)
        if self._shelf.instances(stack_set.stack_set_id):
            raise AwsError("StackSetNotEmptyException", f"StackSet {stack_set.name} is not empty", status=409)
        stack_set.status = "DELETED"
        self._shelf.put(stack_set)
        return {}

    def _create_instances(self, request: Request) -> Output:
        stack_set, target = self._targeted(request)
        if target.filter_type == "UNION":
            raise invalid("AccountFilterType UNION is not supported for create operations")
        under = self._directory.expand(stack_set.account, target)
        items = [ItemRecord(account, region, unit) for region in target.regions for account, (unit, _) in under.items()]
        for unit in target.units:
            stack_set.units[unit] = list(dict.fromkeys([*stack_set.units.get(unit, ()), *target.regions]))
        self._shelf.put(stack_set)
        for item in items:
            if self._shelf.instance(stack_set.stack_set_id, item.account, item.region) is None:
                self._shelf.put_instance(InstanceRecord(stack_set.stack_set_id, item.account, item.region, item.unit))
        return self._begin_on(request, stack_set, "CREATE", items, self._overrides(request, stack_set))

    def _update_instances(self, request: Request) -> Output:
        stack_set, target = self._targeted(request)
        items = self._existing(stack_set, target)
        if not items:
            raise AwsError(
                "StackInstanceNotFoundException", f"No stack instances of {stack_set.name} are in the targets", status=404
            )
        return self._begin_on(request, stack_set, "UPDATE", items, self._overrides(request, stack_set))

    def _delete_instances(self, request: Request) -> Output:
        stack_set, target = self._targeted(request)
        if target.filter_type == "NONE":
            for unit in target.units:
                left = [region for region in stack_set.units.get(unit, ()) if region not in target.regions]
                stack_set.units.pop(unit, None)
                if left:
                    stack_set.units[unit] = left
            self._shelf.put(stack_set)
        return self._begin_on(request, stack_set, "DELETE", self._existing(stack_set, target), None)

    def _existing(self, stack_set: StackSetRecord, target: TargetRecord) -> list[ItemRecord]:
        under = self._directory.expand(stack_set.account, target)
        return [
            ItemRecord(one.account, one.region, one.unit)
            for region in target.regions
            for one in self._shelf.instances(stack_set.stack_set_id)
            if one.region == region and (one.account in under or (target.filter_type == "NONE" and one.unit in target.units))
        ]

    def _targeted(self, request: Request) -> tuple[StackSetRecord, TargetRecord]:
        stack_set = self._reading.require(request)
        self._require_idle(stack_set, request.params)
        if "Accounts" in request.params:
            raise invalid(_ONLY_UNITS)
        target = _target(request.params)
        unknown = [region for region in target.regions if region not in self._kernel.settings.regions]
        if unknown:
            known = ", ".join(self._kernel.settings.regions)
            raise invalid(f"Region(s) {', '.join(unknown)} are not in this organization; it has {known}")
        return stack_set, target

    def _overrides(self, request: Request, stack_set: StackSetRecord) -> dict[str, str] | None:
        if "ParameterOverrides" not in request.params:
            return None
        given = request.params["ParameterOverrides"]
        settle(self._accepting.sound(stack_set.template).parameters, given, stack_set.parameters)
        return {row["ParameterKey"]: row["ParameterValue"] for row in given if "ParameterValue" in row}

    def _begin_on(
        self,
        request: Request,
        stack_set: StackSetRecord,
        action: Action,
        items: list[ItemRecord],
        overrides: dict[str, str] | None,
    ) -> Output:
        preferences = _preferences(request.params, request.params["Regions"])
        operation = self._operation(stack_set, action, items, preferences)
        operation.overrides = overrides
        operation.retain = request.params.get("RetainStacks", False)
        operation.targets = request.params.get("DeploymentTargets", {})
        return self._begin(request, stack_set, operation)

    def _operation(
        self, stack_set: StackSetRecord, action: Action, items: list[ItemRecord], preferences: dict[str, Any]
    ) -> SetOperationRecord:
        regions = region_order(preferences, list(dict.fromkeys(item.region for item in items)))
        unique = ids.uuid(self._kernel.dice)
        now = self._kernel.now()
        return SetOperationRecord(unique, stack_set.stack_set_id, action, "RUNNING", now, preferences, regions, items)

    def _begin(self, request: Request, stack_set: StackSetRecord, operation: SetOperationRecord) -> Output:
        operation.operation_id = request.params.get("OperationId", operation.operation_id)
        if any(one.operation_id == operation.operation_id for one in self._shelf.operations(stack_set.stack_set_id)):
            words = f"Operation {operation.operation_id} already exists"
            raise AwsError("OperationIdAlreadyExistsException", words, status=409)
        self._enqueue(stack_set, operation)
        return {"OperationId": operation.operation_id}

    def _enqueue(self, stack_set: StackSetRecord, operation: SetOperationRecord) -> None:
        if self._shelf.open_operations(stack_set.stack_set_id):
            operation.status = "QUEUED"
        self._shelf.put_operation(operation)
        self._working.begin(stack_set)

    def _require_idle(self, stack_set: StackSetRecord, _params: dict[str, Any]) -> None:
        # AWS: with managed execution an operation that conflicts waits; without, it is refused.
        if self._shelf.open_operations(stack_set.stack_set_id) and not stack_set.managed_execution:
            raise _in_progress(stack_set)

    def _stop(self, request: Request) -> Output:
        stack_set = self._reading.require(request)
        operation = self._shelf.operation(stack_set.stack_set_id, request.params["OperationId"])
        if operation.status not in ("RUNNING", "QUEUED"):
            raise AwsError("InvalidOperationException", f"Operation {operation.operation_id} is {operation.status}")
        operation.status = "STOPPING"
        self._shelf.put_operation(operation)
        self._working.begin(stack_set)
        return {}


_ONLY_UNITS = "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target"


def _target(params: dict[str, Any]) -> TargetRecord:
    targets = params.get("DeploymentTargets", {})
    if "AccountsUrl" in targets:
        raise invalid("localorg does not support AccountsUrl in DeploymentTargets; list the Accounts")
    units = targets.get("OrganizationalUnitIds", [])
    if not units:
        raise invalid(_ONLY_UNITS)
    kind = targets.get("AccountFilterType", "NONE")
    if (kind == "NONE") != (not targets.get("Accounts")):
        raise invalid(
            "AccountFilterType and Accounts go together: give INTERSECTION, DIFFERENCE or UNION with Accounts, NONE without"
        )
    return TargetRecord(units, params.get("Regions", []), targets.get("Accounts", []), kind)


def _preferences(params: dict[str, Any], regions: list[str]) -> dict[str, Any]:
    preferences: dict[str, Any] = params.get("OperationPreferences", {})
    check_preferences(preferences, regions)
    return preferences


def _refuse_unsupported(params: dict[str, Any]) -> None:
    named = [name for name in ("AdministrationRoleARN", "ExecutionRoleName", "StackId") if params.get(name)]
    if params.get("AutoDeployment", {}).get("DependsOn"):
        named.append("AutoDeployment.DependsOn")
    if named:
        raise invalid(
            "\n".join(f"localorg does not support the parameter {name} of service-managed stack sets" for name in named)
        )


def _in_progress(stack_set: StackSetRecord) -> AwsError:
    words = f"Another Operation on StackSet {stack_set.stack_set_id} is in progress"
    return AwsError("OperationInProgressException", words, status=409)
