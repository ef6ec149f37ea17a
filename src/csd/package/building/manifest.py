"""A package's source and the digests of its zips -> the text of manifest.json, schemaVersion 2.0.

Rules: pure; digests are all of one length, so the text's size is known before they are.
Refuses to know: how zips are made.
"""

import json
from collections.abc import Mapping
from typing import Any

from csd.package.release import Digest
from csd.package.source import PackageSource


def listed_sha256(told: Any) -> Any:
    """What a manifest of any origin tells as the sha256 of a file, as it stands there; None where it tells nothing. `told`: files.NAME."""
    match told:
        case {"checksums": {"sha256": sha256}}:
            return sha256
    return None


def manifest_text(source: PackageSource, files: Mapping[str, Digest]) -> str:
    """The Distributor manifest as stable JSON text."""
    packages: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for platform in source.platforms:
        for target in platform.targets:
            versions = packages.setdefault(target.platform, {})
            versions.setdefault(target.version, {})[target.architecture] = {"file": source.zip_name(platform.label)}
    manifest: dict[str, Any] = {
        "schemaVersion": "2.0",
        "version": source.version,
        "packages": packages,
        "files": {name: {"checksums": {"sha256": file.sha256}, "size": file.size} for name, file in files.items()},
    }
    manifest |= {key: value for key, value in (("publisher", source.publisher), ("description", source.description)) if value}
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
