"""Customer managed policies and their versions; AWS's own can be read here too.

Rules: at most five versions, one of them in force; a policy in use is not deleted. AWS's policies are read-only.
Refuses to know: whom they are attached to, but for counting (holders.py attaches).

AWS: IAM API reference, CreatePolicy, CreatePolicyVersion, DeletePolicy and their kin; "Versioning IAM policies".
"""

from collections.abc import Callable

from localorg.identity.directory import Directory, missing
from localorg.identity.documents import MANAGED_CHARACTERS_MAX, check_identity_policy, on_the_wire, weight
from localorg.identity.listing import listed
from localorg.identity.quotas import refuse_more
from localorg.identity.records import ManagedPolicy, PolicyVersion
from localorg.identity.tags import merged, tag_list, tags_of, with_tagging, without
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

VERSIONS_MAX = 5


class ManagedPolicies:
    """The managed policy operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        on_policy: dict[str, Callable[[Request], Output]] = {
            "GetPolicy": self._get,
            "GetPolicyVersion": self._get_version,
            "ListPolicyVersions": self._list_versions,
            "CreatePolicyVersion": self._create_version,
            "SetDefaultPolicyVersion": self._set_default,
            "DeletePolicyVersion": self._delete_version,
            "DeletePolicy": self._delete,
            "ListPolicyTags": self._list_tags,
            "TagPolicy": self._tag,
            "UntagPolicy": self._untag,
        }
        return [
            Operation("iam", "CreatePolicy", self._create, self._create_access),
            Operation("iam", "ListPolicies", self._list, self._list_access),
            *(Operation("iam", name, handler, _on_policy) for name, handler in on_policy.items()),
        ]

    def _create_access(self, request: Request) -> list[Access]:
        arn = self._directory.arn(request.account, "policy", request.params.get("Path", "/"), request.params["PolicyName"])
        return with_tagging(Access("iam:CreatePolicy", arn), request)

    def _list_access(self, request: Request) -> list[Access]:
        # Observed in clients' reports: this is what IAM calls what is listed, and no ARN.
        return [Access("iam:ListPolicies", f"policy path {request.params.get('PathPrefix', '/')}")]

    def _create(self, request: Request) -> Output:
        account, name, path = request.account, request.params["PolicyName"], request.params.get("Path", "/")
        text = self._checked(request)
        if (account, name.lower()) in self._directory.policies:
            raise AwsError("EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed.", 409)
        refuse_more("Policies", self._directory.policies.values(account))
        tags = tags_of(request)
        policy = ManagedPolicy(
            account=account,
            name=name,
            path=path,
            arn=self._directory.arn(account, "policy", path, name),
            unique_id=self._directory.fresh_id("ANPA"),
            created=request.now,
            updated=request.now,
            default_version="v1",
            versions=[PolicyVersion("v1", text, request.now)],
            description=request.params.get("Description", ""),
            tags=tags,
        )
        return {"Policy": self.output(self._keep(policy), account)}

    def _keep(self, policy: ManagedPolicy) -> ManagedPolicy:
        return self._directory.policies.put(policy, policy.account, policy.name.lower())

    def _own(self, request: Request) -> ManagedPolicy:
        """Return the account's policy that the request would change. Raises NoSuchEntity or AccessDenied."""
        policy = self.readable(request)
        if policy.aws_owned:
            # ASSUMED: the words; IAM refuses changes to AWS's policies as a lack of permission.
            raise AccessDenied(f"{request.operation} is not allowed on {policy.arn}: AWS manages this policy.")
        return policy

    def readable(self, request: Request) -> ManagedPolicy:
        """Return the policy that the request names, the account's or AWS's. Raises NoSuchEntity."""
        policy = self._directory.policy(request.params["PolicyArn"])
        if not policy.aws_owned and policy.account != request.account:
            raise missing(f"Policy {policy.arn} was not found.")
        return policy

    def _get(self, request: Request) -> Output:
        return {"Policy": self.output(self.readable(request), request.account)}

    def _list(self, request: Request) -> Output:
        scope, prefix = request.params.get("Scope", "All"), request.params.get("PathPrefix", "/")
        policies = self._directory.policies.values(request.account) if scope != "AWS" else []
        policies += self._directory.aws.all() if scope != "Local" else []
        rows = [self.output(policy, request.account) for policy in policies if policy.path.startswith(prefix)]
        counted = {"PermissionsPolicy": "AttachmentCount", "PermissionsBoundary": "PermissionsBoundaryUsageCount"}
        if "PolicyUsageFilter" in request.params:
            rows = [row for row in rows if row[counted[request.params["PolicyUsageFilter"]]]]
        if request.params.get("OnlyAttached"):
            rows = [row for row in rows if row["AttachmentCount"]]
        # AWS: API Policy, Description: "not included in the response to the ListPolicies operation"; lists have no tags either.
        shown = [{name: value for name, value in row.items() if name not in {"Description", "Tags"}} for row in rows]
        return listed(request, "Policies", shown, lambda row: str(row["Arn"]))

    def _version(self, policy: ManagedPolicy, version_id: str) -> PolicyVersion:
        found = next((version for version in policy.versions if version.id == version_id), None)
        if found is None:
            raise missing(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")
        return found

    def _get_version(self, request: Request) -> Output:
        policy = self.readable(request)
        version = self._version(policy, request.params["VersionId"])
        return {"PolicyVersion": {**_version_output(policy, version), "Document": on_the_wire(version.document)}}

    def _list_versions(self, request: Request) -> Output:
        policy = self.readable(request)
        rows = [_version_output(policy, version) for version in reversed(policy.versions)]
        return listed(request, "Versions", rows, lambda row: str(row["VersionId"]))

    def _create_version(self, request: Request) -> Output:
        policy, text = self._own(request), self._checked(request)
        if len(policy.versions) >= VERSIONS_MAX:
            raise AwsError(
                "LimitExceeded",
                f"A managed policy can have up to {VERSIONS_MAX} versions. "
                "Before you create a new version, you must delete an existing version.",
                409,
            )
        policy.newest += 1
        version = PolicyVersion(f"v{policy.newest}", text, request.now)
        policy.versions.append(version)
        policy.updated = request.now
        if request.params.get("SetAsDefault"):
            policy.default_version = version.id
        self._keep(policy)
        return {"PolicyVersion": _version_output(policy, version)}

    def _set_default(self, request: Request) -> Output:
        policy = self._own(request)
        policy.default_version = self._version(policy, request.params["VersionId"]).id
        policy.updated = request.now
        self._keep(policy)
        return {}

    def _delete_version(self, request: Request) -> Output:
        policy = self._own(request)
        version = self._version(policy, request.params["VersionId"])
        if version.id == policy.default_version:
            raise AwsError("DeleteConflict", "Cannot delete the default version of a policy.", 409)
        policy.versions.remove(version)
        self._keep(policy)
        return {}

    def _delete(self, request: Request) -> Output:
        policy = self._own(request)
        if self._directory.holders_of(policy.arn) or self._directory.bounded_by(policy.arn):
            raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if len(policy.versions) > 1:
            raise AwsError(
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
                "The default version is deleted with the policy.",
                409,
            )
        self._directory.policies.delete(policy.account, policy.name.lower())
        return {}

    def _list_tags(self, request: Request) -> Output:
        return listed(request, "Tags", tag_list(self.readable(request).tags), lambda tag: tag["Key"])

    def _tag(self, request: Request) -> Output:
        policy = self._own(request)
        policy.tags = merged(policy.tags, request)
        self._keep(policy)
        return {}

    def _untag(self, request: Request) -> Output:
        policy = self._own(request)
        policy.tags = without(policy.tags, request)
        self._keep(policy)
        return {}

    def output(self, policy: ManagedPolicy, account: str) -> Output:
        """Return the Policy structure, with the uses that `account` makes of it."""
        attached, bounded = self._directory.holders_of(policy.arn), self._directory.bounded_by(policy.arn)
        output: Output = {
            "PolicyName": policy.name,
            "PolicyId": policy.unique_id,
            "Arn": policy.arn,
            "Path": policy.path,
            "DefaultVersionId": policy.default_version,
            "AttachmentCount": sum(holder.account == account for holder in attached),
            "PermissionsBoundaryUsageCount": sum(holder.account == account for holder in bounded),
            "IsAttachable": not policy.path.startswith("/aws-service-role/"),
            "CreateDate": policy.created,
            "UpdateDate": policy.updated,
        }
        if policy.description:
            output["Description"] = policy.description
        if policy.tags:
            output["Tags"] = tag_list(policy.tags)
        return output

    def _checked(self, request: Request) -> str:
        text = str(request.params["PolicyDocument"])
        check_identity_policy(self._directory, text, "managed")
        if weight(text) > MANAGED_CHARACTERS_MAX:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_CHARACTERS_MAX}", 409)
        return text


def _on_policy(request: Request) -> list[Access]:
    return [Access(f"iam:{request.operation}", request.params["PolicyArn"])]


def _version_output(policy: ManagedPolicy, version: PolicyVersion) -> Output:
    return {"VersionId": version.id, "IsDefaultVersion": version.id == policy.default_version, "CreateDate": version.created}
