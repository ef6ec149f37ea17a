"""What goes into a zip: own, shared and single files; and the names and kinds of file that no node could unpack."""

import os
import socket
import zipfile
from pathlib import Path

import pytest
import yaml

from csd.errors import CsdInputError
from csd.package.names import clashes, zip_fault
from csd.package.sealed import build_package

ANY = [{"platform": "_any"}]
LINUX = [{"platform": "amazon"}]


def package(root: Path, platforms: list[object], files: dict[str, str]) -> Path:
    folder = root / "source"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    folder.mkdir(exist_ok=True)
    (folder / "package.yaml").write_text(yaml.safe_dump({"name": "tiny", "version": "1", "platforms": platforms}))
    return folder


def held(root: Path, zip_name: str) -> dict[str, str]:
    with zipfile.ZipFile(root / "out" / zip_name) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def problems(folder: Path) -> str:
    with pytest.raises(CsdInputError) as wrong:
        build_package(folder, folder.parent / "out")
    assert not (folder.parent / "out").exists()
    return str(wrong.value)


SCRIPTS = {"scripts/install.sh": "shared", "scripts/uninstall.sh": "shared @VERSION@"}
VENDOR = SCRIPTS | {"installers/agent.x86_64.rpm": "x86", "installers/agent.aarch64.rpm": "arm"}


def test_scripts_are_shared_and_installers_are_taken_by_path(tmp_path: Path) -> None:
    """One folder of scripts serves every architecture; no zip needs a folder of its own."""
    platforms = [
        {
            "name": f"amazon-{arch}",
            "shared": ["scripts"],
            "files": [{"from": f"installers/agent.{rpm}.rpm", "as": "agent.rpm"}],
            "targets": [{"platform": "amazon", "architecture": arch}],
        }
        for arch, rpm in (("x86_64", "x86_64"), ("arm64", "aarch64"))
    ]
    build_package(package(tmp_path, list(platforms), VENDOR), tmp_path / "out")
    assert held(tmp_path, "tiny-1-amazon-x86_64.zip") == {
        "agent.rpm": "x86", "install.sh": "shared", "uninstall.sh": "shared @VERSION@",
    }  # fmt: skip
    assert held(tmp_path, "tiny-1-amazon-arm64.zip")["agent.rpm"] == "arm"


def test_a_zips_own_file_goes_before_a_shared_one(tmp_path: Path) -> None:
    """What differs on one platform stands in its folder; folders may be nested, and a file keeps its name when none is given."""
    files = VENDOR | {"amazon/x86/install.sh.in": "own @NAME@ @VERSION@"}
    entry = {"folder": "amazon/x86", "shared": ["scripts"], "files": [{"from": "installers/agent.x86_64.rpm"}], "targets": ANY}
    build_package(package(tmp_path, [entry], files), tmp_path / "out")
    assert held(tmp_path, "tiny-1-amazon-x86.zip") == {
        "agent.x86_64.rpm": "x86", "install.sh": "own tiny 1", "uninstall.sh": "shared @VERSION@",
    }  # fmt: skip


REFUSED = [
    ([{"targets": ANY}], "platforms[0]: has neither 'folder' nor 'name'"),
    ([{"name": "a", "shared": ["gone"], "targets": ANY}], "gone: there is no such folder"),
    ([{"name": "a", "files": [{"from": "gone.rpm"}], "targets": ANY}], "gone.rpm: there is no such file"),
    ([{"name": "a", "files": [{"from": "/etc/passwd"}], "targets": ANY}], "platforms[0].files[0].from"),
    ([{"name": "a", "files": [{"from": "x/../../y"}], "targets": ANY}], "x/../../y: is not beside package.yaml"),
    ([{"name": "a", "shared": ["scripts", "more"], "targets": ANY}], "'install.sh' comes twice. Rename one of them: "),
    ([{"name": "a", "make": [{"as": "p.tar", "tar": "../.."}], "shared": ["scripts"], "targets": ANY}], "is not beside"),
    (
        [{"name": "a", "make": [{"as": "install.sh", "tar": "more"}], "shared": ["scripts"], "targets": ANY}],
        "'install.sh' comes twice",
    ),
    (
        [{"name": "A", "shared": ["scripts"], "targets": LINUX}, {"name": "a", "shared": ["scripts"], "targets": ANY}],
        "'a' and 'A' make zips whose names differ in case only",
    ),
    (
        [{"folder": "more", "shared": ["scripts"], "targets": LINUX}, {"folder": "more", "targets": ANY}],
        "'more' is listed twice. Put all its targets in one entry, or give one another 'name'",
    ),
]


@pytest.mark.parametrize(("platforms", "said"), REFUSED)
def test_what_package_yaml_cannot_mean(tmp_path: Path, platforms: list[object], said: str) -> None:
    """Each with its place."""
    assert said in problems(package(tmp_path, platforms, VENDOR | {"more/install.sh": "x"}))


def test_one_problem_of_a_shared_folder_is_told_once(tmp_path: Path) -> None:
    """However many zips read it."""
    folder = package(
        tmp_path,
        [{"name": "a", "shared": ["scripts"], "targets": LINUX}, {"name": "b", "shared": ["scripts"], "targets": ANY}],
        SCRIPTS,
    )
    (folder / "scripts/link").symlink_to("install.sh")
    assert problems(folder).count("is not a plain file") == 1


def test_only_plain_files_go_in(tmp_path: Path) -> None:
    """Links, pipes and sockets are refused where they stand, folders behind links too, and none of them is opened."""
    folder = package(
        tmp_path, [{"folder": "linux", "targets": LINUX}], {"linux/install.sh": "", "linux/uninstall.sh": "rm -f /opt/x"}
    )
    (folder / "linux/link").symlink_to("/etc/passwd")
    (folder / "linux/etc").symlink_to("/etc")
    os.mkfifo(folder / "linux/pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder / "linux")  # a socket's path is short
        listening.bind("socket")
        os.chdir(here)
    told = problems(folder)
    for name, kind in (("link", "a symbolic link"), ("etc", "a symbolic link"), ("pipe", "a pipe"), ("socket", "a socket")):
        assert f"{folder}/linux/{name}: is not a plain file: it is {kind}." in told
    assert "passwd" not in told


def test_a_folder_behind_a_link_is_refused(tmp_path: Path) -> None:
    """Else what is built depends on what stands elsewhere; `shared` is the way to use a folder twice."""
    folder = package(tmp_path, [{"folder": "linux", "targets": LINUX}], {})
    (folder / "linux").symlink_to(tmp_path)
    assert "linux: is a symbolic link. Packages hold plain files only; to use a folder twice, name it in 'shared'" in problems(
        folder
    )


NAMES = [
    (b"tab\there", "tab\\there: has a control character in its name"),
    (b"line\nend", "line\\nend: has a control character in its name"),
    (b"back\\slash", "has a backslash, which some systems take for a folder, in its name"),
    (b"C:agent", "has a colon, which names a drive, in its name"),
    (b"caf\xe9", "has a name that is not UTF-8"),
    (b"Install.SH", "'install.sh' and 'Install.SH' cannot both be unpacked"),
    (b"nul.txt", "is called 'nul.txt', which is a device on Windows"),
    (b"what?", "has a character in its name that Windows does not allow"),
    (b"dot.", "ends in '.', which Windows leaves out"),
]


@pytest.mark.parametrize(("name", "said"), NAMES, ids=[ascii(name) for name, _ in NAMES])
def test_names_that_some_node_cannot_unpack(tmp_path: Path, name: bytes, said: str) -> None:
    """Each is told with its path, printed so that it can be read."""
    folder = package(tmp_path, [{"folder": "all", "targets": ANY}], {"all/install.sh": "", "all/uninstall.sh": "rm -f /opt/x"})
    (Path(os.fsdecode(os.fsencode(folder / "all") + b"/" + name))).write_text("")
    told = problems(folder)
    assert said in told
    assert told.isprintable() or "\n" in told
    assert len(told.splitlines()) == 1


def test_what_only_linux_unpacks_may_have_what_windows_may_not() -> None:
    """A name may end in a dot where no target is Windows; inside a tar it may have a colon."""
    assert zip_fault("lib.so.", windows=False) is None
    assert zip_fault("aux", windows=False) is None
    assert zip_fault("aux", windows=True) is not None


def test_names_inside_a_tar_are_linux_names(tmp_path: Path) -> None:
    """systemd's escapes and a manual's colons are no fault there."""
    files = SCRIPTS | {"payload/dev-disk-by\\x2duuid.device": "x", "payload/Foo::Bar.3pm": "y", "payload/CON": "z"}
    entry = {"name": "linux", "shared": ["scripts"], "make": [{"as": "p.tar", "tar": "payload"}], "targets": ANY}
    build_package(package(tmp_path, [entry], files), tmp_path / "out")


def test_clashes() -> None:
    """A file where another name needs a folder cannot be unpacked either; accents may be written two ways."""
    assert clashes(["a", "a/b"]) == [("a/b", "a")]
    assert clashes(["A/x", "a"]) == [("a", "A/x")]
    assert clashes(["caf\u00e9", "cafe\u0301"]) == [("caf\u00e9", "cafe\u0301")]
    assert clashes(["a/b", "a/c", "A/d", "ab"]) == []


def test_modes_come_from_contents(tmp_path: Path) -> None:
    """Scripts and programs are 0755, all else 0644, whatever the file system says; a bit that is dropped is told."""
    files = {
        "all/install.sh": "echo",
        "all/uninstall.sh": "rm -f /opt/x",
        "all/tool": "#!/bin/sh\n",
        "all/data": "x",
        "all/text": "y",
    }
    folder = package(tmp_path, [{"folder": "all", "targets": LINUX}], files)
    (folder / "all/elf").write_bytes(b"\x7fELF\x02")
    for name, mode in (("install.sh", 0o600), ("tool", 0o644), ("elf", 0o644), ("data", 0o755), ("text", 0o777)):
        (folder / "all" / name).chmod(mode)
    sealed = build_package(folder, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out/tiny-1-all.zip") as archive:
        modes = {info.filename: oct(info.external_attr >> 16) for info in archive.infolist()}
    assert {name for name, mode in modes.items() if mode == "0o100755"} == {"install.sh", "uninstall.sh", "tool", "elf"}
    assert set(modes.values()) == {"0o100755", "0o100644"}
    assert sealed.warnings == (
        f"{folder}/all/data: may be executed here, but is no script and no program: it becomes 0644.",
    )  # text: a file system that lets everybody write everything tells nothing
