"""What IAM and STS keep: rows of plain data. Policy documents are kept as the text that was given."""

from dataclasses import dataclass, field


@dataclass
class Holder:
    """Somebody who can hold policies: a role, a user or a group. `arn` includes the path.

    `boundary` is the ARN of the managed policy that bounds what a role or user may do, however much its own policies allow.
    """

    account: str
    name: str
    path: str
    arn: str
    unique_id: str
    created: float
    inline: dict[str, str] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    boundary: str = ""


@dataclass
class Role(Holder):
    """A role; `trust` is its trust policy, `service_linked` the service that owns it."""

    trust: str = ""
    description: str = ""
    max_session_s: int = 3600
    service_linked: str = ""
    last_used: float | None = None
    last_used_region: str = ""


@dataclass
class User(Holder):
    """An IAM user."""


@dataclass
class Group(Holder):
    """A group of users; `members` are their unique ids, which outlive a new name."""

    members: list[str] = field(default_factory=list)


@dataclass
class PolicyVersion:
    """One version of a managed policy."""

    id: str
    document: str
    created: float


@dataclass
class ManagedPolicy:
    """A managed policy; `account` is `aws` for AWS's own."""

    account: str
    name: str
    path: str
    arn: str
    unique_id: str
    created: float
    updated: float
    default_version: str
    versions: list[PolicyVersion]
    newest: int = 1
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def aws_owned(self) -> bool:
        """Say whether AWS manages it."""
        return self.account == "aws"

    @property
    def document(self) -> str:
        """The text of the version in force."""
        return next(version.document for version in self.versions if version.id == self.default_version)


@dataclass
class InstanceProfile:
    """What an EC2 instance carries to be given a role; holds one role at most."""

    account: str
    name: str
    path: str
    arn: str
    unique_id: str
    created: float
    role: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class AccessKey:
    """A long-lived key of a user."""

    id: str
    secret: str
    account: str
    user: str
    created: float
    active: bool = True
    last_used: float | None = None
    last_used_region: str = ""
    last_used_service: str = ""


@dataclass
class Session:
    """Temporary credentials: of an assumed role, of a user (GetSessionToken), or of whom a user lets in (GetFederationToken).

    `role_id` outlives the name: a new role of that name is another role. Of the others, `user_id` is the unique id of the user.
    `tags` are the session's own (aws:PrincipalTag speaks of them before the role's); those named in `transitive` go on to the next
    session of a role chain, as does `source_identity`.
    """

    id: str
    secret: str
    token: str
    account: str
    role_arn: str
    role_id: str
    arn: str
    name: str
    issued: float
    expires: float
    policies: tuple[str, ...] = ()
    user_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    source_identity: str = ""


@dataclass
class AccountSettings:
    """What is set for an account as a whole; `password_policy` is empty when there is none."""

    account: str
    alias: str = ""
    password_policy: dict[str, int | bool] = field(default_factory=dict)


@dataclass
class DeletionTask:
    """A service-linked role that was asked to go."""

    id: str
    account: str
