"""Rows for conditions: an operator, what the policy says, what the request has, and whether AWS would say it holds.

Every row's standing is "Documented": IAM user guide, "Condition operators", "Multivalued context keys", "Variables and tags".
A second, naive implementation holds all operators to what the guide says in plain words.
"""

import re
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from identity.world import lookup_in

from localorg.identity.conditions import parse_conditions
from localorg.identity.findings import Findings
from localorg.identity.operators import OPERATORS

KEY = "aws:TagKeys"
ROWS: list[tuple[str, Any, Any, bool]] = [
    ("NumericEquals", "5", "5.0", True),
    ("NumericEquals", 5, "5", True),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericGreaterThan", "-1.5", "-1", True),
    ("NumericNotEquals", "5", "x", True),
    ("NumericEquals", "x", "5", False),
    ("NumericLessThan", "10", None, False),
    ("NumericNotEquals", "10", None, True),
    ("NumericLessThanIfExists", "10", None, True),
    ("DateLessThan", "2020-01-01T00:00:00Z", "2019-12-31T23:59:59Z", True),
    ("DateLessThan", "2020-01-01T00:00:00Z", "2020-01-01T00:30:00+01:00", True),
    ("DateGreaterThan", "2019", "2020-06", True),
    ("DateEquals", "2020-01-01", "1577836800", True),
    ("DateNotEquals", "2020-01-01", "2020-01-02", True),
    ("DateGreaterThanEquals", "2020-01-01T00:00:00.500Z", "2020-01-01T00:00:00Z", False),
    ("DateEquals", "2020-13-01", "2020-13-01", False),
    ("Bool", "true", "TRUE", True),
    ("Bool", True, "true", True),
    ("Bool", "false", None, False),
    ("BoolIfExists", "true", None, True),
    ("BinaryEquals", "aGVsbG8=", "aGVsbG8=", True),
    ("BinaryEquals", "aGVsbG8=", "aGVsbG8", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
    ("IpAddress", "203.0.113.7", "203.0.113.7", True),
    ("IpAddress", "203.0.113.7", "203.0.113.8", False),
    ("IpAddress", "2001:db8::/32", "2001:db8:1::1", True),
    ("IpAddress", "203.0.113.0/24", "2001:db8::1", False),
    ("NotIpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "203.0.113.7", True),
    ("NotIpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "192.168.3.4", False),
    ("NotIpAddress", "10.0.0.0/8", None, True),
    ("StringNotEquals", ["a", "b"], "c", True),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringEquals", [], "a", False),
    ("StringNotEquals", [], "a", True),
    ("StringEquals", "a*", "ab", False),
    ("StringLike", "a${*}", "ab", False),
    ("StringLike", "a${*}", "a*", True),
    ("StringLike", "a${?}", "a?", True),
    ("StringLike", "${$}{x}", "${x}", True),
    ("StringLike", "a?*", "a", False),
    ("StringNotLike", ["a*", "b*"], "cab", True),
    ("StringEqualsIgnoreCase", "ABC", "abc", True),
    ("StringEquals", "${aws:username}", "ann", True),
    ("StringEquals", "${AWS:UserName}", "ann", True),
    ("StringEquals", "${aws:PrincipalTag/Team, 'none'}", "none", True),
    ("StringEquals", "${aws:PrincipalTag/Team}", "", False),
    ("StringNotEquals", "${aws:PrincipalTag/Team}", "x", True),
    ("ArnLike", "arn:aws:iam::*:role/a/*", "arn:aws:iam::1:role/a/b", True),
    ("ArnEquals", "arn:aws:iam::1:role/?", "arn:aws:iam::1:role/a", True),
    ("ArnLike", "arn:aws:*", "arn:aws:iam::1:role/a", False),
    ("ArnNotLike", "arn:aws:iam::1:role/a", None, True),
    ("Null", "true", None, True),
    ("Null", "false", None, False),
    ("Null", False, "x", True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b", "a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringEquals", ["a"], "", True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c"], False),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringEqualsIfExists", ["a"], None, True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
    ("ForAllValues:StringNotLike", ["a*"], ["b", "ab"], False),
    ("ForAnyValue:StringLike", ["o-x/r-y/*"], ["o-x/r-y/ou-z/"], True),
]


def holds(operator: str, wanted: Any, found: Any, *, variables: bool = True) -> bool:
    findings = Findings()
    (condition,) = parse_conditions({operator: {KEY: wanted}}, "Condition", findings, variables=variables)
    findings.refuse()
    context = {"aws:username": "ann"} | ({} if found is None else {KEY: found})
    return condition.holds(lookup_in(context))


@pytest.mark.parametrize(("operator", "wanted", "found", "expected"), ROWS, ids=str)
def test_an_operator_holds_as_the_guide_says(operator: str, wanted: Any, found: Any, expected: bool) -> None:
    """Documented: IAM user guide, "IAM JSON policy elements: Condition operators"."""
    assert holds(operator, wanted, found) is expected


def test_older_policies_have_no_variables() -> None:
    """Documented: IAM user guide, "Variables and tags": version 2008-10-17 takes ${aws:username} as it is written."""
    assert not holds("StringEquals", "${aws:username}", "ann", variables=False)
    assert holds("StringEquals", "${aws:username}", "${aws:username}", variables=False)


def naive_single(base: str, wanted: str, found: str) -> bool:
    """Compare two values in the plainest way: no cleverness, no sharing with the evaluator."""
    match base:
        case "String":
            return wanted == found
        case "StringIgnoreCase":
            return wanted.casefold() == found.casefold()
        case "Like":
            return fnmatchcase(found, re.sub(r"([\[\]])", r"[\1]", wanted))
        case "Numeric":
            return float(wanted) == float(found)
        case _:
            return ip_address(found) in ip_network(wanted, strict=False)


NAIVE = {
    "StringEquals": ("String", False),
    "StringNotEquals": ("String", True),
    "StringEqualsIgnoreCase": ("StringIgnoreCase", False),
    "StringNotEqualsIgnoreCase": ("StringIgnoreCase", True),
    "StringLike": ("Like", False),
    "StringNotLike": ("Like", True),
    "NumericEquals": ("Numeric", False),
    "NumericNotEquals": ("Numeric", True),
    "IpAddress": ("Ip", False),
    "NotIpAddress": ("Ip", True),
}
SAMPLES = {"Numeric": ["1", "1.0", "-2", "30"], "Ip": ["10.0.0.1", "10.0.0.2", "192.168.0.9", "::1"]}
TEXTS = ["a", "A", "ab", "b*", "*", "?b", "[a]"]


def naive(over: str, name: str, forgiving: bool, wanted: list[str], found: list[str]) -> bool:
    """The guide's words, one by one."""
    base, negated = NAIVE[name]
    if not found:
        if forgiving or over == "ForAllValues:":
            return True
        return negated and over == ""
    verdicts = []
    for value in found:
        some_match = any(naive_single(base, text, value) for text in wanted)
        verdicts.append(not some_match if negated else some_match)
    if over == "ForAnyValue:":
        return True in verdicts
    return False not in verdicts if over == "ForAllValues:" else verdicts[0]


@given(some.data())
def test_every_operator_does_what_a_naive_reader_of_the_guide_does(data: some.DataObject) -> None:
    """Documented: "Evaluation logic for multiple context keys or values": sets, negation, IfExists and missing keys together."""
    name, over = data.draw(some.sampled_from(sorted(NAIVE))), data.draw(some.sampled_from(["", "ForAnyValue:", "ForAllValues:"]))
    values = some.sampled_from(SAMPLES.get(NAIVE[name][0], TEXTS))
    wanted = data.draw(some.lists(values, min_size=1, max_size=3))
    found = data.draw(some.lists(values, max_size=3 if over else 1))
    forgiving = data.draw(some.booleans())
    operator = f"{over}{name}{'IfExists' if forgiving else ''}"
    assert holds(operator, wanted, found or None) is naive(over, name, forgiving, wanted, found)


@given(some.sampled_from(sorted(OPERATORS)), some.text(max_size=12), some.text(max_size=12))
def test_no_value_makes_an_operator_fall_over(operator: str, wanted: str, found: str) -> None:
    """Whatever a policy or a request says, an operator answers; a negated one says the opposite."""
    answer = holds(operator, wanted, found)
    opposite = operator.replace("Not", "") if "Not" in operator else ""
    if opposite:
        assert holds(opposite, wanted, found) is not answer
