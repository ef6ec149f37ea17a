"""Resource groups and the tagging API: instances by their tags.

Flow: CreateGroup keeps a TAG_FILTERS_1_0 query -> ListGroupResources asks it anew each time. GetResources asks directly.
Rules: only queries over AWS::EC2::Instance (or AWS::AllSupported, which is the same here).
AWS: Resource Groups API "Build queries" (TAG_FILTERS_1_0); Resource Groups Tagging API GetResources.
"""

import json
from typing import Any

from localorg.inventory.instances import Instances
from localorg.inventory.records import Group, Instance
from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Access, Operation, Output, Request

INSTANCE_TYPE = "AWS::EC2::Instance"
TYPES = (INSTANCE_TYPE, "AWS::AllSupported")
TagFilters = list[tuple[str, list[str]]]
RESOURCES_MAX = 100
"""AWS: API GetResources, ResourcesPerPage."""


class Groups:
    """The resource groups of all accounts and Regions."""

    def __init__(self, kernel: Kernel, instances: Instances) -> None:
        self._kernel = kernel
        self._instances = instances
        self._rows = kernel.store.table("resource-groups.group", Group)

    def operations(self) -> list[Operation]:
        """Return the operations of resource-groups and resourcegroupstaggingapi."""
        return [
            Operation("resource-groups", "CreateGroup", self._create),
            Operation("resource-groups", "GetGroup", self._get, self._access),
            Operation("resource-groups", "ListGroups", self._list),
            Operation("resource-groups", "DeleteGroup", self._delete, self._access),
            Operation("resource-groups", "ListGroupResources", self._list_resources, self._access),
            Operation("resourcegroupstaggingapi", "GetResources", self._get_resources),
        ]

    def _arn(self, account: str, region: str, name: str) -> str:
        return str(Arn(self._kernel.settings.partition, "resource-groups", region, account, f"group/{name}"))

    def _access(self, request: Request) -> list[Access]:
        return [Access(f"resource-groups:{request.operation}", self._arn(request.account, request.region, _name(request)))]

    def _find(self, request: Request) -> Group:
        found = self._rows.get(request.account, request.region, _name(request))
        if found is None:
            raise AwsError("NotFoundException", f"Cannot find group {_name(request)} in {request.account} {request.region}.", 404)
        return found

    def _view(self, group: Group) -> Output:
        arn = self._arn(group.account, group.region, group.name)
        return {"GroupArn": arn, "Name": group.name, "Description": group.description}

    def _create(self, request: Request) -> Output:
        params = request.params
        for name in ("Configuration", "Criticality", "Owner", "DisplayName"):
            if name in params:
                raise NotSupported(f"the parameter {name}", "CreateGroup")
        query = params.get("ResourceQuery", {})
        if query.get("Type") != "TAG_FILTERS_1_0":
            raise NotSupported(f"a group without a TAG_FILTERS_1_0 query (found {query.get('Type')})", "CreateGroup")
        tag_filters(query["Query"])
        if (request.account, request.region, params["Name"]) in self._rows:
            raise AwsError("BadRequestException", f"Cannot create group: group already exists: {params['Name']}")
        group = Group(
            name=params["Name"],
            account=request.account,
            region=request.region,
            description=params.get("Description", ""),
            query=query["Query"],
            tags=params.get("Tags", {}),
        )
        self._rows.put(group, group.account, group.region, group.name)
        return {"Group": self._view(group), "ResourceQuery": query, "Tags": group.tags}

    def _get(self, request: Request) -> Output:
        return {"Group": self._view(self._find(request))}

    def _delete(self, request: Request) -> Output:
        group = self._find(request)
        self._rows.delete(group.account, group.region, group.name)
        return {"Group": self._view(group)}

    def _list(self, request: Request) -> Output:
        if request.params.get("Filters"):
            raise NotSupported("Filters", "ListGroups")
        rows = self._rows.values(request.account, request.region)
        refusal = AwsError("BadRequestException", "The NextToken is not one that this list gave.")
        shown, token = page(
            rows, lambda row: row.name, request.params.get("MaxResults", 50), request.params.get("NextToken"), refusal
        )
        views = [self._view(group) for group in shown]
        identifiers = [
            {"GroupName": view["Name"], "GroupArn": view["GroupArn"], "Description": view["Description"]} for view in views
        ]
        return {"Groups": views, "GroupIdentifiers": identifiers, **({"NextToken": token} if token else {})}

    def _list_resources(self, request: Request) -> Output:
        params = request.params
        wanted = [value for entry in params.get("Filters", []) for value in entry["Values"]]
        group = self._find(request)
        rows = self._matching(request, tag_filters(group.query)) if not wanted or set(wanted) & set(TYPES) else []
        refusal = AwsError("BadRequestException", "The NextToken is not one that this list gave.")
        shown, token = page(rows, lambda one: one.instance_id, params.get("MaxResults", 50), params.get("NextToken"), refusal)
        identifiers = [{"ResourceArn": self._instances.arn(one), "ResourceType": INSTANCE_TYPE} for one in shown]
        resources = [{"Identifier": identifier} for identifier in identifiers]
        following = {"NextToken": token} if token else {}
        return {"ResourceIdentifiers": identifiers, "Resources": resources, "QueryErrors": [], **following}

    def _matching(self, request: Request, wanted: TagFilters) -> list[Instance]:
        return [one for one in self._instances.of(request.account, request.region) if _passes(one, wanted)]

    def _get_resources(self, request: Request) -> Output:
        params = request.params
        for name in ("IncludeComplianceDetails", "ExcludeCompliantResources", "TagsPerPage"):
            if params.get(name):
                raise NotSupported(f"the parameter {name}", "GetResources")
        if any("Key" not in entry for entry in params.get("TagFilters", [])):
            raise AwsError("InvalidParameterException", "TagFilters: each filter needs a Key")
        wanted: TagFilters = [(entry["Key"], entry.get("Values", [])) for entry in params.get("TagFilters", [])]
        kinds = params.get("ResourceTypeFilters", [])
        served = not kinds or bool({"ec2", "ec2:instance"} & set(kinds))
        listed = params.get("ResourceARNList")
        # AWS: API GetResources returns resources that are, or once were, tagged.
        rows = [one for one in self._matching(request, wanted) if one.tags] if served else []
        rows = [one for one in rows if listed is None or self._instances.arn(one) in listed]
        refusal = AwsError("InvalidParameterException", "The PaginationToken is not one that this list gave.")
        limit = params.get("ResourcesPerPage") or 50
        if not 1 <= limit <= RESOURCES_MAX:
            what = f"ResourcesPerPage must be 1 to {RESOURCES_MAX}, found {limit}"
            raise AwsError("InvalidParameterException", what)
        shown, token = page(rows, lambda one: one.instance_id, limit, params.get("PaginationToken"), refusal)
        return {"PaginationToken": token or "", "ResourceTagMappingList": [self._mapping(one) for one in shown]}

    def _mapping(self, one: Instance) -> Output:
        return {
            "ResourceARN": self._instances.arn(one),
            "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        }


def _name(request: Request) -> str:
    text: str = request.params.get("Group") or request.params.get("GroupName") or ""
    if not text:
        raise AwsError("BadRequestException", f"{request.operation} needs Group, the name or ARN of a resource group.")
    arn = parse_arn(text)
    return arn.resource.removeprefix("group/") if arn else text


def _passes(one: Instance, wanted: TagFilters) -> bool:
    return all(key in one.tags and (not values or one.tags[key] in values) for key, values in wanted)


def tag_filters(query: str) -> TagFilters:
    """Read the Query of TAG_FILTERS_1_0. Raises BadRequestException with every problem, NotSupported for other types."""
    try:
        body = json.loads(query)
    except ValueError as error:
        raise AwsError("BadRequestException", f"Query not valid: not JSON: {error}") from error
    problems = _problems(body)
    if problems:
        raise AwsError("BadRequestException", f"Query not valid: {'; '.join(problems)}")
    others = [kind for kind in body["ResourceTypeFilters"] if kind not in TYPES]
    if others:
        raise NotSupported(f"groups of {', '.join(others)}; only {INSTANCE_TYPE} is there", "CreateGroup")
    return [(entry["Key"], entry.get("Values", [])) for entry in body["TagFilters"]]


def _problems(body: Any) -> list[str]:
    if not isinstance(body, dict):
        return [f"expected an object, found {type(body).__name__}"]
    problems = [f"unknown member {name}" for name in body if name not in ("ResourceTypeFilters", "TagFilters")]
    kinds, tags = body.get("ResourceTypeFilters"), body.get("TagFilters")
    if not isinstance(kinds, list) or not kinds:
        problems.append("ResourceTypeFilters must be a list of resource types")
    if not isinstance(tags, list) or not all(isinstance(tag, dict) and tag.get("Key") for tag in tags):
        problems.append("TagFilters must be a list of objects with a Key")
    return problems
