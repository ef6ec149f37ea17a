"""The Parameter Store engine: what changes parameters, and the operations that it offers.

Flow: PutParameter -> `names`, `values` -> a new version, published as "parameter.changed" {account, region, name, exists}. Reading is in
`reading`. Whoever needs a value ({{ssm:name}} in documents and runbooks) calls GetParameters through the gateway.
Rules: a new version never changes an old one; the name, the type and what was Advanced stay.
"""

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.parameters import names, values
from localorg.parameters.labels import Labels
from localorg.parameters.reading import Reading
from localorg.parameters.records import ADVANCED_MAX, STANDARD_MAX, VERSIONS_KEPT, Drawer, ParameterRecord, ParameterVersion
from localorg.protocol.calls import Access, Operation, Output, Request
from localorg.protocol.tagging import TAGS_MAX, TagHolder, first_tags


class Parameters:
    """Parameters of every account and Region; also who keeps their tags (a TagHolder)."""

    limit = TAGS_MAX

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._drawer = Drawer(kernel.store)
        self._reading = Reading(self._drawer, kernel.settings.partition)

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "PutParameter", self._put, self._put_access),
            Operation("ssm", "DeleteParameter", self._delete, self._reading.access_by_name),
            Operation("ssm", "DeleteParameters", self._delete_several, self._reading.access_by_names),
            *self._reading.operations(),
            *Labels(self._drawer, self._reading).operations(),
        ]

    def tagged(self) -> dict[str, TagHolder]:
        """Return who keeps the tags of parameters, for the tag operations."""
        return {"Parameter": self}

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN of a parameter, which tags name by its name."""
        return self._reading.arn_of(request, resource_id)

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return a parameter's tags. Raises InvalidResourceId."""
        return self._tagged(request, resource_id).tags

    def names(self, request: Request) -> list[str]:
        """Return the names of the caller's parameters, in order."""
        return [name for _, _, name in self._drawer.parameters.sorted_keys(request.account, request.region)]

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace a parameter's tags."""
        record = self._tagged(request, resource_id)
        record.tags = tags
        self._drawer.keep(record)

    def _tagged(self, request: Request, name: str) -> ParameterRecord:
        record = self._drawer.get(request.account, request.region, name)
        if record is None:
            raise AwsError("InvalidResourceId", f"{request.account} has no parameter {name} in {request.region}.")
        return record

    def _put_access(self, request: Request) -> list[Access]:
        accesses = self._reading.access_by_name(request)
        if request.params.get("Tags"):
            accesses.append(Access("ssm:AddTagsToResource", accesses[0].resource))
        return accesses

    def _put(self, request: Request) -> Output:
        params = request.params
        name = params["Name"].strip()
        values.refuse_unsupported(params)
        names.check_new(name, len(self._reading.arn_of(request, name)))
        record = self._drawer.get(request.account, request.region, name)
        if params.get("Tags") and params.get("Overwrite"):
            raise AwsError(
                "ValidationException",
                "Invalid request: tags and overwrite can't be used together. Tags of an existing parameter are changed with "
                "AddTagsToResource and RemoveTagsFromResource.",
            )
        version = self._changed(request, record) if record else self._first(request)
        record = record or ParameterRecord(
            request.account, request.region, name, params["Type"], tags=first_tags(params.get("Tags"), TAGS_MAX)
        )
        record.last_number = version.number
        self._drawer.keep(record, version)
        self._publish(record)
        return {"Version": version.number, "Tier": version.tier}

    def _first(self, request: Request) -> ParameterVersion:
        params = request.params
        if "Type" not in params:
            raise AwsError("ValidationException", "A parameter type is required when you create a parameter.")
        version = self._version(request, None, 1)
        others = self._drawer.all_of(request.account, request.region)
        alike = sum(self._drawer.latest(other).tier == version.tier for other in others)
        limit = ADVANCED_MAX if version.tier == "Advanced" else STANDARD_MAX
        if alike >= limit:
            raise AwsError(
                "ParameterLimitExceeded",
                f"{request.account} has {alike} {version.tier} parameters in {request.region}; more are not possible.",
            )
        return version

    def _changed(self, request: Request, record: ParameterRecord) -> ParameterVersion:
        if not request.params.get("Overwrite"):
            raise AwsError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            )
        kind = request.params.get("Type", record.type)
        if kind != record.type:
            raise AwsError(
                "HierarchyTypeMismatchException", f"{record.name} is of type {record.type}, which cannot be changed to {kind}."
            )
        self._check_oldest(record)
        return self._version(request, self._drawer.latest(record), record.last_number + 1)

    def _check_oldest(self, record: ParameterRecord) -> None:
        """Raise when the version that would fall away has a label. AWS: API ParameterMaxVersionLimitExceeded, with these words."""
        versions = self._drawer.versions_of(record)
        if len(versions) >= VERSIONS_KEPT and versions[0].labels:
            raise AwsError(
                "ParameterMaxVersionLimitExceeded",
                f"You attempted to create a new version of {record.name} by calling the PutParameter API with the overwrite flag. "
                f"Version {versions[0].number}, the oldest version, can't be deleted because it has a label associated with it. "
                "Move the label to another version of the parameter, and try again.",
            )

    @staticmethod
    def _version(request: Request, former: ParameterVersion | None, number: int) -> ParameterVersion:
        params = request.params
        # ASSUMED: a description and a pattern that are not given again stay as they were.
        pattern = params.get("AllowedPattern", former.allowed_pattern if former else "")
        values.check_value(params["Value"], pattern)
        return ParameterVersion(
            number=number,
            value=params["Value"],
            modified=request.now,
            user=request.principal.arn,
            tier=values.tier_for(params.get("Tier"), params["Value"], former),
            data_type=params.get("DataType", values.DATA_TYPE),
            description=params.get("Description", former.description if former else ""),
            allowed_pattern=pattern,
        )

    def _delete(self, request: Request) -> Output:
        name = request.params["Name"].strip()
        record = self._drawer.get(request.account, request.region, name)
        if record is None:
            raise AwsError("ParameterNotFound", f"Parameter {name} not found.")
        self._drop(record)
        return {}

    def _delete_several(self, request: Request) -> Output:
        found = {name: self._drawer.get(request.account, request.region, name.strip()) for name in request.params["Names"]}
        for record in found.values():
            if record is not None:
                self._drop(record)
        return {
            "DeletedParameters": [name for name, record in found.items() if record],
            "InvalidParameters": [name for name, record in found.items() if not record],
        }

    def _drop(self, record: ParameterRecord) -> None:
        self._drawer.drop(record)
        self._publish(record, exists=False)

    def _publish(self, record: ParameterRecord, *, exists: bool = True) -> None:
        place = {"account": record.account, "region": record.region}
        self._kernel.publish("parameter.changed", {**place, "name": record.name, "exists": exists})
