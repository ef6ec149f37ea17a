"""Package documents, as an agent gets them: description, manifest, download.

Flow: DescribeDocument -> GetDocument -> manifest text -> `Manifest`; later the attachment's URL -> a file whose checksum was compared.
AWS: amazon-ssm-agent, birdwatcher/documentarchive and fileutil/artifact.
Rules: the file that was hashed is the open file that is unpacked. Query strings of URLs (signatures) never reach any output.
Refuses to know: folders and states of packages.
"""

import hashlib
import http.client
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.repository import PackageError

DOWNLOAD_ATTEMPTS_MAX = 5
DOWNLOAD_TIMEOUT_S = 60
CHUNK_BYTES = 1 << 20


class Calls(Protocol):
    """The part of AWS's API that is used here."""

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call `operation` of Systems Manager."""
        ...


@dataclass(frozen=True)
class Manifest:
    """A package's manifest, parsed, and the document it came from."""

    name: str
    """The document's name, or its ARN when it belongs to another account: the identity of the package on the node."""
    document_version: str
    version: str
    text: str
    packages: Mapping[str, Any]
    files: Mapping[str, Any]
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)


def fetch_manifest(calls: Calls, name: str, version: str) -> Manifest:
    """Get the manifest of package `name`; `version` is a version name, "" or "latest" for the default. Raises PackageError."""
    wanted = {"Name": name, **({"VersionName": version} if version and version.lower() != "latest" else {})}
    # AWS: any failure here fails the plugin, whatever its action.
    # DEVIATES: the stock agent sleeps 1-15 s at random before this, to spread the load of a fleet; here that would only cost time.
    described = _ask(calls, "DescribeDocument", wanted, "failed to retrieve package document description").get("Document", {})
    _require_active(described)
    document = _ask(calls, "GetDocument", wanted, "failed to retrieve package document")
    _require_active(document)
    if not document.get("Name"):
        raise PackageError("failed to download manifest - document name cannot be empty")
    if not document.get("Content"):
        raise PackageError("failed to download manifest - failed to retrieve manifest from package document")
    return _parsed(document)


def _ask(calls: Calls, operation: str, parameters: Mapping[str, Any], what: str) -> dict[str, Any]:
    try:
        return calls.call(operation, parameters)
    except (CallRefusedError, Unreachable) as error:
        raise PackageError(f"failed to download manifest - {what}: {error}") from error


def _require_active(document: Mapping[str, Any]) -> None:
    if document.get("Status") != "Active":
        raise PackageError(
            "failed to download manifest - package document is not currently active, kindly retry when the status is active. "
            f"Current document status - {document.get('Status')}"
        )


def _parsed(document: Mapping[str, Any]) -> Manifest:
    try:
        content = json.loads(document["Content"])
        packages, files, version = content["packages"], content["files"], str(content["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f"failed to decode manifest: {error}") from error
    if not isinstance(packages, dict) or not isinstance(files, dict) or not version:
        raise PackageError("failed to decode manifest: version, packages and files are needed")
    return Manifest(
        name=str(document["Name"]),
        document_version=str(document.get("DocumentVersion", "")),
        version=version,
        text=str(document["Content"]),
        packages=packages,
        files=files,
        urls={item["Name"]: item["Url"] for item in document.get("AttachmentsContent") or [] if item.get("Url")},
    )


class Sink(Protocol):
    """What a download is written into."""

    def write(self, chunk: bytes, /) -> object:
        """Take the next bytes."""
        ...


Get = Callable[[str, Sink], tuple[int, str]]
"""(URL, sink) -> (status, reason), with the body written into the sink when the status is 200. Raises OSError, HTTPException."""


def download(
    manifest: Manifest, file_name: str, folder: Path, get: Get | None = None, pause: Callable[[float], None] = time.sleep
) -> IO[bytes]:
    """Return the attachment `file_name`, checked, as an open temporary file in `folder`. Raises PackageError."""
    if file_name not in manifest.files:
        raise PackageError(f"failed to find file for {file_name}")
    if file_name not in manifest.urls:
        raise PackageError("Install attachments for package does not exist")
    url = manifest.urls[file_name]
    checksums = manifest.files[file_name].get("checksums") or {}
    folder.mkdir(parents=True, exist_ok=True)
    file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - handed to the caller, who closes it
    try:
        digests = _fetch(url, file, get or http_get, pause)
        _compare(checksums, digests, _without_query(url), folder)
    except PackageError as error:
        file.close()
        raise PackageError(f"failed to download installation package reliably, {_without_query(url)}, {error}") from error
    file.seek(0)
    return file


def _without_query(url: str) -> str:
    # DEVIATES: the stock agent prints the whole URL; its query is a credential.
    return urlsplit(url)._replace(query="").geturl()


def _fetch(url: str, file: IO[bytes], get: Get, pause: Callable[[float], None]) -> dict[str, str]:
    reason = ""
    for attempt in range(DOWNLOAD_ATTEMPTS_MAX):
        if attempt:
            pause(0.1 * 2**attempt)
        file.seek(0)
        file.truncate()
        sink = _Hashing(file)
        try:
            status, phrase = get(url, sink)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error)
            continue
        if status == 200:
            return sink.digests()
        reason = f"http request failed. status:{status} {phrase} statuscode:{status}"
        if status == 403:
            break  # AWS: not tried again: the URL has expired or was never ours
    raise PackageError(reason)


class _Hashing:
    """A file that knows the checksums of what was written into it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._known = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}

    def write(self, chunk: bytes) -> None:
        for digest in self._known.values():
            digest.update(chunk)
        self._file.write(chunk)

    def digests(self) -> dict[str, str]:
        return {kind: digest.hexdigest() for kind, digest in self._known.items()}


def http_get(url: str, sink: Sink) -> tuple[int, str]:
    """Get `url` over HTTP into `sink`. Raises PackageError for another kind of address, OSError, HTTPException."""
    parts = urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise PackageError(f"url parsing failed. {_without_query(url)} is neither http nor https")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=DOWNLOAD_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        response = connection.getresponse()
        while response.status == 200 and (chunk := response.read(CHUNK_BYTES)):
            sink.write(chunk)
        return response.status, response.reason
    finally:
        connection.close()


def _compare(checksums: Mapping[str, str], digests: Mapping[str, str], url: str, folder: Path) -> None:
    """AWS: artifact.VerifyHash: every checksum of a known kind must agree, and there must be one."""
    shown = f"{{{url} {folder} map[{' '.join(f'{kind}:{value}' for kind, value in sorted(checksums.items()))}]}}"
    known = {
        (kind.lower() or "sha256"): value.lower() for kind, value in checksums.items() if kind.lower() in {"", "sha256", "md5"}
    }
    if not known:
        raise PackageError(f"no supported algorithm was provided for downloadinput {shown}")
    if any(digests[kind] != value for kind, value in known.items()):
        raise PackageError(f"failed to verify hash of downloadinput {shown}")
