"""Intrinsic functions and the order of resources, by rows and by properties."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.kernel.errors import AwsError
from localorg.stacks.functions import references, resolve
from localorg.stacks.logic import truth
from localorg.stacks.order import waves
from localorg.stacks.scope import TemplateScope, pseudo_parameters
from localorg.stacks.template import Template, invalid

TEMPLATE = Template(
    {},
    parameters={"Name": {"Type": "String"}, "List": {"Type": "CommaDelimitedList"}},
    mappings={"Map": {"a": {"b": "mapped"}}},
    conditions={
        "Yes": {"Fn::Equals": [{"Ref": "Name"}, "x"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Loop": {"Condition": "Loop"},
    },
)


def attribute(logical: str, name: str) -> str:
    if logical != "Thing":
        raise invalid(f"no {logical}")
    return f"{logical}.{name}" if name else "thing-1"


SCOPE = TemplateScope(
    TEMPLATE,
    {"Name": "x", "List": "a, b,c"},
    pseudo_parameters("aws-cn", "1" * 12, "cn-north-1", "stack", "arn:stack"),
    attribute,
    lambda name: f"imported {name}",
)

ROWS = [
    ({"Ref": "Name"}, "x"),
    ({"Ref": "List"}, ["a", "b", "c"]),
    ({"Ref": "Thing"}, "thing-1"),
    ({"Ref": "AWS::Partition"}, "aws-cn"),
    ({"Ref": "AWS::URLSuffix"}, "amazonaws.com.cn"),
    ({"Fn::GetAtt": ["Thing", "Arn"]}, "Thing.Arn"),
    ({"Fn::GetAtt": "Thing.A.B"}, "Thing.A.B"),
    ({"Fn::Sub": "${Name}-${Thing.Arn}-${!Raw}-${AWS::Region}-{{ x }}"}, "x-Thing.Arn-${Raw}-cn-north-1-{{ x }}"),
    ({"Fn::Sub": ["${V}${Name}", {"V": {"Fn::Select": [1, {"Ref": "List"}]}}]}, "bx"),
    ({"Fn::Join": ["-", [{"Ref": "Name"}, 1, True]]}, "x-1-true"),
    ({"Fn::Join": ["-", {"Ref": "List"}]}, "a-b-c"),
    ({"Fn::Select": ["2", {"Fn::Split": ["/", "a/b/c"]}]}, "c"),
    ({"Fn::If": ["Yes", "a", {"Ref": "Unknown"}]}, "a"),
    ({"Fn::If": ["No", 1, {"Ref": "Name"}]}, "x"),
    ({"k": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "l": [{"Ref": "AWS::NoValue"}, 2]}, {"l": [2]}),
    ({"Fn::FindInMap": ["Map", "a", {"Fn::Join": ["", ["b"]]}]}, "mapped"),
    ({"Fn::FindInMap": ["Map", "a", "no", {"DefaultValue": {"Ref": "Name"}}]}, "x"),
    ({"Fn::Base64": {"Ref": "Name"}}, "eA=="),
    ({"Fn::Cidr": ["192.168.0.0/24", 3, "5"]}, ["192.168.0.0/27", "192.168.0.32/27", "192.168.0.64/27"]),
    ({"Fn::Select": [1, {"Fn::Cidr": ["10.0.0.0/16", 2]}]}, "10.0.1.0/24"),
    ({"Fn::Length": {"Ref": "List"}}, 3),
    ({"Fn::ToJsonString": {"a": {"Ref": "Name"}, "b": [1, True]}}, '{"a":"x","b":[1,true]}'),
    ({"Fn::ImportValue": {"Fn::Sub": "${Name}-out"}}, "imported x-out"),
    (
        {"Statement": [{"Condition": {"StringEquals": {"a": {"Ref": "Name"}}}}]},
        {"Statement": [{"Condition": {"StringEquals": {"a": "x"}}}]},
    ),
]


@pytest.mark.parametrize(("value", "expected"), ROWS)
def test_what_functions_give(value, expected):
    """Documented: CloudFormation user guide, "Intrinsic function reference"."""
    assert resolve(value, SCOPE) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Fn::Select": [3, {"Ref": "List"}]}, "Fn::Select cannot select nonexistent value at index 3"),
        ({"Fn::FindInMap": ["Map", "a", "z"]}, "Unable to get mapping for Map::a::z"),
        ({"Fn::Join": ["-", "text"]}, "every Fn::Join object requires two parameters"),
        ({"Fn::GetAtt": "Thing"}, "Fn::GetAtt expects [resource, attribute]"),
        ({"Fn::Cidr": []}, "every Fn::Cidr object requires"),
        ({"Fn::Cidr": ["10.0.0.0/24", 257, 8]}, "count must be between 1 and 256"),
        ({"Fn::Cidr": ["10.0.0.0/24", 4, 7]}, "does not hold 4 blocks of 7 bits"),
        ({"Fn::Cidr": ["ten", 4, 7]}, "'ten' is not a valid address block"),
        ({"Fn::Length": "abc"}, "Fn::Length expects a list"),
        ({"Fn::ToJsonString": "abc"}, "Fn::ToJsonString expects an object or a list"),
        ({"Fn::GetAZs": ""}, "does not support the intrinsic function Fn::GetAZs"),
        ({"Fn::If": ["Nope", 1, 2]}, "unresolved condition dependency Nope"),
        ({"Fn::Sub": "${List}"}, "must be a text, found list"),
        ({"Ref": "AWS::Nope"}, "does not support the pseudo parameter AWS::Nope"),
    ],
)
def test_what_functions_refuse(value, words):
    """Documented: CloudFormation's template errors."""
    with pytest.raises(AwsError) as refusal:
        resolve(value, SCOPE)
    assert words in refusal.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::And": [{"Condition": "Yes"}, {"Fn::Equals": ["true", True]}]}, True),
        ({"Fn::Or": [{"Condition": "No"}, {"Condition": "No"}]}, False),
        ({"Fn::Contains": [{"Ref": "List"}, "b"]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "List"}, ["a", "b"]]}, False),
        ({"Fn::EachMemberEquals": [["a", "a"], "a"]}, True),
    ],
)
def test_what_is_true(value, expected):
    """Documented: CloudFormation user guide, condition and rule functions."""
    assert truth(value, SCOPE, "here") is expected


def test_conditions_in_a_circle():
    """Documented: CloudFormation refuses conditions that depend on themselves."""
    with pytest.raises(AwsError, match="Circular dependency between conditions"):
        SCOPE.condition("Loop")


def test_references_see_through_everything():
    """Documented: CloudFormation user guide, Ref, GetAtt and Sub make implicit dependencies; the other branch of If does not."""
    value = {
        "a": {"Fn::Sub": ["${A} ${B.Arn} ${Given} ${!No}", {"Given": {"Ref": "C"}}]},
        "b": [{"Fn::If": ["Yes", {"Ref": "D"}, {"Ref": "E"}]}],
        "c": {"Fn::GetAtt": "F.X.Y"},
    }
    assert set(references(value, SCOPE.condition)) == {("A", ""), ("B", "Arn"), ("C", ""), ("D", ""), ("F", "X.Y")}
    assert ("E", "") in set(references(value))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5).filter(lambda text: not text.startswith("Fn::")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "Condition", "Key"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(plain)
def test_values_without_functions_stay_as_they_are(value):
    """Documented: CloudFormation user guide, only intrinsic functions are replaced."""
    assert resolve(value, SCOPE) == value


@given(st.lists(st.text(alphabet="abc", min_size=1), min_size=1), st.sampled_from([",", "--", "|"]))
def test_join_and_split_undo_each_other(parts, delimiter):
    """Documented: CloudFormation user guide, Fn::Join and Fn::Split."""
    assert resolve({"Fn::Split": [delimiter, {"Fn::Join": [delimiter, parts]}]}, SCOPE) == parts


@given(st.integers(0, 2**32 - 1), st.integers(8, 24), st.integers(1, 256))
def test_blocks_of_a_cidr_lie_side_by_side_in_it(start, prefix, count):
    """Documented: CloudFormation user guide, Fn::Cidr: as many blocks as asked for, of 2^cidrBits addresses, from the first on."""
    block = ipaddress.ip_network((start, prefix), strict=False)
    blocks = (
        [ipaddress.ip_network(one) for one in resolve({"Fn::Cidr": [str(block), count, 8]}, SCOPE)]
        if count <= 2 ** (24 - prefix)
        else []
    )
    assert all(one.prefixlen == 24 and one.subnet_of(block) for one in blocks)
    assert all(int(one.network_address) == int(block.network_address) + 256 * n for n, one in enumerate(blocks))


@given(st.text())
def test_sub_leaves_text_without_placeholders_alone(text):
    """Documented: CloudFormation user guide, Fn::Sub replaces ${...} only."""
    if "${" not in text:
        assert resolve({"Fn::Sub": text}, SCOPE) == text


graphs = st.integers(1, 12).flatmap(
    lambda size: st.fixed_dictionaries(
        {f"n{n}": st.lists(st.sampled_from([f"n{m}" for m in range(size)] + ["outside"]), max_size=3) for n in range(size)}
    )
)


@given(graphs)
def test_order_respects_needs_or_names_a_circle(needs):
    """Documented: CloudFormation user guide, DependsOn: what is needed comes first; circles are refused with their members."""
    try:
        order = waves(needs)
    except ValueError as circle:
        named = str(circle).split(", ")
        assert named
        assert all(any(other in named for other in needs[name]) for name in named)
        return
    assert sorted(order) == sorted(needs)
    for position, name in enumerate(order):
        assert not {need for need in needs[name] if need in needs} - set(order[:position])
    assert waves(needs) == order
