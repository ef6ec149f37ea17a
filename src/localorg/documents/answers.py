"""Documents in the shapes of the API: DocumentDescription, DocumentIdentifier, DocumentVersionInfo.

Rules: pure; members without a value are left out, as AWS leaves out what is null.
"""

from typing import Any

from localorg.documents.lookup import Found
from localorg.documents.records import VersionRecord
from localorg.protocol.tagging import as_list


def description(found: Found, version: VersionRecord, latest: int) -> dict[str, Any]:
    """Return DocumentDescription. Tags are the owner's and are shown to the owner only."""
    document = found.document
    answer = {
        "Hash": version.hash,
        "HashType": "Sha256",
        "Name": found.shown_name,
        **_optional(version),
        "Owner": found.owner,
        "CreatedDate": version.created,
        **_status(version),
        "DocumentVersion": str(version.number),
        "Parameters": version.parameters,
        "PlatformTypes": version.platform_types,
        "DocumentType": document.type,
        "SchemaVersion": version.schema_version,
        "LatestVersion": str(latest),
        "DefaultVersion": str(document.default_version),
        "DocumentFormat": version.format,
        "Tags": as_list(document.tags) if found.is_own else [],
    }
    if version.description:
        answer["Description"] = version.description
    if version.target_type:
        answer["TargetType"] = version.target_type
    if version.attachments:
        answer["AttachmentsInformation"] = [{"Name": attachment.name} for attachment in version.attachments]
    return answer


def identifier(found: Found, version: VersionRecord) -> dict[str, Any]:
    """Return DocumentIdentifier."""
    document = found.document
    answer = {
        "Name": found.shown_name,
        "CreatedDate": version.created,
        **_optional(version),
        "Owner": found.owner,
        "PlatformTypes": version.platform_types,
        "DocumentVersion": str(version.number),
        "DocumentType": document.type,
        "SchemaVersion": version.schema_version,
        "DocumentFormat": version.format,
        "Tags": as_list(document.tags) if found.is_own else [],
    }
    if version.target_type:
        answer["TargetType"] = version.target_type
    return answer


def version_info(found: Found, version: VersionRecord) -> dict[str, Any]:
    """Return DocumentVersionInfo. Its Name has no room for an ARN (API DocumentName)."""
    return {
        "Name": found.document.name,
        **_optional(version),
        "DocumentVersion": str(version.number),
        "CreatedDate": version.created,
        "IsDefaultVersion": version.number == found.document.default_version,
        "DocumentFormat": version.format,
        **_status(version),
    }


def content(found: Found, version: VersionRecord, text: str, form: str) -> dict[str, Any]:
    """Return GetDocumentResult without its attachments."""
    return {
        "Name": found.shown_name,
        "CreatedDate": version.created,
        **_optional(version),
        "DocumentVersion": str(version.number),
        **_status(version),
        "Content": text,
        "DocumentType": found.document.type,
        "DocumentFormat": form,
    }


def _optional(version: VersionRecord) -> dict[str, str]:
    shown = {"DisplayName": version.display_name, "VersionName": version.version_name}
    return {name: value for name, value in shown.items() if value}


def _status(version: VersionRecord) -> dict[str, str]:
    reason = {"StatusInformation": version.status_information} if version.status_information else {}
    return {"Status": version.status, **reason}
