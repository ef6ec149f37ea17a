"""Instance profiles: how a role reaches an EC2 instance.

Rules: one role at most; putting a role in needs iam:PassRole on it for EC2.
Refuses to know: instances, and how a node gets its credentials (bootstrap.py).

AWS: IAM API reference, CreateInstanceProfile, AddRoleToInstanceProfile and their kin.
"""

from localorg.identity.directory import Directory, missing
from localorg.identity.holders import refuse_protected
from localorg.identity.listing import listed
from localorg.identity.quotas import refuse_more
from localorg.identity.records import InstanceProfile, Role
from localorg.identity.roles import role_in_profile
from localorg.identity.tags import merged, tag_list, tags_of, with_tagging, without
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request
from localorg.protocol.partitions import partition


class InstanceProfiles:
    """The instance profile operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("iam", "CreateInstanceProfile", self._create, self._create_access),
            Operation("iam", "GetInstanceProfile", self._get, self._access),
            Operation("iam", "ListInstanceProfiles", self._list, self._list_access),
            Operation("iam", "ListInstanceProfilesForRole", self._list_for_role, self._role_access),
            Operation("iam", "AddRoleToInstanceProfile", self._add_role, self._add_role_access),
            Operation("iam", "RemoveRoleFromInstanceProfile", self._remove_role, self._access),
            Operation("iam", "DeleteInstanceProfile", self._delete, self._access),
            Operation("iam", "TagInstanceProfile", self._tag, self._access),
            Operation("iam", "UntagInstanceProfile", self._untag, self._access),
            Operation("iam", "ListInstanceProfileTags", self._list_tags, self._access),
        ]

    def _create_access(self, request: Request) -> list[Access]:
        path, name = request.params.get("Path", "/"), request.params["InstanceProfileName"]
        arn = self._directory.arn(request.account, "instance-profile", path, name)
        return with_tagging(Access("iam:CreateInstanceProfile", arn), request)

    def _access(self, request: Request) -> list[Access]:
        name = request.params["InstanceProfileName"]
        profile = self._directory.profiles.get(request.account, name.lower())
        arn = profile.arn if profile else self._directory.arn(request.account, "instance-profile", "/", name)
        return [Access(f"iam:{request.operation}", arn)]

    def _role_arn(self, request: Request) -> str:
        name = request.params["RoleName"]
        role = self._directory.roles.get(request.account, name.lower())
        return role.arn if role else self._directory.arn(request.account, "role", "/", name)

    def _role_access(self, request: Request) -> list[Access]:
        # AWS: Service Authorization Reference has ListInstanceProfilesForRole on the role.
        return [Access(f"iam:{request.operation}", self._role_arn(request))]

    def _add_role_access(self, request: Request) -> list[Access]:
        ec2 = partition(self._directory.partition).service_principal("ec2")
        passing = Access("iam:PassRole", self._role_arn(request), context={"iam:PassedToService": ec2})
        return [*self._access(request), passing]

    def _profile(self, request: Request) -> InstanceProfile:
        return self._directory.profile(request.account, request.params["InstanceProfileName"])

    def _keep(self, profile: InstanceProfile) -> None:
        self._directory.profiles.put(profile, profile.account, profile.name.lower())

    def _list_access(self, request: Request) -> list[Access]:
        """Observed in clients' reports: the resource is the path that is listed."""
        return [
            Access(
                "iam:ListInstanceProfiles",
                self._directory.arn(request.account, "instance-profile", request.params.get("PathPrefix", "/"), ""),
            )
        ]

    def _create(self, request: Request) -> Output:
        refuse_more("InstanceProfiles", self._directory.profiles.values(request.account))
        tags = tags_of(request)
        profile = self.make(request.account, request.params["InstanceProfileName"], request.params.get("Path", "/"))
        profile.tags = tags
        self._keep(profile)
        return {"InstanceProfile": self._output(profile)}

    def make(self, account: str, name: str, path: str, role: str | None = None) -> InstanceProfile:
        """Make and keep an instance profile. Raises EntityAlreadyExists."""
        if (account, name.lower()) in self._directory.profiles:
            raise AwsError("EntityAlreadyExists", f"Instance Profile {name} already exists.", 409)
        profile = InstanceProfile(
            account=account,
            name=name,
            path=path,
            arn=self._directory.arn(account, "instance-profile", path, name),
            unique_id=self._directory.fresh_id("AIPA"),
            created=self._directory.kernel.now(),
            role=role,
        )
        self._keep(profile)
        return profile

    def _get(self, request: Request) -> Output:
        return {"InstanceProfile": self._output(self._profile(request))}

    def _list(self, request: Request) -> Output:
        prefix = request.params.get("PathPrefix", "/")
        profiles = [one for one in self._directory.profiles.values(request.account) if one.path.startswith(prefix)]
        return self._listed(request, profiles)

    def _listed(self, request: Request, profiles: list[InstanceProfile]) -> Output:
        page = listed(request, "InstanceProfiles", profiles, lambda profile: profile.arn)
        # AWS: the listing operations leave tags out.
        outputs = [self._output(profile) for profile in page["InstanceProfiles"]]
        return {**page, "InstanceProfiles": [{k: v for k, v in output.items() if k != "Tags"} for output in outputs]}

    def _list_for_role(self, request: Request) -> Output:
        role = self._directory.role(request.account, request.params["RoleName"])
        return self._listed(request, self._directory.profiles_with(role))

    def _add_role(self, request: Request) -> Output:
        profile = self._profile(request)
        role = self._directory.role(request.account, request.params["RoleName"])
        refuse_protected(role)
        if profile.role is not None:
            raise AwsError("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", 409)
        profile.role = role.name
        self._keep(profile)
        return {}

    def _remove_role(self, request: Request) -> Output:
        profile = self._profile(request)
        role = self._directory.role(request.account, request.params["RoleName"])
        if profile.role != role.name:
            raise missing(f"The role with name {role.name} cannot be found in the instance profile {profile.name}.")
        profile.role = None
        self._keep(profile)
        return {}

    def _delete(self, request: Request) -> Output:
        profile = self._profile(request)
        if profile.role is not None:
            raise AwsError("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", 409)
        self._directory.profiles.delete(profile.account, profile.name.lower())
        return {}

    def carrying(self, role: Role) -> list[Output]:
        """Return the instance profiles that carry a role, as IAM shows them."""
        return [self._output(profile) for profile in self._directory.profiles_with(role)]

    def _tag(self, request: Request) -> Output:
        profile = self._profile(request)
        profile.tags = merged(profile.tags, request)
        self._keep(profile)
        return {}

    def _untag(self, request: Request) -> Output:
        profile = self._profile(request)
        profile.tags = without(profile.tags, request)
        self._keep(profile)
        return {}

    def _list_tags(self, request: Request) -> Output:
        return listed(request, "Tags", tag_list(self._profile(request).tags), lambda tag: tag["Key"])

    def _output(self, profile: InstanceProfile) -> Output:
        output: Output = {
            "Path": profile.path,
            "InstanceProfileName": profile.name,
            "InstanceProfileId": profile.unique_id,
            "Arn": profile.arn,
            "CreateDate": profile.created,
            "Roles": [role_in_profile(self._directory.role(profile.account, profile.role))] if profile.role else [],
        }
        if profile.tags:
            output["Tags"] = tag_list(profile.tags)
        return output
