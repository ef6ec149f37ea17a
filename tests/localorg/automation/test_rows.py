"""The pure parts, row by row and by property: order of steps, parameters, JSONPath, interpolation, conditions, durations."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.automation import conditions, parameters
from localorg.automation.decide import Ended, Then, Verdict, decide
from localorg.automation.durations import duration_s
from localorg.automation.interpolate import Unresolved, interpolate, references
from localorg.automation.jsonpath import MISSING, PathError, parse, select
from localorg.automation.messages import LENGTH_MAX, cause_of, told
from localorg.automation.runbook import Step

GO, END, AGAIN = Then.GO, Then.END, Then.AGAIN
ORDER: list[tuple[dict[str, Any], Ended, int, str, Verdict]] = [
    ({}, Ended.SUCCESS, 1, "", Verdict(GO, "following")),
    ({"next_step": "x"}, Ended.SUCCESS, 1, "", Verdict(GO, "x")),
    ({"next_step": "x"}, Ended.SUCCESS, 1, "chosen", Verdict(GO, "chosen")),
    ({"is_end": True}, Ended.SUCCESS, 1, "", Verdict(END)),
    ({"is_end": True}, Ended.SUCCESS, 1, "chosen", Verdict(GO, "chosen")),
    ({}, Ended.FAILED, 1, "", Verdict(END, fails_execution=True)),
    ({"is_critical": False}, Ended.FAILED, 1, "", Verdict(END)),
    ({"max_attempts": 2}, Ended.FAILED, 1, "", Verdict(AGAIN)),
    ({"max_attempts": 2}, Ended.TIMED_OUT, 2, "", Verdict(END, fails_execution=True)),
    ({"on_failure": "Continue", "is_critical": False}, Ended.FAILED, 1, "", Verdict(GO, "following")),
    ({"on_failure": "Continue", "next_step": "x"}, Ended.FAILED, 1, "", Verdict(GO, "x", fails_execution=True)),
    ({"on_failure": "step:x"}, Ended.TIMED_OUT, 1, "", Verdict(GO, "x", fails_execution=True)),
    ({"on_failure": "step:x", "is_end": True, "is_critical": False}, Ended.FAILED, 1, "", Verdict(END)),
]


@pytest.mark.parametrize(("rules", "ended", "attempt", "chosen", "verdict"), ORDER)
def test_what_follows_a_step(rules: dict[str, Any], ended: Ended, attempt: int, chosen: str, verdict: Verdict) -> None:
    """Documented: user guide, automation-actions, properties shared by all actions."""
    assert decide(Step("a", "aws:sleep", {}, **rules), "following", ended, attempt, chosen) == verdict


def test_the_last_step_ends() -> None:
    """Nothing follows the last step, whether it was a success or was to be continued."""
    assert decide(Step("a", "x", {}), "", Ended.SUCCESS, 1).then is END
    assert decide(Step("a", "x", {}, on_failure="Continue", is_critical=False), "", Ended.FAILED, 1).then is END


DOCUMENT = {"a": {"b": [1, {"c": 2}, {"c": 3}]}, "k y": 5, "c": 9}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0]", 1),
        ("$.a.b[-1].c", 3),
        ("$['k y']", 5),
        ("$.a.b[*].c", [2, 3]),
        ("$.a.b[1:].c", [2, 3]),
        ("$..c", [9, 2, 3]),
        ("$.a.x", MISSING),
        ("$.a.b[7]", MISSING),
        ("$.a.b[0].c", MISSING),
    ],
)
def test_paths(path: str, found: Any) -> None:
    """Documented: automation-action-outputs-inputs; `[*]` and slices assumed as in JSONPath elsewhere."""
    assert select(path, DOCUMENT) == found


@pytest.mark.parametrize("path", ["a.b", "$.a[?(@.x)]", "$.a[", "$a", ""])
def test_what_is_no_path(path: str) -> None:
    """Filters and nonsense are refused, naming the text."""
    with pytest.raises(PathError, match="JSONPath"):
        parse(path)


VALUES: dict[str, Any] = {"Name": "ann", "List": ["a", "b"], "Map": {"k": 1}, "Yes": True, "step.Out": 7}


def look(name: str) -> Any:
    if name not in VALUES:
        raise Unresolved(name)
    return VALUES[name]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{{ Name }}", "ann"),
        ("{{List}}", ["a", "b"]),
        (" {{ Map }} ", {"k": 1}),
        ("x-{{ step.Out }}", "x-7"),
        ("{{ Name }}{{ Name }}", "annann"),
        ("is {{ Yes }} {{ Map }} {{ List }}", 'is true {"k":1} ["a","b"]'),
        (["{{ List }}", "c"], ["a", "b", "c"]),
        ({"{{ Name }}": ["{{ Map }}"]}, {"ann": [{"k": 1}]}),
        (5, 5),
        ("{ not } {{}}", "{ not } {{}}"),
    ],
)
def test_interpolation(written: Any, meant: Any) -> None:
    """Documented: automation-variables; a list inside a list as in the example of automation-action-executeAutomation. The rendering
    of mappings inside text is assumed."""
    assert interpolate(written, look) == meant


@given(st.recursive(st.text() | st.integers() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_has_no_reference_stays_as_it_is(value: Any) -> None:
    """Interpolation touches references only."""
    if not list(references(value)):
        assert interpolate(value, look) == value


@given(st.text())
def test_a_whole_reference_never_changes_what_it_brings(text: str) -> None:
    """What was put in is not looked at again, even if it looks like a reference."""
    assert interpolate("{{ x }}", lambda _name: text) == text


TYPED = [
    ("String", ["x"], "x"),
    ("AWS::IAM::Role::Arn", ["x"], "x"),
    ("Integer", ["-5"], -5),
    ("Boolean", ["True"], True),
    ("StringList", ["a", "b"], ["a", "b"]),
    ("StringList", ['["a"]'], ["a"]),
    ("List<AWS::EC2::Instance::Id>", ["a"], ["a"]),
    ("StringMap", ['{"a": "b"}'], {"a": "b"}),
    ("MapList", ['{"a": 1}', '{"b": 2}'], [{"a": 1}, {"b": 2}]),
    ("MapList", ['[{"a": 1}]'], [{"a": 1}]),
]


@pytest.mark.parametrize(("kind", "given_as", "value"), TYPED)
def test_parameters_get_their_types_back(kind: str, given_as: list[str], value: Any) -> None:
    """Documented: lists of strings at the API, typed by the runbook; JSON text for maps as in the aws CLI's examples."""
    assert parameters.typed({"P": {"type": kind}}, {"P": given_as}) == ({"P": value}, [])


REFUSED = [
    ({"type": "String"}, {}, "Missing required parameter: P in user inputs."),
    ({"type": "String"}, {"P": ["a"], "Q": ["b"]}, 'Parameter "Q" is not defined in the runbook; it defines P.'),
    (
        {"type": "String", "allowedValues": ["Install", "Uninstall"]},
        {"P": ["install"]},
        'Parameter "P" has value "install" not found in [Install, Uninstall].',
    ),
    (
        {"type": "String", "allowedPattern": "^[a-z]+$"},
        {"P": ["A1"]},
        'Parameter "P" has value "A1" not matching the pattern "^[a-z]+$".',
    ),
    ({"type": "Integer"}, {"P": ["x"]}, 'Parameter "P" has value "x", which is no Integer.'),
    ({"type": "String"}, {"P": ["a", "b"]}, 'Parameter "P" is a String and takes one value; found 2.'),
    ({"type": "StringMap"}, {"P": ["[]"]}, 'Parameter "P" has value "[]", which is no StringMap in JSON.'),
    ({"type": "StringList", "minItems": 2}, {"P": ["a"]}, 'Parameter "P" has 1 items, at least 2 are needed.'),
    ({"type": "String", "maxChars": 2}, {"P": ["abc"]}, 'Parameter "P" has 3 characters, at most 2 are allowed.'),
]


@pytest.mark.parametrize(("rules", "given_as", "sentence"), REFUSED)
def test_wrong_parameters_are_named(rules: dict[str, Any], given_as: dict[str, list[str]], sentence: str) -> None:
    """Observed: the sentence on allowed values; the others are assumed in its manner."""
    assert parameters.typed({"P": rules}, given_as)[1] == [sentence]


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner)).filter(lambda value: isinstance(value, dict)))
def test_a_map_survives_the_wire(value: dict[str, Any]) -> None:
    """What goes out as JSON text comes back as the same map."""
    assert parameters.retype("P", "StringMap", parameters.to_wire(value)) == value


@pytest.mark.parametrize(
    ("operator", "found", "wanted", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", 5, "5", True),
        ("EqualsIgnoreCase", "Ab", "aB", True),
        ("StartsWith", "abc", "ab", True),
        ("EndsWith", "abc", "bc", True),
        ("Contains", "abc", "b", True),
        ("Contains", "abc", "x", False),
        ("NumericEquals", "5", 5.0, True),
        ("NumericGreater", 6, 5, True),
        ("NumericLesser", 6, 5, False),
        ("NumericGreaterOrEquals", 5, 5, True),
        ("NumericLesserOrEquals", "x", 5, False),
        ("BooleanEquals", "True", True, True),
        ("BooleanEquals", False, True, False),
    ],
)
def test_operators(operator: str, found: Any, wanted: Any, holds: bool) -> None:
    """Documented: automation-branch-condition."""
    condition = {"Variable": found, operator: wanted}
    assert conditions.holds(condition, lambda value: value) is holds
    assert conditions.holds({"Not": condition}, lambda value: value) is not holds
    assert conditions.holds({"Or": [{"Variable": 1, "NumericEquals": 1}, condition]}, lambda value: value)
    assert conditions.holds({"And": [{"Variable": 1, "NumericEquals": 1}, condition]}, lambda value: value) is holds


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT10S", 10), ("PT1H30M", 5400), ("P1DT1S", 86_401), ("P1D", 86_400), ("PT0.5S", 0.5)]
)
def test_durations(text: str, seconds: float) -> None:
    """Documented: automation-action-sleep."""
    assert duration_s(text) == seconds


@given(st.text(min_size=1, max_size=20_000))
def test_a_cause_is_found_again(cause: str) -> None:
    """However often a failure is told on, its beginning stays at the top and the length is bounded."""
    message = cause
    for _ in range(3):
        message = told("Poll action status for completion", cause_of(message) or "x")
    assert len(message) <= LENGTH_MAX
    assert "Traceback" in cause or cause.strip()[:20] in message or json.dumps(cause)
