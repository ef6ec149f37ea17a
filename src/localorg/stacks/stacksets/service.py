"""StackSets: CloudFormation's operations on stack sets, put together.

Flow: CreateStackSet (`sets`) -> CreateStackInstances (`instances`) -> an operation with one item per account and Region (`queueing`) ->
`working` -> stacks in the accounts, under the principal that `acting` finds. `following` reacts to accounts that come and go,
`reading` shows it all, `access` switches trusted access.
Rules: a service-managed set lives in the management account; a delegated administrator works on it with CallAs DELEGATED_ADMIN.
Refuses to know: how an operation is worked off, what a stack is. The import of stacks is refused by name.
"""

from collections.abc import Callable, Mapping

from localorg.kernel.arn import Arn
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Access, Operation, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.accepting import Accepting
from localorg.stacks.stacksets.access import OrganizationsAccess
from localorg.stacks.stacksets.account_lists import AccountLists
from localorg.stacks.stacksets.acting import Acting
from localorg.stacks.stacksets.drift import SetDrift
from localorg.stacks.stacksets.following import ABOUT_ACCOUNTS, Following
from localorg.stacks.stacksets.instances import Instances
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.permissions import Permissions
from localorg.stacks.stacksets.queueing import Queue
from localorg.stacks.stacksets.reading import Reading
from localorg.stacks.stacksets.sets import Sets
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.working import ENGINE, Working


class StackSets:
    """Stack sets of the organization. The ports are those of `Stacks`."""

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        accepting: Accepting,
        sessions: Callable[[str], Principal],
        linked: Callable[[str, str], Principal],
        management_of: Callable[[str], str | None] | None,
        execution_role: Callable[[], str],
        fetch_accounts: Callable[[Request, str], str],
    ) -> None:
        self._kernel = kernel
        self._shelf = Shelf(kernel.store)
        self._directory = Directory(gateway, linked, self._shelf.is_activated, management_of)
        acting = Acting(gateway, self._directory, sessions)
        self._working = Working(gateway, self._shelf, self._directory, acting)
        queue = Queue(kernel, self._shelf, self._working)
        self._arn = queue.arn
        self._reading = Reading(self._shelf, self._directory, queue.arn, kernel.settings.partition)
        self._following = Following(self._shelf, self._directory, queue.follow)
        permissions = Permissions(self._shelf, self._directory, kernel.settings.partition, execution_role)
        lists = AccountLists(fetch_accounts)
        self._parts = (
            Sets(kernel, self._shelf, self._directory, accepting, queue, self._reading, permissions, lists),
            Instances(self._shelf, self._directory, accepting, queue, self._reading, lists, kernel),
            self._reading,
            SetDrift(gateway, self._shelf, queue, self._reading, acting),
        )
        self._access = OrganizationsAccess(gateway, self._directory, self._shelf)
        kernel.on(ENGINE, self._handle)
        kernel.subscribe("stack.finished", ENGINE)
        kernel.subscribe("stack.drift.detected", ENGINE)
        kernel.subscribe("organization.changed", ENGINE)

    def resume(self) -> None:
        """Go on with every operation that a restart interrupted."""
        for stack_set in self._shelf.every():
            self._working.resume(stack_set)

    def operations(self) -> list[Operation]:
        """Return what StackSets answer."""
        on_sets = [row for part in self._parts for row in part.handlers().items()]
        found = [Operation("cloudformation", name, handler, self._on_set) for name, handler in on_sets]
        return [*found, *(Operation("cloudformation", name, handler) for name, handler in self._access.handlers().items())]

    def activate(self, management: str) -> None:
        """Let an organization have activated trusted access from the start."""
        self._shelf.activate(management, self._kernel.now())

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of the set with this ARN; none when it is not there."""
        return next((found.tags for found in self._shelf.every() if self._arn(found) == arn), {})

    def _on_set(self, request: Request) -> list[Access]:
        # AWS: Service Authorization Reference, CloudFormation: resource type stackset, stackset/NAME:ID.
        name = request.params.get("StackSetName")
        action = f"cloudformation:{request.operation}"
        if name is None:
            return [Access(action)]
        home = self._directory.home(request)
        found = self._shelf.find(home, request.region, name)
        if found is not None:
            return [Access(action, self._arn(found))]
        resource = f"stackset/{name.rsplit('stackset/', 1)[-1]}"
        resource = resource if ":" in name else f"{resource}:*"
        return [Access(action, str(Arn(self._kernel.settings.partition, "cloudformation", request.region, home, resource)))]

    def _handle(self, event: Event) -> None:
        match event.name:
            case "pump":
                stack_set = self._shelf.by_id(event.data["set"])
                if stack_set is not None:
                    self._working.pump(stack_set)
                    self._following.catch_up(stack_set)
            case "stack.finished":
                stack_set = self._working.finished(event.data["stack"], event.data["status"])
                if stack_set is not None:
                    self._following.catch_up(stack_set)
            case "stack.drift.detected":
                self._working.drift_detected(event.data["detection"])
            case "organization.changed" if event.data["kind"] in ABOUT_ACCOUNTS:
                self._following.hear(event.data)
