"""Change sets: what an update (or a creation) would do, told first and done when executed.

Flow: CreateChangeSet -> the same checks as CreateStack / UpdateStack -> the list of changes -> ExecuteChangeSet starts the operation.
Rules: a change set without changes is FAILED with CloudFormation's sentence, which the aws CLI's `deploy` looks for. Executing one
forgets the stack's others. # ASSUMED: it is complete at once; AWS takes seconds.

AWS: CloudFormation user guide, "Update stacks using change sets".
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Output, Request
from localorg.stacks.accepting import Accepting, Proposal
from localorg.stacks.changes import Change, Detail
from localorg.stacks.once import remember, seen
from localorg.stacks.parameters import shown
from localorg.stacks.records import Action, ChangeSetRecord, OperationRecord, StackRecord
from localorg.stacks.resources.kinds import tag_list
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import invalid, parse

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."

PAGE = 100
BAD_TOKEN = AwsError("ValidationError", "The NextToken is not valid: pass the token of the page before, unchanged.")
VALUES = ("BeforeValue", "AfterValue", "Path", "AttributeChangeType")
UNSUPPORTED = (
    "ResourcesToImport",
    "IncludeNestedStacks",
    "ImportExistingResources",
    "DeploymentMode",
    "DeploymentConfig",
    "DisableValidation",
    "NotificationARNs",
)


class Starter(Protocol):
    """Begins an operation on a stack; see service.py."""

    def __call__(
        self, request: Request, stack: StackRecord, proposal: Proposal, action: Action, change_set: str = ""
    ) -> OperationRecord:
        """Begin."""
        ...


class ChangeSets:
    """Plans of operations, kept until they are executed."""

    def __init__(
        self, kernel: Kernel, shelf: Shelf, accepting: Accepting, blank: Callable[[Request, str], StackRecord], start: Starter
    ) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._accepting = accepting
        self._blank = blank
        self._start = start

    def handlers(self) -> dict[str, Callable[[Request], Output]]:
        """Return operation name -> handler."""
        return {
            "CreateChangeSet": self._create,
            "DescribeChangeSet": self._describe,
            "ExecuteChangeSet": self._execute,
            "DeleteChangeSet": self._delete,
            "ListChangeSets": self._list,
        }

    def _create(self, request: Request) -> Output:
        params = request.params
        kind = params.get("ChangeSetType", "UPDATE")
        _refuse_unsupported(params)
        stack = self._stack_for(request, kind)
        same = next((one for one in self._of(stack) if one.name == params["ChangeSetName"]), None)
        if same is not None and params.get("ClientToken") and same.token == params["ClientToken"]:
            # AWS: ClientToken: the same request again has no second effect.
            return {"Id": same.change_set_id, "StackId": stack.stack_id}
        if same is not None:
            raise AwsError("AlreadyExistsException", f"ChangeSet {params['ChangeSetName']} already exists")
        proposal = self._accepting.propose(request, stack)
        changes = self._accepting.changes(stack, proposal, request.principal)
        record = self._record(request, stack, kind, proposal, changes)
        if stack.status == "REVIEW_IN_PROGRESS" and not stack.events:
            self._shelf.set_status(stack, "REVIEW_IN_PROGRESS", "User Initiated")
        self._shelf.change_sets.put(record, record.change_set_id)
        return {"Id": record.change_set_id, "StackId": stack.stack_id}

    def _stack_for(self, request: Request, kind: str) -> StackRecord:
        name = request.params["StackName"]
        stack = self._shelf.find(request.account, request.region, name)
        if kind == "CREATE":
            if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{name}] already exists and cannot be created again with the changeSet [{request.params['ChangeSetName']}]."
                )
            return stack or self._blank(request, name)
        if stack is None or stack.status == "REVIEW_IN_PROGRESS":
            raise invalid(f"Stack [{name}] does not exist")
        if stack.busy or stack.status.startswith("ROLLBACK"):
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        return stack

    def _record(
        self, request: Request, stack: StackRecord, kind: str, proposal: Proposal, changes: list[Change]
    ) -> ChangeSetRecord:
        params = request.params
        resource = f"changeSet/{params['ChangeSetName']}/{ids.uuid(self._kernel.dice)}"
        arn = str(Arn(self._kernel.settings.partition, "cloudformation", request.region, request.account, resource))
        return ChangeSetRecord(
            arn,
            params["ChangeSetName"],
            stack.stack_id,
            kind,
            proposal.template,
            proposal.parameters,
            proposal.tags,
            proposal.capabilities,
            proposal.role_arn,
            request.now,
            "CREATE_COMPLETE" if changes else "FAILED",
            "AVAILABLE" if changes else "UNAVAILABLE",
            params.get("Description", ""),
            "" if changes else NO_CHANGES,
            [_change_shape(change) for change in changes if change.logical_id],
            params.get("OnStackFailure", "ROLLBACK"),
            proposal.resolved,
            params.get("ClientToken", ""),
            "OnStackFailure" in params,
        )

    def _describe(self, request: Request) -> Output:
        record = self.require(request)
        stack = self._shelf.by_id(record.stack_id)
        template = parse(record.template)
        shape = _summary(record, stack)
        shape |= {
            "Parameters": shown(template.parameters, record.parameters, record.resolved),
            "Capabilities": record.capabilities,
            "Tags": tag_list(record.tags),
            "NotificationARNs": [],
            "RollbackConfiguration": {},
            "IncludeNestedStacks": False,
            "ImportExistingResources": False,
            **({"OnStackFailure": record.on_failure} if record.asked_on_failure else {}),
        }
        rows = [(f"{number:04d}", change) for number, change in enumerate(record.changes)]
        chosen, token = page(rows, lambda row: row[0], PAGE, request.params.get("NextToken"), BAD_TOKEN)
        full = request.params.get("IncludePropertyValues", False)
        shape["Changes"] = [change if full else _without_values(change) for _, change in chosen]
        return {**shape, **({"NextToken": token} if token else {})}

    def _execute(self, request: Request) -> Output:
        record = self.require(request)
        stack = self._shelf.by_id(record.stack_id)
        if stack is not None and seen(request, stack):
            return {}
        if record.execution != "AVAILABLE" or stack is None:
            raise AwsError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{record.change_set_id}] cannot be executed in its current status of [{record.status}]",
            )
        if stack.busy:
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        if request.params.get("DisableRollback") and record.asked_on_failure:
            # AWS: API reference, DisableRollback: "... or OnStackFailure, but not both". ASSUMED: the sentence.
            raise invalid("You can specify either DisableRollback or OnStackFailure, but not both")
        action: Action = "create" if record.type == "CREATE" else "update"
        proposal = Proposal(
            record.template, record.parameters, record.tags, record.capabilities, record.role_arn, record.resolved
        )
        stack.on_failure = "DO_NOTHING" if request.params.get("DisableRollback") else record.on_failure
        self._start(request, stack, proposal, action, record.change_set_id)
        for other in self._of(stack):
            if other.change_set_id != record.change_set_id:
                self._shelf.change_sets.delete(other.change_set_id)
        remember(request, stack)
        self._shelf.put(stack)
        record.execution = "EXECUTE_IN_PROGRESS"
        self._shelf.change_sets.put(record, record.change_set_id)
        return {}

    def _delete(self, request: Request) -> Output:
        try:
            record = self.require(request)
        except AwsError as refusal:
            if refusal.code != "ChangeSetNotFound":
                raise
            return {}
        if record.execution == "EXECUTE_IN_PROGRESS" and self._runs(record):
            raise AwsError(
                "InvalidChangeSetStatus", f"ChangeSet [{record.change_set_id}] is being executed and cannot be deleted"
            )
        self._shelf.change_sets.delete(record.change_set_id)
        return {}

    def _list(self, request: Request) -> Output:
        stack = self._shelf.require(request)
        rows = sorted(self._of(stack), key=lambda record: record.change_set_id)
        chosen, token = page(rows, lambda record: record.change_set_id, PAGE, request.params.get("NextToken"), BAD_TOKEN)
        more = {"IncludeNestedStacks": False, "ImportExistingResources": False}
        return {"Summaries": [{**_summary(one, stack), **more} for one in chosen], **({"NextToken": token} if token else {})}

    def _runs(self, record: ChangeSetRecord) -> bool:
        stack = self._shelf.by_id(record.stack_id)
        return stack is not None and stack.operation is not None and stack.operation.change_set == record.change_set_id

    def _of(self, stack: StackRecord) -> list[ChangeSetRecord]:
        return [one for one in self._shelf.change_sets.values() if one.stack_id == stack.stack_id]

    def require(self, request: Request) -> ChangeSetRecord:
        """Return the change set that a request names, by its ARN or by its name and its stack. Raises ChangeSetNotFound."""
        name, stack_name = request.params["ChangeSetName"], request.params.get("StackName")
        if name.startswith("arn:"):
            found = self._shelf.change_sets.get(name)
            owner = self._shelf.by_id(found.stack_id) if found else None
            if found and owner and (owner.account, owner.region) == (request.account, request.region):
                return found
            raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)
        if not stack_name:
            raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
        stack = self._shelf.require(request)
        by_name = next((one for one in self._of(stack) if one.name == name), None)
        if by_name is None:
            raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)
        return by_name


def _summary(record: ChangeSetRecord, stack: StackRecord | None) -> Output:
    optional = {"Description": record.description, "StatusReason": record.reason}
    return {
        "ChangeSetName": record.name,
        "ChangeSetId": record.change_set_id,
        "StackId": record.stack_id,
        "StackName": stack.name if stack else "",
        "CreationTime": record.created,
        "Status": record.status,
        "ExecutionStatus": _execution(record, stack),
        **{key: value for key, value in optional.items() if value},
    }


def _execution(record: ChangeSetRecord, stack: StackRecord | None) -> str:
    """Return how far the execution has come, which is what has become of the stack."""
    if record.execution != "EXECUTE_IN_PROGRESS" or stack is None:
        return record.execution
    if stack.operation is not None and stack.operation.change_set == record.change_set_id:
        return "EXECUTE_IN_PROGRESS"
    return "EXECUTE_COMPLETE" if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else "EXECUTE_FAILED"


def _change_shape(change: Change) -> dict[str, Any]:
    optional = {
        "PolicyAction": change.policy,
        "PhysicalResourceId": change.physical_id,
        "BeforeContext": change.before,
        "AfterContext": change.after,
    }
    shape: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type,
        # AWS: these two are there for every action, and tell something for Modify.
        "Scope": list(dict.fromkeys(detail.attribute for detail in change.details)),
        "Details": [_detail_shape(detail) for detail in change.details],
        **{key: value for key, value in optional.items() if value},
    }
    if change.action == "Modify":
        shape["Replacement"] = change.replacement
    return {"Type": "Resource", "ResourceChange": shape}


def _detail_shape(detail: Detail) -> dict[str, Any]:
    kind = "Add" if detail.before is None else "Remove" if detail.after is None else "Modify"
    target: dict[str, Any] = {
        "Attribute": detail.attribute,
        "RequiresRecreation": detail.recreation,
        "Path": f"/{detail.attribute}/{detail.name}" if detail.name else f"/{detail.attribute}",
        "AttributeChangeType": kind,
    }
    optional = {"Name": detail.name, "BeforeValue": detail.before, "AfterValue": detail.after}
    target |= {key: value for key, value in optional.items() if value}
    shape = {"Target": target, "Evaluation": detail.evaluation, "ChangeSource": detail.source}
    return {**shape, **({"CausingEntity": detail.cause} if detail.cause else {})}


def _without_values(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change as it is shown unless IncludePropertyValues asks for more."""
    resource = {key: value for key, value in change["ResourceChange"].items() if key not in ("BeforeContext", "AfterContext")}
    resource["Details"] = [
        {**one, "Target": {key: value for key, value in one["Target"].items() if key not in VALUES}}
        for one in resource["Details"]
    ]
    return {**change, "ResourceChange": resource}


def _refuse_unsupported(params: dict[str, Any]) -> None:
    named = [name for name in UNSUPPORTED if params.get(name)]
    if any((params.get("RollbackConfiguration") or {}).values()):
        named.append("RollbackConfiguration")
    if params.get("ChangeSetType") == "IMPORT":
        named.append("ChangeSetType IMPORT")
    if named:
        raise invalid("\n".join(f"localorg does not support the parameter {name} of change sets" for name in named))
