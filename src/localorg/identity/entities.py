"""Who holds a managed policy: ListEntitiesForPolicy.

Rules: groups, users and roles of the caller's account, in one list of pages; an entity that has the policy both attached and as its
boundary is there once.
Refuses to know: policies' versions (policies.py).

AWS: IAM API reference, ListEntitiesForPolicy.
"""

from localorg.identity.directory import Directory
from localorg.identity.listing import listed
from localorg.identity.policies import ManagedPolicies
from localorg.identity.records import Group, Holder, Role, User
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

KINDS: dict[type[Holder], tuple[str, str, str]] = {
    Group: ("Group", "PolicyGroups", "Group"),
    User: ("User", "PolicyUsers", "User"),
    Role: ("Role", "PolicyRoles", "Role"),
}
"""Record -> (the filter's word, the output member, how its own members begin)."""
POLICY_KINDS = frozenset({"LocalManagedPolicy", "AWSManagedPolicy"})


class PolicyEntities:
    """The operation."""

    def __init__(self, directory: Directory, policies: ManagedPolicies) -> None:
        self._directory = directory
        self._policies = policies

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [Operation("iam", "ListEntitiesForPolicy", self._list, _access)]

    def _list(self, request: Request) -> Output:
        arn, wanted = self._policies.readable(request).arn, request.params.get("EntityFilter")
        if wanted in POLICY_KINDS:
            # AWS: API ListEntitiesForPolicy documents InvalidInput. ASSUMED: that, for a filter that names no kind of entity.
            raise AwsError("InvalidInput", f"The entity filter {wanted} does not name users, groups or roles.")
        prefix = request.params.get("PathPrefix", "/")
        chosen = [
            holder
            for holder in self._using(arn, request.params.get("PolicyUsageFilter"))
            if holder.account == request.account and holder.path.startswith(prefix) and wanted in {None, KINDS[type(holder)][0]}
        ]
        order = list(KINDS)
        chosen.sort(key=lambda holder: (order.index(type(holder)), holder.name.lower()))
        page = listed(request, "holders", chosen, lambda holder: holder.unique_id)
        output: Output = {member: [] for _, member, _ in KINDS.values()}
        for holder in page.pop("holders"):
            _, member, noun = KINDS[type(holder)]
            output[member].append({f"{noun}Name": holder.name, f"{noun}Id": holder.unique_id})
        return output | page

    def _using(self, arn: str, usage: str | None) -> list[Holder]:
        attached = self._directory.holders_of(arn) if usage != "PermissionsBoundary" else []
        bounded = self._directory.bounded_by(arn) if usage != "PermissionsPolicy" else []
        return [*attached, *(holder for holder in bounded if holder not in attached)]


def _access(request: Request) -> list[Access]:
    return [Access("iam:ListEntitiesForPolicy", request.params["PolicyArn"])]
