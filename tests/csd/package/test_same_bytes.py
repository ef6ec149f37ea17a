"""The same input is the same bytes: everything about a machine is changed between two builds, and nothing shows."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples/packages").glob("*/package.yaml"))
BUILD = """
import pathlib, sys
from csd.package.sealed import build_package
for source in sys.argv[2:]:
    build_package(pathlib.Path(source), pathlib.Path(sys.argv[1]) / pathlib.Path(source).name)
"""
# What deflate emits differs between zlib, zlib-ng and isa-l; a build that asks for it at all fails here.
OTHER_ZLIB = """
import sys, zlib
def refuse(*_, **__):
    raise RuntimeError("deflate was asked for")
zlib.compress = zlib.compressobj = refuse
sys.stderr.write("another zlib; ")
"""
FILES = {
    "debian/install.sh": b"#!/bin/sh\necho @VERSION@\n",
    "debian/uninstall.sh": b"#!/bin/sh\nrm -f /opt/tiny\n",
    "debian/VERSION.in": b"@NAME@ @VERSION@\r\n",
    "debian/caf\u00e9/\u65e5\u672c.txt": b"dos\r\nunix\nmac\r",
    "deb/DEBIAN/control.in": b"Package: @NAME@\nVersion: @VERSION@\nArchitecture: all\nMaintainer: me\nDescription: x\n",
    "deb/DEBIAN/postinst": b"#!/bin/sh\n",
    "deb/usr/bin/tool": b"\x7fELF\x02",
    "deb/usr/share/\u00fcber/" + "long" * 40: bytes(range(256)) * 50,
    "t\u00e4r/data": b"x" * 70_000,
}
SOURCE = {
    "name": "tiny", "version": "1.0-rc1", "publisher": "M\u00fcller", "description": "caf\u00e9",
    "platforms": [{
        "folder": "debian", "targets": [{"platform": "debian"}],
        "make": [{"deb": "deb", "as": "tiny.deb"}, {"tar": "t\u00e4r", "as": "tiny.tar"}],
    }],
}  # fmt: skip


def package(folder: Path, names: list[str]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
    (folder / "package.yaml").write_text(yaml.safe_dump(SOURCE, allow_unicode=True), encoding="utf-8")
    return folder


def built(output: Path, sources: list[Path], umask: int, cwd: Path, **environment: str) -> dict[str, str]:
    """Digests of everything that a process of its own builds."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "TZ", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, output, *sources],
        umask=umask, cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ("another zlib" in done.stderr) == ("PYTHONPATH" in environment)
    return {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }


def disguise(folder: Path) -> None:
    """Times, modes and owner of another machine."""
    for number, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
        path.chmod(0o777 if path.is_dir() else (0o777, 0o400, 0o640)[number % 3])
        if os.geteuid() == 0:
            os.chown(path, 12345, 54321)
        os.utime(path, (number, number))


def test_two_machines_build_the_same_bytes(tmp_path: Path) -> None:
    """Every example, and a package of oddities: umask, zone, locale, hash seed, order, times, modes, owner, place and zlib are other."""
    one = [package(tmp_path / "one/tiny", sorted(FILES)), *EXAMPLES]
    two = [package(tmp_path / "two/tiny", sorted(FILES, reverse=True))]
    two += [Path(shutil.copytree(path, tmp_path / "two" / path.name)) for path in EXAMPLES]
    disguise(tmp_path / "two")
    (tmp_path / "zlib").mkdir()
    (tmp_path / "zlib/sitecustomize.py").write_text(OTHER_ZLIB)
    first = built(
        tmp_path / "first", one, 0o022, REPOSITORY, TZ="UTC", LC_ALL="C.UTF-8", PYTHONHASHSEED="1",
    )  # fmt: skip
    second = built(
        tmp_path / "second", two, 0o077, tmp_path, TZ="Pacific/Kiritimati", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0",
        PYTHONHASHSEED="2", PYTHONPATH=str(tmp_path / "zlib"),
    )  # fmt: skip
    assert len(first) >= 5 + 7, "zips, manifest, release and what stands beside"
    assert first == second


PINNED = {
    "tiny-1.0-rc1-debian.zip": "d903a46938b74f8c11ebd16f247c2141ca885e6a47981fdd6bf445227e95a16d",
    "manifest.json": "42673f62132d1a2c792d4480eaab2eb627241efe53b3bd70c1597d96d7c5f6b4",
}


def test_the_bytes_are_those_of_yesterday(tmp_path: Path) -> None:
    """Zips and manifest are pinned: a new Python, library or csd must not change what a version of a package is."""
    found = built(tmp_path / "out", [package(tmp_path / "tiny", list(FILES))], 0o022, tmp_path)
    assert {name: found[f"tiny/{name}"] for name in PINNED} == PINNED


LAYOUT = """
import hashlib, sys
from csd.package.archive import Entry, deb_pieces, measured, tar_pieces, zip_pieces
entries = [Entry("b/\u00fc", b"two", True), Entry("a" * 150, b"one" * 9000, False)]
inner = [Entry("x.deb", deb_pieces(entries, entries), False), Entry("x.tar", tar_pieces(entries), False), *entries]
digest = hashlib.sha256()
for chunk in zip_pieces(measured(inner)).chunks():
    digest.update(chunk)
print(digest.hexdigest())
"""


def pythons() -> list[str]:
    """Other Pythons of this machine that csd may run on."""
    found = {str(path) for path in Path("/").glob("usr/bin/python3.1[1-9]")}
    found |= {str(path) for path in Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python3")}
    return sorted(found)


def test_every_python_lays_archives_out_alike() -> None:
    """The layout needs the standard library alone, so that it is proven on each Python that is here."""
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    found = {
        python: subprocess.run([python, "-c", LAYOUT], env=environment, capture_output=True, text=True, check=True).stdout.strip()
        for python in {sys.executable, *pythons()}
    }
    assert set(found.values()) == {"5ed48d55d19496ea0df2fbc90b69daf400de65512fff03462864439f3f54f6dd"}, found


def test_release_json_is_canonical(tmp_path: Path) -> None:
    """Sorted keys, no blanks, one line end: what is signed is one text."""
    built(tmp_path / "out", [package(tmp_path / "tiny", list(FILES))], 0o022, tmp_path)
    text = (tmp_path / "out/tiny/release.json").read_bytes()
    assert text == (json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
