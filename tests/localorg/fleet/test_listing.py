"""Long lists of nodes: filters against a model of plain Python, pages under inserts, and the work that they take."""

import pytest
from commands.harness import ACCOUNT, REGION, ROLE, Harness
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.fleet.records import NodeSeed
from localorg.kernel.errors import AwsError
from localorg.kernel.paging import walk

REFUSAL = AwsError("InvalidNextToken", "not a token of this list")
PLATFORMS, VERSIONS, TAGS = ("Linux", "Windows", "MacOS"), ("3.2.1.0", "3.3.0.0"), ("web", "batch")
MACHINE = st.fixed_dictionaries(
    {
        "platform_type": st.sampled_from(PLATFORMS),
        "agent_version": st.sampled_from(VERSIONS),
        "source": st.sampled_from(("EC2Instance", "ManagedInstance")),
        "association": st.sampled_from(("", "Success", "Failed", "Pending")),
    }
)
FILTER = st.one_of(
    st.tuples(st.just("PlatformTypes"), st.lists(st.sampled_from(PLATFORMS), min_size=1)),
    st.tuples(st.just("AgentVersion"), st.lists(st.sampled_from(VERSIONS), min_size=1)),
    st.tuples(st.just("ResourceType"), st.lists(st.sampled_from(("EC2Instance", "ManagedInstance")), min_size=1)),
    st.tuples(st.just("IamRole"), st.lists(st.sampled_from((ROLE, "other")), min_size=1)),
    st.tuples(st.just("AssociationStatus"), st.lists(st.sampled_from(("Success", "Failed", "Pending")), min_size=1)),
)
MEMBER = {
    "PlatformTypes": "PlatformType",
    "AgentVersion": "AgentVersion",
    "ResourceType": "ResourceType",
    "IamRole": "IamRole",
    "AssociationStatus": "AssociationStatus",
}


def register(local, number, *, platform_type="Linux", agent_version="3.3.0.0", source="EC2Instance", association=""):
    instance_id = f"{'mi' if source == 'ManagedInstance' else 'i'}-{number:017x}"
    seed = NodeSeed(instance_id, ACCOUNT, REGION, "n", "10.0.0.1", platform_type, "Any", "1", ROLE)
    changed = {**seed.__dict__, "agent_version": agent_version, "source": source}
    local.fleet.register(NodeSeed(**changed))
    place = {"account": ACCOUNT, "region": REGION, "instance_id": instance_id, "association_id": "a"}
    if association:
        local.kernel.publish("node.association-status", {**place, "name": "d", "status": association})
    return instance_id


def everything(local, operation="DescribeInstanceInformation", member="InstanceInformationList", between=lambda: None, **params):
    rows, token = [], {}
    while True:
        answer = local.call(operation, MaxResults=5, **params, **token)
        rows += answer[member]
        if "NextToken" not in answer:
            return rows
        token = {"NextToken": answer["NextToken"]}
        between()


@settings(max_examples=40, deadline=None)
@given(st.lists(MACHINE, max_size=12), st.lists(FILTER, max_size=3))
def test_filters_are_what_plain_python_says(machines, wanted):
    """Documented: API DescribeInstanceInformation: values of one filter are OR-ed, filters AND-ed."""
    local = Harness()
    for number, machine in enumerate(machines):
        register(local, number, **machine)
    local.pass_time(0)
    unfiltered = everything(local)
    assert len(unfiltered) == len(machines)
    expected = [row for row in unfiltered if all(row.get(MEMBER[key], "") in values for key, values in wanted)]
    assert everything(local, Filters=[{"Key": key, "Values": values} for key, values in wanted]) == expected
    by_operator = [{"Key": key, "Values": values, "Operator": "Equal"} for key, values in wanted]
    named = {"FiltersWithOperator": by_operator} if by_operator else {}
    properties = everything(local, "DescribeInstanceProperties", "InstanceProperties", **named)
    assert [row["InstanceId"] for row in properties] == [row["InstanceId"] for row in expected]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 99), min_size=1, max_size=30), st.lists(st.integers(100, 199) | st.integers(-99, -1), max_size=9))
def test_pages_meet_each_row_once_while_others_arrive(numbers, arriving):
    """Assumed: localorg's own promise: a row that is there all the time is in exactly one page, no row is in two."""
    keys = sorted(("a", f"{number + 500:04d}") for number in numbers)
    late, seen, token = iter(arriving), [], None
    while True:
        shown, token = walk(keys, lambda key: key, 3, token, REFUSAL)
        seen += shown
        if token is None:
            break
        keys = sorted({*keys, ("a", f"{next(late, 0) + 500:04d}")})
    assert len(seen) == len(set(seen))
    assert {("a", f"{number + 500:04d}") for number in numbers} <= set(seen)


def test_nodes_that_register_meanwhile_disturb_no_page():
    """Assumed: localorg's own promise."""
    local, late = Harness(), iter((1, 1000, 2, 1001, 3))
    there = [register(local, number) for number in range(10, 30)]
    rows = everything(local, between=lambda: register(local, next(late)))
    ids = [row["InstanceId"] for row in rows]
    assert len(ids) == len(set(ids))
    assert set(there) <= set(ids)


def test_all_pages_look_at_every_row_twice_at_most():
    """Assumed: localorg's own promise: ten thousand nodes are listed page by page without quadratic work."""
    keys, looks = [("a", f"{number:05d}") for number in range(10_000)], []
    token, pages = None, 0
    while True:
        _, token = walk(keys, lambda key: looks.append(key) or (key if int(key[1]) % 3 == 0 else None), 50, token, REFUSAL)
        pages += 1
        if token is None:
            break
    assert pages == 67
    assert len(looks) <= 2 * len(keys)


def test_tags_of_many_nodes_are_read_in_bundles():
    """Assumed: localorg's own promise: a page asks EC2 for what it looks at, 200 instances a call."""
    local = Harness()
    for number in range(450):
        local.node(number, tags={"Role": "web" if number % 100 == 7 else "batch"}, online=False)
    local.gateway.log.clear()
    found = everything(local, Filters=[{"Key": "tag:Role", "Values": ["web"]}])
    assert [int(row["InstanceId"][2:], 16) for row in found] == [7, 107, 207, 307, 407]
    assert sum(record.action == "ec2:DescribeInstances" for record in local.gateway.log) == 3


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("PlatformTypes", "NotEqual", ["Linux"])], [2]),
        ([("AgentVersion", "LessThan", ["3.10.0.0"])], [1, 2]),
        ([("AgentVersion", "GreaterThan", ["3.3.0.0"])], [3]),
        ([("tag:Name", "BeginWith", ["node"])], []),
        ([("DocumentName", "Equal", ["d"])], [2]),
        ([("SourceIds", "BeginWith", ["mi-"])], [1, 2, 3]),
    ],
)
def test_properties_with_operators(filters, expected):
    """Documented: API InstancePropertyStringFilter: Equal, NotEqual, BeginWith, LessThan, GreaterThan."""
    local = Harness()
    register(local, 1, source="ManagedInstance", agent_version="3.3.0.0")
    register(local, 2, source="ManagedInstance", platform_type="Windows", agent_version="3.2.0.0", association="Success")
    register(local, 3, source="ManagedInstance", agent_version="3.10.0.0")
    local.pass_time(0)
    asked = [{"Key": key, "Operator": operator, "Values": values} for key, operator, values in filters]
    found = local.call("DescribeInstanceProperties", FiltersWithOperator=asked)["InstanceProperties"]
    assert [int(row["InstanceId"][3:], 16) for row in found] == expected


def test_properties_of_an_instance_and_of_a_hybrid_node():
    """Documented: API InstanceProperty: Name is the tag, IPAddress the public address, InstanceState the instance's."""
    local = Harness()
    local.node(1, online=False)
    register(local, 2, source="ManagedInstance")
    here, hybrid = local.call("DescribeInstanceProperties")["InstanceProperties"]
    assert (here["Name"], here["InstanceType"], here["InstanceState"], here["IPAddress"]) == ("node-1", "t3.micro", "running", "")
    assert "InstanceType" not in hybrid
    assert (hybrid["IamRole"], hybrid["SourceType"]) == (ROLE, "AWS::SSM::ManagedInstance")


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"FiltersWithOperator": [{"Key": "Colour", "Values": ["red"]}]}, "InvalidFilterKey: 'Colour' is no filter key"),
        (
            {"InstancePropertyFilterList": [{"key": "PingStatus", "valueSet": ["Asleep"]}]},
            "InvalidInstancePropertyFilterValue: The value 'Asleep'",
        ),
        (
            {"FiltersWithOperator": [{"Key": "AgentVersion", "Values": ["1", "2"], "Operator": "LessThan"}]},
            "InvalidInstancePropertyFilterValue: LessThan takes one value, found 2 of AgentVersion",
        ),
        ({"InstancePropertyFilterList": [{"key": "InstanceIds", "valueSet": ["i-00000000"]}]}, "InvalidInstanceId: .*i-00000000"),
    ],
)
def test_properties_that_cannot_be_asked(params, refusal):
    """Documented: API DescribeInstanceProperties, errors."""
    with pytest.raises(AwsError, match=refusal):
        Harness().call("DescribeInstanceProperties", **params)
