"""May the caller deploy? IAM is asked to simulate the caller's policies for what `csd deploy` and CloudFormation do in the caller's name.

Rules: what could not be asked is said. Service control policies and boundaries are in IAM's answer; conditions on resources are not,
for nothing is made yet. Refuses to know: what the actions are for.
"""

from collections.abc import Callable, Iterator

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, Problem

# AWS: CloudFormation acts with the caller's rights; its handlers' schemas name the actions.
ACTIONS = (
    "cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents",
    "cloudformation:CreateStackSet", "cloudformation:UpdateStackSet", "cloudformation:DescribeStackSet",
    "cloudformation:CreateStackInstances", "cloudformation:DeleteStackInstances", "cloudformation:DescribeStackSetOperation",
    "iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy",
    "ssm:CreateDocument", "ssm:UpdateDocument", "ssm:DescribeDocument", "ssm:GetDocument", "ssm:UpdateDocumentDefaultVersion",
    "s3:CreateBucket", "s3:ListBucket", "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration", "s3:PutObject", "s3:GetObject",
)  # fmt: skip
_CANNOT_TELL = ("AccessDenied", "AccessDeniedException", "NotImplemented", "NoSuchEntity")


def lacking_actions(principal: Principal, tell: Callable[[str], None]) -> list[Problem]:
    """A problem that names every action that is denied; none when all are allowed or IAM cannot be asked."""
    if principal.arn.endswith(":root"):
        return []
    try:
        denied = list(_denied(principal))
    except AwsRefused as refused:
        if refused.code not in _CANNOT_TELL:
            raise
        tell(f"not checked: what {principal.arn} may do ({refused.code})")
        return []
    remedy = "Let an administrator allow them, or use another role: aws sts get-caller-identity says who you are."
    return [Problem(principal.arn, f"may not do {', '.join(denied)}.", remedy)] if denied else []


def _denied(principal: Principal) -> Iterator[str]:
    iam = principal.client("iam")
    with asking(iam, principal.account):
        source = principal.arn
        if ":assumed-role/" in source:  # a session has no policies of its own; its role has
            source = iam.get_role(RoleName=source.split("/")[1])["Role"]["Arn"]
        pages = iam.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=source, ActionNames=list(ACTIONS))
        for page in pages:
            yield from (one["EvalActionName"] for one in page["EvaluationResults"] if one["EvalDecision"] != "allowed")
