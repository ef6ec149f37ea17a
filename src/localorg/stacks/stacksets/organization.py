"""What StackSets ask the organization, through its API: who manages it, who may act for it, which accounts are under a unit.

Rules: asked under StackSets' service-linked role in the management account. The management account is never a target; descendants
of a unit always are.

AWS: CloudFormation user guide, "StackSets with AWS Organizations".
"""

from collections.abc import Callable
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.stacksets.records import TargetRecord
from localorg.stacks.template import invalid

MEMBER_SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"
ADMIN_SERVICE = "stacksets.cloudformation.amazonaws.com"
NOT_ALLOWED = (
    "You must be the management account or delegated admin of an organization before operating a SERVICE_MANAGED stack set"
)
NO_TRUST = "You must enable organizations access to operate a service managed stack set"

Account = dict[str, Any]


class Directory:
    """Reads the organization for StackSets. `management_of` gives an account's management account where assembly knows it."""

    def __init__(
        self,
        gateway: Gateway,
        linked: Callable[[str, str], Principal],
        management_of: Callable[[str], str | None] | None = None,
    ) -> None:
        self._gateway = gateway
        self._linked = linked
        self._management_of = management_of

    def member(self, account: str) -> Principal:
        """Return StackSets' own principal in a member account."""
        return self._linked(account, MEMBER_SERVICE)

    def home(self, request: Request) -> str:
        """Return the account whose sets the caller works on. Raises ValidationError when it may not."""
        if request.params.get("CallAs", "SELF") == "SELF":
            return request.account
        management = self.management(request)
        if management is None:
            raise invalid(NOT_ALLOWED)
        rows = self._all(
            management, "ListDelegatedAdministrators", "DelegatedAdministrators", {"ServicePrincipal": MEMBER_SERVICE}
        )
        if request.account not in [row["Id"] for row in rows]:
            raise invalid(NOT_ALLOWED)
        return management

    def require_trust(self, request: Request) -> None:
        """Raise ValidationError unless the caller may make service-managed sets at all."""
        management = self.management(request)
        if management is None or (request.params.get("CallAs", "SELF") == "SELF" and request.account != management):
            raise invalid(NOT_ALLOWED)
        rows = self._all(management, "ListAWSServiceAccessForOrganization", "EnabledServicePrincipals")
        if MEMBER_SERVICE not in [row["ServicePrincipal"] for row in rows]:
            raise invalid(f"{NO_TRUST} (enable-aws-service-access --service-principal {MEMBER_SERVICE})")

    def management(self, request: Request) -> str | None:
        """Return the management account of the caller's organization, or None when it is in none."""
        if self._management_of is not None:
            return self._management_of(request.account)
        try:
            call = ApiCall(request.principal, request.region, "organizations", "DescribeOrganization")
            found: str = self._gateway.invoke(call)["Organization"]["MasterAccountId"]
        except AwsError as refusal:
            if refusal.code != "AWSOrganizationsNotInUseException":
                raise
            return None
        return found

    def expand(self, management: str, target: TargetRecord) -> dict[str, tuple[str, Account]]:
        """Return account id -> (targeted unit, account) of everything that `target` means. Raises ValidationError."""
        under: dict[str, tuple[str, Account]] = {}
        for unit in target.units:
            for account in self._under(management, unit):
                if account["Id"] != management:
                    under.setdefault(account["Id"], (unit, account))
        # AWS: CloudFormation API reference, DeploymentTargets, AccountFilterType.
        match target.filter_type:
            case "INTERSECTION":
                return {name: row for name, row in under.items() if name in target.accounts}
            case "DIFFERENCE":
                return {name: row for name, row in under.items() if name not in target.accounts}
            case "UNION":
                return {**under, **{name: self._single(management, name) for name in target.accounts if name not in under}}
            case _:
                return under

    def ancestors(self, management: str, account: str) -> list[str]:
        """Return the units above an account and the root, nearest first; empty when it is not in the organization."""
        found: list[str] = []
        child = account
        while not child.startswith("r-"):
            try:
                child = self._ask(management, "ListParents", {"ChildId": child})["Parents"][0]["Id"]
            except AwsError as refusal:
                if refusal.code != "ChildNotFoundException":
                    raise
                return []
            found.append(child)
        return found

    def state(self, management: str, account: str) -> str:
        """Return the State of an account; CLOSED when it is not in the organization."""
        try:
            return str(self._ask(management, "DescribeAccount", {"AccountId": account})["Account"]["State"])
        except AwsError as refusal:
            if refusal.code != "AccountNotFoundException":
                raise
            return "CLOSED"

    def _single(self, management: str, account: str) -> tuple[str, Account]:
        try:
            found = self._ask(management, "DescribeAccount", {"AccountId": account})["Account"]
        except AwsError as refusal:
            raise invalid(f"Account {account} is not in the organization") from refusal
        return self.ancestors(management, account)[0], found

    def _under(self, management: str, unit: str) -> list[Account]:
        try:
            found = self._all(management, "ListAccountsForParent", "Accounts", {"ParentId": unit})
            below = self._all(management, "ListOrganizationalUnitsForParent", "OrganizationalUnits", {"ParentId": unit})
        except AwsError as refusal:
            if refusal.code not in ("ParentNotFoundException", "InvalidInputException"):
                raise
            raise invalid(f"OrganizationalUnitId {unit} does not exist in the organization: {refusal.message}") from refusal
        return [*found, *(account for child in below for account in self._under(management, child["Id"]))]

    def _all(self, management: str, operation: str, member: str, params: Output | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            answer = self._ask(management, operation, {**(params or {}), **({"NextToken": token} if token else {})})
            rows += answer[member]
            token = answer.get("NextToken")
            if not token:
                return rows

    def _ask(self, management: str, operation: str, params: Output) -> Output:
        principal = self._linked(management, ADMIN_SERVICE)
        region = self._gateway.kernel.settings.regions[0]
        return self._gateway.invoke(ApiCall(principal, region, "organizations", operation, params))
