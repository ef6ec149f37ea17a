"""What names mean in one stack: parameters, pseudo parameters, mappings, conditions, resources that exist, exports.

Flow: Template + values + facts about the stack -> `TemplateScope`, which `functions.resolve` asks.
Refuses to know: how resources are made; it is told their physical ids and attributes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localorg.protocol.partitions import partition as partition_named
from localorg.stacks.functions import NO_VALUE
from localorg.stacks.logic import truth
from localorg.stacks.parameters import typed
from localorg.stacks.template import Template, invalid

Attribute = Callable[[str, str], Any]
"""(logical id, attribute or "" for Ref) -> value. Raises ValidationError."""


def nothing_exists(logical_id: str, _attribute: str) -> Any:
    """Be the resources of a place where none may be named (conditions, rules)."""
    raise invalid(
        f"Template format error: Unresolved dependencies [{logical_id}]. Cannot reference resources in the Conditions block of the template"
    )


def no_exports(name: str) -> str:
    """Be the exports of a place where none may be imported."""
    raise invalid(f"No export named {name} found.")


class TemplateScope:
    """The names of one template with one set of values."""

    def __init__(
        self,
        template: Template,
        values: Mapping[str, str],
        pseudo: Mapping[str, Any],
        attribute: Attribute = nothing_exists,
        imported: Callable[[str], str] = no_exports,
    ) -> None:
        self._template = template
        self._values = values
        self._pseudo = pseudo
        self._attribute = attribute
        self._imported = imported
        self._known: dict[str, bool] = {}
        self._asking: list[str] = []

    def ref(self, name: str) -> Any:
        """Return a pseudo parameter, a parameter, or a resource's physical id."""
        if name.startswith("AWS::"):
            if name not in self._pseudo:
                raise invalid(f"Template error: localorg does not support the pseudo parameter {name}")
            value = self._pseudo[name]
            return NO_VALUE if value is None else value
        if name in self._template.parameters:
            return typed(self._template.parameters[name], self._values.get(name, ""))
        return self._attribute(name, "")

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return an attribute of a resource."""
        return self._attribute(logical_id, name)

    def mapped(self, mapping: str, first: str, second: str) -> Any:
        """Return a value of the Mappings section."""
        try:
            return self._template.mappings[mapping][first][second]
        except (KeyError, TypeError):
            raise invalid(f"Template error: Unable to get mapping for {mapping}::{first}::{second}") from None

    def condition(self, name: str) -> bool:
        """Return whether a condition of the Conditions section holds."""
        if name not in self._known:
            if name not in self._template.conditions:
                raise invalid(
                    f"Template error: unresolved condition dependency {name}: it is not in the Conditions block of the template"
                )
            if name in self._asking:
                raise invalid(f"Template error: Circular dependency between conditions: [{', '.join(self._asking)}]")
            self._asking.append(name)
            try:
                self._known[name] = truth(self._template.conditions[name], self._bare(), f"[/Conditions/{name}]")
            except RecursionError:
                raise invalid("Template error: the conditions of the template ask for one another too deeply") from None
            self._asking.pop()
        return self._known[name]

    def imported(self, name: str) -> str:
        """Return what another stack exports."""
        return self._imported(name)

    def of_type(self, kind: str) -> list[str]:
        """Return the values of every parameter of this type, of lists their members."""
        found = [self.ref(name) for name, declaration in self._template.parameters.items() if declaration.get("Type") == kind]
        return [member for value in found for member in (value if isinstance(value, list) else [value])]

    def _bare(self) -> "TemplateScope":
        bare = TemplateScope(self._template, self._values, self._pseudo)
        bare._known, bare._asking = self._known, self._asking
        return bare


def pseudo_parameters(partition: str, account: str, region: str, name: str, stack_id: str) -> dict[str, Any]:
    """Return the pseudo parameters of a stack. AWS: CloudFormation user guide, "Pseudo parameters reference"."""
    return {
        "AWS::AccountId": account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": name,
        "AWS::URLSuffix": partition_named(partition).dns_suffix,
    }
