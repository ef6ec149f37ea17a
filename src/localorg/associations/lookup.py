"""Finding the association that a call means, by id or by the legacy pair of document and node, and who may touch it."""

from localorg.associations.records import AssociationRecord, ExecutionRecord, Shelf
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Request
from localorg.protocol.tagging import TAGS_MAX


class Lookup:
    """Names of associations."""

    def __init__(self, shelf: Shelf, partition: str) -> None:
        self._shelf = shelf
        self._partition = partition

    def arn(self, request: Request, association_id: str) -> str:
        """Return the ARN of an association of the caller's account."""
        return str(Arn(self._partition, "ssm", request.region, request.account, f"association/{association_id}"))

    def node_arn(self, request: Request, node: str) -> str:
        """Return the ARN of a managed node of the caller's account."""
        service, kind = ("ssm", "managed-instance") if node.startswith("mi-") else ("ec2", "instance")
        return str(Arn(self._partition, service, request.region, request.account, f"{kind}/{node}"))

    def access(self, request: Request) -> list[Access]:
        """Return what a caller must be allowed who names one association."""
        action = f"ssm:{request.operation}"
        if request.params.get("AssociationId"):
            return [Access(action, self.arn(request, request.params["AssociationId"]))]
        # AWS: user guide, systems-manager-state-manager-iam: legacy associations are known by document and node.
        return [Access(action, self.node_arn(request, request.params.get("InstanceId") or "*"))]

    def asked(self, request: Request) -> AssociationRecord:
        """Return the association that a call names in either way. Raises AssociationDoesNotExist, ValidationException."""
        params = request.params
        if params.get("AssociationId"):
            return self.find(request, params["AssociationId"])
        if not params.get("Name") or not params.get("InstanceId"):
            raise AwsError("ValidationException", f"{request.operation} needs AssociationId, or Name and InstanceId.")
        return self.named(request, params["Name"], params["InstanceId"])

    def find(self, request: Request, association_id: str) -> AssociationRecord:
        """Return an association by id. Raises AssociationDoesNotExist."""
        found = self._shelf.associations.get(request.account, request.region, association_id)
        if found is None:
            raise AwsError(
                "AssociationDoesNotExist", f"{request.account} has no association {association_id} in {request.region}."
            )
        return found

    def named(self, request: Request, name: str, node: str) -> AssociationRecord:
        """Return a legacy association. Raises AssociationDoesNotExist."""
        found = self.legacy(request, name, node)
        if found is None:
            raise AwsError(
                "AssociationDoesNotExist", f"{name} is not associated with {node} in {request.account} {request.region}."
            )
        return found

    def legacy(self, request: Request, name: str, node: str) -> AssociationRecord | None:
        """Return the association of a document with a node, or None."""
        for association in self._shelf.associations.values(request.account, request.region):
            version = self._shelf.newest(association)
            if version.instance == node and version.document == name:
                return association
        return None

    def execution(self, association: AssociationRecord, execution_id: str) -> ExecutionRecord:
        """Return an execution. Raises AssociationExecutionDoesNotExist."""
        found = self._shelf.execution(association, execution_id)
        if found is None:
            raise AwsError("AssociationExecutionDoesNotExist", f"{association.id} has no execution {execution_id}.")
        return found


class AssociationTags:
    """Who keeps the tags of associations, for Systems Manager's tag operations (a TagHolder)."""

    limit = TAGS_MAX

    def __init__(self, shelf: Shelf, lookup: Lookup) -> None:
        self._shelf = shelf
        self._lookup = lookup

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN of an association."""
        return self._lookup.arn(request, resource_id)

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return an association's tags. Raises InvalidResourceId."""
        return self._tagged(request, resource_id).tags

    def names(self, request: Request) -> list[str]:
        """Return the ids of the caller's associations, in order."""
        return [name for _, _, name in self._shelf.associations.sorted_keys(request.account, request.region)]

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace an association's tags."""
        association = self._tagged(request, resource_id)
        association.tags = tags
        self._shelf.keep(association)

    def _tagged(self, request: Request, association_id: str) -> AssociationRecord:
        found = self._shelf.associations.get(request.account, request.region, association_id)
        if found is None:
            raise AwsError("InvalidResourceId", f"{request.account} has no association {association_id} in {request.region}.")
        return found
