"""Tags: Systems Manager's own operations, resource groups, and the tagging API over all of them."""

import json
from collections.abc import Callable, Iterator

import pytest

from conformance.claims import assumed, documented, refused
from conformance.target import Account

RUN_SHELL = json.dumps(
    {"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript", "name": "say", "inputs": {"runCommand": ["true"]}}]}
)


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def query(kinds: list[str], **tags: list[str]) -> dict[str, str]:
    filters = [{"Key": key, "Values": values} for key, values in tags.items()]
    return {"Type": "TAG_FILTERS_1_0", "Query": json.dumps({"ResourceTypeFilters": kinds, "TagFilters": filters})}


@pytest.fixture
def document(member: Account, unique: Callable[[str], str]) -> Iterator[str]:
    """A document of the member's own."""
    name = unique("tagged")
    member.client("ssm").create_document(Name=name, Content=RUN_SHELL, DocumentType="Command", DocumentFormat="JSON")
    yield name
    member.client("ssm").delete_document(Name=name)


@pytest.fixture
def stage(member: Account, node: str, unique: Callable[[str], str]) -> Iterator[str]:
    """The value of the tag Stage that the node, and nothing else, has."""
    value = unique("stage")
    member.client("ec2").create_tags(Resources=[node], Tags=as_list({"Stage": value}))
    yield value
    member.client("ec2").delete_tags(Resources=[node], Tags=[{"Key": "Stage"}])


@documented("API AddTagsToResource, ListTagsForResource")
def test_a_tag_is_overwritten(member: Account, document: str) -> None:
    """Adding a tag whose key is there replaces its value."""
    on = {"ResourceType": "Document", "ResourceId": document}
    for value in ("one", "two"):
        member.client("ssm").add_tags_to_resource(**on, Tags=as_list({"stage": value}))
    assert member.client("ssm").list_tags_for_resource(**on)["TagList"] == as_list({"stage": "two"})


@documented("API RemoveTagsFromResource")
def test_a_tag_that_is_not_there_is_removed_without_a_word(member: Account, document: str) -> None:
    """Removing a key that the resource has not is no error."""
    member.client("ssm").remove_tags_from_resource(ResourceType="Document", ResourceId=document, TagKeys=["never"])


@documented("API AddTagsToResource: most resources can have a maximum of 50 tags")
def test_fifty_one_tags_are_too_many(member: Account, document: str) -> None:
    """A document has at most 50 tags."""
    many = as_list({f"k{number}": "" for number in range(51)})
    with refused("TooManyTagsError"):
        member.client("ssm").add_tags_to_resource(ResourceType="Document", ResourceId=document, Tags=many)


@assumed("the prefix is reserved everywhere; Systems Manager does not say with which error")
def test_a_reserved_key_is_refused(member: Account, document: str) -> None:
    """Keys that begin with aws: are AWS's own."""
    with refused("ValidationException", "aws:"):
        member.client("ssm").add_tags_to_resource(ResourceType="Document", ResourceId=document, Tags=as_list({"aws:mine": "x"}))


@assumed("the rules of AddTagsToResource hold where a resource is made")
def test_a_reserved_key_is_refused_at_creation(member: Account, unique: Callable[[str], str]) -> None:
    """A parameter cannot be made with a tag whose key begins with aws:."""
    with refused("ValidationException", "aws:"):
        member.client("ssm").put_parameter(Name=unique("p"), Value="v", Type="String", Tags=as_list({"aws:mine": "x"}))


@documented("API AddTagsToResource, InvalidResourceId")
def test_a_document_that_is_not_there_has_no_tags(member: Account, unique: Callable[[str], str]) -> None:
    """The tags of a document that does not exist cannot be listed."""
    with refused("InvalidResourceId"):
        member.client("ssm").list_tags_for_resource(ResourceType="Document", ResourceId=unique("absent"))


@documented("API AddTagsToResource: ManagedInstance is for hybrid nodes, mi-ID_number")
def test_an_instance_is_no_managed_instance_to_be_tagged(member: Account, node: str) -> None:
    """The tags of an EC2 instance are EC2's, though it is a managed node."""
    with refused("InvalidResourceId"):
        member.client("ssm").list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node)


@documented("API AddTagsToResource, ResourceTypeForTagging")
def test_a_kind_that_there_is_not(member: Account) -> None:
    """The kind of resource is one of the model's words."""
    with refused("ValidationException", "resourceType"):
        member.client("ssm").list_tags_for_resource(ResourceType="Shoe", ResourceId="x")


@documented("API AddTagsToResource, Tag: key of at most 128 characters")
def test_a_key_of_129_characters_is_refused(member: Account, document: str) -> None:
    """A tag's key has at most 128 characters."""
    with refused("ValidationException"):
        member.client("ssm").add_tags_to_resource(ResourceType="Document", ResourceId=document, Tags=as_list({"k" * 129: ""}))


@documented("API CreateDocument, Tags; DescribeDocument")
def test_a_document_shows_its_tags(member: Account, document: str) -> None:
    """The tags of a document are told when it is described."""
    member.client("ssm").add_tags_to_resource(ResourceType="Document", ResourceId=document, Tags=as_list({"stage": "prod"}))
    assert member.client("ssm").describe_document(Name=document)["Document"]["Tags"] == as_list({"stage": "prod"})


@documented("Resource Groups API, CreateGroup and ListGroupResources")
def test_a_group_has_what_its_query_finds_now(member: Account, node: str, stage: str, unique: Callable[[str], str]) -> None:
    """A tag-based group has the resources that match at the moment of asking."""
    groups, name = member.client("resource-groups"), unique("group")
    made = groups.create_group(Name=name, ResourceQuery=query(["AWS::EC2::Instance"], Stage=[stage]))
    try:
        assert made["Group"]["GroupArn"].endswith(f":{member.id}:group/{name}")
        listed = groups.list_group_resources(Group=name)["Resources"]
        assert [one["Identifier"]["ResourceArn"].rpartition("/")[2] for one in listed] == [node]
        assert listed[0]["Identifier"]["ResourceType"] == "AWS::EC2::Instance"
        groups.update_group_query(Group=name, ResourceQuery=query(["AWS::EC2::Instance"], Stage=["nothing"]))
        assert groups.list_group_resources(Group=made["Group"]["GroupArn"])["Resources"] == []
    finally:
        groups.delete_group(Group=name)
    with refused("NotFoundException"):
        groups.get_group(Group=name)


@documented("Resource Groups API, ListGroupResources, Filters")
def test_a_group_is_asked_only_for_its_types(member: Account, unique: Callable[[str], str]) -> None:
    """A type of resource that the group's query has not cannot be filtered by."""
    groups, name = member.client("resource-groups"), unique("group")
    groups.create_group(Name=name, ResourceQuery=query(["AWS::EC2::Instance"], Stage=["x"]))
    try:
        with refused("BadRequestException"):
            wanted = [{"Name": "resource-type", "Values": ["AWS::SSM::Document"]}]
            groups.list_group_resources(Group=name, Filters=wanted)
    finally:
        groups.delete_group(Group=name)


@documented("Resource Groups API, CreateGroup: the name cannot start with AWS")
def test_a_reserved_group_name_is_refused(member: Account) -> None:
    """Names that begin with AWS, in whatever case, are reserved."""
    with refused("BadRequestException"):
        member.client("resource-groups").create_group(Name="Aws-mine", ResourceQuery=query(["AWS::EC2::Instance"]))


@documented("Resource Groups API, Build queries")
def test_a_query_that_is_no_json_is_refused(member: Account, unique: Callable[[str], str]) -> None:
    """The Query of a group is JSON text."""
    with refused("BadRequestException"):
        wrong = {"Type": "TAG_FILTERS_1_0", "Query": "not JSON"}
        member.client("resource-groups").create_group(Name=unique("group"), ResourceQuery=wrong)


@documented("Resource Groups API, Tag, Untag, GetTags, GetGroupQuery")
def test_a_group_has_tags_of_its_own(member: Account, unique: Callable[[str], str]) -> None:
    """Tags of a group come, go and are listed by its ARN."""
    groups, name, asked = member.client("resource-groups"), unique("group"), query(["AWS::AllSupported"], Stage=["x"])
    arn = groups.create_group(Name=name, ResourceQuery=asked, Tags={"a": "1"})["Group"]["GroupArn"]
    try:
        groups.tag(Arn=arn, Tags={"b": "2"})
        groups.untag(Arn=arn, Keys=["a"])
        assert groups.get_tags(Arn=arn)["Tags"] == {"b": "2"}
        assert groups.get_group_query(Group=name)["GroupQuery"]["ResourceQuery"] == asked
    finally:
        groups.delete_group(Group=name)


@documented("Resource Groups API, SearchResources")
def test_resources_are_searched_without_a_group(member: Account, node: str, stage: str) -> None:
    """A query can be asked without keeping it as a group."""
    asked = query(["AWS::AllSupported"], Stage=[stage])
    found = member.client("resource-groups").search_resources(ResourceQuery=asked)["ResourceIdentifiers"]
    assert [one["ResourceArn"].rpartition("/")[2] for one in found] == [node]


@documented("Resource Groups Tagging API, GetResources")
def test_documents_are_found_by_tag(member: Account, document: str, unique: Callable[[str], str]) -> None:
    """A tagged document is found, with its ARN and all its tags, among the resources of its type."""
    value = unique("value")
    member.client("ssm").add_tags_to_resource(ResourceType="Document", ResourceId=document, Tags=as_list({"conf": value}))
    found = member.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "conf", "Values": [value]}], ResourceTypeFilters=["ssm:document"]
    )["ResourceTagMappingList"]
    assert [one["ResourceARN"].rpartition(":")[2] for one in found] == [f"document/{document}"]
    assert found[0]["Tags"] == as_list({"conf": value})


@documented("Resource Groups Tagging API, GetResources: ResourceARNList excludes the filters")
def test_arns_and_filters_exclude_each_other(member: Account, node: str) -> None:
    """Resources are asked for by ARN or by filters, not by both."""
    arn = f"arn:{member.partition}:ec2:{member.region}:{member.id}:instance/{node}"
    with refused("InvalidParameterException"):
        member.client("resourcegroupstaggingapi").get_resources(ResourceARNList=[arn], ResourceTypeFilters=["ec2"])


@documented("Resource Groups Tagging API, GetTagValues")
def test_the_values_of_a_key(member: Account, stage: str) -> None:
    """All values that a key has in an account and Region can be listed."""
    assert stage in member.client("resourcegroupstaggingapi").get_tag_values(Key="Stage")["TagValues"]


@documented("EC2 API, CreateTags: TagLimitExceeded")
def test_an_instance_has_at_most_fifty_tags(member: Account, node: str) -> None:
    """EC2 refuses the 51st tag of an instance."""
    with refused("TagLimitExceeded"):
        member.client("ec2").create_tags(Resources=[node], Tags=as_list({f"k{number}": "" for number in range(51)}))


@documented("EC2 user guide, Tag restrictions: unique keys, values of at most 256 characters")
def test_an_instance_has_a_key_once_and_no_long_values(member: Account, node: str) -> None:
    """EC2 refuses two tags of one key in a request, and values of more than 256 characters."""
    for wrong in ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], [{"Key": "a", "Value": "v" * 257}]):
        with refused("InvalidParameterValue"):
            member.client("ec2").create_tags(Resources=[node], Tags=wrong)


@documented("EC2 API, DescribeTags, filters")
def test_tags_of_an_instance_are_described(member: Account, node: str, stage: str) -> None:
    """DescribeTags finds the tags of a resource by key and value."""
    asked = [{"Name": "key", "Values": ["Stage"]}, {"Name": "value", "Values": [stage]}]
    found = member.client("ec2").describe_tags(Filters=asked)["Tags"]
    assert found == [{"Key": "Stage", "Value": stage, "ResourceId": node, "ResourceType": "instance"}]


@documented("API TagResources, UntagResources")
def test_resources_of_two_services_are_tagged_in_one_call(
    member: Account, node: str, document: str, unique: Callable[[str], str]
) -> None:
    """TagResources tags resources of several services, and tells of each that could not be tagged."""
    tagging, value = member.client("resourcegroupstaggingapi"), unique("owner")
    instance = f"arn:{member.partition}:ec2:{member.region}:{member.id}:instance/{node}"
    written = f"arn:{member.partition}:ssm:{member.region}:{member.id}:document/{document}"
    absent = f"{written}-that-is-not-there"
    failed = tagging.tag_resources(ResourceARNList=[instance, written, absent], Tags={"Owner": value})["FailedResourcesMap"]
    assert list(failed) == [absent]
    tags = member.client("ssm").list_tags_for_resource(ResourceType="Document", ResourceId=document)["TagList"]
    assert as_list({"Owner": value}) == tags
    both = tagging.untag_resources(ResourceARNList=[instance, written], TagKeys=["Owner"])
    assert both["FailedResourcesMap"] == {}
    asked = [{"Name": "resource-id", "Values": [node]}, {"Name": "key", "Values": ["Owner"]}]
    assert member.client("ec2").describe_tags(Filters=asked)["Tags"] == []
