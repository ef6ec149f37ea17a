"""The operations of Organizations that change it. Every change is published as "organization.changed".

Flow: Request -> management account only -> row -> published fact. CreateAccount and CloseAccount finish later, by an event.
Rules: units nest at most 5 deep; a unit with children stays; the management account neither leaves nor closes.
"""

from localorg.kernel import ids
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.organization.callers import require_management
from localorg.organization.control import Control
from localorg.organization.records import (
    ACTIVE,
    CLOSED,
    PENDING_CLOSURE,
    STATES,
    AccountRecord,
    CreationRecord,
    DelegationRecord,
    ServiceAccessRecord,
    UnitRecord,
)
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

ENGINE = "organization"
CREATION_S = 2.0
"""How long an account takes to be made. # ASSUMED: AWS takes minutes; a short time shows IN_PROGRESS as well."""
CLOSURE_S = 60.0
"""How long an account is PENDING_CLOSURE. # ASSUMED: AWS says "a few minutes", then CLOSED for 90 days."""
DEPTH_MAX = 5
"""AWS: Organizations quotas, OU maximum nesting in a root."""
DELEGATES_MAX = 50


class Changing:
    """Changes the organization and tells everyone."""

    def __init__(self, kernel: Kernel, tree: Tree, control: Control) -> None:
        self._kernel = kernel
        self._tree = tree
        self._control = control

    def handle(self, event: Event) -> None:
        """Finish what takes time."""
        match event.name:
            case "create":
                self._finish_creation(event.data["request_id"])
            case "close" if self._tree.accounts.get(event.data["account"]):  # it may have left the organization meanwhile
                self.set_state(event.data["account"], CLOSED)

    def set_state(self, account_id: str, state: str) -> None:
        """Put an account into `state` (AWS itself suspends; there is no API for it). Raises AwsError, ValueError."""
        if state not in STATES:
            raise ValueError(f"account state {state!r}: expected one of {', '.join(STATES)}")
        account = self._tree.account(account_id)
        account.state = state
        self._tree.accounts.put(account, account_id)
        self._publish("account-state", account=account_id, state=state)

    def create_unit(self, request: Request) -> Output:
        """CreateOrganizationalUnit."""
        require_management(self._tree, request)
        parent, name = request.params["ParentId"], request.params["Name"]
        self._tree.require_parent(parent)
        self._require_free_name(parent, name)
        root = self._tree.organization().root_id
        if parent != root and self._tree.path(parent).count("ou-") >= DEPTH_MAX:
            raise _constraint(
                "OU_DEPTH_LIMIT_EXCEEDED", f"You attempted to create an OU tree that is more than {DEPTH_MAX} levels deep."
            )
        unit_id = f"ou-{root.removeprefix('r-')}-{ids.hexadecimal(self._kernel.dice, 8)}"
        unit = self._tree.units.put(UnitRecord(unit_id, name, parent, _tags(request)), unit_id)
        self._control.welcome(unit_id)
        self._publish("ou-created", ou=unit_id, parent=parent)
        return {"OrganizationalUnit": self._tree.unit_shape(unit)}

    def rename_unit(self, request: Request) -> Output:
        """UpdateOrganizationalUnit."""
        require_management(self._tree, request)
        unit = self._tree.unit(request.params["OrganizationalUnitId"])
        name = request.params.get("Name", unit.name)
        if name != unit.name:
            self._require_free_name(unit.parent, name)
        unit.name = name
        self._tree.units.put(unit, unit.unit_id)
        return {"OrganizationalUnit": self._tree.unit_shape(unit)}

    def delete_unit(self, request: Request) -> Output:
        """DeleteOrganizationalUnit: only an empty one."""
        require_management(self._tree, request)
        unit = self._tree.unit(request.params["OrganizationalUnitId"])
        if self._tree.units_of(unit.unit_id) or self._tree.accounts_of(unit.unit_id):
            raise AwsError(
                "OrganizationalUnitNotEmptyException",
                "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, "
                "and try the operation again.",
            )
        self._tree.units.delete(unit.unit_id)
        self._control.forget(unit.unit_id)
        self._publish("ou-deleted", ou=unit.unit_id, parent=unit.parent)
        return {}

    def create_account(self, request: Request) -> Output:
        """CreateAccount: the answer is a request id; the account comes later, or the reason why not."""
        require_management(self._tree, request)
        if "RoleName" in request.params and request.params["RoleName"] != "OrganizationAccountAccessRole":
            raise NotSupported("the parameter RoleName", "CreateAccount")
        request_id = f"car-{ids.hexadecimal(self._kernel.dice, 32)}"
        params = request.params
        record = CreationRecord(request_id, params["AccountName"], params["Email"], "IN_PROGRESS", request.now, _tags(request))
        self._tree.creations.put(record, request_id)
        self._kernel.after(CREATION_S, Event(ENGINE, "create", {"request_id": request_id}))
        status = {"Id": request_id, "AccountName": record.account_name, "State": record.state, "RequestedTimestamp": request.now}
        return {"CreateAccountStatus": status}

    def _finish_creation(self, request_id: str) -> None:
        record = self._tree.creations.get(request_id)
        if record is None or record.state != "IN_PROGRESS":
            return
        record.completed = self._kernel.now()
        if any(account.email.lower() == record.email.lower() for account in self._tree.accounts.values()):
            record.state, record.failure = "FAILED", "EMAIL_ALREADY_EXISTS"
            self._tree.creations.put(record, request_id)
            return
        record.state, record.account_id = "SUCCEEDED", self._fresh_account_id()
        self._tree.creations.put(record, request_id)
        root = self._tree.organization().root_id
        account = AccountRecord(record.account_id, record.account_name, record.email, ACTIVE, root, record.completed)
        account.tags = record.tags
        self._tree.accounts.put(account, account.account_id)
        self._control.welcome(account.account_id)
        self._publish("account-created", account=account.account_id, parent=root)

    def _fresh_account_id(self) -> str:
        chosen = str(self._kernel.dice.randrange(10**11, 10**12))
        return self._fresh_account_id() if self._tree.accounts.get(chosen) else chosen

    def move_account(self, request: Request) -> Output:
        """MoveAccount between two parents."""
        require_management(self._tree, request)
        account = self._tree.account(request.params["AccountId"])
        source, destination = request.params["SourceParentId"], request.params["DestinationParentId"]
        if account.parent != source:
            raise AwsError(
                "SourceParentNotFoundException", f"The account {account.account_id} is not in the source parent {source}."
            )
        if not self._tree.is_parent(destination):
            raise AwsError("DestinationParentNotFoundException", f"We can't find the destination container {destination}.")
        if source == destination:
            raise AwsError("DuplicateAccountException", "That account is already present in the specified destination.")
        account.parent = destination
        self._tree.accounts.put(account, account.account_id)
        self._publish("account-moved", account=account.account_id, parent=destination, source=source)
        return {}

    def close_account(self, request: Request) -> Output:
        """CloseAccount: PENDING_CLOSURE now, CLOSED later."""
        require_management(self._tree, request)
        account = self._tree.account(request.params["AccountId"])
        if account.account_id == self._tree.organization().management_account:
            raise _constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You attempted to close the management account.")
        if account.state == CLOSED:
            raise AwsError("AccountAlreadyClosedException", "You attempted to close an account that is already closed.")
        if account.state == PENDING_CLOSURE:
            raise AwsError("ConflictException", "The request failed because the account is already being closed.", status=409)
        self.set_state(account.account_id, PENDING_CLOSURE)
        self._kernel.after(CLOSURE_S, Event(ENGINE, "close", {"account": account.account_id}))
        return {}

    def remove_account(self, request: Request) -> Output:
        """RemoveAccountFromOrganization."""
        require_management(self._tree, request)
        account = self._tree.account(request.params["AccountId"])
        if account.account_id == self._tree.organization().management_account:
            raise AwsError(
                "MasterCannotLeaveOrganizationException", "You can't remove a management account from an organization."
            )
        if self._tree.delegations.values(account.account_id):
            raise _constraint(
                "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
                "You attempted to remove a delegated administrator. Deregister it for all services first.",
            )
        self._tree.accounts.delete(account.account_id)
        self._control.forget(account.account_id)
        self._publish("account-removed", account=account.account_id, source=account.parent)
        return {}

    def register_delegate(self, request: Request) -> Output:
        """RegisterDelegatedAdministrator; the service needs trusted access first."""
        require_management(self._tree, request)
        account = self._tree.account(request.params["AccountId"])
        service = request.params["ServicePrincipal"]
        if account.account_id == self._tree.organization().management_account:
            raise _constraint(
                "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
                "You attempted to designate the management account as a delegated administrator.",
            )
        if self._tree.services.get(service) is None:
            raise _constraint(
                "SERVICE_ACCESS_NOT_ENABLED",
                f"You attempted to register a delegated administrator before you enabled service access for {service}. "
                "Call the EnableAWSServiceAccess API first.",
            )
        if self._tree.delegations.get(account.account_id, service):
            raise AwsError(
                "AccountAlreadyRegisteredException",
                "The specified account is already a delegated administrator for this AWS service.",
            )
        self._tree.delegations.put(DelegationRecord(account.account_id, service, request.now), account.account_id, service)
        return {}

    def deregister_delegate(self, request: Request) -> Output:
        """DeregisterDelegatedAdministrator."""
        require_management(self._tree, request)
        account, service = self._tree.account(request.params["AccountId"]).account_id, request.params["ServicePrincipal"]
        if self._tree.delegations.get(account, service) is None:
            raise AwsError(
                "AccountNotRegisteredException", "The specified account is not a delegated administrator for this AWS service."
            )
        self._tree.delegations.delete(account, service)
        return {}

    def enable_service(self, request: Request) -> Output:
        """EnableAWSServiceAccess (trusted access). # ASSUMED: any service principal is taken; AWS knows which integrate."""
        require_management(self._tree, request)
        service = request.params["ServicePrincipal"]
        if self._tree.services.get(service) is None:
            self._tree.services.put(ServiceAccessRecord(service, request.now), service)
        return {}

    def disable_service(self, request: Request) -> Output:
        """DisableAWSServiceAccess; delegated administrators of the service must be gone."""
        require_management(self._tree, request)
        service = request.params["ServicePrincipal"]
        if any(row.service == service for row in self._tree.delegations.values()):
            raise _constraint(
                "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
                "You attempted to revoke service access before you revoked its delegated administrators.",
            )
        self._tree.services.delete(service)
        return {}

    def _require_free_name(self, parent: str, name: str) -> None:
        if any(unit.name == name for unit in self._tree.units_of(parent)):
            raise AwsError("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")

    def _publish(self, kind: str, **data: str) -> None:
        self._kernel.publish("organization.changed", {"kind": kind, **data})


def _tags(request: Request) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request.params.get("Tags", ())}


def _constraint(reason: str, message: str) -> AwsError:
    return AwsError("ConstraintViolationException", message, Reason=reason)
