"""What roles, users and groups have in common: inline policies, attached policies, boundaries, tags. One set of handlers, three nouns.

Flow: PutRolePolicy, PutUserPolicy, ... -> `HolderOperations("Role" | "User" | "Group")` -> the holder's row.
Rules: documents are checked before they are kept; of a service-linked role the account may change tags only; quotas are AWS's
defaults. Groups have neither tags nor boundaries.
Refuses to know: what makes a role a role (roles.py), a user a user (users.py) or a group a group (groups.py).

AWS: IAM API reference, PutRolePolicy, AttachRolePolicy, TagRole and their counterparts; "IAM and AWS STS quotas".
"""

from collections.abc import Callable
from typing import Literal

from localorg.identity.boundaries import checked_boundary
from localorg.identity.directory import Directory, missing
from localorg.identity.documents import check_identity_policy, on_the_wire, weight
from localorg.identity.listing import listed
from localorg.identity.records import Group, Holder, Role, User
from localorg.identity.tags import merged, tag_list, without
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.kernel.store import Table
from localorg.protocol.calls import Access, Handler, Operation, Output, Request

INLINE_CHARACTERS_MAX = {"Role": 10_240, "User": 2_048, "Group": 5_120}
ATTACHED_MAX = 10


def refuse_protected(holder: Holder) -> None:
    """Raise UnmodifiableEntity for a service-linked role."""
    if isinstance(holder, Role) and holder.service_linked:
        raise AwsError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{holder.name}' - this role is only modifiable by AWS",
        )


def refuse_other_arns(arn: str) -> None:
    """Raise InvalidInput for what is no ARN of a policy. Observed in clients' reports of AttachRolePolicy."""
    parts = parse_arn(arn)
    if parts is None or parts.service != "iam" or not parts.resource.startswith("policy/"):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")


class HolderOperations:
    """Handlers for one noun."""

    def __init__(self, directory: Directory, noun: Literal["Role", "User", "Group"]) -> None:
        self._directory = directory
        self.noun = noun

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        noun = self.noun
        handlers: dict[str, Handler] = {
            f"Put{noun}Policy": self._changing(self._put_policy),
            f"Get{noun}Policy": self._get_policy,
            f"List{noun}Policies": self._list_policies,
            f"Delete{noun}Policy": self._changing(self._delete_policy),
            f"Attach{noun}Policy": self._changing(self._attach),
            f"Detach{noun}Policy": self._changing(self._detach),
            f"ListAttached{noun}Policies": self._list_attached,
        }
        if noun != "Group":
            handlers |= {
                f"Put{noun}PermissionsBoundary": self._changing(self._put_boundary),
                f"Delete{noun}PermissionsBoundary": self._changing(self._delete_boundary),
                f"Tag{noun}": self._changing(self._tag, protected=False),
                f"Untag{noun}": self._changing(self._untag, protected=False),
                f"List{noun}Tags": self._list_tags,
            }
        return [Operation("iam", name, handler, self.access) for name, handler in handlers.items()]

    def access(self, request: Request) -> list[Access]:
        """Return the usual action on the holder's ARN; attaching also tells which policy (iam:PolicyARN), and within which boundary."""
        name = request.params[f"{self.noun}Name"]
        holder = self._table().get(request.account, name.lower())
        told = {
            "iam:PolicyARN": request.params.get("PolicyArn", ""),
            # AWS: user guide "Permissions boundaries", delegating: a new boundary where one is put, else the one that is there.
            "iam:PermissionsBoundary": request.params.get("PermissionsBoundary", holder.boundary if holder else ""),
        }
        context = {key: value for key, value in told.items() if value}
        return [Access(f"iam:{request.operation}", self.arn(request.account, name), context=context)]

    def arn(self, account: str, name: str) -> str:
        """Return the ARN of a holder, or the one it would have at the root path when there is none."""
        holder = self._table().get(account, name.lower())
        return holder.arn if holder else self._directory.arn(account, self.noun.lower(), "/", name)

    def holder(self, request: Request) -> Holder:
        """Return the holder that the request names. Raises NoSuchEntity."""
        account, name = request.account, request.params[f"{self.noun}Name"]
        match self.noun:
            case "Role":
                return self._directory.role(account, name)
            case "User":
                return self._directory.user(account, name)
            case _:
                return self._directory.group(account, name)

    def _table(self) -> Table[Role] | Table[User] | Table[Group]:
        match self.noun:
            case "Role":
                return self._directory.roles
            case "User":
                return self._directory.users
            case _:
                return self._directory.groups

    def _changing(self, change: Callable[[Request, Holder], None], *, protected: bool = True) -> Handler:
        def handler(request: Request) -> Output:
            holder = self.holder(request)
            if protected:
                refuse_protected(holder)
            change(request, holder)
            self._directory.keep(holder)
            return {}

        return handler

    def _put_policy(self, request: Request, holder: Holder) -> None:
        name, text = request.params["PolicyName"], request.params["PolicyDocument"]
        check_identity_policy(self._directory, text)
        limit = INLINE_CHARACTERS_MAX[self.noun]
        if sum(weight(other) for key, other in holder.inline.items() if key != name) + weight(text) > limit:
            raise AwsError(
                "LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {self.noun.lower()} {holder.name}", 409
            )
        holder.inline[name] = text

    def _get_policy(self, request: Request) -> Output:
        holder, name = self.holder(request), request.params["PolicyName"]
        if name not in holder.inline:
            raise self._no_policy(name)
        return {f"{self.noun}Name": holder.name, "PolicyName": name, "PolicyDocument": on_the_wire(holder.inline[name])}

    def _no_policy(self, name: str) -> AwsError:
        return missing(f"The {self.noun.lower()} policy with name {name} cannot be found.")

    def _list_policies(self, request: Request) -> Output:
        return listed(request, "PolicyNames", list(self.holder(request).inline), lambda name: name)

    def _delete_policy(self, request: Request, holder: Holder) -> None:
        if holder.inline.pop(request.params["PolicyName"], None) is None:
            raise self._no_policy(request.params["PolicyName"])

    def _attach(self, request: Request, holder: Holder) -> None:
        arn = request.params["PolicyArn"]
        refuse_other_arns(arn)
        self._directory.aws.refuse_missing(arn)
        policy = self._directory.find_policy(arn)
        if policy is None or not (policy.aws_owned or policy.account == holder.account):
            raise missing(f"Policy {arn} does not exist or is not attachable.")
        if policy.path.startswith("/aws-service-role/"):
            raise AwsError("PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role.")
        if arn in holder.attached:
            return
        if len(holder.attached) >= ATTACHED_MAX:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPer{self.noun}: {ATTACHED_MAX}", 409)
        holder.attached.append(arn)

    def _detach(self, request: Request, holder: Holder) -> None:
        arn = request.params["PolicyArn"]
        if arn not in holder.attached:
            raise missing(f"Policy {arn} was not found.")
        holder.attached.remove(arn)

    def _list_attached(self, request: Request) -> Output:
        policies = [self._directory.policy(arn) for arn in self.holder(request).attached]
        prefix = request.params.get("PathPrefix", "/")
        rows = [{"PolicyName": policy.name, "PolicyArn": policy.arn} for policy in policies if policy.path.startswith(prefix)]
        return listed(request, "AttachedPolicies", rows, lambda row: row["PolicyArn"])

    def _tag(self, request: Request, holder: Holder) -> None:
        holder.tags = merged(holder.tags, request)

    def _untag(self, request: Request, holder: Holder) -> None:
        holder.tags = without(holder.tags, request)

    def _put_boundary(self, request: Request, holder: Holder) -> None:
        holder.boundary = checked_boundary(self._directory, request.account, request.params["PermissionsBoundary"])

    def _delete_boundary(self, _request: Request, holder: Holder) -> None:
        if not holder.boundary:
            # ASSUMED: the words of AWS's own clients' reports.
            raise missing(f"The {self.noun.lower()} with name {holder.name} has no permissions boundary.")
        holder.boundary = ""

    def _list_tags(self, request: Request) -> Output:
        return listed(request, "Tags", tag_list(self.holder(request).tags), lambda tag: tag["Key"])
