"""aws:pause: waits until somebody sends the signal Resume.

AWS: user guide, automation-action-pause.
"""

from localorg.automation.actions.action import Action, Failed, Outcome, Run, Signal, Succeeded, Waiting

DEFAULT_TIMEOUT_S = 604_800.0
TIMEOUT_MAX_S = 2_592_000.0
"""AWS: user guide, automation-action-approve: 7 days, at most 30. # ASSUMED: aws:pause has the same limits."""


class Pause(Action):
    """Waits for a person."""

    name = "aws:pause"
    signals = frozenset({"Resume"})
    default_timeout_s = DEFAULT_TIMEOUT_S
    timeout_max_s = TIMEOUT_MAX_S

    def start(self, run: Run) -> Outcome:
        """Begin to wait."""
        return not_in_members(run, self.name) or Waiting(for_person=True)

    def signal(self, run: Run, signal: Signal) -> Outcome:
        """Go on."""
        del run, signal
        return Succeeded()

    def recover(self, run: Run) -> Outcome:
        """The person has not come yet."""
        del run
        return Waiting(for_person=True)


def not_in_members(run: Run, action: str) -> Failed | None:
    """AWS: user guide, automation-action-approve: "This action doesn't support multi-account and Region automations"."""
    if not run.execution.execution_role:
        return None
    return Failed(f"{action} is not supported in automations of many accounts and Regions.", stage="PreVerification")
