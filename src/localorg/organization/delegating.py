"""Trusted access of services, and the accounts that administer a service for the organization.

Flow: EnableAWSServiceAccess -> RegisterDelegatedAdministrator -> rows that `callers` and the services themselves ask about.
Rules: a service first has trusted access, then administrators; while it has administrators it keeps its access.
"""

from localorg.kernel.errors import AwsError
from localorg.organization.pages import paged
from localorg.organization.records import ACTIVE, PENDING_ACTIVATION, DelegationRecord, ServiceAccessRecord
from localorg.organization.refusals import constraint, invalid
from localorg.organization.tree import Tree
from localorg.organization.trusted import ADMINISTRATORS_MAX, ADMINISTRATORS_USUALLY, RECOGNIZED, WITH_ADMINISTRATOR
from localorg.protocol.calls import Output, Request


class Delegating:
    """Lets services and accounts in on the organization."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def enable_service(self, request: Request) -> Output:
        """EnableAWSServiceAccess (trusted access); a second time changes nothing."""
        service = _recognized(request.params["ServicePrincipal"], RECOGNIZED)
        if self._tree.services.get(service) is None:
            self._tree.services.put(ServiceAccessRecord(service, request.now), service)
        return {}

    def disable_service(self, request: Request) -> Output:
        """DisableAWSServiceAccess; delegated administrators of the service must be gone."""
        service = _recognized(request.params["ServicePrincipal"], RECOGNIZED)
        if self._administrators(service):
            raise constraint(
                "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
                "You must deregister all delegated administrators of this service before you disable its access.",
            )
        self._tree.services.delete(service)
        return {}

    def list_services(self, request: Request) -> Output:
        """ListAWSServiceAccessForOrganization."""
        rows = self._tree.services.values()
        return paged(
            request,
            rows,
            lambda row: row.service,
            "EnabledServicePrincipals",
            lambda row: {"ServicePrincipal": row.service, "DateEnabled": row.enabled},
        )

    def register(self, request: Request) -> Output:
        """RegisterDelegatedAdministrator; the service needs trusted access first."""
        account = self._tree.account(request.params["AccountId"])
        service = _recognized(request.params["ServicePrincipal"], WITH_ADMINISTRATOR)
        if account.account_id == self._tree.organization().management_account:
            raise constraint(
                "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
                "You cannot register master account/yourself as delegated administrator for your organization. "
                "Designate a member account, not the management account.",
            )
        if self._tree.services.get(service) is None:
            raise constraint(
                "SERVICE_ACCESS_NOT_ENABLED",
                "You attempted to register a delegated administrator before you enabled service access. "
                "Call the EnableAWSServiceAccess API first.",
            )
        if account.state not in (ACTIVE, PENDING_ACTIVATION):
            raise constraint(
                "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
                "You cannot register a suspended account as a delegated administrator.",
            )
        self._require_place(account.account_id, service)
        self._tree.delegations.put(DelegationRecord(account.account_id, service, request.now), account.account_id, service)
        return {}

    def _require_place(self, account: str, service: str) -> None:
        if self._tree.delegations.get(account, service):
            raise AwsError(
                "AccountAlreadyRegisteredException",
                "The provided account is already a delegated administrator for your organization.",
            )
        if len(self._administrators(service)) >= ADMINISTRATORS_MAX.get(service, ADMINISTRATORS_USUALLY):
            raise constraint(
                "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
                "You attempted to register more delegated administrators than allowed for the service principal.",
            )

    def deregister(self, request: Request) -> Output:
        """DeregisterDelegatedAdministrator."""
        account = self._tree.account(request.params["AccountId"]).account_id
        service = _recognized(request.params["ServicePrincipal"], WITH_ADMINISTRATOR)
        if self._tree.delegations.get(account, service) is None:
            raise _not_registered()
        self._tree.delegations.delete(account, service)
        return {}

    def list_administrators(self, request: Request) -> Output:
        """ListDelegatedAdministrators, of one service or of any."""
        wanted = request.params.get("ServicePrincipal")
        rows = self._administrators(_recognized(wanted, RECOGNIZED)) if wanted else self._tree.delegations.values()
        first: dict[str, float] = {}
        for row in rows:
            first[row.account_id] = min(first.get(row.account_id, row.enabled), row.enabled)

        def shape(account_id: str) -> Output:
            head = self._tree.account_head(self._tree.account(account_id))
            return {**head, "DelegationEnabledDate": first[account_id]}

        return paged(request, list(first), str, "DelegatedAdministrators", shape)

    def list_services_of(self, request: Request) -> Output:
        """ListDelegatedServicesForAccount."""
        rows = self._tree.delegations.values(self._tree.account(request.params["AccountId"]).account_id)
        if not rows:
            raise _not_registered()
        return paged(
            request,
            rows,
            lambda row: row.service,
            "DelegatedServices",
            lambda row: {"ServicePrincipal": row.service, "DelegationEnabledDate": row.enabled},
        )

    def _administrators(self, service: str) -> list[DelegationRecord]:
        return [row for row in self._tree.delegations.values() if row.service == service]


def _recognized(service: str, known: frozenset[str]) -> str:
    if service not in known:
        raise invalid("UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal.")
    return service


def _not_registered() -> AwsError:
    what = "The provided account is not a registered delegated administrator for your organization."
    return AwsError("AccountNotRegisteredException", what)
