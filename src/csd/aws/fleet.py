"""What the fleet says: targeted accounts, the nodes in them, and what came of each command for the package.

Flow: association parameters -> accounts (Organizations) -> per account and Region, in parallel, under the reader roles:
managed nodes (the denominator) and command invocations -> NodeFacts.

Rules: reads only, by CSD-FleetReaderHubRole -> CSD-FleetReaderRole. A place that cannot be read is reported, never skipped.
Refuses to know: what the words mean (csd.report).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused
from csd.report.picture import NodeFacts, Said, is_package, tells
from csd.solution.names import READER_HUB_ROLE, READER_ROLE

COMMAND_DOCUMENT = "AWS-ConfigureAWSPackage"
PLUGIN = "configurePackage"
_NO_READER = "Is the solution deployed in this account (csd deploy)? Then your policies must allow sts:AssumeRole on this role."
_PARALLEL = 8
T = TypeVar("T")
_ROLLOUTS_MAX = 50  # one may be many commands, all with the run's comment
_OUTPUT_CUT_CHARS = 2_000  # AWS: CommandPlugin.Output is cut at 2,500 characters; longer stories are read in full


@dataclass(frozen=True, slots=True)
class Scope:
    """Which nodes are meant: accounts and Regions, and the association's own target key and values."""

    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What could be read, and what could not."""

    nodes: list[NodeFacts]
    unread: list[str]


def reader(principal: Principal) -> Principal:
    """The caller as the hub's fleet reader."""
    return principal.assume(principal.role_arn(READER_HUB_ROLE), denied=_NO_READER)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the targets come to: ACTIVE accounts at any depth, others with their state, and targets that are nowhere."""

    active: tuple[str, ...]
    left_out: list[str]
    missing: list[str]


def target_accounts(hub: Principal, targets: list[str], *, with_management: bool) -> Accounts:
    """The accounts that the targets mean. The management account is one of them only where the solution was told so."""
    organizations = hub.client("organizations")
    with asking(organizations, hub.account):
        management = organizations.describe_organization()["Organization"]["MasterAccountId"]
    found: dict[str, str] = {}
    missing: list[str] = []
    for target in targets:
        try:
            with asking(organizations, hub.account):
                if target.startswith("ou-"):
                    _descend(organizations, target, found, set())
                else:
                    found[target] = _state(organizations.describe_account(AccountId=target)["Account"])
        except AwsRefused as refused:
            if refused.code not in ("ParentNotFoundException", "AccountNotFoundException"):
                raise
            missing.append(f"{target}: it is not in this organization")
    if management in found and not with_management:
        found[management] = "the management account"
    active = tuple(sorted(account for account, state in found.items() if state == "ACTIVE"))
    return Accounts(active, [f"{account} is {state}" for account, state in sorted(found.items()) if state != "ACTIVE"], missing)


def _descend(organizations: Any, unit: str, found: dict[str, str], seen: set[str]) -> None:
    if unit in seen:
        return
    seen.add(unit)
    for page in organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=unit):
        found.update((account["Id"], _state(account)) for account in page["Accounts"])
    for page in organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=unit):
        for child in page["OrganizationalUnits"]:
            _descend(organizations, child["Id"], found, seen)


def _state(account: dict[str, Any]) -> str:
    # AWS: Organizations API, Account: Status goes away in September 2026 in favour of State.
    return str(account.get("State") or account["Status"])


def document_defaults(hub: Principal, name: str) -> dict[str, str]:
    """{parameter: default} of a runbook's default version."""
    ssm = hub.client("ssm")
    with asking(ssm, hub.account):
        document = ssm.describe_document(Name=name)["Document"]
    return {p["Name"]: p.get("DefaultValue", "") for p in document.get("Parameters", [])}


def gather(hub: Principal, scope: Scope, package: str, tell: Callable[[str], None]) -> Gathered:
    """Facts of every targeted node. Nodes asked for by id that are nowhere come back unmanaged (no ping)."""
    nodes, unread = each_place(hub, scope, lambda member, region: _read_place(member, region, scope, package), tell)
    if scope.key == "InstanceIds" and scope.values != ("*",):
        found = {facts.node for facts in nodes}
        nodes += [NodeFacts("", "", node) for node in scope.values if node not in found]
    return Gathered(nodes, unread)


def each_place(
    hub: Principal, scope: Scope, read: Callable[[Principal, str], list[T]], tell: Callable[[str], None]
) -> tuple[list[T], list[str]]:
    """What `read(member's reader, Region)` gives of every account and Region, and the places that could not be read."""
    gathered: list[T] = []
    unread: list[str] = []

    def one(account: str, region: str) -> list[T]:
        return read(hub.assume(hub.role_arn(READER_ROLE, account)), region)

    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        asked = [(a, region, pool.submit(one, a, region)) for a in scope.accounts for region in scope.regions]
        for account, region, answer in asked:
            try:
                gathered += answer.result()
                tell(f"{account} {region}: read")
            except AwsRefused as refused:
                unread.append(f"{account} {region}: {refused}")
    return gathered, unread


def _read_place(member: Principal, region: str, scope: Scope, package: str) -> list[NodeFacts]:
    ssm = member.client("ssm", region)
    with asking(ssm, member.account):
        managed = targeted(member, ssm, region, scope)
        words = _words(ssm, package, set(managed)) if managed else {}
    return [
        NodeFacts(
            member.account, region, node, told["PingStatus"], told.get("LastPingDateTime"),
            f"{told.get('PlatformName', '')} {told.get('PlatformVersion', '')}".strip(), tuple(words.get(node, ())),
        )
        for node, told in managed.items()
    ]  # fmt: skip


def targeted(member: Principal, ssm: Any, region: str, scope: Scope) -> dict[str, dict[str, Any]]:
    """Managed nodes of the place that the target key and values mean."""
    filters = []
    if scope.key.startswith("tag:"):
        everything = scope.values == ("*",)
        filters = (
            [{"Key": "tag-key", "Values": [scope.key[4:]]}] if everything else [{"Key": scope.key, "Values": list(scope.values)}]
        )
    pages = ssm.get_paginator("describe_instance_information").paginate(Filters=filters, PaginationConfig={"PageSize": 50})
    managed = {node["InstanceId"]: node for page in pages for node in page["InstanceInformationList"]}
    if scope.key == "ResourceGroup":
        groups = member.client("resource-groups", region)
        with asking(groups, member.account):
            listed = [
                i
                for page in groups.get_paginator("list_group_resources").paginate(Group=scope.values[0])
                for i in page["ResourceIdentifiers"]
            ]
        wanted = {item["ResourceArn"].rpartition("/")[2] for item in listed}
        return {node: told for node, told in managed.items() if node in wanted}
    if not scope.key.startswith("tag:") and scope.values != ("*",):
        return {node: told for node, told in managed.items() if node in scope.values}
    return managed


def _words(ssm: Any, package: str, nodes: set[str]) -> dict[str, list[Said]]:
    """{node: what came of each command for this package, newest first}, until each node told of a version or history ends."""
    words: dict[str, list[Said]] = {}
    open_nodes = set(nodes)
    for command in _commands(ssm, package):
        if not open_nodes:
            break
        pages = ssm.get_paginator("list_command_invocations").paginate(CommandId=command["CommandId"], Details=True)
        for invocation in (i for page in pages for i in page["CommandInvocations"] if i["InstanceId"] in open_nodes):
            said = said_of(ssm, invocation)
            words.setdefault(invocation["InstanceId"], []).append(said)
            told = tells(package, said)
            if told and told[1]:
                open_nodes.discard(invocation["InstanceId"])
    return words


def package_commands(ssm: Any, package: str) -> list[dict[str, Any]]:
    """All commands for this package that Run Command remembers, newest first."""
    pages = ssm.get_paginator("list_commands").paginate(Filters=[{"key": "DocumentName", "value": COMMAND_DOCUMENT}])
    mine = [
        command
        for page in pages
        for command in page["Commands"]
        if command["DocumentName"] == COMMAND_DOCUMENT
        and is_package((command.get("Parameters", {}).get("name") or [""])[0], package)
    ]
    return sorted(mine, key=lambda command: command["RequestedDateTime"], reverse=True)


def _commands(ssm: Any, package: str) -> list[dict[str, Any]]:
    newest = package_commands(ssm, package)
    rollouts = list(dict.fromkeys(_rollout(command) for command in newest))[:_ROLLOUTS_MAX]
    return [command for command in newest if _rollout(command) in rollouts]


def _rollout(command: dict[str, Any]) -> str:
    return str(command.get("Comment") or command["CommandId"])


def said_of(ssm: Any, invocation: dict[str, Any]) -> Said:
    """What an invocation came to; read in full where the listing cuts it."""
    plugin = next((p for p in invocation.get("CommandPlugins", []) if p["Name"] == PLUGIN), None)
    output, error, at = "", "", invocation["RequestedDateTime"]
    if plugin is not None:
        at = plugin.get("ResponseFinishDateTime") or at
        output = plugin.get("Output", "")
        if invocation["Status"] != "Success" or len(output) > _OUTPUT_CUT_CHARS:
            full = ssm.get_command_invocation(
                CommandId=invocation["CommandId"], InstanceId=invocation["InstanceId"], PluginName=PLUGIN
            )
            output, error = full.get("StandardOutputContent", ""), full.get("StandardErrorContent", "")
    return Said(at, invocation["Status"], invocation["StatusDetails"], output, error, invocation["CommandId"])
