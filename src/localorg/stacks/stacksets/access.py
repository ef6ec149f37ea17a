"""Trusted access between StackSets and Organizations: switched on, off, and asked for through CloudFormation's own API.

Rules: only the management account switches. It is Organizations that keeps the switch; that it was turned here is kept besides, for
turned there alone it does not suffice.

AWS: CloudFormation API reference, ActivateOrganizationsAccess, DeactivateOrganizationsAccess, DescribeOrganizationsAccess.
"""

from collections.abc import Callable

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Output, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.stacksets.organization import MEMBER_SERVICE, Directory
from localorg.stacks.stacksets.shelf import Shelf


class OrganizationsAccess:
    """Answers the three operations on trusted access."""

    def __init__(self, gateway: Gateway, directory: Directory, shelf: Shelf) -> None:
        self._gateway = gateway
        self._directory = directory
        self._shelf = shelf

    def handlers(self) -> dict[str, Callable[[Request], Output]]:
        """Return operation name -> handler."""
        return {
            "ActivateOrganizationsAccess": self._activate,
            "DeactivateOrganizationsAccess": self._deactivate,
            "DescribeOrganizationsAccess": self._describe,
        }

    def _activate(self, request: Request) -> Output:
        management = self._require_management(request)
        # ASSUMED: the caller must be allowed what this does in Organizations; the guide asks for an administrator.
        self._switch(request, "EnableAWSServiceAccess")
        self._directory.administer(management)
        self._shelf.activate(management, request.now)
        return {}

    def _deactivate(self, request: Request) -> Output:
        management = self._require_management(request)
        self._switch(request, "DisableAWSServiceAccess")
        self._shelf.deactivate(management)
        return {}

    def _describe(self, request: Request) -> Output:
        is_delegate = request.params.get("CallAs", "SELF") != "SELF"
        management = self._directory.home(request) if is_delegate else self._require_management(request)
        # ASSUMED: DISABLED_PERMANENTLY is for organizations that were deleted, so it is never told here.
        return {"Status": "ENABLED" if self._directory.is_trusted(management) else "DISABLED"}

    def _require_management(self, request: Request) -> str:
        management = self._directory.management(request)
        if management is None or request.account != management:
            # ASSUMED: the words; the operations have InvalidOperationException for whoever may not.
            raise AwsError(
                "InvalidOperationException",
                "Only the management account of an organization can manage its trusted access with CloudFormation StackSets",
            )
        return management

    def _switch(self, request: Request, operation: str) -> None:
        call = ApiCall(request.principal, request.region, "organizations", operation, {"ServicePrincipal": MEMBER_SERVICE})
        try:
            self._gateway.invoke(call)
        except AwsError as refusal:
            if refusal.code == "ConstraintViolationException":
                raise AwsError("InvalidOperationException", refusal.message) from refusal
            raise
