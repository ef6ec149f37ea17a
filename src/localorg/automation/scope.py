"""What references mean inside one execution: its parameters, variables, step outputs and system variables. Pure but for the time.

Rules: DATE and DATE_TIME are those of the moment they are asked for, not of the start.
AWS: user guide, automation-variables.
"""

from datetime import UTC, datetime
from typing import Any

from localorg.automation.interpolate import Render, Unresolved, as_text, interpolate
from localorg.automation.records import Execution


class Scope:
    """Looks references up for `execution` at `now` (epoch seconds). `maps_as_text`: parameters that are mappings come as JSON text."""

    def __init__(
        self, execution: Execution, partition: str, now: float, render: Render = as_text, *, maps_as_text: bool = False
    ) -> None:
        self._execution = execution
        self._partition = partition
        self._now = now
        self._render = render
        self._maps_as_text = maps_as_text

    def resolve(self, value: Any) -> Any:
        """Return `value` with its references replaced. Raises Unresolved."""
        return interpolate(value, self.lookup, self._render)

    def lookup(self, reference: str) -> Any:
        """Return what one reference means. Raises Unresolved."""
        prefix, colon, rest = reference.partition(":")
        match prefix:
            case "global" if colon:
                return self._global(rest)
            case "automation" if colon:
                return self._execution.execution_id
            case "variable" if colon:
                return self._found(self._execution.variables, rest, reference, "the variable has no value yet")
        if "." not in reference:
            found = self._found(self._execution.values, reference, reference, "the parameter has no value")
            return as_text(found) if self._maps_as_text and isinstance(found, dict) else found
        step, _, output = reference.partition(".")
        outputs = self._execution.step_outputs.get(step)
        if outputs is None:
            raise Unresolved(f"{{{{ {reference} }}}} has no value: the step {step} has not ended successfully")
        return self._found(outputs, output, reference, f"the step {step} gave no output {output}")

    @staticmethod
    def _found(values: dict[str, Any], name: str, reference: str, why: str) -> Any:
        if name not in values:
            raise Unresolved(f"{{{{ {reference} }}}} has no value: {why}")
        return values[name]

    def _global(self, name: str) -> str:
        moment = datetime.fromtimestamp(self._now, UTC)
        values = {
            "ACCOUNT_ID": self._execution.account,
            "REGION": self._execution.region,
            "DATE": f"{moment:%Y-%m-%d}",
            "DATE_TIME": f"{moment:%Y-%m-%d_%H.%M.%S}",
            "AWS_PARTITION": self._partition,
        }
        return values[name]
