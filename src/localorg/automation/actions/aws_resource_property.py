"""aws:waitForAwsResourceProperty and aws:assertAwsResourceProperty: look at one property of a response, until it is as desired or once.

Rules: values are compared as text, Booleans as "True" and "False"; an API error fails the step at once.
AWS: user guide, automation-action-waitForAwsResourceProperty and automation-action-assertAwsResourceProperty.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import POLLING, Action, Failed, Outcome, Run, Succeeded, Waiting
from localorg.automation.actions.api_call import CALL, call_of, call_problems
from localorg.automation.actions.execute_aws_api import call_failure
from localorg.automation.api_values import to_json
from localorg.automation.interpolate import as_text
from localorg.automation.jsonpath import MISSING, select

OWN = ("PropertySelector", "DesiredValues")
POLL_S = (1.0, 2.0, 3.0, 5.0)
"""ASSUMED: the time between two looks; AWS does not say it. The last one is repeated."""


class AwsResourceProperty(Action):
    """One look at a property; the two actions differ in what a wrong value means."""

    required = (*CALL, *OWN)
    takes_any_input = True

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Refuse what cannot be called."""
        yield from call_problems(inputs, place)

    def start(self, run: Run) -> Outcome:
        """Look for the first time."""
        run.state["looks"] = 0
        return self._look(run)

    def _look(self, run: Run) -> Outcome:
        service, operation, params = call_of(run, OWN)
        run.ports.submit(run, service, operation, params, "answer")
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Take an answer, or the time for the next look."""
        if event == "look":
            return self._look(run)
        service, operation, _ = call_of(run, OWN)
        if not data["ok"]:
            return call_failure(operation, data["error"])
        response = to_json(service, operation, data["output"])
        found = select(str(run.inputs["PropertySelector"]), response)
        if is_desired(found, run.inputs["DesiredValues"]):
            return Succeeded(response)
        return self.unlike(run, found)

    def unlike(self, run: Run, found: Any) -> Outcome:
        """Say what follows when the property is not as desired."""
        raise NotImplementedError

    def recover(self, run: Run) -> Outcome:
        """Looking changes nothing, so look again."""
        return self._look(run)


class WaitForAwsResourceProperty(AwsResourceProperty):
    """Looks again and again until the property has a desired value."""

    name = "aws:waitForAwsResourceProperty"
    default_timeout_s = 3600.0

    def unlike(self, run: Run, found: Any) -> Outcome:
        """Look again later."""
        del found
        looks = int(run.state["looks"])
        run.state["looks"] = looks + 1
        run.ports.after(run, POLL_S[min(looks, len(POLL_S) - 1)], "look")
        return Waiting()


class AssertAwsResourceProperty(AwsResourceProperty):
    """Fails unless the property has a desired value."""

    name = "aws:assertAwsResourceProperty"

    def unlike(self, run: Run, found: Any) -> Outcome:
        """Fail with both values."""
        desired = ", ".join(text(one) for one in run.inputs["DesiredValues"])
        shown = "nothing" if found is MISSING else text(found)
        message = (
            f"Property {run.inputs['PropertySelector']} has the value {shown}, which is none of the desired values: {desired}."
        )
        return Failed(message, POLLING, stage="PostVerification", kind="Verification")


def is_desired(found: Any, desired: Any) -> bool:
    """Say whether `found` is among `desired`; of several values found, all must be. # ASSUMED: the latter."""
    wanted = {text(one) for one in (desired if isinstance(desired, list) else [desired])}
    if found is MISSING:
        return False
    if isinstance(found, list):
        return bool(found) and all(text(one) in wanted for one in found)
    return text(found) in wanted


def text(value: Any) -> str:
    """Return how a value is compared. AWS: "use string values such as "True" or "False"" for Booleans."""
    return str(value) if isinstance(value, bool) else as_text(value)
