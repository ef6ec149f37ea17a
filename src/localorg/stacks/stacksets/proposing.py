"""What a set's template asks of whoever proposes it: values of its parameters, capabilities, and what StackSets do not deploy.

AWS: CloudFormation API reference, UpdateStackSet; user guide, "StackSets with service-managed permissions": considerations.
"""

from collections.abc import Sequence
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.accepting import needed_capabilities
from localorg.stacks.parameters import settle
from localorg.stacks.resources.iam import IAM_CAPABILITY, NAMED_IAM_CAPABILITY
from localorg.stacks.resources.registry import TYPES
from localorg.stacks.stacksets.records import SERVICE_MANAGED, StackSetRecord
from localorg.stacks.template import Template, invalid

NESTED = "AWS::CloudFormation::Stack"


def values_of(template: Template, params: dict[str, Any], stack_set: StackSetRecord) -> dict[str, str]:
    """Return the values of an updated set's parameters.

    # ASSUMED: an update without Parameters keeps every value; AWS's own examples switch settings of sets that way.
    """
    given = params.get("Parameters")
    if given is None:
        given = [{"ParameterKey": key, "UsePreviousValue": True} for key in stack_set.parameters if key in template.parameters]
    return settle(template.parameters, given, stack_set.parameters)


def capabilities_of(template: Template, given: Sequence[str], model: str) -> list[str]:
    """Return the capabilities of a set. Raises InsufficientCapabilitiesException, ValidationError."""
    if model == SERVICE_MANAGED:
        _check_service_managed(template)
    for wanted in needed_capabilities(template, TYPES)[0]:
        enough = {wanted} | ({NAMED_IAM_CAPABILITY} if wanted == IAM_CAPABILITY else set())
        if not enough & set(given):
            raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{wanted}]")
    return list(given)


def _check_service_managed(template: Template) -> None:
    # AWS: service-managed StackSets take no macros and no nested stacks. # ASSUMED: refused here, where AWS may fail the operation.
    if "Transform" in template.body:
        raise invalid("Transforms are not supported in stack sets with the SERVICE_MANAGED permission model")
    if any(resource.get("Type") == NESTED for resource in template.resources.values()):
        raise invalid(f"Nested {NESTED} is not supported in service managed AWS::CloudFormation::StackSet")
