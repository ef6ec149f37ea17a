"""Auto-deployment: a set follows the accounts of the units it was sent to.

Flow: "organization.changed" about an account -> for each set with auto-deployment: instances whose unit is no longer above the
account are deleted, Regions of units that came above it are filled -> operations that wait their turn.
Rules: only the account of the event is looked at, and only units that are newly above it: account filters and deletions stand for
accounts that stay. An account that an operation is at work on is looked at when that has ended. Filters and parameter overrides do
not govern accounts that come later.

AWS: CloudFormation user guide, "Enable or disable automatic deployments for StackSets in AWS Organizations"; a move is a deletion and
a creation.
"""

from collections.abc import Callable

from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.records import Action, InstanceRecord, ItemRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.working import SKIPPED

ABOUT_ACCOUNTS = frozenset({"account-created", "account-joined", "account-moved", "account-removed", "account-state"})

Begin = Callable[[StackSetRecord, Action, list[ItemRecord]], None]


class Following:
    """Keeps the sets with auto-deployment up with the organization. `begin` puts an operation into a set's queue."""

    def __init__(self, shelf: Shelf, directory: Directory, begin: Begin) -> None:
        self._shelf = shelf
        self._directory = directory
        self._begin = begin

    def hear(self, fact: dict[str, str]) -> None:
        """Hear of an account that came, went, moved or woke."""
        account = fact.get("account", "")
        for stack_set in self._shelf.every():
            if not stack_set.auto_deployment or stack_set.status != "ACTIVE" or account == stack_set.account:
                continue
            if not self._directory.is_trusted(stack_set.account):
                # AWS: without trusted access StackSets hear nothing of the organization. # ASSUMED: and catch up with nothing later.
                continue
            before = stack_set.waiting.get(account)
            self._look(stack_set, account, self._before(stack_set, fact) if before is None else before)

    def catch_up(self, stack_set: StackSetRecord) -> None:
        """Look at the accounts that had to wait for an operation."""
        for account, before in list(stack_set.waiting.items()):
            if not self._is_busy(stack_set, account):
                del stack_set.waiting[account]
                self._shelf.put(stack_set)
                self._look(stack_set, account, before)

    def _before(self, stack_set: StackSetRecord, fact: dict[str, str]) -> list[str]:
        """Return the units that were above the account before what the fact tells."""
        match fact["kind"]:
            case "account-moved":
                return [fact["source"], *self._directory.ancestors(stack_set.account, fact["source"])]
            case "account-created" | "account-joined":
                return []
            case _:
                return self._directory.ancestors(stack_set.account, fact.get("account", ""))

    def _look(self, stack_set: StackSetRecord, account: str, before: list[str]) -> None:
        if self._is_busy(stack_set, account):
            stack_set.waiting[account] = before
            self._shelf.put(stack_set)
            return
        above = self._directory.ancestors(stack_set.account, account)
        leaving = self._leaving(stack_set, account, above)
        is_active = bool(above) and self._directory.state(stack_set.account, account) == "ACTIVE"
        coming = self._coming(stack_set, account, above, before, leaving) if is_active else []
        if leaving:
            self._begin(stack_set, "DELETE", leaving)
        if coming:
            self._begin(stack_set, "CREATE", coming)

    def _is_busy(self, stack_set: StackSetRecord, account: str) -> bool:
        return any(operation.touches(account) for operation in self._shelf.open_operations(stack_set.stack_set_id))

    def _leaving(self, stack_set: StackSetRecord, account: str, above: list[str]) -> list[ItemRecord]:
        return [
            ItemRecord(one.account, one.region, one.unit)
            for one in self._shelf.instances(stack_set.stack_set_id)
            if one.account == account and one.unit not in above
        ]

    def _coming(
        self, stack_set: StackSetRecord, account: str, above: list[str], before: list[str], leaving: list[ItemRecord]
    ) -> list[ItemRecord]:
        """Return the instances that an account gets: of units newly above it, and in place of those that it leaves or was spared."""
        left = {item.region for item in leaving}
        wanted: dict[str, str] = {}
        for unit in above:
            for region in stack_set.units.get(unit, ()):
                here = self._shelf.instance(stack_set.stack_set_id, account, region)
                if region in left or _was_spared(here) or (here is None and unit not in before):
                    wanted.setdefault(region, unit)
        return [ItemRecord(account, region, unit) for region, unit in wanted.items()]


def _was_spared(instance: InstanceRecord | None) -> bool:
    return instance is not None and instance.detailed == SKIPPED
