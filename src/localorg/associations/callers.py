"""As whom State Manager acts: the service-linked role of the account, or the association's own dispatch role.

AWS: API AssociationDispatchAssumeRole: "If not specified, service-linked role for Systems Manager will be used by default".
"""

from localorg.associations.ports import ServiceLinkedRole, SessionPrincipals
from localorg.associations.records import AssociationRecord, VersionRecord
from localorg.associations.targets import Ask
from localorg.kernel.arn import Arn
from localorg.protocol.calls import ApiCall, Output, Params, Principal
from localorg.protocol.gateway import Gateway

SERVICE = "ssm.amazonaws.com"


class Callers:
    """Makes the calls of associations."""

    def __init__(
        self, gateway: Gateway, partition: str, service_linked_role: ServiceLinkedRole, principal_of: SessionPrincipals
    ) -> None:
        self._gateway = gateway
        self._partition = partition
        self._service_linked_role = service_linked_role
        self._principal_of = principal_of

    def service(self, account: str, region: str) -> Ask:
        """Return how to ask as the service-linked role."""
        return self._asking(self._service_linked_role(account, SERVICE), region)

    def of(self, association: AssociationRecord, version: VersionRecord) -> Ask:
        """Return how to ask as whoever dispatches an association. Raises AwsError when its role cannot be assumed."""
        if not version.dispatch_role:
            return self.service(association.account, association.region)
        # ASSUMED: the session's name; AWS does not say how such calls look in logs.
        params = {"RoleArn": version.dispatch_role, "RoleSessionName": f"Association-{association.id}"}
        given = self._gateway.invoke(ApiCall(self._itself(association), association.region, "sts", "AssumeRole", params))
        return self._asking(self._principal_of(given["Credentials"]["AccessKeyId"]), association.region)

    def _itself(self, association: AssociationRecord) -> Principal:
        account, region, identifier = association.key
        source = str(Arn(self._partition, "ssm", region, account, f"association/{identifier}"))
        return Principal("service", account, SERVICE, service=SERVICE, source_account=account, source_arn=source)

    def _asking(self, principal: Principal, region: str) -> Ask:
        def ask(service: str, operation: str, params: Params) -> Output:
            return self._gateway.invoke(ApiCall(principal, region, service, operation, params))

        return ask
