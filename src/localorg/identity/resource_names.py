"""The strings of a Resource element as IAM checks them when a policy is written.

AWS: IAM user guide, "IAM JSON policy elements: Resource" (no wildcard in the service's part); "Grammar of the IAM JSON policy language".
Refuses to know: partitions (partition_check.py).
"""

# ASSUMED: IAM checks the kinds of IAM's own resources; the sentences are known from its answers.
IAM_KINDS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
MORE_IAM_KINDS = ("root", "role-template/")
"""Observed: policies that AWS publishes name these kinds too, whatever IAM's sentence says."""
WILD = ("*", "?", "${")


def problem_of(text: str) -> str | None:
    """Return IAM's sentence about a resource that it does not take, or None."""
    if text == "*":
        return None
    parts = text.split(":", 5)
    if parts[0] != "arn" or len(parts) == 1:
        return f'Resource {text} must be in ARN format or "*".'
    service = parts[2] if len(parts) > 2 else "*"
    if not service or any(mark in service for mark in WILD):
        return "Resource vendor must be fully qualified and cannot contain regexes."
    if len(parts) < 6:
        # ASSUMED: a pattern may have fewer than the six parts of an ARN when a wildcard can stand for the others ("arn:*" and the like).
        return None if "*" in text else f'Resource {text} must be in ARN format or "*".'
    return _problem_of_kind(text, service, parts[3], parts[5])


def _problem_of_kind(text: str, service: str, region: str, resource: str) -> str | None:
    match service:
        case "iam" if region and "*" not in region:
            return f"IAM resource {text} cannot contain region information."
        case "iam" if resource != "*" and not resource.startswith((*IAM_KINDS, *MORE_IAM_KINDS, "${")):
            return f'IAM resource path must either be "*" or start with {", ".join(IAM_KINDS)}.'
        case "s3" if region and "*" not in region and not resource.startswith("accesspoint/"):
            return f"Resource {text} can not contain region information."
        case _:
            return None
