"""What IAM and STS keep: rows of plain data. Policy documents are kept as the text that was given."""

from dataclasses import dataclass, field


@dataclass
class Holder:
    """Somebody who can hold policies: a role or a user. `arn` includes the path."""

    account: str
    name: str
    path: str
    arn: str
    unique_id: str
    created: float
    inline: dict[str, str] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


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


@dataclass
class Session:
    """Temporary credentials of an assumed role. `role_id` outlives the name: a new role of that name is another role."""

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
