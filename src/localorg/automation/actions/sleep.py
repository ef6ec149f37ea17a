"""aws:sleep: waits for a duration, or until a moment.

AWS: user guide, automation-action-sleep.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import RESOLVING, Action, Failed, Outcome, Run, Succeeded, Waiting, is_literal
from localorg.automation.durations import duration_s, moment


class Sleep(Action):
    """Waits."""

    name = "aws:sleep"
    optional = ("Duration", "Timestamp")

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Exactly one of Duration and Timestamp, well formed when written out."""
        if len({"Duration", "Timestamp"} & set(inputs)) != 1:
            yield f"{place}.inputs: aws:sleep needs either Duration or Timestamp"
            return
        try:
            if is_literal(inputs.get("Duration")):
                duration_s(inputs["Duration"])
            if is_literal(inputs.get("Timestamp")):
                moment(inputs["Timestamp"])
        except ValueError as problem:
            yield f"{place}.inputs: {problem}"

    def start(self, run: Run) -> Outcome:
        """Set the alarm."""
        try:
            if "Duration" in run.inputs:
                delay_s = duration_s(str(run.inputs["Duration"]))
            else:
                delay_s = max(0.0, moment(str(run.inputs["Timestamp"])) - run.ports.now())
        except ValueError as problem:
            return Failed(str(problem), RESOLVING, stage="InputValidation", kind="Verification")
        run.ports.after(run, delay_s, "over")
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Wake up."""
        del run, event, data
        return Succeeded()

    def recover(self, run: Run) -> Outcome:
        """The alarm was kept."""
        del run
        return Waiting()
