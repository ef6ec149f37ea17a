"""Which versions of a package the fleet may have, from the nodes' own words, for whoever wants to take versions away.

Flow: accounts (those that associations name, those that the document is shared with, and our own) x Regions -> under the reader roles:
nodes, and what each said about the package, newest first, until its words are conclusive -> csd.package.retention.Fleet.

Rules: reads only. Unlike csd status this must never be wrong to the other side: a failed command proves nothing about the version that was
there before, so older words are read on; a node whose history ends first is silent. A place that cannot be read is named.
Refuses to know: what may be deleted.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from csd.aws.fleet import COMMAND_DOCUMENT, document_defaults, package_commands, reader, said_of, target_accounts
from csd.aws.identity import Principal, asking
from csd.aws.publishing.objects import Tell
from csd.aws.publishing.versions import ADVICE
from csd.errors import AwsRefused
from csd.package.retention import Fleet
from csd.report.picture import Said, is_package, leaves
from csd.solution.names import HUB_DOCUMENT, READER_ROLE

_PARALLEL = 8
_EVERYBODY = "all"


@dataclass
class _Place:
    """What one account and Region tell."""

    installed: Counter[str] = field(default_factory=Counter)
    asked: dict[str, datetime] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Association:
    label: str
    package: str
    version: str
    targets: list[str]
    with_management: bool


def survey(principal: Principal, package: str, regions: list[str], tell: Tell) -> Fleet:
    """Read everything. Raises AwsRefused when the hub itself cannot be read."""
    associations = [one for one in _associations(principal, regions) if is_package(one.package, package)]
    targeted, unread = _targeted(principal, associations)
    places: list[tuple[str, str]] = []
    for region in regions:
        shared = _shared(principal, package, region)
        if _EVERYBODY in shared:
            unread.append(f"{region}: the document is shared with everybody, and nobody can ask all their nodes")
        places += [(account, region) for account in sorted({*targeted, *shared, principal.account} - {_EVERYBODY})]
    total = _Place()
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        hub = _hub(principal)
        asked = [(place, pool.submit(_read, principal, hub, place, package)) for place in places]
        for (account, region), answer in asked:
            try:
                _add(total, answer.result())
                tell(f"{account} {region}: read")
            except AwsRefused as refused:
                unread.append(f"{account} {region}: {refused}")
    wanted = {one.version: one.label for one in associations if one.version}
    return Fleet(dict(total.installed), total.asked, wanted, tuple(total.silent), tuple(unread))


def _add(total: _Place, place: _Place) -> None:
    total.installed.update(place.installed)
    total.silent += place.silent
    for version, at in place.asked.items():
        total.asked[version] = max(at, total.asked.get(version, at))


def _hub(principal: Principal) -> Principal | AwsRefused:
    """The hub's fleet reader; where the solution is not deployed, why there is none."""
    try:
        return reader(principal)
    except AwsRefused as refused:
        return refused


def _member(principal: Principal, hub: Principal | AwsRefused, account: str) -> Principal:
    """The reader in an account. In our own, where the solution put none, the caller looks for himself."""
    try:
        if isinstance(hub, AwsRefused):
            raise hub
        return hub.assume(hub.role_arn(READER_ROLE, account))
    except AwsRefused:
        if account != principal.account:
            raise
        return principal


def _read(principal: Principal, hub: Principal | AwsRefused, place: tuple[str, str], package: str) -> _Place:
    account, region = place
    member = _member(principal, hub, account)
    ssm = member.client("ssm", region)
    told = _Place()
    with asking(ssm, account):
        pages = ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 50})
        nodes = {node["InstanceId"] for page in pages for node in page["InstanceInformationList"]}
        commands = package_commands(ssm, package)
        for command in commands:
            if version := (command.get("Parameters", {}).get("version") or [""])[0]:
                told.asked[version] = max(command["RequestedDateTime"], told.asked.get(version, command["RequestedDateTime"]))
        words = {node: leaves(package, said) for node, said in _words(ssm, commands, package, nodes).items()}
    for node in sorted(nodes):
        versions, is_conclusive = words.get(node, (frozenset(), False))
        told.installed.update(versions)
        if not is_conclusive:
            told.silent.append(f"{account} {region} {node}")
    return told


def _words(ssm: Any, commands: list[dict[str, Any]], package: str, nodes: set[str]) -> dict[str, tuple[Said, ...]]:
    words: dict[str, tuple[Said, ...]] = {}
    waiting = set(nodes)
    for command in commands:
        if not waiting:
            break
        for invocation in _invocations(ssm, command):
            node = invocation["InstanceId"]
            if node in waiting:
                words[node] = (*words.get(node, ()), said_of(ssm, invocation))
                if leaves(package, words[node])[1]:
                    waiting.discard(node)
    return words


def _invocations(ssm: Any, command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for page in ssm.get_paginator("list_command_invocations").paginate(CommandId=command["CommandId"], Details=True):
        yield from page["CommandInvocations"]


def _shared(principal: Principal, package: str, region: str) -> set[str]:
    ssm, accounts = principal.client("ssm", region), set[str]()
    token: dict[str, str] = {}
    while True:
        try:
            with asking(ssm, principal.account, ADVICE):
                told = ssm.describe_document_permission(Name=package, PermissionType="Share", **token)
        except AwsRefused as refused:
            if refused.code == "InvalidDocument":  # not published in this Region
                return accounts
            raise
        accounts |= set(told.get("AccountIds", []))
        if not told.get("NextToken"):
            return accounts
        token = {"NextToken": told["NextToken"]}


def _associations(principal: Principal, regions: list[str]) -> Iterator[_Association]:
    """Our own account's associations that distribute a package, in the home Region and in those asked about."""
    for region in dict.fromkeys([principal.region, *regions]):
        ssm = principal.client("ssm", region)
        for document in (HUB_DOCUMENT, COMMAND_DOCUMENT):
            with asking(ssm, principal.account, ADVICE):
                pages = ssm.get_paginator("list_associations").paginate(
                    AssociationFilterList=[{"key": "Name", "value": document}]
                )
                for listed in [one for page in pages for one in page["Associations"]]:
                    described = ssm.describe_association(AssociationId=listed["AssociationId"])["AssociationDescription"]
                    yield _association(described, region)


def _association(described: dict[str, Any], region: str) -> _Association:
    told = described.get("Parameters", {})

    def one(name: str) -> str:
        return str((told.get(name) or [""])[0])

    label = f"{described.get('AssociationName') or described['AssociationId']} ({region})"
    return _Association(
        label, one("name"), one("version"), told.get("targetAccounts", []), one("includeManagementAccount") == "true"
    )


def _targeted(principal: Principal, associations: list[_Association]) -> tuple[set[str], list[str]]:
    """Accounts that the associations reach, and targets that are nowhere."""
    found: set[str] = set()
    missing: list[str] = []
    distributing = [one for one in associations if one.targets]
    if distributing:
        hub = reader(principal)
        defaults = document_defaults(hub, HUB_DOCUMENT)
        for association in distributing:
            with_management = association.with_management or defaults.get("includeManagementAccount") == "true"
            accounts = target_accounts(hub, association.targets, with_management=with_management)
            found |= set(accounts.active)
            missing += [f"association {association.label}: {target}" for target in accounts.missing]
    return found, missing
