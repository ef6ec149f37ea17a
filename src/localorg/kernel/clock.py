"""Time comes through one door. Engines ask the kernel, the kernel asks a Clock, and a test may be that clock.

The wall clock lives in `localorg.server`, so that nothing in the engines can read it by accident.
"""

from typing import Protocol


class Clock(Protocol):
    """Answers what time it is, in seconds since the epoch (UTC)."""

    def now(self) -> float:
        """Return the time in epoch seconds."""
        ...


class VirtualClock:
    """A clock that moves only when told: the test, or the kernel jumping to its next event."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the virtual time in epoch seconds."""
        return self._now

    def advance_to(self, moment: float) -> None:
        """Move to `moment` (epoch seconds). Time never goes back."""
        if moment < self._now:
            raise ValueError(f"virtual time cannot go back from {self._now} to {moment}")
        self._now = moment
