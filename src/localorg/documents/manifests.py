"""The manifest of a Distributor package, schemaVersion 2.0: which file serves which platform, and each file's checksum.

Rules: pure; every problem is one sentence with its place.
Refuses to know: whether the files exist, and whether their bytes have those checksums. The node checks that, with the agent's words.
AWS: user guide, distributor-working-with-packages-create.
"""

import re
from collections.abc import Iterator
from typing import Any

from localorg.documents.records import ATTACHMENTS_MAX

VERSION = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
FILE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,128}")
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def problems(manifest: dict[str, Any], version_name: str) -> list[str]:
    """Return what is wrong with `manifest`; `version_name` is the document's VersionName, empty when none was given."""
    # ASSUMED: CreateDocument judges a manifest. The guide gives the rules, the reference has InvalidDocumentContent, and neither says who
    # applies which; what AWS let through would fail on every node, or be a version that no node finds.
    return [*_version_problems(manifest.get("version"), version_name), *_file_problems(manifest), *_package_problems(manifest)]


def platform_types(manifest: dict[str, Any]) -> list[str]:
    """Return Windows, Linux, MacOS as far as the manifest serves them. # ASSUMED: derived from the platform codes."""
    packages = manifest.get("packages")
    codes = set(packages) if isinstance(packages, dict) else set()
    served = {"Windows": "windows" in codes, "Linux": bool(codes - {"windows", "mac_os_x"}), "MacOS": "mac_os_x" in codes}
    return [name for name, is_served in served.items() if is_served or "_any" in codes]


def _version_problems(version: Any, version_name: str) -> Iterator[str]:
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        yield f"version must be 1 to 128 letters, digits, '_', '-' or '.', found {version!r}"
    elif version_name and version != version_name:
        yield f"version is {version!r} but VersionName is {version_name!r}; they must be equal"


def _file_problems(manifest: dict[str, Any]) -> Iterator[str]:
    files = manifest.get("files")
    if not isinstance(files, dict) or not files:
        yield "files must map each zip to its checksums, and name at least one"
        return
    if len(files) > ATTACHMENTS_MAX:
        yield f"files names {len(files)} files; a document has at most {ATTACHMENTS_MAX} attachments"
    for name, facts in files.items():
        if not FILE_NAME.fullmatch(name):
            yield f"files.{name}: a file name has 3 to 128 letters, digits, '_', '-' or '.'"
        checksums = facts.get("checksums") if isinstance(facts, dict) else None
        digest = checksums.get("sha256") if isinstance(checksums, dict) else None
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            yield f"files.{name}.checksums.sha256 must be 64 hexadecimal digits, found {digest!r}"


def _package_problems(manifest: dict[str, Any]) -> Iterator[str]:
    packages = manifest.get("packages")
    if not isinstance(packages, dict) or not packages:
        yield "packages must map platform, platform version and architecture to a file, and have at least one entry"
        return
    files = manifest.get("files")
    listed = set(files) if isinstance(files, dict) else set()
    for place, entry in _leaves(packages, "packages", 3):
        file = entry.get("file") if isinstance(entry, dict) else None
        if not isinstance(file, str):
            yield f'{place} must be {{"file": NAME}}, found {entry!r}'
        elif file not in listed:
            yield f"{place}.file is {file!r}, which files does not list"


def _leaves(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth == 0 or not isinstance(value, dict) or not value:
        yield place, value
        return
    for key, below in value.items():
        yield from _leaves(below, f"{place}.{key}", depth - 1)
