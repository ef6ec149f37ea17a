"""csd deploy: the operator's choices -> the template's parameters -> the stack.

Rules: the management account is asked from Organizations when it is not given; an OU that is not there is told before anything
is touched, for a StackSet notices it only after it has left the OUs that it was in. Refuses to know: what the template holds.
"""

import re

from csd.aws.identity import Principal, asking
from csd.aws.stacks import Tell, deploy_stack
from csd.errors import AwsRefused, CsdInputError, Problem
from csd.solution.render import render_template_body

_OU = re.compile(r"^ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$")


def deploy_solution(
    region: str, stack: str, *, units: str, management: str, delegated: bool, target_key: str, target_values: str, tell: Tell
) -> dict[str, str]:
    """Deploy into the caller's account. Returns the stack's outputs. Raises AwsRefused, CsdInputError."""
    principal = Principal.of_environment(region)
    if not management:
        organizations = principal.client("organizations")
        with asking(organizations, principal.account):
            management = organizations.describe_organization()["Organization"]["MasterAccountId"]
    wanted = [part.strip() for part in units.split(",") if part.strip()]
    if delegated or management == principal.account:  # others may not look; the template tells them that they are elsewhere
        check_units(principal, wanted)
    parameters = {
        "IsDelegatedAdministrator": "true" if delegated else "false",
        "DelegatedAdminAccountId": principal.account if delegated else "",
        "ManagementAccountId": management,
        "DeploymentTargets": ",".join(wanted),
        "TargetKey": target_key,
        "TargetValues": target_values,
    }
    return deploy_stack(principal, stack, render_template_body(), parameters, tell)


def check_units(principal: Principal, units: list[str]) -> None:
    """Raises CsdInputError with every OU that is not there. What is no OU id at all is told by the template's own pattern."""
    organizations = principal.client("organizations")
    problems = []
    for unit in filter(_OU.match, units):
        try:
            with asking(organizations, principal.account):
                organizations.describe_organizational_unit(OrganizationalUnitId=unit)
        except AwsRefused as refused:
            if refused.code != "OrganizationalUnitNotFoundException":
                raise
            remedy = "See: aws organizations list-organizational-units-for-parent --parent-id ROOT_OR_OU_ID"
            problems.append(Problem("--targets", f"{unit} is not in this organization.", remedy))
    if problems:
        raise CsdInputError(problems)
