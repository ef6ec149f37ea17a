"""csd deploy: the operator's choices -> the template's parameters -> the stack.

Rules: the management account is asked from Organizations when it is not given, and so is the root when accounts are named.
Refuses to know: what the template holds.
"""

from dataclasses import dataclass

from csd.aws.identity import Principal, asking
from csd.aws.stacks import Tell, deploy_stack
from csd.aws.targets import Reach, look_up, read_targets
from csd.aws.templates import put_template
from csd.solution.names import TEMPLATE
from csd.solution.render import render_template


@dataclass(frozen=True)
class Wish:
    """What the operator asked `csd deploy` for."""

    targets: str
    management: str
    delegated: bool
    target_key: str
    target_values: str
    template_bucket: str


def deploy_solution(region: str, stack: str, wish: Wish, tell: Tell) -> dict[str, str]:
    """Deploy into the caller's account. Returns the stack's outputs. Raises AwsRefused, CsdInputError."""
    targets = read_targets(wish.targets)
    principal = Principal.of_environment(region)
    management = wish.management or _management(principal)
    reach = Reach(tuple(targets), "")
    if wish.delegated or management == principal.account:  # others may not look; the template tells them that they are elsewhere
        reach = look_up(principal, targets, management, tell)
    parameters = {
        "IsDelegatedAdministrator": "true" if wish.delegated else "false",
        "DelegatedAdminAccountId": principal.account if wish.delegated else "",
        "ManagementAccountId": management,
        "DeploymentTargets": ",".join(reach.targets),
        "AccountsParentId": reach.parent,
        "TargetKey": wish.target_key,
        "TargetValues": wish.target_values,
    }
    url = put_template(principal, TEMPLATE, render_template(), wish.template_bucket, tell)
    return deploy_stack(principal, stack, url, parameters, tell)


def _management(principal: Principal) -> str:
    organizations = principal.client("organizations")
    with asking(organizations, principal.account):
        return str(organizations.describe_organization()["Organization"]["MasterAccountId"])
