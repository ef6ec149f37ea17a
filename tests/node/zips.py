"""Packages for tests: zips made of scripts, and a real .deb built here."""

import io
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from node.control_plane import ControlPlane

ANYWHERE = {"_any": {"_any": {"_any": {"file": "P.zip"}}}}


def zipped(**files: str | bytes) -> bytes:
    """A zip of files; `install_sh` becomes install.sh."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_sh", ".sh").replace("_deb", ".deb"), content)
    return stream.getvalue()


def package(version: str, **scripts: str) -> bytes:
    """A package whose scripts leave marks: /opt/p/VERSION and lines on stdout."""
    default = {
        "install_sh": f"echo installing {version}; mkdir -p /opt/p; echo {version} > /opt/p/VERSION; echo {version} >> /opt/p/history\n",
        "uninstall_sh": f"echo uninstalling {version}; rm -f /opt/p/VERSION; echo -{version} >> /opt/p/history\n",
        "data": version,
    }
    return zipped(**{**default, **scripts})


def publish(plane: ControlPlane, name: str, version: str, content: bytes | None = None, **changes: Any) -> None:
    """Publish one zip for every platform."""
    plane.publish(name, version, {"P.zip": content if content is not None else package(version)}, ANYWHERE, **changes)


def build_deb(folder: Path, name: str, version: str) -> bytes:
    """Build a real Debian package with dpkg-deb."""
    tree = folder / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Test <test@example.com>\nDescription: a test\n"
    )
    (tree / f"usr/share/doc/{name}").mkdir(parents=True)
    (tree / f"usr/share/doc/{name}/copyright").write_text("none")
    (tree / "usr/bin").mkdir(parents=True)
    (tree / f"usr/bin/{name}").write_text(f"#!/bin/sh\necho {name} {version}\n")
    (tree / f"usr/bin/{name}").chmod(0o755)
    deb = folder / f"{name}-{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(deb)], check=True, capture_output=True)
    return deb.read_bytes()
