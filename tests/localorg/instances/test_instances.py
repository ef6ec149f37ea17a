"""The small EC2: instances and their tags."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.instances.records import InstanceSeed
from localorg.kernel.errors import AwsError

ONE, TWO, NOBODY = "i-00000000000000001", "i-00000000000000002", "i-0000000000000000f"


@pytest.fixture
def local():
    harness = Harness(regions=("us-east-1", "eu-west-1"))
    harness.node(1, tags={"Role": "web", "Path": "a*b"})
    harness.node(2, tags={"Role": "webby"})
    return harness


def described(local, **params):
    answer = local.call("DescribeInstances", "ec2", **params)
    return [one["InstanceId"] for group in answer["Reservations"] for one in group["Instances"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("tag:Role", ["web"])], [ONE]),
        ([("tag:Role", ["web*"])], [ONE, TWO]),
        ([("tag:Role", ["web??"])], [TWO]),
        ([("tag:Path", ["a\\*b"])], [ONE]),
        ([("tag-key", ["Path"])], [ONE]),
        ([("instance-id", [TWO])], [TWO]),
        ([("instance-id", ["i-*2"])], [TWO]),
        ([("availability-zone", ["us-east-1?"]), ("private-dns-name", ["ip-10-0-0-1.*"])], [ONE, TWO]),
        ([("instance-state-name", ["stopped"])], []),
        ([("tag:Role", ["web*"]), ("tag:Name", ["node-2"])], [TWO]),
    ],
)
def test_filters(local, filters, expected):
    """Documented: EC2 user guide, Filtering: * and ? are wildcards unless escaped; filters are AND-ed, values OR-ed."""
    assert described(local, Filters=[{"Name": name, "Values": values} for name, values in filters]) == expected


def test_instances_in_pages(local):
    """Documented: API DescribeInstances, MaxResults and NextToken."""
    first = local.call("DescribeInstances", "ec2", MaxResults=1)
    assert described(local, MaxResults=1, NextToken=first["NextToken"]) == [TWO]


@pytest.mark.parametrize(
    ("operation", "params", "refusal"),
    [
        (
            "DescribeInstances",
            {"InstanceIds": [NOBODY]},
            f"InvalidInstanceID.NotFound: The instance ID '{NOBODY}' does not exist",
        ),
        ("DescribeInstances", {"InstanceIds": ["web"]}, 'InvalidInstanceID.Malformed: Invalid id: "web"'),
        ("DescribeInstances", {"Filters": [{"Name": "colour", "Values": ["x"]}]}, "NotImplemented: .* the filter colour; "),
        ("DescribeInstances", {"DryRun": True}, "DryRunOperation: Request would have succeeded, but DryRun flag is set"),
        ("CreateTags", {"Resources": ["vpc-1"], "Tags": [{"Key": "a"}]}, "NotImplemented: .* tags on vpc-1"),
        ("CreateTags", {"Resources": [ONE], "Tags": [{"Key": "aws:x"}]}, "InvalidParameterValue: Tag keys starting with 'aws:'"),
        ("CreateTags", {"Resources": [ONE], "Tags": [{"Key": "k" * 129}]}, "InvalidParameterValue: Tag key exceeds .* 128"),
        (
            "CreateTags",
            {"Resources": [ONE], "Tags": [{"Key": "k", "Value": "v" * 257}]},
            "InvalidParameterValue: Tag value .* 256",
        ),
        (
            "CreateTags",
            {"Resources": [ONE], "Tags": [{"Key": "a"}, {"Key": "a"}]},
            "InvalidParameterValue: Duplicate tag key 'a'",
        ),
        (
            "CreateTags",
            {"Resources": [ONE], "Tags": [{"Key": f"k{n}"} for n in range(50)]},
            f"TagLimitExceeded: {ONE} would have more than 50 tags",
        ),
        ("DescribeRegions", {"RegionNames": ["mars-1"]}, r"InvalidParameterValue: Invalid region provided: \[mars-1\]"),
    ],
)
def test_refusals(local, operation, params, refusal):
    """Documented: EC2 error codes; the words for what localorg lacks are its own."""
    with pytest.raises(AwsError, match=refusal):
        local.call(operation, "ec2", **params)


def test_tags_change_and_targets_follow(local):
    """Documented: API CreateTags, DeleteTags, DescribeTags; a command goes to what the tags say now."""
    local.call("CreateTags", "ec2", Resources=[ONE, TWO], Tags=[{"Key": "Stage", "Value": "prod"}])
    local.call("DeleteTags", "ec2", Resources=[TWO], Tags=[{"Key": "Stage"}, {"Key": "Role", "Value": "other"}])
    tags = local.call("DescribeTags", "ec2", Filters=[{"Name": "key", "Values": ["Stage", "Role"]}])["Tags"]
    assert [(tag["ResourceId"], tag["Key"], tag["Value"]) for tag in tags] == [
        (ONE, "Role", "web"),
        (ONE, "Stage", "prod"),
        (TWO, "Role", "webby"),
    ]
    command = local.send(Targets=[{"Key": "tag:Stage", "Values": ["prod"]}])
    assert list(local.details(command)) == [ONE]
    local.call("DeleteTags", "ec2", Resources=[ONE])
    assert local.call("DescribeTags", "ec2", Filters=[{"Name": "resource-id", "Values": [ONE]}])["Tags"] == []


def test_shapes(local):
    """Documented: API Instance, InstanceStatus, Region."""
    shown = local.call("DescribeInstances", "ec2", InstanceIds=[ONE])["Reservations"][0]["Instances"][0]
    assert shown["State"] == {"Code": 16, "Name": "running"}
    assert {"Key": "Name", "Value": "node-1"} in shown["Tags"]
    status = local.call("DescribeInstanceStatus", "ec2")["InstanceStatuses"][0]
    assert status["InstanceStatus"]["Status"] == "ok"
    regions = local.call("DescribeRegions", "ec2")["Regions"]
    assert [region["RegionName"] for region in regions] == ["us-east-1", "eu-west-1"]


def test_adding_an_instance_again_keeps_its_tags(local):
    """Assumed: localorg's own promise: a second start of the same spec changes nothing."""
    local.call("CreateTags", "ec2", Resources=[ONE], Tags=[{"Key": "Role", "Value": "new"}])
    local.instances.add_instance(InstanceSeed(ONE, ACCOUNT, REGION, "10.0.0.9", tags={"Role": "web"}))
    assert described(local, Filters=[{"Name": "tag:Role", "Values": ["new"]}]) == [ONE]
