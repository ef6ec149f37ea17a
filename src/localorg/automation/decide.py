"""What comes after a step: the rules of nextStep, isEnd, onFailure, onCancel, isCritical and maxAttempts, as one function.

Flow: step (as written) + how it ended + which attempt it was -> `Verdict`: again, go to a step, or end; and whether the execution
is failed by it. The same rules hold for the steps inside a loop, where "end" ends the pass.

| ended with          | attempts left | isEnd | onFailure | then                         |
| ------------------- | ------------- | ----- | --------- | ---------------------------- |
| success             | any           | yes   | any       | end                          |
| success             | any           | no    | any       | chosen, else nextStep, else the following step, else end |
| failure or time-out | yes           | any   | any       | again                        |
| failure or time-out | no            | yes   | any       | end                          |
| failure or time-out | no            | no    | Abort     | end                          |
| failure or time-out | no            | no    | Continue  | nextStep, else the following step, else end |
| failure or time-out | no            | no    | step:X    | X                            |

AWS: user guide, automation-actions, "Properties shared by all actions"; automation-branch-condition.
"""

from dataclasses import dataclass
from enum import Enum

from localorg.automation.runbook import Step


class Ended(Enum):
    """How an attempt of a step ended."""

    SUCCESS = "Success"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"


class Then(Enum):
    """What follows."""

    AGAIN = "again"
    GO = "go"
    END = "end"


@dataclass(frozen=True)
class Verdict:
    """`step` is where to go; `fails_execution` says that the whole cannot end in Success any more."""

    then: Then
    step: str = ""
    fails_execution: bool = False


def decide(step: Step, following: str, ended: Ended, attempt: int, chosen: str = "") -> Verdict:
    """Return what follows `step`. `following` is the next in the list ("" for the last), `chosen` a branch's choice."""
    if ended is Ended.SUCCESS:
        if chosen:
            return Verdict(Then.GO, chosen)
        return Verdict(Then.END) if step.is_end else _go(step.next_step or following)
    if attempt < step.max_attempts:
        return Verdict(Then.AGAIN)
    # AWS: "isEnd: ... The automation stops if the step execution failed or succeeded."
    if step.is_end or step.on_failure == "Abort":
        return Verdict(Then.END, fails_execution=step.is_critical)
    if step.on_failure == "Continue":
        return _go(step.next_step or following, fails_execution=step.is_critical)
    return Verdict(Then.GO, step.on_failure.removeprefix("step:"), fails_execution=step.is_critical)


def _go(name: str, *, fails_execution: bool = False) -> Verdict:
    return Verdict(Then.GO, name, fails_execution) if name else Verdict(Then.END, fails_execution=fails_execution)
