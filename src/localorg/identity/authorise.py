"""The authoriser of the gateway: every call, from the wire or from an engine, is judged here.

Flow: (principal, Region, Access) -> the caller's policies from the rows + the resource's policy + condition keys -> `decide` ->
nothing, or AccessDenied with AWS's sentence.
Rules: every key that conditions.py names is filled truthfully or is absent. A session of a role that was deleted, or deleted and made
again, has no policies any more.
Refuses to know: what the call is about.

AWS: IAM user guide, "AWS global condition context keys", "Troubleshoot access denied error messages".
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from localorg.identity.directory import Directory
from localorg.identity.evaluate import Denial, Policies, Question, decide
from localorg.identity.policy import Policy, parsed
from localorg.identity.records import Holder, User
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Access, Principal
from localorg.protocol.partitions import partition

OrganizationOf = Callable[[str], str | None]
"""account id -> the id of its organization, or None."""
TagsOf = Callable[[str, str], Mapping[str, str]]
"""(the caller's account, the ARN of a resource) -> its tags. Raises NotSupported where nobody here knows."""
TAGS_SPOKEN_OF_BY = {"aws:resourcetag": "", "ec2:resourcetag": "ec2:", "ssm:resourcetag": "ssm:"}
"""Condition key -> how the actions begin that fill it. AWS: Service Authorization Reference: SendCommand has ec2:ResourceTag too."""
GLOBAL_SERVICES = frozenset({"iam", "organizations"})
"""AWS: aws:RequestedRegion is their home Region in the partition, whatever Region the caller signed."""
PRINCIPAL_TYPES = {"user": "User", "role": "AssumedRole", "federated": "FederatedUser", "root": "Account"}


class Authoriser:
    """Answers `check` for the gateway."""

    def __init__(self, directory: Directory, organization_of: OrganizationOf, tags_of: TagsOf) -> None:
        self.directory = directory
        self.organization_of = organization_of
        self.tags_of = tags_of

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Raise AccessDenied unless `principal` may do `access`."""
        denial = self.denial(principal, region, access)
        if denial:
            raise AccessDenied(
                f"User: {principal.arn or 'anonymous'} is not authorized to perform: {access.action} "
                f"on resource: {access.resource} {denial.reason}"
            )

    def denial(self, principal: Principal, region: str, access: Access) -> Denial | None:
        """Return why `principal` may not do `access`, or None when it may."""
        if principal.kind in {"user", "role", "federated"} and self.holder(principal) is None:
            # Whoever was deleted holds nothing any more; nor does a resource's policy that names the ARN speak of them, for AWS keeps
            # the unique id in it, which a new user or role of that name does not have.
            return Denial(f"because no identity-based policy allows the {access.action} action")
        facts = _Facts(self, principal, region, access)
        question = Question(
            principal=principal,
            action=access.action,
            resource=access.resource,
            lookup=facts.get,
            same_account=not access.owner or access.owner == principal.account,
        )
        resource = _resource_policy(access.resource_policy, access.trust) if access.resource_policy is not None else None
        policies = Policies(
            identity=self.identity_policies(principal),
            boundary=self.boundary(principal),
            session=tuple(parsed(text, "session") for text in principal.session_policies),
            resource=resource,
            trust=access.trust,
        )
        return decide(question, policies)

    def identity_policies(self, principal: Principal) -> Sequence[Policy]:
        """Return the policies that the principal's own entity holds."""
        holder = self.holder(principal)
        if holder is None:
            return ()
        holders = [holder, *(self.directory.groups_of(holder) if isinstance(holder, User) else ())]
        return [policy for one in holders for policy in self._held_by(one)]

    def boundary(self, principal: Principal) -> Policy | None:
        """Return what bounds the principal's own entity, or None."""
        holder = self.holder(principal)
        managed = self.directory.find_policy(holder.boundary) if holder and holder.boundary else None
        return parsed(managed.document, "identity", trusted=managed.aws_owned) if managed else None

    def _held_by(self, holder: Holder) -> Iterator[Policy]:
        yield from (parsed(text, "identity") for text in holder.inline.values())
        for arn in holder.attached:
            managed = self.directory.find_policy(arn)
            if managed:
                yield parsed(managed.document, "identity", trusted=managed.aws_owned)

    def holder(self, principal: Principal) -> Holder | None:
        """Return the user or role behind a principal, or None when there is none (any more)."""
        match principal.kind:
            case "user" | "federated":
                user = self.directory.user_by_arn(principal.user_arn or principal.arn)
                session = self.directory.sessions.get(principal.access_key) if principal.access_key else None
                return None if user and session and session.user_id != user.unique_id else user
            case "role":
                role = self.directory.role_by_arn(principal.role_arn)
                session = self.directory.sessions.get(principal.access_key) if principal.access_key else None
                return None if role and session and session.role_id != role.unique_id else role
            case _:
                return None


class _Facts:
    """The condition keys of one request, computed when first asked for."""

    def __init__(self, authoriser: Authoriser, principal: Principal, region: str, access: Access) -> None:
        self._authoriser = authoriser
        self._principal = principal
        self._region = region
        self._access = access
        self._values: dict[str, str | None] | None = None

    def get(self, key: str) -> str | None:
        """Return the value of a condition key (lower case), or None when this request has none. Raises NotSupported."""
        spoken_of, slash, tag_key = key.partition("/")
        if slash and spoken_of in TAGS_SPOKEN_OF_BY:
            return self._of_resource(spoken_of, tag_key)
        if self._values is None:
            self._values = {**self._of_request(), **self._of_caller()}
            self._values |= {name.lower(): value for name, value in self._access.context.items()}
        return self._values.get(key)

    def _of_resource(self, key: str, tag_key: str) -> str | None:
        """Return the resource's tag. AWS: IAM user guide, aws:ResourceTag: the tag's key in any case, "but not both" of two cases."""
        access, begins = self._access, TAGS_SPOKEN_OF_BY[key]
        is_node_of_ec2 = key == "ec2:resourcetag" and access.action == "ssm:SendCommand" and ":instance/" in access.resource
        if not access.action.startswith(begins) and not is_node_of_ec2:
            return None
        tags = self._authoriser.tags_of(self._principal.account, access.resource)
        found = [value for name, value in tags.items() if name.lower() == tag_key]
        return found[0] if len(found) == 1 else None

    def _of_request(self) -> dict[str, str | None]:
        access, principal = self._access, self._principal
        arn = parse_arn(access.resource)
        # ASSUMED: what AWS itself owns (an ARN without account, such as document/AWS-...) counts as the caller's own here.
        owner = access.owner or (arn.account if arn else "") or principal.account
        service = access.action.partition(":")[0]
        home = partition(self._authoriser.directory.partition).home_region(service) if service in GLOBAL_SERVICES else ""
        return {
            "aws:requestedregion": home or self._region,
            "aws:resourceaccount": owner or None,
            "aws:resourceorgid": self._authoriser.organization_of(owner) if owner else None,
        }

    def _of_caller(self) -> dict[str, str | None]:
        principal, organization_of = self._principal, self._authoriser.organization_of
        if principal.kind == "service":
            source = principal.source_account
            return {
                "aws:principalisawsservice": "true",
                "aws:principalservicename": principal.service,
                "aws:sourceaccount": source or None,
                "aws:sourcearn": principal.source_arn or None,
                "aws:sourceorgid": organization_of(source) if source else None,
            }
        if principal.kind in {"anonymous", "node"}:
            return {"aws:principalisawsservice": "false", "aws:principaltype": "Anonymous", "aws:userid": "anonymous"}
        holder = self._authoriser.holder(principal)
        return {
            "aws:principalisawsservice": "false",
            "aws:principalaccount": principal.account,
            "aws:principalarn": principal.role_arn or principal.arn,
            "aws:principalorgid": organization_of(principal.account),
            # AWS: "Principal key values", IAM user guide, policy variables.
            "aws:principaltype": PRINCIPAL_TYPES[principal.kind],
            "aws:userid": user_id(principal, holder),
            "aws:username": holder.name if holder and principal.kind == "user" else None,
        }


def user_id(principal: Principal, holder: Holder | None) -> str:
    """Return aws:userid: AIDA... of a user, AROA...:session of a role session, ACCOUNT:name of whom a user let in, or the account."""
    if holder is None:
        return principal.account
    name = principal.arn.rsplit("/", 1)[-1]
    match principal.kind:
        case "role":
            return f"{holder.unique_id}:{name}"
        case "federated":
            return f"{principal.account}:{name}"
        case _:
            return holder.unique_id


def _resource_policy(document: Mapping[str, Any], trust: bool) -> Policy:  # noqa: FBT001 - the flag of Access, passed on
    return parsed(json.dumps(document), "trust" if trust else "resource")
