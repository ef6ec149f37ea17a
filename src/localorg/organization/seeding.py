"""From a seed to rows, all problems at once; what is there already stays as it is.

Flow: OrganizationSeed -> `problems` -> rows that are missing -> Rules: a restart with the same seed changes nothing; what was
changed through the API since then (a moved account, a closed one) wins over the seed.
"""

import re

from localorg.organization.control import Control
from localorg.organization.records import (
    STATES,
    AccountRecord,
    DelegationRecord,
    OrganizationRecord,
    OrganizationSeed,
    OutsiderRecord,
    ServiceAccessRecord,
    UnitRecord,
)
from localorg.organization.tree import Tree

# AWS: Organizations API reference, the patterns of OrganizationId, RootId, OrganizationalUnitId and AccountId.
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_ROOT = re.compile(r"r-[0-9a-z]{4,32}")
_UNIT = re.compile(r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}")
_ACCOUNT = re.compile(r"\d{12}")


def plant(tree: Tree, seed: OrganizationSeed, now: float) -> list[str]:
    """Add what is missing and return the ids of new accounts. Raises ValueError telling all problems of the seed."""
    found = problems(seed)
    known = tree.known()
    if known is not None and known.organization_id != seed.organization_id:
        found.append(f"organization: this state belongs to {known.organization_id}, the seed describes {seed.organization_id}")
    if found:
        raise ValueError("the organization cannot be seeded:\n  " + "\n  ".join(found))
    first_time = known is None
    if first_time:
        record = OrganizationRecord(seed.organization_id, seed.root_id, seed.management_account, list(seed.policy_types))
        tree.organizations.put(record, seed.organization_id)
    for unit in seed.units:
        if tree.units.get(unit.unit_id) is None:
            tree.units.put(UnitRecord(unit.unit_id, unit.name, unit.parent), unit.unit_id)
    fresh = _plant_accounts(tree, seed, now)
    for outsider in seed.outsiders:
        if not tree.is_account_known(outsider.account_id):
            row = OutsiderRecord(outsider.account_id, outsider.name, outsider.email, outsider.state)
            tree.outsiders.put(row, outsider.account_id)
    if first_time:
        _plant_services(tree, seed, now)
    control = Control(tree)
    for node in control.nodes():
        control.welcome(node)
    return fresh


def _plant_accounts(tree: Tree, seed: OrganizationSeed, now: float) -> list[str]:
    fresh = []
    for account in seed.accounts:
        if tree.is_account_known(account.account_id):
            continue  # an account that left stays outside, though the seed has it inside
        # AWS: the management account was invited to its own organization (JoinedMethod INVITED).
        method = "INVITED" if account.account_id == seed.management_account else account.joined_method
        record = AccountRecord(account.account_id, account.name, account.email, account.state, account.parent, now, method)
        tree.accounts.put(record, account.account_id)
        fresh.append(account.account_id)
    return fresh


def _plant_services(tree: Tree, seed: OrganizationSeed, now: float) -> None:
    for service in (*seed.enabled_services, *(service for _, service in seed.delegated_administrators)):
        if tree.services.get(service) is None:
            tree.services.put(ServiceAccessRecord(service, now), service)
    for account, service in seed.delegated_administrators:
        tree.delegations.put(DelegationRecord(account, service, now), account, service)


def problems(seed: OrganizationSeed) -> list[str]:
    """Return a sentence for everything that is wrong with the seed."""
    return [*_id_problems(seed), *_tree_problems(seed), *_account_problems(seed)]


def _id_problems(seed: OrganizationSeed) -> list[str]:
    checks = [
        ("organization id", seed.organization_id, _ORGANIZATION),
        ("root id", seed.root_id, _ROOT),
        *(("unit id", unit.unit_id, _UNIT) for unit in seed.units),
        *(("account id", account.account_id, _ACCOUNT) for account in (*seed.accounts, *seed.outsiders)),
    ]
    found = [f"{what} {text!r}: expected {pattern.pattern}" for what, text, pattern in checks if not pattern.fullmatch(text)]
    for kind, names in (
        ("unit", [unit.unit_id for unit in seed.units]),
        ("account", [account.account_id for account in (*seed.accounts, *seed.outsiders)]),
        ("email", [account.email.lower() for account in (*seed.accounts, *seed.outsiders)]),
    ):
        found += [f"{kind} {name!r}: appears {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1]
    return found


def _tree_problems(seed: OrganizationSeed) -> list[str]:
    parents = {unit.unit_id: unit.parent for unit in seed.units}
    found = []
    for unit in seed.units:
        seen, place = {unit.unit_id}, unit.parent
        while place in parents and place not in seen:
            seen.add(place)
            place = parents[place]
        if place != seed.root_id:
            found.append(f"unit {unit.unit_id}: its parents lead to {place!r}, not to the root {seed.root_id}")
    return found


def _account_problems(seed: OrganizationSeed) -> list[str]:
    places = {seed.root_id, *(unit.unit_id for unit in seed.units)}
    accounts = {account.account_id for account in seed.accounts}
    found = [
        f"account {a.account_id}: parent {a.parent!r} is neither the root nor a unit"
        for a in seed.accounts
        if a.parent not in places
    ]
    found += [
        f"account {a.account_id}: state {a.state!r}, expected one of {', '.join(STATES)}"
        for a in (*seed.accounts, *seed.outsiders)
        if a.state not in STATES
    ]
    if seed.management_account not in accounts:
        found.append(f"management account {seed.management_account}: is not among the accounts")
    for account, service in seed.delegated_administrators:
        if account not in accounts:
            found.append(f"delegated administrator {account} of {service}: is not among the accounts")
        if account == seed.management_account:
            found.append(f"delegated administrator {account} of {service}: the management account cannot be one")
    return found
