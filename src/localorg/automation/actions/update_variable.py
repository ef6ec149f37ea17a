"""aws:updateVariable: gives a variable of the runbook a new value of the same type.

AWS: user guide, automation-action-update-variable.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import RESOLVING, Action, Failed, Outcome, Run, Succeeded

PREFIX = "variable:"


class UpdateVariable(Action):
    """Sets a variable."""

    name = "aws:updateVariable"
    required = ("Name", "Value")

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """The name carries the prefix."""
        name = inputs.get("Name")
        if name is not None and not (isinstance(name, str) and name.startswith(PREFIX)):
            yield f"{place}.inputs.Name must begin with {PREFIX}, found {name!r}"

    def start(self, run: Run) -> Outcome:
        """Set it."""
        try:
            run.ports.set_variable(run, str(run.inputs["Name"]).removeprefix(PREFIX), run.inputs["Value"])
        except ValueError as problem:
            return Failed(str(problem), RESOLVING, stage="InputValidation", kind="Verification")
        return Succeeded()
