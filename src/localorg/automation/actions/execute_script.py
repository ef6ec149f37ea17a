"""aws:executeScript: a Python function, run by the script worker with the assumed role's credentials and nothing else.

Rules: python3.6 to python3.9 are retired and refused when a runbook is created, PowerShell is not supported. `Script` is taken
literally (# ASSUMED: references in it are not replaced; the guide passes values by InputPayload).
AWS: user guide, automation-action-executeScript; 600 s, 100 KB and 100 items are its limits.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import POLLING, Action, Failed, Outcome, Run, Succeeded, Waiting, is_literal

RUNTIMES = ("python3.10", "python3.11")
"""python3.11 is what AWS names for migrations, python3.10 was offered before it. ASSUMED: nothing newer is offered yet. All run on the
Python that localorg itself runs on."""
RETIRED = ("python3.6", "python3.7", "python3.8", "python3.9")
TIMEOUT_S = 600.0
ITEMS_MAX = 100


class ExecuteScript(Action):
    """Runs a script."""

    name = "aws:executeScript"
    required = ("Runtime", "Handler")
    optional = ("InputPayload", "Script")
    own_outputs = frozenset({"Payload", "OutputPayload"})
    response_output = "OutputPayload"
    default_timeout_s = TIMEOUT_S

    def problems(self, step: Mapping[str, Any], place: str) -> Iterator[str]:
        """Name a runtime that cannot be had before anything else about the step."""
        inputs = step.get("inputs") or {}
        runtime = inputs.get("Runtime")
        if isinstance(runtime, str) and runtime.lower().startswith("powershell"):
            yield f"{place}.inputs.Runtime: localorg does not support PowerShell scripts ({runtime}); write it for python3.11"
            return
        yield from super().problems({**step, "inputs": {k: v for k, v in inputs.items() if k != "Attachment"}}, place)

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Check the runtime, and that there is a script here."""
        runtime = inputs.get("Runtime")
        if runtime in RETIRED:
            yield (
                f"{place}.inputs.Runtime: {runtime} is retired: AWS lets no runbook with python3.6 to python3.9 be created, "
                "updated or executed since 10 September 2025; move the script to python3.11"
            )
        elif "Runtime" in inputs and runtime not in RUNTIMES:
            yield f"{place}.inputs.Runtime: {runtime!r} is none of {', '.join(RUNTIMES)}"
        script = inputs.get("Script")
        if script is None:
            yield f"{place}.inputs: localorg supports inline scripts only, so Script is needed (an Attachment is not supported)"
            return
        if is_literal(script) or isinstance(script, str):
            yield from _syntax_problems(script, place)

    def start(self, run: Run) -> Outcome:
        """Hand the script to the worker."""
        payload = run.inputs.get("InputPayload") or {}
        if not isinstance(payload, dict):
            return Failed(f"InputPayload must be a mapping, found {json.dumps(payload)[:200]}", stage="InputValidation")
        timeout_s = min(TIMEOUT_S, run.record.timeout_s or TIMEOUT_S)
        run.ports.script(
            run, str(run.step.inputs["Script"]), str(run.inputs["Handler"]), payload, run.inputs["Runtime"], timeout_s
        )
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Take the result."""
        del run, event
        if not data["ok"]:
            return Failed(str(data["error"]), POLLING, stage="Invocation", timed_out=bool(data.get("timed_out")))
        payload = data["payload"]
        if isinstance(payload, list) and len(payload) > ITEMS_MAX:
            return Failed(f"The script returned a list of {len(payload)} items; at most {ITEMS_MAX} are returned.", POLLING)
        return Succeeded({"Payload": payload}, {"Payload": payload})

    def cancel(self, run: Run) -> None:
        """End the worker's process."""
        run.ports.stop_script(run)

    def recover(self, run: Run) -> Outcome:
        """A script may have done half of its work; only a person can say whether it may run twice."""
        del run
        return Failed(
            "localorg was restarted while this script ran, so its outcome is not known. Start the automation again.", POLLING
        )


def _syntax_problems(script: str, place: str) -> Iterator[str]:
    try:
        compile(script, "Script", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as problem:
        # ASSUMED: AWS finds this only when the step runs; localorg says so at once.
        yield f"{place}.inputs.Script is no Python: {problem}"
