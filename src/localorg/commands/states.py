"""The life of an invocation and of a command, as tables. A wrong move is refused; a terminal state is sticky.

Flow: what happened (a reply, an alarm, a cancel) -> the wanted detail -> `move` -> the new detail; all invocations' details
-> `verdict` -> the command's detail. `Status` always follows from `StatusDetails` by one table.
Rules: pure. Nobody else in this package writes a status.
AWS: API Command/CommandInvocation StatusDetails; user guide "Understanding command statuses" (monitor-commands).
"""

from collections import Counter
from collections.abc import Mapping

INVOCATION_STATUS = {
    "Pending": "Pending",
    "InProgress": "InProgress",
    "Delayed": "Delayed",
    "Cancelling": "Cancelling",
    "Success": "Success",
    "Failed": "Failed",
    "ExecutionTimedOut": "TimedOut",
    "DeliveryTimedOut": "TimedOut",
    "Cancelled": "Cancelled",
    "Terminated": "Cancelled",
    "Undeliverable": "Failed",
    "InvalidPlatform": "Failed",
    "AccessDenied": "Failed",
}
"""StatusDetails -> Status of an invocation. AWS: API CommandFilter says TimedOut covers both time-outs.
ASSUMED: the Status of Terminated, Undeliverable, InvalidPlatform and AccessDenied; AWS documents only their details."""

COMMAND_STATUS = {
    "Pending": "Pending",
    "InProgress": "InProgress",
    "Cancelling": "Cancelling",
    "Success": "Success",
    "Failed": "Failed",
    "Incomplete": "Failed",
    "DeliveryTimedOut": "TimedOut",
    "ExecutionTimedOut": "TimedOut",
    "Cancelled": "Cancelled",
    "RateExceeded": "Failed",
    "NoInstancesInTag": "Success",
    "AccessDenied": "Failed",
}
"""StatusDetails -> Status of a command; that of NoInstancesInTag depends on the question no-instances-status.
ASSUMED: Incomplete, RateExceeded and AccessDenied are Failed.
RateExceeded never happens here (there is no account limit), nor AccessDenied as a whole (the call is refused instead)."""

TERMINAL = frozenset(
    {
        "Success",
        "Failed",
        "ExecutionTimedOut",
        "DeliveryTimedOut",
        "Cancelled",
        "Terminated",
        "Undeliverable",
        "InvalidPlatform",
        "AccessDenied",
        "Incomplete",
        "RateExceeded",
        "NoInstancesInTag",
    }
)
_ANSWERS = frozenset({"Success", "Failed", "ExecutionTimedOut", "Cancelled"})
MOVES = {
    "Pending": _ANSWERS
    | {
        "InProgress",
        "Delayed",
        "Cancelling",
        "DeliveryTimedOut",
        "Terminated",
        "Undeliverable",
        "InvalidPlatform",
        "AccessDenied",
    },
    "Delayed": _ANSWERS | {"InProgress", "Cancelling", "DeliveryTimedOut", "Undeliverable"},
    "InProgress": _ANSWERS | {"Cancelling", "DeliveryTimedOut"},
    "Cancelling": _ANSWERS | {"DeliveryTimedOut"},
}
"""Where an invocation may go. AWS: API Command, ExpiresAfter: an expired command makes InProgress, Pending and Delayed
invocations DeliveryTimedOut. A terminal reply may come first of all, when earlier replies were lost."""

ERRORS = frozenset({"Failed", "ExecutionTimedOut"})
"""What counts against MaxErrors. AWS: API Command, ErrorCount."""
NEVER_REACHED = frozenset({"Undeliverable", "InvalidPlatform", "AccessDenied"})
"""What never counts, and does not keep a command from Success. AWS: user guide, monitor-commands, the notes on each."""


class WrongMove(Exception):
    """A defect of localorg: the table does not allow this move."""

    def __init__(self, current: str, wanted: str) -> None:
        super().__init__(f"an invocation cannot go from {current} to {wanted}; allowed: {', '.join(sorted(MOVES[current]))}")


def move(current: str, wanted: str) -> str:
    """Return the detail after `wanted` happened: `current` when that is terminal or the same. Raises WrongMove."""
    if current in TERMINAL or wanted == current:
        return current
    if wanted not in MOVES[current]:
        raise WrongMove(current, wanted)
    return wanted


def verdict(numbers: Mapping[str, int], failed_from: int, *, sent: bool, cancelled: bool = False) -> str:
    """Return the detail of a command. `numbers`: invocations by detail; `failed_from`: how many of a kind make the command that kind."""
    counts = Counter(numbers)
    if any(count for detail, count in counts.items() if detail not in TERMINAL):
        if cancelled:
            return "Cancelling"
        # AWS: API Command, StatusDetails: Pending only while it has not been sent to any managed node.
        return "InProgress" if sent else "Pending"
    if not counts.total():
        return "NoInstancesInTag"
    return _final(counts, failed_from, cancelled=cancelled)


def _final(counts: Counter[str], threshold: int, *, cancelled: bool) -> str:
    never_reached = sum(counts[detail] for detail in NEVER_REACHED)
    errors = sum(counts[detail] for detail in ERRORS)
    if cancelled and counts["Cancelled"]:
        return "Cancelled"
    if errors >= threshold or never_reached == counts.total():
        # AWS: API Command, StatusDetails: Execution Timed Out when that many invocations show it.
        return "ExecutionTimedOut" if errors and counts["ExecutionTimedOut"] == errors else "Failed"
    if counts["DeliveryTimedOut"] >= threshold:
        return "DeliveryTimedOut"
    # AWS: user guide, monitor-commands: four Undeliverable and one Success make the command a Success.
    return "Success" if counts["Success"] + never_reached == counts.total() else "Incomplete"
