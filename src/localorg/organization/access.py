"""What a caller must be allowed for each operation: action, resources and condition keys.

Flow: the members of a request that name resources -> their ARNs -> one Access for each, with the keys of the service.
Rules: a resource that is not there is asked for all the same; the handler says afterwards that it is not there.

AWS: Service Authorization Reference, AWS Organizations.
"""

from collections.abc import Callable

from localorg.organization.control import Control
from localorg.organization.tree import Tree
from localorg.protocol.calls import Access, Request

Rule = Callable[[Request], list[Access]]
POLICY_KINDS = ("PolicyType", "Type", "Filter")
"""Input members that name a type of policies."""
NEW = {"CreateAccount": "account/{0}/*", "CreateOrganizationalUnit": "ou/{0}/ou-*", "CreatePolicy": "policy/{0}/*"}
"""What an operation makes and may tag at once: how its ARN will look."""


class Rules:
    """Makes the access rules of the operations."""

    def __init__(self, tree: Tree, control: Control) -> None:
        self._tree = tree
        self._control = control

    def on(self, *members: str) -> Rule:
        """Return the rule of an operation whose resources these members name; without members it is on everything."""

        def rule(request: Request) -> list[Access]:
            action, context = f"organizations:{request.operation}", self._context(request)
            named = [request.params[member] for member in members if member in request.params]
            resources = [self.arn(resource) for resource in named] if self._tree.known() else []
            accesses = [Access(action, resource, context=context) for resource in resources or ["*"]]
            return accesses + self._tagging(request)

        return rule

    def on_invited(self, request: Request) -> list[Access]:
        """Return the rule of InviteAccountToOrganization: on the account, when the invitation names one by its id."""
        target = request.params["Target"]
        is_account = target["Type"] == "ACCOUNT" and self._tree.known()
        resource = self.arn(target["Id"]) if is_account else "*"
        return [Access("organizations:InviteAccountToOrganization", resource), *self._tagging(request)]

    def on_resource_policy(self, request: Request) -> list[Access]:
        """Return the rule of DeleteResourcePolicy: on the one that there is."""
        known = next(iter(self._tree.resource_policies.values()), None)
        return [Access(f"organizations:{request.operation}", self.arn(known.policy_id) if known else "*")]

    def arn(self, resource: str) -> str:
        """Return the ARN of whatever has this id, whether or not it exists."""
        if resource.startswith("p-"):
            policy = self._control.policy(resource)
            return self._control.arn(policy) if policy else self._tree.arn("policy", f"service_control_policy/{resource}")
        if resource.startswith("rp-"):
            return self._tree.arn("resourcepolicy", resource)
        if resource.startswith("h-"):
            return self._tree.arn("handshake", f"invite/{resource}")
        return self._tree.node_arn(resource)

    def _context(self, request: Request) -> dict[str, str]:
        params, context = request.params, {}
        if service := params.get("ServicePrincipal"):
            context["organizations:ServicePrincipal"] = service
        kinds = [params[name] for name in POLICY_KINDS if isinstance(params.get(name), str)]
        policy = self._control.policy(params.get("PolicyId", ""))
        if kinds or policy:
            context["organizations:PolicyType"] = kinds[0] if kinds else policy.policy_type if policy else ""
        return context

    def _tagging(self, request: Request) -> list[Access]:
        """Return what tags on something new ask for besides. AWS: Organizations API reference, CreateAccount and others."""
        if not request.params.get("Tags") or request.operation == "TagResource":
            return []
        tail = NEW.get(request.operation)
        known = self._tree.known()
        if tail is None or known is None:
            return [Access("organizations:TagResource")]
        owner = f"arn:{self._tree.partition}:organizations::{known.management_account}:"
        return [Access("organizations:TagResource", owner + tail.format(known.organization_id))]
