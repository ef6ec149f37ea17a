"""State Manager: the operations on associations, and who may call them.

Flow: CreateAssociation/UpdateAssociation -> schedule, document, targets, parameters, iam:PassRole are checked -> a version in rows ->
`running` does the rest over time. The other operations only read rows (`reading`, `agents`).
AWS: API *Association*; user guide, sysman-state-about; Service Authorization Reference, AWS Systems Manager.
"""

from typing import Any

from localorg.associations import answers, requests, targets, values
from localorg.associations.agents import Agents
from localorg.associations.callers import SERVICE, Callers
from localorg.associations.documents import Document, Documents
from localorg.associations.lookup import AssociationTags, Lookup
from localorg.associations.ports import NodePorts, ServiceLinkedRole, SessionPrincipals
from localorg.associations.reading import Reading
from localorg.associations.records import ASSOCIATIONS_MAX, VERSIONS_MAX, AssociationRecord, Shelf, VersionRecord
from localorg.associations.running import AUTOMATION, DOCUMENT, ENGINE, GONE, ONLINE, PARAMETER, Running
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.ids import uuid
from localorg.protocol.calls import Access, Operation, Output, Request
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import TAGS_MAX, TagHolder, as_mapping


class Associations:
    """State Manager of every account and Region. `service_linked_role` gives AWSServiceRoleForAmazonSSM of an account."""

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        service_linked_role: ServiceLinkedRole,
        principal_of: SessionPrincipals,
        ports: NodePorts,
    ) -> None:
        self._kernel = kernel
        self._shelf = Shelf(kernel.store)
        self._ports = ports
        self._documents = Documents(gateway, kernel.settings.partition)
        callers = Callers(gateway, kernel.settings.partition, service_linked_role, principal_of)
        self._running = Running(kernel, self._shelf, self._documents, callers, ports)
        self._lookup = Lookup(self._shelf, kernel.settings.partition)
        self._reading = Reading(self._shelf, self._lookup)
        self._agents = Agents(self._shelf, self._documents, callers, self._running.nodes, ports, kernel.settings.partition)
        kernel.on(ENGINE, self._running.handle)
        for topic in (AUTOMATION, DOCUMENT, GONE, ONLINE, PARAMETER):
            kernel.subscribe(topic, ENGINE)

    def resume(self) -> None:
        """After a restart: look after the runs that were going on."""
        self._running.resume()

    def compliance_of(self, account: str, region: str, association_id: str) -> tuple[str, str] | None:
        """Return (SyncCompliance, ComplianceSeverity) of an association, for the records of Compliance; None when there is none."""
        association = self._shelf.associations.get(account, region, association_id)
        if association is None:
            return None
        version = self._shelf.newest(association)
        return version.compliance or "AUTO", version.severity or "UNSPECIFIED"

    def tagged(self) -> dict[str, TagHolder]:
        """Return who keeps the tags of associations, for the tag operations."""
        return {"Association": AssociationTags(self._shelf, self._lookup)}

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "CreateAssociation", self._create, self._creation_access),
            Operation("ssm", "CreateAssociationBatch", self._create_batch, self._batch_access),
            Operation("ssm", "UpdateAssociation", self._update, self._update_access),
            Operation("ssm", "UpdateAssociationStatus", self._update_status, self._status_access),
            Operation("ssm", "DeleteAssociation", self._delete, self._lookup.access),
            Operation("ssm", "StartAssociationsOnce", self._start_once, self._start_access),
            *self._reading.operations(),
            *self._agents.operations(),
        ]

    # Who may

    def _creation_access(self, request: Request) -> list[Access]:
        return self._access_to_make(request, request.params)

    def _batch_access(self, request: Request) -> list[Access]:
        return [access for entry in request.params["Entries"] for access in self._access_to_make(request, entry)]

    def _access_to_make(self, request: Request, params: dict[str, Any]) -> list[Access]:
        # ASSUMED: the document and a named node only; an association that is not there yet has no ARN that a policy could name.
        document = Access(f"ssm:{request.operation}", self._documents.arn(request.account, request.region, params["Name"]))
        nodes = [params["InstanceId"]] if params.get("InstanceId") else []
        accesses = [document, *(Access(f"ssm:{request.operation}", self._lookup.node_arn(request, name)) for name in nodes)]
        # ASSUMED: as with other resources, tags at creation need the right to tag.
        return accesses + ([Access("ssm:AddTagsToResource", self._lookup.arn(request, "*"))] if params.get("Tags") else [])

    def _update_access(self, request: Request) -> list[Access]:
        own = self._lookup.access(request)
        version = self._shelf.newest(self._lookup.find(request, request.params["AssociationId"]))
        name = request.params.get("Name") or version.document
        document = Access("ssm:UpdateAssociation", self._documents.arn(request.account, request.region, name))
        # AWS: API UpdateAssociation: the caller "must be granted permission to call the DescribeAssociation API operation".
        return [*own, document, Access("ssm:DescribeAssociation", own[0].resource)]

    def _status_access(self, request: Request) -> list[Access]:
        document = self._documents.arn(request.account, request.region, request.params["Name"])
        node = self._lookup.node_arn(request, request.params["InstanceId"])
        return [Access("ssm:UpdateAssociationStatus", resource) for resource in (document, node)]

    def _start_access(self, request: Request) -> list[Access]:
        return [Access("ssm:StartAssociationsOnce", self._lookup.arn(request, one)) for one in request.params["AssociationIds"]]

    # Changes

    def _create(self, request: Request) -> Output:
        return {"AssociationDescription": self._made(request, request.params)}

    def _made(self, request: Request, params: dict[str, Any]) -> dict[str, Any]:
        version = requests.read(request.operation, params, 1, request.now, params["Name"])
        known = self._shelf.associations.values(request.account, request.region)
        if len(known) >= ASSOCIATIONS_MAX:
            raise AwsError(
                "AssociationLimitExceeded",
                f"{request.account} has {ASSOCIATIONS_MAX} associations in {request.region}. Delete some.",
            )
        document = self._checked(request, version)
        if version.instance:
            self._check_legacy(request, version, document)
        association = AssociationRecord(request.account, request.region, uuid(self._kernel.dice), request.now, request.now)
        association.document_number = document.number
        association.tags = as_mapping(params.get("Tags"))
        if version.instance:
            # AWS: aws CLI example 1 of create-association
            words = f"Associated with {version.document}"
            association.legacy_status = {"Date": request.now, "Name": "Associated", "Message": words}
        if len(association.tags) > TAGS_MAX:
            raise AwsError("InvalidTag", f"An association has at most {TAGS_MAX} tags; found {len(association.tags)}.")
        return self._begin(association, version)

    def _check_legacy(self, request: Request, version: VersionRecord, document: Document) -> None:
        """An association of a document with one node, known by both names."""
        node = next(
            (one for one in self._ports.nodes(request.account, request.region) if one.instance_id == version.instance), None
        )
        if node is None:
            raise AwsError(
                "InvalidInstanceId", f"{version.instance} is no managed node of {request.account} in {request.region}."
            )
        if not document.schema.startswith("1."):
            # AWS: API CreateAssociation.InstanceId: fails with documents of schema 2.0 or later. ASSUMED: the error's name.
            raise AwsError("InvalidDocument", f"InstanceId needs a document of schema 1.2; use Targets for {version.document}.")
        if self._lookup.legacy(request, version.document, version.instance) is not None:
            raise AwsError("AssociationAlreadyExists", f"{version.document} is already associated with {version.instance}.")

    def _create_batch(self, request: Request) -> Output:
        role = {"AssociationDispatchAssumeRole": request.params.get("AssociationDispatchAssumeRole")}
        nodes = [entry["InstanceId"] for entry in request.params["Entries"] if entry.get("InstanceId")]
        if len(set(nodes)) < len(nodes):
            raise AwsError("DuplicateInstanceId", "The batch names a node more than once.")
        made, failed = [], []
        for entry in request.params["Entries"]:
            try:
                made.append(self._made(request, {**entry, **role}))
            except AwsError as refusal:
                failed.append({"Entry": entry, "Message": f"{refusal.code}: {refusal.message}", "Fault": "Client"})
        return {"Successful": made, "Failed": failed}

    def _update(self, request: Request) -> Output:
        association = self._lookup.find(request, request.params["AssociationId"])
        base = request.params.get("AssociationVersion", "$LATEST")
        if base not in ("$LATEST", str(association.version)):
            raise AwsError(
                "InvalidAssociationVersion",
                f"Only the latest version of {association.id} can be updated: pass $LATEST or {association.version}, not {base}.",
            )
        if association.version >= VERSIONS_MAX:
            raise AwsError(
                "AssociationVersionLimitExceeded", f"{association.id} has {VERSIONS_MAX} versions. Make a new association."
            )
        before = self._shelf.newest(association)
        version = requests.read("UpdateAssociation", request.params, association.version + 1, request.now, before.document)
        version.instance = before.instance
        document = self._checked(request, version)
        if document.kind != before.kind:
            raise AwsError("InvalidUpdate", f"{association.id} is for a document of type {before.kind}, not {document.kind}.")
        association.document_number = document.number
        association.version, association.updated = version.number, request.now
        association.status, association.detailed_status, association.counts = "Pending", "Creating", {}
        return {"AssociationDescription": self._begin(association, version)}

    def _checked(self, request: Request, version: VersionRecord) -> Document:
        """Return the document. Raises when it, its parameters, its targets or a role cannot be used."""
        document = self._documents.read(request.account, request.region, version.document, version.document_version)
        version.kind = document.kind
        targets.check(version)
        if version.output and document.kind == "Automation":
            # DEVIATES: AWS takes OutputLocation with a runbook, which writes nothing there; here it is refused by name.
            raise NotSupported("OutputLocation for runbooks", request.operation)
        branching = {version.target_parameter} | {name for one in version.target_maps for name in one}
        values.check(document.parameters, version.parameters, branching - {""}, automation=document.kind == "Automation")
        for role in (document.role(version.parameters), version.dispatch_role):
            if role:
                # AWS: user guide, automation-setup: whoever starts an automation with a role needs iam:PassRole on it.
                request.check(Access("iam:PassRole", role, context={"iam:PassedToService": SERVICE}))
        return document

    def _begin(self, association: AssociationRecord, version: VersionRecord) -> dict[str, Any]:
        self._shelf.keep(association)
        self._shelf.add_version(association, version)
        self._running.begin(association, version)
        return answers.description(association, version)

    def _update_status(self, request: Request) -> Output:
        params = request.params
        association = self._lookup.named(request, params["Name"], params["InstanceId"])
        status = params["AssociationStatus"]
        if association.legacy_status.get("Name") == status["Name"]:
            raise AwsError("StatusUnchanged", f"The association of {params['Name']} is {status['Name']} already.")
        association.legacy_status = dict(status)
        self._shelf.keep(association)
        return {"AssociationDescription": answers.description(association, self._shelf.newest(association))}

    def _delete(self, request: Request) -> Output:
        association = self._lookup.asked(request)
        self._running.stop(association)
        self._shelf.drop(association)
        return {}

    def _start_once(self, request: Request) -> Output:
        for association in [self._lookup.find(request, one) for one in request.params["AssociationIds"]]:
            self._running.run_soon(association)
        return {}
