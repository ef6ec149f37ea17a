"""Who gets the member roles: OU ids and account ids as the operator gave them, looked up in Organizations before anything is touched.

A StackSet notices an OU that is not there only after it has left those that it was in, and an account that is named although an OU
contains it only when its stack fails.

Rules: all problems at once. Refuses to know: the template's parameters.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, CsdInputError, Problem
from csd.listed import listed
from csd.solution.targets import MIXED_MAX

OU = re.compile(r"^ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$")
ACCOUNT = re.compile(r"^[0-9]{12}$")
_OPTION = "--targets"
_LIST_UNITS = "See: aws organizations list-organizational-units-for-parent --parent-id ROOT_OR_OU_ID"
_LIST_ACCOUNTS = "See: aws organizations list-accounts"
_MISSING = ("OrganizationalUnitNotFoundException", "AccountNotFoundException", "ChildNotFoundException")


@dataclass(frozen=True)
class Reach:
    """The targets, without those that others contain; `parent` is the root that contains the accounts, or empty."""

    targets: tuple[str, ...]
    parent: str


def read_targets(text: str) -> list[str]:
    """The ids in a comma list, each once. Raises CsdInputError with all that are none."""
    targets = listed(text)
    problems = [
        Problem(_OPTION, f"{target!r} is no OU id or account id.", "Write ou-abcd-1qwert43 or 111122223333.")
        for target in targets
        if not OU.match(target) and not ACCOUNT.match(target)
    ]
    if not targets:
        problems.append(Problem(_OPTION, "names no OU and no account.", "Write ou-abcd-1qwert43 or 111122223333."))
    if problems:
        raise CsdInputError(problems)
    return targets


def look_up(principal: Principal, targets: list[str], management: str, tell: Callable[[str], None]) -> Reach:
    """Ask Organizations for each target. Raises CsdInputError with all that are not there or cannot be reached; AwsRefused."""
    problems: list[Problem] = []
    kept = []
    for target in targets:
        if target == management:
            remedy = "Leave it out; its nodes need --include-management-account."
            problems.append(Problem(_OPTION, f"{target} is the management account, which a StackSet never reaches.", remedy))
            continue
        try:
            above = _ancestors(principal, target)
        except AwsRefused as refused:
            if refused.code not in _MISSING:
                raise
            remedy = _LIST_UNITS if OU.match(target) else _LIST_ACCOUNTS
            problems.append(Problem(_OPTION, f"{target} is not in this organization.", remedy))
            continue
        container = next((unit for unit in above if unit in targets), None)
        if container:
            tell(f"{target} is in {container}, which is a target as well: left out")
        else:
            kept.append(target)
    accounts = [target for target in kept if ACCOUNT.match(target)]
    if accounts and len(accounts) < len(kept) > MIXED_MAX:
        what = f"names {len(kept)} OUs and accounts; OUs and accounts mixed can be at most {MIXED_MAX}."
        problems.append(Problem(_OPTION, what, "Put accounts into an OU, and name that."))
    if problems:
        raise CsdInputError(problems)
    return Reach(tuple(kept), _root(principal) if accounts else "")


def changes_of_kind(principal: Principal, before: list[str], after: Sequence[str]) -> list[Problem]:
    """Accounts that were reached by their OU and are named now, or the other way round: AWS fails on the role that is there already.

    CloudFormation makes what is new before it takes away what is gone, so such an account has to leave first (ADR 0022).
    """
    problems: list[Problem] = []
    for account in _accounts(after, before):
        problems += [
            _kind_changes(account, f"reached by {unit} and would be named") for unit in _above(principal, account, before)
        ]
    for account in _accounts(before, after):
        problems += [
            _kind_changes(account, f"named and would be reached by {unit}") for unit in _above(principal, account, after)
        ]
    return problems


def _accounts(these: Sequence[str], but: Sequence[str]) -> list[str]:
    return [target for target in these if ACCOUNT.match(target) and target not in but]


def _above(principal: Principal, account: str, units: Sequence[str]) -> list[str]:
    """The nearest of the units that contains the account, if any does."""
    try:
        return [unit for unit in _ancestors(principal, account) if unit in units][:1]
    except AwsRefused as refused:
        if refused.code in _MISSING:  # it has left the organization
            return []
        raise


def _kind_changes(account: str, how: str) -> Problem:
    remedy = (
        f"Take it out by a deployment of its own first (targets without {account} and without what contains it), then put it in."
    )
    return Problem(_OPTION, f"{account} is {how}: its roles are there already, and the stack would be rolled back.", remedy)


def _ancestors(principal: Principal, target: str) -> list[str]:
    """The OUs above a target and the root, nearest first."""
    organizations = principal.client("organizations")
    found: list[str] = []
    with asking(organizations, principal.account):
        _describe(organizations, target)
        child = target
        while not child.startswith("r-"):
            child = organizations.list_parents(ChildId=child)["Parents"][0]["Id"]
            found.append(child)
    return found


def _describe(organizations: Any, target: str) -> None:
    if OU.match(target):
        organizations.describe_organizational_unit(OrganizationalUnitId=target)
    else:
        organizations.describe_account(AccountId=target)


def _root(principal: Principal) -> str:
    organizations = principal.client("organizations")
    with asking(organizations, principal.account):
        pages = organizations.get_paginator("list_roots").paginate()
        return str(next(root["Id"] for page in pages for root in page["Roots"]))
