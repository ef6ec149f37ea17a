"""The nodes of a trial: are they there, do they answer, which zip would they get?

Rules: reads only. Refuses to know: commands.
"""

import re
from dataclasses import dataclass
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, CsdInputError, Problem
from csd.listed import listed
from csd.package.matching.walk import Packages
from csd.report.matrix import Machine, MachineLine, fleet_matrix

# AWS: SendCommand API, InstanceIds.
_NODE = re.compile(r"(i-(\w{8}|\w{17})|mi-\w{17})")
IDS_MAX = 50
"""AWS: SendCommand API: at most 50 ids in one command."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that the caller named: what Systems Manager tells of it, and which zip it gets. `ping` is '' where it is not managed here."""

    node: str
    ping: str
    platform_type: str
    line: MachineLine

    @property
    def windows(self) -> bool:
        """Whether its scripts are PowerShell's."""
        return self.platform_type == "Windows"

    @property
    def platform(self) -> str:
        """Name and version of its system."""
        return f"{self.line.machine.platform_name} {self.line.machine.platform_version}".strip()


def read_nodes(text: str) -> list[str]:
    """The ids of a comma list. Raises CsdInputError."""
    names = listed(text)
    problems = [
        Problem("--nodes", f"{name!r} is no id of a managed node.", "Write --nodes i-0123456789abcdef0,mi-0123456789abcdef0.")
        for name in names
        if not _NODE.fullmatch(name)
    ]
    if not names:
        problems.append(Problem("--nodes", "names no node.", "Name nodes that may be spoilt: i-… or mi-…, a comma list."))
    if problems:
        raise CsdInputError(problems)
    return names


def find_nodes(principal: Principal, names: list[str], packages: Packages) -> list[Candidate]:
    """What Systems Manager tells of each, in the order named."""
    ssm = principal.client("ssm")
    told: dict[str, dict[str, Any]] = {}
    architectures: dict[str, str] = {}
    for group in groups(names):
        told |= _information(principal, ssm, group)
        managed = [name for name in group if name in told]
        architectures |= _architectures(principal, ssm, managed) if managed else {}
    return [_candidate(principal, name, told.get(name, {}), architectures.get(name, ""), packages) for name in names]


def groups(names: list[str]) -> list[list[str]]:
    """As many as one call takes."""
    return [names[start : start + IDS_MAX] for start in range(0, len(names), IDS_MAX)]


def _information(principal: Principal, ssm: Any, names: list[str]) -> dict[str, dict[str, Any]]:
    """{node: what is told}, without those that are not managed here."""
    try:
        with asking(ssm, principal.account):
            pages = ssm.get_paginator("describe_instance_information").paginate(Filters=[{"Key": "InstanceIds", "Values": names}])
            return {node["InstanceId"]: node for page in pages for node in page["InstanceInformationList"]}
    except AwsRefused as refused:
        # AWS: DescribeInstanceInformation API, Errors: of ids that are not valid or not the caller's, not saying which.
        if refused.code != "InvalidInstanceId":
            raise
        return {} if len(names) == 1 else {k: v for name in names for k, v in _information(principal, ssm, [name]).items()}


def _candidate(principal: Principal, name: str, told: dict[str, Any], architecture: str, packages: Packages) -> Candidate:
    machine = Machine(
        principal.account, principal.region, name, told.get("PlatformName", ""), told.get("PlatformVersion", ""), architecture
    )
    (line,) = fleet_matrix(packages, [machine], [], []).lines
    return Candidate(name, told.get("PingStatus", ""), told.get("PlatformType", ""), line)


def _architectures(principal: Principal, ssm: Any, names: list[str]) -> dict[str, str]:
    """Nothing where the caller may not ask: the zip is then not foreseen, and the node itself decides."""
    try:
        with asking(ssm, principal.account):
            pages = ssm.get_paginator("describe_instance_properties").paginate(
                FiltersWithOperator=[{"Key": "InstanceIds", "Operator": "Equal", "Values": names}]
            )
            return {node["InstanceId"]: node.get("Architecture", "") for page in pages for node in page["InstanceProperties"]}
    except AwsRefused as refused:
        if refused.code not in ("AccessDenied", "AccessDeniedException"):
            raise
        return {}
