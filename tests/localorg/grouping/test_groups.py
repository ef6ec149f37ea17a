"""Resource groups and the tagging API over the same instances."""

import json

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.fleet.records import NodeSeed
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Access, ApiCall, Principal

ONE = "i-00000000000000001"
TAG_API = "resourcegroupstaggingapi"
GUEST = Principal(kind="user", account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/guest")


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


def test_a_group_by_query_has_no_configuration(local):
    """Assumed: BadRequestException, which Terraform's provider takes for "this group has a query"; documented: one or the other."""
    local.call("CreateGroup", "resource-groups", Name="web", ResourceQuery=query(("Role", ["web"])))
    with pytest.raises(AwsError, match="BadRequestException: The group web has a resource query and no configuration"):
        local.call("GetGroupConfiguration", "resource-groups", Group="web")


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"Type": "CLOUDFORMATION_STACK_1_0", "Query": "{}"}, "NotImplemented: .*found CLOUDFORMATION_STACK_1_0"),
        ({"Type": "TAG_FILTERS_1_0", "Query": "x"}, "BadRequestException: Query not valid: not JSON"),
        ({"Type": "TAG_FILTERS_1_0", "Query": "[" * 2000}, "BadRequestException: Query not valid: not JSON"),
        (
            {"Type": "TAG_FILTERS_1_0", "Query": '{"Colour":1}'},
            "BadRequestException: Query not valid: unknown member Colour; ResourceTypeFilters must be .*; TagFilters must be ",
        ),
        (query(kinds=["AWS::S3::Bucket"]), "NotImplemented: .*groups of AWS::S3::Bucket; there are AWS::EC2::Instance, "),
        (
            query(kinds=["AWS::AllSupported", "AWS::EC2::Instance"]),
            "BadRequestException: .*ResourceTypeFilters has AWS::AllSupported or types of resources, not both",
        ),
        (query(*((f"k{n}", []) for n in range(51))), "BadRequestException: .*TagFilters has up to 50 keys"),
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
        ({"ResourceTypeFilters": ["lambda"]}, 0),
        ({"ResourceTypeFilters": ["ssm:managed-instance"]}, 0),
        ({"ResourceARNList": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{ONE}"]}, 1),
    ],
)
def test_the_tagging_api(local, params, expected):
    """Documented: Resource Groups Tagging API, GetResources."""
    assert len(local.call("GetResources", "resourcegroupstaggingapi", **params)["ResourceTagMappingList"]) == expected


def hybrid(local, number, **tags):
    """Register a hybrid node with tags; returns its id."""
    name = f"mi-{number:017x}"
    local.fleet.register(
        NodeSeed(name, ACCOUNT, REGION, "h", "10.0.0.9", "Linux", "Any", "1", "HybridRole", source="ManagedInstance")
    )
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    local.call("AddTagsToResource", ResourceType="ManagedInstance", ResourceId=name, Tags=listed)
    return name


def found(local, group, **params):
    listed = local.call("ListGroupResources", "resource-groups", Group=group, **params)["Resources"]
    return [(one["Identifier"]["ResourceType"], one["Identifier"]["ResourceArn"].rpartition("/")[2]) for one in listed]


def test_a_group_of_every_type_has_instances_and_hybrid_nodes(local):
    """Documented: Resource Groups API, AWS::AllSupported; types may be chosen from those of the query."""
    name = hybrid(local, 7, Role="web")
    local.call("CreateGroup", "resource-groups", Name="web", ResourceQuery=query(("Role", ["web"]), kinds=["AWS::AllSupported"]))
    assert found(local, "web") == [("AWS::EC2::Instance", ONE), ("AWS::SSM::ManagedInstance", name)]
    only = [{"Name": "resource-type", "Values": ["AWS::SSM::ManagedInstance"]}]
    assert found(local, "web", Filters=only) == [("AWS::SSM::ManagedInstance", name)]
    command = local.send(Targets=[{"Key": "resource-groups:Name", "Values": ["web"]}])
    assert sorted(local.details(command)) == [ONE, name]


def test_a_type_that_the_query_has_not_is_refused(local):
    """Documented: API ListGroupResources, Filters: types are validated against those of the group's query."""
    local.call("CreateGroup", "resource-groups", Name="g", ResourceQuery=query())
    with pytest.raises(AwsError, match="BadRequestException: The group's query has no resources of type AWS::SSM::Document"):
        found(local, "g", Filters=[{"Name": "resource-type", "Values": ["AWS::SSM::Document"]}])


def test_a_group_changes(local):
    """Documented: API UpdateGroup, UpdateGroupQuery, GetGroupQuery."""
    local.call("CreateGroup", "resource-groups", Name="g", ResourceQuery=query(("Role", ["web"])))
    assert local.call("UpdateGroup", "resource-groups", Group="g", Description="all")["Group"]["Description"] == "all"
    changed = query(("Role", ["batch"]))
    local.call("UpdateGroupQuery", "resource-groups", Group="g", ResourceQuery=changed)
    kept = local.call("GetGroupQuery", "resource-groups", Group="g")["GroupQuery"]
    assert kept == {"GroupName": "g", "ResourceQuery": changed}
    assert [name for _, name in found(local, "g")] == ["i-00000000000000002"]


def test_a_search_needs_no_group(local):
    """Documented: API SearchResources."""
    answer = local.call("SearchResources", "resource-groups", ResourceQuery=query(("Role", [])), MaxResults=1)
    assert len(answer["ResourceIdentifiers"]) == 1
    token = answer["NextToken"]
    rest = local.call("SearchResources", "resource-groups", ResourceQuery=query(("Role", [])), NextToken=token)
    assert [one["ResourceArn"].rpartition("/")[2] for one in rest["ResourceIdentifiers"]] == ["i-00000000000000002"]


def test_groups_have_tags_too(local):
    """Documented: API Tag, Untag, GetTags; the tagging API finds groups as resource-groups:group."""
    made = local.call("CreateGroup", "resource-groups", Name="g", ResourceQuery=query(), Tags={"a": "1"})
    arn = made["Group"]["GroupArn"]
    local.call("Tag", "resource-groups", Arn=arn, Tags={"b": "2"})
    local.call("Untag", "resource-groups", Arn=arn, Keys=["a"])
    assert local.call("GetTags", "resource-groups", Arn=arn)["Tags"] == {"b": "2"}
    answer = local.call("GetResources", "resourcegroupstaggingapi", ResourceTypeFilters=["resource-groups"])
    assert answer["ResourceTagMappingList"] == [{"ResourceARN": arn, "Tags": [{"Key": "b", "Value": "2"}]}]
    with pytest.raises(AwsError, match="BadRequestException: Tag keys cannot begin with aws:"):
        local.call("Tag", "resource-groups", Arn=arn, Tags={"AWS:x": "2"})


def test_groups_by_type(local):
    """Documented: API ListGroups, filter resource-type."""
    local.call("CreateGroup", "resource-groups", Name="nodes", ResourceQuery=query())
    local.call("CreateGroup", "resource-groups", Name="docs", ResourceQuery=query(kinds=["AWS::SSM::Document"]))
    wanted = [{"Name": "resource-type", "Values": ["AWS::SSM::Document"]}]
    assert [one["Name"] for one in local.call("ListGroups", "resource-groups", Filters=wanted)["Groups"]] == ["docs"]
    none = [{"Name": "owner", "Values": ["me"]}]
    assert local.call("ListGroups", "resource-groups", Filters=none)["Groups"] == []


def test_a_name_that_is_reserved(local):
    """Documented: API CreateGroup, Name: not AWS, in whatever case."""
    with pytest.raises(AwsError, match="BadRequestException: The name of a group cannot begin with AWS: awsome"):
        local.call("CreateGroup", "resource-groups", Name="awsome", ResourceQuery=query())


def test_which_tags_there_are(local):
    """Documented: Resource Groups Tagging API, GetTagKeys and GetTagValues."""
    hybrid(local, 7, Role="edge", Site="attic")
    assert local.call("GetTagKeys", "resourcegroupstaggingapi")["TagKeys"] == ["Name", "Role", "Site"]
    values = local.call("GetTagValues", "resourcegroupstaggingapi", Key="Role")["TagValues"]
    assert values == ["batch", "edge", "web"]


def test_resources_in_pages(local):
    """Documented: API GetResources, ResourcesPerPage and PaginationToken."""
    first = local.call("GetResources", "resourcegroupstaggingapi", ResourcesPerPage=1)
    rest = local.call("GetResources", "resourcegroupstaggingapi", PaginationToken=first["PaginationToken"])
    arns = [one["ResourceARN"] for answer in (first, rest) for one in answer["ResourceTagMappingList"]]
    assert [arn.rpartition("/")[2] for arn in arns] == [ONE, "i-00000000000000002"]
    assert rest["PaginationToken"] == ""


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        (
            {"ResourceARNList": ["arn:aws:x:::y"], "TagFilters": [{"Key": "a"}]},
            "InvalidParameterException: ResourceARNList and TagFilters cannot be given in the same request",
        ),
        ({"ResourcesPerPage": 101}, "InvalidParameterException: ResourcesPerPage must be 1 to 100, found 101"),
        ({"PaginationToken": "x"}, "InvalidParameterException: The PaginationToken is not one that this list gave"),
        ({"ResourceTypeFilters": ["ec2", "s3:bucket"]}, "NotImplemented: .*resources of s3:bucket in GetResources"),
        ({"IncludeComplianceDetails": True}, "NotImplemented: .*the parameter IncludeComplianceDetails in GetResources"),
    ],
)
def test_what_the_tagging_api_refuses(local, params, refusal):
    """Documented: API GetResources, InvalidParameterException; the words are localorg's."""
    with pytest.raises(AwsError, match=refusal):
        local.call("GetResources", "resourcegroupstaggingapi", **params)


def test_tags_given_and_taken_through_each_service(local):
    """Documented: Resource Groups Tagging API, TagResources and UntagResources: what fails is told of, and the rest is done."""
    machine = hybrid(local, 7, Role="edge")
    group = local.call("CreateGroup", "resource-groups", Name="web", ResourceQuery=query(("Role", ["web"])))["Group"]["GroupArn"]
    instance = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{ONE}"
    node = f"arn:aws:ssm:{REGION}:{ACCOUNT}:managed-instance/{machine}"
    absent = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/none"
    arns = [instance, node, group, absent]

    def owners() -> list[str]:
        asked = {"TagFilters": [{"Key": "Owner", "Values": ["ops"]}]}
        return [one["ResourceARN"] for one in local.call("GetResources", TAG_API, **asked)["ResourceTagMappingList"]]

    failed = local.call("TagResources", TAG_API, ResourceARNList=arns, Tags={"Owner": "ops"})["FailedResourcesMap"]
    assert failed == {
        absent: {
            "StatusCode": 400,
            "ErrorCode": "InvalidParameterException",
            "ErrorMessage": f"There is no resource {absent} in {ACCOUNT} {REGION}.",
        }
    }
    assert sorted(owners()) == sorted([instance, node, group])
    asked = {"ResourceARNList": [instance, node, group], "TagKeys": ["Owner"]}
    assert local.call("UntagResources", TAG_API, **asked) == {"FailedResourcesMap": {}}
    assert owners() == []


def failures(local, principal, **params):
    """Call TagResources. Its output is not held to the model, whose enumeration of codes is narrower than its own documentation."""
    call = ApiCall(principal, REGION, TAG_API, "TagResources", params, source="wire")
    return local.gateway.invoke(call)["FailedResourcesMap"]


def test_what_a_service_refuses_is_told_of_its_resource(local):
    """Documented: API FailureInfo: ErrorCode may be any of the service that has the resource."""
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{ONE}"
    answer = failures(local, GUEST, ResourceARNList=[arn], Tags={"aws:mine": "x"})
    assert (answer[arn]["ErrorCode"], answer[arn]["StatusCode"]) == ("InvalidParameterValue", 400)
    bucket = failures(local, GUEST, ResourceARNList=["arn:aws:s3:::box"], Tags={"a": "b"})["arn:aws:s3:::box"]
    assert (bucket["ErrorCode"], bucket["StatusCode"]) == ("InternalServiceException", 500)
    with pytest.raises(AwsError, match="InvalidParameterException: thing is not a valid ARN"):
        local.call("TagResources", TAG_API, ResourceARNList=["thing"], Tags={"a": "b"})


def test_the_caller_needs_the_right_of_the_service_too():
    """Documented: API TagResources, minimum permissions: tag:TagResources and, for an instance, ec2:CreateTags."""

    class OnlyTheTaggingApi:
        def check(self, principal: Principal, region: str, access: Access) -> None:
            if principal == GUEST and not access.action.startswith("tag:"):
                raise AccessDenied(f"{principal.arn} may not {access.action}")

    local = Harness(OnlyTheTaggingApi())
    local.node(1)
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{ONE}"
    asked = {"ResourceARNList": [arn], "Tags": {"a": "b"}}
    failed = failures(local, GUEST, **asked)
    assert "may not ec2:CreateTags" in failed[arn]["ErrorMessage"]
