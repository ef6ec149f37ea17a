"""The Resource Groups Tagging API: resources of all services by their tags, and which tags there are.

Rules: reads only; `retagging` changes tags, through each service's own operations.
AWS: Resource Groups Tagging API, GetResources, GetTagKeys, GetTagValues.
"""

from localorg.grouping.resources import KINDS, UNSEEN, Found, Kind, Resources, Wanted
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.paging import page
from localorg.protocol.calls import Operation, Output, Params, Request

RESOURCES_MAX = 100
"""AWS: API GetResources, ResourcesPerPage."""
PAGE = 50
"""ASSUMED: the size of a page of GetResources when nothing is said."""
WORDS_PAGE = 100
"""ASSUMED: the size of a page of GetTagKeys and GetTagValues."""
REFUSAL = AwsError("InvalidParameterException", "The PaginationToken is not one that this list gave.")


class TagApi:
    """The operations of resourcegroupstaggingapi that read."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def operations(self) -> list[Operation]:
        """Return the operations of resourcegroupstaggingapi."""
        return [
            Operation("resourcegroupstaggingapi", "GetResources", self._get_resources),
            Operation("resourcegroupstaggingapi", "GetTagKeys", self._get_keys),
            Operation("resourcegroupstaggingapi", "GetTagValues", self._get_values),
        ]

    def _get_resources(self, request: Request) -> Output:
        params = request.params
        _check(params)
        listed = params.get("ResourceARNList")
        if listed is not None:
            shown = [one for one in self._resources.all(request) if one.arn in listed and one.tags]
            return {"PaginationToken": "", "ResourceTagMappingList": [_mapping(one) for one in shown]}
        limit = params.get("ResourcesPerPage") or PAGE
        if not 1 <= limit <= RESOURCES_MAX:
            raise AwsError("InvalidParameterException", f"ResourcesPerPage must be 1 to {RESOURCES_MAX}, found {limit}")
        wanted: Wanted = [(entry["Key"], entry.get("Values", [])) for entry in params.get("TagFilters", [])]
        # AWS: API GetResources does not return untagged resources.
        # DEVIATES: AWS also returns, with no tags, resources that once had some; localorg does not remember that.
        kinds = _kinds(params.get("ResourceTypeFilters", []))
        shown, token = self._resources.find(request, kinds, wanted, limit, params.get("PaginationToken"), REFUSAL, tagged=True)
        return {"PaginationToken": token or "", "ResourceTagMappingList": [_mapping(one) for one in shown]}

    def _get_keys(self, request: Request) -> Output:
        keys = sorted({key for one in self._resources.all(request) for key in one.tags})
        shown, token = page(keys, str, WORDS_PAGE, request.params.get("PaginationToken"), REFUSAL)
        return {"PaginationToken": token or "", "TagKeys": shown}

    def _get_values(self, request: Request) -> Output:
        key = request.params["Key"]
        values = sorted({one.tags[key] for one in self._resources.all(request) if key in one.tags})
        shown, token = page(values, str, WORDS_PAGE, request.params.get("PaginationToken"), REFUSAL)
        return {"PaginationToken": token or "", "TagValues": shown}


def _check(params: Params) -> None:
    for name in ("IncludeComplianceDetails", "ExcludeCompliantResources", "TagsPerPage"):
        if params.get(name):
            raise NotSupported(f"the parameter {name}", "GetResources")
    if any("Key" not in entry for entry in params.get("TagFilters", [])):
        raise AwsError("InvalidParameterException", "TagFilters: each filter needs a Key")
    excluded = ("TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "PaginationToken")
    both = [name for name in excluded if params.get(name)]
    if "ResourceARNList" in params and both:
        # AWS: API GetResources, ResourceARNList: not in one request with any of these.
        raise AwsError("InvalidParameterException", f"ResourceARNList and {', '.join(both)} cannot be given in the same request")


def _kinds(types: list[str]) -> list[Kind] | None:
    """Return the kinds of service[:resourceType] words; None: all. Raises NotSupported."""
    if not types:
        return None
    if unseen := [word for word in types if word.partition(":")[0] in UNSEEN]:
        raise NotSupported(f"resources of {', '.join(unseen)}", "GetResources")
    return [kind for kind in KINDS.values() if kind.tag_type in types or kind.tag_type.partition(":")[0] in types]


def _mapping(one: Found) -> Output:
    return {"ResourceARN": one.arn, "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()]}
