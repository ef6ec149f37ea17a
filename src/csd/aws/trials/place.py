"""What a trial makes in AWS, and takes away again: a folder in a bucket, and a Distributor document of its own with all versions.

Rules: names are unique to the trial; the document is tagged; remove() goes on after each refusal and says what remains.
Refuses to know: nodes and commands.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from csd.aws.identity import Principal, asking
from csd.aws.private_buckets import Tell, make_private, region_of
from csd.errors import AwsRefused, CsdInputError, Problem
from csd.package.sealed import MANIFEST_FILE, SealedPackage

NAME_PREFIX, FOLDER_PREFIX = "csd-trial-", "csd-trial/"
_ACTIVE_S, _POLL_S = 600.0, 0.5
_DELETED_AT_ONCE = 1000  # AWS: DeleteObjects API


def own_bucket(account: str, region: str) -> str:
    """The name of csd's own bucket for trials."""
    return f"csd-trials-{account}-{region}"


@dataclass
class Place:
    """The folder and the document of one trial."""

    principal: Principal
    bucket: str
    tell: Tell
    sleep: Callable[[float], None] = time.sleep
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    made: bool = False
    """True from the moment before the document is created."""

    def __post_init__(self) -> None:
        self.s3, self.ssm = self.principal.client("s3"), self.principal.client("ssm")

    @property
    def document(self) -> str:
        """The document's name."""
        return NAME_PREFIX + self.token

    @property
    def folder(self) -> str:
        """The folder of all objects, with its last slash."""
        return f"{FOLDER_PREFIX}{self.token}/"

    @property
    def outputs(self) -> str:
        """Prefix of what nodes write."""
        return f"{self.folder}outputs"

    @classmethod
    def prepared(cls, principal: Principal, bucket: str, tell: Tell) -> "Place":
        """A place in `bucket`, or in csd's own, which is made where it is not there. Raises CsdInputError, AwsRefused."""
        s3, name = principal.client("s3"), bucket or own_bucket(principal.account, principal.region)
        owner = {} if bucket else {"ExpectedBucketOwner": principal.account}
        if not region_of(principal, s3, name, owner, "--bucket"):
            if bucket:
                raise CsdInputError([Problem("--bucket", f"{bucket} does not exist.", "Make it, or leave the option out.")])
            make_private(principal, s3, name, "trials of packages", tell)
        return cls(principal, name, tell)

    def upload(self, package: SealedPackage) -> str:
        """Send one version, the manifest last; returns its folder. The digest in it makes it this content's own."""
        digest = package.release.manifest.sha256[:16] if package.release else secrets.token_hex(8)
        folder = f"{self.folder}{package.version}/{digest}"
        for file in package.files:
            with asking(self.s3, self.principal.account):
                self.s3.upload_file(str(package.folder / file.name), self.bucket, f"{folder}/{file.name}")
            self.tell(f"{package.version} {file.name}: sent, {file.size} bytes")
        with asking(self.s3, self.principal.account):
            body = (package.folder / MANIFEST_FILE).read_bytes()
            self.s3.put_object(Bucket=self.bucket, Key=f"{folder}/{MANIFEST_FILE}", Body=body)
        return folder

    def add_version(self, package: SealedPackage, folder: str) -> None:
        """Make the document, or its next version, and wait until it is Active. Raises AwsRefused with AWS's reason."""
        wanted: dict[str, Any] = {
            "Name": self.document, "VersionName": package.version,
            "Content": (package.folder / MANIFEST_FILE).read_text(encoding="utf-8"),
            "Attachments": [{"Key": "SourceUrl", "Values": [f"s3://{self.bucket}/{folder}"]}],
        }  # fmt: skip
        with asking(self.ssm, self.principal.account):
            if self.made:
                self.ssm.update_document(DocumentVersion="$LATEST", **wanted)
            else:
                self.made = True
                self.ssm.create_document(DocumentType="Package", Tags=[{"Key": "csd-trial", "Value": self.token}], **wanted)
        self._await_active(package.version)

    def _await_active(self, version: str) -> None:
        deadline = time.monotonic() + _ACTIVE_S
        while True:
            with asking(self.ssm, self.principal.account):
                told = self.ssm.describe_document(Name=self.document, VersionName=version)["Document"]
            if told["Status"] == "Active":
                return
            late = time.monotonic() > deadline
            if told["Status"] == "Failed" or late:
                said = told.get("StatusInformation") or f"still {told['Status']} after {_ACTIVE_S:.0f} s"
                raise AwsRefused(
                    service="ssm", operation="CreateDocument", code=told["Status"], said=f"version {version}: {said}",
                    account=self.principal.account, region=self.principal.region,
                )  # fmt: skip
            self.sleep(_POLL_S)

    def remove(self) -> list[str]:
        """Delete document and objects; returns what remains, in sentences."""
        remains = []
        for what, gone in (
            (f"document {self.document}", self._remove_document),
            (f"s3://{self.bucket}/{self.folder}", self._empty),
        ):
            try:
                note = gone()
            except AwsRefused as refused:
                note = str(refused)
            if note:
                remains.append(f"{what}: {note}")
        return remains

    def _remove_document(self) -> str:
        if not self.made:
            return ""
        try:
            with asking(self.ssm, self.principal.account):
                self.ssm.delete_document(Name=self.document)  # AWS: without a version, all versions
        except AwsRefused as refused:
            if refused.code != "InvalidDocument":
                raise
        return ""

    def _empty(self) -> str:
        with asking(self.s3, self.principal.account):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.folder)
            keys = [held["Key"] for page in pages for held in page.get("Contents", ())]
            marked = False
            for start in range(0, len(keys), _DELETED_AT_ONCE):
                wanted = {"Objects": [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]}
                told = self.s3.delete_objects(Bucket=self.bucket, Delete=wanted)
                if told.get("Errors"):
                    first = told["Errors"][0]
                    return f"{len(told['Errors'])} objects: {first.get('Code')}: {first.get('Message')}"
                marked = marked or any(one.get("DeleteMarker") for one in told.get("Deleted", ()))
        return (
            "the bucket keeps versions: earlier versions of the objects stay until its lifecycle rules remove them"
            if marked
            else ""
        )
