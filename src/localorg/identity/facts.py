"""The condition keys of one request, found when a policy first asks for them.

Flow: key -> what the request brings (`Access.context`), else what the rows say of caller, resource and organization.
Rules: a key is filled truthfully, or is truthfully absent (None), or is refused by name (NotSupported) because AWS would fill it.
Refuses to know: policies.

AWS: IAM user guide, "AWS global condition context keys"; "IAM policy elements: Variables and tags", principal key values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from localorg.identity.directory import Directory
from localorg.identity.keys import refused_for
from localorg.identity.records import Holder, Session
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import NotSupported
from localorg.protocol.calls import Access, Principal
from localorg.protocol.partitions import partition

Values = tuple[str, ...]
OrganizationOf = Callable[[str], str | None]
"""account id -> the id of its organization (or its path in it), or None."""
TagsOf = Callable[[str, str], Mapping[str, str]]
"""(the caller's account, the ARN of a resource) -> its tags. Raises NotSupported where nobody here knows."""
TAGS_SPOKEN_OF_BY: dict[str, tuple[str, ...]] = {
    "aws:resourcetag": ("",),
    "ec2:resourcetag": ("ec2:",),
    "iam:resourcetag": ("iam:", "sts:"),
    "ssm:resourcetag": ("ssm:",),
}
"""Condition key -> how the actions begin that fill it. AWS: Service Authorization Reference: SendCommand has ec2:ResourceTag too."""
GLOBAL_SERVICES = frozenset({"iam", "organizations"})
"""AWS: aws:RequestedRegion is their home Region in the partition, whatever Region the caller signed."""
PRINCIPAL_TYPES = {"user": "User", "role": "AssumedRole", "federated": "FederatedUser", "root": "Account"}


@dataclass(frozen=True)
class Surroundings:
    """Whom facts are asked of."""

    directory: Directory
    organization_of: OrganizationOf
    path_of: OrganizationOf
    tags_of: TagsOf


@dataclass(frozen=True)
class Facts:
    """The keys of one request of `principal`; `holder` is its role or user."""

    around: Surroundings
    principal: Principal
    holder: Holder | None
    region: str
    access: Access

    def get(self, key: str) -> Values | None:
        """Return the values of a condition key, in any case, or None when this request has none. Raises NotSupported."""
        written, key = key, key.lower()
        brought = self._brought.get(key)
        if brought is not None:
            return brought or None
        spoken_of, slash, tag_key = key.partition("/")
        if slash and spoken_of in TAGS_SPOKEN_OF_BY:
            return _values(self._tag_of_resource(spoken_of, tag_key))
        if slash and spoken_of == "aws:principaltag":
            return _values(self._tag_of_caller(tag_key))
        if key in FINDERS:
            return _values(FINDERS[key](self)) or None
        if refused_for(key, self.access.action):
            raise unknowable(written)
        return None

    @cached_property
    def _brought(self) -> dict[str, Values]:
        return {name.lower(): _values(value) or () for name, value in self.access.context.items()}

    @cached_property
    def session(self) -> Session | None:
        """The session whose credentials the caller has, or None."""
        return self.around.directory.sessions.get(self.principal.access_key) if self.principal.access_key else None

    @property
    def owner(self) -> str:
        """The account that owns the resource."""
        arn = parse_arn(self.access.resource)
        # ASSUMED: what AWS itself owns (an ARN without account, such as document/AWS-...) counts as the caller's own here.
        return self.access.owner or (arn.account if arn else "") or self.principal.account

    @property
    def now(self) -> float:
        """The time of the request."""
        return self.around.directory.kernel.now()

    def _tag_of_resource(self, key: str, tag_key: str) -> str | None:
        """Return the resource's tag. AWS: IAM user guide, aws:ResourceTag: the tag's key in any case, "but not both" of two cases."""
        access, begins = self.access, TAGS_SPOKEN_OF_BY[key]
        is_node_of_ec2 = key == "ec2:resourcetag" and access.action == "ssm:SendCommand" and ":instance/" in access.resource
        if not access.action.startswith(begins) and not is_node_of_ec2:
            return None
        of_iam = self._tags_of_iam()
        tags = self.around.tags_of(self.principal.account, access.resource) if of_iam is None else of_iam
        found = [value for name, value in tags.items() if name.lower() == tag_key]
        return found[0] if len(found) == 1 else None

    def _tags_of_iam(self) -> Mapping[str, str] | None:
        """Return the tags of a role, user, policy or instance profile, or None when the resource is none of them."""
        arn, directory = parse_arn(self.access.resource), self.around.directory
        if arn is None or arn.service != "iam":
            return None
        kind, _, path = arn.resource.partition("/")
        finders = {
            "role": directory.roles.get,
            "user": directory.users.get,
            "policy": directory.policies.get,
            "instance-profile": directory.profiles.get,
        }
        found = finders[kind](arn.account, path.rsplit("/", 1)[-1].lower()) if kind in finders else None
        return found.tags if found and found.arn == self.access.resource else {}

    def _tag_of_caller(self, tag_key: str) -> str | None:
        """AWS: STS, "Pass session tags": a session's tag stands before its role's, in whatever case its key is."""
        own = self.holder.tags if self.holder and self.principal.kind != "federated" else {}
        tags = {name.lower(): value for name, value in own.items()}
        tags |= {name.lower(): value for name, value in (self.session.tags if self.session else {}).items()}
        return tags.get(tag_key)


def unknowable(key: str) -> NotSupported:
    """Return the refusal of a call that a key decides which AWS would fill and nobody here can."""
    return NotSupported(f"the condition key {key}", "a policy that decides this call")


def _values(value: str | Sequence[str] | None) -> Values | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


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


def date(epoch: float) -> str:
    """Return a moment as the date keys have it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Finder = Callable[[Facts], str | Sequence[str] | None]


def _absent(_facts: Facts) -> None:
    """Nobody here can have the key: there are no VPC endpoints, and no devices for multi-factor authentication."""


def _of_caller(find: Callable[[Facts], str | None]) -> Finder:
    """Return a finder for callers who are somebody of an account, not a service and not nobody."""
    return lambda facts: find(facts) if facts.principal.kind in PRINCIPAL_TYPES else None


def _of_service(find: Callable[[Facts], str | None]) -> Finder:
    return lambda facts: (find(facts) or None) if facts.principal.kind == "service" else None


def _user_id(facts: Facts) -> str | None:
    match facts.principal.kind:
        case "service":
            return None
        case "anonymous" | "node":
            return "anonymous"
        case _:
            return user_id(facts.principal, facts.holder)


def _user_name(facts: Facts) -> str | None:
    return facts.holder.name if facts.holder and facts.principal.kind == "user" else None


def _principal_type(facts: Facts) -> str | None:
    return None if facts.principal.kind == "service" else PRINCIPAL_TYPES.get(facts.principal.kind, "Anonymous")


def _issued(facts: Facts) -> str | None:
    if facts.session:
        return date(facts.session.issued)
    # A service that acts as its own role has credentials that it was given just now.
    return date(facts.now) if facts.principal.kind == "role" else None


def _with_device(facts: Facts) -> str | None:
    """AWS: aws:MultiFactorAuthPresent is only there for temporary credentials, and then says whether a device was asked."""
    return "false" if facts.session or facts.principal.kind in {"role", "federated"} else None


def _source_ip(_facts: Facts) -> str | None:
    # An engine's call comes from an address of AWS, which nobody knows; a call over the wire brings its own (Access.context).
    raise unknowable("aws:SourceIp of a call that an AWS service makes")


def _user_agent(facts: Facts) -> str | None:
    if facts.principal.via:
        # AWS: CloudTrail and policies see the service's name as the agent of a call that it makes for its caller.
        return facts.principal.via[-1]
    raise unknowable("aws:UserAgent of a call that an AWS service makes")


def _region(facts: Facts) -> str:
    service = facts.access.action.partition(":")[0]
    home = partition(facts.around.directory.partition).home_region(service) if service in GLOBAL_SERVICES else ""
    return home or facts.region


FINDERS: dict[str, Finder] = {
    "aws:calledvia": lambda facts: facts.principal.via,
    "aws:calledviafirst": lambda facts: facts.principal.via[:1],
    "aws:calledvialast": lambda facts: facts.principal.via[-1:],
    "aws:currenttime": lambda facts: date(facts.now),
    "aws:epochtime": lambda facts: str(int(facts.now)),
    "aws:federatedprovider": _absent,
    "aws:multifactorauthage": _absent,
    "aws:multifactorauthpresent": _with_device,
    "aws:principalaccount": _of_caller(lambda facts: facts.principal.account),
    "aws:principalarn": _of_caller(lambda facts: facts.principal.role_arn or facts.principal.arn),
    "aws:principalisawsservice": lambda facts: "true" if facts.principal.kind == "service" else "false",
    "aws:principalorgid": _of_caller(lambda facts: facts.around.organization_of(facts.principal.account)),
    "aws:principalorgpaths": _of_caller(lambda facts: facts.around.path_of(facts.principal.account)),
    "aws:principalservicename": _of_service(lambda facts: facts.principal.service),
    "aws:principalservicenameslist": _of_service(lambda facts: facts.principal.service),
    "aws:principaltype": _principal_type,
    "aws:referer": _absent,
    "aws:requestedregion": _region,
    "aws:resourceaccount": lambda facts: facts.owner or None,
    "aws:resourceorgid": lambda facts: facts.around.organization_of(facts.owner) if facts.owner else None,
    "aws:resourceorgpaths": lambda facts: facts.around.path_of(facts.owner) if facts.owner else None,
    # AWS's services speak TLS to one another; a call over the wire brings the truth about itself.
    "aws:securetransport": lambda _facts: "true",
    "aws:sourceaccount": _of_service(lambda facts: facts.principal.source_account),
    "aws:sourcearn": _of_service(lambda facts: facts.principal.source_arn),
    "aws:sourceidentity": lambda facts: (facts.session.source_identity or None) if facts.session else None,
    "aws:sourceip": _source_ip,
    "aws:sourceorgid": _of_service(lambda facts: facts.around.organization_of(facts.principal.source_account)),
    "aws:sourceorgpaths": _of_service(lambda facts: facts.around.path_of(facts.principal.source_account)),
    "aws:sourcevpc": _absent,
    "aws:sourcevpce": _absent,
    "aws:tagkeys": _absent,
    "aws:tokenissuetime": _issued,
    "aws:useragent": _user_agent,
    "aws:userid": _user_id,
    "aws:username": _user_name,
    "aws:viaawsservice": lambda facts: "true" if facts.principal.via else "false",
    "aws:vpcsourceip": _absent,
}
"""Global key in lower case -> how it is found where the request does not bring it."""
