"""What nodes ask and say of their associations, and what people ask of a node's.

Flow: ListInstanceAssociations -> every Command association that is for the node now -> what its agent needs;
UpdateInstanceAssociationStatus -> `NodeRuns.hear`.
Rules: an agent speaks for its own node only. An entry never lacks a member that the stock agent reads without looking.
AWS agent: association/service, association/model; API DescribeEffectiveInstanceAssociations, DescribeInstanceAssociationsStatus.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from localorg.associations import answers, listing
from localorg.associations.callers import Callers
from localorg.associations.documents import Documents
from localorg.associations.lookup import Lookup
from localorg.associations.noderuns import NodeRuns, as_said
from localorg.associations.ports import NodeFacts, NodePorts
from localorg.associations.records import AssociationRecord, BindingRecord, Shelf, VersionRecord
from localorg.associations.requests import dispatched_by_service
from localorg.associations.targets import Scene
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

STATUSES = frozenset({"Pending", "InProgress", "Success", "Failed", "TimedOut", "Skipped"})
"""AWS agent: what it says of an association."""
PAGE_OF_NODE = 20
"""AWS agent: ListInstanceAssociations asks for 20."""
EFFECTIVE_PAGE = 5
"""AWS: API EffectiveInstanceAssociationMaxResults."""


class Agents:
    """Associations seen from a node."""

    def __init__(
        self, shelf: Shelf, documents: Documents, callers: Callers, runs: NodeRuns, ports: NodePorts, partition: str
    ) -> None:
        self._shelf = shelf
        self._documents = documents
        self._callers = callers
        self._runs = runs
        self._ports = ports
        self._lookup = Lookup(shelf, partition)

    def operations(self) -> list[Operation]:
        """Return the operations about one node."""
        return [
            Operation("ssm", "ListInstanceAssociations", self._list, self._access),
            Operation("ssm", "UpdateInstanceAssociationStatus", self._hear, self._access),
            Operation("ssm", "DescribeEffectiveInstanceAssociations", self._effective, self._access),
            Operation("ssm", "DescribeInstanceAssociationsStatus", self._statuses, self._access),
        ]

    def _access(self, request: Request) -> list[Access]:
        return [Access(f"ssm:{request.operation}", self._lookup.node_arn(request, request.params["InstanceId"]))]

    def _for(self, node: NodeFacts) -> Iterator[tuple[AssociationRecord, VersionRecord]]:
        """Yield the Command associations that are for a node now."""
        scene = Scene(self._callers.service(node.account, node.region), [node])
        for association in self._shelf.associations.values(node.account, node.region):
            version = self._shelf.newest(association)
            if version.kind == "Command" and scene.suits(version, node.instance_id):
                yield association, version

    # What agents call

    def _list(self, request: Request) -> Output:
        node = self._ports.speaker(request, request.params["InstanceId"])
        ask = self._callers.service(node.account, node.region)
        rows = []
        for association, version in self._for(node):
            binding = self._runs.told(association, version, node.instance_id, ask)
            if binding is not None:
                rows.append(self._entry(association, version, binding))
        chosen, more = listing.cut(rows, lambda row: str(row["AssociationId"]), {"MaxResults": PAGE_OF_NODE, **request.params})
        return {"Associations": chosen, **more}

    def _entry(self, association: AssociationRecord, version: VersionRecord, binding: BindingRecord) -> dict[str, Any]:
        status = "Pending" if binding.ordered else binding.status
        entry: dict[str, Any] = {
            "AssociationId": association.id,
            "AssociationVersion": str(version.number),
            "Checksum": _checksum(association, version),
            "DetailedStatus": status,
            "Status": status,
            # AWS: aws CLI examples of list-compliance-items and describe-instance-associations-status: agents are told a number.
            "DocumentVersion": association.document_number or version.document_version,
            "InstanceId": binding.node,
            "Name": version.document,
            "Parameters": version.parameters,
            "Targets": version.targets,
        }
        if version.schedule and not dispatched_by_service(version):
            entry["ScheduleExpression"] = version.schedule
        if version.output:
            entry["OutputLocation"] = version.output
        if binding.executed is not None:
            entry["LastExecutionDate"] = binding.executed
        return entry

    def _hear(self, request: Request) -> Output:
        node = self._ports.speaker(request, request.params["InstanceId"])
        association = self._lookup.find(request, request.params["AssociationId"])
        said = as_said(request.params["ExecutionResult"])
        if said.status not in STATUSES:
            raise AwsError("ValidationException", f"Status must be one of {', '.join(sorted(STATUSES))}; found {said.status!r}.")
        version = self._shelf.newest(association)
        if version.kind != "Command":
            raise AwsError("AssociationDoesNotExist", f"{association.id} is no association of {node.instance_id}.")
        self._runs.hear(association, version, node.instance_id, said)
        return {}

    # What people ask of a node

    def _managed(self, request: Request) -> NodeFacts:
        wanted = request.params["InstanceId"]
        for node in self._ports.nodes(request.account, request.region):
            if node.instance_id == wanted:
                return node
        raise AwsError("InvalidInstanceId", f"{wanted} is no managed node of {request.account} in {request.region}.")

    def _effective(self, request: Request) -> Output:
        rows = list(self._for(self._managed(request)))
        chosen, more = listing.cut(rows, lambda row: row[0].id, {"MaxResults": EFFECTIVE_PAGE, **request.params})
        node = request.params["InstanceId"]
        return {"Associations": [self._with_content(association, version, node) for association, version in chosen], **more}

    def _with_content(self, association: AssociationRecord, version: VersionRecord, node: str) -> dict[str, Any]:
        shown = {"AssociationId": association.id, "InstanceId": node, "AssociationVersion": str(version.number)}
        try:
            found = self._documents.read(association.account, association.region, version.document, version.document_version)
        except AwsError:
            return shown  # the document is gone, or shared no more
        return {**shown, "Content": found.content}

    def _statuses(self, request: Request) -> Output:
        node = self._managed(request)
        rows = []
        for association, version in self._for(node):
            binding = self._shelf.binding(association, node.instance_id)
            unheard = BindingRecord(node.instance_id, version.number, association.created)
            rows.append(answers.on_node(association, version, binding or unheard))
        chosen, more = listing.cut(rows, lambda row: str(row["AssociationId"]), request.params)
        return {"InstanceAssociationStatusInfos": chosen, **more}


def _checksum(association: AssociationRecord, version: VersionRecord) -> str:
    """Return what changes whenever an agent must read the document anew."""
    told = json.dumps([asdict(version), association.document_number], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
