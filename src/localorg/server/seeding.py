"""From the spec to a living organization: accounts, units, administrators, node roles, instances, buckets.

Flow: Spec -> organization.seed -> for each account an administrator with keys -> for each node a role session's ground, an EC2
instance and a place in the fleet; for a hybrid node an activation, by which it registers itself. Everything here is idempotent: on a
second `up` the rows that exist win, and what the spec has new is added; a node that exists follows the spec in what a person switches
(online, tags, channel), and another persona is refused.
Instance ids are a digest of where a node stands in the spec, so that they are the same in every run of it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from localorg.fleet.activations import LIFE_MAX_S
from localorg.fleet.records import NodeSeed
from localorg.identity.bootstrap import ORGANIZATION_ROLE
from localorg.instances.records import InstanceSeed
from localorg.kernel.events import Event
from localorg.kernel.store import Store
from localorg.organization.records import AccountSeed, OrganizationSeed, UnitSeed
from localorg.organization.trusted import STACKSETS
from localorg.server.engines import Engines
from localorg.server.personas import PERSONAS
from localorg.server.spec import AccountSpec, NodesSpec, Spec

NODE_ROLE = "localorg-node"
HYBRID_ROLE = "localorg-hybrid-node"
AGENT_VERSION = "3.3.0.0"
ORGANIZATIONS = "organizations.amazonaws.com"


@dataclass
class NodeRecord:
    """One node as the spec last described it; `secret` is its proof towards the instance-metadata stand-in."""

    instance_id: str
    account: str
    region: str
    persona: str
    name: str
    online: bool
    tags: dict[str, str] = field(default_factory=dict)
    ip_address: str = ""
    secret: str = field(default="", repr=False)
    hybrid: bool = False
    activation_id: str = ""
    activation_code: str = field(default="", repr=False)
    channel: str = "polls"

    def as_host_config(self) -> dict[str, Any]:
        """Return what the node host needs to know of this node."""
        return {
            "instance_id": self.instance_id,
            "account": self.account,
            "region": self.region,
            "persona": PERSONAS[self.persona].as_json(),
            "computer_name": self.name,
            "ip_address": self.ip_address,
            "secret": self.secret,
            "online": self.online,
            "channel": self.channel,
            **({"activation_id": self.activation_id, "activation_code": self.activation_code} if self.hybrid else {}),
        }


@dataclass(frozen=True)
class NodeChange:
    """What the spec has changed about a node since the last `up`: tags by key (None: taken away), and whether it was switched off."""

    instance_id: str
    account: str
    region: str
    tags: dict[str, str | None]
    is_silenced: bool


def node_records(spec: Spec, store: Store) -> tuple[list[NodeRecord], list[NodeChange]]:
    """Return every node of the organization as it is to be, and what is new about those that were there already.

    Makes rows for nodes that the spec has and the store has not. Raises ValueError with every node that would be another machine.
    """
    table = store.table("server.node", NodeRecord)
    described, changes = list(_described(spec)), []
    problems = [problem for wanted in described if (problem := _problem(table.get(wanted.instance_id), wanted))]
    if problems:
        raise ValueError("".join(f"\n  - {problem}" for problem in problems))
    taken = {record.ip_address for record in table.values()}
    free = (address for address in _addresses() if address not in taken)
    for wanted in described:
        known = table.get(wanted.instance_id)
        if known is None:
            wanted.secret, wanted.ip_address = secrets.token_urlsafe(24), next(free)
            table.put(wanted, wanted.instance_id)
        else:
            changes.append(_change(known, wanted))
            kept = replace(known, name=wanted.name, online=wanted.online, tags=wanted.tags, channel=wanted.channel)
            table.put(kept, known.instance_id)
    return table.values(), changes


def _problem(known: NodeRecord | None, wanted: NodeRecord) -> str:
    if known is None or known.persona == wanted.persona:
        return ""
    return (
        f"node {known.instance_id} ({known.name}) was made as {known.persona}, and the spec has {wanted.persona} in its place. "
        "Put the persona back, and add new nodes at the end of the list"
    )


def _change(known: NodeRecord, wanted: NodeRecord) -> NodeChange:
    tags: dict[str, str | None] = dict.fromkeys(known.tags.keys() - wanted.tags.keys())
    tags |= {key: value for key, value in wanted.tags.items() if known.tags.get(key) != value}
    return NodeChange(known.instance_id, known.account, known.region, tags, known.online and not wanted.online)


def _addresses() -> Iterator[str]:
    return (f"10.{serial >> 16 & 255}.{serial >> 8 & 255}.{serial & 255}" for serial in count(1))


def _described(spec: Spec) -> Iterator[NodeRecord]:
    for entry, nodes in enumerate(spec.nodes):
        for number in range(nodes.count):
            yield _record(spec, nodes, f"{entry}/{number}", number)


def _record(spec: Spec, nodes: NodesSpec, place: str, number: int) -> NodeRecord:
    seed = f"{spec.organization.id}/{nodes.account}/{nodes.region}/{place}"
    name = nodes.name or f"node-{nodes.persona}"
    name = f"{name}-{number + 1}" if nodes.count > 1 else name
    return NodeRecord(
        instance_id=("mi-" if nodes.hybrid else "i-") + hashlib.sha256(seed.encode()).hexdigest()[:17],
        account=nodes.account,
        region=nodes.region,
        persona=nodes.persona,
        name=name,
        online=nodes.online,
        tags={"Name": name, **nodes.tags},
        hybrid=nodes.hybrid,
        channel=nodes.channel,
    )


def seed(engines: Engines, spec: Spec, records: list[NodeRecord], changes: list[NodeChange]) -> None:
    """Bring the organization into being, or add and change what the spec has new. Raises ValueError with every mismatch."""
    is_first_time = not engines.organization.accounts()
    seeded = organization_seed(spec)
    engines.organization.seed(seeded)
    management = spec.organization.management.id
    if is_first_time and STACKSETS in (*seeded.enabled_services, *(service for _, service in seeded.delegated_administrators)):
        engines.stacks.activate_stack_sets(management)
    for account in [*engines.organization.accounts(), *engines.organization.outsiders()]:
        engines.identity.bootstrap_account(account)
    for account in engines.organization.accounts():
        engines.identity.bootstrap_linked_role(account, ORGANIZATIONS)
    for member in spec.accounts():
        # AWS: Organizations user guide, "Accessing member accounts": who was invited has no such role until somebody makes one.
        if member.id != management and member.joined == "CREATED":
            engines.identity.bootstrap_organization_access_role(member.id, management)
    for account in {record.account for record in records if not record.hybrid}:
        engines.identity.bootstrap_node_role(account, NODE_ROLE)
    for record in records:
        seed_node(engines, record)
    for change in changes:
        engines.instances.retag(change.account, change.region, change.instance_id, change.tags)
        engines.fleet.retag(change.account, change.region, change.instance_id, change.tags)
        if change.is_silenced:
            engines.fleet.silence(change.account, change.region, change.instance_id)


def organization_seed(spec: Spec) -> OrganizationSeed:
    """Return the spec's organization as the organization engine takes it."""
    organization = spec.organization
    accounts = [_account(account, organization.root) for account in organization.accounts]
    accounts += [_account(account, unit.id) for _, unit in spec.units() for account in unit.accounts]
    return OrganizationSeed(
        organization_id=organization.id,
        root_id=organization.root,
        management_account=organization.management.id,
        units=tuple(UnitSeed(unit.id, unit.name, parent) for parent, unit in spec.units()),
        accounts=(_account(organization.management, organization.root), *accounts),
        delegated_administrators=tuple((d.account, d.service) for d in organization.delegated_administrators),
        enabled_services=organization.trusted_services,
        outsiders=tuple(_account(account, "") for account in spec.outside),
        policy_types=organization.policy_types,
    )


def _account(account: AccountSpec, parent: str) -> AccountSeed:
    return AccountSeed(account.id, account.name, email_of(account.name), parent, account.state, account.joined)


def email_of(name: str) -> str:
    """Return the email address of an account: it is made of the account's name."""
    return f"{name}@example.com"


def seed_node(engines: Engines, record: NodeRecord) -> None:
    """Let a node's EC2 instance exist, and its place in the fleet; a hybrid node gets an activation to register with."""
    if record.hybrid:
        _activate(engines, record)
        return
    persona = PERSONAS[record.persona]
    engines.instances.add_instance(
        InstanceSeed(
            record.instance_id,
            record.account,
            record.region,
            record.ip_address,
            name=record.name,
            tags=record.tags,
            architecture=persona.architecture,
            profile=NODE_ROLE,
        )
    )
    engines.fleet.register(
        NodeSeed(
            record.instance_id,
            record.account,
            record.region,
            record.name,
            record.ip_address,
            persona.platform_type,
            persona.platform_name,
            persona.platform_version,
            NODE_ROLE,
            record.secret,
            persona.architecture,
            AGENT_VERSION,
        )
    )


def _activate(engines: Engines, record: NodeRecord) -> None:
    """Give a hybrid node an activation, and another when the first has expired unused. Its registration keeps the id of the spec."""
    if engines.fleet.activations.is_spent_or_good(record.account, record.region, record.activation_id):
        return
    engines.identity.bootstrap_hybrid_role(record.account, HYBRID_ROLE)
    activation = engines.fleet.activations.make(
        record.account,
        record.region,
        HYBRID_ROLE,
        expires=engines.kernel.now() + LIFE_MAX_S,
        description="made for a node of the spec",
        default_name=record.name,
        tags=dict(record.tags),
        reserved=[record.instance_id],
    )
    record.activation_id, record.activation_code = activation.activation_id, activation.code
    engines.kernel.store.table("server.node", NodeRecord).put(record, record.instance_id)


def welcome_new_accounts(engines: Engines) -> None:
    """Let every account that comes in later have what AWS gives it: Organizations' own role, and the one by which it is administered.

    AWS: Organizations user guide, "Creating a member account": the latter comes with the account, under the name that CreateAccount
    gave; an account that was invited has none. "Using service-linked roles": AWSServiceRoleForOrganizations is in every account.
    """

    def welcome(event: Event) -> None:
        kind, account = event.data.get("kind"), event.data.get("account", "")
        management = engines.organization.management_of(account)
        if management and kind in ("account-created", "account-joined"):
            engines.identity.bootstrap_linked_role(account, ORGANIZATIONS)
        if management and kind == "account-created":
            engines.identity.bootstrap_organization_access_role(account, management, event.data.get("role", ORGANIZATION_ROLE))

    engines.kernel.on("seeding", welcome)
    engines.kernel.subscribe("organization.changed", "seeding")
