"""Where csd package import takes packages from: a document of Distributor, and a folder of S3.

Rules: reads only. A document is read as its owner or as somebody whom it is shared with. Refuses to know: what is done with the bytes.
"""

import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, CsdInputError, Problem
from csd.package.sealed import MANIFEST_FILE
from csd.package.source import reserved_beginning

_CHUNK = 1 << 20
_ARN = re.compile(
    r"^arn:[^:]+:ssm:(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<kind>document|package)/(?P<name>[a-zA-Z0-9_.-]{3,128})$"
)
_ABSENT = ("NoSuchKey", "404")
_ADVICE = {
    "InvalidDocument": "A document of another account needs its ARN, must be shared with you, and is there in its own Region only.",
    "InvalidDocumentVersion": "Give a version that is there, and shared: a share shows the default version only, unless it is of $ALL.",
    "AccessDeniedException": "You need ssm:GetDocument on it.",
    "AccessDenied": "You need s3:GetObject on the folder's files, and s3:ListBucket on the bucket to be told what is not there.",
}
Open = Callable[[str], Any]


def open_url(url: str) -> Any:
    """A stream of what is behind a presigned address."""
    if not url.startswith(("https://", "http://")):
        raise AssertionError(f"AWS gave an address that is none of the web: {url}")
    return urllib.request.urlopen(url, timeout=60)  # noqa: S310 - the scheme is looked at above


class DocumentOrigin:
    """A package document, by name or ARN, in the version that is named, else in its default version."""

    def __init__(self, principal: Principal, document: str, version: str, opened: Open = open_url) -> None:
        found = _ARN.match(document)
        self.name = found["name"] if found else document
        _refuse_aws_owned(document, self.name, found["kind"] if found else "document")
        self._region = (found["region"] if found else "") or principal.region
        self._account, self._open = principal.account, opened
        ssm = principal.client("ssm", self._region)
        which = {"VersionName": version} if version else {}
        with asking(ssm, principal.account, _ADVICE):
            told = ssm.get_document(Name=document, **which)
        self.where = f"{document} {told.get('VersionName', '')} in {self._region}"
        if told["DocumentType"] != "Package":
            raise CsdInputError(
                [Problem(self.where, f"is a document of type {told['DocumentType']}, no package.", "Name a package.")]
            )
        if told["Status"] != "Active":
            said = f"is {told['Status']}: {told.get('StatusInformation', '')}".rstrip(": ")
            raise CsdInputError([Problem(self.where, f"{said}.", "Only what is Active has files.")])
        self._manifest = str(told["Content"]).encode()
        self._urls = {one["Name"]: one["Url"] for one in told.get("AttachmentsContent", [])}

    def small(self, name: str, limit: int) -> bytes | None:
        """The document's content is the manifest; there is nothing beside it."""
        return self._manifest[: limit + 1] if name == MANIFEST_FILE else None

    def stream(self, name: str) -> Iterator[bytes]:
        """An attachment."""
        if name not in self._urls:
            raise CsdInputError(
                [Problem(f"{self.where}: {name}", "is in the manifest, and not in Distributor.", "Ask its owner.")]
            )
        try:
            with self._open(self._urls[name]) as body:
                while content := body.read(_CHUNK):
                    yield content
        except OSError as broken:  # HTTPError and URLError are; a presigned address that is over is 403
            said = f"{name} could not be downloaded: {broken}"
            raise AwsRefused(
                service="s3",
                operation="GetObject",
                code=type(broken).__name__,
                said=said,
                account=self._account,
                region=self._region,
                advice="Run it again: the addresses are good for a while only.",
            ) from broken


def _refuse_aws_owned(document: str, name: str, kind: str) -> None:
    # AWS: agent, birdwatcher: AWS's own packages come by a private call of the agent, not as documents.
    if kind == "package" or reserved_beginning(name):
        said = "is AWS's own, and AWS gives its packages to its agent only."
        raise CsdInputError([Problem(document, said, "Install it by its name, or build one from the vendor's installers.")])


class S3Origin:
    """A folder of S3: manifest.json, and the zips that it names."""

    def __init__(self, principal: Principal, address: str) -> None:
        self._bucket, _, prefix = address.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        if not self._bucket:
            raise CsdInputError([Problem(address, "names no bucket.", "Write s3://BUCKET/PREFIX.")])
        self.where = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        self._s3, self._account = principal.client("s3"), principal.account

    def small(self, name: str, limit: int) -> bytes | None:
        """A file of the folder."""
        try:
            with asking(self._s3, self._account, _ADVICE):
                body = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")["Body"]
                content: bytes = body.read(limit + 1)
        except AwsRefused as refused:
            # AWS: GetObject: 403 for what is not there, where the caller may not list. Only the manifest must be there.
            if refused.code in _ABSENT or (refused.code == "AccessDenied" and name != MANIFEST_FILE):
                return None
            raise
        return content

    def stream(self, name: str) -> Iterator[bytes]:
        """A file of the folder."""
        with asking(self._s3, self._account, _ADVICE):
            body = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")["Body"]
        chunks = body.iter_chunks(_CHUNK)
        while True:
            with asking(self._s3, self._account, _ADVICE):
                content = next(chunks, b"")
            if not content:
                return
            yield content
