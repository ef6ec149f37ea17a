"""CloudFormation's operations that only read: stacks, events, resources, templates, exports.

Flow: Request -> rows -> shapes of the model, page by page.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page
from localorg.protocol.calls import AccessRule, ApiCall, Operation, Output, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.accepting import Accepting, needed_capabilities
from localorg.stacks.drift.service import Drift
from localorg.stacks.parameters import declared, shown
from localorg.stacks.records import ChangeSetRecord, EventRecord, ResourceRecord, StackRecord
from localorg.stacks.resources.identifiers import IDENTIFIERS
from localorg.stacks.resources.kinds import ResourceType, chosen, tag_list
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import Template, invalid, parse

PAGE = 100
"""AWS: pages of CloudFormation hold up to 100 rows (1 MB)."""

R = TypeVar("R")


class Reading:
    """Answers questions about stacks."""

    def __init__(
        self,
        gateway: Gateway,
        shelf: Shelf,
        accepting: Accepting,
        types: dict[str, ResourceType],
        change_set: Callable[[Request], ChangeSetRecord],
        drift: Drift,
    ) -> None:
        self._gateway = gateway
        self._drift = drift
        self._change_set = change_set
        self._shelf = shelf
        self._accepting = accepting
        self._types = types

    def operations(self, on_stack: AccessRule) -> list[Operation]:
        """Return the reading operations; `on_stack` is the rule of those about one stack."""
        rows: list[tuple[str, Callable[[Request], Output], AccessRule | None]] = [
            ("DescribeStacks", self._describe, on_stack),
            ("DescribeStackEvents", self._events, on_stack),
            ("DescribeStackResources", self._resources, on_stack),
            ("DescribeStackResource", self._resource, on_stack),
            ("ListStacks", self._list, None),
            ("ListStackResources", self._list_resources, on_stack),
            ("GetTemplate", self._template, on_stack),
            ("GetTemplateSummary", self._summary, on_stack),
            ("ValidateTemplate", self._validate, None),
            ("ListExports", self._exports, None),
            ("ListImports", self._imports, None),
        ]
        return [Operation("cloudformation", name, handler, access) for name, handler, access in rows]

    def _require(self, request: Request) -> StackRecord:
        return self._shelf.require(request)

    def _describe(self, request: Request) -> Output:
        if "StackName" in request.params:
            return {"Stacks": [self._stack(self._require(request))]}
        living = [stack for stack in self._shelf.of(request.account, request.region) if not stack.gone]
        return _paged(request, living, lambda stack: stack.stack_id, "Stacks", self._stack)

    def _stack(self, stack: StackRecord) -> Output:
        # AWS: EnableTerminationProtection: of a nested stack it is the root's.
        protection = {"EnableTerminationProtection": self._shelf.root_of(stack).termination_protection}
        drift = {"DriftInformation": self._drift.of_stack(stack)}
        return {**_stack_shape(stack), **protection, **self._ancestors(stack), **drift}

    def _ancestors(self, stack: StackRecord) -> Output:
        """Return ParentId and RootId of a nested stack; others have none."""
        parents = self._shelf.parents(stack.account, stack.region)
        if stack.stack_id not in parents:
            return {}
        return {"ParentId": parents[stack.stack_id], "RootId": self._shelf.root_of(stack).stack_id}

    def _events(self, request: Request) -> Output:
        stack = self._require(request)
        events = self._shelf.events(stack.stack_id)
        return _paged(request, events, lambda event: event.event_id, "StackEvents", lambda event: _event_shape(stack, event))

    def _resources(self, request: Request) -> Output:
        params = request.params
        if "StackName" in params and "PhysicalResourceId" in params:
            # AWS: API reference: "either StackName or PhysicalResourceId, but not both". ASSUMED: the sentence.
            raise invalid("You must specify either StackName or PhysicalResourceId, but not both")
        if "StackName" in params:
            stack: StackRecord | None = self._require(request)
        else:
            wanted = params.get("PhysicalResourceId")
            if not wanted:
                raise invalid("Either StackName or PhysicalResourceId must be given")
            stacks = self._shelf.of(request.account, request.region)
            stack = next((one for one in stacks if any(r.physical_id == wanted for r in one.resources.values())), None)
            if stack is None:
                raise invalid(f"Stack for {wanted} does not exist")
        assert stack is not None  # noqa: S101 - both branches found one or raised
        rows = [row for name, row in stack.resources.items() if params.get("LogicalResourceId") in (None, name)]
        return {"StackResources": [self._resource_shape(stack, row, "Timestamp") for row in rows]}

    def _resource(self, request: Request) -> Output:
        stack, name = self._require(request), request.params["LogicalResourceId"]
        row = stack.resources.get(name)
        if row is None:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        template = self._accepting.template_as(stack, stack.template, stack.parameters)
        metadata = (template.resources.get(name) or {}).get("Metadata")
        shape = self._resource_shape(stack, row, "LastUpdatedTimestamp")
        return {"StackResourceDetail": {**shape, **({"Metadata": json.dumps(metadata)} if metadata else {})}}

    def _resource_shape(self, stack: StackRecord, row: ResourceRecord, time_member: str) -> Output:
        return {**_resource_shape(stack, row, time_member), "DriftInformation": self._drift.of_resource(stack, row)}

    def _list(self, request: Request) -> Output:
        wanted = request.params.get("StackStatusFilter")
        rows = [row for row in self._shelf.of(request.account, request.region) if not wanted or row.status in wanted]
        return _paged(
            request,
            rows,
            lambda stack: stack.stack_id,
            "StackSummaries",
            lambda row: {**_summary_shape(row), **self._ancestors(row), "DriftInformation": self._drift.of_stack(row)},
        )

    def _list_resources(self, request: Request) -> Output:
        stack = self._require(request)

        def shape(row: ResourceRecord) -> Output:
            full = self._resource_shape(stack, row, "LastUpdatedTimestamp")
            return {key: value for key, value in full.items() if key not in ("StackId", "StackName")}

        return _paged(request, list(stack.resources.values()), lambda row: row.logical_id, "StackResourceSummaries", shape)

    def _template(self, request: Request) -> Output:
        params = request.params
        if "ChangeSetName" in params:
            record = self._change_set(request)
            owner = self._shelf.by_id(record.stack_id)
            if owner is None:
                raise invalid(f"Stack with id {record.stack_id} does not exist")
            stack, text, values = owner, record.template, record.parameters
        elif "StackName" in params:
            stack = self._require(request)
            text, values = stack.template, stack.parameters
        else:
            raise invalid("StackName is required if ChangeSetName is not specified.")
        if params.get("TemplateStage") == "Processed":
            text = self._processed(stack, text, values)
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    def _processed(self, stack: StackRecord, text: str, values: Mapping[str, str]) -> str:
        # ASSUMED: a template with transforms is given as JSON once processed; every other one as it was written.
        return json.dumps(self._accepting.template_as(stack, text, values).body) if parse(text).extended else text

    def _summary(self, request: Request) -> Output:
        params = request.params
        sources = [name for name in ("TemplateBody", "TemplateURL", "StackName", "StackSetName") if name in params]
        if len(sources) != 1:
            raise invalid("You must specify exactly one of TemplateBody, TemplateURL, StackName and StackSetName.")
        stack = self._require(request) if "StackName" in params else None
        text = stack.template if stack else self._text(request)
        tolerant = (params.get("TemplateSummaryConfig") or {}).get("TreatUnrecognizedResourceTypesAsWarnings", False)
        template = self._accepting.sound(text, stack, tolerant=tolerant)
        shape = self._describe_template(template, text)
        unknown = sorted({resource["Type"] for resource in template.resources.values()} - set(self._types))
        if unknown:
            shape["Warnings"] = {"UnrecognizedResourceTypes": unknown}
        shape["Parameters"] = declared(template.parameters)
        shape["ResourceTypes"] = sorted({resource["Type"] for resource in template.resources.values()})
        shape["Version"] = str(template.body.get("AWSTemplateFormatVersion", "2010-09-09"))
        identified = _identifiers(template)
        if identified:
            shape["ResourceIdentifierSummaries"] = identified
        if template.body.get("Metadata"):
            shape["Metadata"] = json.dumps(template.body["Metadata"])
        return shape

    def _text(self, request: Request) -> str:
        if "StackSetName" not in request.params:
            return self._accepting.template_of(request)
        # ASSUMED: who may ask for the summary of a StackSet's template must be allowed to describe the StackSet.
        params = chosen(request.params, "StackSetName", "CallAs")
        call = ApiCall(request.principal, request.region, "cloudformation", "DescribeStackSet", params)
        return str(self._gateway.invoke(call)["StackSet"]["TemplateBody"])

    def _validate(self, request: Request) -> Output:
        text = self._accepting.template_of(request)
        template = self._accepting.sound(text)
        kept = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        rows = [{key: row[key] for key in kept if key in row} for row in declared(template.parameters)]
        return {**self._describe_template(template, text), "Parameters": rows}

    def _describe_template(self, template: Template, text: str) -> Output:
        capabilities, reason = needed_capabilities(template, self._types)
        shape: Output = {"Description": template.description} if template.description else {}
        if capabilities:
            shape |= {"Capabilities": capabilities, "CapabilitiesReason": reason}
        transforms = [str(name) for name in parse(text).transforms]
        if transforms:
            shape["DeclaredTransforms"] = transforms
        return shape

    def _exports(self, request: Request) -> Output:
        rows = [
            {"ExportingStackId": owner, "Name": name, "Value": value}
            for name, (owner, value) in sorted(self._shelf.exports(request.account, request.region).items())
        ]
        return _paged(request, rows, lambda row: row["Name"], "Exports", lambda row: row)

    def _imports(self, request: Request) -> Output:
        name = request.params["ExportName"]
        users = self._shelf.importers(request.account, request.region, name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return _paged(request, users, str, "Imports", str)


def _paged(request: Request, rows: Sequence[R], key: Callable[[R], str], member: str, shape: Callable[[R], Any]) -> Output:
    refusal = AwsError("ValidationError", "The NextToken is not valid: pass the token of the page before, unchanged.")
    chosen, token = page(rows, key, PAGE, request.params.get("NextToken"), refusal)
    return {member: [shape(row) for row in chosen], **({"NextToken": token} if token else {})}


def _given(**members: Any) -> Output:
    return {key: value for key, value in members.items() if value not in (None, "", [])}


def _identifiers(template: Template) -> list[Output]:
    """Return ResourceIdentifierSummaries: by type its resources, and what an import would identify them by."""
    by_type: dict[str, list[str]] = {}
    for name, resource in template.resources.items():
        by_type.setdefault(resource["Type"], []).append(name)
    return [
        {"ResourceType": kind, "LogicalResourceIds": names, "ResourceIdentifiers": list(IDENTIFIERS[kind])}
        for kind, names in sorted(by_type.items())
        if kind in IDENTIFIERS
    ]


def _stack_shape(stack: StackRecord) -> Output:
    template = parse(stack.template) if stack.template else Template({})
    outputs = [
        {"OutputKey": row.key, "OutputValue": row.value, **_given(Description=row.description, ExportName=row.export)}
        for row in stack.outputs
    ]
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "EnableTerminationProtection": stack.termination_protection,
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Tags": tag_list(stack.tags),
        **_given(
            Description=template.description,
            Parameters=shown(template.parameters, stack.parameters, stack.resolved),
            LastUpdatedTime=stack.updated,
            DeletionTime=stack.deleted,
            StackStatusReason=stack.reason,
            Capabilities=stack.capabilities,
            Outputs=outputs,
            RoleARN=stack.role_arn,
            ChangeSetId=stack.change_set,
            TimeoutInMinutes=stack.timeout_minutes,
            RetainExceptOnCreate=stack.retain_except_on_create or None,
            DeletionMode=stack.deletion_mode,
            # ASSUMED: the last operation of each kind, those that make change sets aside.
            LastOperations=[{"OperationType": kind, "OperationId": one} for kind, one in stack.operations.items()],
        ),
    }


def _summary_shape(stack: StackRecord) -> Output:
    full = _stack_shape(stack)
    kept = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
        "LastOperations",
    )
    shape = {key: full[key] for key in kept if key in full}
    if "Description" in full:
        shape["TemplateDescription"] = full["Description"]
    return shape


def _event_shape(stack: StackRecord, event: EventRecord) -> Output:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "EventId": event.event_id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        **_given(
            ResourceStatusReason=event.reason,
            ResourceProperties=event.properties,
            ClientRequestToken=event.token,
            OperationId=event.operation,
        ),
    }


def _resource_shape(stack: StackRecord, row: ResourceRecord, time_member: str) -> Output:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "LogicalResourceId": row.logical_id,
        "ResourceType": row.type,
        time_member: row.updated,
        "ResourceStatus": row.status,
        **_given(PhysicalResourceId=row.physical_id, ResourceStatusReason=row.reason),
    }
