"""aws:branch: the first choice whose condition holds says where to go; else Default, else the following step.

AWS: user guide, automation-action-branch.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation import conditions
from localorg.automation.actions.action import Action, Outcome, Run, Succeeded


class Branch(Action):
    """Chooses the next step."""

    name = "aws:branch"
    raw_inputs = True
    required = ("Choices",)
    optional = ("Default",)

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Check every choice."""
        choices = inputs.get("Choices")
        if not isinstance(choices, list) or not choices:
            yield f"{place}.inputs.Choices must be a list of at least one choice, found {choices!r}"
            return
        for position, choice in enumerate(choices):
            here = f"{place}.inputs.Choices[{position}]"
            yield from conditions.problems(choice, here, frozenset({"NextStep"}))
            if isinstance(choice, dict) and not isinstance(choice.get("NextStep"), str):
                yield f"{here}.NextStep is missing"

    def start(self, run: Run) -> Outcome:
        """Choose."""
        for choice in run.inputs["Choices"]:
            condition = {name: value for name, value in choice.items() if name != "NextStep"}
            if conditions.holds(condition, lambda value: run.ports.resolve(run, value)):
                return Succeeded(next_step=choice["NextStep"])
        return Succeeded(next_step=str(run.inputs.get("Default") or ""))


def targets(inputs: Mapping[str, Any]) -> list[str]:
    """Return the steps that a branch may choose, as written."""
    choices = inputs.get("Choices")
    named = [one.get("NextStep") for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
    return [str(name) for name in (*named, inputs.get("Default")) if name]
