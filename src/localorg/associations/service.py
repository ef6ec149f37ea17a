"""State Manager: the operations on associations, and who may call them.

Flow: CreateAssociation/UpdateAssociation -> schedule, document, parameters, iam:PassRole are checked -> a version in rows ->
`running` does the rest over time. The other operations only read rows.
Rules: Automation documents without targets; everything else that AWS takes is refused by name.
AWS: API *Association*; user guide, sysman-state-about; Service Authorization Reference, AWS Systems Manager.
"""

from localorg.associations import answers, listing, requests, values
from localorg.associations.ports import ServiceLinkedRole
from localorg.associations.records import ASSOCIATIONS_MAX, VERSIONS_MAX, AssociationRecord, ExecutionRecord, Shelf, VersionRecord
from localorg.associations.runbooks import Runbooks
from localorg.associations.running import AUTOMATION, DOCUMENT, ENGINE, SERVICE, Running
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.ids import uuid
from localorg.protocol.calls import Access, Operation, Output, Request
from localorg.protocol.gateway import Gateway


class Associations:
    """State Manager of every account and Region. `service_linked_role` gives AWSServiceRoleForAmazonSSM of an account."""

    def __init__(self, kernel: Kernel, gateway: Gateway, service_linked_role: ServiceLinkedRole) -> None:
        self._kernel = kernel
        self._shelf = Shelf(kernel.store)
        self._partition = kernel.settings.partition
        self._runbooks = Runbooks(gateway, self._partition)
        self._running = Running(kernel, gateway, self._shelf, self._runbooks, service_linked_role)
        kernel.on(ENGINE, self._running.handle)
        kernel.subscribe(AUTOMATION, ENGINE)
        kernel.subscribe(DOCUMENT, ENGINE)

    def resume(self) -> None:
        """After a restart: look after the runs that were going on."""
        self._running.resume()

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "CreateAssociation", self._create, self._creation_access),
            Operation("ssm", "UpdateAssociation", self._update, self._update_access),
            Operation("ssm", "DescribeAssociation", self._describe, self._access),
            Operation("ssm", "DeleteAssociation", self._delete, self._access),
            Operation("ssm", "ListAssociations", self._list),
            Operation("ssm", "ListAssociationVersions", self._list_versions, self._access),
            Operation("ssm", "StartAssociationsOnce", self._start_once, self._start_access),
            Operation("ssm", "DescribeAssociationExecutions", self._describe_executions, self._access),
            Operation("ssm", "DescribeAssociationExecutionTargets", self._describe_targets, self._access),
        ]

    # Who may

    def _creation_access(self, request: Request) -> list[Access]:
        # ASSUMED: the document only; an association that is not there yet has no ARN that a policy could name.
        return [Access("ssm:CreateAssociation", self._runbooks.arn(request.account, request.region, request.params["Name"]))]

    def _update_access(self, request: Request) -> list[Access]:
        own = self._access(request)
        version = self._shelf.newest(self._find(request, request.params["AssociationId"]))
        name = request.params.get("Name") or version.document
        document = Access("ssm:UpdateAssociation", self._runbooks.arn(request.account, request.region, name))
        # AWS: API UpdateAssociation: the caller "must be granted permission to call the DescribeAssociation API operation".
        return [*own, document, Access("ssm:DescribeAssociation", own[0].resource)]

    def _access(self, request: Request) -> list[Access]:
        if not request.params.get("AssociationId"):
            raise NotSupported("naming an association by Name and InstanceId", request.operation)
        return [Access(f"ssm:{request.operation}", self._arn(request, request.params["AssociationId"]))]

    def _start_access(self, request: Request) -> list[Access]:
        return [Access("ssm:StartAssociationsOnce", self._arn(request, one)) for one in request.params["AssociationIds"]]

    def _arn(self, request: Request, association_id: str) -> str:
        return str(Arn(self._partition, "ssm", request.region, request.account, f"association/{association_id}"))

    # Changes

    def _create(self, request: Request) -> Output:
        version = requests.read("CreateAssociation", request.params, 1, request.now, request.params["Name"])
        if len(self._shelf.associations.values(request.account, request.region)) >= ASSOCIATIONS_MAX:
            raise AwsError(
                "AssociationLimitExceeded",
                f"{request.account} has {ASSOCIATIONS_MAX} associations in {request.region}. Delete some.",
            )
        number = self._check_document(request, version)
        association = AssociationRecord(request.account, request.region, uuid(self._kernel.dice), request.now, request.now)
        association.document_number = number
        return self._begin(association, version)

    def _update(self, request: Request) -> Output:
        association = self._find(request, request.params["AssociationId"])
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
        document = self._shelf.newest(association).document
        version = requests.read("UpdateAssociation", request.params, association.version + 1, request.now, document)
        association.document_number = self._check_document(request, version)
        association.version, association.updated = version.number, request.now
        association.status, association.detailed_status, association.counts = "Pending", "Creating", {}
        return self._begin(association, version)

    def _check_document(self, request: Request, version: VersionRecord) -> str:
        """Raise when the document, its parameters or its role cannot be used; return the version number that it means now."""
        runbook = self._runbooks.read(request.account, request.region, version.document, version.document_version)
        values.check(runbook.parameters, version.parameters)
        role = runbook.role(version.parameters)
        if role:
            # AWS: user guide, automation-setup: whoever starts an automation with a role needs iam:PassRole on it.
            request.check(Access("iam:PassRole", role, context={"iam:PassedToService": SERVICE}))
        return runbook.number

    def _begin(self, association: AssociationRecord, version: VersionRecord) -> Output:
        self._shelf.keep(association)
        self._shelf.add_version(association, version)
        self._running.begin(association, version)
        return {"AssociationDescription": answers.description(association, version)}

    def _delete(self, request: Request) -> Output:
        association = self._find(request, request.params["AssociationId"])
        self._running.stop(association)
        self._shelf.drop(association)
        return {}

    def _start_once(self, request: Request) -> Output:
        for association in [self._find(request, one) for one in request.params["AssociationIds"]]:
            self._running.run_soon(association)
        return {}

    # Reading

    def _describe(self, request: Request) -> Output:
        association = self._find(request, request.params["AssociationId"])
        wanted = request.params.get("AssociationVersion", "$LATEST")
        version = self._shelf.version(association, 0 if wanted == "$LATEST" else int(wanted))
        if version is None:
            raise AwsError(
                "InvalidAssociationVersion", f"{association.id} has versions 1 to {association.version}, not {wanted}."
            )
        return {"AssociationDescription": answers.description(association, version)}

    def _list(self, request: Request) -> Output:
        tests = listing.association_tests(request.params.get("AssociationFilterList") or [])
        found = [(one, self._shelf.newest(one)) for one in self._shelf.associations.values(request.account, request.region)]
        wanted = [(association, version) for association, version in found if all(test(association, version) for test in tests)]
        chosen, more = listing.cut(wanted, lambda row: row[0].id, request.params)
        return {"Associations": [answers.summary(association, version) for association, version in chosen], **more}

    def _list_versions(self, request: Request) -> Output:
        association = self._find(request, request.params["AssociationId"])
        versions = self._shelf.versions_of(association)
        chosen, more = listing.cut(versions, lambda version: str(version.number), request.params)
        return {"AssociationVersions": [answers.version_info(association, version) for version in chosen], **more}

    def _describe_executions(self, request: Request) -> Output:
        association = self._find(request, request.params["AssociationId"])
        tests = listing.execution_tests(request.params.get("Filters") or [])
        found = [record for record in self._shelf.executions_of(association) if all(test(record) for test in tests)]
        chosen, more = listing.cut(found, lambda record: record.id, request.params)
        return {"AssociationExecutions": [answers.execution(record) for record in chosen], **more}

    def _describe_targets(self, request: Request) -> Output:
        association = self._find(request, request.params["AssociationId"])
        execution = self._execution(association, request.params["ExecutionId"])
        shown = listing.targets([answers.target(execution)], request.params.get("Filters") or [])
        return {"AssociationExecutionTargets": shown}

    def _execution(self, association: AssociationRecord, execution_id: str) -> ExecutionRecord:
        found = self._shelf.executions.get(association.account, association.region, association.id, execution_id)
        if found is None:
            raise AwsError("AssociationExecutionDoesNotExist", f"{association.id} has no execution {execution_id}.")
        return found

    def _find(self, request: Request, association_id: str) -> AssociationRecord:
        found = self._shelf.associations.get(request.account, request.region, association_id)
        if found is None:
            raise AwsError(
                "AssociationDoesNotExist", f"{request.account} has no association {association_id} in {request.region}."
            )
        return found
