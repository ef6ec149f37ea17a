"""What people ask of associations: descriptions, lists, versions, executions and their targets. Reads rows only."""

from localorg.associations import answers, listing
from localorg.associations.lookup import Lookup
from localorg.associations.records import Shelf
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Operation, Output, Request


class Reading:
    """The operations that change nothing."""

    def __init__(self, shelf: Shelf, lookup: Lookup) -> None:
        self._shelf = shelf
        self._lookup = lookup

    def operations(self) -> list[Operation]:
        """Return them."""
        access = self._lookup.access
        return [
            Operation("ssm", "DescribeAssociation", self._describe, access),
            Operation("ssm", "ListAssociations", self._list),
            Operation("ssm", "ListAssociationVersions", self._list_versions, access),
            Operation("ssm", "DescribeAssociationExecutions", self._describe_executions, access),
            Operation("ssm", "DescribeAssociationExecutionTargets", self._describe_targets, access),
        ]

    def _describe(self, request: Request) -> Output:
        association = self._lookup.asked(request)
        wanted = request.params.get("AssociationVersion", "$LATEST")
        version = self._shelf.version(association, 0 if wanted == "$LATEST" else int(wanted[:18]))
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
        association = self._lookup.find(request, request.params["AssociationId"])
        versions = self._shelf.versions_of(association)
        chosen, more = listing.cut(versions, lambda version: str(version.number), request.params)
        return {"AssociationVersions": [answers.version_info(association, version) for version in chosen], **more}

    def _describe_executions(self, request: Request) -> Output:
        association = self._lookup.find(request, request.params["AssociationId"])
        tests = listing.execution_tests(request.params.get("Filters") or [])
        found = [record for record in self._shelf.executions_of(association) if all(test(record) for test in tests)]
        chosen, more = listing.cut(found, lambda record: record.id, request.params)
        return {"AssociationExecutions": [answers.execution(record) for record in chosen], **more}

    def _describe_targets(self, request: Request) -> Output:
        association = self._lookup.find(request, request.params["AssociationId"])
        execution = self._lookup.execution(association, request.params["ExecutionId"])
        shown = [answers.target(execution, one) for one in self._shelf.targets_of(association, execution.id)]
        wanted = listing.targets(shown, request.params.get("Filters") or [])
        chosen, more = listing.cut(wanted, lambda one: str(one["ResourceId"]), request.params)
        return {"AssociationExecutionTargets": chosen, **more}
