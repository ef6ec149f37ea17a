"""aws:executeScript: a Python function or a PowerShell script, run with the assumed role's credentials and nothing else.

Rules: the code is `Script`, taken literally (# ASSUMED: references in it are not replaced; the guide passes values by InputPayload), or
an attachment of the runbook, or both. PowerShell has no Handler. Which runtimes there are is `runtimes`' knowledge.
AWS: user guide, automation-action-executeScript; 600 s, 100 KB and 100 items are its limits.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import POLLING, Action, Failed, Outcome, Run, Script, Succeeded, Waiting, is_literal
from localorg.automation.runtimes import is_powershell

TIMEOUT_S = 600.0
ITEMS_MAX = 100


class ExecuteScript(Action):
    """Runs a script."""

    name = "aws:executeScript"
    required = ("Runtime",)
    optional = ("Handler", "InputPayload", "Script", "Attachment")
    own_outputs = frozenset({"Payload", "OutputPayload"})
    response_output = "OutputPayload"
    default_timeout_s = TIMEOUT_S

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Code, and for Python a handler that can be in it."""
        script, attached, handler = inputs.get("Script"), inputs.get("Attachment"), inputs.get("Handler")
        if script is None and attached is None:
            yield f"{place}.inputs: aws:executeScript needs Script or Attachment"
        if is_literal(attached) and not attached.endswith((".py", ".zip")):
            yield f"{place}.inputs.Attachment must be a .py or a .zip file, found {attached!r}"
        if is_powershell(str(inputs.get("Runtime"))):
            yield from _powershell_problems(inputs, place)
            return
        if handler is None:
            yield f"{place}.inputs: aws:executeScript needs Handler"
        elif script is None and is_literal(handler) and "." not in handler:
            yield f"{place}.inputs.Handler must be FILE.FUNCTION for an attachment, found {handler!r}"
        if isinstance(script, str) and "Runtime" in inputs:
            yield from _syntax_problems(script, place)

    def start(self, run: Run) -> Outcome:
        """Hand the script to the worker."""
        payload = run.inputs.get("InputPayload") or {}
        if not isinstance(payload, dict):
            return Failed(f"InputPayload must be a mapping, found {json.dumps(payload)[:200]}", stage="InputValidation")
        script = Script(
            text=str(run.step.inputs.get("Script") or ""),
            handler=str(run.inputs.get("Handler") or ""),
            payload=payload,
            runtime=str(run.inputs["Runtime"]),
            attachment=str(run.inputs.get("Attachment") or ""),
        )
        run.ports.script(run, script, min(TIMEOUT_S, run.record.timeout_s or TIMEOUT_S))
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


def _powershell_problems(inputs: Mapping[str, Any], place: str) -> Iterator[str]:
    if "Handler" in inputs:
        yield f"{place}.inputs.Handler: PowerShell runtimes have no handler"
    if inputs.get("Script") is None:
        # AWS: the guide: Script is required for PowerShell; an attachment is a .zip beside it.
        yield f"{place}.inputs: a PowerShell runtime needs Script"
    if str(inputs.get("Attachment", ".zip")).endswith(".py"):
        yield f"{place}.inputs.Attachment: for PowerShell it must be a .zip file"
