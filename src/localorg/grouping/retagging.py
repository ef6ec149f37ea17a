"""TagResources and UntagResources: each resource is tagged through the operation of its own service, as the caller.

Flow: ARNs -> whose they are -> one call of the service each -> a map of those that failed, with what the service said.
Rules: the caller needs the right of the tagging API and that of the service; one failure does not stop the others.
AWS: Resource Groups Tagging API, TagResources, UntagResources, FailureInfo.
"""

from collections.abc import Callable

from localorg.grouping.resources import UNSEEN, Resources
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Operation, Output, Params, Request
from localorg.protocol.gateway import Gateway

Asked = tuple[str, str, Params]
"""(service, operation, parameters)"""
Plan = Callable[[str, str, str], Asked]
"""(kind, id, ARN) of a resource -> the call of its service."""


class Retagging:
    """Tags resources of every engine."""

    def __init__(self, gateway: Gateway, resources: Resources) -> None:
        self._gateway = gateway
        self._resources = resources

    def operations(self) -> list[Operation]:
        """Return the operations of resourcegroupstaggingapi that change tags."""
        return [
            Operation("resourcegroupstaggingapi", "TagResources", self._tag),
            Operation("resourcegroupstaggingapi", "UntagResources", self._untag),
        ]

    def _tag(self, request: Request) -> Output:
        return self._each(request, _tagging(request.params["Tags"]))

    def _untag(self, request: Request) -> Output:
        return self._each(request, _untagging(request.params["TagKeys"]))

    def _each(self, request: Request, plan: Plan) -> Output:
        arns = list(dict.fromkeys(request.params["ResourceARNList"]))
        malformed = [arn for arn in arns if parse_arn(arn) is None]
        if malformed:
            raise AwsError("InvalidParameterException", f"{malformed[0]} is not a valid ARN.")
        known = self._resources.named(request, arns)
        failed: dict[str, Output] = {}
        for arn in arns:
            try:
                if arn not in known:
                    raise _absent(request, arn)
                service, operation, params = plan(*known[arn], arn)
                self._gateway.invoke(ApiCall(request.principal, request.region, service, operation, params))
            except AwsError as refusal:
                failed[arn] = {"StatusCode": refusal.status, "ErrorCode": refusal.code, "ErrorMessage": refusal.message}
        return {"FailedResourcesMap": failed}


def _absent(request: Request, arn: str) -> AwsError:
    if (service := arn.split(":")[2]) in UNSEEN:
        # AWS: API FailureInfo: this code also means that resources of the type are not supported.
        return AwsError(
            "InternalServiceException", f"localorg does not tag resources of {service} here; use {service} itself.", 500
        )
    # ASSUMED: the words for a resource that is not there, or not of this account and Region.
    return AwsError("InvalidParameterException", f"There is no resource {arn} in {request.account} {request.region}.")


def _tagging(tags: dict[str, str]) -> Plan:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]

    def plan(kind: str, name: str, arn: str) -> Asked:
        match kind:
            case "Instance":
                return "ec2", "CreateTags", {"Resources": [name], "Tags": pairs}
            case "Group":
                return "resource-groups", "Tag", {"Arn": arn, "Tags": tags}
        return "ssm", "AddTagsToResource", {"ResourceType": kind, "ResourceId": name, "Tags": pairs}

    return plan


def _untagging(keys: list[str]) -> Plan:
    def plan(kind: str, name: str, arn: str) -> Asked:
        match kind:
            case "Instance":
                return "ec2", "DeleteTags", {"Resources": [name], "Tags": [{"Key": key} for key in keys]}
            case "Group":
                return "resource-groups", "Untag", {"Arn": arn, "Keys": keys}
        return "ssm", "RemoveTagsFromResource", {"ResourceType": kind, "ResourceId": name, "TagKeys": keys}

    return plan
