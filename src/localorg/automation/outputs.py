"""The outputs of a step: what its action gives, and what its declared selectors find in the response. Pure.

Rules: a selector that finds nothing gives no output, which is no failure (the guide branches on absent outputs); a value that is not
of the declared type is one.
AWS: user guide, automation-action-outputs-inputs.
"""

import json
from collections.abc import Mapping
from typing import Any

from localorg.automation.interpolate import as_text
from localorg.automation.jsonpath import MISSING, select
from localorg.automation.runbook import Step

UNAVAILABLE = "No output available yet because the step is not successfully executed"
"""Observed: public output of an execution whose step had failed."""


class OutputTypeError(ValueError):
    """A selected value is not of the declared type; the text names output, type and value."""


def collect(step: Step, response: Any, own: Mapping[str, Any], response_output: str) -> dict[str, Any]:
    """Return every output of a step that succeeded. Raises OutputTypeError."""
    outputs = dict(own)
    if response_output and response is not None:
        outputs[response_output] = response
    for rule in step.outputs:
        found = select(rule.selector, response)
        if found is not MISSING and found is not None:
            outputs[rule.name] = _typed(rule.name, rule.kind, found)
    return outputs


def _typed(name: str, kind: str, value: Any) -> Any:
    match kind:
        case "String":
            # ASSUMED: any value can be shown as text; JSON for lists and mappings.
            return as_text(value)
        case "StringList" if isinstance(value, list):
            return [as_text(item) for item in value]
        case "Integer" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "Boolean" if isinstance(value, bool):
            return value
        case "StringMap" if isinstance(value, dict):
            return value
        case "MapList" if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
    raise OutputTypeError(f"Output {name} is declared as {kind}, but its selector found {json.dumps(value)[:200]}")


def shown(outputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return outputs as the API prints them: each a list of strings."""
    return {
        name: [as_text(item) for item in value] if isinstance(value, list) else [as_text(value)]
        for name, value in outputs.items()
    }


def of_execution(wanted: tuple[str, ...], step_outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the runbook's own outputs, with AWS's words where a step gave none."""
    found: dict[str, list[str]] = {}
    for reference in wanted:
        step, _, name = reference.partition(".")
        outputs = step_outputs.get(step, {})
        found[reference] = shown({name: outputs[name]})[name] if name in outputs else [UNAVAILABLE]
    return found
