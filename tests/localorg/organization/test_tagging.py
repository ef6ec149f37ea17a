"""Tags of everything in the organization."""

import pytest
from organization.world import ONE, ROOT, UPPER, World


def tags_of(world, resource):
    return {tag["Key"]: tag["Value"] for tag in world.call("ListTagsForResource", {"ResourceId": resource})["Tags"]}


@pytest.mark.parametrize("resource", [ROOT, UPPER, ONE])
def test_tags_come_change_and_go(resource):
    """Documented: Organizations API reference, TagResource, UntagResource."""
    world = World()
    world.call("TagResource", {"ResourceId": resource, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]})
    world.call("TagResource", {"ResourceId": resource, "Tags": [{"Key": "a", "Value": "2"}]})
    world.call("UntagResource", {"ResourceId": resource, "TagKeys": ["b", "never"]})
    assert tags_of(world, resource) == {"a": "2"}


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([("a", "1"), ("a", "2")], "DUPLICATE_TAG_KEY"),
        ([("aws:mine", "1")], "INVALID_SYSTEM_TAGS_PARAMETER"),
        ([(f"k{number}", "") for number in range(51)], "MAX_TAG_LIMIT_EXCEEDED"),
    ],
)
def test_tags_that_aws_refuses(tags, reason):
    """Documented: Organizations API reference, the reasons of InvalidInputException and ConstraintViolationException."""
    world, listed = World(), [{"Key": key, "Value": value} for key, value in tags]
    assert world.refused("TagResource", {"ResourceId": ONE, "Tags": listed}).members == {"Reason": reason}
    account = {"AccountName": "x", "Email": "x@example.com", "Tags": listed}
    assert world.refused("CreateAccount", account).members == {"Reason": reason}
    assert world.refused("CreateOrganizationalUnit", {"ParentId": ROOT, "Name": "x", "Tags": listed}).members == {
        "Reason": reason
    }


def test_only_what_is_there_has_tags():
    """Documented: Organizations API reference, TagResource: TargetNotFoundException."""
    world = World()
    for resource in ("9" * 12, "ou-abcd-99999999", "p-00000000", "rp-0000"):
        assert world.refused("ListTagsForResource", {"ResourceId": resource}).code == "TargetNotFoundException"
    tag = {"ResourceId": "p-FullAWSAccess", "Tags": [{"Key": "a", "Value": "b"}]}
    assert world.refused("TagResource", tag).members == {"Reason": "TARGET_NOT_SUPPORTED"}
