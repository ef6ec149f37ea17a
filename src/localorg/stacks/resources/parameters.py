"""AWS::SSM::Parameter: a parameter of Parameter Store whose value follows the template.

AWS: CloudFormation template reference, AWS::SSM::Parameter: Ref gives the name, Fn::GetAtt Type and Value.
"""

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
    read,
    replaced_by,
    retagged,
    tag_list,
    tags_of,
)


def _said(properties: Properties) -> dict[str, Any]:
    return {
        "Value": properties["Value"],
        "Type": properties["Type"],
        **chosen(properties, "AllowedPattern", "DataType", "Description", "Policies", "Tier"),
    }


def _made(work: Work, name: str) -> Resource:
    return Resource(name, {"Type": work.properties["Type"], "Value": work.properties["Value"]})


def _create(work: Work) -> Steps:
    # AWS: a generated name begins with CFN-. ASSUMED: the rest is as for every other type.
    name = work.properties.get("Name") or f"CFN-{work.generated_name(200)}"
    params = {"Name": name, **_said(work.properties)}
    if tags_of(work.properties):
        params["Tags"] = tag_list(tags_of(work.properties))
    yield Ask("ssm", "PutParameter", params)
    yield Made(name)
    return _made(work, name)


def _update(work: Work) -> Steps:
    name = work.physical_id
    if _said(work.properties) != _said(work.before):
        yield Ask("ssm", "PutParameter", {"Name": name, "Overwrite": True, **_said(work.properties)})
    yield from retagged(work, "Parameter")
    return _made(work, name)


def _delete(work: Work) -> Steps:
    yield from unless_gone(Ask("ssm", "DeleteParameter", {"Name": work.physical_id}), "ParameterNotFound")
    return Resource(work.physical_id)


def _read(work: Work) -> Reading:
    name = work.physical_id
    parameter = (yield Ask("ssm", "GetParameter", {"Name": name}))["Parameter"]
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = (yield Ask("ssm", "DescribeParameters", {"ParameterFilters": filters}))["Parameters"]
    tags = live_tags((yield Ask("ssm", "ListTagsForResource", {"ResourceType": "Parameter", "ResourceId": name}))["TagList"])
    # The type's own tags are a mapping; with tags of the stack they have become a list.
    is_list = isinstance(work.properties.get("Tags"), list)
    # The policies come back with states and other words than they were given in, so they are not compared.
    return {
        **read(parameter, "Name", "Type", "Value"),
        **read(described[0] if described else {}, "AllowedPattern", "DataType", "Description", "Tier"),
        "Tags": tags if is_list else {tag["Key"]: tag["Value"] for tag in tags},
    }


PARAMETER = ResourceType(
    name="AWS::SSM::Parameter",
    properties=frozenset({"AllowedPattern", "DataType", "Description", "Name", "Policies", "Tags", "Tier", "Type", "Value"}),
    required=frozenset({"Type", "Value"}),
    attributes=frozenset({"Type", "Value"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=replaced_by("Name", "Type"),
    name_property="Name",
)
