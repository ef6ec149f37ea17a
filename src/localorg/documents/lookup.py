"""From the name in a request to the document and version that this caller may see.

Flow: name or ARN -> owner (own account, AWS, or another account by ARN) -> visible versions -> the one that is asked for.
Rules: a document of another account that is not shared does not exist for the caller (InvalidDocument), a version that is not
shared neither (InvalidDocumentVersion). Without a version, the default one is meant. # AWS: API GetDocument, DescribeDocument
Refuses to know: IAM. The gateway has already asked whether the caller may do this to `arn_of` at all.
"""

from dataclasses import dataclass
from typing import Any

from localorg.documents.records import DocumentRecord, Shelf, VersionRecord
from localorg.documents.sharing import visible
from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Request

RESOURCE = "document/"


@dataclass(frozen=True)
class Found:
    """A document as one caller sees it: `versions` are those that are visible, oldest first; `is_own` says who asks."""

    document: DocumentRecord
    versions: list[VersionRecord]
    is_own: bool
    shown_name: str
    owner: str


class Lookup:
    """Finds documents for a caller, among the account's own, those of AWS, and what others share."""

    def __init__(self, shelf: Shelf, aws_owned: dict[str, tuple[DocumentRecord, VersionRecord]], partition: str) -> None:
        self._shelf = shelf
        self._aws_owned = aws_owned
        self._partition = partition

    def arn_of(self, request: Request, name: str) -> str:
        """Return the ARN that a policy must allow for `name` (a name or already an ARN)."""
        if name.startswith("arn:"):
            return name
        # AWS: Service Authorization Reference; documents of AWS have no account in their ARN.
        account = "" if name in self._aws_owned else request.account
        return self.arn(request.region, account, name)

    def arn(self, region: str, account: str, name: str) -> str:
        """Return the ARN of a document."""
        return str(Arn(self._partition, "ssm", region, account, RESOURCE + name))

    def access(self, request: Request) -> list[Access]:
        """Return what a caller needs for an operation on the document `Name`: the action of that name on its ARN."""
        return [Access(f"ssm:{request.operation}", self.arn_of(request, request.params["Name"]))]

    def own(self, request: Request, name: str) -> DocumentRecord:
        """Return the caller's own document. Raises InvalidDocument."""
        document = self._shelf.documents.get(request.account, request.region, name)
        if document is None:
            raise self._absent(request, name)
        return document

    def find(self, request: Request, name: str) -> Found:
        """Return what the caller sees of `name`. Raises InvalidDocument."""
        arn = parse_arn(name)
        plain, account = name, request.account
        if arn is not None:
            here = arn.partition == self._partition and arn.service == "ssm" and arn.region == request.region
            if not here or not arn.resource.startswith(RESOURCE):
                raise AwsError("InvalidDocument", f"{name} is no ARN of a document in {request.region}; documents are Regional.")
            plain, account = arn.resource.removeprefix(RESOURCE), arn.account
        # One document, one ARN: policies are judged on the ARN as it is given, so another spelling of it must lead nowhere.
        if plain in self._aws_owned and account == ("" if arn else request.account):
            return self._of_aws(plain)
        held = self._shelf.documents.get(account, request.region, plain)
        if held is None:
            raise self._absent(request, name)
        found = self.as_seen_by(request.account, held)
        if found is None:
            raise self._absent(request, name)
        return found

    def as_seen_by(self, account: str, document: DocumentRecord) -> Found | None:
        """Return what `account` sees of `document`, or None when that is nothing."""
        versions = self._shelf.versions_of(document)
        if document.account == account:
            return Found(document, versions, is_own=True, shown_name=document.name, owner=account)
        seen = visible(document.shares, account, [version.number for version in versions], document.default_version)
        if not seen:
            return None
        return Found(
            document,
            [version for version in versions if version.number in seen],
            is_own=False,
            # Observed by the agent's source (documentarchive): the name of a shared document is its ARN.
            shown_name=self.arn(document.region, document.account, document.name),
            owner=document.account,
        )

    def everything(self, request: Request) -> list[Found]:
        """Return every document that the caller sees in this Region: its own, those of AWS, and shared ones."""
        held = [document for key, document in self._shelf.documents.items() if key[1] == request.region]
        seen = [self.as_seen_by(request.account, document) for document in held]
        return [self._of_aws(name) for name in self._aws_owned] + [found for found in seen if found is not None]

    def shown_version(self, found: Found) -> VersionRecord:
        """Return the version that a listing shows: the default, or else the newest that the caller sees."""
        default = [version for version in found.versions if version.number == found.document.default_version]
        return (default or found.versions)[-1]

    def _of_aws(self, name: str) -> Found:
        document, version = self._aws_owned[name]
        return Found(document, [version], is_own=False, shown_name=name, owner=document.account)

    def choose(self, found: Found, params: dict[str, Any]) -> VersionRecord:
        """Return the version that DocumentVersion and VersionName mean. Raises InvalidDocumentVersion."""
        wanted, version_name = params.get("DocumentVersion"), params.get("VersionName")
        candidates = found.versions
        if version_name is not None:
            candidates = [version for version in candidates if version.version_name == version_name]
        number = self._number(found, wanted, is_named=version_name is not None)
        if number is not None:
            candidates = [version for version in candidates if version.number == number]
        if len(candidates) == 1:
            return candidates[0]
        asked = " ".join(filter(None, [wanted, version_name and f"VersionName {version_name}"])) or "the default version"
        there = ", ".join(str(version.number) for version in found.versions)
        raise AwsError("InvalidDocumentVersion", f"{found.shown_name} has no version {asked} for you; you may see {there}.")

    def _number(self, found: Found, wanted: str | None, *, is_named: bool) -> int | None:
        match wanted:
            case None if is_named:
                return None
            case None | "$DEFAULT":
                return found.document.default_version
            case "$LATEST":
                return self.latest_number(found)
            case _:
                return int(wanted[:18])  # no document has so many versions; Python reads no number of thousands of digits

    def latest_number(self, found: Found) -> int:
        """Return the newest number that exists, which a consumer of the default version may not see."""
        return max((version.number for version in self._shelf.versions_of(found.document)), default=found.versions[-1].number)

    @staticmethod
    def _absent(request: Request, name: str) -> AwsError:
        return AwsError(
            "InvalidDocument",
            f"Document with name {name} does not exist in {request.region} for account {request.account}. "
            "A document of another account needs its ARN, and must be shared in this Region.",
        )
