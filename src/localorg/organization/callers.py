"""Who may call what: the management account everything, a delegated administrator the reading, any member DescribeOrganization.

Rules: this is AWS Organizations' own rule and comes after the identity policies, which the gateway has checked already.
"""

from localorg.kernel.errors import AwsError
from localorg.organization.tree import NOT_IN_USE, Tree
from localorg.protocol.calls import Request

DENIED = "You don't have permissions to access this resource."


def require_member(tree: Tree, request: Request) -> None:
    """Let any account of the organization in. Raises AWSOrganizationsNotInUseException."""
    tree.organization()
    if tree.accounts.get(request.account) is None:
        raise AwsError("AWSOrganizationsNotInUseException", NOT_IN_USE)


def require_reader(tree: Tree, request: Request) -> None:
    """Let the management account and delegated administrators (of any service) in. Raises AccessDeniedException."""
    # AWS: Organizations API reference, ListAccounts: "can be called only from the organization's management account or by
    # a member account that is a delegated administrator".
    require_member(tree, request)
    if request.account != tree.organization().management_account and not tree.delegations.values(request.account):
        raise AwsError("AccessDeniedException", DENIED)


def require_management(tree: Tree, request: Request) -> None:
    """Let only the management account in. Raises AccessDeniedException."""
    require_member(tree, request)
    if request.account != tree.organization().management_account:
        raise AwsError("AccessDeniedException", DENIED)
