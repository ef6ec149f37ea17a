"""The organization as a tree of rows: lookups by id, children, paths, ARNs and the answers' shapes.

Flow: `reading` and `changing` ask here; nothing here changes a row.
Rules: an id that is not in the organization is refused with the error that AWS has for its kind.
"""

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store
from localorg.organization.records import (
    ACTIVE,
    PENDING_ACTIVATION,
    PENDING_CLOSURE,
    AccountRecord,
    AttachmentRecord,
    ClosureRecord,
    CreationRecord,
    DelegationRecord,
    HandshakeRecord,
    OrganizationRecord,
    OutsiderRecord,
    PolicyRecord,
    ResourcePolicyRecord,
    ServiceAccessRecord,
    UnitRecord,
)
from localorg.organization.refusals import NOT_IN_USE, not_found
from localorg.protocol.calls import Output


class Tree:
    """The tables of the engine and the questions that they answer."""

    def __init__(self, store: Store, partition: str) -> None:
        self.organizations = store.table("organization.organization", OrganizationRecord)
        self.units = store.table("organization.unit", UnitRecord)
        self.accounts = store.table("organization.account", AccountRecord)
        self.delegations = store.table("organization.delegation", DelegationRecord)
        self.services = store.table("organization.service", ServiceAccessRecord)
        self.creations = store.table("organization.creation", CreationRecord)
        self.policies = store.table("organization.policy", PolicyRecord)
        self.resource_policies = store.table("organization.resource-policy", ResourcePolicyRecord)
        self.outsiders = store.table("organization.outsider", OutsiderRecord)
        self.handshakes = store.table("organization.handshake", HandshakeRecord)
        self.closures = store.table("organization.closure", ClosureRecord)
        self.attachments = store.table("organization.attachment", AttachmentRecord)
        self.partition = partition

    def known(self) -> OrganizationRecord | None:
        """Return the organization, or None before it was seeded."""
        return next(iter(self.organizations.values()), None)

    def organization(self) -> OrganizationRecord:
        """Return the organization. Raises AWSOrganizationsNotInUseException before it was seeded."""
        found = self.known()
        if found is None:
            raise AwsError("AWSOrganizationsNotInUseException", NOT_IN_USE)
        return found

    def arn(self, kind: str, resource_id: str = "") -> str:
        """Return the ARN of an account, ou, root, or (without `resource_id`) of the organization."""
        # AWS: Service Authorization Reference, AWS Organizations, resource types.
        organization = self.organization()
        tail = f"{organization.organization_id}/{resource_id}" if resource_id else organization.organization_id
        return f"arn:{self.partition}:organizations::{organization.management_account}:{kind}/{tail}"

    def node_arn(self, node: str) -> str:
        """Return the ARN of the root, unit or account with this id, whether or not it exists."""
        if node.startswith("r-"):
            return self.arn("root", node)
        return self.arn("ou" if node.startswith("ou-") else "account", node)

    def account(self, account_id: str) -> AccountRecord:
        """Return the account. Raises AccountNotFoundException."""
        found = self.accounts.get(account_id)
        if found is None:
            raise not_found("AccountNotFound", "account")
        return found

    def unit(self, unit_id: str) -> UnitRecord:
        """Return the unit. Raises OrganizationalUnitNotFoundException."""
        found = self.units.get(unit_id)
        if found is None:
            raise not_found("OrganizationalUnitNotFound", "organizational unit")
        return found

    def is_email_taken(self, email: str) -> bool:
        """Say whether an account, in the organization or outside, has this email address."""
        inside, outside = (one.email for one in self.accounts.values()), (one.email for one in self.outsiders.values())
        return email.lower() in {known.lower() for known in (*inside, *outside)}

    def is_account_known(self, account_id: str) -> bool:
        """Say whether there is such an account, in the organization or outside."""
        return self.accounts.get(account_id) is not None or self.outsiders.get(account_id) is not None

    def is_parent(self, node: str) -> bool:
        """Say whether `node` is the root or a unit of the organization."""
        return node == self.organization().root_id or self.units.get(node) is not None

    def name_of(self, node: str) -> tuple[str, str]:
        """Return the kind (ROOT, ORGANIZATIONAL_UNIT, ACCOUNT) and name of a target of policies. Raises TargetNotFoundException."""
        if node == self.organization().root_id:
            return "ROOT", "Root"
        if unit := self.units.get(node):
            return "ORGANIZATIONAL_UNIT", unit.name
        if account := self.accounts.get(node):
            return "ACCOUNT", account.name
        raise not_found("TargetNotFound", "target")

    def require_parent(self, node: str) -> None:
        """Raise ParentNotFoundException unless `node` is the root or a unit."""
        if not self.is_parent(node):
            raise not_found("ParentNotFound", "parent")

    def parent_of(self, child: str) -> str:
        """Return the parent of an account or unit. Raises ChildNotFoundException."""
        found = self.units.get(child) or self.accounts.get(child)
        if found is None:
            raise not_found("ChildNotFound", "child")
        return found.parent

    def units_of(self, parent: str) -> list[UnitRecord]:
        """Return the units right below `parent`."""
        return [unit for unit in self.units.values() if unit.parent == parent]

    def accounts_of(self, parent: str) -> list[AccountRecord]:
        """Return the accounts right below `parent`."""
        return [account for account in self.accounts.values() if account.parent == parent]

    def levels(self, node: str) -> list[str]:
        """Return the ids from the root down to `node`, which may be the root itself."""
        steps, root = [node], self.organization().root_id
        while steps[-1] != root:
            steps.append(self.parent_of(steps[-1]))
        return steps[::-1]

    def path(self, node: str) -> str:
        """Return o-.../r-.../ou-.../ID/ of a unit or an account. AWS: IAM user guide, aws:PrincipalOrgPaths."""
        return "/".join([self.organization().organization_id, *self.levels(node)]) + "/"

    def root_shape(self) -> Output:
        """Return the root in the shape of the model."""
        known = self.organization()
        kinds = [{"Type": kind, "Status": "ENABLED"} for kind in known.policy_types]
        return {"Id": known.root_id, "Arn": self.arn("root", known.root_id), "Name": "Root", "PolicyTypes": kinds}

    def account_shape(self, account: AccountRecord) -> Output:
        """Return an account in the shape of the model, with both Status and State."""
        return {**self.account_head(account), "Paths": [self.path(account.account_id)]}

    def account_head(self, account: AccountRecord) -> Output:
        """Return what an account and a delegated administrator have in common in the model."""
        return {
            "Id": account.account_id,
            "Arn": self.arn("account", account.account_id),
            "Email": account.email,
            "Name": account.name,
            "Status": _status(account.state),
            "State": account.state,
            "JoinedMethod": account.joined_method,
            "JoinedTimestamp": account.joined,
        }

    def unit_shape(self, unit: UnitRecord) -> Output:
        """Return a unit in the shape of the model."""
        return {"Id": unit.unit_id, "Arn": self.arn("ou", unit.unit_id), "Name": unit.name, "Path": self.path(unit.unit_id)}


def _status(state: str) -> str:
    # AWS: Organizations API reference, Account: Status knows fewer words than State.
    # ASSUMED: an account that is not activated yet is shown as ACTIVE, a closed one as SUSPENDED.
    if state in (ACTIVE, PENDING_ACTIVATION):
        return "ACTIVE"
    return "PENDING_CLOSURE" if state == PENDING_CLOSURE else "SUSPENDED"
