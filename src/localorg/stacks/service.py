"""The stacks engine: AWS CloudFormation's operations on stacks.

Flow: CreateStack / UpdateStack -> checks (`checks`, `parameters`, `planning`) -> the stack's row -> `lifecycle` moves it on, under the
caller or the RoleARN's session (`principals`). DeleteStack is in `deleting`, reading in `reading` and `drift`, change sets in
`change_sets`, StackSets in `stacksets`.
Rules: what can be known to be wrong is refused before anything is made; everything else is told in events and rolled back.
Refuses to know: how any resource is made (`resources`), who may do what (the gateway).
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Access, Operation, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.accepting import Accepting, Proposal
from localorg.stacks.change_sets import ChangeSets
from localorg.stacks.deleting import USER, Deleting
from localorg.stacks.drift.service import Drift
from localorg.stacks.fetching import Fetching
from localorg.stacks.lifecycle import Lifecycle
from localorg.stacks.lookups import Lookups
from localorg.stacks.once import remember, seen, token_of
from localorg.stacks.principals import Principals
from localorg.stacks.reading import Reading
from localorg.stacks.records import Action, OperationRecord, Snapshot, StackRecord
from localorg.stacks.recovering import Recovering
from localorg.stacks.resources.registry import TYPES
from localorg.stacks.running import ENGINE
from localorg.stacks.shelf import Shelf
from localorg.stacks.stack_policy import checked
from localorg.stacks.stacksets.service import StackSets
from localorg.stacks.template import invalid
from localorg.stacks.unsupported import refuse_unsupported

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "CREATE_FAILED"})
POLICIES = (
    ("StackPolicyBody", "StackPolicyURL"),
    ("StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL"),
)


class Stacks:
    """CloudFormation of every account and Region.

    `sessions` turns an access key id into the principal of its session, `service_linked_role` (account, service) into that role's
    principal; `management_of` gives the management account of an account's organization (without it, the API is asked under the
    caller, who then needs organizations:DescribeOrganization); `execution_role` the name of the role that StackSets act as in members.
    """

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        sessions: Callable[[str], Principal],
        service_linked_role: Callable[[str, str], Principal],
        management_of: Callable[[str], str | None] | None = None,
        execution_role: Callable[[], str] = lambda: "stacksets-exec",
    ) -> None:
        self._kernel = kernel
        self._principals = Principals(gateway, sessions)
        self._shelf = Shelf(kernel)
        self._fetching = Fetching(kernel, gateway)
        self._accepting = Accepting(self._shelf, TYPES, kernel.settings.partition, self._fetching.text, Lookups(gateway))
        self._lifecycle = Lifecycle(kernel, gateway, self._shelf, TYPES, self._accepting.plan_of)
        self._sets = StackSets(
            kernel,
            gateway,
            self._accepting,
            sessions,
            service_linked_role,
            management_of,
            execution_role,
            self._fetching.accounts,
        )
        self._change_sets = ChangeSets(kernel, self._shelf, self._accepting, self._blank, self.start)
        self._drift = Drift(gateway, self._shelf, TYPES)
        self._reading = Reading(gateway, self._shelf, self._accepting, TYPES, self._change_sets.require, self._drift)
        self._recovering = Recovering(kernel, self._shelf, self._lifecycle, self._principals.of)
        self._deleting = Deleting(kernel, self._shelf, self._accepting, self._lifecycle, self._principals)
        kernel.on(ENGINE, self._lifecycle.handle)

    def resume(self) -> None:
        """Go on with every operation that a restart interrupted."""
        self._lifecycle.resume()
        self._drift.resume()
        self._sets.resume()

    def activate_stack_sets(self, management: str) -> None:
        """Let an organization have activated trusted access for StackSets from the start."""
        self._sets.activate(management)

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of the stack or stack set with this ARN, for policies that ask about them; none when it is not there."""
        found = self._shelf.by_id(arn)
        return found.tags if found else self._sets.tags_of(arn)

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        recovering = {name: self._on_living(handler) for name, handler in self._recovering.handlers().items()}
        rows = [
            ("CreateStack", self._create),
            ("UpdateStack", self._on_living(self._update)),
            ("DeleteStack", self._deleting.delete),
            ("UpdateTerminationProtection", self._protect),
            ("SetStackPolicy", self._set_policy),
            ("GetStackPolicy", self._get_policy),
            *recovering.items(),
            *self._change_sets.handlers().items(),
        ]
        own = [Operation("cloudformation", name, handler, self._on_stack) for name, handler in rows]
        reading = [*self._reading.operations(self._on_stack), *self._drift.operations(self._on_stack)]
        return [*own, *reading, *self._sets.operations()]

    def _on_living(self, handler: Callable[[Request, StackRecord], Output]) -> Callable[[Request], Output]:
        """Give a handler its stack, once for each ClientRequestToken."""

        def handle(request: Request) -> Output:
            stack = self._require(request)
            if seen(request, stack):
                return {"StackId": stack.stack_id} if request.operation in ("UpdateStack", "RollbackStack") else {}
            output = handler(request, stack)
            remember(request, stack)
            self._shelf.put(stack)
            return output

        return handle

    def _create(self, request: Request) -> Output:
        params = request.params
        refuse_unsupported(params)
        name = params["StackName"]
        living = self._shelf.find(request.account, request.region, name)
        if living is not None:
            if seen(request, living):
                return {"StackId": living.stack_id}
            raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
        if "DisableRollback" in params and "OnFailure" in params:
            raise invalid("You can specify either DisableRollback or OnFailure, but not both")
        stack = self._blank(request, name)
        stack.on_failure = "DO_NOTHING" if params.get("DisableRollback") else params.get("OnFailure", "ROLLBACK")
        stack.termination_protection = params.get("EnableTerminationProtection", False)
        stack.timeout_minutes = params.get("TimeoutInMinutes")
        policies = self._policies(request)
        proposal = self._accepting.propose(request, stack)
        stack.policy = policies.get("StackPolicyBody", "")
        operation = self.start(request, stack, proposal, "create")
        remember(request, stack)
        self._shelf.put(stack)
        return {"StackId": stack.stack_id, "OperationId": operation.id}

    def _policies(self, request: Request) -> dict[str, str]:
        """Return the stack policies that come with a request, by the name of their ...Body. Raises Wait, ValidationError."""
        params, found = request.params, {}
        urls = [params[url] for _, url in POLICIES if url in params]
        if urls:
            self._fetching.ready(request, *urls, *([params["TemplateURL"]] if "TemplateURL" in params else []))
        for body, url in POLICIES:
            if body in params and url in params:
                raise invalid(f"You cannot specify both {body} and {url}.")
            if body in params or url in params:
                found[body] = checked(params[body] if body in params else self._fetching.text(request, params[url]))
        return found

    def _blank(self, request: Request, name: str) -> StackRecord:
        if not NAME.fullmatch(name) or len(name) > 128:
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]* (at most 128 characters)"
            )
        unique = ids.uuid(self._kernel.dice)
        arn = str(
            Arn(self._kernel.settings.partition, "cloudformation", request.region, request.account, f"stack/{name}/{unique}")
        )
        return StackRecord(arn, name, request.account, request.region, "", {}, {}, [], "REVIEW_IN_PROGRESS", request.now)

    def start(
        self, request: Request, stack: StackRecord, proposal: Proposal, action: Action, change_set: str = ""
    ) -> OperationRecord:
        """Begin to create or update `stack` as proposed. Raises AccessDenied when the role may not be passed."""
        role = request.params.get("RoleARN", proposal.role_arn or stack.role_arn)
        principal = self._principals.of(request, role)
        earlier = stack.interrupted if action == "update" else None
        before = earlier.before if earlier else _snapshot(stack)
        stack.template, stack.parameters, stack.resolved = proposal.template, proposal.parameters, proposal.resolved
        stack.tags, stack.capabilities, stack.role_arn = proposal.tags, proposal.capabilities, role
        # Under the operation, because it is the principal who is asked for what the template refers to.
        operation = OperationRecord(action, "forward", principal, token_of(request), id=ids.uuid(self._kernel.dice))
        stack.operation, operation.change_set, stack.change_set = operation, change_set, change_set
        operation.needs = self._accepting.plan_of(stack).needs()
        operation.todo = list(operation.needs)
        operation.before = before if action == "update" else None
        if earlier is not None:
            operation.doomed, operation.spared, stack.interrupted = earlier.doomed, earlier.spared, None
        stack.retain_except_on_create = bool(request.params.get("RetainExceptOnCreate", False))
        operation.keeps_retained = not stack.retain_except_on_create
        operation.policy = stack.policy
        stack.begins(f"{action.upper()}_STACK", operation.id)
        if action == "update" or change_set:
            # AWS: a stack that a change set has made shows a LastUpdatedTime too.
            stack.updated = request.now
        if action == "create" and stack.timeout_minutes:
            operation.deadline = request.now + 60 * stack.timeout_minutes
        stack.imports = stack.imports if action == "update" else []
        self._shelf.set_status(stack, f"{action.upper()}_IN_PROGRESS", USER)
        self._lifecycle.begin(stack)
        return operation

    def _update(self, request: Request, stack: StackRecord) -> Output:
        refuse_unsupported(request.params)
        if stack.status not in UPDATABLE:
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        policies = self._policies(request)
        proposal = self._accepting.propose(request, stack)
        if not self._accepting.changes(stack, proposal, request.principal):
            if "StackPolicyBody" in policies:
                # ASSUMED: a new stack policy alone is an update without any work.
                stack.policy = policies["StackPolicyBody"]
                return {"StackId": stack.stack_id}
            raise invalid("No updates are to be performed.")
        stack.on_failure = "DO_NOTHING" if request.params.get("DisableRollback") else "ROLLBACK"
        operation = self.start(request, stack, proposal, "update")
        # AWS: StackPolicyDuringUpdate is for this update only. ASSUMED: a new policy holds from the next update on.
        operation.policy = policies.get("StackPolicyDuringUpdateBody", stack.policy)
        stack.policy = policies.get("StackPolicyBody", stack.policy)
        return {"StackId": stack.stack_id, "OperationId": operation.id}

    def _set_policy(self, request: Request) -> Output:
        stack = self._require(request)
        policies = self._policies(request)
        if not policies:
            raise invalid("Either StackPolicyBody or StackPolicyURL must be specified.")
        stack.policy = policies["StackPolicyBody"]
        self._shelf.put(stack)
        return {}

    def _get_policy(self, request: Request) -> Output:
        policy = self._require(request).policy
        return {"StackPolicyBody": policy} if policy else {}

    def _protect(self, request: Request) -> Output:
        stack = self._require(request)
        if self._shelf.root_of(stack) is not stack:
            # AWS: it is set on the root stack. ASSUMED: the sentence.
            raise invalid("Termination protection of a nested stack is set on its root stack and cannot be changed directly.")
        stack.termination_protection = request.params["EnableTerminationProtection"]
        self._shelf.put(stack)
        return {"StackId": stack.stack_id}

    def _require(self, request: Request) -> StackRecord:
        return self._shelf.require(request)

    def _on_stack(self, request: Request) -> list[Access]:
        """Return the access that an operation on one stack needs."""
        # AWS: Service Authorization Reference, CloudFormation: resource type stack, stack/NAME/ID.
        action = f"cloudformation:{request.operation}"
        name: Any = request.params.get("StackName")
        change_set = self._shelf.change_sets.get(request.params.get("ChangeSetName", ""))
        if not name:
            return [Access(action, change_set.stack_id)] if change_set else [Access(action)]
        stack = self._shelf.find(request.account, request.region, name)
        if stack is not None:
            return [Access(action, stack.stack_id)]
        if name.startswith("arn:"):
            return [Access(action, name)]
        resource = f"stack/{name}/*"
        return [
            Access(action, str(Arn(self._kernel.settings.partition, "cloudformation", request.region, request.account, resource)))
        ]


def _snapshot(stack: StackRecord) -> Snapshot:
    return Snapshot(
        stack.template,
        stack.parameters,
        stack.tags,
        stack.capabilities,
        deepcopy(stack.resources),
        deepcopy(stack.outputs),
        stack.resolved,
    )
