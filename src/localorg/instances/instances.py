"""EC2: DescribeInstances, tags, Regions, instance status.

Flow: `add` (the spec) -> rows -> filters -> shapes of the EC2 model.
Rules: nothing is launched; instances come from the spec, and `power` changes their states. An unknown id is EC2's own error.
AWS: EC2 API DescribeInstances, DescribeTags, CreateTags, DeleteTags, DescribeRegions, DescribeInstanceStatus.
"""

import re
from collections.abc import Sequence

from localorg.instances import filters
from localorg.instances.describing import status, view
from localorg.instances.records import Instance, InstanceSeed
from localorg.kernel import ids
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.paging import page, walk
from localorg.protocol.calls import Access, Operation, Output, Params, Request
from localorg.protocol.partitions import partition as partition_named

PAGE_MIN = 1
"""DEVIATES: AWS wants MaxResults to be 5 at least; fewer are let through, so that small organizations have pages to try too."""
PAGE_MAX = 1000
TAGS_MAX, KEY_MAX, VALUE_MAX = 50, 128, 256
"""AWS: EC2 user guide "Tag restrictions": 50 tags a resource, keys up to 128 and values up to 256 characters."""


class Instances:
    """The instances of all accounts and Regions."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._rows = kernel.store.table("ec2.instance", Instance)

    def add(self, seed: InstanceSeed) -> None:
        """Let an instance exist. One that is known keeps its tags."""
        if self._rows.get(seed.account, seed.region, seed.instance_id) is not None:
            return
        named = {"Name": seed.name} if seed.name else {}
        self.keep(
            Instance(
                instance_id=seed.instance_id,
                account=seed.account,
                region=seed.region,
                private_ip=seed.private_ip,
                tags={**named, **seed.tags},
                instance_type=seed.instance_type,
                image_id=seed.image_id,
                architecture=seed.architecture,
                profile=seed.profile,
                windows=seed.windows,
                reservation_id=f"r-{ids.hexadecimal(self._kernel.dice, 17)}",
                launched=self._kernel.now(),
            )
        )

    def retag(self, account: str, region: str, instance_id: str, tags: dict[str, str | None]) -> None:
        """Give an instance these tags and take away those that are None; its others stay. Raises ValueError when they are too many."""
        one = self._rows.get(account, region, instance_id)
        if one is None or not tags:
            return
        given = {key: value for key, value in tags.items() if value is not None}
        kept = {key: value for key, value in one.tags.items() if key not in tags}
        if len(kept) + len(given) > TAGS_MAX:
            raise ValueError(
                f"{instance_id} would have more than {TAGS_MAX} tags; take some of {', '.join(kept)} away through the API"
            )
        one.tags = {**kept, **given}
        self.keep(one)

    def get(self, account: str, region: str, instance_id: str) -> Instance | None:
        """Return an instance, or None."""
        return self._rows.get(account, region, instance_id)

    def of(self, account: str, region: str) -> list[Instance]:
        """Return the instances of an account and Region."""
        return self._rows.values(account, region)

    def names(self, account: str, region: str) -> list[str]:
        """Return the ids of the instances of an account and Region, in order."""
        return [name for _, _, name in self._rows.sorted_keys(account, region)]

    def operations(self) -> list[Operation]:
        """Return the operations of ec2."""
        return [
            Operation("ec2", "DescribeInstances", self._describe),
            Operation("ec2", "DescribeInstanceStatus", self._describe_status),
            Operation("ec2", "DescribeTags", self._describe_tags),
            Operation("ec2", "CreateTags", self._create_tags, self._tag_access),
            Operation("ec2", "DeleteTags", self._delete_tags, self._tag_access),
            Operation("ec2", "DescribeRegions", self._describe_regions),
        ]

    def keep(self, one: Instance) -> None:
        """Keep an instance as it is now."""
        self._rows.put(one, one.account, one.region, one.instance_id)

    def find(self, request: Request, listed: list[str]) -> list[Instance]:
        """Return the instances with these ids. Raises InvalidInstanceID.Malformed, InvalidInstanceID.NotFound."""
        malformed = [name for name in listed if not re.fullmatch(r"i-([0-9a-f]{8}|[0-9a-f]{17})", name)]
        if malformed:
            raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{malformed[0]}"')
        found = {name: self._rows.get(request.account, request.region, name) for name in listed}
        missing = [name for name, one in found.items() if one is None]
        if missing:
            # AWS: EC2 API "Error codes for the Amazon EC2 API", InvalidInstanceID.NotFound, observed texts.
            one_or_more = f"ID '{missing[0]}' does" if len(missing) == 1 else f"IDs '{', '.join(missing)}' do"
            raise AwsError("InvalidInstanceID.NotFound", f"The instance {one_or_more} not exist")
        return [one for one in found.values() if one is not None]

    def _chosen(self, request: Request) -> tuple[list[Instance], Output]:
        no_dry_run(request)
        params = request.params
        listed = params.get("InstanceIds", [])
        if listed and "MaxResults" in params:
            raise AwsError(
                "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"
            )
        asked = params.get("Filters", [])
        test = filters.selection(asked, filters.of_instance)
        keys = self._keys(request, self.find(request, listed) if listed else None, filters.literal(asked, "instance-id"))

        def look(key: tuple[str, ...]) -> Instance | None:
            one = self._rows.get(*key)
            return one if one is not None and test(one) else None

        refusal = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")
        shown, token = walk(keys, look, _limit(params), params.get("NextToken"), refusal)
        return shown, {"NextToken": token} if token else {}

    def _keys(self, request: Request, listed: list[Instance] | None, literal: list[str] | None) -> Sequence[tuple[str, ...]]:
        """Return the keys of the instances that can be meant, in order."""
        if listed is not None:
            return sorted((one.account, one.region, one.instance_id) for one in listed)
        if literal is not None:
            return sorted((request.account, request.region, name) for name in set(literal))
        return self._rows.sorted_keys(request.account, request.region)

    def _describe(self, request: Request) -> Output:
        shown, following = self._chosen(request)
        partition = self._kernel.settings.partition
        reservations = [
            {"ReservationId": one.reservation_id, "OwnerId": one.account, "Groups": [], "Instances": [view(one, partition)]}
            for one in shown
        ]
        return {"Reservations": reservations, **following}

    def _describe_status(self, request: Request) -> Output:
        shown, following = self._chosen(request)
        everyone = request.params.get("IncludeAllInstances", False)
        # AWS: API DescribeInstanceStatus: only running instances, unless IncludeAllInstances.
        return {"InstanceStatuses": [status(one) for one in shown if everyone or one.state == "running"], **following}

    # Tags

    def _tag_access(self, request: Request) -> list[Access]:
        partition = self._kernel.settings.partition
        place = f"arn:{partition}:ec2:{request.region}:{request.account}"
        return [Access(f"ec2:{request.operation}", f"{place}:instance/{name}") for name in request.params.get("Resources", [])]

    def _tagged(self, request: Request) -> list[Instance]:
        no_dry_run(request)
        others = [name for name in request.params["Resources"] if not name.startswith("i-")]
        if others:
            raise NotSupported(f"tags on {', '.join(others)}; only instances (i-...) have tags here", request.operation)
        return self.find(request, request.params["Resources"])

    def _create_tags(self, request: Request) -> Output:
        new = _new_tags(request.params["Tags"])
        found = self._tagged(request)
        full = [one.instance_id for one in found if len({**one.tags, **new}) > TAGS_MAX]
        if full:
            raise AwsError("TagLimitExceeded", f"{', '.join(full)} would have more than {TAGS_MAX} tags.")
        for one in found:
            one.tags = {**one.tags, **new}
            self.keep(one)
        return {}

    def _delete_tags(self, request: Request) -> Output:
        found = self._tagged(request)
        gone = request.params.get("Tags")
        for one in found:
            one.tags = {key: value for key, value in one.tags.items() if not _deleted(key, value, gone)}
            self.keep(one)
        return {}

    def _describe_tags(self, request: Request) -> Output:
        no_dry_run(request)
        rows = [
            {"Key": key, "Value": value, "ResourceId": one.instance_id, "ResourceType": "instance"}
            for one in self.of(request.account, request.region)
            for key, value in one.tags.items()
        ]
        test = filters.selection(request.params.get("Filters", []), _of_tag)
        refusal = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")
        limit = _limit(request.params)
        chosen = [row for row in rows if test(row)]
        shown, token = page(
            chosen, lambda row: f"{row['ResourceId']} {row['Key']}", limit, request.params.get("NextToken"), refusal
        )
        return {"Tags": shown, **({"NextToken": token} if token else {})}

    # Regions

    def _describe_regions(self, request: Request) -> Output:
        no_dry_run(request)
        if request.params.get("Filters"):
            raise NotSupported("Filters", "DescribeRegions")
        known = self._kernel.settings.regions
        wanted = request.params.get("RegionNames") or known
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise AwsError("InvalidParameterValue", f"Invalid region provided: [{', '.join(unknown)}]")
        suffix = partition_named(self._kernel.settings.partition).dns_suffix
        rows = [{"RegionName": name, "Endpoint": f"ec2.{name}.{suffix}", "OptInStatus": "opt-in-not-required"} for name in wanted]
        return {"Regions": rows}


def no_dry_run(request: Request) -> None:
    """Answer a dry run, which has got this far because it is allowed."""
    if request.params.get("DryRun"):
        # AWS: EC2 API, DryRun: the answer to a permitted dry run is this error; access was checked before.
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)


def _new_tags(given: list[dict[str, str]]) -> dict[str, str]:
    """Return tags as they were given. Raises InvalidParameterValue. AWS: EC2 user guide, Tag restrictions; the words were observed."""
    keys = [tag["Key"] for tag in given]
    tests = {
        "Tag keys starting with 'aws:' are reserved for internal use": any(key.lower().startswith("aws:") for key in keys),
        "Tag key cannot be empty": not all(keys),
        f"Tag key exceeds the maximum length of {KEY_MAX} characters": any(len(key) > KEY_MAX for key in keys),
        f"Tag value exceeds the maximum length of {VALUE_MAX} characters": any(
            len(tag.get("Value", "")) > VALUE_MAX for tag in given
        ),
        f"Duplicate tag key '{max(keys, key=keys.count)}' specified.": len(set(keys)) < len(keys),
    }
    for what, is_so in tests.items():
        if is_so:
            raise AwsError("InvalidParameterValue", what)
    return {tag["Key"]: tag.get("Value", "") for tag in given}


def _deleted(key: str, value: str, gone: list[dict[str, str]] | None) -> bool:
    # AWS: API DeleteTags: no Tags deletes all but aws: tags; a tag with a Value only when the value is the same.
    if gone is None:
        return not key.startswith("aws:")
    return any(tag["Key"] == key and tag.get("Value", value) == value for tag in gone)


def _of_tag(name: str) -> filters.Reader:
    members = {"key": "Key", "value": "Value", "resource-id": "ResourceId", "resource-type": "ResourceType"}
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda row: [row["Value"]] if row["Key"] == key else []
    if name not in members:
        raise NotSupported(f"the filter {name}; supported are {', '.join(members)} and tag:KEY", "DescribeTags")
    return lambda row: [row[members[name]]]


def _limit(params: Params) -> int:
    """Return MaxResults. AWS: API DescribeInstances and DescribeTags: at most 1000."""
    limit = int(params.get("MaxResults") or PAGE_MAX)
    if not PAGE_MIN <= limit <= PAGE_MAX:
        what = f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value between {PAGE_MIN} and {PAGE_MAX}."
        raise AwsError("InvalidParameterValue", what)
    return limit
