"""csd status: the association says what is wanted and of whom; the fleet says what is. Facts -> csd.report.

Rules: everything is read as CSD-FleetReaderHubRole. Refuses to know: how the picture is judged or shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from csd.aws.associations import find_association
from csd.aws.fleet import Accounts, Scope, document_defaults, gather, reader, target_accounts
from csd.aws.identity import Principal
from csd.errors import CsdInputError, Problem
from csd.listed import listed
from csd.report.picture import LastRun, Picture, Wanted, draw, plain

# AWS: Automation's target keys that name nodes by id; all mean the same to Run Command.
_NODE_KEYS = ("InstanceIds", "instanceids", "AWS::EC2::Instance", "ParameterValues")


@dataclass(frozen=True, slots=True)
class Meant:
    """What an association asks for, and of whom."""

    held: dict[str, Any]
    wanted: Wanted
    accounts: Accounts
    scope: Scope


def meant_by(hub: Principal, association: str, otherwise: str = "Create it: csd distribute …") -> Meant:
    """Read an association as its runbook does. Raises AwsRefused, and CsdInputError when there is no such association."""
    held = find_association(hub, association)
    if held is None:
        raise CsdInputError([Problem(f"association {association}", "is not there.", otherwise)])
    parameters = {key: values for key, values in held.get("Parameters", {}).items() if any(values)}
    defaults = document_defaults(hub, held["Name"])

    def one(name: str, otherwise: str = "") -> str:
        return parameters.get(name, [""])[0] or defaults.get(name, "") or otherwise

    with_management = one("includeManagementAccount", "false") == "true"
    accounts = target_accounts(hub, parameters.get("targetAccounts", []), with_management=with_management)
    scope = _scope(accounts.active, tuple(dict.fromkeys(parameters.get("targetRegions", []))), one)
    return Meant(held, Wanted(one("name").rpartition("/")[2], one("version"), one("action", "Install")), accounts, scope)


def fleet_picture(region: str, association: str, tell: Callable[[str], None]) -> Picture:
    """Read everything and draw. Raises AwsRefused when the hub cannot be read, CsdInputError when there is no such association."""
    hub = reader(Principal.of_environment(region))
    meant = meant_by(hub, association)
    gathered = gather(hub, meant.scope, meant.wanted.package, tell)
    unread = [*meant.accounts.missing, *gathered.unread]
    return draw(meant.wanted, gathered.nodes, datetime.now(UTC), unread, meant.accounts.left_out, _last_run(meant.held))


def _last_run(held: dict[str, Any]) -> LastRun | None:
    told = held.get("Overview", {})
    status = told.get("Status", "")
    why = plain(told.get("DetailedStatus", "")) if status == "Failed" else ""
    return LastRun(status, held.get("LastExecutionDate"), why) if status else None


def _scope(accounts: tuple[str, ...], regions: tuple[str, ...], one: Callable[[str, str], str]) -> Scope:
    """The same reading of InstanceId, targetKey and targetValues as the runbook's."""
    key, values = one("targetKey", "InstanceIds"), one("targetValues", "*")
    if one("InstanceId", "*") != "*":
        key, values = "InstanceIds", one("InstanceId", "*")
    key = "InstanceIds" if key in _NODE_KEYS else key
    return Scope(accounts, regions, key, tuple(listed(values)))
