"""The targets of a rate-controlled run: which values of its target parameter they come to.

Flow: Targets | TargetMaps -> `Target`s, one child execution each. Tags and resource groups are looked up through the API as the run's
own role, in its own account and Region.
AWS: user guide, running-automations-map-targets; the template of AWS-SystemsManager-AutomationExecutionRole allows the role
tag:GetResources and resource-groups:ListGroupResources.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localorg.automation.actions.action import refusal_text
from localorg.automation.records import Execution
from localorg.automation.sessions import Sessions
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import ApiCall, Output, Params
from localorg.protocol.gateway import Gateway

VALUES, GROUP, INSTANCE_IDS, ALL_INSTANCES, TAG = "ParameterValues", "ResourceGroup", "InstanceIds", "AWS::EC2::Instance", "tag:"


class Unresolvable(Exception):
    """The targets cannot be found out; the text is the cause for a FailureMessage."""


@dataclass(frozen=True)
class Target:
    """One child execution: the name of its step, and the parameters it gets beside the run's own."""

    name: str
    parameters: dict[str, list[str]]


class Resolver:
    """Finds targets."""

    def __init__(self, kernel: Kernel, gateway: Gateway, sessions: Sessions) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._sessions = sessions

    def targets(self, execution: Execution) -> list[Target]:
        """Return the targets of `execution`. Raises Unresolvable."""
        if execution.target_maps:
            return [_mapped(execution.target_parameter, one) for one in execution.target_maps]
        # ASSUMED: a value that is named or found twice is one target.
        found = dict.fromkeys(value for target in execution.targets for value in self._values(execution, target))
        return [Target(value, {execution.target_parameter: [value]}) for value in found]

    def _values(self, execution: Execution, target: dict[str, Any]) -> list[str]:
        key, values = target["Key"], list(target.get("Values") or [])
        if key == GROUP:
            return [_resource(one["ResourceArn"]) for one in self._grouped(execution, values[0])]
        if key.startswith(TAG):
            return [_resource(one["ResourceARN"]) for one in self._tagged(execution, key.removeprefix(TAG), values)]
        if key in (INSTANCE_IDS, ALL_INSTANCES) and "*" in values:
            return self._instances(execution)
        return values

    def _tagged(self, execution: Execution, key: str, values: list[str]) -> Iterator[Output]:
        params: Params = {"TagFilters": [{"Key": key, "Values": values}]}
        if kinds := resource_types(execution.target_type):
            params["ResourceTypeFilters"] = kinds
        yield from self._all(
            execution, "resourcegroupstaggingapi", "GetResources", params, "ResourceTagMappingList", "PaginationToken"
        )

    def _grouped(self, execution: Execution, group: str) -> Iterator[Output]:
        # AWS: running-automations-map-targets: a child for every object in the group, so TargetType chooses none.
        yield from self._all(
            execution, "resource-groups", "ListGroupResources", {"GroupName": group}, "ResourceIdentifiers", "NextToken"
        )

    def _instances(self, execution: Execution) -> list[str]:
        """AWS: running-automations-map-targets: "all managed Amazon EC2 instances"."""
        # ASSUMED: they are asked for as the run's own role too, and a node that is not online is one of them.
        nodes = self._all(execution, "ssm", "DescribeInstanceInformation", {}, "InstanceInformationList", "NextToken")
        hybrid = self._kernel.settings.reading("instance-ids-star-hybrid") == "included"
        return [node["InstanceId"] for node in nodes if hybrid or node["InstanceId"].startswith("i-")]

    def _all(
        self, execution: Execution, service: str, operation: str, params: Params, member: str, token: str
    ) -> Iterator[Output]:
        asking, more = operation, dict(params)
        while True:
            try:
                asking = "AssumeRole"
                principal = self._sessions.actor(execution).principal
                asking = operation
                page = self._gateway.invoke(ApiCall(principal, execution.region, service, operation, more))
            except AwsError as refusal:
                raise Unresolvable(refusal_text(asking, refusal.code, refusal.message)) from None
            yield from page[member]
            if not page.get(token):
                return
            more = {**params, token: page[token]}


def resource_types(target_type: str) -> list[str]:
    """Return the ResourceTypeFilters for a TargetType such as /AWS::EC2::Instance; none for / (every type).

    # ASSUMED: service and resource in small letters, as the tagging API calls most of them.
    """
    parts = target_type.removeprefix("/").split("::")
    return [f"{parts[1].lower()}:{parts[2].lower()}"] if len(parts) == 3 else []


def _resource(text: str) -> str:
    """Return the id at the end of an ARN: what a parameter such as InstanceId takes."""
    arn = parse_arn(text)
    return arn.resource.rpartition("/")[2] if arn else text


def _mapped(parameter: str, values: dict[str, list[str]]) -> Target:
    # ASSUMED: the target of a map is its value for TargetParameterName, or else all of its values.
    named = values.get(parameter) or [value for one in values.values() for value in one]
    return Target(",".join(named), dict(values))
