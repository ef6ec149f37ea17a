"""Reading Parameter Store: GetParameter(s), GetParametersByPath, DescribeParameters, GetParameterHistory.

Rules: a name may carry a version (`name:3`) or be an ARN of the caller's own account; nothing here changes a row.
"""

from typing import Any

from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.paging import page, page_of
from localorg.parameters import filters, names
from localorg.parameters.records import Drawer, ParameterRecord, ParameterVersion
from localorg.protocol.calls import Access, Operation, Output, Request

PAGE, PATH_PAGE = 50, 10
"""AWS: API MaxResults of each operation, its maximum. # ASSUMED: also the size of a page when nothing is said."""

PUBLIC = "/aws"
"""Where AWS's public parameters and the way to Secrets Manager lie."""
REFUSED = ("Shared",)
"""Parameters of DescribeParameters that are refused."""


class Reading:
    """The operations that read."""

    def __init__(self, drawer: Drawer, partition: str) -> None:
        self._drawer = drawer
        self._partition = partition

    def operations(self) -> list[Operation]:
        """Return the operations that read."""
        return [
            Operation("ssm", "GetParameter", self._get, self.access_by_name),
            Operation("ssm", "GetParameters", self._get_several, self.access_by_names),
            Operation("ssm", "GetParametersByPath", self._by_path, self._path_access),
            Operation("ssm", "GetParameterHistory", self._history, self.access_by_name),
            # AWS: Service Authorization Reference: DescribeParameters knows no resource.
            Operation("ssm", "DescribeParameters", self._describe),
        ]

    def arn_of(self, request: Request, name: str) -> str:
        """Return the ARN that a policy must allow for `name`, with a version or as an ARN; the version is no part of it."""
        given, wanted = parse_arn(name), names.wanted(name)
        plain = wanted.name if wanted else name.strip()
        if given is not None:
            return names.arn(given.partition, given.region, given.account, plain)
        return names.arn(self._partition, request.region, request.account, plain)

    def access_by_name(self, request: Request) -> list[Access]:
        """Return what an operation on `Name` needs."""
        return [Access(f"ssm:{request.operation}", self.arn_of(request, request.params["Name"]))]

    def access_by_names(self, request: Request) -> list[Access]:
        """Return what an operation on `Names` needs: every one of them."""
        return [Access(f"ssm:{request.operation}", self.arn_of(request, name)) for name in request.params["Names"]]

    def _path_access(self, request: Request) -> list[Access]:
        # AWS: API GetParametersByPath: who may read a path may read all levels below it, whatever is said of those.
        path = request.params["Path"].rstrip("/") or "/"
        return [Access("ssm:GetParametersByPath", names.arn(self._partition, request.region, request.account, path))]

    def find(self, request: Request, name: str) -> tuple[ParameterRecord, ParameterVersion, names.Wanted]:
        """Return a parameter, the version that is meant, and how it was asked for. Raises ParameterNotFound."""
        given, wanted = parse_arn(name), names.wanted(name)
        refuse_public(wanted.name if wanted else name, request.operation)
        if given is not None and given.account != request.account:
            raise NotSupported("parameters that another account shares", request.operation)
        is_elsewhere = given is not None and given.region != request.region
        record = self._drawer.get(request.account, request.region, wanted.name) if wanted and not is_elsewhere else None
        if record is None or wanted is None:
            raise AwsError("ParameterNotFound", f"Parameter {name} not found.")
        if not wanted.selector:
            return record, self._drawer.latest(record), wanted
        for version in self._drawer.versions_of(record):
            if wanted.selector in (str(version.number), *version.labels):
                return record, version, wanted
        raise AwsError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version {wanted.selector} of {record.name}. Verify the version and try again.",
        )

    def _get(self, request: Request) -> Output:
        return {"Parameter": self._shown(*self.find(request, request.params["Name"]))}

    def _get_several(self, request: Request) -> Output:
        asked = request.params["Names"]
        if len(set(asked)) != len(asked):
            raise AwsError("ValidationException", "Names must be unique: one of them is given twice.")
        shown, invalid = [], []
        for name in sorted(asked):
            try:
                shown.append(self._shown(*self.find(request, name)))
            except AwsError as refusal:
                if refusal.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                    raise
                invalid.append(name)
        return {"Parameters": shown, "InvalidParameters": invalid}

    def _by_path(self, request: Request) -> Output:
        params = request.params
        names.check_path(params["Path"])
        refuse_public(params["Path"], request.operation)
        tests = filters.tests(params, request.operation)
        rows = [
            (record, version)
            for record, version in self._newest(request)
            if filters.lies_under(record.name, params["Path"], is_recursive=params.get("Recursive", False))
            and all(test(record, version) for test in tests)
        ]
        chosen, more = self._cut(request, rows, PATH_PAGE)
        return {"Parameters": [self._shown(record, version, names.Wanted(record.name)) for record, version in chosen], **more}

    def _describe(self, request: Request) -> Output:
        params = request.params
        for name in REFUSED:
            if params.get(name):
                raise NotSupported(f"the parameter {name}", "DescribeParameters")
        tests = filters.tests(params, request.operation)
        rows = [row for row in self._newest(request) if all(test(*row) for test in tests)]
        chosen, more = self._cut(request, rows, PAGE)
        return {"Parameters": [{**_facts(*row), "ARN": self._arn(row[0])} for row in chosen], **more}

    def _history(self, request: Request) -> Output:
        record, _, _ = self.find(request, request.params["Name"])
        rows = [(record, version) for version in self._drawer.versions_of(record)]
        refusal = AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
        size = request.params.get("MaxResults", PAGE)
        chosen, token = page(rows, lambda row: str(row[1].number), size, request.params.get("NextToken"), refusal)
        shown = [{**_facts(*row), "Value": row[1].value, "Labels": row[1].labels} for row in chosen]
        return {"Parameters": shown, **({"NextToken": token} if token else {})}

    def _newest(self, request: Request) -> list[tuple[ParameterRecord, ParameterVersion]]:
        records = self._drawer.all_of(request.account, request.region)
        return [(record, self._drawer.latest(record)) for record in records]

    @staticmethod
    def _cut(
        request: Request, rows: list[tuple[ParameterRecord, ParameterVersion]], size: int
    ) -> tuple[list[tuple[ParameterRecord, ParameterVersion]], dict[str, str]]:
        refusal = AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
        limit, given = request.params.get("MaxResults", size), request.params.get("NextToken")
        chosen, token = page_of(request.operation, rows, lambda row: row[0].name, limit, given, refusal)
        return chosen, {"NextToken": token} if token else {}

    def _arn(self, record: ParameterRecord) -> str:
        return names.arn(self._partition, record.region, record.account, record.name)

    def _shown(self, record: ParameterRecord, version: ParameterVersion, wanted: names.Wanted) -> dict[str, Any]:
        answer = {
            "Name": record.name,
            "Type": record.type,
            "Value": version.value,
            "Version": version.number,
            "LastModifiedDate": version.modified,
            "ARN": self._arn(record),
            "DataType": version.data_type,
        }
        return {**answer, "Selector": f":{wanted.selector}"} if wanted.selector else answer


def refuse_public(name: str, operation: str) -> None:
    """Raise NotSupported for what lies under /aws: nobody can put it there, so "not found" would be an untruth about AWS."""
    # AWS: user guide, parameter-store-public-parameters and integration-ps-secretsmanager.
    if name.lower() == PUBLIC or name.lower().startswith(f"{PUBLIC}/"):
        raise NotSupported(f"what AWS itself offers in Parameter Store ({name}): public parameters, secrets", operation)


def _facts(record: ParameterRecord, version: ParameterVersion) -> dict[str, Any]:
    """Return what ParameterMetadata and ParameterHistory have alike."""
    optional = {"Description": version.description, "AllowedPattern": version.allowed_pattern}
    return {
        "Name": record.name,
        "Type": record.type,
        "LastModifiedDate": version.modified,
        "LastModifiedUser": version.user,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": [],
        "DataType": version.data_type,
        **{name: value for name, value in optional.items() if value},
    }
