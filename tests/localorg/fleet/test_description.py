"""DescribeInstanceInformation: filters, pages, shapes."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.kernel.errors import AwsError


@pytest.fixture
def local():
    harness = Harness()
    harness.node(1, tags={"Role": "web"})
    harness.node(2, tags={"Role": "batch", "Old": ""}, online=False)
    harness.node(3, platform="Windows")
    harness.pass_time(1)
    return harness


def numbers(answer):
    return [int(node["InstanceId"][2:], 16) for node in answer["InstanceInformationList"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], [1, 2, 3]),
        ([("InstanceIds", ["i-00000000000000002", "i-00000000000000003"])], [2, 3]),
        ([("PingStatus", ["Online"])], [1, 3]),
        ([("PlatformTypes", ["Windows"])], [3]),
        ([("AgentVersion", ["3.3.0.0"])], [1, 2, 3]),
        ([("ResourceType", ["ManagedInstance"])], []),
        ([("tag:Role", ["web", "batch"])], [1, 2]),
        ([("tag-key", ["Old"])], [2]),
        ([("tag:Role", ["web", "batch"]), ("tag-key", ["Old"])], [2]),
        ([("SourceTypes", ["AWS::EC2::Instance"]), ("SourceIds", ["i-00000000000000002"])], [2]),
        ([("ActivationIds", ["0"])], []),
        ([("IamRole", ["NodeRole"])], []),
        ([("AssociationStatus", ["Success"])], []),
        ([("PingStatus", ["Inactive"])], []),
    ],
)
def test_filters(local, filters, expected):
    """Documented: API InstanceInformationStringFilter."""
    assert numbers(local.call("DescribeInstanceInformation", Filters=[{"Key": k, "Values": v} for k, v in filters])) == expected


def test_the_older_form_of_filters(local):
    """Documented: API DescribeInstanceInformation, InstanceInformationFilterList."""
    old = [{"key": "PlatformTypes", "valueSet": ["Windows"]}]
    assert numbers(local.call("DescribeInstanceInformation", InstanceInformationFilterList=old)) == [3]


def test_a_node_that_is_online(local):
    """Documented: API InstanceInformation."""
    shown = local.call("DescribeInstanceInformation")["InstanceInformationList"][0]
    assert shown["ComputerName"] == "node-1"
    assert shown["PlatformName"] == "Ubuntu"
    assert (shown["ResourceType"], shown["SourceType"]) == ("EC2Instance", "AWS::EC2::Instance")
    assert "IamRole" not in shown
    assert "secret" not in str(shown).lower()


def test_pages(local):
    """Pages of 5 to 50. Documented: API DescribeInstanceInformation, MaxResults."""
    for number in range(4, 8):
        local.node(number)
    first = local.call("DescribeInstanceInformation", MaxResults=5)
    second = local.call("DescribeInstanceInformation", MaxResults=5, NextToken=first["NextToken"])
    assert numbers(first) + numbers(second) == [1, 2, 3, 4, 5, 6, 7]
    assert "NextToken" not in second
    with pytest.raises(AwsError, match="ValidationException"):
        local.call("DescribeInstanceInformation", MaxResults=4)


@pytest.mark.parametrize(
    ("key", "values", "refusal"),
    [
        ("Colour", ["red"], "InvalidFilterKey: 'Colour' is no filter key; expected one of InstanceIds, "),
        (
            "PingStatus",
            ["Asleep"],
            "InvalidInstanceInformationFilterValue: The value 'Asleep' of the filter PingStatus is not valid; expected one of Online,",
        ),
        (
            "AssociationStatus",
            ["Skipped"],
            "InvalidInstanceInformationFilterValue: .* expected one of Success, Pending, Failed",
        ),
        ("tag:", ["x"], "InvalidFilterKey: 'tag:' is no filter key"),
        (
            "InstanceIds",
            ["i-99999999999999999"],
            rf"InvalidInstanceId: Instances \[\[i-99999999999999999\]\] not in a valid state for account {ACCOUNT}",
        ),
    ],
)
def test_refusals(local, key, values, refusal):
    """Documented: API DescribeInstanceInformation: an id that is not yours is an error."""
    with pytest.raises(AwsError, match=refusal):
        local.call("DescribeInstanceInformation", Filters=[{"Key": key, "Values": values}])


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        (
            {"Filters": [{"Key": "tag:Role", "Values": ["web"]}, {"Key": "PingStatus", "Values": ["Online"]}]},
            "ValidationException: Tag filters can't be combined with other filter types",
        ),
        (
            {
                "Filters": [{"Key": "PingStatus", "Values": ["Online"]}],
                "InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}],
            },
            "ValidationException: Give Filters or InstanceInformationFilterList, not both",
        ),
        ({"NextToken": "made up"}, "InvalidNextToken: The NextToken is not one that this list gave"),
        ({"NextToken": "Z29uZQ=="}, "InvalidNextToken: The NextToken is not one that this list gave"),
        ({"MaxResults": 51}, "ValidationException: .*'51' at 'maxResults'"),
        (
            {"InstanceInformationFilterList": [{"key": "tag:Role", "valueSet": ["web"]}]},
            "ValidationException: .*instanceInformationFilterList.1.member.key",
        ),
    ],
)
def test_what_cannot_be_asked(local, params, refusal):
    """Documented: API DescribeInstanceInformation: no mixing of tags and others, nor of both forms; 5 to 50 nodes a page."""
    with pytest.raises(AwsError, match=refusal):
        local.call("DescribeInstanceInformation", **params)


def test_stopped_and_terminated_nodes_are_left_out(local):
    """Documented: API DescribeInstanceInformation: nothing is returned for nodes that are either Stopped or Terminated."""
    for number, state in ((1, "stopped"), (2, "terminated")):
        place = {"account": ACCOUNT, "region": REGION, "instance_id": f"i-{number:017x}"}
        local.kernel.publish("ec2.instance-state-change", {**place, "state": state})
    local.pass_time(1)
    assert numbers(local.call("DescribeInstanceInformation")) == [3]
    by_id = [{"Key": "InstanceIds", "Values": ["i-00000000000000001"]}]
    assert numbers(local.call("DescribeInstanceInformation", Filters=by_id)) == []
    by_id[0]["Values"] = ["i-00000000000000002"]
    with pytest.raises(AwsError, match=r"InvalidInstanceId: Instances \[\[i-00000000000000002\]\] not in a valid state"):
        local.call("DescribeInstanceInformation", Filters=by_id)


def test_the_other_reading_of_an_unknown_node():
    """Assumed: the register's question unknown-node: left out instead of refused."""
    local = Harness(readings={"unknown-node": "left-out"})
    local.node(1, online=False)
    asked = [{"Key": "InstanceIds", "Values": ["i-00000000000000001", "i-99999999999999999"]}]
    assert numbers(local.call("DescribeInstanceInformation", Filters=asked)) == [1]
