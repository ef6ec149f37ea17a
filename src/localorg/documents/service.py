"""The documents engine: what changes documents, and the operations of the API that it offers.

Flow: CreateDocument/UpdateDocument -> `content.Examiner` (all problems at once) -> rows -> `copying` -> Active | Failed. Every change
is published as "document.changed" {account, region, name}. Reading is in `reading`, sharing and tags are in `owning`.
Rules: a change concerns the caller's own documents only; versions count up and are never used twice; content never changes.
Refuses to know: nodes, runbook actions (`check_runbook` is a port), and S3 (asked through the gateway, under the caller).
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from localorg.documents import answers, sources
from localorg.documents.aws_owned import OWNER, contents
from localorg.documents.calendars import Calendars
from localorg.documents.content import Examiner, Facts, RunbookCheck, content_hash
from localorg.documents.copying import ENGINE, Copying, files_by_name
from localorg.documents.lookup import Lookup
from localorg.documents.names import check_name
from localorg.documents.owning import Owning
from localorg.documents.reading import Reading
from localorg.documents.records import (
    DOCUMENTS_MAX,
    VERSIONS_MAX,
    VERSIONS_MAX_OTHERS,
    AttachmentRecord,
    DocumentRecord,
    Shelf,
    VersionRecord,
)
from localorg.documents.sources import Sources
from localorg.kernel.blobs import Blobs
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Kernel
from localorg.kernel.settings import Settings
from localorg.protocol.calls import Access, Operation, Output, Request
from localorg.protocol.gateway import Gateway
from localorg.protocol.partitions import partition
from localorg.protocol.tagging import TAGS_MAX, TagHolder, first_tags

AWS_OWNED_CREATED = 1_483_228_800.0
"""When AWS's own documents say they were made: 2017-01-01. # ASSUMED: the real dates differ by Region."""


class Documents:
    """Systems Manager documents of every account and Region.

    `check_runbook` takes an Automation document as a dict and returns a sentence per thing that Automation cannot run;
    `random_bytes` makes the key of download addresses.
    """

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        blobs: Blobs,
        check_runbook: RunbookCheck,
        *,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._kernel = kernel
        self._examiner = Examiner(check_runbook)
        self._shelf = Shelf(kernel.store)
        self._lookup = Lookup(self._shelf, _aws_owned(kernel.settings), kernel.settings.partition)
        self._copying = Copying(kernel, gateway, self._shelf, blobs, self._publish)
        self._reading = Reading(kernel, self._shelf, self._lookup, blobs, random_bytes)
        self._owning = Owning(self._shelf, self._lookup, self._publish)
        kernel.on(ENGINE, self._copying.handle)

    def resume(self) -> None:
        """After a restart: go on copying what was being copied."""
        self._copying.resume()

    def download(self, path: str, query: Mapping[str, str], now: float) -> Path | bytes:
        """Answer the server's unsigned route /_attachments/...: a file, or its bytes. Raises AccessDenied (status 403)."""
        return self._reading.download(path, query, now)

    def tagged(self) -> dict[str, TagHolder]:
        """Return who keeps the tags of documents, for the tag operations."""
        return {"Document": self._owning}

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "CreateDocument", self._create, self._creation_access),
            *(
                Operation("ssm", name, handler, self._lookup.access)
                for name, handler in {
                    "UpdateDocument": self._update,
                    "UpdateDocumentDefaultVersion": self._update_default,
                    "DeleteDocument": self._delete,
                    **self._reading.handlers(),
                    **self._owning.handlers(),
                }.items()
            ),
            Operation("ssm", "ListDocuments", self._reading.list_documents),
            *Calendars(self._lookup).operations(),
        ]

    def _creation_access(self, request: Request) -> list[Access]:
        accesses = self._lookup.access(request)
        if request.params.get("Tags"):
            # ASSUMED: as with other resources, tags at creation need the right to tag.
            accesses.append(Access("ssm:AddTagsToResource", accesses[0].resource))
        return accesses

    def _create(self, request: Request) -> Output:
        params = request.params
        name, kind = params["Name"], params.get("DocumentType", "Command")
        check_name(name)
        if params.get("Requires"):
            raise NotSupported("the parameter Requires", "CreateDocument")
        facts = self._examine(request, kind)
        found = self._sources(request, facts)
        key = (request.account, request.region, name)
        if key in self._shelf.documents:
            raise AwsError(
                "DocumentAlreadyExists", f"Document with same name {name} already exists. UpdateDocument adds a version."
            )
        if len(self._shelf.documents.values(request.account, request.region)) >= DOCUMENTS_MAX:
            raise AwsError(
                "DocumentLimitExceeded", f"{request.account} has {DOCUMENTS_MAX} documents in {request.region}. Delete some."
            )
        document = DocumentRecord(
            request.account, request.region, name, kind, request.now, tags=first_tags(params.get("Tags"), TAGS_MAX)
        )
        return self._add_version(request, document, facts, found)

    def _update(self, request: Request) -> Output:
        params = request.params
        document = self._lookup.own(request, params["Name"])
        latest = self._shelf.latest(document)
        base = params.get("DocumentVersion", "$LATEST")
        # AWS: "supports updating only the latest version of the document". ASSUMED: left out means the latest.
        if base not in ("$LATEST", str(latest.number)):
            raise AwsError(
                "InvalidDocumentVersion",
                f"Only the latest version of {document.name} can be updated: pass $LATEST or {latest.number}, not {base}.",
            )
        facts = self._examine(request, document.type)
        _check_editable(document, latest, facts)
        found = self._sources(request, facts)
        self._check_new_version(document, latest, params["Content"], params.get("VersionName", ""))
        return self._add_version(request, document, facts, found)

    def _check_new_version(self, document: DocumentRecord, latest: VersionRecord, content: str, version_name: str) -> None:
        versions = self._shelf.versions_of(document)
        limit = VERSIONS_MAX.get(document.type, VERSIONS_MAX_OTHERS)
        if version_name and any(version.version_name == version_name for version in versions):
            raise AwsError("DuplicateDocumentVersionName", f"{document.name} already has a version named {version_name}.")
        compared = versions if self._kernel.settings.reading("duplicate-content") == "any" else [latest]
        same = next((version for version in compared if version.hash == content_hash(content)), None)
        if same:
            raise AwsError(
                "DuplicateDocumentContent", f"Version {same.number} of {document.name} has this content already. Change it."
            )
        if len(versions) >= limit:
            raise AwsError(
                "DocumentVersionLimitExceeded",
                f"{document.name} has {limit} versions, the most a {document.type} has. Delete some.",
            )

    def _examine(self, request: Request, kind: str) -> Facts:
        params = request.params
        form = params.get("DocumentFormat", "JSON")
        return self._examiner.examine(kind, params["Content"], form, params.get("VersionName", ""))

    def _sources(self, request: Request, facts: Facts) -> Sources:
        def reuse(name: str, number: str, file: str) -> AttachmentRecord | None:
            # ASSUMED: whoever reuses a file of a document must be allowed to read that document.
            request.check(Access("ssm:GetDocument", self._lookup.arn_of(request, name)))
            version = self._lookup.choose(self._lookup.find(request, name), {"DocumentVersion": number})
            return files_by_name(version).get(file) if version.status == "Active" else None

        return sources.attachments(request.params.get("Attachments") or [], facts.files, reuse, self._kernel.settings.partition)

    def _add_version(self, request: Request, document: DocumentRecord, facts: Facts, found: Sources) -> Output:
        params = request.params
        former = self._shelf.latest(document) if document.last_number else None
        document.last_number += 1
        version = VersionRecord(
            number=document.last_number,
            content=params["Content"],
            format=params.get("DocumentFormat", "JSON"),
            hash=content_hash(params["Content"]),
            created=request.now,
            settles=request.now + self._kernel.settings.document_creating_s,
            # AWS: aws CLI examples of create-document and update-document.
            status="Creating" if request.operation == "CreateDocument" else "Updating",
            version_name=params.get("VersionName", ""),
            # AWS: API UpdateDocumentRequest.DisplayName: without one, the existing value is applied. ASSUMED: so with TargetType.
            display_name=params.get("DisplayName", former.display_name if former else ""),
            target_type=params.get("TargetType", former.target_type if former else ""),
            schema_version=facts.schema_version,
            description=facts.description,
            parameters=facts.parameters,
            platform_types=facts.platform_types,
            attachments=list(found.records.values()),
            folders=found.folders,
            copier=request.principal if found.records or found.folders else None,
        )
        self._shelf.keep(document, version)
        self._copying.begin(document, version)
        self._publish(document)
        seen = self._lookup.find(request, document.name)
        return {"DocumentDescription": answers.description(seen, version, version.number)}

    def _update_default(self, request: Request) -> Output:
        document = self._lookup.own(request, request.params["Name"])
        version = self._lookup.choose(self._lookup.find(request, document.name), request.params)
        document.default_version = version.number
        self._shelf.keep(document)
        self._publish(document)
        shown = {"Name": document.name, "DefaultVersion": str(version.number)}
        if version.version_name:
            shown["DefaultVersionName"] = version.version_name
        return {"Description": shown}

    def _delete(self, request: Request) -> Output:
        params = request.params
        document = self._lookup.own(request, params["Name"])
        # AWS: API DeleteDocument, Force: for documents of type ApplicationConfigurationSchema, which do not exist here.
        # ASSUMED: associations outlive their document and fail when they run; AWS deletes those of managed nodes with it, and its
        # error AssociatedInstances contradicts that.
        is_one_version = bool(params.get("DocumentVersion") or params.get("VersionName"))
        version_may_go = is_one_version and self._kernel.settings.reading("shared-version-deletion") == "allowed"
        if document.shares and not version_may_go:
            raise AwsError(
                "InvalidDocumentOperation",
                f"{document.name} is shared with {len(document.shares)} accounts. You must stop sharing the document before you can "
                "delete it: ModifyDocumentPermission with AccountIdsToRemove.",
            )
        versions = self._shelf.versions_of(document)
        if is_one_version:
            chosen = self._lookup.choose(self._lookup.find(request, document.name), params)
            if chosen.number == document.default_version and len(versions) > 1:
                # ASSUMED: the error's name; the console does not offer to delete the default version.
                raise AwsError(
                    "InvalidDocumentOperation",
                    f"Version {chosen.number} is the default of {document.name}. Make another one the default first.",
                )
            versions = [chosen]
        self._shelf.drop(document, versions)
        self._publish(document)
        return {}

    def _publish(self, document: DocumentRecord) -> None:
        self._kernel.publish("document.changed", {"account": document.account, "region": document.region, "name": document.name})


def _check_editable(document: DocumentRecord, latest: VersionRecord, facts: Facts) -> None:
    """Raise InvalidDocumentSchemaVersion for a Command document of schema 1.2, which has no second version.

    AWS: user guide, documents-schemas-features: with schema 1.2 a change must be saved as a document of another name.
    """
    old = [one.schema_version for one in (latest, facts) if document.type == "Command" and one.schema_version.startswith("1.")]
    if old:
        raise AwsError(
            "InvalidDocumentSchemaVersion",
            f"{document.name} cannot be updated: documents of schema {old[0]} have one version. Use schema 2.2, or another name.",
        )


def _aws_owned(settings: Settings) -> dict[str, tuple[DocumentRecord, VersionRecord]]:
    examiner = Examiner(lambda _runbook: [])
    owned = {}
    for name, content in contents(settings.reading("download-folder-step"), partition(settings.partition).dns_suffix).items():
        facts = examiner.examine("Command", content, "JSON", "")
        document = DocumentRecord(OWNER, "", name, "Command", AWS_OWNED_CREATED, last_number=1)
        version = VersionRecord(
            number=1,
            content=content,
            format="JSON",
            hash=content_hash(content),
            created=AWS_OWNED_CREATED,
            settles=AWS_OWNED_CREATED,
            status="Active",
            schema_version=facts.schema_version,
            description=facts.description,
            parameters=facts.parameters,
            platform_types=facts.platform_types,
        )
        owned[name] = (document, version)
    return owned
