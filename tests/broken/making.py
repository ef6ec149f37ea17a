"""How the folders of broken packages are made: sources with a package.yaml, sealed folders written by hand, and zips as people make them.

Rules: scripts write below LOCALORG_NODE_ROOT only, and fail where it is not set: simulated nodes run them on this machine.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Files = dict[str, bytes]
"""Content by path, relative to the folder."""
NAME, VERSION, ZIP = "broken-tool", "1.0", "tool.zip"
TOOL = b"#!/bin/sh\necho tool\n"
INSTALL = b"""#!/bin/sh
set -eu
mkdir -p "${LOCALORG_NODE_ROOT:?}/opt/tool"
cp tool "$LOCALORG_NODE_ROOT/opt/tool/tool"
"""
UNINSTALL = b"""#!/bin/sh
set -eu
rm -rf "${LOCALORG_NODE_ROOT:?}/opt/tool"
"""
INSTALLED = "opt/tool/tool"
"""What the scripts above leave on a node, below its root."""
EVERYWHERE = {"_any": {"_any": {"_any": ZIP}}}


def scripts(**changes: bytes) -> Files:
    """A good package's files, but for `changes` (install_sh is install.sh)."""
    good = {"install.sh": INSTALL, "uninstall.sh": UNINSTALL, "tool": TOOL}
    return good | {name.replace("_", "."): content for name, content in changes.items()}


def source(content: Mapping[str, bytes], name: str = NAME, *targets: Mapping[str, str]) -> Files:
    """A folder for `csd package build`, with one zip for everybody, or for `targets`."""
    wanted = [dict(target) for target in targets] or [{"platform": "_any"}]
    described = {"name": name, "version": VERSION, "platforms": [{"folder": "any", "targets": wanted}]}
    return {"package.yaml": yaml.safe_dump(described).encode()} | {f"any/{path}": body for path, body in content.items()}


def zipped(content: Mapping[str, bytes]) -> bytes:
    """A zip, as any program makes it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, body in content.items():
            archive.writestr(zipfile.ZipInfo(name), body)
    return stream.getvalue()


def manifest(zips: Mapping[str, bytes], packages: Any = None, **changes: Any) -> Files:
    """The zips with a manifest; `packages` maps platform, version and architecture to a zip's name."""
    asked = EVERYWHERE if packages is None else packages
    told = {
        "schemaVersion": "2.0",
        "version": VERSION,
        "packages": {
            platform: {version: {arch: {"file": file} for arch, file in archs.items()} for version, archs in versions.items()}
            for platform, versions in asked.items()
        },
        "files": {name: {"checksums": {"sha256": hashlib.sha256(body).hexdigest()}} for name, body in zips.items()},
    } | changes
    return dict(zips) | {"manifest.json": json.dumps(told, indent=1).encode()}


def sealed(content: Mapping[str, bytes], packages: Any = None, **changes: Any) -> Files:
    """A sealed folder with one zip of `content`."""
    return manifest({ZIP: zipped(content)}, packages, **changes)


def release(files: Files, version: str) -> bytes:
    """The release.json of these files, with a version of its own."""
    digests = {name: {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body)} for name, body in files.items()}
    told = {"name": NAME, "version": version, "manifest": digests.pop("manifest.json"), "files": digests}
    return json.dumps(told).encode()


def by_hand(folder: Files) -> Files:
    """What somebody without csd makes of a source folder: its files zipped, and a manifest that names the zip."""
    described = yaml.safe_load(folder["package.yaml"])
    (platform,) = described["platforms"]
    packages: dict[str, dict[str, dict[str, str]]] = {}
    for target in platform["targets"]:
        versions = packages.setdefault(target["platform"], {})
        versions.setdefault(target.get("version", "_any"), {})[target.get("architecture", "_any")] = ZIP
    inside = {path.removeprefix("any/"): body for path, body in folder.items() if path.startswith("any/")}
    return sealed(inside, packages, version=described["version"])


def write(files: Files, folder: Path) -> Path:
    """Put files into a folder, and return it."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder
