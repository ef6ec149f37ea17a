"""From a request to what a stack shall be: template, values, tags and capabilities, checked against everything that can be known.

Flow: Request + stack -> `propose` -> Proposal (raises ValidationError, InsufficientCapabilitiesException) -> `changes` compares it
with the stack as it stands.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.kernel.globs import plain
from localorg.protocol.calls import Principal, Request
from localorg.stacks.changes import Change, Comparing
from localorg.stacks.checks import refuse_declarations, require_sound
from localorg.stacks.extensions import expand
from localorg.stacks.lookups import Lookups
from localorg.stacks.parameters import defaults, settle
from localorg.stacks.phases import RETAINING, doom
from localorg.stacks.planning import Plan
from localorg.stacks.principals import on_behalf_of
from localorg.stacks.records import OperationRecord, OutputRecord, StackRecord
from localorg.stacks.resources.iam import IAM_CAPABILITY, NAMED_IAM_CAPABILITY
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.scope import pseudo_parameters
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import BODY_BYTES_MAX, Template, invalid, parse

AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND"


@dataclass(frozen=True)
class Proposal:
    """What a stack shall be."""

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    role_arn: str = ""
    resolved: dict[str, str] = field(default_factory=dict)
    """What parameters that name others (of Parameter Store) came to."""


class Accepting:
    """Checks requests and knows what a stack's template means."""

    def __init__(
        self,
        shelf: Shelf,
        types: dict[str, ResourceType],
        partition: str,
        fetch: Callable[[Request, str], str],
        lookups: Lookups,
    ) -> None:
        self._lookups = lookups
        self._shelf = shelf
        self._types = types
        self._partition = partition
        self._fetch = fetch

    def template_of(self, request: Request, previous: str = "") -> str:
        """Return the template's text. Raises ValidationError unless there is exactly one source of it."""
        params = request.params
        if params.get("UsePreviousTemplate"):
            if "TemplateBody" in params or "TemplateURL" in params or not previous:
                raise invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
            return previous
        if ("TemplateBody" in params) == ("TemplateURL" in params):
            raise invalid("Either Template URL or Template Body must be specified.")
        if "TemplateURL" in params:
            return self._fetch(request, params["TemplateURL"])
        body: str = params["TemplateBody"]
        if len(body.encode()) > BODY_BYTES_MAX:
            raise invalid(
                f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {BODY_BYTES_MAX}"
            )
        return body

    def propose(self, request: Request, stack: StackRecord) -> Proposal:
        """Return what `request` asks for, for a new or an existing stack."""
        params = request.params
        text = self.template_of(request, stack.template)
        written = parse(text)
        if written.extended:
            refuse_declarations(written)
        else:
            require_sound(written, self._types)
        values = settle(written.parameters, params.get("Parameters", ()), stack.parameters)
        template = expand(written, values, self._pseudo(stack))
        if written.extended:
            require_sound(template, self._types)
        resolved = self._lookups.resolved(on_behalf_of(request.principal), request.region, template.parameters, values)
        tags = checked_tags(params["Tags"]) if "Tags" in params else stack.tags
        capabilities = list(params.get("Capabilities", ()))
        proposal = Proposal(text, values, tags, capabilities, params.get("RoleARN", ""), resolved)
        plan = self._plan(proposal, stack, template, request.principal)
        plan.check()
        _require_types(template, params.get("ResourceTypes", ()))
        # AWS: change sets are exempt from the capability of macros: they show what comes of them.
        _require_capabilities(plan, capabilities, macros=written.extended and request.operation != "CreateChangeSet")
        return proposal

    def sound(self, text: str, stack: StackRecord | None = None, *, tolerant: bool = False) -> Template:
        """Return the template in `text`, processed. Raises ValidationError with everything that is wrong with it.

        `tolerant`: resource types that are not supported are nothing wrong.
        """
        template = parse(text)
        if template.extended:
            refuse_declarations(template)
            values = stack.parameters if stack else defaults(template.parameters)
            template = expand(template, values, self._pseudo(stack) if stack else {})
        require_sound(template, self._types, tolerant=tolerant)
        return template

    def template_as(self, stack: StackRecord, text: str, parameters: Mapping[str, str]) -> Template:
        """Return a template of a stack after its transforms, with these values of its parameters."""
        return expand(parse(text), parameters, self._pseudo(stack))

    def plan_of(self, stack: StackRecord) -> Plan:
        """Return the plan of a stack as it shall be now."""
        proposal = Proposal(stack.template, stack.parameters, stack.tags, stack.capabilities, resolved=stack.resolved)
        principal = stack.operation.principal if stack.operation else None
        return self._plan(proposal, stack, self.template_as(stack, stack.template, stack.parameters), principal)

    def _pseudo(self, stack: StackRecord) -> dict[str, Any]:
        return pseudo_parameters(self._partition, stack.account, stack.region, stack.name, stack.stack_id)

    def _plan(self, proposal: Proposal, stack: StackRecord, template: Template, principal: Principal | None) -> Plan:
        def imported(name: str) -> str:
            found = self._shelf.exports(stack.account, stack.region).get(name)
            if found is None:
                raise invalid(f"No export named {name} found.")
            return found[1]

        def dynamic(text: str) -> str:
            if principal is None:
                raise invalid(f"nobody is there to ask for {text}")
            return self._lookups.dynamic(principal, stack.region, text)

        values = {**proposal.parameters, **proposal.resolved}
        return Plan(template, values, self._pseudo(stack), self._types, stack.resources, imported, dynamic)

    def changes(self, stack: StackRecord, proposal: Proposal, principal: Principal) -> list[Change]:
        """Return what would change. A change of outputs or tags alone is one without a resource."""
        was = self.template_as(stack, stack.template, stack.parameters) if stack.template else Template({})
        shall = self.template_as(stack, proposal.template, proposal.parameters)
        plan = self._plan(proposal, stack, shall, principal)
        values = {**stack.parameters, **stack.resolved}, {**proposal.parameters, **proposal.resolved}
        found = Comparing(stack, plan, (was, shall), values, proposal.tags).changes()
        if not found and (stack.tags != proposal.tags or self._outputs(plan) != stack.outputs):
            found.append(Change("Modify", "", stack.stack_id, "AWS::CloudFormation::Stack"))
        return found

    @staticmethod
    def _outputs(plan: Plan) -> list[OutputRecord] | None:
        try:
            return plan.outputs()
        except AwsError:
            # An output that names what is not there yet is a change.
            return None

    def doom_all(self, operation: OperationRecord, stack: StackRecord, retained: list[str]) -> None:
        """Have every resource of a stack deleted, except those that its template or the request retains."""
        unknown = [name for name in retained if name not in stack.resources]
        if unknown:
            raise invalid(f"Resources [{', '.join(unknown)}] do not exist in stack [{stack.name}]")
        if stack.interrupted is not None:
            # What an update that failed has replaced is still there.
            operation.doomed.update(stack.interrupted.doomed)
            operation.spared += stack.interrupted.spared
        for resource in stack.resources.values():
            doom(operation, resource, spare=resource.deletion_policy in RETAINING or resource.logical_id in retained)


def checked_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a request. Raises ValidationError for keys that are given twice or kept for AWS."""
    keys = [tag["Key"] for tag in given]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        # ASSUMED: the sentence.
        raise invalid(f"Duplicate tag keys found: [{', '.join(twice)}]")
    kept = sorted(key for key in keys if key.lower().startswith("aws:"))
    if kept:
        # AWS: API reference, Tag: keys with the prefix aws: are kept for AWS. ASSUMED: the sentence.
        raise invalid(f"aws: prefixed tag key names are not allowed for external use: [{', '.join(kept)}]")
    return {tag["Key"]: tag["Value"] for tag in given}


def _require_types(template: Template, allowed: Sequence[str]) -> None:
    """Hold a template to the ResourceTypes of its request: names, or AWS::*, AWS::service::*, Custom::*."""
    patterns = [plain(one) for one in allowed]
    named = sorted({str(resource["Type"]) for resource in template.resources.values()})
    others = [name for name in named if patterns and not any(fits(name) for fits in patterns)]
    if others:
        # ASSUMED: the sentence; AWS documents that the operation fails.
        raise invalid(f"Resource types [{', '.join(others)}] of the template are not among the given ResourceTypes")


def _require_capabilities(plan: Plan, given: list[str], *, macros: bool) -> None:
    wanted = plan.capabilities()
    if macros and AUTO_EXPAND not in given:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{AUTO_EXPAND}]")
    if NAMED_IAM_CAPABILITY in wanted and NAMED_IAM_CAPABILITY not in given:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{NAMED_IAM_CAPABILITY}]")
    if IAM_CAPABILITY in wanted and not {IAM_CAPABILITY, NAMED_IAM_CAPABILITY} & set(given):
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{IAM_CAPABILITY}]")


def needed_capabilities(template: Template, types: dict[str, ResourceType]) -> tuple[list[str], str]:
    """Return the capabilities that a template needs whatever its values, and why."""
    found: dict[str, list[str]] = {}
    for resource in template.resources.values():
        kind = types.get(resource["Type"])
        wanted: Any = kind.capability(resource.get("Properties") or {}) if kind and kind.capability else ""
        if kind and wanted:
            found.setdefault(wanted, []).append(kind.name)
    named = NAMED_IAM_CAPABILITY if NAMED_IAM_CAPABILITY in found else IAM_CAPABILITY if found else ""
    if not named:
        return [], ""
    listed = ", ".join(sorted({name for names in found.values() for name in names}))
    return [named], f"The following resource(s) require capabilities: [{listed}]"
