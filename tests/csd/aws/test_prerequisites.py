"""What must be so before a deployment: everything asked at once, each lack with the command that mends it."""

from typing import Any

import pytest

from csd.aws.identity import Principal
from csd.aws.permitted import BUCKET_ACTIONS, Makings, lacking_actions
from csd.aws.prerequisites import STACKSETS, SYSTEMS_MANAGER, Plan, look
from csd.aws.targets import Reach
from csd_fakes.aws import Told

QUESTIONS = 7
"""How often IAM is asked: actions on one kind of resource at a time."""
ME, MANAGEMENT, UNIT = "111111111111", "999999999999", "ou-abcd-11111111"


def organization(told: Told, management: str = ME, features: str = "ALL") -> None:
    found = {"Id": "o-1234567890", "MasterAccountId": management, "FeatureSet": features}
    told.answer("organizations", "describe_organization", {"Organization": found})
    told.answer("ssm", "describe_document", {"Document": {"Name": "AWS-ConfigureAWSPackage"}})  # the home Region


def trusted(told: Told, *services: str) -> None:
    rows = [{"ServicePrincipal": service} for service in services]
    told.answer("organizations", "list_aws_service_access_for_organization", {"EnabledServicePrincipals": rows})


def activated(told: Told, status: str = "ENABLED") -> None:
    told.answer("cloudformation", "describe_organizations_access", {"Status": status})


def own_bucket(told: Told) -> None:
    told.answer("s3", "head_bucket", {})


def allowed(told: Told, **decisions: str) -> None:
    own_bucket(told)
    rows = [{"EvalActionName": name.replace("_", ":"), "EvalDecision": said} for name, said in decisions.items()]
    told.answer("iam", "simulate_principal_policy", {"EvaluationResults": rows})
    for _ in range(QUESTIONS - 1):
        told.answer("iam", "simulate_principal_policy", {"EvaluationResults": []})


def unit(told: Told) -> None:
    told.answer("organizations", "describe_organizational_unit", {"OrganizationalUnit": {"Id": UNIT}})
    told.answer("organizations", "list_parents", {"Parents": [{"Id": "r-abcd", "Type": "ROOT"}]})


def plan(**asked: Any) -> Plan:
    return Plan(**{"targets": [], "regions": [], "delegated": False, "stack": "csd", "template_bucket": "", **asked})


def problems(told: Told, lines: list[str] | None = None, **asked: Any) -> list[str]:
    found = look(told.principal(), plan(**asked), (lines if lines is not None else []).append)
    told.all_asked()
    return [str(problem) for problem in found.problems]


def test_all_is_well() -> None:
    """Nothing to mend; the targets are those of the deployment."""
    told = Told()
    organization(told)
    trusted(told, STACKSETS)
    activated(told)
    unit(told)
    allowed(told, iam_CreateRole="allowed")
    found = look(told.principal(), plan(targets=[UNIT]), lambda _: None)
    assert (found.problems, found.management, found.reach) == ([], ME, Reach((UNIT,), ""))


def test_trust_of_organizations_alone_is_not_enough() -> None:
    """Observed: pepperize/cdk-organizations issue 1718: StackSets want to be activated with CloudFormation besides."""
    told = Told()
    organization(told)
    trusted(told, STACKSETS)
    activated(told, "DISABLED")
    allowed(told)
    (line,) = problems(told)
    assert "has not activated them. In the management account: aws cloudformation activate-organizations-access" in line


def test_whether_stacksets_are_activated_may_be_hidden() -> None:
    """What may not be asked is said, and stops nobody."""
    told, lines = Told(), []
    organization(told)
    trusted(told, STACKSETS)
    told.refuse("cloudformation", "describe_organizations_access", "AccessDenied", "no")
    allowed(told)
    assert problems(told, lines) == []
    assert lines == ["not checked: whether StackSets are activated (AccessDenied)"]


def test_a_delegate_may_lack_everything_at_once() -> None:
    """Features, trust, both delegations, a target, a right: five lacks, one answer, five commands."""
    told = Told()
    organization(told, MANAGEMENT, "CONSOLIDATED_BILLING")
    trusted(told, "config.amazonaws.com")
    told.answer("organizations", "list_delegated_administrators", {"DelegatedAdministrators": [{"Id": "222222222222"}]})
    told.answer("organizations", "list_delegated_administrators", {"DelegatedAdministrators": []})
    allowed(told, iam_CreateRole="implicitDeny", s3_PutObject="explicitDeny")
    found = problems(told, delegated=True)
    register = f"aws organizations register-delegated-administrator --account-id {ME} --service-principal"
    wanted = [
        ("consolidated billing only", "aws organizations enable-all-features"),
        ("does not trust CloudFormation StackSets", "aws cloudformation activate-organizations-access"),
        (f"no delegated administrator for {STACKSETS}", f"{register} {STACKSETS}"),
        (f"no delegated administrator for {SYSTEMS_MANAGER}", f"{register} {SYSTEMS_MANAGER}"),
        ("may not do iam:CreateRole, s3:PutObject", "aws sts get-caller-identity"),
    ]
    assert len(found) == len(wanted)
    assert all(what in line and command in line for line, (what, command) in zip(found, wanted, strict=True))


def test_one_who_may_not_look_is_no_delegate() -> None:
    """Documented: Organizations API: only the management account and delegated administrators may list."""
    told = Told()
    organization(told, MANAGEMENT)
    told.refuse("organizations", "list_aws_service_access_for_organization", "AccessDeniedException", "no")
    allowed(told)
    assert [line.partition(" for ")[2].partition(".amazon")[0] for line in problems(told, delegated=True)] == [
        "member.org.stacksets.cloudformation",
        "ssm",
    ]


@pytest.mark.parametrize(
    ("management", "delegated", "said"),
    [
        (MANAGEMENT, False, f"is not the management account, which is {MANAGEMENT}. Sign in there; or"),
        (ME, True, f"--delegated: {ME} is the management account itself. Leave the option out."),
    ],
)
def test_the_wrong_account(management: str, said: str, *, delegated: bool) -> None:
    """Nothing more is asked: a member may not look."""
    told = Told()
    organization(told, management)
    (line,) = problems(told, delegated=delegated)
    assert said in line


def test_no_organization() -> None:
    """An account on its own."""
    told = Told()
    told.refuse("organizations", "describe_organization", "AWSOrganizationsNotInUseException", "no")
    assert problems(told) == [
        f"account {ME}: is in no organization. Make one: aws organizations create-organization --feature-set ALL"
    ]


def test_a_region_that_is_not_there() -> None:
    """Told with both causes: a typing error, or a Region that has to be enabled."""
    told = Told()
    organization(told)
    told.refuse("ssm", "describe_document", "UnrecognizedClientException", "The security token is invalid.")
    trusted(told, STACKSETS)
    activated(told)
    allowed(told)
    (line,) = problems(told, regions=["eu-south-9"])
    assert "eu-south-9 cannot be used from here (UnrecognizedClientException)" in line
    assert "aws account enable-region --region-name eu-south-9" in line


def test_what_could_not_be_checked_is_said() -> None:
    """A caller who may not ask IAM is not held to be allowed, and not stopped."""
    told, lines = Told(), []
    organization(told)
    trusted(told, STACKSETS)
    activated(told)
    own_bucket(told)
    told.refuse("iam", "simulate_principal_policy", "AccessDenied", "no")
    assert problems(told, lines) == []
    assert lines == [
        "not checked: what arn:aws-us-gov:iam::111111111111:user/me may do (iam:SimulatePrincipalPolicy: AccessDenied)"
    ]


@pytest.mark.parametrize(
    ("bucket", "head", "asked"), [("", "404", True), ("", "403", False), ("", "", False), ("mine", None, False)]
)
def test_rights_to_make_a_bucket_are_needed_by_who_makes_one(bucket: str, head: str | None, *, asked: bool) -> None:
    """A template bucket that is there, or is named, is not made; one that may not be looked at is a lack of another right."""
    told = Told()
    organization(told)
    trusted(told, STACKSETS)
    activated(told)
    if head:
        told.refuse("s3", "head_bucket", head, "no")
    elif head is not None:
        own_bucket(told)
    for actions, _ in Makings("csd", "", makes_bucket=asked).questions(told.principal()):
        denied = [{"EvalActionName": one, "EvalDecision": "implicitDeny"} for one in actions if one in BUCKET_ACTIONS]
        told.answer("iam", "simulate_principal_policy", {"EvaluationResults": denied})
    found = problems(told, template_bucket=bucket)
    assert [line.rpartition(", or ")[2] for line in found] == (["name a bucket with --template-bucket."] if asked else [])


def test_who_may_not_read_documents_is_in_a_region_that_is_there() -> None:
    """A refusal by IAM is no sign of a wrong Region."""
    told = Told()
    organization(told)
    told.refuse("ssm", "describe_document", "AccessDeniedException", "no")
    trusted(told, STACKSETS)
    activated(told)
    allowed(told)
    assert problems(told, regions=["eu-west-1"]) == []


def test_a_session_s_rights_are_its_role_s() -> None:
    """Documented: SimulatePrincipalPolicy takes users, groups and roles. Who may not ask for the role's path is asked about without one."""
    told = Told()
    told.refuse("iam", "get_role", "AccessDenied", "no")
    session = Principal(told.principal().session, ME, f"arn:aws:sts::{ME}:assumed-role/op/me")
    makings = Makings("csd", "mine", makes_bucket=False)
    for actions, resource in makings.questions(session):
        expected = {"PolicySourceArn": f"arn:aws:iam::{ME}:role/op", "ActionNames": list(actions), "ResourceArns": [resource]}
        denied = [{"EvalActionName": one, "EvalDecision": "explicitDeny"} for one in actions if one == "iam:CreateRole"]
        told.answer("iam", "simulate_principal_policy", {"EvaluationResults": denied}, expected)
    (problem,) = lacking_actions(session, lambda _: None, makings)
    assert problem.what == "may not do iam:CreateRole."
    told.all_asked()


def test_each_action_is_asked_about_on_what_it_acts_on() -> None:
    """A policy for the solution's own names suffices, but for the reading of a template."""
    asked = dict(Makings("csd", "mine", makes_bucket=True).questions(Told().principal()))
    assert len(asked) == QUESTIONS
    assert [resource.partition("aws-us-gov:")[2] for resource in asked.values()] == [
        f"cloudformation:us-east-1:{ME}:stack/csd/new",
        f"cloudformation:us-east-1:{ME}:stackset/CSD-SystemsManagerAutomationExecutionRole:new",
        "",  # a template that is nowhere yet
        f"iam::{ME}:role/CSD-SystemsManager-AutomationAdministrationRole",
        f"ssm:us-east-1:{ME}:document/CSD-AddSoftwarePackageToDistributor",
        "s3:::mine",
        "s3:::mine/template",
    ]
