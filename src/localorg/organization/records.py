"""What the organization engine keeps, and the seed that an organization begins from.

Rules: an account has one parent (the root or a unit); ids are AWS's shapes. Refuses to know: what the accounts contain.
"""

from dataclasses import dataclass, field

PENDING_ACTIVATION = "PENDING_ACTIVATION"
ACTIVE = "ACTIVE"
SUSPENDED = "SUSPENDED"
PENDING_CLOSURE = "PENDING_CLOSURE"
CLOSED = "CLOSED"
STATES = (PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED)
"""AWS: Organizations API reference, AccountState."""


SERVICE_CONTROL_POLICY = "SERVICE_CONTROL_POLICY"
RESOURCE_CONTROL_POLICY = "RESOURCE_CONTROL_POLICY"


@dataclass
class OrganizationRecord:
    """The organization: one row, keyed by its id (`o-...`). `policy_types` are those enabled in the root."""

    organization_id: str
    root_id: str
    management_account: str
    policy_types: list[str] = field(default_factory=lambda: [SERVICE_CONTROL_POLICY])
    # AWS: Organizations API reference, CreateOrganization: service control policies are enabled in the root from the start.
    root_tags: dict[str, str] = field(default_factory=dict)


@dataclass
class UnitRecord:
    """One organizational unit (`ou-abcd-11111111`), keyed by its id."""

    unit_id: str
    name: str
    parent: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class AccountRecord:
    """One account of the organization, keyed by its id. Times are epoch seconds; `created` only of what CreateAccount made."""

    account_id: str
    name: str
    email: str
    state: str
    parent: str
    joined: float
    joined_method: str = "CREATED"
    tags: dict[str, str] = field(default_factory=dict)
    created: float | None = None
    closed: float | None = None
    billing_access: str = "ALLOW"


@dataclass
class OutsiderRecord:
    """An account that exists outside the organization, keyed by its id; it may be invited."""

    account_id: str
    name: str
    email: str
    state: str = ACTIVE


@dataclass
class ClosureRecord:
    """CloseAccount was asked for an account at a moment; kept because a quota counts them."""

    account_id: str
    asked: float


@dataclass
class ResourcePolicyRecord:
    """The policy by which the organization lets members manage its policies (`rp-...`); there is at most one."""

    policy_id: str
    content: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class HandshakeRecord:
    """An invitation (`h-...`) to an account outside, keyed by its id. `ended` is when it left the state OPEN."""

    handshake_id: str
    account_id: str
    target: str
    target_type: str
    state: str
    requested: float
    expires: float
    notes: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    ended: float | None = None


@dataclass
class DelegationRecord:
    """One account is the delegated administrator of one service; keyed (account, service)."""

    account_id: str
    service: str
    enabled: float


@dataclass
class ServiceAccessRecord:
    """Trusted access of one service, keyed by its principal."""

    service: str
    enabled: float


@dataclass
class PolicyRecord:
    """One policy that somebody of the organization made (`p-...`), keyed by its id."""

    policy_id: str
    name: str
    description: str
    policy_type: str
    content: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class AttachmentRecord:
    """One policy is attached to one root, unit or account; keyed (target, policy id)."""

    target: str
    policy_id: str


@dataclass(frozen=True)
class ControlPolicy:
    """A service or resource control policy as whoever obeys it reads it; `content` is its JSON text."""

    policy_id: str
    name: str
    arn: str
    content: str


@dataclass
class CreationRecord:
    """A CreateAccount request (`car-...`) and what became of it."""

    request_id: str
    account_name: str
    email: str
    state: str
    requested: float
    tags: dict[str, str] = field(default_factory=dict)
    completed: float | None = None
    account_id: str = ""
    failure: str = ""
    role_name: str = "OrganizationAccountAccessRole"
    billing_access: str = "ALLOW"


@dataclass(frozen=True)
class UnitSeed:
    """An organizational unit of the seed; `parent` is the root id or another unit's id."""

    unit_id: str
    name: str
    parent: str


@dataclass(frozen=True)
class AccountSeed:
    """An account of the seed; `parent` is the root id or a unit's id, `state` one of STATES."""

    account_id: str
    name: str
    email: str
    parent: str
    state: str = ACTIVE
    joined_method: str = "CREATED"


@dataclass(frozen=True)
class OrganizationSeed:
    """What an organization begins with. The management account must be among `accounts`."""

    organization_id: str
    root_id: str
    management_account: str
    units: tuple[UnitSeed, ...] = ()
    accounts: tuple[AccountSeed, ...] = ()
    delegated_administrators: tuple[tuple[str, str], ...] = ()
    """(account id, service principal)"""
    enabled_services: tuple[str, ...] = ()
    """Service principals with trusted access."""
    outsiders: tuple[AccountSeed, ...] = ()
    """Accounts that exist outside the organization; their `parent` says nothing."""
    policy_types: tuple[str, ...] = (SERVICE_CONTROL_POLICY,)
    """The policy types that are enabled in the root from the start."""
