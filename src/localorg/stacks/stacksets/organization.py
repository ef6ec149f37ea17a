"""What StackSets ask the organization, through its API: who manages it, who may act for it, which accounts are under a unit.

Rules: asked under StackSets' service-linked role in the management account. The management account is never a target; descendants
of a unit always are.

AWS: CloudFormation user guide, "StackSets with AWS Organizations".
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.stacksets.records import TargetRecord
from localorg.stacks.template import invalid

MEMBER_SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"
ADMIN_SERVICE = "stacksets.cloudformation.amazonaws.com"
ADMIN_ROLE_PATH = f"/aws-service-role/{ADMIN_SERVICE}/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"
NOT_ALLOWED = (
    "You must be the management account or delegated admin of an organization before operating a SERVICE_MANAGED stack set"
)
NO_TRUST = "You must enable organizations access to operate a service managed stack set"

NOT_DELEGATED = "Account used is not a delegated administrator"
"""AWS: the words of whoever calls with CallAs DELEGATED_ADMIN and is none."""

GONE = ""
"""The state of an account that is not in the organization (any more)."""
Account = dict[str, Any]
Ask = Callable[[str, Output], Output]


class Directory:
    """Reads the organization for StackSets. `management_of` gives an account's management account where assembly knows it.

    `is_activated(management)` says whether trusted access was activated with CloudFormation, as it must be besides.
    """

    def __init__(
        self,
        gateway: Gateway,
        linked: Callable[[str, str], Principal],
        is_activated: Callable[[str], bool],
        management_of: Callable[[str], str | None] | None = None,
    ) -> None:
        self._gateway = gateway
        self._linked = linked
        self._is_activated = is_activated
        self._management_of = management_of

    def member(self, account: str) -> Principal:
        """Return StackSets' own principal in a member account."""
        return self._linked(account, MEMBER_SERVICE)

    def home(self, request: Request) -> str:
        """Return the account whose sets the caller works on. Raises ValidationError when it may not."""
        if request.params.get("CallAs", "SELF") == "SELF":
            return request.account
        management = self.management(request)
        if management is None or not self._is_delegate(request):
            raise invalid(NOT_DELEGATED)
        return management

    def _is_delegate(self, request: Request) -> bool:
        # AWS: CloudFormation user guide, "Register a delegated administrator member account": the caller itself needs
        # organizations:ListDelegatedAdministrators; without it the account counts as no delegated administrator.
        ask = partial(self._as_caller, request)
        try:
            rows = self._all(ask, "ListDelegatedAdministrators", "DelegatedAdministrators", {"ServicePrincipal": MEMBER_SERVICE})
        except AwsError:
            return False
        return request.account in [row["Id"] for row in rows]

    def require_trust(self, request: Request) -> None:
        """Raise ValidationError unless the caller may work on service-managed sets at all."""
        management = self.management(request)
        if management is None or (request.params.get("CallAs", "SELF") == "SELF" and request.account != management):
            raise invalid(NOT_ALLOWED)
        if not self.is_trusted(management):
            raise invalid(NO_TRUST)

    def is_trusted(self, management: str) -> bool:
        """Say whether the organization trusts StackSets, and StackSets were told so."""
        # AWS, reported (pepperize/cdk-organizations issue 1718): EnableAWSServiceAccess of Organizations alone is not enough.
        if not self._is_activated(management) and self._gateway.kernel.settings.reading("stacksets-trust") == "activated":
            return False
        ask = partial(self._ask, management)
        rows = self._all(ask, "ListAWSServiceAccessForOrganization", "EnabledServicePrincipals")
        return MEMBER_SERVICE in [row["ServicePrincipal"] for row in rows]

    def administer(self, management: str) -> Principal:
        """Return StackSets' own principal in the management account; its service-linked role is made when it is not there."""
        return self._linked(management, ADMIN_SERVICE)

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

    def expand(self, management: str, target: TargetRecord, *, lenient: bool = False) -> dict[str, tuple[str, Account]]:
        """Return account id -> (targeted unit, account) of everything that `target` means. Raises ValidationError.

        `lenient` takes a unit that is not there (any more) for an empty one.
        """
        under: dict[str, tuple[str, Account]] = {}
        for unit in target.units:
            for account in self._under(management, unit, lenient=lenient):
                if account["Id"] != management:
                    under.setdefault(account["Id"], (unit, account))
        # AWS: CloudFormation API reference, DeploymentTargets, AccountFilterType.
        match target.filter_type:
            case "INTERSECTION":
                return {name: row for name, row in under.items() if name in target.accounts}
            case "DIFFERENCE":
                return {name: row for name, row in under.items() if name not in target.accounts}
            case "UNION":
                others = [name for name in target.accounts if name not in under and name != management]
                return {**under, **{name: self._single(management, name) for name in others}}
            case _:
                return under

    def ancestors(self, management: str, account: str) -> list[str]:
        """Return the units above an account or unit and the root, nearest first; empty when it is not in the organization."""
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
        """Return the State of an account; GONE when it is not in the organization."""
        try:
            return str(self._ask(management, "DescribeAccount", {"AccountId": account})["Account"]["State"])
        except AwsError as refusal:
            if refusal.code != "AccountNotFoundException":
                raise
            return GONE

    def _single(self, management: str, account: str) -> tuple[str, Account]:
        try:
            found = self._ask(management, "DescribeAccount", {"AccountId": account})["Account"]
        except AwsError as refusal:
            raise invalid(f"Account {account} is not in the organization") from refusal
        return self.ancestors(management, account)[0], found

    def _under(self, management: str, unit: str, *, lenient: bool) -> list[Account]:
        ask = partial(self._ask, management)
        try:
            found = self._all(ask, "ListAccountsForParent", "Accounts", {"ParentId": unit})
            below = self._all(ask, "ListOrganizationalUnitsForParent", "OrganizationalUnits", {"ParentId": unit})
        except AwsError as refusal:
            if refusal.code not in ("ParentNotFoundException", "InvalidInputException"):
                raise
            if lenient:
                return []
            raise invalid(f"OrganizationalUnitId {unit} does not exist in the organization: {refusal.message}") from refusal
        return [*found, *(account for child in below for account in self._under(management, child["Id"], lenient=lenient))]

    @staticmethod
    def _all(ask: Ask, operation: str, member: str, params: Output | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            answer = ask(operation, {**(params or {}), **({"NextToken": token} if token else {})})
            rows += answer[member]
            token = answer.get("NextToken")
            if not token:
                return rows

    def _as_caller(self, request: Request, operation: str, params: Output) -> Output:
        return self._gateway.invoke(ApiCall(request.principal, request.region, "organizations", operation, params))

    def _ask(self, management: str, operation: str, params: Output) -> Output:
        principal = self.administer(management)
        region = self._gateway.kernel.settings.regions[0]
        return self._gateway.invoke(ApiCall(principal, region, "organizations", operation, params))
