"""All engines of one organization, wired to one kernel and one gateway. The one place that knows them all; no HTTP here.

Flow: ports first (identity, borrowed services, blobs, the script runner) -> gateway -> engines -> their operations offered.
Where two parts of one AWS service need each other (Run Command and its nodes, documents and Automation's own rules), one is handed to
the other here, as a port.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from localorg.associations.ports import NodePorts
from localorg.associations.service import Associations
from localorg.automation.checks import check_runbook
from localorg.automation.ports import Scripts
from localorg.automation.service import Automation
from localorg.automation.terms import terms_of
from localorg.commands.service import Commands
from localorg.compliance.service import Compliance
from localorg.documents.service import Documents
from localorg.fleet.nodes import NodeListing
from localorg.fleet.service import Fleet
from localorg.grouping.service import Grouping
from localorg.identity.policy import Kind
from localorg.identity.service import Identity
from localorg.instances.service import SmallEc2
from localorg.kernel.blobs import Blobs
from localorg.kernel.events import Kernel
from localorg.keys.service import Keys
from localorg.node_inventory.service import NodeInventory
from localorg.organization.records import RESOURCE_CONTROL_POLICY, SERVICE_CONTROL_POLICY, ControlPolicy
from localorg.organization.service import Organization
from localorg.parameters.service import Parameters
from localorg.protocol.gateway import BorrowedServices, Gateway, Validator
from localorg.protocol.resource_tags import ResourceTags
from localorg.protocol.tagging import Tagging, TagHolder
from localorg.protocol.validate import validate
from localorg.server.presigned import PresignedUrls
from localorg.server.published_policies import published_policies
from localorg.stacks.service import Stacks


@dataclass(frozen=True)
class Engines:
    """Every engine, by name."""

    kernel: Kernel
    gateway: Gateway
    identity: Identity
    organization: Organization
    documents: Documents
    parameters: Parameters
    automation: Automation
    commands: Commands
    associations: Associations
    compliance: Compliance
    stacks: Stacks
    fleet: Fleet
    instances: SmallEc2
    keys: Keys

    def resume(self) -> None:
        """Take up what was going on when the server went down."""
        self.documents.resume()
        self.automation.resume()
        self.associations.resume()
        self.stacks.resume()


def wire_engines(
    kernel: Kernel,
    blobs: Blobs,
    runner: Scripts,
    borrow: Callable[[Identity], BorrowedServices | None],
    random_text: Callable[[int], str] = secrets.token_urlsafe,
) -> Engines:
    """Build and connect the engines. `borrow` makes the borrowed services, which need identity's policy check.

    `random_text(n)` gives text of n random bytes for keys and tokens; a simulation throws its own dice for them.
    """
    belongs: list[Organization] = []  # identity asks who belongs where; the organization is built after the gateway it needs
    identity = Identity(
        kernel,
        random_text,
        lambda account: belongs[0].organization_of(account) if belongs else None,
        lambda account: belongs[0].is_open(account) if belongs else True,
        tags := ResourceTags(),
        lambda account: belongs[0].organization_path_of(account) if belongs else None,
        lambda account: _texts(belongs[0].control_policies(account)),
        lambda account: _texts(belongs[0].control_policies(account, RESOURCE_CONTROL_POLICY)),
    )
    identity.directory.aws.extend(partial(published_policies, kernel.settings.partition))
    gateway = Gateway(kernel, identity, _validator(kernel), borrow(identity))
    organization = Organization(kernel, gateway, partial(_checked, identity))
    belongs.append(organization)
    urls = PresignedUrls(kernel, gateway, identity.credentials)
    fleet = Fleet(kernel, gateway, identity.service_linked_role, identity.hybrid_roles, random_text)
    documents = Documents(kernel, gateway, blobs, partial(check_runbook, terms=terms_of(kernel.settings)))
    associations = Associations(
        kernel,
        gateway,
        identity.service_linked_role,
        identity.sessions.principal,
        NodePorts(fleet.nodes, fleet.is_online, fleet.speaker),
    )
    engines = Engines(
        kernel=kernel,
        gateway=gateway,
        identity=identity,
        organization=organization,
        documents=documents,
        parameters=Parameters(kernel),
        automation=Automation(kernel, gateway, identity.sessions.principal, runner, urls, partial(_fetched, documents, kernel)),
        commands=Commands(kernel, gateway, fleet.nodes, identity.service_linked_role),
        associations=associations,
        compliance=Compliance(kernel, associations.compliance_of, fleet.is_managed),
        stacks=Stacks(
            kernel,
            gateway,
            identity.sessions.principal,
            identity.service_linked_role,
            organization.management_of,
            identity.stacksets_execution_role,
        ),
        fleet=fleet,
        instances=SmallEc2(kernel, gateway),
        keys=Keys(kernel, identity.resource_policies),
    )
    _offer(engines, tags)
    return engines


def _offer(engines: Engines, tags: ResourceTags) -> None:
    """Let the gateway answer with what each engine can do, and with what stands on several."""
    for engine in (
        engines.identity,
        engines.organization,
        engines.documents,
        engines.parameters,
        engines.automation,
        engines.commands,
        engines.associations,
        engines.compliance,
        engines.stacks,
        engines.fleet,
        engines.instances,
        engines.keys,
    ):
        engines.gateway.add(engine.operations())
    _offer_what_is_shared(engines, tags)


def _offer_what_is_shared(engines: Engines, tags: ResourceTags) -> None:
    """Offer the operations that stand on several engines: nodes across accounts, their inventory, tags, what is found by tags."""
    kernel, gateway, nodes = engines.kernel, engines.gateway, engines.fleet.registry
    gateway.add(NodeListing(gateway, nodes, engines.organization, engines.identity.service_linked_role).operations())
    gateway.add(NodeInventory(kernel, nodes, engines.compliance.inventory_of).operations())
    # AWS: one operation tags resources of every kind; who keeps the tags of a kind says so here.
    holders: dict[str, TagHolder] = {
        **engines.documents.tagged(),
        **engines.parameters.tagged(),
        **engines.automation.tagged(),
        **engines.fleet.tagged(),
        **engines.associations.tagged(),
    }
    gateway.add(Tagging(holders).operations())
    everywhere = {**holders, **engines.instances.tagged()}
    gateway.add(Grouping(kernel, gateway, everywhere).operations())
    by_arn = {
        "organizations": engines.organization.tags_of,
        "cloudformation": engines.stacks.tags_of,
        "kms": engines.keys.tags_of,
    }
    tags.know(everywhere, by_arn)


POLICY_KINDS: dict[str, Kind] = {SERVICE_CONTROL_POLICY: "scp", RESOURCE_CONTROL_POLICY: "rcp", "resource": "resource"}
"""What the organization calls a document -> what the evaluator calls it."""


def _checked(identity: Identity, document: str, kind: str) -> None:
    """Read a document of the organization as the evaluator will."""
    identity.validate_policy(document, kind=POLICY_KINDS[kind])


def _texts(levels: Sequence[Sequence[ControlPolicy]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(policy.content for policy in level) for level in levels)


def _validator(kernel: Kernel) -> Validator:
    is_open = kernel.settings.reading("parameter-length") == "not-enforced"
    return partial(validate, unbounded=frozenset({"AutomationParameterValue"} if is_open else ()))


def _fetched(documents: Documents, kernel: Kernel, url: str) -> bytes:
    """Return what a download address of ours leads to. Raises AccessDenied."""
    parts = urlsplit(url)
    found = documents.download(parts.path, dict(parse_qsl(parts.query)), kernel.now())
    return found.read_bytes() if isinstance(found, Path) else found
