"""How long executions are kept: 30 days after their end.

Flow: an end sets the alarm "expire" unless one is set -> what is old enough is dropped -> the alarm is set for the next.
"""

from localorg.automation.executions import Executions
from localorg.automation.ports import ENGINE
from localorg.automation.records import TERMINAL
from localorg.kernel.events import Event, Kernel

KEPT_S = 30 * 86_400.0
"""ASSUMED: as long as the history of commands; the guide's pages about automations speak of the last 30 days only in OpsCenter."""
SWEPT_EVERY_S = 3_600.0


class Retention:
    """Drops executions that ended long ago."""

    def __init__(self, kernel: Kernel, executions: Executions) -> None:
        self._kernel = kernel
        self._executions = executions
        # After a restart the alarm of the run before is still there.
        self._is_set = any(execution.status in TERMINAL for execution in executions.rows.values())

    def arrange(self) -> None:
        """An execution has just ended."""
        if not self._is_set:
            self._is_set = True
            self._kernel.after(KEPT_S, Event(ENGINE, "expire"))

    def sweep(self) -> None:
        """Drop what has been kept long enough."""
        now = self._kernel.now()
        ends = []
        for execution in list(self._executions.rows.values()):
            if execution.status not in TERMINAL or execution.ended is None:
                continue
            if execution.ended + KEPT_S <= now:
                self._executions.forget(execution)
            else:
                ends.append(execution.ended)
        self._is_set = bool(ends)
        if ends:
            self._kernel.at(max(min(ends) + KEPT_S, now + SWEPT_EVERY_S), Event(ENGINE, "expire"))
