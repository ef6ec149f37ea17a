"""Tags of hybrid nodes through Systems Manager's own tag operations."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.fleet.records import NodeSeed
from localorg.kernel.errors import AwsError

NODE = "mi-00000000000000001"
ON = {"ResourceType": "ManagedInstance", "ResourceId": NODE}


@pytest.fixture
def local():
    harness = Harness()
    harness.node(1)
    harness.fleet.register(
        NodeSeed(NODE, ACCOUNT, REGION, "h", "10.0.0.9", "Linux", "Any", "1", "HybridRole", source="ManagedInstance")
    )
    return harness


def test_tags_come_go_and_are_filtered_by(local):
    """Documented: API AddTagsToResource, RemoveTagsFromResource, ListTagsForResource; InstanceInformationStringFilter tag:KEY."""
    local.call("AddTagsToResource", **ON, Tags=[{"Key": "Role", "Value": "web"}, {"Key": "Old", "Value": ""}])
    local.call("AddTagsToResource", **ON, Tags=[{"Key": "Role", "Value": "batch"}])
    local.call("RemoveTagsFromResource", **ON, TagKeys=["Old", "Never"])
    assert local.call("ListTagsForResource", **ON)["TagList"] == [{"Key": "Role", "Value": "batch"}]
    asked = [{"Key": "tag:Role", "Values": ["batch"]}]
    listed = local.call("DescribeInstanceInformation", Filters=asked)["InstanceInformationList"]
    assert [one["InstanceId"] for one in listed] == [NODE]


@pytest.mark.parametrize(
    ("operation", "params", "refusal"),
    [
        (
            "AddTagsToResource",
            {**ON, "Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]},
            f"TooManyTagsError: {NODE} would have 51 tags; at most 50 are possible",
        ),
        (
            "AddTagsToResource",
            {**ON, "Tags": [{"Key": "AWS:mine", "Value": ""}]},
            "ValidationException: aws: prefixed tag key names are not allowed for external use; found AWS:mine",
        ),
        ("RemoveTagsFromResource", {**ON, "TagKeys": ["aws:x"]}, "ValidationException: aws: prefixed tag key names"),
        (
            "ListTagsForResource",
            {"ResourceType": "ManagedInstance", "ResourceId": "i-00000000000000001"},
            "InvalidResourceId: .* has no managed instance i-00000000000000001",
        ),
        (
            "ListTagsForResource",
            {"ResourceType": "MaintenanceWindow", "ResourceId": "mw-00000000000000001"},
            "NotImplemented: localorg does not support tags of MaintenanceWindow in ListTagsForResource",
        ),
        ("ListTagsForResource", {"ResourceType": "Shoe", "ResourceId": "x"}, "ValidationException: .*'Shoe' at 'resourceType'"),
    ],
)
def test_refusals(local, operation, params, refusal):
    """Documented: API AddTagsToResource, errors; ManagedInstance is for mi-... only."""
    with pytest.raises(AwsError, match=refusal):
        local.call(operation, **params)
