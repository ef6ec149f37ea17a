"""aws:executeAwsApi: one call of one API, whose response the declared outputs select from.

AWS: user guide, automation-action-executeAwsApi.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import EXECUTING, Action, Failed, Outcome, Run, Succeeded, Waiting, refusal_text
from localorg.automation.actions.api_call import CALL, call_of, call_problems
from localorg.automation.api_values import to_json


class ExecuteAwsApi(Action):
    """Calls an API as the execution's principal."""

    name = "aws:executeAwsApi"
    required = CALL
    takes_any_input = True
    own_outputs = frozenset({"OutputPayload"})
    response_output = "OutputPayload"
    default_timeout_s = 25.0
    """AWS: user guide, automation-action-executeAwsApi: "a maximum of 25 seconds"."""

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Refuse services and operations that cannot be called."""
        return call_problems(inputs, place)

    def start(self, run: Run) -> Outcome:
        """Make the call."""
        service, operation, params = call_of(run)
        run.state["call"] = [service, operation]
        run.ports.submit(run, service, operation, params, "answer")
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Take the answer."""
        del event
        service, operation = run.state["call"]
        if not data["ok"]:
            return call_failure(operation, data["error"])
        return Succeeded(to_json(service, operation, data["output"]))


def call_failure(operation: str, error: dict[str, str]) -> Failed:
    """Return the failure of a call from a reply's error."""
    kind = "Permission" if "AccessDenied" in error["Code"] else "Action"
    return Failed(refusal_text(operation, error["Code"], error["Message"]), EXECUTING, kind=kind)
