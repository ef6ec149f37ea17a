"""The organization's resource policy: by it the management account lets members manage policies.

Flow: PutResourcePolicy -> checked as JSON, then each statement's principals, actions and resources -> one row -> `callers` obeys it.
Rules: principals are accounts of this organization; only operations that AWS lets be delegated.

AWS: Organizations user guide, "Delegated administrator for AWS Organizations"; the reasons of InvalidInputException.
"""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from localorg.kernel import ids
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.organization.documents import listed, statements
from localorg.organization.records import ResourcePolicyRecord
from localorg.organization.refusals import invalid
from localorg.organization.tagging import checked_tags
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

DELEGABLE = frozenset(
    f"organizations:{operation}"
    for operation in (
        "AttachPolicy",
        "CreatePolicy",
        "DeletePolicy",
        "DescribeAccount",
        "DescribeCreateAccountStatus",
        "DescribeEffectivePolicy",
        "DescribeHandshake",
        "DescribeOrganization",
        "DescribeOrganizationalUnit",
        "DescribePolicy",
        "DescribeResourcePolicy",
        "DetachPolicy",
        "DisablePolicyType",
        "EnablePolicyType",
        "ListAWSServiceAccessForOrganization",
        "ListAccounts",
        "ListAccountsForParent",
        "ListChildren",
        "ListCreateAccountStatus",
        "ListDelegatedAdministrators",
        "ListDelegatedServicesForAccount",
        "ListHandshakesForAccount",
        "ListHandshakesForOrganization",
        "ListOrganizationalUnitsForParent",
        "ListParents",
        "ListPolicies",
        "ListPoliciesForTarget",
        "ListRoots",
        "ListTagsForResource",
        "ListTargetsForPolicy",
        "TagResource",
        "UntagResource",
        "UpdatePolicy",
    )
)
DocumentCheck = Callable[[str], None]


class ResourcePolicies:
    """Keeps the one policy. `check` reads a document as a resource's policy."""

    def __init__(self, kernel: Kernel, tree: Tree, check: DocumentCheck) -> None:
        self._kernel = kernel
        self._tree = tree
        self._check = check

    def put(self, request: Request) -> Output:
        """PutResourcePolicy, the first or in place of the one before."""
        content, tags = request.params["Content"], checked_tags(request.params.get("Tags", ()))
        self._check_document(content)
        known = next(iter(self._tree.resource_policies.values()), None)
        if known and tags:
            # ASSUMED: AWS says that updating with tags is refused, not with which reason.
            raise invalid("INVALID_LIST_MEMBER", "Tags can be given only when the resource policy is created. Use TagResource.")
        policy = known or ResourcePolicyRecord(f"rp-{ids.hexadecimal(self._kernel.dice, 8)}", content, tags)
        policy.content = content
        self._tree.resource_policies.put(policy, policy.policy_id)
        return {"ResourcePolicy": self._shape(policy)}

    def describe(self, _request: Request) -> Output:
        """DescribeResourcePolicy."""
        return {"ResourcePolicy": self._shape(self._known())}

    def delete(self, _request: Request) -> Output:
        """DeleteResourcePolicy."""
        self._tree.resource_policies.delete(self._known().policy_id)
        return {}

    def _known(self) -> ResourcePolicyRecord:
        found = next(iter(self._tree.resource_policies.values()), None)
        if found is None:
            raise AwsError("ResourcePolicyNotFoundException", "We can't find a resource policy in your organization.")
        return found

    def _shape(self, policy: ResourcePolicyRecord) -> Output:
        summary = {"Id": policy.policy_id, "Arn": self._tree.arn("resourcepolicy", policy.policy_id)}
        return {"ResourcePolicySummary": summary, "Content": policy.content}

    def _check_document(self, content: str) -> None:
        try:
            self._check(content)
        except AwsError as refusal:
            if isinstance(refusal, NotSupported):
                raise
            reason = "INVALID_PRINCIPAL" if "rincipal" in refusal.message else "INVALID_RESOURCE_POLICY_JSON"
            raise invalid(reason, f"The provided resource policy is not valid: {refusal.message}") from refusal
        for statement in statements(content):
            self._check_statement(statement)

    def _check_statement(self, statement: dict[str, Any]) -> None:
        for name in ("NotAction", "NotResource", "NotPrincipal"):
            if name in statement:
                raise NotSupported(f"the element {name}", "a resource policy of an organization")
        principal = statement["Principal"]
        others = sorted(set(principal) - {"AWS"}) if isinstance(principal, dict) else []
        if others:
            raise invalid(
                "INVALID_PRINCIPAL", f"The principals must be of this organization's accounts, not {', '.join(others)}."
            )
        for account in map(_account, _principals(principal)):
            if account != "*" and self._tree.accounts.get(account) is None:
                raise invalid("INVALID_PRINCIPAL", f"The principal {account} is no account of this organization.")
        for action in listed(statement["Action"]):
            if not any(fnmatchcase(one.lower(), action.lower()) for one in DELEGABLE):
                raise invalid(
                    "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", f"The action {action} is not supported in a resource policy."
                )
        for resource in listed(statement["Resource"]):
            arn = parse_arn(resource)
            if resource != "*" and (arn is None or arn.service != "organizations"):
                raise invalid("UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY", f"The resource {resource} is not of AWS Organizations.")


def _principals(principal: Any) -> Iterable[str]:
    return ["*"] if principal == "*" else [str(value) for value in listed(principal.get("AWS", []))]


def _account(principal: str) -> str:
    arn = parse_arn(principal)
    return arn.account if arn else principal
