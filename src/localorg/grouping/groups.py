"""Resource groups: a name for a query, asked anew each time.

Flow: CreateGroup keeps a TAG_FILTERS_1_0 query -> ListGroupResources and SearchResources ask it of `Resources`.
AWS: Resource Groups API.
"""

from collections.abc import Callable, Sequence
from typing import Any

from localorg.grouping import queries
from localorg.grouping.queries import Query
from localorg.grouping.records import Group
from localorg.grouping.resources import KINDS, Found, Kind, Resources
from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.paging import walk
from localorg.protocol.calls import Access, Operation, Output, Request

PAGE = 50
"""AWS: Resource Groups API, MaxResults is at most 50. ASSUMED: also the default."""
GROUPS_MAX = 100
"""AWS: Resource Groups quotas: 100 resource groups of an account. ASSUMED: counted in each Region."""
REFUSAL = AwsError("BadRequestException", "The NextToken is not one that this list gave.")


class Groups:
    """The resource groups of all accounts and Regions; also who keeps their tags (a TagHolder)."""

    limit = 50

    def __init__(self, kernel: Kernel) -> None:
        self._partition = kernel.settings.partition
        self._rows = kernel.store.table("resource-groups.group", Group)

    def operations(self, resources: Resources) -> list[Operation]:
        """Return the operations of resource-groups, over these resources."""
        by_group: dict[str, Callable[[Request], Output]] = {
            "GetGroup": self._get,
            "GetGroupQuery": self._get_query,
            "GetGroupConfiguration": self._get_configuration,
            "UpdateGroup": self._update,
            "UpdateGroupQuery": self._update_query,
            "DeleteGroup": self._delete,
            "Tag": self._tag,
            "Untag": self._untag,
            "GetTags": self._get_tags,
        }
        return [
            Operation("resource-groups", "CreateGroup", self._create),
            Operation("resource-groups", "ListGroups", self._list),
            Operation(
                "resource-groups",
                "ListGroupResources",
                lambda request: self._list_resources(request, resources),
                self._listing_access,
            ),
            Operation("resource-groups", "SearchResources", lambda request: self._search(request, resources)),
            *(Operation("resource-groups", name, handler, self._access) for name, handler in by_group.items()),
        ]

    # The tags of groups for others

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN of a group."""
        return self._arn(request.account, request.region, resource_id)

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return the tags of a group. Raises NotFoundException."""
        return self._find(request, resource_id).tags

    def names(self, request: Request) -> list[str]:
        """Return the names of the caller's groups, in order."""
        return [name for _, _, name in self._rows.sorted_keys(request.account, request.region)]

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace the tags of a group. Raises BadRequestException."""
        group = self._find(request, resource_id)
        _check_tags(tags)
        group.tags = tags
        self._keep(group)

    # One group

    def _arn(self, account: str, region: str, name: str) -> str:
        return str(Arn(self._partition, "resource-groups", region, account, f"group/{name}"))

    def _access(self, request: Request) -> list[Access]:
        return [Access(f"resource-groups:{request.operation}", self._arn(request.account, request.region, _name(request)))]

    def _listing_access(self, request: Request) -> list[Access]:
        """AWS: API ListGroupResources, minimum permissions: tag:GetResources too; those of CloudFormation are for groups of stacks."""
        return [*self._access(request), Access("tag:GetResources", "*")]

    def _find(self, request: Request, name: str = "") -> Group:
        name = name or _name(request)
        found = self._rows.get(request.account, request.region, name)
        if found is None:
            raise AwsError("NotFoundException", f"Cannot find group {name} in {request.account} {request.region}.", 404)
        return found

    def _keep(self, group: Group) -> None:
        self._rows.put(group, group.account, group.region, group.name)

    def _view(self, group: Group) -> Output:
        arn = self._arn(group.account, group.region, group.name)
        return {"GroupArn": arn, "Name": group.name, "Description": group.description}

    def _create(self, request: Request) -> Output:
        params = request.params
        _refuse_application(request)
        name, tags = params["Name"], params.get("Tags", {})
        if name.lower().startswith("aws"):
            raise AwsError("BadRequestException", f"The name of a group cannot begin with AWS: {name}")
        if "ResourceQuery" not in params:
            raise NotSupported("a group without a ResourceQuery", "CreateGroup")
        queries.read(params["ResourceQuery"], "CreateGroup")
        _check_tags(tags)
        if (request.account, request.region, name) in self._rows:
            raise AwsError("BadRequestException", f"Cannot create group: group already exists: {name}")
        if len(self._rows.sorted_keys(request.account, request.region)) >= GROUPS_MAX:
            what = f"{request.account} has {GROUPS_MAX} groups in {request.region}; more are not possible."
            raise AwsError("BadRequestException", what)
        text = params["ResourceQuery"]["Query"]
        group = Group(name, request.account, request.region, params.get("Description", ""), text, dict(tags))
        self._keep(group)
        return {"Group": self._view(group), "ResourceQuery": params["ResourceQuery"], "Tags": group.tags}

    def _get(self, request: Request) -> Output:
        return {"Group": self._view(self._find(request))}

    def _get_query(self, request: Request) -> Output:
        group = self._find(request)
        return {"GroupQuery": {"GroupName": group.name, "ResourceQuery": _query(group)}}

    def _get_configuration(self, request: Request) -> Output:
        # AWS: API CreateGroup: a group has a resource query or a configuration. Every group here has a query.
        # ASSUMED: asked for what it has not, AWS says BadRequestException, as Terraform's provider expects.
        raise AwsError("BadRequestException", f"The group {self._find(request).name} has a resource query and no configuration.")

    def _update(self, request: Request) -> Output:
        _refuse_application(request)
        group = self._find(request)
        group.description = request.params.get("Description", group.description)
        self._keep(group)
        return {"Group": self._view(group)}

    def _update_query(self, request: Request) -> Output:
        queries.read(request.params["ResourceQuery"], "UpdateGroupQuery")
        group = self._find(request)
        group.query = request.params["ResourceQuery"]["Query"]
        self._keep(group)
        return self._get_query(request)

    def _delete(self, request: Request) -> Output:
        group = self._find(request)
        self._rows.delete(group.account, group.region, group.name)
        return {"Group": self._view(group)}

    def _tag(self, request: Request) -> Output:
        group, new = self._find(request), request.params["Tags"]
        self.retag(request, group.name, {**group.tags, **new})
        return {"Arn": request.params["Arn"], "Tags": new}

    def _untag(self, request: Request) -> Output:
        group, gone = self._find(request), request.params["Keys"]
        self.retag(request, group.name, {key: value for key, value in group.tags.items() if key not in gone})
        return {"Arn": request.params["Arn"], "Keys": gone}

    def _get_tags(self, request: Request) -> Output:
        return {"Arn": request.params["Arn"], "Tags": self._find(request).tags}

    # Lists

    def _list(self, request: Request) -> Output:
        tests = [_test(entry) for entry in request.params.get("Filters", [])]

        def look(key: tuple[str, ...]) -> Group | None:
            group = self._rows.get(*key)
            return group if group is not None and all(test(group) for test in tests) else None

        keys = self._rows.sorted_keys(request.account, request.region)
        limit, token = request.params.get("MaxResults", PAGE), request.params.get("NextToken")
        shown, following = walk(keys, look, limit, token, REFUSAL)
        views = [self._view(group) for group in shown]
        identifiers = [
            {"GroupName": view["Name"], "GroupArn": view["GroupArn"], "Description": view["Description"]} for view in views
        ]
        return {"Groups": views, "GroupIdentifiers": identifiers, **({"NextToken": following} if following else {})}

    def _list_resources(self, request: Request, resources: Resources) -> Output:
        query = queries.read(_query(self._find(request)), "ListGroupResources")
        types = [value for entry in request.params.get("Filters", []) for value in entry["Values"]]
        beyond = [kind for kind in types if not query.covers(kind)]
        if beyond:
            # AWS: API ListGroupResources, Filters: types are checked against those of the group's query.
            raise AwsError("BadRequestException", f"The group's query has no resources of type {', '.join(beyond)}.")
        shown, following = _page(request, resources, query, types)
        identifiers = [_identifier(one) for one in shown]
        members = [{"Identifier": identifier} for identifier in identifiers]
        return {"ResourceIdentifiers": identifiers, "Resources": members, "QueryErrors": [], **following}

    def _search(self, request: Request, resources: Resources) -> Output:
        query = queries.read(request.params["ResourceQuery"], "SearchResources")
        shown, following = _page(request, resources, query, [])
        return {"ResourceIdentifiers": [_identifier(one) for one in shown], "QueryErrors": [], **following}


def _page(request: Request, resources: Resources, query: Query, types: Sequence[str]) -> tuple[list[Found], Output]:
    wanted = [kind for kind in _kinds(query) if not types or kind.group_type in types]
    limit, token = request.params.get("MaxResults", PAGE), request.params.get("NextToken")
    shown, following = resources.find(request, wanted, query.tags, limit, token, REFUSAL)
    return shown, {"NextToken": following} if following else {}


def _kinds(query: Query) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.group_type and query.covers(kind.group_type)]


def _identifier(one: Found) -> Output:
    return {"ResourceArn": one.arn, "ResourceType": one.kind.group_type}


def _query(group: Group) -> dict[str, str]:
    return {"Type": queries.TAG_FILTERS, "Query": group.query}


def _test(entry: dict[str, Any]) -> Callable[[Group], bool]:
    """Return the test of one filter of ListGroups."""
    match entry["Name"]:
        case "resource-type":
            return lambda group: any(queries.read(_query(group), "ListGroups").covers(value) for value in entry["Values"])
        case "configuration-type" | "owner" | "display-name" | "criticality":
            # No group here has a configuration, nor what only application groups have.
            return lambda _group: False
    raise NotSupported(f"the filter {entry['Name']}", "ListGroups")


def _refuse_application(request: Request) -> None:
    for name in ("Configuration", "Criticality", "Owner", "DisplayName"):
        if name in request.params:
            raise NotSupported(f"the parameter {name}", request.operation)


def _check_tags(tags: dict[str, str]) -> None:
    if any(key.lower().startswith("aws:") for key in tags):
        raise AwsError("BadRequestException", "Tag keys cannot begin with aws:.")
    if len(tags) > Groups.limit:
        raise AwsError("BadRequestException", f"A group has at most {Groups.limit} tags, found {len(tags)}.")


def _name(request: Request) -> str:
    params = request.params
    text: str = params.get("Group") or params.get("GroupName") or params.get("Arn") or ""
    if not text:
        raise AwsError("BadRequestException", f"{request.operation} needs Group, the name or ARN of a resource group.")
    arn = parse_arn(text)
    return arn.resource.removeprefix("group/") if arn else text
