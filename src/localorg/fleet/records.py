"""What the fleet keeps: nodes, messages on their way, what nodes said. Times are epoch seconds.

Rows: "fleet.node" by (account, region, node id); "fleet.message" by (account, region, node id, message id);
"fleet.activation" by (account, region, activation id); "fleet.package-result" by (account, region, node id, package name);
"fleet.association-status" by (account, region, node id, association id).
"""

from dataclasses import dataclass, field
from typing import Any

from localorg.fleet.replies import DocumentResult


@dataclass(frozen=True)
class NodeSeed:
    """A node that the spec brings into being, as if its agent had registered once.

    `role` is the name of the IAM role of its instance profile; `secret` is what the node proves itself with to the server
    (never shown by any operation).
    """

    instance_id: str
    account: str
    region: str
    computer_name: str
    ip_address: str
    platform_type: str
    platform_name: str
    platform_version: str
    role: str
    secret: str = field(default="", repr=False)
    architecture: str = "x86_64"
    agent_version: str = "3.3.0.0"
    source: str = "EC2Instance"
    """ResourceType: EC2Instance or ManagedInstance."""


@dataclass
class Node:
    """A managed node: its seed, then whatever its agent reported last."""

    instance_id: str
    account: str
    region: str
    computer_name: str
    ip_address: str
    platform_type: str
    platform_name: str
    platform_version: str
    role: str
    secret: str = field(repr=False)
    architecture: str
    agent_version: str
    source: str
    registered: float
    last_contact: float | None = None
    zone: str = ""
    """The Availability Zone that the agent reported."""
    name: str = ""
    """DefaultInstanceName of the activation; an EC2 instance has none."""
    activation_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    """Of a hybrid node (mi-...); an EC2 instance's are EC2's."""
    state: str = "running"
    """Of the EC2 instance beneath; a hybrid node stays as it is."""
    silent: bool = False
    """Taken for lost at once, though its last contact is not long ago; its next word undoes it."""
    fingerprint: str = ""
    """What a hybrid node's agent knows its machine by; it must say the same with every request for a token."""
    public_key: str = ""
    """Of a hybrid node: base64 of the DER form, as it was registered."""
    former_roles: list[str] = field(default_factory=list)
    """Roles that it had before UpdateManagedInstanceRole: their sessions are its own until they expire."""


@dataclass
class Activation:
    """A right to register hybrid nodes. `reserved`: ids that its first registrations get, for nodes that a spec describes."""

    activation_id: str
    account: str
    region: str
    code: str = field(repr=False)
    role: str
    created: float
    expires: float
    limit: int = 1
    registered: int = 0
    description: str = ""
    default_name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    reserved: list[str] = field(default_factory=list)


@dataclass
class Message:
    """A message to a node. `settled`: it will not be delivered again; `handed_out` counts deliveries."""

    message_id: str
    instance_id: str
    account: str
    region: str
    topic: str
    payload: str
    created: float
    visible: float
    handed_out: int = 0
    settled: bool = False
    alarm: str = ""
    result: DocumentResult = field(default_factory=DocumentResult)


@dataclass
class PackageReport:
    """What an agent said of a package with PutConfigurePackageResult, the latest per package."""

    package_name: str
    package_version: str
    operation: str
    result: int
    reported: float
    body: dict[str, Any]


@dataclass
class AssociationState:
    """What one association last came to on one node. `status`: Pending, InProgress, Success, Failed, TimedOut, Skipped ..."""

    association_id: str
    name: str
    status: str
    detailed_status: str
    executed: float | None = None
    succeeded: float | None = None
