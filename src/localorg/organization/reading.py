"""The operations that tell what is in the tree, page by page: the root, units and accounts."""

from localorg.organization.pages import paged
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request


class Reading:
    """Answers questions about the tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def list_roots(self, request: Request) -> Output:
        """ListRoots: there is always one."""
        return paged(request, [self._tree.root_shape()], lambda root: str(root["Id"]), "Roots", dict)

    def list_accounts(self, request: Request) -> Output:
        """ListAccounts, in every state."""
        return paged(request, self._tree.accounts.values(), lambda a: a.account_id, "Accounts", self._tree.account_shape)

    def describe_account(self, request: Request) -> Output:
        """DescribeAccount."""
        return {"Account": self._tree.account_shape(self._tree.account(request.params["AccountId"]))}

    def list_accounts_for_parent(self, request: Request) -> Output:
        """ListAccountsForParent: direct children only."""
        rows = self._tree.accounts_of(self._parent(request))
        return paged(request, rows, lambda a: a.account_id, "Accounts", self._tree.account_shape)

    def list_units_for_parent(self, request: Request) -> Output:
        """ListOrganizationalUnitsForParent: direct children only."""
        rows = self._tree.units_of(self._parent(request))
        return paged(request, rows, lambda u: u.unit_id, "OrganizationalUnits", self._tree.unit_shape)

    def list_children(self, request: Request) -> Output:
        """ListChildren: ids of direct children of one kind."""
        parent, kind = self._parent(request), request.params["ChildType"]
        if kind == "ACCOUNT":
            rows = [account.account_id for account in self._tree.accounts_of(parent)]
        else:
            rows = [unit.unit_id for unit in self._tree.units_of(parent)]
        return paged(request, rows, str, "Children", lambda child: {"Id": child, "Type": kind})

    def list_parents(self, request: Request) -> Output:
        """ListParents: there is always exactly one."""
        parent = self._tree.parent_of(request.params["ChildId"])
        is_root = parent == self._tree.organization().root_id
        kind = "ROOT" if is_root else "ORGANIZATIONAL_UNIT"
        return paged(request, [parent], str, "Parents", lambda one: {"Id": one, "Type": kind})

    def describe_unit(self, request: Request) -> Output:
        """DescribeOrganizationalUnit."""
        return {"OrganizationalUnit": self._tree.unit_shape(self._tree.unit(request.params["OrganizationalUnitId"]))}

    def _parent(self, request: Request) -> str:
        parent: str = request.params["ParentId"]
        self._tree.require_parent(parent)
        return parent
