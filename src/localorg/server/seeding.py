"""From the spec to a living organization: accounts, units, administrators, node roles, instances, buckets.

Flow: Spec -> organization.seed -> for each account an administrator with keys -> for each node a role session's ground, an EC2
instance and a place in the fleet. Everything here is idempotent: on a second `up` the rows that exist win, and what the spec has
new is added. Instance ids are a digest of where a node stands in the spec, so that they are the same in every run of it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from localorg.fleet.records import NodeSeed
from localorg.inventory.records import InstanceSeed
from localorg.kernel.events import Event
from localorg.kernel.store import Store
from localorg.organization.records import AccountSeed, OrganizationSeed, UnitSeed
from localorg.server.engines import Engines
from localorg.server.personas import PERSONAS
from localorg.server.spec import NodesSpec, Spec

NODE_ROLE = "localorg-node"
AGENT_VERSION = "3.3.0.0"


@dataclass
class NodeRecord:
    """One node as it was seeded; `secret` is its proof towards the instance-metadata stand-in."""

    instance_id: str
    account: str
    region: str
    persona: str
    name: str
    ip_address: str
    online: bool
    tags: dict[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False)

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
        }


def node_records(spec: Spec, store: Store) -> list[NodeRecord]:
    """Return every node of the organization, making rows for those that the spec has and the store has not."""
    table = store.table("server.node", NodeRecord)
    for record in _described(spec):
        if table.get(record.instance_id) is None:
            record.secret = secrets.token_urlsafe(24)
            table.put(record, record.instance_id)
    return table.values()


def _described(spec: Spec) -> Iterator[NodeRecord]:
    serial = 0
    for entry, nodes in enumerate(spec.nodes):
        for number in range(nodes.count):
            serial += 1
            yield _record(spec, nodes, f"{entry}/{number}", number, serial)


def _record(spec: Spec, nodes: NodesSpec, place: str, number: int, serial: int) -> NodeRecord:
    seed = f"{spec.organization.id}/{nodes.account}/{nodes.region}/{place}"
    name = nodes.name or f"node-{nodes.persona}"
    name = f"{name}-{number + 1}" if nodes.count > 1 else name
    return NodeRecord(
        instance_id="i-" + hashlib.sha256(seed.encode()).hexdigest()[:17],
        account=nodes.account,
        region=nodes.region,
        persona=nodes.persona,
        name=name,
        ip_address=f"10.{serial >> 16 & 255}.{serial >> 8 & 255}.{serial & 255}",
        online=nodes.online,
        tags={"Name": name, **nodes.tags},
    )


def seed(engines: Engines, spec: Spec, records: list[NodeRecord]) -> None:
    """Bring the organization into being, or add what the spec has new. Raises ValueError with every mismatch."""
    engines.organization.seed(organization_seed(spec))
    management = spec.organization.management.id
    for account in engines.organization.accounts():
        engines.identity.bootstrap_account(account)
        if account != management:
            engines.identity.bootstrap_organization_access_role(account, management)
    for account in {record.account for record in records}:
        engines.identity.bootstrap_node_role(account, NODE_ROLE)
    for record in records:
        _seed_node(engines, record)


def organization_seed(spec: Spec) -> OrganizationSeed:
    """Return the spec's organization as the organization engine takes it."""
    organization = spec.organization
    accounts = [_account(account.id, account.name, organization.root, account.state) for account in organization.accounts]
    accounts += [_account(a.id, a.name, unit.id, a.state) for _, unit in spec.units() for a in unit.accounts]
    head = organization.management
    return OrganizationSeed(
        organization_id=organization.id,
        root_id=organization.root,
        management_account=head.id,
        units=tuple(UnitSeed(unit.id, unit.name, parent) for parent, unit in spec.units()),
        accounts=(_account(head.id, head.name, organization.root, head.state), *accounts),
        delegated_administrators=tuple((d.account, d.service) for d in organization.delegated_administrators),
        enabled_services=organization.trusted_services,
    )


def _account(account_id: str, name: str, parent: str, state: str) -> AccountSeed:
    return AccountSeed(account_id, name, f"{name}@example.com", parent, state)


def _seed_node(engines: Engines, record: NodeRecord) -> None:
    persona = PERSONAS[record.persona]
    engines.inventory.add_instance(
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


def welcome_new_accounts(engines: Engines) -> None:
    """Let every account that joins later have what AWS gives it: the role by which the management account administers it.

    AWS: Organizations user guide, "Creating a member account": OrganizationAccountAccessRole comes with the account.
    """

    def welcome(event: Event) -> None:
        account = event.data.get("account", "")
        management = engines.organization.management_of(account)
        if event.data.get("kind") == "account-created" and management:
            engines.identity.bootstrap_organization_access_role(account, management)

    engines.kernel.on("seeding", welcome)
    engines.kernel.subscribe("organization.changed", "seeding")
