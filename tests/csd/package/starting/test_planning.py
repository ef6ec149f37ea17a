"""Installers -> one package: who gets which zip, which version, what is refused, and what package.yaml says."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csd.errors import CsdInputError, Problem
from csd.package.detection.filenames import LINUX
from csd.package.detection.installer import Architecture, Installer, Kind, Platforms
from csd.package.lint.checking import lint
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.reading import packages_at
from csd.package.matching.targets import packages_of
from csd.package.matching.walk import Match, Node, which_zip
from csd.package.sealed import build_package
from csd.package.starting.planning import Start, plan_start
from csd.package.starting.starting import start_package
from csd.package.starting.writing import source_text, write_start
from csd_fakes import installers

DEBIAN: Platforms = (("debian", "_any"), ("ubuntu", "_any"))
EL9: Platforms = (("redhat", "9.*"), ("rocky", "9.*"))
RPMS: Platforms = (("redhat", "_any"), ("rocky", "_any"))
WINDOWS: Platforms = (("windows", "_any"),)
ALL: list[tuple[Kind, Platforms]] = [
    ("deb", DEBIAN), ("rpm", EL9), ("msi", WINDOWS), ("exe", WINDOWS), ("tar", ()), ("zip", LINUX), ("zip", WINDOWS), ("script", ()),
    ("binary", LINUX), ("file", ()),
]  # fmt: skip


def installer(
    name: str, kind: Kind, platforms: Platforms = (), architecture: Architecture = "x86_64", version: str = "7.1.0", *guessed: str
) -> Installer:
    return Installer(Path("from") / name, kind, "agent", version, architecture, platforms, frozenset(guessed))


def planned(*every: Installer, version: str = "") -> Start:
    start, problems = plan_start("my-agent", version, every, "from")
    assert problems == []
    return start


def refused(*every: Installer) -> list[str]:
    return [str(problem) for problem in plan_start("my-agent", "", every, "from")[1]]


GOLDEN = """\
# Made by csd package init from the installers. Look at the targets and at scripts/*/configure.*, then: csd package build.
name: my-agent
version: "7.1.0"
platforms:
  - name: deb-x86_64
    shared: [scripts/sh, scripts/deb]
    files:
      - {from: installers/agent_amd64.deb, as: installer.deb}
    targets:
      - {platform: debian, architecture: x86_64}
      - {platform: ubuntu, architecture: x86_64}
  - name: deb-arm64
    shared: [scripts/sh, scripts/deb]
    files:
      - {from: installers/agent_arm64.deb, as: installer.deb}
    targets:
      - {platform: debian, architecture: arm64}
      - {platform: ubuntu, architecture: arm64}
  - name: rpm-x86_64
    shared: [scripts/sh, scripts/rpm]
    files:
      - {from: "installers/9 agent.rpm", as: installer.rpm}
    targets:
      - {platform: redhat, version: "9.*", architecture: x86_64}
      - {platform: rocky, version: "9.*", architecture: x86_64}
  - name: msi-386
    shared: [scripts/powershell, scripts/msi]
    files:
      - {from: installers/agent.msi, as: installer.msi}
    targets:
      - {platform: windows, architecture: "386"}
      - {platform: windows, architecture: x86_64}
"""


def test_the_text_of_package_yaml() -> None:
    """The same installers are the same text; the version stands in it once, whatever each kind adds to it."""
    start = planned(
        installer("agent_amd64.deb", "deb", DEBIAN, "x86_64", "1:7.1.0-2"),
        installer("agent_arm64.deb", "deb", DEBIAN, "arm64", "7.1.0-1"),
        installer("9 agent.rpm", "rpm", EL9, "x86_64", "7.1.0-1.el9"),
        installer("agent.msi", "msi", WINDOWS, "386", "7.1.0.0"),
    )
    assert source_text(start) == GOLDEN
    assert start.notes == ("agent.msi has 32 bits; it is listed for windows on x86_64 too, for which there is no other",)


@pytest.mark.parametrize(("kind", "platforms"), ALL)
def test_every_kind_builds_and_is_linted_without_a_word(kind: Kind, platforms: Platforms, tmp_path: Path) -> None:
    """From a file of each kind to a sealed package, with nothing written by hand."""
    (tmp_path / f"agent.{kind}").write_bytes(b"content")
    each = Installer(tmp_path / f"agent.{kind}", kind, "agent", "7.1.0", "x86_64", platforms)
    written = write_start(planned(each), tmp_path / "source")
    assert f"installers/agent.{kind}" in written
    built = build_package(tmp_path / "source", tmp_path / "sealed")
    assert (built.name, built.version, built.warnings) == ("my-agent", "7.1.0", ())
    assert [str(finding) for finding in lint(tmp_path / "sealed").findings] == []


def test_a_vendors_whole_folder_becomes_one_package(tmp_path: Path) -> None:
    """Real files of seven sorts; every node gets its own, nobody falls between, and the second build is the first one."""
    source = tmp_path / "from"
    source.mkdir()
    for name, content in {
        "a_amd64.deb": installers.deb("amd64"), "a_arm64.deb": installers.deb("arm64"), "a.el9.rpm": installers.rpm(),
        "a.aarch64.rpm": installers.rpm(release="2", arch="aarch64"), "a.msi": installers.msi(),
        "a-macos-arm64.tar": installers.tarball(), "a32.exe": installers.exe(machine=0x14C),
    }.items():  # fmt: skip
        (source / name).write_bytes(content)
    started = start_package("vendor-agent", source, tmp_path / "into")
    assert started.start.version == "7.1.0"
    built = [build_package(started.folder, tmp_path / name) for name in ("one", "two")]
    assert built[0].warnings == ()
    assert built[0].files == built[1].files
    packages = packages_at(built[0].folder)
    assert (unreachable(packages), holes(packages)) == ([], [])
    for node, label in (
        (Node("ubuntu", "24.04", "arm64"), "deb-arm64"), (Node("rocky", "9.6", "x86_64"), "rpm-x86_64"),
        (Node("rocky", "9.6", "arm64"), "rpm-arm64"), (Node("amazon", "2023", "arm64"), "rpm-arm64"),
        (Node("windows", "10.0.20348", "x86_64"), "msi-x86_64"), (Node("windows", "10.0.20348", "386"), "exe-386"),
        (Node("mac_os_x", "15.1", "arm64"), "tar-arm64"),
    ):  # fmt: skip
        found = which_zip(packages, node)
        assert isinstance(found, Match), node
        assert found.file == f"vendor-agent-7.1.0-{label}.zip"


def test_a_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """An installer that went away meanwhile: no half of a package, and no folder beside it."""
    start = planned(Installer(tmp_path / "gone.deb", "deb", "agent", "7.1.0", "x86_64", DEBIAN))
    with pytest.raises(FileNotFoundError):
        write_start(start, tmp_path / "into")
    assert list(tmp_path.iterdir()) == []


def test_a_narrower_target_shuts_nobody_out() -> None:
    """An .rpm for el9 on x86_64 would hide the general one for arm64 from el9: so that is listed for el9 too, and said."""
    start = planned(
        installer("el9.rpm", "rpm", EL9), installer("any.rpm", "rpm", RPMS), installer("any-arm.rpm", "rpm", RPMS, "arm64")
    )
    arm = start.zips[2]
    assert ("rocky", "9.*", "arm64") in arm.targets
    assert [one.label for one in start.zips] == ["rpm-redhat9-x86_64", "rpm-redhat-x86_64", "rpm-arm64"]
    assert "any-arm.rpm is listed for redhat/9.*/arm64 too: the agent does not fall back to a wider target" in start.notes


def test_an_archive_is_for_the_systems_that_no_native_package_serves() -> None:
    """A .deb, an .rpm for el9 and a tarball: each system gets the package of its own kind, all others the tarball."""
    start = planned(
        installer("a.tar", "tar", (), "x86_64"), installer("a.deb", "deb", DEBIAN, "_any"), installer("a.el9.rpm", "rpm", EL9)
    )
    assert start.notes == ("a.tar is for the other systems: debian, ubuntu get a.deb, the package of their own kind",)
    packages = packages_of((triple, one.label) for one in start.zips for triple in one.targets)
    for node, label in (
        (Node("debian", "12", "x86_64"), "deb-all"), (Node("ubuntu", "24.04", "arm64"), "deb-all"),
        (Node("rocky", "9.6", "x86_64"), "rpm-x86_64"), (Node("rocky", "8.10", "x86_64"), "tar-x86_64"),
        (Node("suse", "15.6", "x86_64"), "tar-x86_64"),
    ):  # fmt: skip
        found = which_zip(packages, node)
        assert isinstance(found, Match), node
        assert found.file == label


def test_a_32_bit_installer_leaves_64_bit_windows_to_one_of_its_own() -> None:
    """Documented: Microsoft, WOW64: 64-bit Windows runs it, so it is for both only where there is no other."""
    start = planned(installer("a-x86.msi", "msi", WINDOWS, "386"), installer("a-x64.msi", "msi", WINDOWS))
    assert [each.targets for each in start.zips] == [(("windows", "_any", "386"),), (("windows", "_any", "x86_64"),)]
    assert start.notes == ()


@pytest.mark.parametrize(("kind", "platforms"), [("deb", DEBIAN), ("tar", ()), ("binary", LINUX)])
def test_what_is_for_32_bit_arm_is_for_raspberry_pi_os_too(kind: Kind, platforms: Platforms) -> None:
    """Observed: its /etc/os-release has ID=raspbian, and Go calls the machine arm."""
    assert ("raspbian", "_any", "arm") in planned(installer("a", kind, platforms, "arm")).zips[0].targets
    assert "raspbian" not in {platform for platform, _, _ in planned(installer("a", kind, platforms)).zips[0].targets}


def test_an_archive_for_another_architecture_stands_beside_a_native_package() -> None:
    """The .deb is for x86_64, the tarball for arm64: both are for Debian."""
    start = planned(installer("a.deb", "deb", DEBIAN), installer("a-arm64.tar", "tar", (), "arm64"))
    assert ("debian", "_any", "arm64") in start.zips[1].targets
    assert start.notes == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([("deb", DEBIAN), ("rpm", EL9), ("rpm", RPMS), ("tar", ()), ("zip", WINDOWS), ("exe", WINDOWS)]),
            st.sampled_from(["x86_64", "arm64", "386", "_any"]),
        ),
        min_size=1, max_size=7, unique=True,
    )
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_whatever_lies_in_the_folder_no_node_falls_between(rows: list[tuple[tuple[Kind, Platforms], Architecture]]) -> None:
    """Either two installers are for one target, and that is told; or every node that any of them is for gets one."""
    every = [installer(f"{number}.{kind}", kind, keys, machine) for number, ((kind, keys), machine) in enumerate(rows)]
    start, problems = plan_start("my-agent", "", every, "from")
    if problems:
        assert all("and so is" in problem.what or "is for systems that all get" in problem.what for problem in problems)
        return
    packages = packages_of((triple, one.label) for one in start.zips for triple in one.targets)
    assert (unreachable(packages), holes(packages)) == ([], [])
    assert len({one.label for one in start.zips}) == len(start.zips)
    assert len({triple for one in start.zips for triple in one.targets}) == sum(len(one.targets) for one in start.zips)


def test_plain_files_go_together_and_to_every_system(tmp_path: Path) -> None:
    """Configuration is for all: one zip with sh scripts, and one for Windows."""
    for name in ("a.conf", "b.conf"):
        (tmp_path / name).write_text(name)
    start = planned(*(Installer(tmp_path / name, "file", version="") for name in ("a.conf", "b.conf")), version="1")
    assert [(one.label, [placed for _, placed in one.files]) for one in start.zips] == [
        ("file-all", ["files/a.conf", "files/b.conf"]), ("file-windows-all", ["files/a.conf", "files/b.conf"]),
    ]  # fmt: skip
    write_start(start, tmp_path / "source")
    packages = packages_at(build_package(tmp_path / "source", tmp_path / "sealed").folder)
    for node, file in (
        (Node("windows", "10.0.20348", "x86_64"), "file-windows-all"),
        (Node("alpine", "3.20", "arm64"), "file-all"),
    ):
        found = which_zip(packages, node)
        assert isinstance(found, Match)
        assert found.file == f"my-agent-1-{file}.zip"


def test_what_is_guessed_is_said() -> None:
    """A name is a hint, not a fact; so is what a file leaves open."""
    notes = planned(
        installer("agent-7.1.0.tar", "tar", (), "", "7.1.0", "name", "version"), installer("agent.exe", "exe", WINDOWS)
    ).notes
    assert notes == (
        "agent-7.1.0.tar: version is guessed from its name; look at package.yaml",
        "agent-7.1.0.tar: tells no architecture, so it is listed for all; look at package.yaml",
        "agent.exe: fill in its vendor's silent switches in scripts/exe/product.ps1; it refuses to run until then",
    )


@pytest.mark.parametrize(
    ("every", "told"),
    [
        (
            [installer("a.deb", "deb", DEBIAN), installer("b.deb", "deb", DEBIAN)],
            "from/b.deb: is for debian/_any/x86_64 and 1 more, and so is a.deb. A node gets exactly one zip: take one of them out.",
        ),
        (
            [installer("a.deb", "deb", DEBIAN), installer("b.rpm", "rpm", EL9, "x86_64", "7.2.0-1.el9")],
            "from: has installers of different versions: 7.1.0 (a.deb); 7.2.0 (b.rpm). Take some out, or give --version.",
        ),
        ([installer("a.tar", "tar", (), "x86_64", "")], "from: has no file that tells its version. Give --version."),
        (
            [installer("a.deb", "deb", DEBIAN, "x86_64", "7.1~rc1+git")],
            (
                "from/a.deb: is version '7.1~rc1+git', and AWS takes only letters, digits, '_', '-' and '.' in the name of a version."
                " Give --version."
            ),
        ),
        (
            [installer("a.zip", "zip")],
            (
                "from/a.zip: is a zip file that tells no system that it is for, and neither does its name."
                " Put linux, windows or macos into its name: agent-1.0-linux-x86_64.zip."
            ),
        ),
        (
            [installer("a-win.tar", "tar", WINDOWS)],
            (
                "from/a-win.tar: is a tar file for windows, for which there are no ready scripts."
                " Give the vendor's .msi, .exe or .zip; or write the zip's folder yourself."
            ),
        ),
        (
            [installer("a.deb", "deb", DEBIAN), installer("a-debian.tar", "tar", (("debian", "_any"),))],
            "from/a-debian.tar: is for systems that all get a.deb, the package of their own kind. Take it out of the folder.",
        ),
        (
            [installer("a.tar", "tar"), installer("install.sh", "script", (), "")],
            (
                "from/install.sh: is a script beside installers; which of them needs it is not told."
                " Take it out of the folder; name it under 'files' in package.yaml afterwards, for the zips that need it."
            ),
        ),
        (
            [installer("a.deb", "deb", DEBIAN), installer("README", "file")],
            (
                "from/README: is a plain file beside installers; which of them needs it is not told."
                " Take it out of the folder; name it under 'files' in package.yaml afterwards, for the zips that need it."
            ),
        ),
    ],
)
def test_what_cannot_be_one_package_is_refused(every: list[Installer], told: str) -> None:
    """Where, what, and what to do."""
    assert refused(*every) == [told]


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    """A reserved name, a target that is in use, a folder, a link, two for one target, a file that is not what it begins like."""
    source, into = tmp_path / "from", tmp_path / "into"
    (source / "more").mkdir(parents=True)
    (source / "a.deb").write_bytes(installers.deb())
    (source / "b.deb").write_bytes(installers.deb())
    (source / "c.deb").symlink_to("a.deb")
    (source / "d.rpm").write_bytes(b"\xed\xab\xee\xdb and no more")
    into.mkdir()
    (into / "mine").touch()
    with pytest.raises(CsdInputError) as wrong:
        start_package("aws-agent", source, into)
    told: dict[str, Problem] = {problem.where: problem for problem in wrong.value.problems}
    assert str(told[str(into)]) == f"{into}: is not empty. Name a new folder with --into."
    assert (
        str(told[f"{source}/more"]) == f"{source}/more: is a folder. Put its installers beside the others, or make a tar of it."
    )
    assert str(told[f"{source}/c.deb"]) == f"{source}/c.deb: is a link. Put the file itself there."
    assert told[f"{source}/b.deb"].what.startswith("is for debian/_any/x86_64")
    assert told[f"{source}/d.rpm"].what.startswith("begins like an .rpm")
    assert told[f"{into}/package.yaml: name"].what == "CSD401: 'aws-agent' begins with 'aws', which AWS keeps for itself."
    assert len(told) == len(wrong.value.problems) == 6
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert [path.name for path in into.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("name", "source", "into", "told"),
    [
        ("my-agent", "nowhere", "into", "{}/nowhere: there is no such folder. Name the folder of the installers with --from."),
        ("my-agent", "", "empty", "{}: has no installers. Put the vendor's files there, or name another with --from."),
        ("my-agent", "nowhere", "file", "{}/file: is no folder. Name another with --into."),
        ("a b", "nowhere", "into", "{}/into/package.yaml: name: String should match pattern"),
    ],
)
def test_words_for_what_is_not_there(name: str, source: str, into: str, told: str, tmp_path: Path) -> None:
    """The empty folder that the package goes to is not taken for one of its installers."""
    (tmp_path / "empty").mkdir()
    if into == "file":
        (tmp_path / "file").touch()
    with pytest.raises(CsdInputError) as wrong:
        start_package(name, tmp_path / source, tmp_path / into)
    assert told.format(tmp_path) in str(wrong.value)


def test_what_begins_with_a_dot_is_left_out_aloud(tmp_path: Path) -> None:
    """What a desktop leaves in every folder is no installer; into an empty folder inside the same one is fine."""
    (tmp_path / "a.deb").write_bytes(installers.deb())
    (tmp_path / ".DS_Store").touch()
    started = start_package("my-agent", tmp_path, tmp_path / "my-agent", "1.0")
    assert started.start.notes == (".DS_Store: left out, because its name begins with a dot",)
    assert 'version: "1.0"' in (started.folder / "package.yaml").read_text()
    assert (started.folder / "installers/a.deb").read_bytes() == (tmp_path / "a.deb").read_bytes()
    built = build_package(started.folder, tmp_path / "sealed")
    assert json.loads((built.folder / "manifest.json").read_text())["packages"].keys() == {"debian", "ubuntu"}
