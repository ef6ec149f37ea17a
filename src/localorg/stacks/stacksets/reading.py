"""StackSets' operations that only read.

Flow: Request -> whose sets (CallAs) -> rows -> shapes of the model, page by page.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page
from localorg.protocol.calls import Output, Request
from localorg.stacks.parameters import shown
from localorg.stacks.resources.kinds import tag_list
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.records import InstanceRecord, ItemRecord, SetOperationRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.template import parse

PAGE = 100

R = TypeVar("R")


class Reading:
    """Answers questions about sets."""

    def __init__(self, shelf: Shelf, directory: Directory, partition: str) -> None:
        self._shelf = shelf
        self._directory = directory
        self._partition = partition

    def handlers(self) -> dict[str, Callable[[Request], Output]]:
        """Return operation name -> handler."""
        return {
            "DescribeStackSet": self._describe,
            "ListStackSets": self._list,
            "ListStackInstances": self._instances,
            "DescribeStackInstance": self._instance,
            "DescribeStackSetOperation": self._operation,
            "ListStackSetOperations": self._operations,
            "ListStackSetOperationResults": self._results,
        }

    def arn(self, stack_set: StackSetRecord) -> str:
        """Return the ARN of a set."""
        resource = f"stackset/{stack_set.stack_set_id}"
        return str(Arn(self._partition, "cloudformation", stack_set.region, stack_set.account, resource))

    def require(self, request: Request) -> StackSetRecord:
        """Return the set that the request names. Raises StackSetNotFoundException."""
        return self._shelf.require(self._directory.home(request), request.region, request.params["StackSetName"])

    def _describe(self, request: Request) -> Output:
        found = self.require(request)
        regions = list(dict.fromkeys(one.region for one in self._shelf.instances(found.stack_set_id)))
        template = parse(found.template)
        return {
            "StackSet": {
                **_head(found),
                "TemplateBody": found.template,
                "Parameters": shown(template.parameters, found.parameters),
                "Capabilities": found.capabilities,
                "Tags": tag_list(found.tags),
                "StackSetARN": self.arn(found),
                "OrganizationalUnitIds": list(found.units),
                "Regions": regions,
            }
        }

    def _list(self, request: Request) -> Output:
        wanted = request.params.get("Status")
        rows = [one for one in self._shelf.of(self._directory.home(request), request.region) if wanted in (None, one.status)]
        return _paged(request, rows, lambda one: one.stack_set_id, lambda one: {**_head(one), "DriftStatus": "NOT_CHECKED"})

    def _instances(self, request: Request) -> Output:
        params, found = request.params, self.require(request)
        rows = [
            one
            for one in self._shelf.instances(found.stack_set_id)
            if params.get("StackInstanceAccount") in (None, one.account)
            and params.get("StackInstanceRegion") in (None, one.region)
            and all(_matches(one, wanted) for wanted in params.get("Filters", ()))
        ]
        return _paged(request, rows, lambda one: f"{one.account}/{one.region}", _instance_shape)

    def _instance(self, request: Request) -> Output:
        params, found = request.params, self.require(request)
        account, region = params["StackInstanceAccount"], params["StackInstanceRegion"]
        one = self._shelf.instance(found.stack_set_id, account, region)
        if one is None:
            words = f"Stack instance not found for stack set {found.name}, account {account}, region {region}"
            raise AwsError("StackInstanceNotFoundException", words, status=404)
        overrides = [{"ParameterKey": name, "ParameterValue": value} for name, value in one.overrides.items()]
        return {"StackInstance": {**_instance_shape(one), "ParameterOverrides": overrides}}

    def _operation(self, request: Request) -> Output:
        found = self.require(request)
        operation = self._shelf.operation(found.stack_set_id, request.params["OperationId"])
        shape = {**_operation_shape(operation), "StackSetId": found.stack_set_id}
        if operation.action == "DELETE":
            shape["RetainStacks"] = operation.retain
        if operation.targets:
            shape["DeploymentTargets"] = operation.targets
        return {"StackSetOperation": shape}

    def _operations(self, request: Request) -> Output:
        rows = list(reversed(self._shelf.operations(self.require(request).stack_set_id)))
        return _paged(request, rows, lambda one: one.operation_id, _operation_shape)

    def _results(self, request: Request) -> Output:
        found = self.require(request)
        items = self._shelf.operation(found.stack_set_id, request.params["OperationId"]).items
        wanted = [one["Values"] for one in request.params.get("Filters", ())]
        rows = [item for item in items if not wanted or item.status in wanted]
        return _paged(request, rows, lambda item: f"{item.account}/{item.region}", _item_shape)


def _matches(instance: InstanceRecord, wanted: dict[str, str]) -> bool:
    found = {"DETAILED_STATUS": instance.detailed, "LAST_OPERATION_ID": instance.last_operation, "DRIFT_STATUS": "NOT_CHECKED"}
    return found[wanted["Name"]] in wanted["Values"].split(",")


def _paged(request: Request, rows: Sequence[R], key: Callable[[R], str], shape: Callable[[R], Any]) -> Output:
    refusal = AwsError("ValidationError", "The NextToken is not valid: pass the token of the page before, unchanged.")
    limit = min(request.params.get("MaxResults", PAGE), PAGE)
    chosen, token = page(rows, key, limit, request.params.get("NextToken"), refusal)
    return {"Summaries": [shape(row) for row in chosen], **({"NextToken": token} if token else {})}


def _head(stack_set: StackSetRecord) -> Output:
    deployment: Output = {"Enabled": stack_set.auto_deployment}
    if stack_set.auto_deployment:
        deployment["RetainStacksOnAccountRemoval"] = stack_set.retain_on_removal
    return {
        "StackSetName": stack_set.name,
        "StackSetId": stack_set.stack_set_id,
        "Status": stack_set.status,
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": deployment,
        "ManagedExecution": {"Active": stack_set.managed_execution},
        **({"Description": stack_set.description} if stack_set.description else {}),
    }


def _instance_shape(one: InstanceRecord) -> Output:
    optional = {"StackId": one.stack_id, "StatusReason": one.reason, "LastOperationId": one.last_operation}
    return {
        "StackSetId": one.stack_set_id,
        "Account": one.account,
        "Region": one.region,
        "Status": one.status,
        "StackInstanceStatus": {"DetailedStatus": one.detailed},
        "OrganizationalUnitId": one.unit,
        "DriftStatus": "NOT_CHECKED",
        **{key: value for key, value in optional.items() if value},
    }


def _operation_shape(one: SetOperationRecord) -> Output:
    failed = sum(item.status == "FAILED" for item in one.items)
    optional = {"EndTimestamp": one.ended, "StatusReason": one.reason}
    return {
        "OperationId": one.operation_id,
        "Action": one.action,
        "Status": one.status,
        "CreationTimestamp": one.created,
        "OperationPreferences": one.preferences,
        "StatusDetails": {"FailedStackInstancesCount": failed},
        **{key: value for key, value in optional.items() if value},
    }


def _item_shape(item: ItemRecord) -> Output:
    shape = {"Account": item.account, "Region": item.region, "Status": item.status, "OrganizationalUnitId": item.unit}
    return {**shape, **({"StatusReason": item.reason} if item.reason else {})}
