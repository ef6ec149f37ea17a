"""Everything of an account in one answer: GetAccountAuthorizationDetails.

Rules: users, groups, roles and managed policies (of AWS's only those in use) share one list of pages; documents are URL-encoded.
Refuses to know: how any of it is changed.

AWS: IAM API reference, GetAccountAuthorizationDetails.
"""

from collections.abc import Iterator
from typing import Any

from localorg.identity.boundaries import boundary_output
from localorg.identity.directory import Directory
from localorg.identity.documents import on_the_wire
from localorg.identity.listing import listed
from localorg.identity.policies import ManagedPolicies
from localorg.identity.profiles import InstanceProfiles
from localorg.identity.records import Group, Holder, ManagedPolicy, Role, User
from localorg.identity.roles import role_output
from localorg.identity.tags import tag_list
from localorg.protocol.calls import Operation, Output, Request

MEMBERS = {"User": "UserDetailList", "Group": "GroupDetailList", "Role": "RoleDetailList"}


class AccountDetails:
    """The operation."""

    def __init__(self, directory: Directory, policies: ManagedPolicies, profiles: InstanceProfiles) -> None:
        self._directory = directory
        self._policies = policies
        self._profiles = profiles

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [Operation("iam", "GetAccountAuthorizationDetails", self._get)]

    def _get(self, request: Request) -> Output:
        wanted = request.params.get("Filter")
        rows = [row for row in self._all(request.account) if not wanted or row[0] in wanted]
        page = listed(request, "rows", rows, lambda row: row[1])
        output: Output = {member: [] for member in (*MEMBERS.values(), "Policies")}
        for kind, _, record in page.pop("rows"):
            output[MEMBERS.get(kind, "Policies")].append(self._detail(request.account, record))
        return output | page

    def _all(self, account: str) -> Iterator[tuple[str, str, Holder | ManagedPolicy]]:
        """Yield (kind as the filter names it, unique id, record)."""
        directory = self._directory
        for kind, table in (("User", directory.users), ("Group", directory.groups), ("Role", directory.roles)):
            yield from ((kind, holder.unique_id, holder) for holder in table.values(account))
        yield from (("LocalManagedPolicy", policy.unique_id, policy) for policy in directory.policies.values(account))
        for policy in directory.aws.all():
            users = [*directory.holders_of(policy.arn), *directory.bounded_by(policy.arn)]
            if any(holder.account == account for holder in users):
                yield "AWSManagedPolicy", policy.unique_id, policy

    def _detail(self, account: str, record: Holder | ManagedPolicy) -> Output:
        match record:
            case User():
                groups = [group.name for group in self._directory.groups_of(record)]
                tags = {"Tags": tag_list(record.tags)} if record.tags else {}
                return self._of_holder("User", record) | {"GroupList": groups} | tags | boundary_output(record)
            case Role():
                return self._of_role(record)
            case Group():
                return self._of_holder("Group", record)
            case ManagedPolicy():
                return self._of_policy(account, record)
            case _:
                raise TypeError(f"{type(record).__name__} has no details")

    def _of_holder(self, noun: str, holder: Holder) -> Output:
        inline = [{"PolicyName": name, "PolicyDocument": on_the_wire(text)} for name, text in holder.inline.items()]
        policies = [self._directory.policy(arn) for arn in holder.attached]
        return {
            "Path": holder.path,
            f"{noun}Name": holder.name,
            f"{noun}Id": holder.unique_id,
            "Arn": holder.arn,
            "CreateDate": holder.created,
            f"{noun}PolicyList": inline,
            "AttachedManagedPolicies": [{"PolicyName": policy.name, "PolicyArn": policy.arn} for policy in policies],
        }

    def _of_role(self, role: Role) -> Output:
        shown = {name: value for name, value in role_output(role).items() if name not in {"Description", "MaxSessionDuration"}}
        return self._of_holder("Role", role) | shown | {"InstanceProfileList": self._profiles.carrying(role)}

    def _of_policy(self, account: str, policy: ManagedPolicy) -> Output:
        versions: list[dict[str, Any]] = [
            {
                "VersionId": version.id,
                "IsDefaultVersion": version.id == policy.default_version,
                "CreateDate": version.created,
                "Document": on_the_wire(version.document),
            }
            for version in reversed(policy.versions)
        ]
        shown = {name: value for name, value in self._policies.output(policy, account).items() if name != "Tags"}
        return shown | {"PolicyVersionList": versions}
