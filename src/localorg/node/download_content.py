"""aws:downloadContent: a document, or files of S3, into a folder of the node.

Flow: inputs (sourceType, sourceInfo, destinationPath) -> GetDocument, or the listing and the objects of S3, under the node's role -> files.
AWS: amazon-ssm-agent, plugins/downloadcontent, whose words are kept.
Rules: a relative destination lies in the command's folder `downloads`. A path of S3 is a folder when something lies below it, else a file.
What is not performed here (GitHub, Git, HTTP) fails the step by name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.references import as_text
from localorg.node.results import Status, StepResult, failed
from localorg.node.run_document import Calls, InnerError, document_text, mapping

PLUGIN = "aws:downloadContent"
SOURCES = ("Git", "HTTP", "GitHub", "S3", "SSMDocument")
PATH_HOST = re.compile(r"s3(?:[.-][a-z0-9]+)*\.amazonaws\.com(?:\.cn)?")
VIRTUAL_HOST = re.compile(r"(?P<bucket>.+?)\.s3(?:[.-][a-z0-9]+)*\.amazonaws\.com(?:\.cn)?")
OWNER_ONLY = 0o700


class Bucket(Protocol):
    """S3 as a node reads it."""

    def list_keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys below `prefix`. Raises CallRefusedError, Unreachable."""
        ...

    def fetch_object(self, bucket: str, key: str, path: Path) -> None:
        """Write an object into the file at `path`. Raises CallRefusedError, Unreachable, OSError."""
        ...


class NotDownloadedError(Exception):
    """Nothing was downloaded; the text is the step's standard error."""


@dataclass(frozen=True)
class Sources:
    """Where content comes from: Systems Manager, and S3 where there is a way to it."""

    calls: Calls
    s3: Bucket | None = None

    def download(self, inputs: Mapping[str, Any], downloads: Path) -> StepResult:
        """Perform the step; `downloads` is where relative destinations lie."""
        given = {name.lower(): value for name, value in inputs.items()}
        destination = str(given.get("destinationpath") or "")
        # The slash at the end of a destination means a folder, so it is kept.
        wanted = destination if destination.startswith("/") else f"{downloads}/{destination}"
        try:
            for path in self._files(str(given.get("sourcetype") or ""), given.get("sourceinfo"), wanted):
                path.chmod(OWNER_ONLY)
        except (NotDownloadedError, InnerError, CallRefusedError, Unreachable, OSError) as error:
            return failed(PLUGIN, str(error))
        return StepResult(PLUGIN, Status.SUCCESS, 0, f"Content downloaded to {wanted}")

    def _files(self, kind: str, info: Any, wanted: str) -> list[Path]:
        if not kind:
            raise NotDownloadedError("invalid input: SourceType must be specified")
        if kind not in SOURCES:
            raise NotDownloadedError("invalid input: Unsupported source type")
        if not info:
            raise NotDownloadedError("invalid input: SourceInfo must be specified")
        match kind:
            case "SSMDocument":
                return [self._document(mapping(as_text(info), "SSMDocument SourceInfo parsing failed"), wanted)]
            case "S3":
                return self._from_s3(mapping(as_text(info), "s3 url parsing failed"), wanted)
        # DEVIATES: the stock agent can; a node of localorg reaches nothing but its organization.
        raise NotDownloadedError(f"the source type {kind} is not performed by nodes of localorg")

    def _document(self, info: Mapping[str, Any], wanted: str) -> Path:
        name = str(info.get("name") or "")
        if not name:
            raise NotDownloadedError("SSM Document name in SourceType must be specified")
        text = document_text(self.calls, name)
        base = name.rpartition("/")[2].partition(":")[0]
        path = Path(wanted) / f"{base}.json" if _is_folder(wanted) else Path(wanted)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _from_s3(self, info: Mapping[str, Any], wanted: str) -> list[Path]:
        if self.s3 is None:
            raise NotDownloadedError("there is no way to S3 from here")
        bucket, key = _place(str(info.get("path") or "").strip())
        keys = self._listed(self.s3, bucket, key)
        if not keys:
            base = key.rpartition("/")[2]
            targets = {key: Path(wanted) / base if _is_folder(wanted) else Path(wanted)}
        else:
            targets = {one: Path(wanted) / one.removeprefix(key).lstrip("/") for one in keys if not one.endswith("/")}
        for each, path in targets.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.s3.fetch_object(bucket, each, path)
        return list(targets.values())

    @staticmethod
    def _listed(s3: Bucket, bucket: str, key: str) -> list[str]:
        try:
            return s3.list_keys(bucket, f"{key.rstrip('/')}/" if key else "")
        except CallRefusedError:
            # AWS: without the right to list, a path that does not look like a folder is taken for a file.
            if not key or key.endswith("/"):
                raise
            return []


def _is_folder(path: str) -> bool:
    return path.endswith("/") or Path(path).is_dir()


def _place(url: str) -> tuple[str, str]:
    """Return bucket and key of an https address of S3."""
    if not url:
        raise NotDownloadedError("S3 source path in SourceInfo must be specified")
    parts = urlsplit(url)
    path = unquote(parts.path.replace("+", "%20")).lstrip("/")
    virtual = VIRTUAL_HOST.fullmatch(parts.netloc)
    if parts.scheme in ("http", "https") and PATH_HOST.fullmatch(parts.netloc):
        bucket, _, key = path.partition("/")
        return bucket, key
    if parts.scheme in ("http", "https") and virtual:
        return virtual["bucket"], path
    raise NotDownloadedError("invalid S3 path parameter")
