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
from localorg.stacks.stacksets.records import (
    DETECT_DRIFT,
    NOT_CHECKED,
    SERVICE_MANAGED,
    InstanceRecord,
    ItemRecord,
    SetOperationRecord,
    StackSetRecord,
)
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.template import parse

PAGE = 100
GATE = "AWSCloudFormationStackSetAccountGate"

R = TypeVar("R")


class Reading:
    """Answers questions about sets."""

    def __init__(self, shelf: Shelf, directory: Directory, arn: Callable[[StackSetRecord], str], partition: str) -> None:
        self._shelf = shelf
        self._directory = directory
        self._arn = arn
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
            "ListStackSetAutoDeploymentTargets": self._targets,
        }

    def find(self, request: Request) -> StackSetRecord | None:
        """Return the set that the request names and its caller may know of: a living one by name, any by id or ARN; or None."""
        found = self._shelf.find(self._directory.home(request), request.region, request.params["StackSetName"])
        # AWS: ListStackSets: delegated administrators see the service-managed sets of the management account.
        return found if found is not None and self._is_visible(request, found) else None

    @staticmethod
    def _is_visible(request: Request, stack_set: StackSetRecord) -> bool:
        return request.params.get("CallAs", "SELF") == "SELF" or stack_set.permission_model == SERVICE_MANAGED

    def known(self, request: Request) -> StackSetRecord:
        """Return the set that the request names, deleted or not. Raises StackSetNotFoundException."""
        found = self.find(request)
        if found is None:
            raise AwsError("StackSetNotFoundException", f"StackSet {request.params['StackSetName']} not found", status=404)
        return found

    def require(self, request: Request) -> StackSetRecord:
        """Return the living set that the request names. Raises StackSetNotFoundException."""
        found = self.known(request)
        if found.status != "ACTIVE":
            raise AwsError("StackSetNotFoundException", f"StackSet {request.params['StackSetName']} not found", status=404)
        return found

    def _describe(self, request: Request) -> Output:
        found = self.known(request)
        regions = list(dict.fromkeys(one.region for one in self._shelf.instances(found.stack_set_id)))
        template = parse(found.template)
        shape = {
            **self._head(found),
            "TemplateBody": found.template,
            "Parameters": shown(template.parameters, found.parameters),
            "Capabilities": found.capabilities,
            "Tags": tag_list(found.tags),
            "StackSetARN": self._arn(found),
            "AdministrationRoleARN": found.admin_role,
            "ExecutionRoleName": found.execution_role,
            "StackSetDriftDetectionDetails": drift_details(self._last_detection(found)),
            "Regions": regions,
        }
        if found.permission_model == SERVICE_MANAGED:
            shape["OrganizationalUnitIds"] = list(found.units)
        return {"StackSet": shape}

    def _last_detection(self, stack_set: StackSetRecord) -> SetOperationRecord | None:
        operations = reversed(self._shelf.operations(stack_set.stack_set_id))
        return next((one for one in operations if one.action == DETECT_DRIFT), None)

    def _targets(self, request: Request) -> Output:
        found = self.known(request)
        rows = list(found.units.items())
        return _paged(request, rows, lambda row: row[0], lambda row: {"OrganizationalUnitId": row[0], "Regions": row[1]})

    def _head(self, stack_set: StackSetRecord) -> Output:
        shape: Output = {
            "StackSetName": stack_set.name,
            "StackSetId": stack_set.stack_set_id,
            "Status": stack_set.status,
            "PermissionModel": stack_set.permission_model,
            "ManagedExecution": {"Active": stack_set.managed_execution},
            **({"Description": stack_set.description} if stack_set.description else {}),
        }
        if stack_set.permission_model == SERVICE_MANAGED:
            shape["AutoDeployment"] = self._deployment(stack_set)
        return shape

    def _deployment(self, stack_set: StackSetRecord) -> Output:
        if not stack_set.auto_deployment:
            return {"Enabled": False}
        first = [one for name in stack_set.depends_on if (one := self._shelf.by_id(name))]
        depends = {"DependsOn": [self._arn(one) for one in first]} if first else {}
        return {"Enabled": True, "RetainStacksOnAccountRemoval": stack_set.retain_on_removal, **depends}

    def _list(self, request: Request) -> Output:
        wanted = request.params.get("Status")
        rows = [
            one
            for one in self._shelf.of(self._directory.home(request), request.region)
            if wanted in (None, one.status) and self._is_visible(request, one)
        ]
        return _paged(request, rows, lambda one: one.stack_set_id, self._row)

    def _row(self, one: StackSetRecord) -> Output:
        drift = drift_details(self._last_detection(one))
        return {**self._head(one), **{key: drift[key] for key in ("DriftStatus", "LastDriftCheckTimestamp") if key in drift}}

    def _instances(self, request: Request) -> Output:
        params, found = request.params, self.known(request)
        rows = [
            one
            for one in self._shelf.instances(found.stack_set_id)
            if params.get("StackInstanceAccount") in (None, one.account)
            and params.get("StackInstanceRegion") in (None, one.region)
            and all(_matches(one, wanted) for wanted in params.get("Filters", ()))
        ]
        return _paged(request, rows, lambda one: f"{one.account}/{one.region}", _instance_shape)

    def _instance(self, request: Request) -> Output:
        params, found = request.params, self.known(request)
        one = self.instance(found, params["StackInstanceAccount"], params["StackInstanceRegion"])
        overrides = [{"ParameterKey": name, "ParameterValue": value} for name, value in one.overrides.items()]
        return {"StackInstance": {**_instance_shape(one), "ParameterOverrides": overrides}}

    def instance(self, stack_set: StackSetRecord, account: str, region: str) -> InstanceRecord:
        """Return an instance of a set. Raises StackInstanceNotFoundException."""
        one = self._shelf.instance(stack_set.stack_set_id, account, region)
        if one is None:
            words = f"Stack instance not found for stack set {stack_set.name}, account {account}, region {region}"
            raise AwsError("StackInstanceNotFoundException", words, status=404)
        return one

    def _operation(self, request: Request) -> Output:
        found = self.known(request)
        operation = self._shelf.operation(found.stack_set_id, request.params["OperationId"])
        shape = {
            **_operation_shape(operation),
            "StackSetId": found.stack_set_id,
            "AdministrationRoleARN": operation.admin_role,
            "ExecutionRoleName": operation.execution_role,
        }
        if operation.action == "DELETE":
            shape["RetainStacks"] = operation.retain
        if operation.action == DETECT_DRIFT:
            shape["StackSetDriftDetectionDetails"] = drift_details(operation)
        if operation.targets:
            shape["DeploymentTargets"] = operation.targets
        return {"StackSetOperation": shape}

    def _operations(self, request: Request) -> Output:
        rows = list(reversed(self._shelf.operations(self.known(request).stack_set_id)))
        return _paged(request, rows, lambda one: one.operation_id, _operation_shape)

    def _results(self, request: Request) -> Output:
        found = self.known(request)
        items = self._shelf.operation(found.stack_set_id, request.params["OperationId"]).items
        wanted = [one["Values"] for one in request.params.get("Filters", ())]
        rows = [item for item in items if not wanted or item.status in wanted]
        return _paged(request, rows, lambda item: f"{item.account}/{item.region}", self._item_shape)

    def _item_shape(self, item: ItemRecord) -> Output:
        optional = {"StatusReason": item.reason, "OrganizationalUnitId": item.unit}
        shape: Output = {"Account": item.account, "Region": item.region, "Status": item.status}
        if item.gate:
            function = Arn(self._partition, "lambda", item.region, item.account, f"function:{GATE}")
            # AWS: CLI reference, list-stack-set-operation-results: without the account gate's function it is SKIPPED.
            reason = item.reason if item.gate == "FAILED" else f"Function not found: {function}"
            shape["AccountGateResult"] = {"Status": item.gate, "StatusReason": reason}
        return {**shape, **{key: value for key, value in optional.items() if value}}


def _matches(instance: InstanceRecord, wanted: dict[str, str]) -> bool:
    found = {"DETAILED_STATUS": instance.detailed, "LAST_OPERATION_ID": instance.last_operation, "DRIFT_STATUS": instance.drift}
    return found[wanted["Name"]] in wanted["Values"].split(",")


def _paged(request: Request, rows: Sequence[R], key: Callable[[R], str], shape: Callable[[R], Any]) -> Output:
    refusal = AwsError("ValidationError", "The NextToken is not valid: pass the token of the page before, unchanged.")
    limit = min(request.params.get("MaxResults", PAGE), PAGE)
    chosen, token = page(rows, key, limit, request.params.get("NextToken"), refusal)
    return {"Summaries": [shape(row) for row in chosen], **({"NextToken": token} if token else {})}


def _instance_shape(one: InstanceRecord) -> Output:
    optional = {
        "StackId": one.stack_id,
        "StatusReason": one.reason,
        "LastOperationId": one.last_operation,
        "OrganizationalUnitId": one.unit,
        "LastDriftCheckTimestamp": one.drift_checked,
    }
    return {
        "StackSetId": one.stack_set_id,
        "Account": one.account,
        "Region": one.region,
        "Status": one.status,
        "StackInstanceStatus": {"DetailedStatus": one.detailed},
        "DriftStatus": one.drift,
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


def drift_details(operation: SetOperationRecord | None) -> Output:
    """Return StackSetDriftDetectionDetails of a detection, or of a set whose drift was never detected."""
    items = operation.items if operation else []
    drifted, in_sync = (sum(item.drift == status for item in items) for status in ("DRIFTED", "IN_SYNC"))
    failed = sum(item.status in ("FAILED", "CANCELLED") for item in items)
    counts = {
        "DriftedStackInstancesCount": drifted,
        "InSyncStackInstancesCount": in_sync,
        "InProgressStackInstancesCount": sum(item.status in ("PENDING", "RUNNING") for item in items),
        "FailedStackInstancesCount": failed,
    }
    counts["TotalStackInstancesCount"] = sum(counts.values())
    if operation is None:
        return {"DriftStatus": NOT_CHECKED, **counts}
    ends = {"SUCCEEDED": "PARTIAL_SUCCESS" if failed else "COMPLETED", "FAILED": "FAILED", "STOPPED": "STOPPED"}
    return {
        "DriftStatus": "DRIFTED" if drifted else "IN_SYNC" if in_sync else NOT_CHECKED,
        "DriftDetectionStatus": ends.get(operation.status, "IN_PROGRESS"),
        **({"LastDriftCheckTimestamp": operation.ended} if operation.ended else {}),
        **counts,
    }
