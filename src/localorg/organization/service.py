"""The organization engine: the operations of AWS Organizations, the seed, and what identity and StackSets may ask.

Flow: seed(OrganizationSeed) on every start -> operations -> "organization.changed" for other engines.
Rules: one organization per server; existing rows win over the seed. Other engines that need more than the few facts below call
the API under a principal, as AWS services do. Refuses to know: what a policy means, billing.
"""

from collections.abc import Callable, Mapping

from localorg.kernel.events import Event, Kernel
from localorg.organization.access import Rules
from localorg.organization.callers import Door
from localorg.organization.control import Control
from localorg.organization.creating import ENGINE, Creating
from localorg.organization.delegating import Delegating
from localorg.organization.handshakes import Handshakes
from localorg.organization.membership import Membership
from localorg.organization.operations import Operations
from localorg.organization.policies import Policies
from localorg.organization.publishing import publish
from localorg.organization.reading import Reading
from localorg.organization.records import ACTIVE, SERVICE_CONTROL_POLICY, ControlPolicy, OrganizationSeed
from localorg.organization.resource_policy import ResourcePolicies
from localorg.organization.seeding import plant
from localorg.organization.tagging import TagKeeping
from localorg.organization.tree import Tree
from localorg.organization.units import Units
from localorg.organization.whole import Whole
from localorg.protocol.calls import Operation
from localorg.protocol.gateway import Gateway

DocumentCheck = Callable[[str, str], None]
"""(document, policy type or "resource"): raises AwsError for what AWS would refuse, NotSupported for what nobody here can judge."""


class Organization:
    """AWS Organizations for the one organization of this server. `check` reads policy documents as whoever obeys them does."""

    def __init__(self, kernel: Kernel, gateway: Gateway, check: DocumentCheck = lambda _document, _kind: None) -> None:
        del gateway  # Organizations calls nobody; the others call it.
        self._kernel = kernel
        tree = self._tree = Tree(kernel.store, kernel.settings.partition)
        control = self._control = Control(tree)
        self._creating = Creating(kernel, tree, control)
        self._membership = Membership(kernel, tree, control)
        self._tags = TagKeeping(tree)
        self._operations = Operations(
            whole=Whole(tree),
            reading=Reading(tree),
            units=Units(kernel, tree, control),
            creating=self._creating,
            membership=self._membership,
            handshakes=Handshakes(kernel, tree, self._membership),
            delegating=Delegating(tree),
            policies=Policies(kernel, tree, control, check),
            resource_policies=ResourcePolicies(kernel, tree, lambda document: check(document, "resource")),
            tags=self._tags,
            rules=Rules(tree, control),
            door=Door(tree),
        )
        kernel.on(ENGINE, self._handle)

    def _handle(self, event: Event) -> None:
        """Finish what takes time."""
        match event.name:
            case "create":
                self._creating.finish(event.data["request_id"])
            case "close":
                self._membership.finish_closing(event.data["account"])
            case "clean":
                self._membership.clean(event.data["account"], event.data["closed"])

    def seed(self, organization: OrganizationSeed) -> None:
        """Make what is missing. Raises ValueError with all problems of the seed."""
        for account in plant(self._tree, organization, self._kernel.now()):
            publish(self._kernel, "account-created", account=account, parent=self._tree.account(account).parent)

    def set_account_state(self, account: str, state: str) -> None:
        """Put an account into a state, as AWS itself would (SUSPENDED ...). Raises AwsError, ValueError."""
        self._membership.set_state(account, state)

    def add_outsider(self, account: str, name: str, email: str) -> None:
        """Let an account exist outside the organization. Raises ValueError when its id or email is taken."""
        self._membership.add_outsider(account, name, email)

    def join(self, account: str, parent: str = "") -> None:
        """Let an account from outside in without an invitation, under the root or a unit. Raises AwsError."""
        self._membership.join(account, parent or self._tree.organization().root_id)

    def roll(self) -> list[dict[str, str]]:
        """Return id, name, state, how it joined and path of every account; those outside have joined nothing."""
        inside = [
            {
                "id": one.account_id,
                "name": one.name,
                "state": one.state,
                "joined": one.joined_method,
                "path": self._tree.path(one.account_id),
            }
            for one in self._tree.accounts.values()
        ]
        outside = [
            {"id": one.account_id, "name": one.name, "state": one.state, "joined": "-", "path": "-"}
            for one in self._tree.outsiders.values()
        ]
        return inside + outside

    def outsiders(self) -> list[str]:
        """Return the ids of the accounts that are known and in no organization."""
        return [account.account_id for account in self._tree.outsiders.values()]

    def accounts(self) -> list[str]:
        """Return the ids of all accounts of the organization, in every state."""
        return [account.account_id for account in self._tree.accounts.values()]

    def organization_of(self, account: str) -> str | None:
        """Return the organization id of an account, or None when it is in none."""
        known = self._tree.known()
        return known.organization_id if known and self._tree.accounts.get(account) else None

    def is_open(self, account: str) -> bool:
        """Say whether an account may be worked in: ACTIVE, in the organization or outside, or not known here at all."""
        found = self._tree.accounts.get(account) or self._tree.outsiders.get(account)
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

    def control_policies(self, account: str, kind: str = SERVICE_CONTROL_POLICY) -> tuple[tuple[ControlPolicy, ...], ...]:
        """Return the control policies that govern an account, from the root's level down to its own.

        Nothing governs the management account, an account outside, and anybody while the type is not enabled: no levels.
        """
        return self._control.levels(account, kind)

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of the root, unit, account or policy with this ARN, for policies that ask about them."""
        return self._tags.of(arn.rsplit("/", 1)[-1])

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return self._operations.all()
