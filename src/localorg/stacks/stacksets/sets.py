"""The operations on stack sets themselves: made, changed, deleted.

Flow: CreateStackSet -> checks -> the set's row. UpdateStackSet -> the row changes at once, whatever becomes of the operation that then
goes over the instances.
Rules: an update is made of a copy, so that one that is refused changes nothing. What a permission model asks for is `permissions`'.

AWS: CloudFormation API reference, CreateStackSet, UpdateStackSet, DeleteStackSet; quotas.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Access, Output, Request
from localorg.stacks.accepting import Accepting
from localorg.stacks.parameters import settle
from localorg.stacks.stacksets.account_lists import AccountLists
from localorg.stacks.stacksets.dependencies import Dependencies
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.permissions import Permissions
from localorg.stacks.stacksets.proposing import capabilities_of, values_of
from localorg.stacks.stacksets.queueing import Queue, preferences_of
from localorg.stacks.stacksets.reading import Reading
from localorg.stacks.stacksets.records import SELF_MANAGED, SERVICE_MANAGED, InstanceRecord, ItemRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.targets import target_of
from localorg.stacks.template import invalid

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
NAME_MAX = 128
SETS_MAX = 1_000
"""AWS: CloudFormation quotas, stack sets in an administrator account."""


class Sets:
    """Answers the operations on stack sets."""

    def __init__(
        self,
        kernel: Kernel,
        shelf: Shelf,
        directory: Directory,
        accepting: Accepting,
        queue: Queue,
        reading: Reading,
        permissions: Permissions,
        account_lists: AccountLists,
    ) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._directory = directory
        self._accepting = accepting
        self._queue = queue
        self._reading = reading
        self._dependencies = Dependencies(shelf)
        self._permissions = permissions
        self._account_lists = account_lists

    def handlers(self) -> dict[str, Callable[[Request], Output]]:
        """Return operation name -> handler."""
        return {"CreateStackSet": self._create, "UpdateStackSet": self._update, "DeleteStackSet": self._delete}

    def _create(self, request: Request) -> Output:
        params = request.params
        name, model = params["StackSetName"], params.get("PermissionModel", SELF_MANAGED)
        _check_name(name)
        if params.get("StackId"):
            raise invalid("localorg does not support the parameter StackId of CreateStackSet (the import of stacks)")
        self._permissions.check(request, model)
        home = self._directory.home(request)
        existing = self._shelf.find(home, request.region, name)
        if existing is not None:
            return _made_before(existing, params.get("ClientRequestToken", ""))
        if sum(one.status == "ACTIVE" for one in self._shelf.of(home, request.region)) >= SETS_MAX:
            raise AwsError("LimitExceededException", f"You have reached your limit of {SETS_MAX} stack sets")
        template = self._accepting.template_of(request)
        parsed = self._accepting.sound(template)
        stack_set = StackSetRecord(
            stack_set_id=f"{name}:{ids.uuid(self._kernel.dice)}",
            name=name,
            account=home,
            region=request.region,
            template=template,
            parameters=settle(parsed.parameters, params.get("Parameters", ()), {}),
            capabilities=capabilities_of(parsed, params.get("Capabilities", ()), model),
            tags=_tags(params),
            auto_deployment=False,
            retain_on_removal=False,
            managed_execution=params.get("ManagedExecution", {}).get("Active", False),
            created=request.now,
            description=params.get("Description", ""),
            permission_model=model,
            token=params.get("ClientRequestToken", ""),
        )
        self._check_tagging(request, "TagResource", stack_set.tags)
        self._permissions.give_roles(request, stack_set)
        self._permissions.follow(params, stack_set)
        self._shelf.put(stack_set)
        return {"StackSetId": stack_set.stack_set_id}

    def _check_tagging(self, request: Request, action: str, tags: dict[str, str]) -> None:
        if tags:
            resource = f"stackset/{request.params['StackSetName'].split(':', 1)[0]}:*"
            home = self._directory.home(request)
            arn = Arn(self._kernel.settings.partition, "cloudformation", request.region, home, resource)
            request.check(Access(f"cloudformation:{action}", str(arn)))

    def _update(self, request: Request) -> Output:
        params, before = {**request.params, **self._account_lists.targets(request)}, self._reading.require(request)
        model = params.get("PermissionModel", before.permission_model)
        self._permissions.check_change(before, model)
        self._permissions.check(request, model)
        self._queue.require_new(request, before)
        self._check_execution(before, params)
        self._queue.require_idle(before)
        template = self._accepting.template_of(request, before.template)
        parsed = self._accepting.sound(template)
        instances = self._chosen(before, params)
        preferences = preferences_of(params, [one.region for one in instances])
        stack_set = replace(
            before,
            template=template,
            parameters=values_of(parsed, params, before),
            capabilities=capabilities_of(parsed, params.get("Capabilities", before.capabilities), model),
            tags=self._retagged(request, before),
            description=params.get("Description", before.description),
            managed_execution=params.get("ManagedExecution", {}).get("Active", before.managed_execution),
            updated=True,
        )
        self._permissions.change(stack_set, model)
        self._permissions.give_roles(request, stack_set)
        self._permissions.follow(params, stack_set)
        self._shelf.put(stack_set)
        self._outdate(stack_set, params)
        items = [ItemRecord(one.account, one.region, one.unit) for one in instances]
        operation = self._queue.operation(stack_set, "UPDATE", items, preferences)
        operation.targets = request.params.get("DeploymentTargets", {})
        return self._queue.begin(request, stack_set, operation)

    def _retagged(self, request: Request, before: StackSetRecord) -> dict[str, str]:
        """Return the tags after an update. Raises AccessDenied for whoever may not change them."""
        if "Tags" not in request.params:
            return before.tags
        tags = _tags(request.params)
        self._check_tagging(request, "TagResource", {key: tags[key] for key in tags if before.tags.get(key) != tags[key]})
        self._check_tagging(request, "UntagResource", {key: value for key, value in before.tags.items() if key not in tags})
        return tags

    def _check_execution(self, stack_set: StackSetRecord, params: dict[str, Any]) -> None:
        """Raise InvalidOperationException where managed execution may not be switched."""
        wanted = params.get("ManagedExecution", {}).get("Active", stack_set.managed_execution)
        if wanted == stack_set.managed_execution:
            return
        if "TemplateBody" in params or "TemplateURL" in params or "Parameters" in params:
            # AWS: the sentence.
            words = "Cannot update ManagedExecution while updating StackSet Template or Parameters."
            raise AwsError("InvalidOperationException", words)
        if self._shelf.open_operations(stack_set.stack_set_id):
            # AWS: ManagedExecution: not while there are running or queued operations. # ASSUMED: the words.
            words = "Cannot update ManagedExecution while there are running or queued operations on the StackSet."
            raise AwsError("InvalidOperationException", words)

    def _outdate(self, stack_set: StackSetRecord, params: dict[str, Any]) -> None:
        # AWS: UpdateStackSet, Regions: only a change of the template or of parameters makes all instances OUTDATED.
        if not ("TemplateBody" in params or "TemplateURL" in params or "Parameters" in params):
            return
        for one in self._shelf.instances(stack_set.stack_set_id):
            if one.status == "CURRENT":
                one.status = "OUTDATED"
                self._shelf.put_instance(one)

    def _chosen(self, stack_set: StackSetRecord, params: dict[str, Any]) -> list[InstanceRecord]:
        """Return the instances that an update goes over: those that it names, or all."""
        where = [name for name in ("Accounts", "DeploymentTargets") if params.get(name)]
        if params.get("AutoDeployment") and (where or params.get("Regions")):
            raise invalid("If you specify AutoDeployment, don't specify DeploymentTargets or Regions")
        # AWS: INOPERABLE instances are excluded from updates of the set.
        rows = [one for one in self._shelf.instances(stack_set.stack_set_id) if one.status != "INOPERABLE"]
        if _is_about_settings(params):
            return []
        if bool(where) != bool(params.get("Regions")):
            raise invalid("Specify both Regions and the accounts (Accounts or DeploymentTargets), or neither")
        if not where:
            return rows
        target = target_of(params, stack_set, "UPDATE", self._kernel.settings.regions)
        wanted: Sequence[str] = target.accounts
        if stack_set.permission_model == SERVICE_MANAGED:
            wanted = list(self._directory.expand(stack_set.account, target))
        return [one for one in rows if one.account in wanted and one.region in target.regions]

    def _delete(self, request: Request) -> Output:
        stack_set = self._reading.find(request)
        if stack_set is None or stack_set.status == "DELETED":
            # AWS: deleting a set that is not there succeeds.
            return {}
        self._queue.require_nothing_open(stack_set)
        if self._shelf.instances(stack_set.stack_set_id):
            raise AwsError("StackSetNotEmptyException", f"StackSet {stack_set.name} is not empty", status=409)
        stack_set.status, stack_set.auto_deployment = "DELETED", False
        self._shelf.put(stack_set)
        self._dependencies.drop(stack_set)
        return {}


def _is_about_settings(params: dict[str, Any]) -> bool:
    """Say whether an update changes nothing that instances are made of. # ASSUMED: such an operation goes over no instance."""
    settings = {"AutoDeployment", "ManagedExecution"}
    others = {"TemplateBody", "TemplateURL", "Parameters", "Tags", "Regions", "Accounts", "DeploymentTargets"}
    return bool(settings & set(params)) and not others & set(params)


def _made_before(existing: StackSetRecord, token: str) -> Output:
    # AWS: ClientRequestToken lets a creation be asked for twice.
    if not token or token != existing.token:
        raise AwsError("NameAlreadyExistsException", f"StackSet {existing.name} already exists", status=409)
    if existing.updated:
        raise AwsError("CreatedButModifiedException", f"StackSet {existing.name} exists, but was changed since", status=409)
    return {"StackSetId": existing.stack_set_id}


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackSetName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {NAME.pattern}"
        )
    if len(name) > NAME_MAX:
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackSetName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAME_MAX}"
        )


def _tags(params: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
