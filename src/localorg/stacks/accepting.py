"""From a request to what a stack shall be: template, values, tags and capabilities, checked against everything that can be known.

Flow: Request + stack -> `propose` -> Proposal (raises ValidationError, InsufficientCapabilitiesException) -> `changes` compares it
with the stack as it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request
from localorg.stacks.checks import require_sound
from localorg.stacks.parameters import settle
from localorg.stacks.phases import RETAINING, doom
from localorg.stacks.planning import Plan
from localorg.stacks.records import OperationRecord, OutputRecord, StackRecord
from localorg.stacks.resources.iam import IAM_CAPABILITY, NAMED_IAM_CAPABILITY
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.scope import pseudo_parameters
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import BODY_BYTES_MAX, Template, invalid, parse


@dataclass(frozen=True)
class Proposal:
    """What a stack shall be."""

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    role_arn: str = ""


@dataclass(frozen=True)
class Change:
    """What happens to one resource: Add, Modify or Remove; `names` are the properties that change."""

    action: str
    logical_id: str
    physical_id: str
    type: str
    names: tuple[str, ...] = ()
    replacement: str = ""


class Accepting:
    """Checks requests and knows what a stack's template means."""

    def __init__(
        self, shelf: Shelf, types: dict[str, ResourceType], partition: str, fetch: Callable[[Request, str], str]
    ) -> None:
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
        template = self.sound(text)
        values = settle(template.parameters, params.get("Parameters", ()), stack.parameters)
        tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]} if "Tags" in params else stack.tags
        capabilities = list(params.get("Capabilities", ()))
        proposal = Proposal(text, values, tags, capabilities, params.get("RoleARN", ""))
        plan = self._plan(proposal, stack, template)
        plan.check()
        _require_capabilities(plan, capabilities)
        return proposal

    def sound(self, text: str) -> Template:
        """Return the template in `text`. Raises ValidationError with everything that is wrong with it."""
        template = parse(text)
        require_sound(template, self._types)
        return template

    def plan_of(self, stack: StackRecord) -> Plan:
        """Return the plan of a stack as it shall be now."""
        return self._plan(
            Proposal(stack.template, stack.parameters, stack.tags, stack.capabilities), stack, parse(stack.template)
        )

    def _plan(self, proposal: Proposal, stack: StackRecord, template: Template) -> Plan:
        def imported(name: str) -> str:
            found = self._shelf.exports(stack.account, stack.region).get(name)
            if found is None:
                raise invalid(f"No export named {name} found.")
            return found[1]

        pseudo = pseudo_parameters(self._partition, stack.account, stack.region, stack.name, stack.stack_id)
        return Plan(template, proposal.parameters, pseudo, self._types, stack.resources, imported)

    def changes(self, stack: StackRecord, proposal: Proposal) -> list[Change]:
        """Return what would change. A change of outputs or tags alone is one without a resource."""
        plan = self._plan(proposal, stack, parse(proposal.template))
        needs = plan.needs()
        found = [change for name in needs if (change := self._change(stack, proposal, plan, name))]
        found += [
            Change("Remove", name, resource.physical_id, resource.type)
            for name, resource in stack.resources.items()
            if name not in needs
        ]
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

    def _change(self, stack: StackRecord, proposal: Proposal, plan: Plan, name: str) -> Change | None:
        kind, current = plan.type_of(name), stack.resources.get(name)
        if current is None or not current.physical_id:
            return Change("Add", name, "", kind.name)
        try:
            wanted = plan.properties_of(name, proposal.tags)
        except AwsError:
            # It depends on a resource that is still to be made.
            return Change("Modify", name, current.physical_id, kind.name, (), "Conditional")
        if current.type == kind.name and wanted == current.properties and current.status.endswith("_COMPLETE"):
            policies = (current.deletion_policy, current.replace_policy)
            return None if policies == plan.policies_of(name) else Change("Modify", name, current.physical_id, kind.name)
        names = tuple(sorted(key for key in {*wanted, *current.properties} if wanted.get(key) != current.properties.get(key)))
        replaced = current.type != kind.name or bool(kind.replacing(current.properties, wanted))
        return Change("Modify", name, current.physical_id, kind.name, names, "True" if replaced else "False")

    def doom_all(self, operation: OperationRecord, stack: StackRecord, retained: list[str]) -> None:
        """Have every resource of a stack deleted, except those that its template or the request retains."""
        unknown = [name for name in retained if name not in stack.resources]
        if unknown:
            raise invalid(f"Resources [{', '.join(unknown)}] do not exist in stack [{stack.name}]")
        for resource in stack.resources.values():
            doom(operation, resource, spare=resource.deletion_policy in RETAINING or resource.logical_id in retained)


def _require_capabilities(plan: Plan, given: list[str]) -> None:
    wanted = plan.capabilities()
    if NAMED_IAM_CAPABILITY in wanted and NAMED_IAM_CAPABILITY not in given:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{NAMED_IAM_CAPABILITY}]")
    if IAM_CAPABILITY in wanted and not {IAM_CAPABILITY, NAMED_IAM_CAPABILITY} & set(given):
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{IAM_CAPABILITY}]")


def needed_capabilities(template: Template, types: dict[str, ResourceType]) -> tuple[list[str], str]:
    """Return the capabilities that a template needs whatever its values, and why."""
    found: dict[str, list[str]] = {}
    for resource in template.resources.values():
        kind = types[resource["Type"]]
        wanted: Any = kind.capability(resource.get("Properties") or {}) if kind.capability else ""
        if wanted:
            found.setdefault(wanted, []).append(kind.name)
    named = NAMED_IAM_CAPABILITY if NAMED_IAM_CAPABILITY in found else IAM_CAPABILITY if found else ""
    if not named:
        return [], ""
    listed = ", ".join(sorted({name for names in found.values() for name in names}))
    return [named], f"The following resource(s) require capabilities: [{listed}]"
