"""aws:loop: runs its steps once per item of a list, or again and again while a condition holds.

Flow: `start` -> a pass -> the engine runs the inner steps -> event `pass-ended` -> the next pass, or the end.
Rules: at most 100 passes; the condition is tested after each pass (do-while); a pass that fails ends the loop. A loop inside a loop
is refused (# ASSUMED: AWS does not have it; the guide shows none). Passes count from 1.
AWS: user guide, automation-action-loop.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation import conditions
from localorg.automation.actions.action import RESOLVING, Action, Failed, NextPass, Outcome, Run, Succeeded

PASSES_MAX = 100
DATA_TYPES = ("Boolean", "Integer", "String", "StringMap")
INSIDE = frozenset({"CurrentIteratorValue", "CurrentIteration"})
"""Outputs that exist for the steps inside. Public runbooks ask for CurrentIteration; ASSUMED: it counts from 1."""


class Loop(Action):
    """Repeats its steps."""

    name = "aws:loop"
    raw_inputs = True
    required = ("Steps",)
    optional = ("Iterators", "IteratorDataType", "LoopCondition", "MaxIterations")

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Either a list or a condition; the inner steps are checked like all others."""
        if ("Iterators" in inputs) == ("LoopCondition" in inputs):
            yield f"{place}.inputs: aws:loop needs either Iterators or LoopCondition"
        if "LoopCondition" in inputs:
            yield from conditions.problems(inputs["LoopCondition"], f"{place}.inputs.LoopCondition")
            if "MaxIterations" not in inputs:
                yield f"{place}.inputs: a LoopCondition needs MaxIterations"
        yield from self._passes_problems(inputs, place)
        if inputs.get("IteratorDataType", "String") not in DATA_TYPES:
            yield f"{place}.inputs.IteratorDataType must be one of {', '.join(DATA_TYPES)}, found {inputs['IteratorDataType']!r}"

    @staticmethod
    def _passes_problems(inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        most = inputs.get("MaxIterations")
        if isinstance(most, int) and not 1 <= most <= PASSES_MAX:
            yield f"{place}.inputs.MaxIterations must be 1 to {PASSES_MAX}, found {most}"
        items = inputs.get("Iterators")
        if isinstance(items, list) and len(items) > PASSES_MAX:
            yield f"{place}.inputs.Iterators has {len(items)} items, at most {PASSES_MAX} are allowed"
        if items is not None and not isinstance(items, list) and not (isinstance(items, str) and "{{" in items):
            yield f"{place}.inputs.Iterators must be a list or a reference to one, found {items!r}"

    def start(self, run: Run) -> Outcome:
        """Find out what to iterate over, and begin."""
        run.state.clear()
        run.state["pass"] = 0
        if "Iterators" not in run.inputs:
            most = run.ports.resolve(run, run.inputs["MaxIterations"])
            if not str(most).isdigit() or not 1 <= int(most) <= PASSES_MAX:
                return _wrong(f"MaxIterations must be 1 to {PASSES_MAX}, found {most!r}")
            run.state["most"] = int(most)
            return self._next(run)
        items = run.ports.resolve(run, run.inputs["Iterators"])
        if not isinstance(items, list) or len(items) > PASSES_MAX:
            found = f"{len(items)} items" if isinstance(items, list) else repr(items)
            return _wrong(f"Iterators must be a list of at most {PASSES_MAX} items, found {found}")
        try:
            run.state["items"] = [_item(one, run.inputs.get("IteratorDataType", "String")) for one in items]
        except ValueError as problem:
            return _wrong(str(problem))
        return self._next(run) if items else Succeeded()

    def _next(self, run: Run) -> Outcome:
        number = int(run.state["pass"])
        run.state["pass"] = number + 1
        outputs: dict[str, Any] = {"CurrentIteration": number + 1}
        if "items" in run.state:
            outputs["CurrentIteratorValue"] = run.state["items"][number]
        run.execution.step_outputs[run.step.name] = outputs
        return NextPass()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """A pass has ended."""
        del event
        if data["failed"]:
            return Failed(data["failed"], stage=data["stage"], kind=data["kind"], timed_out=data["timed_out"])
        done = int(run.state["pass"])
        if "items" in run.state:
            return self._next(run) if done < len(run.state["items"]) else Succeeded()
        if not conditions.holds(run.inputs["LoopCondition"], lambda value: run.ports.resolve(run, value)):
            return Succeeded()
        # ASSUMED: a loop that reaches MaxIterations with its condition still true has done what it was told, and succeeds.
        return self._next(run) if done < int(run.state["most"]) else Succeeded()

    def recover(self, run: Run) -> Outcome:
        """The step inside says how things stand."""
        del run
        return NextPass()


def _item(value: Any, kind: str) -> Any:
    match kind:
        case "Integer":
            return int(value)
        case "Boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "StringMap":
            return json.loads(value) if isinstance(value, str) else value
        case _:
            return value if isinstance(value, str) else json.dumps(value)


def _wrong(problem: str) -> Failed:
    return Failed(problem, RESOLVING, stage="InputValidation", kind="Verification")
