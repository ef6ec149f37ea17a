"""May the caller deploy? IAM is asked to simulate the caller's policies for what `csd deploy` and CloudFormation do in the caller's name.

Rules: what could not be asked is said. Each action is asked about on what it will act on, so that a policy for these names suffices.
Service control policies and boundaries are in IAM's answer; conditions on the request are not, for there is none yet.
Refuses to know: what the actions are for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, Problem
from csd.solution.names import ADMINISTRATION_ROLE, HUB_DOCUMENT, STACK_SET

# AWS: CloudFormation acts with the caller's rights; its handlers' schemas name the actions.
ON_STACK = (
    "cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents",
)  # fmt: skip
ON_STACK_SET = (
    "cloudformation:CreateStackSet", "cloudformation:UpdateStackSet", "cloudformation:DescribeStackSet",
    "cloudformation:CreateStackInstances", "cloudformation:DeleteStackInstances", "cloudformation:DescribeStackSetOperation",
    "cloudformation:ListStackSetOperationResults",
)  # fmt: skip
ON_NEW_TEMPLATE = ("cloudformation:GetTemplateSummary",)
ON_ROLE = ("iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")
ON_DOCUMENT = (
    "ssm:CreateDocument", "ssm:UpdateDocument", "ssm:DescribeDocument", "ssm:GetDocument", "ssm:UpdateDocumentDefaultVersion",
)  # fmt: skip
ON_BUCKET, ON_OBJECT = ("s3:ListBucket",), ("s3:PutObject", "s3:GetObject")
BUCKET_ACTIONS = ("s3:CreateBucket", "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration")
"""For who has no bucket for the template yet, and names none."""
_CANNOT_TELL = ("AccessDenied", "AccessDeniedException", "NotImplemented", "NoSuchEntity")


@dataclass(frozen=True)
class Makings:
    """What a deployment will act on: the stack's name, the template's bucket, and whether that has to be made."""

    stack: str
    bucket: str
    makes_bucket: bool

    def questions(self, principal: Principal) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield actions, and the resource that they act on."""
        arn, here = f"arn:{principal.partition}", f"{principal.region}:{principal.account}"
        yield ON_STACK, f"{arn}:cloudformation:{here}:stack/{self.stack}/new"
        yield ON_STACK_SET, f"{arn}:cloudformation:{here}:stackset/{STACK_SET}:new"
        yield ON_NEW_TEMPLATE, "*"
        yield ON_ROLE, principal.role_arn(ADMINISTRATION_ROLE)
        yield ON_DOCUMENT, f"{arn}:ssm:{here}:document/{HUB_DOCUMENT}"
        yield (*ON_BUCKET, *(BUCKET_ACTIONS if self.makes_bucket else ())), f"{arn}:s3:::{self.bucket}"
        yield ON_OBJECT, f"{arn}:s3:::{self.bucket}/template"


def lacking_actions(principal: Principal, tell: Callable[[str], None], makings: Makings) -> list[Problem]:
    """A problem that names every action that is denied; none when all are allowed or IAM cannot be asked."""
    if principal.arn.endswith(":root"):
        return []
    try:
        denied = list(_denied(principal, makings))
    except AwsRefused as refused:
        if refused.code not in _CANNOT_TELL:
            raise
        tell(f"not checked: what {principal.arn} may do ({refused.service}:{refused.operation}: {refused.code})")
        return []
    if not denied:
        return []
    remedy = "Let an administrator allow them, or use another role: aws sts get-caller-identity says who you are."
    if set(denied) <= set(BUCKET_ACTIONS):
        remedy = "They make a bucket for the template: let an administrator allow them, or name a bucket with --template-bucket."
    return [Problem(principal.arn, f"may not do {', '.join(denied)}.", remedy)]


def _denied(principal: Principal, makings: Makings) -> Iterator[str]:
    iam = principal.client("iam")
    source = _source(principal, iam)
    simulation = iam.get_paginator("simulate_principal_policy")
    for actions, resource in makings.questions(principal):
        with asking(iam, principal.account):
            for page in simulation.paginate(PolicySourceArn=source, ActionNames=list(actions), ResourceArns=[resource]):
                yield from (one["EvalActionName"] for one in page["EvaluationResults"] if one["EvalDecision"] != "allowed")


def _source(principal: Principal, iam: Any) -> str:
    """Whose policies count: a session has none of its own, its role has. Only IAM knows the role's path."""
    if ":assumed-role/" not in principal.arn:
        return principal.arn
    name = principal.arn.split("/")[1]
    try:
        with asking(iam, principal.account):
            return str(iam.get_role(RoleName=name)["Role"]["Arn"])
    except AwsRefused as refused:
        if refused.code != "AccessDenied":
            raise
    return principal.role_arn(name)
