"""A gigabyte is built in the memory of a kilobyte."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

BUILD = """
import pathlib, resource, sys
from csd.package.sealed import build_package, read_sealed
build_package(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
read_sealed(pathlib.Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
CONTROL = "Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: me\nDescription: x\n"


def peak_mib(root: Path, payload: int) -> int:
    """The most memory that a process needed to build two zips of `payload` bytes, one of them with a .deb made here, and to prove them."""
    folder = root / "source"
    for name in ("plain", "made", "deb/DEBIAN", "tar"):
        (folder / name).mkdir(parents=True)
    for name in ("plain", "made"):
        for action in ("install", "uninstall"):
            (folder / name / f"{action}.sh").write_text("#!/bin/sh\nrm -f /opt/payload\n")
    (folder / "deb/DEBIAN/control").write_text(CONTROL)
    for name in ("plain/payload", "deb/payload"):
        with (folder / name).open("wb") as out:
            out.truncate(payload)  # sparse: only what is built takes room
    (folder / "tar/small").write_text("")
    platforms = [
        {"folder": "plain", "targets": [{"platform": "amazon"}]},
        {
            "folder": "made",
            "targets": [{"platform": "debian"}],
            "make": [{"deb": "deb", "as": "a.deb"}, {"tar": "tar", "as": "a.tar"}],
        },
    ]
    (folder / "package.yaml").write_text(yaml.safe_dump({"name": "tiny", "version": "1", "platforms": platforms}))
    try:
        done = subprocess.run([sys.executable, "-c", BUILD, folder, root / "out"], capture_output=True, text=True, check=True)
        assert sum(path.stat().st_size for path in (root / "out").glob("*.zip")) > 2 * payload
    finally:
        shutil.rmtree(root / "out", ignore_errors=True)
    return int(done.stdout)


@pytest.mark.soak
def test_a_gigabyte_is_built_in_constant_memory(tmp_path: Path) -> None:
    """Two zips of just under 1 GB, one holding a .deb made of it, need no more than 16 MiB over what two tiny ones need."""
    small, large = peak_mib(tmp_path / "small", 1_000), peak_mib(tmp_path / "large", 999_900_000)
    assert large - small <= 16, f"{small} MiB for a kilobyte, {large} MiB for a gigabyte"
