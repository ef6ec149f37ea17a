"""Each rule by a package that breaks it and by one that does not; the whole sentence is what a user reads."""

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from csd.package.lint.checking import lint
from csd.package.lint.registry import RULES
from csd.package.lint.rule import Rule
from csd.package.lint.rules_script import SCRIPT_RULES
from csd.package.reading.ending import MEMBERS_MAX

Make = Callable[[Path], Path]
Value = dict[str, Any]
SCRIPT = "#!/bin/sh\nset -e\ncp agent /usr/bin/agent\n"
FILES: dict[str, str | bytes] = {
    "install.sh": SCRIPT, "uninstall.sh": "#!/bin/sh\nrm -f /usr/bin/agent\n", "validate.sh": SCRIPT, "update.sh": SCRIPT, "agent": "x",
}  # fmt: skip
ZIP = "my-agent-1.0-linux.zip"
ANY = {"_any": {"file": ZIP}}
LISTED = {"checksums": {"sha256": "0" * 64}}


def zipped(files: Mapping[str, str | bytes], mode: int = stat.S_IFREG | 0o644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, text)
    return out.getvalue()


def sealed(
    folder: Path, content: bytes | None = None, change: Callable[[Value], object] = lambda _: None, release: Value | None = None
) -> Path:
    """A folder with a manifest and one zip that are right, but for what is changed before they are written."""
    folder.mkdir(exist_ok=True)
    held = zipped(FILES) if content is None else content
    (folder / ZIP).write_bytes(held)
    told = {
        "schemaVersion": "2.0",
        "version": "1.0",
        "packages": {"ubuntu": {"_any": ANY}},
        "files": {ZIP: {"checksums": {"sha256": hashlib.sha256(held).hexdigest()}, "size": len(held)}},
    }
    change(told)
    (folder / "manifest.json").write_text(json.dumps(told))
    if release is not None:
        (folder / "release.json").write_text(json.dumps(release))
    return folder


def content(data: bytes) -> Make:
    return lambda folder: sealed(folder, data)


def holding(files: Mapping[str, str | bytes]) -> Make:
    return content(zipped(files))


def without(*names: str) -> Make:
    return holding({name: text for name, text in FILES.items() if name not in names})


def manifest(**members: object) -> Make:
    return lambda folder: sealed(folder, change=lambda value: value.update(members))


def packages(value: object) -> Make:
    return manifest(packages=value)


def files(change: Callable[[Value], object]) -> Make:
    return lambda folder: sealed(folder, change=lambda value: change(value["files"]))


def released(name: str, version: str) -> Make:
    return lambda folder: sealed(folder, release={"name": name, "version": version})


def accepting(accepted: Value) -> Make:
    return lambda folder: sealed(folder, release={"name": "my-agent", "version": "1.0", "accepted": accepted})


def large(folder: Path) -> Path:
    """A zip of more than 1 GB, of which the file system holds nothing."""

    def change(value: Value) -> None:
        value["files"][ZIP]["size"] = 7  # so that nobody reads a gigabyte of nothing

    with (sealed(folder, change=change) / ZIP).open("r+b") as stream:
        stream.truncate(1_000_000_001)
    return folder


def absent(folder: Path) -> Path:
    (sealed(folder) / ZIP).unlink()
    return folder


def source(folder: Path) -> Path:
    folder.mkdir()
    listed = "name: my-agent\nversion: '1.0'\nplatforms: [{folder: linux, targets: [{platform: ubuntu}]}]\n"
    (folder / "package.yaml").write_text(listed)
    return folder


ENCRYPTED = (
    zipped({"agent": "x"})
    .replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0")
    .replace(b"\x14\0\0\0\0\0\0\0!\0", b"\x14\0\1\0\0\0\0\0!\0")
)
COUNT = b"PK\5\6" + b"\0\0\0\0" + b"\x60\xea" * 2 + bytes(10)
STRANGER = "Do not install it; zip plain files anew, or ask whoever publishes it."
ROWS: dict[str, tuple[Make, str]] = {
    "CSD101": (without("install.sh"), ("error: {zip}: CSD101: has no install.sh or install.ps1 at its root. "
        "Add it; the agent runs it as root in the folder of the unpacked files.")),
    "CSD102": (holding({**FILES, "install.ps1": "exit 0\n"}), ("error: {zip}: CSD102: has both install.sh and install.ps1 at its root. "
        "Give each system its own zip.")),
    "CSD103": (holding({"install.sh": "true\n"}), ("error: {zip}: CSD103: holds one file, which the agent calls incomplete. "
        "Add an uninstall script.")),
    "CSD104": (without("uninstall.sh"), ("warning: {zip}: CSD104: has no uninstall script: Uninstall, and an upgrade, leave what it "
        "installed in place. Add uninstall.sh, or uninstall.ps1.")),
    "CSD105": (without("validate.sh"), ("advice: {zip}: CSD105: has no validate script: whether it is installed is what the agent "
        "remembers. Add validate.sh, or validate.ps1, that exits with another code than 0 when the software is not as wanted.")),
    "CSD106": (holding({f"my-agent/{name}": text for name, text in FILES.items()}), ("error: {zip}: CSD106: has its scripts below a "
        "folder, my-agent/install.sh, where the agent does not look. Try: (cd my-agent && zip -r ../NAME.zip .). "
        "Zip the files themselves, not the folder around them.")),
    "CSD107": (without("update.sh"), ("advice: {zip}: CSD107: has no update script: an in-place update fails on every node. "
        "Add update.sh, or update.ps1, or always reinstall.")),
    "CSD201": (manifest(schemaVersion="1.0"), "error: {manifest}: schemaVersion: CSD201: must be '2.0'; found '1.0'. Correct it."),
    "CSD202": (packages({"ubuntu": {"_any": {"x86_64": {"file": "b.zip"}, **ANY}}}), ("error: {manifest}: packages: CSD202: names 'b.zip' "
        "for ubuntu/_any/x86_64, which 'files' does not list. List it with its sha256.")),
    "CSD203": (files(lambda held: held.update({"old.zip": LISTED})), ("error: {manifest}: files.old.zip: CSD203: "
        "is for no platform. Remove it, or name it in 'packages'.")),
    "CSD204": (absent, "error: {manifest}: files.my-agent-1.0-linux.zip: CSD204: {zip} is not there. Put it there, or correct its name."),
    "CSD205": (files(lambda held: held[ZIP].update(size=7)), ("error: {zip}: CSD205: has {size} bytes, the manifest says 7. "
        "Write the manifest after the zips.")),
    "CSD206": (packages({"amzn": {"_any": ANY}}), ("error: {manifest}: packages: CSD206: amzn/_any/_any can never be chosen: no agent "
        "calls its platform 'amzn'; it says 'amazon'. Correct it, or remove it.")),
    "CSD207": (packages({"ubuntu": {"22.04": {"x86_64": {"file": ZIP}}, "_any": ANY}}), ("error: {manifest}: packages: CSD207: "
        "ubuntu/22.04 has no zip for architectures other than x86_64, and the agent does not fall back to ubuntu/_any/_any once the "
        "version was taken. Name the missing ones in the narrow entry too.")),
    "CSD208": (source, ("error: {folder}/linux: CSD208: there is no such folder. Make it, or correct package.yaml. "
        "Then build it: csd package build DIR.")),
    "CSD209": (accepting({"CSD101": "later"}), ("error: {release}: accepted.CSD101: CSD209: A zip needs install.sh or install.ps1 at its "
        "root. That is no matter of judgement. Write accept: {{ID: reason}}, or --accept ID=REASON; correct what cannot be accepted.")),
    "CSD401": (released("aws-monitor", "1.0"), ("error: {release}: name: CSD401: 'aws-monitor' begins with 'aws', which AWS keeps for "
        "itself. Choose another name.")),
    "CSD402": (released("awspvdriver", "1.0"), ("error: {release}: name: CSD402: 'awspvdriver' is a package that AWS publishes "
        "(AWSPVDriver). Choose another name.")),
    "CSD403": (released("my-agent", "1.1"), ("error: {release}: version: CSD403: says '1.1', and {manifest}: version says '1.0'. "
        "Build it again; the version stands in package.yaml only.")),
    "CSD404": (manifest(version="1.0 beta"), ("error: {manifest}: version: CSD404: found '1.0 beta'. "
        "Use 3-128 (a version: 1-128) letters, digits, '_', '-' and '.'.")),
    "CSD501": (content(b"<html>"), ("error: {zip}: CSD501: is not a zip, or is cut off: it has no end record. "
        "Make it, or download it, again.")),
    "CSD502": (holding({**FILES, "../x": "x"}), "error: {zip}!../x: CSD502: leaves its folder ('..'). " + STRANGER),
    "CSD503": (content(zipped({"agent": "/etc"}, stat.S_IFLNK | 0o777)), "error: {zip}!agent: CSD503: is a symbolic link. " + STRANGER),
    "CSD504": (content(ENCRYPTED), "error: {zip}!agent: CSD504: is encrypted. Zip it anew: zip -r NAME.zip ."),
    "CSD505": (holding({**FILES, "AGENT": "x"}), "error: {zip}!AGENT: CSD505: and 'agent' would be one file. Rename one of them."),
    "CSD506": (content(COUNT), f"error: {{zip}}: CSD506: claims 60000 members, more than {MEMBERS_MAX}. " + STRANGER),
    "CSD507": (content(zipped(FILES) + b"x"), "error: {zip}: CSD507: has bytes after its end record. " + STRANGER),
    "CSD601": (manifest(description="x" * 70_000), ("error: {manifest}: CSD601: has {manifest_size} bytes, more than 64000. "
        "List fewer targets, or a shorter description.")),
    "CSD602": (files(lambda held: held.update({f"{n}00.zip": LISTED for n in range(20)})),
        "error: {manifest}: files: CSD602: lists 21 files. Let several platforms share a zip."),
    "CSD603": (large, ("error: {zip}: CSD603: has 1000000001 bytes, more than 1000000000. "
        "Split it by architecture, or let the script fetch the rest.")),
}  # fmt: skip


@pytest.mark.parametrize("rule", ROWS)
def test_a_package_that_breaks_it(rule: str, tmp_path: Path) -> None:
    """Told once, at its place, with what was found and what to do."""
    make, sentence = ROWS[rule]
    folder = make(tmp_path / "p")
    path, told = folder / ZIP, folder / "manifest.json"
    wanted = sentence.format(
        folder=folder, zip=path, manifest=told, release=folder / "release.json",
        size=path.stat().st_size if path.exists() else 0, manifest_size=told.stat().st_size if told.exists() else 0,
    )  # fmt: skip
    assert [str(finding) for finding in lint(folder, select=[rule]).findings] == [wanted]


def test_a_package_that_is_right(tmp_path: Path) -> None:
    """No rule, of any severity, has anything to say of it: as a folder, a manifest, a zip."""
    folder = sealed(tmp_path / "p", release={"name": "my-agent", "version": "1.0"})
    for path in (folder, folder / "manifest.json", folder / ZIP):
        assert lint(path).findings == ()


def test_every_rule_has_its_row() -> None:
    """Those of scripts are in test_scripts.py."""
    assert set(ROWS) == set(RULES) - {rule.id for rule in SCRIPT_RULES}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_all(rule: Rule) -> None:
    """Sentence and remedy are sentences; why, wrong and right are there."""
    assert all((rule.why, rule.bad, rule.good))
    assert all(text.endswith(".") for text in (rule.sentence, rule.remedy))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[1]", "is not a JSON object."),
        ("{", "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        ("[" * 60_000, "is not JSON: it is nested too deeply."),
        ('{"version": "1", "version": "2"}', "has the key 'version' twice in one object: readers differ in which counts."),
        ("\x00", "is not JSON: Expecting value: line 1 column 1 (char 0)."),
        ("null", "is not a JSON object."),
    ],
    ids=["list", "broken", "deep", "twice", "bytes", "null"],
)
def test_a_manifest_that_cannot_be_read(text: str, found: str, tmp_path: Path) -> None:
    """One finding, whatever it is."""
    (sealed(tmp_path / "p") / "manifest.json").write_text(text)
    assert [finding.found for finding in lint(tmp_path / "p").findings] == [found]


def test_the_right_word_for_an_architecture(tmp_path: Path) -> None:
    """Documented: agent: architectures are x86_64, arm64, 386, arm."""
    (finding,) = lint(packages({"redhat": {"_any": {"amd64": {"file": ZIP}}}})(tmp_path / "p"), select=["CSD206"]).findings
    assert finding.found == "redhat/_any/amd64 can never be chosen: no agent calls its architecture 'amd64'; it says 'x86_64'."


def test_a_manifest_without_its_zips_is_judged_alone(tmp_path: Path) -> None:
    """And that is said."""
    told = absent(tmp_path / "p") / "manifest.json"
    report = lint(told)
    assert (report.findings, report.remarks) == (
        (),
        (f"{told}: none of its zips is beside it; only the manifest was looked at.",),
    )


def test_a_file_called_after_another_version(tmp_path: Path) -> None:
    """As when a manifest was copied from the last release."""
    folder = sealed(
        tmp_path / "p", change=lambda value: value.update(version="1.1"), release={"name": "my-agent", "version": "1.1"}
    )
    (finding,) = lint(folder).findings
    assert (finding.rule.id, finding.found) == ("CSD403", "is called after version '1.0', and this is '1.1'.")


@pytest.mark.parametrize("sourced", [". .\\lib.ps1", '. "$PSScriptRoot\\lib.ps1"', ". $PSScriptRoot/lib.ps1"])
def test_a_library_of_powershell_is_judged_too(sourced: str, tmp_path: Path) -> None:
    """What install.ps1 reads from beside it, under its own name; a .ps1 that nobody reads is data."""
    begin = f"$ErrorActionPreference = 'Stop'\n{sourced}\n"
    files = {
        "install.ps1": begin,
        "uninstall.ps1": begin + "Remove-Item C:\\agent\n",
        "lib.ps1": "Read-Host 'Token'\n",
        "other.ps1": "Read-Host\n",
    }
    (tmp_path / "agent.zip").write_bytes(zipped(files))
    told = "\n".join(map(str, lint(tmp_path / "agent.zip", select=["CSD307"]).findings))
    assert told.startswith(f"warning: {tmp_path}/agent.zip!lib.ps1:1: CSD307: has \"Read-Host 'Token'\", which asks. ")
    assert "\n" not in told
