"""Packages: the same bytes every time, all problems at once, and what the agent will not take is refused here."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from csd.errors import CsdInputError
from csd.package.archive import Entry, deb_pieces, measured, tar_pieces, zip_pieces
from csd.package.sealed import build_package, read_sealed

EXAMPLE = Path(__file__).parents[3] / "examples/packages/csd-hello"


def source(tmp_path: Path, **changes: object) -> Path:
    """A minimal package folder, with package.yaml changed as told."""
    folder = tmp_path / "source"
    (folder / "linux").mkdir(parents=True, exist_ok=True)
    for action in ("install", "uninstall"):
        (folder / "linux" / f"{action}.sh").write_text("#!/bin/sh\nrm -rf /opt/tiny\n")
    described = {"name": "tiny", "version": "1.0.0", "platforms": [{"folder": "linux", "targets": [{"platform": "_any"}]}]}
    (folder / "package.yaml").write_text(yaml.safe_dump(described | changes))
    return folder


def problems(folder: Path) -> str:
    with pytest.raises(CsdInputError) as wrong:
        build_package(folder, folder.parent / "out")
    assert not (folder.parent / "out").exists(), "nothing is written when the input is wrong"
    return str(wrong.value)


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_same_bytes_for_the_same_input(tmp_path: Path) -> None:
    """Times, umask, order and place of the input do not show in the output."""
    build_package(EXAMPLE, tmp_path / "one")
    copy = tmp_path / "copy"
    shutil.copytree(EXAMPLE, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(path.stat().st_mode & 0o700)
    build_package(copy, tmp_path / "two")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def zipped(entries: list[Entry]) -> bytes:
    return b"".join(zip_pieces(measured(entries)).chunks())


def test_the_bytes_are_pinned() -> None:
    """The digest was made elsewhere: a change of Python or of the machine must not change it."""
    pinned = [Entry("b.sh", b"two", executable=True), Entry("a.txt", b"one", executable=False)]
    assert hashlib.sha256(zipped(pinned)).hexdigest() == "55dda1bcf2e86c4a67885b2f843a4dbc11c3a4386974dfe8ffa8e66fef42f7e0"


def test_the_manifest_says_the_digest_of_each_zip(tmp_path: Path) -> None:
    """Documented: Distributor guide, manifest: sha256 of every file; every file listed once."""
    build_package(EXAMPLE, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["schemaVersion"], manifest["version"]) == ("2.0", "1.0.0")
    for name, told in manifest["files"].items():
        assert told["checksums"]["sha256"] == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert manifest["packages"]["ubuntu"]["_any"]["_any"]["file"] == "csd-hello-1.0.0-debian.zip"


def test_scripts_stand_at_the_root_of_the_zip(tmp_path: Path) -> None:
    """Documented: Distributor guide: no enclosing folder."""
    build_package(EXAMPLE, tmp_path)
    with zipfile.ZipFile(tmp_path / "csd-hello-1.0.0-debian.zip") as archive:
        assert set(archive.namelist()) == {"VERSION", "csd-hello.deb", "install.sh", "uninstall.sh", "update.sh", "validate.sh"}
        assert archive.read("VERSION") == b"1.0.0\n"


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb on this machine")
def test_the_deb_is_a_deb(tmp_path: Path) -> None:
    """dpkg-deb itself reads what was built without it."""
    build_package(EXAMPLE, tmp_path)
    with zipfile.ZipFile(tmp_path / "csd-hello-1.0.0-debian.zip") as archive:
        archive.extract("csd-hello.deb", tmp_path)
    told = subprocess.run(["dpkg-deb", "--field", tmp_path / "csd-hello.deb"], check=True, capture_output=True, text=True).stdout
    listed = subprocess.run(
        ["dpkg-deb", "--contents", tmp_path / "csd-hello.deb"], check=True, capture_output=True, text=True
    ).stdout
    assert "Version: 1.0.0" in told
    assert "-rwxr-xr-x root/root" in next(line for line in listed.splitlines() if line.endswith("/usr/bin/csd-hello"))


def test_version_two_is_one_edit(tmp_path: Path) -> None:
    """The version stands in package.yaml and nowhere else."""
    copy = tmp_path / "copy"
    shutil.copytree(EXAMPLE, copy)
    described = (copy / "package.yaml").read_text()
    (copy / "package.yaml").write_text(described.replace('version: "1.0.0"', 'version: "2.0.0"'))
    build_package(copy, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out/csd-hello-2.0.0-linux.zip") as archive:
        tar = tarfile.open(fileobj=io.BytesIO(archive.read("csd-hello.tar")))  # noqa: SIM115 - in memory
        member = tar.extractfile("./usr/share/csd-hello/VERSION")
    assert member is not None
    assert member.read() == b"2.0.0\n"


@pytest.mark.parametrize("script", sorted(EXAMPLE.glob("*/*.sh")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_example_scripts_are_posix(script: Path) -> None:
    """Documented: amazon-ssm-agent runs `sh install.sh`, whatever its first line says."""
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    assert script.read_text().startswith("#!/bin/sh\n")


WRONG = [
    ({"name": "x"}, "name: String should match pattern"),
    ({"name": "Amazon-thing"}, "begins with 'amazon', which AWS keeps for itself"),
    ({"version": "1/2"}, "version: String should match pattern"),
    ({"version": 1.0}, "version: Input should be a valid string; found 1.0. Write it in quotes."),
    ({"platforms": []}, "platforms: Tuple should have at least 1 item"),
    ({"colour": "red"}, "colour: Extra inputs are not permitted; found 'red'. Remove it, or correct its spelling."),
    ({"platforms": [{"folder": "gone", "targets": [{"platform": "_any"}]}]}, "gone: there is no such folder"),
    ({"platforms": [{"folder": "..", "targets": [{"platform": "_any"}]}]}, "'..' is no folder of its own"),
    ({"platforms": [{"folder": "linux", "targets": [{"platform": "solaris"}]}]}, "platforms[0].targets[0].platform"),
    ({"platforms": [{"folder": "linux", "targets": [{"platform": "_any", "version": "7*"}]}]}, "platforms[0].targets[0].version"),
    (
        {"platforms": [{"folder": "linux", "targets": [{"platform": "debian"}, {"platform": "debian"}]}]},
        "debian/_any/_any is also listed at",
    ),
    (
        {"platforms": [{"folder": "linux", "targets": [{"platform": "debian"}, {"platform": "debian", "version": "*"}]}]},
        "debian/*/_any can never be chosen",
    ),
    (
        {"platforms": [{"folder": "linux", "targets": [{"platform": "_any"}], "make": [{"as": "x.deb"}]}]},
        "make[0]: names no kind of file",
    ),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_wrong_sources_are_told(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    """Each problem has its place and its remedy."""
    assert said in problems(source(tmp_path, **changes))


def test_all_problems_at_once(tmp_path: Path) -> None:
    """A folder with three faults tells three, and package.yaml's own with them."""
    folder = source(tmp_path)
    (folder / "linux/install.ps1").write_text("exit 0\n")
    (folder / "linux/uninstall.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")
    (folder / "linux/link").symlink_to("install.sh")
    described = yaml.safe_load((folder / "package.yaml").read_text())
    (folder / "package.yaml").write_text(yaml.safe_dump(described | {"name": "aws-x"}))
    told = problems(folder)
    for part in ("begins with 'aws'", "is not a plain file", "CSD102: has both install.sh and install.ps1", "CSD301: "):
        assert part in told


def test_a_wrong_item_does_not_make_its_list_empty(tmp_path: Path) -> None:
    """Pydantic counts only the right items; a list that has some is not told to be too short."""
    folder = source(tmp_path, platforms=[{"folder": "linux", "targets": [{"platform": "solaris"}]}])
    assert "at least 1 item" not in problems(folder)


def test_a_package_without_install_script_is_refused(tmp_path: Path) -> None:
    """Documented: agent: Package is not supported (package is missing install action)."""
    folder = source(tmp_path)
    (folder / "linux/install.sh").unlink()
    assert "CSD101: has no install.sh or install.ps1 at its root. Add it; the agent runs it as root" in problems(folder)


def test_a_wrong_control_file_is_told(tmp_path: Path) -> None:
    """A .deb that dpkg would refuse on every node is refused here."""
    folder = source(
        tmp_path,
        version="v1",
        platforms=[{"folder": "linux", "targets": [{"platform": "_any"}], "make": [{"as": "x.deb", "deb": "deb"}]}],
    )
    (folder / "deb/DEBIAN").mkdir(parents=True)
    (folder / "deb/DEBIAN/control.in").write_text("Package: x\nVersion: @VERSION@\nArchitecture: all\nMaintainer: me\n")
    told = problems(folder)
    assert "has no Description" in told
    assert "Version 'v1' is no Debian version" in told


def test_unwise_packages_are_warned_of(tmp_path: Path) -> None:
    """No uninstall script, and a script for another shell: built, but told."""
    folder = source(tmp_path)
    (folder / "linux/uninstall.sh").unlink()
    (folder / "linux/install.sh").write_text("#!/bin/bash\necho done\n")
    (folder / "linux/data").write_text("x")
    warnings = " ".join(build_package(folder, tmp_path / "out").warnings)
    assert "has no uninstall script" in warnings
    assert "begins with '#!/bin/bash', but the agent runs it with sh" in warnings


def sealed(tmp_path: Path) -> Path:
    build_package(source(tmp_path), tmp_path / "sealed")
    return tmp_path / "sealed"


def test_a_sealed_folder_proves_itself(tmp_path: Path) -> None:
    """What was built reads back."""
    assert read_sealed(sealed(tmp_path)).version == "1.0.0"


def test_a_changed_zip_is_refused(tmp_path: Path) -> None:
    """A flipped byte is told with both digests."""
    folder = sealed(tmp_path)
    path = folder / "tiny-1.0.0-linux.zip"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(CsdInputError, match="has sha256 [0-9a-f]{64}, the manifest says [0-9a-f]{64}"):
        read_sealed(folder)


def test_a_manifest_made_by_hand_is_checked(tmp_path: Path) -> None:
    """Listed but unused, used but unlisted, and no folder at all."""
    folder = sealed(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["more.zip"] = {"checksums": {"sha256": "ab"}}
    manifest["packages"]["debian"] = {"_any": {"_any": {"file": "less.zip"}}}
    manifest["version"] = 7
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CsdInputError) as wrong:
        read_sealed(folder)
    assert [problem.what.replace(f"{folder}/", "") for problem in wrong.value.problems] == [
        "CSD404: found 7.",
        "CSD205: has no sha256 in its checksums.",
        "CSD202: names 'less.zip' for debian/_any/_any, which 'files' does not list.",
        "CSD203: is for no platform.",
        "CSD204: more.zip is not there.",
    ]


def test_a_zip_with_an_enclosing_folder_is_refused(tmp_path: Path) -> None:
    """The commonest mistake with packages made by hand."""
    folder = sealed(tmp_path)
    path = folder / "tiny-1.0.0-linux.zip"
    path.write_bytes(zipped([Entry("tiny/install.sh", b"", executable=False)]))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][path.name]["checksums"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CsdInputError, match="Zip the files themselves, not the folder around them"):
        read_sealed(folder)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}", fullmatch=True), st.binary(max_size=50), max_size=5))
def test_tars_hold_what_was_given(files: dict[str, bytes]) -> None:
    """Any files, in any order, come out as they went in; the order makes no difference."""
    clean = {n: c for n, c in files.items() if not any(other.startswith(n + "/") for other in files)}
    entries = [Entry(name, content, executable=False) for name, content in clean.items()]
    made = b"".join(tar_pieces(entries).chunks())
    assert made == b"".join(tar_pieces(list(reversed(entries))).chunks())
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        found = {m.name.removeprefix("./"): archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr] # files only
    assert found == clean


def test_a_deb_is_even() -> None:
    """Documented: ar(5): members begin at even offsets."""
    made = b"".join(deb_pieces([Entry("control", b"x", executable=False)], []).chunks())
    assert made.startswith(b"!<arch>\ndebian-binary   ")
    assert len(made) % 2 == 0
