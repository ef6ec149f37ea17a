"""The organization engine: the operations of AWS Organizations, the seed, and what identity and StackSets may ask.

Flow: seed(OrganizationSeed) on every start -> operations (`reading`, `changing`) -> "organization.changed" for other engines.
Rules: one organization per server; existing rows win over the seed. Other engines that need more than the few facts below call
the API under a principal, as AWS services do. Refuses to know: policies (SCPs), handshakes, billing.
"""

from collections.abc import Callable, Sequence

from localorg.kernel.events import Kernel
from localorg.organization.changing import ENGINE, Changing
from localorg.organization.control import Control
from localorg.organization.reading import Reading
from localorg.organization.records import ACTIVE, ControlPolicy, OrganizationSeed
from localorg.organization.seeding import plant
from localorg.organization.tree import Tree
from localorg.protocol.calls import Access, AccessRule, Operation, Request
from localorg.protocol.gateway import Gateway


class Organization:
    """AWS Organizations for the one organization of this server."""

    def __init__(self, kernel: Kernel, gateway: Gateway) -> None:
        del gateway  # Organizations calls nobody; the others call it.
        self._kernel = kernel
        self._tree = Tree(kernel.store, kernel.settings.partition)
        self._reading = Reading(self._tree)
        self._control = Control(self._tree)
        self._changing = Changing(kernel, self._tree, self._control)
        kernel.on(ENGINE, self._changing.handle)

    def seed(self, organization: OrganizationSeed) -> None:
        """Make what is missing. Raises ValueError with all problems of the seed."""
        for account in plant(self._tree, organization, self._kernel.now()):
            fact = {"kind": "account-created", "account": account, "parent": self._tree.account(account).parent}
            self._kernel.publish("organization.changed", fact)

    def set_account_state(self, account: str, state: str) -> None:
        """Put an account into a state, as AWS itself would (SUSPENDED ...). Raises AwsError, ValueError."""
        self._changing.set_state(account, state)

    def accounts(self) -> list[str]:
        """Return the ids of all accounts of the organization, in every state."""
        return [account.account_id for account in self._tree.accounts.values()]

    def organization_of(self, account: str) -> str | None:
        """Return the organization id of an account, or None when it is in none."""
        known = self._tree.known()
        return known.organization_id if known and self._tree.accounts.get(account) else None

    def is_open(self, account: str) -> bool:
        """Say whether an account may be worked in: ACTIVE, or none of this organization's."""
        found = self._tree.accounts.get(account)
        return found is None or found.state == ACTIVE

    def organization_path_of(self, account: str) -> str | None:
        """Return o-.../r-.../ou-.../ (aws:PrincipalOrgPaths), or None when the account is in no organization."""
        found = self._tree.accounts.get(account)
        return self._tree.path(account).removesuffix(f"{account}/") if found else None

    def management_of(self, account: str) -> str | None:
        """Return the management account of the organization that `account` is in, or None."""
        known = self._tree.known()
        return known.management_account if known and self._tree.accounts.get(account) else None

    def is_management(self, account: str) -> bool:
        """Say whether `account` is the management account."""
        return self.management_of(account) == account

    def is_delegated_administrator(self, account: str, service: str) -> bool:
        """Say whether `account` is a delegated administrator of `service`."""
        return (account, service) in self._tree.delegations

    def control_policies(self, account: str) -> tuple[tuple[ControlPolicy, ...], ...]:
        """Return the service control policies that govern an account, from the root's level down to its own.

        Nothing governs the management account, an account outside, and anybody while the type is not enabled: no levels.
        """
        return self._control.levels(account)

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        reading, changing, node = self._reading, self._changing, self._on
        rows: list[tuple[str, Callable[[Request], dict[str, object]], AccessRule | None]] = [
            ("DescribeOrganization", reading.describe_organization, None),
            ("ListRoots", reading.list_roots, None),
            ("ListAccounts", reading.list_accounts, None),
            ("DescribeAccount", reading.describe_account, node("AccountId")),
            ("ListAccountsForParent", reading.list_accounts_for_parent, node("ParentId")),
            ("ListOrganizationalUnitsForParent", reading.list_units_for_parent, node("ParentId")),
            ("ListChildren", reading.list_children, node("ParentId")),
            ("ListParents", reading.list_parents, node("ChildId")),
            ("DescribeOrganizationalUnit", reading.describe_unit, node("OrganizationalUnitId")),
            ("ListDelegatedAdministrators", reading.list_delegated_administrators, None),
            ("ListDelegatedServicesForAccount", reading.list_delegated_services, node("AccountId")),
            ("ListAWSServiceAccessForOrganization", reading.list_service_access, None),
            ("DescribeCreateAccountStatus", reading.describe_creation, None),
            ("ListTagsForResource", reading.list_tags, node("ResourceId")),
            ("RegisterDelegatedAdministrator", changing.register_delegate, node("AccountId")),
            ("DeregisterDelegatedAdministrator", changing.deregister_delegate, node("AccountId")),
            ("EnableAWSServiceAccess", changing.enable_service, None),
            ("DisableAWSServiceAccess", changing.disable_service, None),
            ("CreateOrganizationalUnit", changing.create_unit, node("ParentId")),
            ("UpdateOrganizationalUnit", changing.rename_unit, node("OrganizationalUnitId")),
            ("DeleteOrganizationalUnit", changing.delete_unit, node("OrganizationalUnitId")),
            ("CreateAccount", changing.create_account, None),
            ("MoveAccount", changing.move_account, node("AccountId", "SourceParentId", "DestinationParentId")),
            ("CloseAccount", changing.close_account, node("AccountId")),
            ("RemoveAccountFromOrganization", changing.remove_account, node("AccountId")),
        ]
        return [Operation("organizations", name, handler, access) for name, handler, access in rows]

    def _on(self, *members: str) -> AccessRule:
        """Return the rule of an operation whose resources are named by these members."""

        def access(request: Request) -> Sequence[Access]:
            if self._tree.known() is None:
                return [Access(f"organizations:{request.operation}")]
            # AWS: Service Authorization Reference, AWS Organizations: resource types account, organizationalunit, root.
            return [Access(f"organizations:{request.operation}", self._tree.node_arn(request.params[name])) for name in members]

        return access
