"""What the machines of the fleet are, for `csd package matrix`: every managed node that is targeted, with its architecture.

Flow: targets and Regions, or an association -> accounts -> per account and Region, as CSD-FleetReaderRole: DescribeInstanceInformation
(who is there, which system) and DescribeInstanceProperties (which architecture) -> Machine.

Rules: reads only. An architecture that nobody tells is '', never a guess. Refuses to know: which zip a machine gets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from csd.aws.fleet import Scope, each_place, reader, target_accounts, targeted
from csd.aws.identity import Principal, asking
from csd.aws.picture import meant_by
from csd.aws.targets import read_targets
from csd.errors import AwsRefused, CsdInputError, Problem
from csd.listed import listed
from csd.report.matrix import Machine

_DENIED = ("AccessDenied", "AccessDeniedException")


@dataclass(frozen=True, slots=True)
class Machines:
    """What could be read, what could not, and which accounts do not count."""

    found: list[Machine]
    unread: list[str]
    left_out: list[str]


def machines_of_association(region: str, association: str, tell: Callable[[str], None]) -> Machines:
    """The nodes that an association targets."""
    hub = reader(Principal.of_environment(region))
    meant = meant_by(hub, association, "Name another with --association, or name targets: --targets OU,ACCOUNT --regions REGION.")
    return gather_machines(hub, meant.scope, meant.accounts.missing, meant.accounts.left_out, tell)


def machines_of_targets(region: str, targets: str, regions: str, tell: Callable[[str], None]) -> Machines:
    """All managed nodes of these OUs and accounts (comma lists) in these Regions."""
    wanted = tuple(listed(regions))
    units_and_accounts = read_targets(targets)
    if not wanted:
        raise CsdInputError([Problem("--regions", "names no Region.", "Write --regions us-east-1,eu-west-1.")])
    hub = reader(Principal.of_environment(region))
    accounts = target_accounts(hub, units_and_accounts, with_management=True)
    return gather_machines(hub, Scope(accounts.active, wanted, "InstanceIds", ("*",)), accounts.missing, accounts.left_out, tell)


def gather_machines(
    hub: Principal, scope: Scope, missing: list[str], left_out: list[str], tell: Callable[[str], None]
) -> Machines:
    """Ask every account and Region of the scope. Nodes asked for by id that are nowhere count as unread."""
    found, unread = each_place(hub, scope, lambda member, region: _machines(member, region, scope, tell), tell)
    named = scope.values if scope.key == "InstanceIds" and scope.values != ("*",) else ()
    nowhere = [node for node in named if node not in {machine.node for machine in found}]
    unread = [*missing, *unread, *(f"{node}: no account and Region that were read have it" for node in nowhere)]
    return Machines(found, unread, left_out)


def _machines(member: Principal, region: str, scope: Scope, tell: Callable[[str], None]) -> list[Machine]:
    ssm = member.client("ssm", region)
    with asking(ssm, member.account):
        managed = targeted(member, ssm, region, scope)
    architectures = _architectures(member, ssm, region, tell) if managed else {}
    return [
        Machine(
            member.account, region, node, told.get("PlatformName", ""), told.get("PlatformVersion", ""), architectures.get(node, "")
        )
        for node, told in managed.items()
    ]  # fmt: skip


def _architectures(member: Principal, ssm: Any, region: str, tell: Callable[[str], None]) -> dict[str, str]:
    """{node: architecture}; nothing where the reader may not ask, as where the stack is older than this."""
    try:
        with asking(ssm, member.account):
            pages = ssm.get_paginator("describe_instance_properties").paginate(PaginationConfig={"PageSize": 1000})
            return {node["InstanceId"]: node.get("Architecture", "") for page in pages for node in page["InstanceProperties"]}
    except AwsRefused as refused:
        if refused.code not in _DENIED:
            raise
        tell(
            f"{member.account} {region}: architectures are not told ({refused.code}: {refused.said}). Update the stack: csd deploy"
        )
        return {}
