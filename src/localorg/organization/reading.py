"""The operations of Organizations that only read, page by page.

Flow: Request -> who may read (`callers`) -> rows of `tree` -> a page of at most 20.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page
from localorg.organization.callers import require_management, require_member, require_reader
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

PAGE = 20
"""AWS: Organizations quotas, at most 20 results a page."""

R = TypeVar("R")


class Reading:
    """Answers questions about the organization."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def describe_organization(self, request: Request) -> Output:
        """DescribeOrganization, for any member."""
        require_member(self._tree, request)
        found = self._tree.organization()
        master = self._tree.account(found.management_account)
        return {
            "Organization": {
                "Id": found.organization_id,
                "Arn": self._tree.arn("organization"),
                "FeatureSet": "ALL",
                "MasterAccountId": master.account_id,
                "MasterAccountArn": self._tree.arn("account", master.account_id),
                "MasterAccountEmail": master.email,
                "AvailablePolicyTypes": [],
            }
        }

    def list_roots(self, request: Request) -> Output:
        """ListRoots: there is always one."""
        require_reader(self._tree, request)
        root = self._tree.organization().root_id
        return {"Roots": [{"Id": root, "Arn": self._tree.arn("root", root), "Name": "Root", "PolicyTypes": []}]}

    def list_accounts(self, request: Request) -> Output:
        """ListAccounts, in every state."""
        require_reader(self._tree, request)
        return _paged(request, self._tree.accounts.values(), lambda a: a.account_id, "Accounts", self._tree.account_shape)

    def describe_account(self, request: Request) -> Output:
        """DescribeAccount."""
        require_reader(self._tree, request)
        return {"Account": self._tree.account_shape(self._tree.account(request.params["AccountId"]))}

    def list_accounts_for_parent(self, request: Request) -> Output:
        """ListAccountsForParent: direct children only."""
        rows = self._tree.accounts_of(self._parent(request))
        return _paged(request, rows, lambda a: a.account_id, "Accounts", self._tree.account_shape)

    def list_units_for_parent(self, request: Request) -> Output:
        """ListOrganizationalUnitsForParent: direct children only."""
        rows = self._tree.units_of(self._parent(request))
        return _paged(request, rows, lambda u: u.unit_id, "OrganizationalUnits", self._tree.unit_shape)

    def list_children(self, request: Request) -> Output:
        """ListChildren: ids of direct children of one kind."""
        parent, kind = self._parent(request), request.params["ChildType"]
        if kind == "ACCOUNT":
            rows = [account.account_id for account in self._tree.accounts_of(parent)]
        else:
            rows = [unit.unit_id for unit in self._tree.units_of(parent)]
        return _paged(request, rows, str, "Children", lambda child: {"Id": child, "Type": kind})

    def list_parents(self, request: Request) -> Output:
        """ListParents: there is always exactly one."""
        require_reader(self._tree, request)
        parent = self._tree.parent_of(request.params["ChildId"])
        is_root = parent == self._tree.organization().root_id
        return {"Parents": [{"Id": parent, "Type": "ROOT" if is_root else "ORGANIZATIONAL_UNIT"}]}

    def describe_unit(self, request: Request) -> Output:
        """DescribeOrganizationalUnit."""
        require_reader(self._tree, request)
        return {"OrganizationalUnit": self._tree.unit_shape(self._tree.unit(request.params["OrganizationalUnitId"]))}

    def list_delegated_administrators(self, request: Request) -> Output:
        """ListDelegatedAdministrators, of one service or of any."""
        require_reader(self._tree, request)
        wanted = request.params.get("ServicePrincipal")
        first: dict[str, float] = {}
        for row in self._tree.delegations.values():
            if wanted in (None, row.service):
                first[row.account_id] = min(first.get(row.account_id, row.enabled), row.enabled)

        def shape(account_id: str) -> Output:
            head = self._tree.account_head(self._tree.account(account_id))
            return {**head, "DelegationEnabledDate": first[account_id]}

        return _paged(request, list(first), str, "DelegatedAdministrators", shape)

    def list_delegated_services(self, request: Request) -> Output:
        """ListDelegatedServicesForAccount."""
        require_reader(self._tree, request)
        account = self._tree.account(request.params["AccountId"]).account_id
        rows = self._tree.delegations.values(account)
        if not rows:
            raise AwsError(
                "AccountNotRegisteredException", f"The account {account} is not a delegated administrator of any service."
            )
        return _paged(
            request,
            rows,
            lambda row: row.service,
            "DelegatedServices",
            lambda row: {"ServicePrincipal": row.service, "DelegationEnabledDate": row.enabled},
        )

    def list_service_access(self, request: Request) -> Output:
        """ListAWSServiceAccessForOrganization."""
        require_reader(self._tree, request)
        return _paged(
            request,
            self._tree.services.values(),
            lambda row: row.service,
            "EnabledServicePrincipals",
            lambda row: {"ServicePrincipal": row.service, "DateEnabled": row.enabled},
        )

    def describe_creation(self, request: Request) -> Output:
        """DescribeCreateAccountStatus."""
        require_management(self._tree, request)
        found = self._tree.creations.get(request.params["CreateAccountRequestId"])
        if found is None:
            raise AwsError(
                "CreateAccountStatusNotFoundException",
                "We can't find a create account request with the CreateAccountRequestId that you specified.",
            )
        shape: Output = {
            "Id": found.request_id,
            "AccountName": found.account_name,
            "State": found.state,
            "RequestedTimestamp": found.requested,
        }
        optional = {"CompletedTimestamp": found.completed, "AccountId": found.account_id, "FailureReason": found.failure}
        return {"CreateAccountStatus": {**shape, **{key: value for key, value in optional.items() if value}}}

    def list_tags(self, request: Request) -> Output:
        """ListTagsForResource, of an account or a unit (the root has none here)."""
        require_reader(self._tree, request)
        node = request.params["ResourceId"]
        found = self._tree.units.get(node) or self._tree.accounts.get(node)
        if found is None and node != self._tree.organization().root_id:
            raise AwsError("TargetNotFoundException", f"You specified a target that doesn't exist: {node}.")
        return {"Tags": [{"Key": key, "Value": value} for key, value in (found.tags if found else {}).items()]}

    def _parent(self, request: Request) -> str:
        require_reader(self._tree, request)
        parent: str = request.params["ParentId"]
        self._tree.require_parent(parent)
        return parent


def _paged(request: Request, rows: Sequence[R], key: Callable[[R], str], member: str, shape: Callable[[R], Any]) -> Output:
    limit = min(request.params.get("MaxResults", PAGE), PAGE)
    refusal = AwsError(
        "InvalidInputException",
        "You provided an invalid NextToken: pass the token of the page before, unchanged.",
        Reason="INVALID_NEXT_TOKEN",
    )
    chosen, token = page(rows, key, limit, request.params.get("NextToken"), refusal)
    return {member: [shape(row) for row in chosen], **({"NextToken": token} if token else {})}
