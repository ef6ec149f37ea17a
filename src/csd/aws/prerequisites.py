"""What must be so before the solution can be deployed: asked all at once, each lack with the command that mends it.

Flow: caller -> `look` -> Findings: problems, and what was learnt on the way (management account, targets). CloudFormation tells most of
these lacks too, one at a time, each after a failed stack; docs/how-to/launch-by-hand.md has its words.

Rules: reads only. What the caller may not ask is said, never taken for a yes. Refuses to know: the template.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from csd.aws.identity import Principal, asking
from csd.aws.permitted import Makings, lacking_actions
from csd.aws.targets import Reach, look_up
from csd.aws.templates import is_own_bucket_there, own_bucket
from csd.errors import AwsRefused, CsdInputError, Problem

STACKSETS = "member.org.stacksets.cloudformation.amazonaws.com"
SYSTEMS_MANAGER = "ssm.amazonaws.com"
_IN_MANAGEMENT = "In the management account: "
# AWS: Organizations API, RegisterDelegatedAdministrator: SERVICE_ACCESS_NOT_ENABLED until the service is trusted. Both may be said again.
_TRUST = {
    STACKSETS: "aws cloudformation activate-organizations-access",
    SYSTEMS_MANAGER: f"aws organizations enable-aws-service-access --service-principal {SYSTEMS_MANAGER}",
}
_DELEGATE = "aws organizations register-delegated-administrator --account-id {} --service-principal {}"
_PACKAGE_DOCUMENT = "AWS-ConfigureAWSPackage"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Findings:
    """Problems, and what was learnt. `reach` are the targets as given where they could not be looked up."""

    problems: list[Problem]
    management: str
    reach: Reach


@dataclass(frozen=True)
class Plan:
    """What is to be deployed, and where to; `template_bucket` may be ''."""

    targets: list[str]
    regions: list[str]
    delegated: bool
    stack: str
    template_bucket: str


def look(principal: Principal, plan: Plan, tell: Tell) -> Findings:
    """Ask everything. Raises AwsRefused when even the organization cannot be asked about."""
    targets, delegated = plan.targets, plan.delegated
    organization = _organization(principal)
    if organization is None:
        remedy = "Make one: aws organizations create-organization --feature-set ALL"
        return Findings(
            [Problem(f"account {principal.account}", "is in no organization.", remedy)], "", Reach(tuple(targets), "")
        )
    management = str(organization["MasterAccountId"])
    problems = list(_features(organization))
    home = _region(principal, principal.region, "--region")
    problems += home
    problems += [
        problem for region in plan.regions if region != principal.region for problem in _region(principal, region, "--regions")
    ]
    place = _place(principal, management, delegated=delegated)
    reach = Reach(tuple(targets), "")
    if place:
        problems.append(place)
        return Findings(problems, management, reach)
    trust = _trust(principal, delegated=delegated, tell=tell)
    problems += trust
    if not any("delegated administrator" in problem.what for problem in trust):  # only they may look
        try:
            reach = look_up(principal, targets, management, tell)
        except CsdInputError as wrong:
            problems += wrong.problems
    return Findings(problems + ([] if home else _rights(principal, plan, tell)), management, reach)


def _rights(principal: Principal, plan: Plan, tell: Tell) -> list[Problem]:
    bucket = plan.template_bucket or own_bucket(principal)
    makings = Makings(plan.stack, bucket, makes_bucket=not plan.template_bucket and not is_own_bucket_there(principal))
    return lacking_actions(principal, tell, makings)


def _organization(principal: Principal) -> dict[str, Any] | None:
    organizations = principal.client("organizations")
    try:
        with asking(organizations, principal.account):
            found: dict[str, Any] = organizations.describe_organization()["Organization"]
    except AwsRefused as refused:
        if refused.code == "AWSOrganizationsNotInUseException":
            return None
        raise
    return found


def _features(organization: dict[str, Any]) -> list[Problem]:
    if organization.get("FeatureSet", "ALL") == "ALL":
        return []
    remedy = (
        "In the management account: aws organizations enable-all-features; each member then accepts the invitation that it gets."
    )
    return [Problem(f"organization {organization['Id']}", "has consolidated billing only; StackSets need all features.", remedy)]


def _place(principal: Principal, management: str, *, delegated: bool) -> Problem | None:
    if delegated and principal.account == management:
        return Problem("--delegated", f"{management} is the management account itself.", "Leave the option out.")
    if not delegated and principal.account != management:
        what = f"is not the management account, which is {management}."
        remedy = f"Sign in there; or, when {principal.account} is a delegated administrator, give --delegated."
        return Problem(f"account {principal.account}", what, remedy)
    return None


def _trust(principal: Principal, *, delegated: bool, tell: Tell) -> list[Problem]:
    """Trusted access and delegation. Who is no delegate at all may not look, and is told both."""
    organizations, account = principal.client("organizations"), principal.account
    services = _needed(delegated=delegated)
    try:
        with asking(organizations, account):
            pages = organizations.get_paginator("list_aws_service_access_for_organization").paginate()
            trusted = {one["ServicePrincipal"] for page in pages for one in page["EnabledServicePrincipals"]}
            mine = {service for service in services if _is_delegate(organizations, account, service)}
    except AwsRefused as refused:
        if not delegated or refused.code != "AccessDeniedException":
            raise
        return [_no_delegate(account, service, is_trusted=False) for service in services]
    problems = [_no_delegate(account, service, is_trusted=service in trusted) for service in services if service not in mine]
    if STACKSETS not in trusted:
        remedy = _IN_MANAGEMENT + _TRUST[STACKSETS]
        problems.insert(0, Problem("organization", "does not trust CloudFormation StackSets.", remedy))
    elif STACKSETS in mine or not delegated:  # only they may ask
        problems += _activation(principal, delegated=delegated, tell=tell)
    return problems


def _activation(principal: Principal, *, delegated: bool, tell: Tell) -> list[Problem]:
    """AWS, reported: StackSets refuse an organization that trusts them until it was activated with CloudFormation as well."""
    cloudformation = principal.client("cloudformation")
    try:
        with asking(cloudformation, principal.account):
            found = cloudformation.describe_organizations_access(CallAs="DELEGATED_ADMIN" if delegated else "SELF")
    except AwsRefused as refused:
        tell(f"not checked: whether StackSets are activated ({refused.code})")
        return []
    if found["Status"] == "ENABLED":
        return []
    remedy = _IN_MANAGEMENT + _TRUST[STACKSETS]
    return [Problem("organization", "trusts CloudFormation StackSets, but has not activated them.", remedy)]


def _no_delegate(account: str, service: str, *, is_trusted: bool) -> Problem:
    register = _DELEGATE.format(account, service)
    remedy = _IN_MANAGEMENT + (register if is_trusted else f"{_TRUST[service]} && {register}")
    return Problem(f"account {account}", f"is no delegated administrator for {service}.", remedy)


def _needed(*, delegated: bool) -> tuple[str, ...]:
    # AWS: CloudFormation guide, "Register a delegated administrator"; Systems Manager guide: OUs are taken as targets of an automation from
    # the management account or a delegated administrator for Systems Manager.
    return (STACKSETS, SYSTEMS_MANAGER) if delegated else ()


def _is_delegate(organizations: Any, account: str, service: str) -> bool:
    pages = organizations.get_paginator("list_delegated_administrators").paginate(ServicePrincipal=service)
    return account in {one["Id"] for page in pages for one in page["DelegatedAdministrators"]}


def _region(principal: Principal, region: str, option: str) -> list[Problem]:
    """A Region that is not there has no endpoint; one that is not enabled knows no credentials."""
    try:
        ssm = principal.client("ssm", region)
        with asking(ssm, principal.account):
            ssm.describe_document(Name=_PACKAGE_DOCUMENT)
    except AwsRefused as refused:
        if refused.code == "AccessDeniedException":  # it is there, and knows who asks
            return []
        remedy = f"Is it spelt right? When it has to be enabled first: aws account enable-region --region-name {region}"
        return [Problem(option, f"{region} cannot be used from here ({refused.code}).", remedy)]
    return []
