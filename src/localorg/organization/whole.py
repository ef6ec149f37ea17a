"""The organization as a whole: described, and neither made a second time nor deleted here."""

from localorg.kernel.errors import AwsError, NotSupported
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request


class Whole:
    """Answers about the one organization of this server."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def describe(self, _request: Request) -> Output:
        """DescribeOrganization, for any member."""
        found = self._tree.organization()
        master = self._tree.account(found.management_account)
        return {
            "Organization": {
                "Id": found.organization_id,
                "Arn": self._tree.arn("organization"),
                "FeatureSet": "ALL",
                "MasterAccountId": master.account_id,
                "MasterAccountArn": self._tree.arn("account", master.account_id),
                "MasterAccountEmail": master.email,
                # AWS: Organizations API reference, Organization: AvailablePolicyTypes tells of SCPs only, enabled or not; see ListRoots.
                "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
            }
        }

    def create(self, request: Request) -> Output:
        """CreateOrganization: this server has its one organization already."""
        if self._tree.accounts.get(request.account) is not None:
            raise AwsError("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
        # DEVIATES: a server has the one organization of its spec; an account outside cannot make another.
        raise NotSupported("a second organization", "CreateOrganization")

    def delete(self, _request: Request) -> Output:
        """DeleteOrganization: refused while there are members, and after that by name."""
        if len(self._tree.accounts) > 1:
            raise AwsError(
                "OrganizationNotEmptyException",
                "To delete an organization, you must first remove all accounts except the management account.",
            )
        raise NotSupported("deleting the organization that the spec describes", "DeleteOrganization")
