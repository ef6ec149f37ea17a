"""The sentence of a denied call, as each service puts it.

Rules: IAM calls what may be there by its kind and name, what is to be made, passed or simulated by its ARN; S3 quotes the ARN, and tells
strangers nothing.
Refuses to know: why (evaluate.py).

AWS: IAM user guide, "Troubleshoot access denied error messages"; S3 user guide, "Troubleshoot access denied (403 Forbidden) errors".
"""

from localorg.kernel.arn import parse_arn
from localorg.protocol.calls import Access

BY_NAME = {"role": "role", "user": "user", "group": "group", "instance-profile": "instance profile"}
RESOURCE_SAYS_NO = "resource-based policy"
KEY_OF_OTHERS = (
    "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy "
    "explicitly denies access"
)
"""Observed in clients' reports of KMS: whoever asks for another account's key is not told whether there is one."""
BY_ARN = ("iam:Pass", "iam:Simulate", "iam:GetContextKeys", "iam:Tag", "iam:Untag", "iam:ListInstanceProfiles")
"""How the actions begin whose resource IAM tells by its ARN. ASSUMED: of those not seen in clients' reports, that tagging is one."""


def sentence(who: str, access: Access, reason: str, *, is_stranger: bool) -> str:
    """Return why `who` is turned away. `is_stranger`: the resource is another organization's."""
    if access.action.startswith("s3:") and is_stranger:
        return "Access Denied"
    if access.policy_decides and RESOURCE_SAYS_NO in reason and _is_abroad(who, access):
        reason = KEY_OF_OTHERS
    return f"User: {who} is not authorized to perform: {access.action}{_on(access)} {reason}"


def _is_abroad(who: str, access: Access) -> bool:
    arn = parse_arn(who)
    return bool(access.owner) and (arn is None or arn.account != access.owner)


def _on(access: Access) -> str:
    service = access.action.partition(":")[0]
    match service:
        case "s3":
            return "" if access.resource == "*" else f' on resource: "{access.resource}"'
        case "iam":
            return f" on resource: {_of_iam(access)}"
        case _:
            return f" on resource: {access.resource}"


def _of_iam(access: Access) -> str:
    """Observed in clients' reports of IAM: "on resource: role NAME", "policy ARN"; ARNs of what is not there yet."""
    arn = parse_arn(access.resource)
    kind, _, path = arn.resource.partition("/") if arn else ("", "", "")
    name = path.rsplit("/", 1)[-1]
    if kind == "policy" and access.action != "iam:TagPolicy":
        return f"policy {name if access.action == 'iam:CreatePolicy' else access.resource}"
    is_made = access.action.startswith("iam:Create") and access.action not in ON_A_USER
    if kind not in BY_NAME or not name or is_made or access.action.startswith(BY_ARN):
        return access.resource
    return f"{BY_NAME[kind]} {name}"


ON_A_USER = frozenset({"iam:CreateAccessKey", "iam:CreateLoginProfile"})
