"""The tables of Run Command: which move is allowed, and what a command comes to."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.commands import states
from localorg.protocol.models import service_model

DETAILS = st.sampled_from(sorted(states.INVOCATION_STATUS))
ENDS = st.sampled_from(sorted(states.TERMINAL & set(states.INVOCATION_STATUS)))


@pytest.mark.parametrize(
    ("details", "max_errors", "expected"),
    [
        (["Success", "Success"], 0, "Success"),
        (["Failed", "Success"], 0, "Failed"),
        (["Failed", "Success", "Success"], 2, "Incomplete"),
        (["Failed", "Failed", "Success"], 2, "Failed"),
        (["ExecutionTimedOut", "Success"], 0, "ExecutionTimedOut"),
        (["ExecutionTimedOut", "Failed"], 0, "Failed"),
        (["DeliveryTimedOut", "Success"], 0, "DeliveryTimedOut"),
        (["DeliveryTimedOut", "Success"], 2, "Incomplete"),
        (["Undeliverable"] * 4 + ["Success"], 0, "Success"),
        (["Undeliverable"] * 5, 0, "Failed"),
        (["AccessDenied", "InvalidPlatform"], 0, "Failed"),
        (["Cancelled", "Success"], 0, "Incomplete"),
        ([], 0, "NoInstancesInTag"),
    ],
)
def test_what_a_command_comes_to(details, max_errors, expected):
    """Documented: API Command, StatusDetails; user guide, monitor-commands (the Undeliverable example)."""
    assert states.verdict(Counter(details), max(1, max_errors), sent=True) == expected


@pytest.mark.parametrize(
    ("details", "sent", "cancelled", "expected"),
    [
        (["Pending", "Pending"], False, False, "Pending"),
        (["Pending", "Pending"], True, False, "InProgress"),
        (["Success", "InProgress"], True, False, "InProgress"),
        (["Success", "Cancelling"], True, True, "Cancelling"),
        (["Success", "Cancelled"], True, True, "Cancelled"),
        (["Success", "Success"], True, True, "Success"),
    ],
)
def test_what_a_command_is_meanwhile(details, sent, cancelled, expected):
    """Documented: API Command, StatusDetails; a cancel that came too late changes nothing (assumed)."""
    assert states.verdict(Counter(details), 1, sent=sent, cancelled=cancelled) == expected


@given(st.lists(ENDS, min_size=1, max_size=20), st.integers(1, 20))
def test_when_all_have_ended_the_command_has(details, failed_from):
    """Documented: API Command: every final word is a terminal one."""
    assert states.verdict(Counter(details), failed_from, sent=True) in states.TERMINAL


@given(DETAILS, DETAILS)
def test_terminal_is_sticky_and_wrong_moves_are_refused(current, wanted):
    """Documented: API CommandInvocation: "This is a terminal state"."""
    if current in states.TERMINAL or current == wanted:
        assert states.move(current, wanted) == current
    elif wanted in states.MOVES[current]:
        assert states.move(current, wanted) == wanted
    else:
        with pytest.raises(states.WrongMove, match=f"cannot go from {current} to {wanted}; allowed: "):
            states.move(current, wanted)


def test_every_status_is_one_of_the_model():
    """Documented: API CommandStatus and CommandInvocationStatus."""
    model = service_model("ssm")
    assert set(states.COMMAND_STATUS.values()) <= set(model.shape_for("CommandStatus").enum)
    assert set(states.INVOCATION_STATUS.values()) <= set(model.shape_for("CommandInvocationStatus").enum)
