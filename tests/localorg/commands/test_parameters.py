"""Parameters of Command documents: refused with every reason at once, typed as the agent wants them."""

import pytest

from localorg.commands import parameters
from localorg.kernel.errors import AwsError

DECLARED = {
    "commands": {"type": "StringList", "minItems": 1, "maxItems": 2},
    "mode": {"type": "String", "allowedValues": ["fast", "slow"], "default": "fast"},
    "count": {"type": "Integer", "default": 3},
    "force": {"type": "Boolean", "default": False},
    "arguments": {"type": "StringMap", "default": {}, "maxChars": 10},
    "executionTimeout": {"type": "String", "default": "3600", "allowedPattern": "^[1-9][0-9]*$"},
}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "commands: required, but not given"),
        ({"commands": []}, "commands: at least 1 values, found 0"),
        ({"commands": ["a", "b", "c"]}, "commands: at most 2 values, found 3"),
        ({"commands": ["a"], "nope": ["x"]}, "nope: the document has no such parameter"),
        ({"commands": ["a"], "mode": ["medium"]}, "mode: must be one of fast, slow, found 'medium'"),
        ({"commands": ["a"], "mode": ["fast", "slow"]}, "mode: a String takes one value, found 2"),
        ({"commands": ["a"], "count": ["three"]}, "count: a Integer is a whole number, found 'three'"),
        ({"commands": ["a"], "force": ["maybe"]}, "force: a Boolean is true or false, found 'maybe'"),
        ({"commands": ["a"], "arguments": ["[]"]}, "arguments: a StringMap is a JSON object, found '[]'"),
        ({"commands": ["a"], "arguments": ['{"a":"bcdefgh"}']}, "arguments: at most 10 characters, found 15"),
        ({"commands": ["a"], "executionTimeout": ["0"]}, "executionTimeout: must match ^[1-9][0-9]*$, found '0'"),
    ],
)
def test_what_is_wrong_is_said(given, problem):
    """Documented: user guide, Data elements and parameters."""
    with pytest.raises(AwsError) as refused:
        parameters.check(DECLARED, given)
    assert (refused.value.code, refused.value.message) == ("InvalidParameters", problem)


def test_all_problems_at_once():
    """Assumed: AWS lists one; localorg lists all, so that one correction is enough."""
    with pytest.raises(AwsError) as refused:
        parameters.check(DECLARED, {"nope": ["x"], "mode": ["medium"]})
    assert len(refused.value.message.split("; ")) == 3


def test_values_are_typed_for_the_agent():
    """StringList a list, StringMap a JSON text, the rest texts; defaults included. Observed: the stock agent's wire."""
    assert parameters.payload(DECLARED, {"commands": ["a"], "arguments": ['{"k":"v"}']}) == {
        "commands": ["a"],
        "mode": "fast",
        "count": "3",
        "force": "false",
        "arguments": '{"k":"v"}',
        "executionTimeout": "3600",
    }
    assert parameters.payload({"m": {"type": "StringMap", "default": {}}}, {}) == {"m": "{}"}


def test_the_execution_share_of_the_time_out():
    """Documented: user guide, Understanding command timeout values; assumed: an hour for documents that do not say."""
    assert parameters.execution_timeout_s(DECLARED, {"executionTimeout": ["60"]}) == 60
    assert parameters.execution_timeout_s(DECLARED, {}) == 3600
    assert parameters.execution_timeout_s({}, {}) == 3600


@pytest.mark.parametrize(
    ("declared", "value", "problem"),
    [
        ({"type": "StringMap"}, "[" * 2000, "p: a StringMap is a JSON object, found"),
        ({"type": "String", "allowedPattern": "(a"}, "a", "p: the allowedPattern \\(a cannot be used: missing \\)"),
    ],
)
def test_what_strangers_declare_and_give_is_no_defect(declared, value, problem):
    """Assumed: AWS does not say how deep a value may be, nor what becomes of a pattern that is none."""
    with pytest.raises(AwsError, match=problem):
        parameters.check({"p": declared}, {"p": [value]})
