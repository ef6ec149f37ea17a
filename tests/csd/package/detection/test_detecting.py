"""What a file is, told by its content: every kind, every architecture, and what is refused."""

from pathlib import Path

import pytest

from csd.package.detection.detecting import detect
from csd.package.detection.installer import Installer, Unrecognised
from csd.package.detection.redhat import redhat_platforms
from csd.package.matching.reach import unreachable
from csd.package.matching.systems import SYSTEMS
from csd.package.matching.targets import packages_of
from csd.package.matching.walk import Match, Node, which_zip
from csd_fakes.installers import PACKERS, deb, elf, exe, msi, rpm, tarball, version_info, zipped

DEBIAN = (("debian", "_any"), ("ubuntu", "_any"))
FAMILY = ("redhat", "centos", "oracle", "rocky", "almalinux")
WINDOWS = (("windows", "_any"),)


def told(folder: Path, content: bytes, name: str = "x") -> Installer:
    (folder / name).write_bytes(content)
    return detect(folder / name)


def problem(folder: Path, content: bytes, name: str = "x") -> str:
    with pytest.raises(Unrecognised) as refused:
        told(folder, content, name)
    assert refused.value.problem.where == str(folder / name)
    return refused.value.problem.what


def test_a_deb_tells_all_of_itself(tmp_path: Path) -> None:
    """Documented: deb-control(5). Its name may say what it wants."""
    found = told(tmp_path, deb(), "other-9.9-arm64.msi")
    assert (found.kind, found.name, found.version, found.upstream) == ("deb", "vendor-agent", "1:7.1.0-2", "7.1.0")
    assert (found.architecture, found.platforms, found.guessed) == ("x86_64", DEBIAN, frozenset())


@pytest.mark.parametrize("compression", ["gz", "xz", "zst"])
def test_a_deb_is_read_however_its_control_is_compressed(tmp_path: Path, compression: str) -> None:
    """Documented: deb(5)."""
    assert told(tmp_path, deb(compression=compression)).version == "1:7.1.0-2"


def test_an_rpm_tells_all_of_itself(tmp_path: Path) -> None:
    """Documented: the LSB's package file format."""
    found = told(tmp_path, rpm())
    assert (found.kind, found.name, found.version, found.upstream) == ("rpm", "vendor-agent", "7.1.0-2.el9", "7.1.0")
    assert found.architecture == "x86_64"
    assert found.platforms == tuple((name, "9.*") for name in FAMILY)


DIST_TAGS = [
    ("1.el7", {"redhat": "7.*", "centos": "7.*", "oracle": "7.*"}),
    ("1.el8_6.2", dict.fromkeys(FAMILY, "8.*")),
    ("3.amzn2", {"amazon": "2"}),
    ("3.amzn2.0.1", {"amazon": "2"}),
    ("3.amzn2023", {"amazon": "2023"}),
    ("1.amzn1", {"amazon": "2018.*"}),
    ("4.fc42", {"fedora": "42"}),
    ("4.sles12", {"suse": "12.*"}),
    ("4.sle15", {"suse": "15.*"}),
    ("4.suse1530", {"suse": "15.*"}),
    ("1", dict.fromkeys(("amazon", *FAMILY, "fedora", "suse"), "_any")),
    ("1.elastic.el9", dict.fromkeys(FAMILY, "9.*")),
    ("1.elastic", dict.fromkeys(("amazon", *FAMILY, "fedora", "suse"), "_any")),
]


@pytest.mark.parametrize(("release", "platforms"), DIST_TAGS, ids=[row[0] for row in DIST_TAGS])
def test_a_dist_tag_narrows_the_systems(release: str, platforms: dict[str, str]) -> None:
    """Without one an .rpm is for every system that has rpm. There is no Rocky and no AlmaLinux 7."""
    assert dict(redhat_platforms(release)) == platforms


def test_an_msi_tells_all_of_itself(tmp_path: Path) -> None:
    """Documented: Windows Installer, Property table and Template Summary."""
    found = told(tmp_path, msi())
    assert (found.kind, found.name, found.version, found.architecture) == ("msi", "Vendor Agent", "7.1.0", "x86_64")
    assert (found.platforms, found.guessed) == (WINDOWS, frozenset())


@pytest.mark.parametrize(
    ("template", "word"), [("Intel;1033", "386"), (";1033", "386"), ("Arm64;0", "arm64"), ("x64;1033,1031", "x86_64")]
)
def test_the_template_tells_the_machine(tmp_path: Path, template: str, word: str) -> None:
    """Documented: Template Summary: one that names none is for Intel."""
    assert told(tmp_path, msi(template)).architecture == word


def test_an_exe_tells_what_its_version_resource_says(tmp_path: Path) -> None:
    """Documented: VS_VERSIONINFO."""
    found = told(tmp_path, exe())
    assert (found.kind, found.name, found.version, found.architecture) == ("exe", "Vendor Agent", "7.1.0", "x86_64")
    assert (found.platforms, found.guessed) == (WINDOWS, frozenset())


def test_an_exe_without_strings_tells_its_numbers(tmp_path: Path) -> None:
    """Its name is then guessed."""
    found = told(tmp_path, exe(0x14C, version_info({})), "Agent-Setup-6.0.exe")
    assert (found.name, found.version, found.architecture) == ("Agent-Setup", "7.1.0.2", "386")
    assert found.guessed == {"name"}


@pytest.mark.parametrize(
    ("name", "architecture", "guessed"),
    [
        ("setup-x64.exe", "x86_64", {"architecture"}),
        ("setup-arm64.exe", "arm64", {"architecture"}),
        ("setup-x86.exe", "386", set()),
    ],
)
def test_a_32_bit_stub_of_a_64_bit_installer_is_known_by_its_name(
    name: str, architecture: str, guessed: set[str], tmp_path: Path
) -> None:
    """Observed: NSIS 3.08 makes 32-bit programs, whatever they install; documented: so do Inno Setup and WiX by default."""
    found = told(tmp_path, exe(0x14C), name)
    assert (found.architecture, found.guessed) == (architecture, guessed)


@pytest.mark.parametrize(
    ("mark", "hint"),
    [
        (b"Nullsoft.NSIS.exehead", "made by NSIS, whose documented switches are @('/S'), and @('/S') to uninstall"),
        (
            b"JR.Inno.Setup",
            "made by Inno Setup, whose documented switches are @('/VERYSILENT', '/SUPPRESSMSGBOXES', '/NORESTART'), and",
        ),
        (
            b".wixburn",
            "made by WiX, whose documented switches are @('/quiet', '/norestart'), and @('/uninstall', '/quiet', '/norestart')",
        ),
        (b"", ""),
    ],
)
def test_who_made_an_exe_hints_at_its_switches(mark: bytes, hint: str, tmp_path: Path) -> None:
    """Observed: NSIS 3.08; documented: sources of Inno Setup and WiX. A hint for a person, which no script uses."""
    assert told(tmp_path, exe() + mark).hint[: len(hint) or 1] == hint


def test_an_exe_without_resources_is_guessed(tmp_path: Path) -> None:
    """But for its machine."""
    found = told(tmp_path, exe(0xAA64, resource=b""), "agent_7.1.0_x64.exe")
    assert (found.name, found.version, found.architecture) == ("agent", "7.1.0", "arm64")
    assert found.guessed == {"name", "version"}


def test_a_library_of_windows_is_no_installer(tmp_path: Path) -> None:
    """Documented: PE format, IMAGE_FILE_DLL."""
    assert told(tmp_path, exe(flags=0x2022)).kind == "binary"


def test_a_source_rpm_is_refused(tmp_path: Path) -> None:
    """Documented: the LSB's package file format: the lead tells source from binary."""
    assert problem(tmp_path, rpm()[:6] + b"\0\1" + rpm()[8:]).startswith("is a source package")


@pytest.mark.parametrize("compression", ["", *PACKERS])
def test_a_tar_is_known_through_its_compression(tmp_path: Path, compression: str) -> None:
    """By content: the name ends in nothing that would tell."""
    found = told(tmp_path, tarball(compression), "vendor-agent-7.1.0-linux-x86_64.download")
    assert (found.kind, found.name, found.version, found.architecture) == ("tar", "vendor-agent", "7.1.0", "x86_64")
    assert ("amazon", "_any") in found.platforms
    assert found.guessed == {"name", "version", "architecture", "platforms"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [(zipped(), "zip"), (b"#!/bin/sh\n", "script"), (b"key: value\n", "file"), (b"", "file"), (PACKERS["gz"](b"log"), "file")],
    ids=["zip", "script", "text", "empty", "gz of no tar"],
)
def test_other_files_are_told_by_their_beginning(tmp_path: Path, content: bytes, kind: str) -> None:
    """What begins like nothing known is a file."""
    found = told(tmp_path, content, "config.yaml")
    assert (found.kind, found.name, found.version, found.architecture, found.platforms) == (kind, "config.yaml", "", "", ())


@pytest.mark.parametrize(("machine", "word"), [(62, "x86_64"), (3, "386"), (183, "arm64"), (40, "arm")])
def test_a_program_of_linux_tells_its_machine(tmp_path: Path, machine: int, word: str) -> None:
    """Documented: elf(5), e_machine."""
    found = told(tmp_path, elf(machine), "agent-7.1.0")
    assert (found.kind, found.architecture, found.name, found.version) == ("binary", word, "agent", "7.1.0")
    assert found.guessed == {"name", "version"}


FOREIGN = [
    (deb("ppc64el"), "ppc64el"), (deb("armel"), "armel"), (rpm(arch="s390x"), "s390x"), (msi("Intel64;1033"), "Intel64"),
    (exe(0x1C4), "armnt"), (exe(0x166), "machine 0x166"), (elf(22, order=">"), "s390x"), (elf(999), "ELF machine 999"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "word"), FOREIGN, ids=[row[1] for row in FOREIGN])
def test_an_architecture_without_an_agent_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    """By the file's own word."""
    assert problem(tmp_path, content).startswith(f"is for the architecture {word!r};")


def test_an_architecture_in_a_name_counts_too(tmp_path: Path) -> None:
    """Better than a package for every machine that runs on none."""
    assert problem(tmp_path, tarball(), "agent-1.0-ppc64le.tar").startswith("is for the architecture 'ppc64le';")


@pytest.mark.parametrize("release", [row[0] for row in DIST_TAGS])
def test_every_platform_is_one_that_some_agent_has(release: str) -> None:
    """What is told here may stand in a package.yaml as it is: no key of it is for no node."""
    platforms = (*redhat_platforms(release), *DEBIAN, *WINDOWS)
    assert list(unreachable(packages_of(((platform, version, "x86_64"), "zip") for platform, version in platforms))) == []


def test_an_rpm_of_a_dist_tag_reaches_its_systems() -> None:
    """CentOS says 7, Red Hat 7.9: one key is for both."""
    packages = packages_of(((platform, version, "x86_64"), "zip") for platform, version in redhat_platforms("1.el7"))
    nodes = [(s.name, Node(s.platform, s.version, s.architecture)) for s in SYSTEMS]
    reached = {name for name, node in nodes if isinstance(which_zip(packages, node), Match)}
    assert reached == {"Red Hat Enterprise Linux 7.9", "CentOS 7", "Oracle Linux 7.9"}


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.pkg", b"xar!" + bytes(600), "a macOS installer (.pkg)"),
        ("a", bytes(600) + b"koly" + bytes(508), "a macOS disk image (.dmg)"),
        ("a", b"hsqs" + bytes(600), "a squashfs image (.snap)"),
        ("a.msu", b"MSCF" + bytes(600), "a Windows cabinet (.cab, .msu)"),
        ("a", b"7z\xbc\xaf\x27\x1c" + bytes(600), "a 7z archive"),
        ("a.msix", b"PK\x03\x04" + bytes(600), "a Windows app package"),
        ("a.apk", b"\x1f\x8b" + bytes(600), "a package of Alpine Linux"),
    ],
)
def test_an_installer_without_ready_scripts_is_named(name: str, content: bytes, what: str, tmp_path: Path) -> None:
    """It is not taken for a plain file, which would be laid down and never installed."""
    assert problem(tmp_path, content, name) == f"is {what}, for which there are no ready scripts."
