"""Which managed nodes an association is for, now.

Flow: Targets of a version + a `Scene` (nodes, tags and groups of one account and Region, each asked at most once) -> node ids.
Rules: values of one target are OR-ed, targets AND-ed. Tags and groups are read by the service-linked role.
AWS: user guide, systems-manager-state-manager-targets-and-rate-controls; AmazonSSMServiceRolePolicy (ec2:DescribeInstances,
resource-groups:ListGroupResources, ssm:ListTagsForResource).
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from localorg.associations.ports import NodeFacts
from localorg.associations.records import VersionRecord
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Output, Params

Targets = list[dict[str, Any]]
Ask = Callable[[str, str, Params], Output]
"""(service, operation, params) -> output, as the service-linked role in the account and Region."""
INSTANCE_IDS = "instanceids"
"""Lower case, for AWS's own examples write the key so. # AWS: aws CLI example of create-association; user guide, sysman-state-assoc."""
KEYS = "InstanceIds, tag:KEY, tag-key or resource-groups:Name"
AUTOMATION_KEYS = ("ParameterValues", "ResourceGroup", "InstanceIds", "AWS::EC2::Instance", "tag-key", "resource-groups:Name")
"""AWS: user guide, running-automations-map-targets; the last two as in the console's State Manager form (ASSUMED)."""


def check(version: VersionRecord) -> None:
    """Raise InvalidTarget or InvalidTargetMaps when the targets of a version are of no use to its kind of document."""
    if version.targets and version.target_maps:
        # AWS: API CreateAssociation.TargetMaps: both cannot be specified together.
        raise AwsError("InvalidTargetMaps", "Targets and TargetMaps cannot be specified together.")
    if version.kind == "Automation":
        _check_automation(version)
        return
    if version.target_maps or version.target_parameter or version.locations:
        raise AwsError(
            "InvalidTarget", "TargetMaps, AutomationTargetParameterName and TargetLocations are for Automation runbooks only."
        )
    if version.instance:
        return
    if not version.targets:
        raise AwsError("InvalidTarget", f"An association of a Command document needs Targets: {KEYS}.")
    for target in version.targets:
        _check_one(target.get("Key", ""), target.get("Values") or [])


def _check_automation(version: VersionRecord) -> None:
    if version.instance:
        raise AwsError("InvalidTarget", "An Automation runbook takes no InstanceId.")
    several = bool(version.targets or version.target_maps)
    if several != bool(version.target_parameter) and not version.locations:
        # Observed: a public report of CreateAssociation's own words.
        raise AwsError("InvalidTarget", "Must specify both Automation Target Parameter Name and Targets")
    for target in version.targets:
        key = target.get("Key", "")
        if key not in AUTOMATION_KEYS and not key.startswith("tag:"):
            raise AwsError("InvalidTarget", f"Unsupported Target Type: {key}. Expected {', '.join(AUTOMATION_KEYS)} or tag:KEY.")


def _check_one(key: str, values: list[str]) -> None:
    if key == "resource-groups:ResourceTypeFilters":
        # DEVIATES: AWS narrows a resource group by types with this key; here a group means its nodes, and the key is refused by name.
        raise NotSupported("the target key resource-groups:ResourceTypeFilters", "State Manager")
    if key.lower() != INSTANCE_IDS and key not in ("tag-key", "resource-groups:Name") and not key.startswith("tag:"):
        raise AwsError("InvalidTarget", f"The target key {key!r} is not valid; expected {KEYS}.")
    if not values:
        raise AwsError("InvalidTarget", f"The target {key} needs at least one value.")
    if key == "resource-groups:Name" and len(values) != 1:
        raise AwsError("InvalidTarget", f"resource-groups:Name takes one group, found {len(values)}.")


class Scene:
    """What one account and Region looks like now, each part asked only when a target needs it."""

    def __init__(self, ask: Ask, nodes: Sequence[NodeFacts]) -> None:
        self._ask = ask
        self._nodes = nodes
        self._groups: dict[str, frozenset[str]] = {}

    def chosen(self, version: VersionRecord) -> list[str]:
        """Return the ids of the managed nodes that a version is for, in the order of registration."""
        return [node.instance_id for node in self._nodes if self.suits(version, node.instance_id)]

    def suits(self, version: VersionRecord, node: str) -> bool:
        """Say whether a version is for that node."""
        if version.instance:
            return version.instance == node
        return bool(version.targets) and all(
            self._one(target["Key"], target.get("Values") or [], node) for target in version.targets
        )

    def _one(self, key: str, values: list[str], node: str) -> bool:
        if key.lower() == INSTANCE_IDS or key == "ParameterValues":
            # AWS: API CreateAssociation.Targets: InstanceIds with `*` means all managed nodes of the account.
            return "*" in values or node in values
        if key in ("resource-groups:Name", "ResourceGroup"):
            return any(node in self._group(name) for name in values)
        if key == "AWS::EC2::Instance":
            return node.startswith("i-")
        tags = self._tags.get(node, {})
        return any(value in tags for value in values) if key == "tag-key" else tags.get(key.removeprefix("tag:")) in values

    @cached_property
    def _tags(self) -> dict[str, dict[str, str]]:
        tags = {node.instance_id: self._own_tags(node.instance_id) for node in self._nodes if node.instance_id.startswith("mi-")}
        if len(tags) == len(self._nodes):
            return tags
        params: Params = {}
        if len(self._nodes) == 1:
            params = {"Filters": [{"Name": "instance-id", "Values": [self._nodes[0].instance_id]}]}
        while True:
            output = self._ask("ec2", "DescribeInstances", params)
            for instance in (one for group in output["Reservations"] for one in group["Instances"]):
                tags[instance["InstanceId"]] = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            if not output.get("NextToken"):
                return tags
            params = {**params, "NextToken": output["NextToken"]}

    def _own_tags(self, node: str) -> dict[str, str]:
        """Return the tags of a hybrid node, which are kept by Systems Manager itself."""
        asked = {"ResourceType": "ManagedInstance", "ResourceId": node}
        try:
            found = self._ask("ssm", "ListTagsForResource", asked)
        except AwsError:
            # A node that is gone meanwhile has no tags.
            return {}
        return {tag["Key"]: tag["Value"] for tag in found.get("TagList", [])}

    def _group(self, name: str) -> frozenset[str]:
        if name not in self._groups:
            self._groups[name] = frozenset(self._members(name))
        return self._groups[name]

    def _members(self, name: str) -> list[str]:
        arns: list[str] = []
        params: Params = {"GroupName": name}
        while True:
            try:
                output = self._ask("resource-groups", "ListGroupResources", params)
            except AwsError:
                # ASSUMED: a group that is gone has no members; the association stays as it is.
                return []
            arns += [one["ResourceArn"] for one in output["ResourceIdentifiers"]]
            if not output.get("NextToken"):
                return [arn.resource.rpartition("/")[2] for text in arns if (arn := parse_arn(text)) is not None]
            params = {**params, "NextToken": output["NextToken"]}
