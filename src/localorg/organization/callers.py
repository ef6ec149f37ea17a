"""Who may call what: Organizations' own rule, after the identity policies, which the gateway has checked already.

Flow: the operation's `Callers` -> the caller's account -> let in, or refused in AWS's words.
Rules: the management account may everything; a delegated administrator of any service may read; a member that the resource policy of
the organization speaks of may what it says; any other member only what any member may.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.organization.refusals import NOT_IN_USE
from localorg.organization.tree import Tree
from localorg.protocol.calls import Access, Request

DENIED = "You don't have permissions to access this resource."


class Callers(Enum):
    """Who may call an operation. AWS: Organizations API reference, the last sentence of each operation."""

    ANYONE = "any account, also one outside"
    MEMBER = "any account in the organization"
    READER = "the management account or a delegated administrator, of a service or by the resource policy"
    DELEGATE = "the management account or a delegated administrator by the resource policy"
    MANAGEMENT = "the management account"


class Door:
    """Lets callers in."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def admit(self, callers: Callers, request: Request, accesses: Sequence[Access]) -> None:
        """Return when the caller's account may do this. Raises AWSOrganizationsNotInUseException, AccessDenied."""
        if callers is Callers.ANYONE:
            return
        organization = self._tree.organization()
        if self._tree.accounts.get(request.account) is None:
            raise AwsError("AWSOrganizationsNotInUseException", NOT_IN_USE)
        if callers is Callers.MEMBER or request.account == organization.management_account:
            return
        # AWS: Organizations user guide, "Delegated administrator for AWS services": it may call every read-only operation.
        if callers is Callers.READER and self._tree.delegations.values(request.account):
            return
        if callers is Callers.MANAGEMENT or not self._is_let_in(request, accesses):
            raise AccessDenied(DENIED)

    def _is_let_in(self, request: Request, accesses: Sequence[Access]) -> bool:
        policy = next(iter(self._tree.resource_policies.values()), None)
        if policy is None:
            return False
        owner, document = self._tree.organization().management_account, json.loads(policy.content)
        try:
            for access in accesses:
                request.check(replace(access, owner=owner, resource_policy=document))
        except AccessDenied:
            return False
        return True
