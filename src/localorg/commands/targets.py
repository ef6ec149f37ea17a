"""From InstanceIds or Targets to nodes.

Flow: SendCommand's InstanceIds | Targets -> ids per key (OR within a key) -> the intersection of all keys (AND).
Rules: ids that the caller lists in InstanceIds must be managed nodes of this account and Region. Tags are looked up by the
service-linked role, groups by the caller.
AWS: user guide "Run commands at scale"; AWSServiceRoleForAmazonSSM's policy has ec2:DescribeInstances, and a caller who targets a
resource group must be allowed to list its resources.
"""

from collections import Counter
from typing import Any

from localorg.commands.ports import NodeDirectory, NodeFacts, ServiceLinkedRole
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Output, Params, Principal
from localorg.protocol.gateway import Gateway

Nodes = dict[str, NodeFacts]


class Targets:
    """Finds the nodes of a command."""

    def __init__(
        self,
        gateway: Gateway,
        directory: NodeDirectory,
        service_linked_role: ServiceLinkedRole,
        *,
        asks_query: bool,
        takes_star: bool,
    ) -> None:
        self._gateway = gateway
        self._asks_query = asks_query
        self._takes_star = takes_star
        self._directory = directory
        self._service_linked_role = service_linked_role

    def managed(self, account: str, region: str) -> Nodes:
        """Return the managed nodes of an account and Region by id."""
        return {node.instance_id: node for node in self._directory(account, region)}

    def listed(self, account: str, instance_ids: list[str], managed: Nodes) -> list[str]:
        """Return the ids of an explicit list. Raises DuplicateInstanceId, InvalidInstanceId."""
        twice = sorted(name for name, count in Counter(instance_ids).items() if count > 1)
        if twice:
            raise AwsError("DuplicateInstanceId", f"InstanceIds lists {', '.join(twice)} more than once.")
        unmanaged = [name for name in instance_ids if name not in managed]
        if unmanaged:
            # AWS: observed text of InvalidInstanceId for nodes that are not managed.
            raise AwsError(
                "InvalidInstanceId", f"Instances [[{', '.join(unmanaged)}]] not in a valid state for account {account}"
            )
        return instance_ids

    def resolve(self, principal: Principal, region: str, targets: list[dict[str, Any]], managed: Nodes) -> list[str]:
        """Return the ids that satisfy every target, in the order of the first. Unmanaged listed ids are kept."""
        first, *others = [self._one(principal, region, target, managed) for target in targets]
        wanted = [set(each) for each in others]
        return [name for name in dict.fromkeys(first) if all(name in each for each in wanted)]

    def _one(self, principal: Principal, region: str, target: dict[str, Any], managed: Nodes) -> list[str]:
        key, values = target.get("Key", ""), target.get("Values", [])
        if not values:
            raise AwsError("ValidationException", f"The target {key or 'without a Key'} needs at least one value.")
        # AWS: the CLI's examples write the key InstanceIds in lower case, too.
        if key.lower() == "instanceids":
            # ASSUMED: `*` stands for all managed nodes of the account and Region. AWS's reference of Target says so for Automation and
            # for State Manager, and does not list it for Run Command; question run-command-star.
            self._check_ids(values)
            return [name for value in values for name in (managed if value == "*" else [value])]
        if key == "tag-key" or key.startswith("tag:"):
            return self._tagged(principal.account, region, key, values, managed)
        if key == "resource-groups:Name":
            return self._grouped(principal, region, values, managed)
        if key == "resource-groups:ResourceTypeFilters":
            return [name for name in managed if _resource_type(name) in {value.lower() for value in values}]
        raise AwsError(
            "ValidationException",
            f"The target key {key!r} is not valid; expected InstanceIds, tag:KEY, tag-key, resource-groups:Name or "
            "resource-groups:ResourceTypeFilters.",
        )

    def _check_ids(self, values: list[str]) -> None:
        """Under the reading that `*` is refused. AWS: terraform-provider-aws 9188 quotes what the refusal says, in this sense."""
        if "*" in values and not self._takes_star:
            raise AwsError(
                "ValidationException",
                "Targets must be one target with the key InstanceIds and up to 50 instance IDs as values, or up to 5 targets "
                "with the keys tag:KEY or tag-key, or a resource group.",
            )

    def _tagged(self, account: str, region: str, key: str, values: list[str], managed: Nodes) -> list[str]:
        """Return the nodes with one of these tags. AWS: an EC2 instance's tags are EC2's, a hybrid node's are Systems Manager's."""
        tags = self._instances(account, region)
        tags |= {name: self._hybrid(account, region, name) for name in managed if name.startswith("mi-")}
        return [name for name in managed if _has(tags.get(name, {}), key, values)]

    def _hybrid(self, account: str, region: str, name: str) -> dict[str, str]:
        role = self._service_linked_role(account, "ssm.amazonaws.com")
        wanted = {"ResourceType": "ManagedInstance", "ResourceId": name}
        listed = self._gateway.invoke(ApiCall(role, region, "ssm", "ListTagsForResource", wanted))["TagList"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    def _instances(self, account: str, region: str) -> dict[str, dict[str, str]]:
        role = self._service_linked_role(account, "ssm.amazonaws.com")
        found: dict[str, dict[str, str]] = {}
        params: Params = {}
        while True:
            output = self._gateway.invoke(ApiCall(role, region, "ec2", "DescribeInstances", params))
            for instance in (item for group in output["Reservations"] for item in group["Instances"]):
                found[instance["InstanceId"]] = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
            if not output.get("NextToken"):
                return found
            params = {"NextToken": output["NextToken"]}

    def _grouped(self, principal: Principal, region: str, values: list[str], managed: Nodes) -> list[str]:
        if len(values) != 1:
            # AWS: user guide "Run commands at scale": a maximum of one resource group name per command.
            raise AwsError("ValidationException", f"resource-groups:Name takes one group, found {len(values)}.")
        arns: list[str] = []
        params: Params = {"GroupName": values[0]}
        if self._asks_query:
            self._ask_group(ApiCall(principal, region, "resource-groups", "GetGroupQuery", params))
        while True:
            output = self._ask_group(ApiCall(principal, region, "resource-groups", "ListGroupResources", params))
            arns += [item["ResourceArn"] for item in output["ResourceIdentifiers"]]
            if not output.get("NextToken"):
                break
            params = {**params, "NextToken": output["NextToken"]}
        ids = {arn.resource.rpartition("/")[2] for text in arns if (arn := parse_arn(text)) is not None}
        return [name for name in managed if name in ids]

    def _ask_group(self, call: ApiCall) -> Output:
        try:
            return self._gateway.invoke(call)
        except AwsError as refusal:
            if refusal.code != "NotFoundException":
                raise
            # ASSUMED: AWS does not say how SendCommand refuses a group that does not exist.
            raise AwsError("ValidationException", f"resource-groups:Name: {refusal.message}") from refusal


def _has(tags: dict[str, str], key: str, values: list[str]) -> bool:
    # ASSUMED: values are literal; EC2's own filters know the wildcards * and ?.
    return any(value in tags for value in values) if key == "tag-key" else tags.get(key.removeprefix("tag:")) in values


def _resource_type(instance_id: str) -> str:
    # AWS: API Target. ASSUMED: names of resource types are compared without regard to case (the guide writes AWS::EC2::INSTANCE too).
    return "aws::ssm::managedinstance" if instance_id.startswith("mi-") else "aws::ec2::instance"
