"""Accounts of the organization: they move, are closed, leave, come in, and change their state.

Flow: an operation, or the operator's hand -> the account's row -> a published fact. A closed account goes 90 days later.
Rules: the management account neither leaves nor closes; a delegated administrator does not leave; an account that left still exists.
"""

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.organization.control import Control
from localorg.organization.creating import ENGINE
from localorg.organization.publishing import publish
from localorg.organization.records import (
    ACTIVE,
    CLOSED,
    PENDING_CLOSURE,
    STATES,
    AccountRecord,
    ClosureRecord,
    OutsiderRecord,
)
from localorg.organization.refusals import constraint, not_found
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

DAY_S = 86_400.0
CLOSURE_S = 5.0
"""How long an account is PENDING_CLOSURE. # ASSUMED: AWS takes a few minutes; a short time shows the state as well."""
GONE_S = 90 * DAY_S
"""AWS: Organizations user guide, "Closing a member account": after 90 days the account is closed for good and leaves the list."""
WAIT_S = 4 * DAY_S
"""AWS: Organizations API reference, WAIT_PERIOD_ACTIVE: a created account stays at least four days."""
CLOSING_MAX = 3
"""AWS: Organizations quotas, accounts that can be closed concurrently."""
MONTH_S = 30 * DAY_S


class Membership:
    """Changes which accounts there are, where and how.

    DEVIATES: a created account may leave after four days; AWS also wants its contact details, a support plan and a payment method.
    """

    def __init__(self, kernel: Kernel, tree: Tree, control: Control) -> None:
        self._kernel = kernel
        self._tree = tree
        self._control = control

    def set_state(self, account_id: str, state: str) -> None:
        """Put an account into `state` (AWS itself suspends; there is no API for it). Raises AwsError, ValueError."""
        if state not in STATES:
            raise ValueError(f"account state {state!r}: expected one of {', '.join(STATES)}")
        outsider = self._tree.outsiders.get(account_id)
        if outsider:
            outsider.state = state
            self._tree.outsiders.put(outsider, account_id)
            return
        account = self._tree.account(account_id)
        account.state = state
        account.closed = self._kernel.now() if state == CLOSED else None
        self._tree.accounts.put(account, account_id)
        if state == CLOSED:
            self._kernel.after(GONE_S, Event(ENGINE, "clean", {"account": account_id, "closed": account.closed}))
        publish(self._kernel, "account-state", account=account_id, state=state)

    def move(self, request: Request) -> Output:
        """MoveAccount between two parents."""
        account = self._tree.account(request.params["AccountId"])
        source, destination = request.params["SourceParentId"], request.params["DestinationParentId"]
        if account.parent != source:
            raise not_found("SourceParentNotFound", "source parent")
        if not self._tree.is_parent(destination):
            raise not_found("DestinationParentNotFound", "destination parent")
        if source == destination:
            raise AwsError("DuplicateAccountException", "That account is already present in the specified destination.")
        account.parent = destination
        self._tree.accounts.put(account, account.account_id)
        publish(self._kernel, "account-moved", account=account.account_id, parent=destination, source=source)
        return {}

    def close(self, request: Request) -> Output:
        """CloseAccount: PENDING_CLOSURE now, CLOSED later."""
        account = self._tree.account(request.params["AccountId"])
        if self._is_management(account.account_id):
            raise constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You attempted to close the management account.")
        if account.state == CLOSED:
            raise AwsError("AccountAlreadyClosedException", "The provided account is already closed.")
        if account.state == PENDING_CLOSURE:
            raise AwsError("ConflictException", "The request failed because the account is already being closed.", status=409)
        self._require_closure_quota(request.now)
        self._tree.closures.put(ClosureRecord(account.account_id, request.now), account.account_id, str(request.now))
        self.set_state(account.account_id, PENDING_CLOSURE)
        self._kernel.after(CLOSURE_S, Event(ENGINE, "close", {"account": account.account_id}))
        return {}

    def _require_closure_quota(self, now: float) -> None:
        closing = [account for account in self._tree.accounts.values() if account.state == PENDING_CLOSURE]
        if len(closing) >= CLOSING_MAX:
            raise constraint(
                "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", "You have exceeded the number of accounts that you can close at a time."
            )
        # AWS: Organizations API reference, CloseAccount: in 30 days the higher of 250 and 20 % of the members, 1,000 at most.
        allowed = min(max(250, (len(self._tree.accounts) - 1) * 20 // 100), 1000)
        if sum(one.asked > now - MONTH_S for one in self._tree.closures.values()) >= allowed:
            raise constraint("CLOSE_ACCOUNT_QUOTA_EXCEEDED", "You have exceeded close account quota for the past 30 days.")

    def finish_closing(self, account_id: str) -> None:
        """Let an account that is being closed be closed, unless it left or was opened again meanwhile."""
        account = self._tree.accounts.get(account_id)
        if account and account.state == PENDING_CLOSURE:
            self.set_state(account_id, CLOSED)

    def clean(self, account_id: str, closed: float) -> None:
        """Let an account that was closed at `closed` be gone, unless it was opened again since."""
        account = self._tree.accounts.get(account_id)
        if account and account.closed == closed:
            self._depart(account)

    def remove(self, request: Request) -> Output:
        """RemoveAccountFromOrganization, by the management account."""
        self._leave(request.params["AccountId"], request.now)
        return {}

    def leave(self, request: Request) -> Output:
        """LeaveOrganization, by the account itself."""
        self._leave(request.account, request.now)
        return {}

    def join(self, account_id: str, parent: str, tags: dict[str, str] | None = None) -> None:
        """Let an account from outside in, as one that accepted an invitation. Raises AwsError."""
        outsider = self._tree.outsiders.get(account_id)
        if outsider is None and self._tree.is_account_known(account_id):
            raise AwsError("DuplicateAccountException", f"The account {account_id} is in the organization already.")
        if outsider is None:
            raise not_found("AccountNotFound", "account")
        self._tree.require_parent(parent)
        now = self._kernel.now()
        joined = AccountRecord(account_id, outsider.name, outsider.email, outsider.state, parent, now, "INVITED", tags or {})
        self._tree.outsiders.delete(account_id)
        self._tree.accounts.put(joined, account_id)
        self._control.welcome(account_id)
        publish(self._kernel, "account-joined", account=account_id, parent=parent)

    def add_outsider(self, account_id: str, name: str, email: str) -> None:
        """Let an account exist outside the organization. Raises ValueError when its id or email is taken."""
        if self._tree.is_account_known(account_id) or self._tree.is_email_taken(email):
            raise ValueError(f"account {account_id} or the email {email} exists already")
        self._tree.outsiders.put(OutsiderRecord(account_id, name, email, ACTIVE), account_id)

    def _leave(self, account_id: str, now: float) -> None:
        account = self._tree.account(account_id)
        if self._is_management(account_id):
            raise AwsError(
                "MasterCannotLeaveOrganizationException", "You can't remove a management account from an organization."
            )
        if self._tree.delegations.values(account_id):
            raise constraint(
                "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
                "You attempted to remove an account that is a delegated administrator. Deregister it for all services first.",
            )
        if account.created is not None and now < account.created + WAIT_S:
            raise constraint(
                "WAIT_PERIOD_ACTIVE", "You must wait until at least four days after the account was created before you remove it."
            )
        self._depart(account)

    def _depart(self, account: AccountRecord) -> None:
        """Take an account out; its tags, policies and delegations stay behind, it goes on as it is."""
        account_id = account.account_id
        self._tree.accounts.delete(account_id)
        self._control.forget(account_id)
        for row in self._tree.delegations.values(account_id):
            self._tree.delegations.delete(account_id, row.service)
        self._tree.outsiders.put(OutsiderRecord(account_id, account.name, account.email, account.state), account_id)
        publish(self._kernel, "account-removed", account=account_id, source=account.parent)

    def _is_management(self, account_id: str) -> bool:
        return account_id == self._tree.organization().management_account
