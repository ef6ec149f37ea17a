"""csd deploy: the operator's choices -> prerequisites -> the template's parameters -> the stack.

Rules: nothing is touched before everything that can be known is right. What the operator leaves out stays as it is in the stack.
Refuses to know: what the template holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from csd.aws.identity import Principal
from csd.aws.prerequisites import Findings, Plan, look
from csd.aws.stacks import Tell, deploy_stack, held_parameter
from csd.aws.targets import changes_of_kind, read_targets
from csd.aws.templates import put_template
from csd.aws.trust import TrustRoot, lacking_keys
from csd.errors import CsdInputError, Problem
from csd.solution.names import MEMBER_ROLES, TEMPLATE
from csd.solution.render import render_template

# AWS: CloudFormation Parameters: a parameter that is given nothing keeps its value, or has its default.
Choices = dict[str, str | None]


@dataclass(frozen=True)
class Wish:
    """What the operator asked `csd deploy` for. `choices` are parameters of the template; None: as it was. So are `tags`."""

    targets: str
    management: str
    delegated: bool
    choices: Choices
    template_bucket: str
    tags: dict[str, str] | None = None


def deploy_solution(region: str, stack: str, wish: Wish, tell: Tell) -> dict[str, str]:
    """Deploy into the caller's account. Returns the stack's outputs. Raises AwsRefused, CsdInputError."""
    targets = read_targets(wish.targets)
    principal = Principal.of_environment(region)
    found = look(principal, Plan(targets, [], wish.delegated, stack, wish.template_bucket), tell)
    problems = [*found.problems, *_another_management(wish.management, found), *_trust(principal, stack, wish.choices, tell)]
    problems = problems or kept_apart(principal, stack, found.reach.targets)
    if problems:
        raise CsdInputError(problems)
    parameters: Choices = {
        "IsDelegatedAdministrator": "true" if wish.delegated else "false",
        "DelegatedAdminAccountId": principal.account if wish.delegated else "",
        "ManagementAccountId": found.management,
        "DeploymentTargets": ",".join(found.reach.targets),
        "AccountsParentId": found.reach.parent,
        **wish.choices,
    }
    url = put_template(principal, TEMPLATE, render_template(), wish.template_bucket, tell)
    outputs = deploy_stack(principal, stack, url, parameters, tell, tags=wish.tags)
    if wish.delegated and wish.choices.get("IncludeManagementAccount") == "true":
        where = f"in {found.management}, with HubAccountId={principal.account}"
        tell(f"nodes of the management account are reached once artifacts/{MEMBER_ROLES}.yaml is launched {where}")
    return outputs


def read_tags(given: list[str] | None) -> dict[str, str] | None:
    """KEY=VALUE each; None when none is given. Raises CsdInputError with all that are wrong."""
    parts = [text.partition("=") for text in given or ()]
    problems = [
        Problem("--tag", f"{key!r} has no value.", "Write KEY=VALUE.") for key, equals, _ in parts if not key or not equals
    ]
    if problems:
        raise CsdInputError(problems)
    return {key: value for key, _, value in parts} or None


def kept_apart(principal: Principal, stack: str, targets: Sequence[str]) -> list[Problem]:
    """Accounts that one update cannot bring from the stack's targets to these. Raises AwsRefused."""
    held = held_parameter(principal, stack, "DeploymentTargets").replace(" ", "")
    return changes_of_kind(principal, held.split(","), targets) if held else []


def _trust(principal: Principal, stack: str, choices: Choices, tell: Tell) -> list[Problem]:
    """What is wrong with the keys, where they or their threshold are to change; what is left out is the stack's."""
    keys, threshold = choices.get("TrustedKeys"), choices.get("TrustThreshold")
    if keys is None and threshold is None:
        return []
    keys = held_parameter(principal, stack, "TrustedKeys") if keys is None else keys
    threshold = held_parameter(principal, stack, "TrustThreshold") if threshold is None else threshold
    return lacking_keys(principal, TrustRoot.of(keys, threshold), tell)


def check(region: str, targets: str, plan: Plan, root: TrustRoot, tell: Tell) -> Findings:
    """Everything that a deployment would stumble over. Raises AwsRefused, CsdInputError for what is no id."""
    wanted = read_targets(targets) if targets else []
    principal = Principal.of_environment(region)
    found = look(principal, replace(plan, targets=wanted), tell)
    if not wanted:
        tell("not checked: targets, for --targets names none")
    return replace(found, problems=[*found.problems, *lacking_keys(principal, root, tell)])


def _another_management(said: str, found: Findings) -> list[Problem]:
    if said in ("", found.management):
        return []
    what = f"{said} is not the organization's; that is {found.management}."
    return [Problem("--management-account", what, "Leave the option out.")]
