"""Resource groups and the tagging API over the same instances."""

import json

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.kernel.errors import AwsError

ONE = "i-00000000000000001"


def query(*tags, kinds=("AWS::EC2::Instance",)):
    filters = [{"Key": key, "Values": list(values)} for key, values in tags]
    return {"Type": "TAG_FILTERS_1_0", "Query": json.dumps({"ResourceTypeFilters": list(kinds), "TagFilters": filters})}


@pytest.fixture
def local():
    harness = Harness()
    harness.node(1, tags={"Role": "web"})
    harness.node(2, tags={"Role": "batch"})
    return harness


def test_a_group_lives_by_its_query(local):
    """Documented: Resource Groups API: a query-based group has the resources that match now."""
    made = local.call("CreateGroup", "resource-groups", Name="web", ResourceQuery=query(("Role", ["web"])))
    assert made["Group"]["GroupArn"] == f"arn:aws:resource-groups:{REGION}:{ACCOUNT}:group/web"
    listed = local.call("ListGroupResources", "resource-groups", Group=made["Group"]["GroupArn"])
    assert [item["ResourceArn"] for item in listed["ResourceIdentifiers"]] == [f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{ONE}"]
    local.call("DeleteTags", "ec2", Resources=[ONE])
    assert local.call("ListGroupResources", "resource-groups", GroupName="web")["ResourceIdentifiers"] == []
    assert local.call("ListGroups", "resource-groups")["GroupIdentifiers"][0]["GroupName"] == "web"
    local.call("DeleteGroup", "resource-groups", GroupName="web")
    with pytest.raises(AwsError, match=f"NotFoundException: Cannot find group web in {ACCOUNT} {REGION}"):
        local.call("GetGroup", "resource-groups", GroupName="web")


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"Type": "CLOUDFORMATION_STACK_1_0", "Query": "{}"}, "NotImplemented: .*found CLOUDFORMATION_STACK_1_0"),
        ({"Type": "TAG_FILTERS_1_0", "Query": "x"}, "BadRequestException: Query not valid: not JSON"),
        (
            {"Type": "TAG_FILTERS_1_0", "Query": '{"Colour":1}'},
            "BadRequestException: Query not valid: unknown member Colour; ResourceTypeFilters must be .*; TagFilters must be ",
        ),
        (query(kinds=["AWS::S3::Bucket"]), "NotImplemented: .*groups of AWS::S3::Bucket"),
    ],
)
def test_what_a_group_cannot_be(local, wanted, refusal):
    """Documented: Resource Groups API, Build queries; the words are localorg's."""
    with pytest.raises(AwsError, match=refusal):
        local.call("CreateGroup", "resource-groups", Name="g", ResourceQuery=wanted)


def test_a_name_is_taken_once(local):
    """Assumed: the words of the refusal."""
    local.call("CreateGroup", "resource-groups", Name="g", ResourceQuery=query())
    with pytest.raises(AwsError, match="BadRequestException: Cannot create group: group already exists: g"):
        local.call("CreateGroup", "resource-groups", Name="g", ResourceQuery=query())


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, 2),
        ({"TagFilters": [{"Key": "Role", "Values": ["web"]}]}, 1),
        ({"TagFilters": [{"Key": "Role"}], "ResourceTypeFilters": ["ec2:instance"]}, 2),
        ({"ResourceTypeFilters": ["s3"]}, 0),
        ({"ResourceARNList": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{ONE}"]}, 1),
    ],
)
def test_the_tagging_api(local, params, expected):
    """Documented: Resource Groups Tagging API, GetResources."""
    assert len(local.call("GetResources", "resourcegroupstaggingapi", **params)["ResourceTagMappingList"]) == expected
