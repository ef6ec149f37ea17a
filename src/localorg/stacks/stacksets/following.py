"""Auto-deployment: a set follows the accounts of the units it was sent to.

Flow: "organization.changed" about an account -> for each set with auto-deployment: instances whose unit is no longer above the
account are deleted, Regions of units that are now above it are filled -> operations that wait their turn.
Rules: only the account of the event is looked at; account filters and parameter overrides do not govern accounts that come later.

AWS: CloudFormation user guide, "Manage automatic deployments"; a move is a deletion and a creation.
"""

from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.records import InstanceRecord, ItemRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.working import SKIPPED

ABOUT_ACCOUNTS = frozenset({"account-created", "account-joined", "account-moved", "account-removed", "account-state"})


def deletions(shelf: Shelf, stack_set: StackSetRecord, account: str, ancestors: list[str]) -> list[ItemRecord]:
    """Return the instances that an account leaves."""
    return [
        ItemRecord(one.account, one.region, one.unit)
        for one in shelf.instances(stack_set.stack_set_id)
        if one.account == account and one.unit not in ancestors
    ]


def creations(
    shelf: Shelf, stack_set: StackSetRecord, account: str, ancestors: list[str], leaving: list[ItemRecord]
) -> list[ItemRecord]:
    """Return the instances that an account gets, those just left and those once skipped included."""
    wanted: dict[str, str] = {}
    for unit in ancestors:
        for region in stack_set.units.get(unit, ()):
            wanted.setdefault(region, unit)
    left = {item.region for item in leaving}
    return [
        ItemRecord(account, region, unit)
        for region, unit in wanted.items()
        if region in left or _is_missing(shelf.instance(stack_set.stack_set_id, account, region))
    ]


def _is_missing(instance: InstanceRecord | None) -> bool:
    return instance is None or instance.detailed == SKIPPED


def concerned(
    shelf: Shelf, directory: Directory, fact: dict[str, str]
) -> list[tuple[StackSetRecord, list[ItemRecord], list[ItemRecord]]]:
    """Return (set, deletions, creations) of every set that a fact about an account concerns."""
    account = fact.get("account", "")
    found = []
    for stack_set in shelf.every():
        if not stack_set.auto_deployment or stack_set.status != "ACTIVE" or account == stack_set.account:
            continue
        removed = fact["kind"] == "account-removed"
        ancestors = [] if removed else directory.ancestors(stack_set.account, account)
        leaving = deletions(shelf, stack_set, account, ancestors) if fact["kind"] != "account-state" else []
        active = not removed and directory.state(stack_set.account, account) == "ACTIVE"
        coming = creations(shelf, stack_set, account, ancestors, leaving) if active else []
        if leaving or coming:
            found.append((stack_set, leaving, coming))
    return found
