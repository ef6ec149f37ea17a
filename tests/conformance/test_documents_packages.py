"""Distributor packages: attachments, whose rights they are copied under, their addresses, and sharing with other accounts."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]
FILE = "tool_linux.zip"
BODY = b"not a zip, and nobody unpacks it here"


def manifest(version: str = "1.0", body: bytes = BODY, name: str = FILE) -> str:
    """A manifest of one file for every platform."""
    return json.dumps(
        {
            "schemaVersion": "2.0",
            "version": version,
            "packages": {"_any": {"_any": {"_any": {"file": name}}}},
            "files": {name: {"checksums": {"sha256": hashlib.sha256(body).hexdigest()}}},
        }
    )


@dataclass
class Shelf:
    """A folder of the bucket with the file in it."""

    account: Account
    bucket: str
    prefix: str

    def source(self, style: str = "s3://{bucket}/{prefix}") -> list[dict[str, Any]]:
        """The folder as a SourceUrl."""
        url = style.format(bucket=self.bucket, prefix=self.prefix, region=self.account.region)
        return [{"Key": "SourceUrl", "Values": [url]}]


@pytest.fixture
def shelf(hub: Account, bucket: str, unique: Unique) -> Iterator[Shelf]:
    """The file, in a folder of its own."""
    found = Shelf(hub, bucket, unique("shelf"))
    hub.client("s3").put_object(Bucket=bucket, Key=f"{found.prefix}/{FILE}", Body=BODY)
    yield found
    hub.client("s3").delete_object(Bucket=bucket, Key=f"{found.prefix}/{FILE}")


@pytest.fixture
def package(hub: Account, shelf: Shelf, unique: Unique) -> Iterator[str]:
    """A package that is Active, not shared."""
    name = unique("pkg")
    publish(hub, name, shelf.source())
    assert settled(hub, name)["Status"] == "Active"
    yield name
    remove(hub, name)


def publish(account: Account, name: str, source: list[dict[str, Any]], version: str = "1.0", **more: Any) -> dict[str, Any]:
    """Create the package."""
    answer = account.client("ssm").create_document(
        Name=name, Content=manifest(version), DocumentType="Package", VersionName=version, Attachments=source, **more
    )
    description: dict[str, Any] = answer["DocumentDescription"]
    return description


def settled(account: Account, name: str, version: str = "$LATEST") -> dict[str, Any]:
    """Wait until a version is ready or has failed."""
    ssm = account.client("ssm")
    found: dict[str, Any] = eventually(
        lambda: ssm.describe_document(Name=name, DocumentVersion=version)["Document"],
        lambda shown: shown["Status"] in ("Active", "Failed"),
        90,
    )
    return found


def remove(account: Account, name: str) -> None:
    """Un-share and delete."""
    ssm = account.client("ssm")
    shared = ssm.describe_document_permission(Name=name, PermissionType="Share")["AccountIds"]
    if shared:
        ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToRemove=shared)
    ssm.delete_document(Name=name)


def share(account: Account, name: str, ids: list[str], **more: Any) -> None:
    account.client("ssm").modify_document_permission(Name=name, PermissionType="Share", AccountIdsToAdd=ids, **more)


def arn(account: Account, name: str) -> str:
    return f"arn:{account.partition}:ssm:{account.region}:{account.id}:document/{name}"


def download(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
        return body


@documented("API AttachmentsSource; S3 user guide, VirtualHosting")
@pytest.mark.parametrize(
    "style",
    [
        "s3://{bucket}/{prefix}",
        "s3://{bucket}/{prefix}/",
        "https://s3.amazonaws.com/{bucket}/{prefix}",
        "https://s3.{region}.{suffix}/{bucket}/{prefix}",
        "https://{bucket}.s3.{region}.{suffix}/{prefix}",
    ],
)
def test_a_folder_may_be_written_in_several_ways(hub: Account, shelf: Shelf, unique: Unique, style: str) -> None:
    """SourceUrl takes s3:// and the https addresses of S3."""
    if hub.partition != "aws" and "s3.amazonaws.com" in style:
        pytest.skip("only the commercial Regions have a host name of S3 without a Region")
    name = unique("pkg")
    publish(hub, name, shelf.source(style.replace("{suffix}", hub.dns_suffix)))
    assert settled(hub, name)["Status"] == "Active"
    remove(hub, name)


@documented("API GetDocument, AttachmentsContent")
def test_attachments_have_addresses(hub: Account, package: str) -> None:
    """GetDocument gives each file with size and an address from which it is downloaded without credentials."""
    (file,) = hub.client("ssm").get_document(Name=package)["AttachmentsContent"]
    assert (file["Name"], file["Size"]) == (FILE, len(BODY))
    assert download(file["Url"]) == BODY


@assumed("question attachment-hash: the API calls it the hash of the document content, in a structure about one attachment")
def test_the_hash_of_an_attachment_is_the_files(hub: Account, package: str) -> None:
    """The Hash that GetDocument tells of an attachment is the SHA-256 of the file, in hexadecimal."""
    (file,) = hub.client("ssm").get_document(Name=package)["AttachmentsContent"]
    assert (file["HashType"], file["Hash"]) == ("Sha256", hashlib.sha256(BODY).hexdigest())


@documented("S3 user guide, presigned URLs: a signature covers the address")
def test_an_address_cannot_be_bent(hub: Account, package: str) -> None:
    """A download address with another path or time is answered with 403."""
    (file,) = hub.client("ssm").get_document(Name=package)["AttachmentsContent"]
    path, _, query = file["Url"].partition("?")
    for bent in (path, f"{path}x?{query}", f"{path}?{query.replace('Expires=', 'Expires=9')}"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            download(bent)
        assert caught.value.code == 403


@documented("user guide, distributor-getting-s3-bucket: the bucket is needed while the package is made")
def test_the_source_may_go(hub: Account, bucket: str, unique: Unique) -> None:
    """Distributor keeps its own copy: the source may be deleted once the package is Active."""
    name, key = unique("pkg"), f"{unique('shelf')}/{FILE}"
    hub.client("s3").put_object(Bucket=bucket, Key=key, Body=BODY)
    publish(hub, name, [{"Key": "S3FileUrl", "Values": [f"s3://{bucket}/{key}"], "Name": FILE}])
    assert settled(hub, name)["Status"] == "Active"
    hub.client("s3").delete_object(Bucket=bucket, Key=key)
    (file,) = hub.client("ssm").get_document(Name=name)["AttachmentsContent"]
    assert download(file["Url"]) == BODY
    remove(hub, name)


@documented("API DocumentDescription, StatusInformation; user guide, distributor-troubleshooting")
def test_a_missing_file_fails_the_package(hub: Account, bucket: str, unique: Unique) -> None:
    """A source without the file is found out after the call: the document is Failed, and says why."""
    name = unique("pkg")
    assert publish(hub, name, [{"Key": "SourceUrl", "Values": [f"s3://{bucket}/nothing-here"]}])["Status"] == "Creating"
    shown = settled(hub, name)
    assert (shown["Status"], bool(shown["StatusInformation"])) == ("Failed", True)
    remove(hub, name)


@documented("user guide, distributor-getting-s3-bucket: whoever publishes needs s3:GetObject")
def test_files_are_copied_under_the_rights_of_the_caller(member: Account, shelf: Shelf, unique: Unique) -> None:
    """An account that may not read the bucket gets a document that ends Failed; a bucket policy that allows it makes it Active."""
    name, s3 = unique("pkg"), shelf.account.client("s3")
    publish(member, name, shelf.source())
    assert settled(member, name)["Status"] == "Failed"
    remove(member, name)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{member.partition}:iam::{member.id}:root"},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [
            f"arn:{member.partition}:s3:::{shelf.bucket}",
            f"arn:{member.partition}:s3:::{shelf.bucket}/{shelf.prefix}/*",
        ],
    }
    s3.put_bucket_policy(Bucket=shelf.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    publish(member, name, shelf.source())
    assert settled(member, name)["Status"] == "Active"
    s3.delete_bucket_policy(Bucket=shelf.bucket)
    remove(member, name)


@documented("API AttachmentsSource, AttachmentReference")
def test_files_are_taken_over_from_another_document(hub: Account, package: str, unique: Unique) -> None:
    """AttachmentReference reuses a file of a document version that exists."""
    name = unique("pkg")
    publish(hub, name, [{"Key": "AttachmentReference", "Values": [f"{package}/1/{FILE}"]}])
    assert settled(hub, name)["Status"] == "Active"
    (file,) = hub.client("ssm").get_document(Name=name)["AttachmentsContent"]
    assert download(file["Url"]) == BODY
    remove(hub, name)


@documented("API CreateDocumentRequest, Attachments")
def test_commands_have_attachments(hub: Account, shelf: Shelf, unique: Unique) -> None:
    """A Command document may have attachments too."""
    name, ssm = unique("doc"), hub.client("ssm")
    step = {"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["date"]}}
    content = {
        "schemaVersion": "2.2",
        "files": {FILE: {"checksums": {"sha256": hashlib.sha256(BODY).hexdigest()}}},
        "mainSteps": [step],
    }
    source = [{"Key": "S3FileUrl", "Values": [f"s3://{shelf.bucket}/{shelf.prefix}/{FILE}"], "Name": FILE}]
    ssm.create_document(Name=name, Content=json.dumps(content), DocumentType="Command", Attachments=source)
    assert settled(hub, name)["Status"] == "Active"
    assert [file["Name"] for file in ssm.get_document(Name=name)["AttachmentsContent"]] == [FILE]
    remove(hub, name)


@documented("user guide, distributor-working-with-packages-create: version must be the VersionName")
def test_the_manifest_says_the_version_name(hub: Account, shelf: Shelf, unique: Unique) -> None:
    """A manifest whose version is not the VersionName is refused."""
    with refused("InvalidDocumentContent"):
        hub.client("ssm").create_document(
            Name=unique("pkg"),
            Content=manifest("1.0"),
            DocumentType="Package",
            VersionName="2.0",
            Attachments=shelf.source(),
        )


@documented("user guide, documents-ssm-sharing")
def test_a_stranger_sees_nothing(hub: Account, member: Account, package: str) -> None:
    """A document that is not shared does not exist for another account, by name or by ARN."""
    for name in (package, arn(hub, package)):
        with refused("InvalidDocument"):
            member.client("ssm").get_document(Name=name)


@documented("user guide, documents-ssm-sharing: use the ARN of a shared document")
def test_a_shared_document_is_read_by_its_arn(hub: Account, member: Account, package: str) -> None:
    """What is shared is read by ARN, not by name, in its Region alone; its owner is shown."""
    share(hub, package, [member.id])
    ssm = member.client("ssm")
    shown = ssm.describe_document(Name=arn(hub, package))["Document"]
    assert shown["Owner"] == hub.id
    with refused("InvalidDocument"):
        ssm.get_document(Name=package)
    with refused("InvalidDocument"):
        member.client("ssm", member.other_region).get_document(Name=arn(hub, package))
    (file,) = ssm.get_document(Name=arn(hub, package))["AttachmentsContent"]
    assert download(file["Url"]) == BODY


@observed("agent source, birdwatcher/documentarchive: the name of a shared document is its ARN")
def test_a_shared_document_is_named_by_its_arn(hub: Account, member: Account, package: str) -> None:
    """DescribeDocument and GetDocument show a consumer the ARN as the Name."""
    share(hub, package, [member.id])
    ssm = member.client("ssm")
    assert ssm.describe_document(Name=arn(hub, package))["Document"]["Name"] == arn(hub, package)
    assert ssm.get_document(Name=arn(hub, package))["Name"] == arn(hub, package)


@documented("API ModifyDocumentPermissionRequest, SharedDocumentVersion")
@pytest.mark.parametrize(("shared", "seen"), [(None, ["1"]), ("$DEFAULT", ["1"]), ("$LATEST", ["2"]), ("$ALL", ["1", "2"])])
def test_a_share_says_which_versions_are_seen(
    hub: Account, member: Account, shelf: Shelf, package: str, shared: str | None, seen: list[str]
) -> None:
    """A consumer sees the default version, the latest or all, as the share says; without a word, the default."""
    hub.client("ssm").update_document(
        Name=package, Content=manifest("2.0"), DocumentVersion="$LATEST", VersionName="2.0", Attachments=shelf.source()
    )
    settled(hub, package, "2")
    share(hub, package, [member.id], **({"SharedDocumentVersion": shared} if shared else {}))
    ssm = member.client("ssm")
    versions = ssm.list_document_versions(Name=arn(hub, package))["DocumentVersions"]
    assert sorted(one["DocumentVersion"] for one in versions) == seen
    for version in {"1", "2"} - set(seen):
        with refused("InvalidDocumentVersion"):
            ssm.get_document(Name=arn(hub, package), DocumentVersion=version)


@documented("API ModifyDocumentPermissionRequest, AccountIdsToRemove")
def test_removal_wins(hub: Account, member: Account, package: str) -> None:
    """An id that is added and removed in one call is removed."""
    ssm = hub.client("ssm")
    ssm.modify_document_permission(
        Name=package, PermissionType="Share", AccountIdsToAdd=[member.id], AccountIdsToRemove=[member.id]
    )
    assert ssm.describe_document_permission(Name=package, PermissionType="Share")["AccountIds"] == []


@documented("API DescribeDocumentPermission")
def test_permissions_are_listed_with_what_is_shared(hub: Account, member: Account, package: str) -> None:
    """DescribeDocumentPermission lists the accounts, and for each the versions that it sees; it has pages."""
    other = "123456789012"
    share(hub, package, [member.id], SharedDocumentVersion="$ALL")
    share(hub, package, [other])
    ssm, on = hub.client("ssm"), {"Name": package, "PermissionType": "Share"}
    first = ssm.describe_document_permission(**on, MaxResults=1)
    rest = ssm.describe_document_permission(**on, MaxResults=1, NextToken=first["NextToken"])
    infos = first["AccountSharingInfoList"] + rest["AccountSharingInfoList"]
    assert {one["AccountId"]: one["SharedDocumentVersion"] for one in infos} == {member.id: "$ALL", other: "$DEFAULT"}
    assert sorted(first["AccountIds"] + rest["AccountIds"]) == sorted([member.id, other])


@documented("API AccountIdList and SharedDocumentVersion")
@pytest.mark.parametrize(
    "wrong",
    [
        {"AccountIdsToAdd": [f"{number:012d}" for number in range(21)]},
        {"AccountIdsToAdd": ["42"]},
        {"AccountIdsToAdd": ["123456789012"], "SharedDocumentVersion": "3"},
        {},
    ],
)
def test_shares_that_are_not_well_said(hub: Account, package: str, wrong: dict[str, Any]) -> None:
    """Twenty ids a call, twelve digits each; a share names no version number, and says whom it is about."""
    with refused("ValidationException"):
        hub.client("ssm").modify_document_permission(Name=package, PermissionType="Share", **wrong)


@documented("API DeleteDocument, InvalidDocumentOperation")
def test_what_is_shared_is_not_deleted(hub: Account, member: Account, package: str) -> None:
    """A shared document must be un-shared before it is deleted."""
    share(hub, package, [member.id])
    with refused("InvalidDocumentOperation"):
        hub.client("ssm").delete_document(Name=package)


@documented("user guide, documents-ssm-sharing: only the owner changes a document")
def test_a_consumer_changes_nothing(hub: Account, member: Account, package: str) -> None:
    """Whoever a document is shared with can neither update nor share nor delete it."""
    share(hub, package, [member.id], SharedDocumentVersion="$ALL")
    ssm = member.client("ssm")
    with refused("InvalidDocument"):
        ssm.delete_document(Name=package)
    with refused("InvalidDocument"):
        ssm.modify_document_permission(Name=package, PermissionType="Share", AccountIdsToAdd=["123456789012"])


@documented("API DocumentKeyValuesFilter, Owner")
def test_a_consumer_lists_what_is_shared(hub: Account, member: Account, package: str) -> None:
    """ListDocuments with the owner Private lists what others share with this account."""
    share(hub, package, [member.id])
    filters = [{"Key": "Owner", "Values": ["Private"]}]
    pages = member.client("ssm").get_paginator("list_documents").paginate(Filters=filters)
    assert arn(hub, package) in [one["Name"] for page in pages for one in page["DocumentIdentifiers"]]


@assumed("AWS says no lifetime; addresses of S3 that are signed for nobody in particular live an hour by default")
def test_an_address_says_when_it_ends(hub: Account, package: str) -> None:
    """A download address carries its expiry."""
    (file,) = hub.client("ssm").get_document(Name=package)["AttachmentsContent"]
    assert "Expires=" in file["Url"]
