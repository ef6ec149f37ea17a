"""AWS::ResourceGroups::Group: what is found by its tags.

Rules: a group of one stack's resources (CLOUDFORMATION_STACK_1_0) and service configurations are refused with the template.

AWS: CloudFormation template reference, AWS::ResourceGroups::Group: Ref gives the name, Fn::GetAtt Arn.
"""

import json
from typing import Any

from localorg.stacks.resources.iam import unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Properties,
    Reading,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    live_tags,
    replaced_by,
    tag_changes,
    tag_list,
    tags_of,
)


def _query(properties: Properties) -> dict[str, Any]:
    query = properties["ResourceQuery"]
    return {"Type": query["Type"], "Query": json.dumps(query.get("Query", {}))}


def _create(work: Work) -> Steps:
    properties = work.properties
    params = {**chosen(properties, "Name", "Description"), "ResourceQuery": _query(properties)}
    if tags_of(properties):
        params["Tags"] = tags_of(properties)
    group = (yield Ask("resource-groups", "CreateGroup", params))["Group"]
    yield Made(group["Name"])
    return Resource(group["Name"], {"Arn": group["GroupArn"]})


def _update(work: Work) -> Steps:
    name, arn = work.physical_id, work.attributes["Arn"]
    if work.changed("Description"):
        params = {"Group": name, "Description": work.properties.get("Description", "")}
        yield Ask("resource-groups", "UpdateGroup", params)
    if work.changed("ResourceQuery"):
        yield Ask("resource-groups", "UpdateGroupQuery", {"Group": name, "ResourceQuery": _query(work.properties)})
    gone, wanted = tag_changes(work)
    if gone:
        yield Ask("resource-groups", "Untag", {"Arn": arn, "Keys": gone})
    if wanted:
        yield Ask("resource-groups", "Tag", {"Arn": arn, "Tags": wanted})
    return Resource(name, dict(work.attributes))


def _delete(work: Work) -> Steps:
    yield from unless_gone(Ask("resource-groups", "DeleteGroup", {"Group": work.physical_id}), "NotFoundException")
    return Resource(work.physical_id)


def _read(work: Work) -> Reading:
    group = (yield Ask("resource-groups", "GetGroup", {"Group": work.physical_id}))["Group"]
    found = (yield Ask("resource-groups", "GetGroupQuery", {"Group": work.physical_id}))["GroupQuery"]["ResourceQuery"]
    tags = (yield Ask("resource-groups", "GetTags", {"Arn": group["GroupArn"]})).get("Tags", {})
    return {
        "Name": group["Name"],
        "Description": group.get("Description"),
        "ResourceQuery": {"Type": found["Type"], "Query": json.loads(found["Query"])},
        "Tags": live_tags(tag_list(tags)),
    }


RESOURCE_GROUP = ResourceType(
    name="AWS::ResourceGroups::Group",
    properties=frozenset({"Description", "Name", "ResourceQuery", "Tags"}),
    required=frozenset({"Name", "ResourceQuery"}),
    attributes=frozenset({"Arn"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=replaced_by("Name"),
    name_property="Name",
)
