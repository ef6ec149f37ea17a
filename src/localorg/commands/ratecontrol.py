"""How many nodes at a time, and when to stop: MaxConcurrency, MaxErrors and the ramp-up, as pure functions.

Rules: MaxErrors N tolerates N errors, sending stops on error N + 1. One node first, then twice as many each round, never
more at once than MaxConcurrency. Those already sent are left to finish.
AWS: API SendCommand, MaxConcurrency and MaxErrors; user guide "Run commands at scale" and "Control automations at scale".
"""

from localorg.kernel.amounts import amount


def concurrency(limit: str, targets: int, rounding: str) -> int:
    """Return MaxConcurrency ("10" or "10%") as a number of nodes, at least 1."""
    # ASSUMED: a percentage never means nobody at all.
    return max(1, amount(limit, targets, rounding))


def tolerated(limit: str, targets: int, rounding: str) -> int:
    """Return MaxErrors ("10" or "10%") as a number of errors."""
    # AWS: API SendCommand: 10 % of 50 nodes stops on the sixth error.
    return amount(limit, targets, rounding)


def failed_from(max_errors: int, reading: str) -> int:
    """Return how many errors make a command Failed. `reading` is that of the question command-failed: reached or exceeded."""
    return max_errors + 1 if reading == "exceeded" else max(1, max_errors)


def must_stop(errors: int, max_errors: int) -> bool:
    """Say whether so many errors end the sending."""
    return errors > max_errors


def window(*, ended: int, ticks: int, max_concurrency: int) -> int:
    """Return how many nodes may be at work at once: 1, then one more for each that ended, so 2, 4, 8 round by round.

    `ticks` counts ramp intervals that passed: each doubles the window too, so that a node that never answers holds back
    nobody but itself.
    """
    return min(max_concurrency, max(1 + ended, 1 << min(ticks, 30)))


def may_send(*, in_flight: int, waiting: int, allowed: int) -> int:
    """Return how many more nodes may be sent to now."""
    return max(0, min(allowed - in_flight, waiting))
