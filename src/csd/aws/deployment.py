"""csd deploy: the operator's choices -> the template's parameters -> the stack.

Rules: the management account is asked from Organizations when it is not given. Refuses to know: what the template holds.
"""

from csd.aws.identity import Principal, asking
from csd.aws.stacks import Tell, deploy_stack
from csd.solution.render import render_template_body


def deploy_solution(
    region: str, stack: str, *, units: str, management: str, delegated: bool, target_key: str, target_values: str, tell: Tell
) -> dict[str, str]:
    """Deploy into the caller's account. Returns the stack's outputs. Raises AwsRefused, CsdInputError."""
    principal = Principal.of_environment(region)
    if not management:
        organizations = principal.client("organizations")
        with asking(organizations, principal.account):
            management = organizations.describe_organization()["Organization"]["MasterAccountId"]
    parameters = {
        "IsDelegatedAdministrator": "true" if delegated else "false",
        "DelegatedAdminAccountId": principal.account if delegated else "",
        "ManagementAccountId": management,
        "DeploymentTargets": ",".join(part.strip() for part in units.split(",") if part.strip()),
        "TargetKey": target_key,
        "TargetValues": target_values,
    }
    return deploy_stack(principal, stack, render_template_body(), parameters, tell)
