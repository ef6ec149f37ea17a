"""Policies of the organization: made, changed, deleted, attached; and the policy types of the root.

Flow: operation -> the document is checked as whoever obeys it will read it -> rows -> `control` tells who is governed by what.
Rules: service and resource control policies only, every other type is refused by name; AWS's own policies are not changed; whatever a
policy type governs has one policy at least and five at most.

AWS: Organizations user guide, "Service control policies", "Quotas"; the errors of each operation.
"""

import json
from collections.abc import Callable

from localorg.kernel import ids
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.organization.control import AWS_OWNED, DEFAULTS, RESOURCE_FULL_ACCESS, Control
from localorg.organization.documents import statements
from localorg.organization.pages import paged
from localorg.organization.records import RESOURCE_CONTROL_POLICY, AttachmentRecord, PolicyRecord
from localorg.organization.refusals import constraint, invalid, not_found
from localorg.organization.tagging import checked_tags
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

CONTENT_MAX = 5120
ATTACHED_MAX = 5
POLICIES_MAX = 10_000
"""AWS: Organizations quotas, alike for both types: bytes of a policy, how many on one root, OU or account, how many in an organization."""
VERSION = "2012-10-17"
DocumentCheck = Callable[[str, str], None]
"""(document, policy type): raises AwsError MalformedPolicyDocument, or NotSupported naming what the evaluator cannot judge."""


class Policies:
    """Keeps policies and attachments. `check` reads a document as a policy of its type."""

    def __init__(self, kernel: Kernel, tree: Tree, control: Control, check: DocumentCheck) -> None:
        self._kernel = kernel
        self._tree = tree
        self._control = control
        self._check = check

    def create(self, request: Request) -> Output:
        """CreatePolicy; it need not be enabled to be made."""
        params = request.params
        _require_supported(params["Type"], "CreatePolicy")
        self._require_free_name(params["Type"], params["Name"])
        self._check_content(params["Content"], params["Type"])
        if len(self._tree.policies) >= POLICIES_MAX:
            raise constraint("POLICY_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of policies.")
        policy_id = f"p-{ids.hexadecimal(self._kernel.dice, 10)}"
        tags = checked_tags(params.get("Tags", ()))
        policy = PolicyRecord(policy_id, params["Name"], params["Description"], params["Type"], params["Content"], tags)
        self._tree.policies.put(policy, policy_id)
        return {"Policy": self._shape(policy)}

    def update(self, request: Request) -> Output:
        """UpdatePolicy; what is left out stays."""
        policy, params = self._changeable(request.params["PolicyId"]), request.params
        name = params.get("Name", policy.name)
        if name != policy.name:
            self._require_free_name(policy.policy_type, name)
        content = params.get("Content", policy.content)
        self._check_content(content, policy.policy_type)
        policy.name, policy.content, policy.description = name, content, params.get("Description", policy.description)
        self._tree.policies.put(policy, policy.policy_id)
        return {"Policy": self._shape(policy)}

    def delete(self, request: Request) -> Output:
        """DeletePolicy: only one that is attached nowhere."""
        policy = self._changeable(request.params["PolicyId"])
        if self._targets(policy.policy_id):
            raise AwsError(
                "PolicyInUseException", "The policy is attached to one or more entities. Detach it from all of them first."
            )
        self._tree.policies.delete(policy.policy_id)
        return {}

    def describe(self, request: Request) -> Output:
        """DescribePolicy."""
        return {"Policy": self._shape(self._policy(request.params["PolicyId"]))}

    def list_all(self, request: Request) -> Output:
        """ListPolicies of one type, AWS's own among them."""
        rows = [
            one for one in (*AWS_OWNED.values(), *self._tree.policies.values()) if one.policy_type == request.params["Filter"]
        ]
        return paged(request, rows, lambda row: row.policy_id, "Policies", self._summary)

    def list_for_target(self, request: Request) -> Output:
        """ListPoliciesForTarget: what is attached to it itself."""
        self._tree.name_of(target := request.params["TargetId"])
        rows = self._control.attached(target, request.params["Filter"])
        return paged(request, rows, lambda row: row.policy_id, "Policies", self._summary)

    def list_targets(self, request: Request) -> Output:
        """ListTargetsForPolicy."""

        def shape(target: str) -> Output:
            kind, name = self._tree.name_of(target)
            return {"TargetId": target, "Arn": self._tree.node_arn(target), "Name": name, "Type": kind}

        return paged(request, self._targets(self._policy(request.params["PolicyId"]).policy_id), str, "Targets", shape)

    def attach(self, request: Request) -> Output:
        """AttachPolicy."""
        policy, target = self._policy(request.params["PolicyId"]), request.params["TargetId"]
        self._tree.name_of(target)
        if policy.policy_type not in self._tree.organization().policy_types:
            raise _not_enabled()
        if self._tree.attachments.get(target, policy.policy_id):
            what = "The selected policy is already attached to the specified target."
            raise AwsError("DuplicatePolicyAttachmentException", what)
        if len(self._control.attached(target, policy.policy_type)) >= ATTACHED_MAX:
            raise constraint(
                "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You have attached the maximum number of policies to the specified target.",
            )
        self._tree.attachments.put(AttachmentRecord(target, policy.policy_id), target, policy.policy_id)
        return {}

    def detach(self, request: Request) -> Output:
        """DetachPolicy; the last one stays."""
        policy, target = self._policy(request.params["PolicyId"]), request.params["TargetId"]
        self._tree.name_of(target)
        if self._tree.attachments.get(target, policy.policy_id) is None:
            raise AwsError("PolicyNotAttachedException", "The policy isn't attached to the specified target.")
        if policy is RESOURCE_FULL_ACCESS:
            raise invalid("NON_DETACHABLE_POLICY", "You can't detach this AWS managed policy.")
        if len(self._control.attached(target, policy.policy_type)) == 1:
            raise constraint(
                "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
            )
        self._tree.attachments.delete(target, policy.policy_id)
        return {}

    def enable_type(self, request: Request) -> Output:
        """EnablePolicyType in the root. AWS: everything has only AWS's own policy of it then."""
        kind = self._root_and_type(request)
        organization = self._tree.organization()
        if kind in organization.policy_types:
            raise AwsError("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.")
        _require_supported(kind, "EnablePolicyType")
        organization.policy_types.append(kind)
        self._tree.organizations.put(organization, organization.organization_id)
        for node in self._control.nodes():
            self._control.welcome(node)
        return {"Root": self._tree.root_shape()}

    def disable_type(self, request: Request) -> Output:
        """DisablePolicyType in the root: every policy of the type is detached from everything."""
        kind = self._root_and_type(request)
        organization = self._tree.organization()
        if kind not in organization.policy_types:
            raise _not_enabled()
        organization.policy_types.remove(kind)
        self._tree.organizations.put(organization, organization.organization_id)
        for node in self._control.nodes():
            self._control.forget(node, [kind])
        return {"Root": self._tree.root_shape()}

    def _root_and_type(self, request: Request) -> str:
        if request.params["RootId"] != self._tree.organization().root_id:
            raise not_found("RootNotFound", "root")
        kind: str = request.params["PolicyType"]
        return kind

    def _targets(self, policy_id: str) -> list[str]:
        return [row.target for row in self._tree.attachments.values() if row.policy_id == policy_id]

    def _policy(self, policy_id: str) -> PolicyRecord:
        found = self._control.policy(policy_id)
        if found is None:
            raise not_found("PolicyNotFound", "policy")
        return found

    def _changeable(self, policy_id: str) -> PolicyRecord:
        if policy_id in AWS_OWNED:
            raise invalid("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")
        return self._policy(policy_id)

    def _require_free_name(self, kind: str, name: str) -> None:
        if any(one.name == name and one.policy_type == kind for one in (*AWS_OWNED.values(), *self._tree.policies.values())):
            raise AwsError("DuplicatePolicyException", "A policy with the same name already exists.")

    def _check_content(self, content: str, kind: str) -> None:
        if len(content.encode()) > CONTENT_MAX:
            raise constraint(
                "POLICY_CONTENT_LIMIT_EXCEEDED", f"The policy is larger than the maximum size of {CONTENT_MAX} bytes."
            )
        try:
            self._check(content, kind)
        except AwsError as refusal:
            if isinstance(refusal, NotSupported):
                raise
            raise _malformed(refusal.message) from refusal
        # AWS: Organizations user guide, "SCP syntax", "RCP syntax": every policy must have a Version, with this value.
        if json.loads(content).get("Version") != VERSION:
            raise _malformed(f"Version: must be {VERSION}")
        # AWS: Organizations user guide, "RCP syntax": only RCPFullAWSAccess allows.
        if kind == RESOURCE_CONTROL_POLICY and any(statement["Effect"] == "Allow" for statement in statements(content)):
            raise _malformed("Effect: a resource control policy can only deny")

    def _summary(self, policy: PolicyRecord) -> Output:
        return {
            "Id": policy.policy_id,
            "Arn": self._control.arn(policy),
            "Name": policy.name,
            "Description": policy.description,
            "Type": policy.policy_type,
            "AwsManaged": policy.policy_id in AWS_OWNED,
        }

    def _shape(self, policy: PolicyRecord) -> Output:
        return {"PolicySummary": self._summary(policy), "Content": policy.content}


def _malformed(why: str) -> AwsError:
    what = f"The provided policy document does not meet the requirements of the specified policy type. {why}"
    return AwsError("MalformedPolicyDocumentException", what)


def _require_supported(kind: str, operation: str) -> None:
    # DEVIATES: AWS also has tag, backup, declarative and other management policies; here they are refused by name.
    if kind not in DEFAULTS:
        raise NotSupported(f"the policy type {kind}", operation)


def _not_enabled() -> AwsError:
    return AwsError("PolicyTypeNotEnabledException", "This operation can be performed only for enabled policy types.")
