"""As whom an execution acts: the runbook's role, the execution role of a member, or whoever started it.

Flow: execution -> `actor` -> sts:AssumeRole through the gateway (authorised and logged like every call) -> principal + credentials.
Rules: a role's session is renewed before it ends; credentials are kept in memory only. Without a role the starter's principal is
used for API steps, and scripts get no credentials.
AWS: user guide, automation-setup and running-automations-multiple-accounts-regions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from localorg.automation.records import Execution, ParentLink
from localorg.kernel.arn import Arn
from localorg.kernel.events import Kernel
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway

SERVICE = "ssm.amazonaws.com"
RENEWED_BEFORE_S = 900.0
"""A session that ends sooner is renewed first, so that a script of 600 s never outlives it."""
SessionPrincipals = Callable[[str], Principal]


@dataclass(frozen=True)
class Actor:
    """Whom calls are made as, and the credentials for scripts (None: no role, no credentials)."""

    principal: Principal
    credentials: Mapping[str, str] | None = None
    expires: float = float("inf")


class Sessions:
    """Keeps the sessions of executions."""

    def __init__(
        self, kernel: Kernel, gateway: Gateway, principal_of: SessionPrincipals, find: Callable[[ParentLink], Execution]
    ) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._principal_of = principal_of
        self._find = find
        self._actors: dict[tuple[str, str, str], Actor] = {}

    def actor(self, execution: Execution) -> Actor:
        """Return as whom `execution` acts now. Raises AwsError when the role cannot be assumed (any more)."""
        known = self._actors.get(execution.key)
        if known is None or known.expires - self._kernel.now() < RENEWED_BEFORE_S:
            known = self._fresh(execution)
            self._actors[execution.key] = known
        return known

    def forget(self, execution: Execution) -> None:
        """Drop the session of an execution that has ended."""
        self._actors.pop(execution.key, None)

    def _fresh(self, execution: Execution) -> Actor:
        if execution.execution_role and execution.parent:
            parent = self._find(execution.parent)
            if parent.execution_role:
                # The child of a rate-controlled run inside a member acts in the very session of that run.
                return self.actor(parent)
            hub = self.actor(parent).principal
            member = self.assume(hub, execution.region, execution.execution_role, execution.execution_id)
            taker = self._kernel.settings.reading("execution-role-taker")
            if taker != "hub":
                named = {"service": execution.account, "service-for-hub": parent.account, "service-unnamed": ""}[taker]
                member = self._by_service(execution, execution.execution_role, named)
            if not execution.assume_role:
                return member
            return self.assume(member.principal, execution.region, execution.assume_role, execution.execution_id)
        if not execution.assume_role:
            return Actor(execution.principal)
        return self._by_service(execution, execution.assume_role, execution.account)

    def _by_service(self, execution: Execution, role_arn: str, named: str) -> Actor:
        """Systems Manager takes a role for `execution` in the name of the account `named`, or in nobody's."""
        partition, account, region = self._kernel.settings.partition, execution.account, execution.region
        source = str(Arn(partition, "ssm", region, named, f"automation-execution/{execution.execution_id}")) if named else ""
        service = Principal("service", account, SERVICE, service=SERVICE, source_account=named, source_arn=source)
        return self.assume(service, region, role_arn, execution.execution_id)

    def assume(self, principal: Principal, region: str, role_arn: str, execution_id: str) -> Actor:
        """Return the session of `role_arn` that `principal` gets. Raises AwsError."""
        params = {"RoleArn": role_arn, "RoleSessionName": f"Automation-{execution_id}"}
        given = self._gateway.invoke(ApiCall(principal, region, "sts", "AssumeRole", params))["Credentials"]
        credentials = {name: str(given[name]) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
        return Actor(self._principal_of(credentials["AccessKeyId"]), credentials, float(given["Expiration"]))
