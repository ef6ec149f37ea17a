"""What stands beside a package: its bill of materials and its provenance, true and the same every time."""

import hashlib
import json
import struct
import zipfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion

from csd.errors import CsdInputError
from csd.package.building.identity import identify
from csd.package.building.provenance import read_moment
from csd.package.sealed import build_package, read_sealed
from csd_fakes.installers import deb, rpm

EXAMPLE = Path(__file__).parents[3] / "examples/packages/csd-hello"
MOMENT = datetime(2026, 11, 25, 7, tzinfo=UTC)


def told(folder: Path, file: str) -> dict:
    return json.loads((folder / file).read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("moment", [None, MOMENT], ids=["no time", "a time"])
def test_the_bill_is_cyclonedx(tmp_path: Path, moment: datetime | None) -> None:
    """CycloneDX's own schema, read strictly, takes it."""
    build_package(EXAMPLE, tmp_path, moment=moment)
    cyclonedx = import_module("cyclonedx.validation.json")  # only now: it builds forty parsers
    assert cyclonedx.JsonStrictValidator(SchemaVersion.V1_6).validate_str((tmp_path / "sbom.cdx.json").read_text()) is None
    assert told(tmp_path, "sbom.cdx.json")["metadata"].get("timestamp") == ("2026-11-25T07:00:00Z" if moment else None)


def test_the_bill_tells_every_file_of_every_zip(tmp_path: Path) -> None:
    """Each with its digest; what is made here says who it is."""
    sealed = build_package(EXAMPLE, tmp_path)
    bill = told(tmp_path, "sbom.cdx.json")
    assert {c["name"]: c["hashes"][0]["content"] for c in bill["components"]} == {f.name: f.sha256 for f in sealed.files}
    debian = next(c for c in bill["components"] if c["name"].endswith("debian.zip"))
    files = {p["value"]: c for c in debian["components"] for p in c["properties"] if p["name"] == "csd:file"}
    assert set(files) == {"VERSION", "csd-hello.deb", "install.sh", "uninstall.sh", "update.sh", "validate.sh"}
    assert files["install.sh"]["hashes"][0]["content"] == sha256(EXAMPLE / "debian/install.sh")
    assert files["csd-hello.deb"]["purl"] == "pkg:deb/csd-hello@1.0.0?arch=all"


def test_installers_say_who_they_are(tmp_path: Path) -> None:
    """A vendor's .deb and .rpm are told by name, version and package URL, whatever their files are called."""
    folder = tmp_path / "source"
    folder.mkdir()
    files = {
        "a": deb(),
        "b": rpm("vendor-agent", "7.1.0", "2.el9", "x86_64"),
        "c.deb": b"no deb",
        "install.sh": b"",
        "uninstall.sh": b"rm -f /opt/tiny",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    entry = {"name": "all", "files": [{"from": name} for name in files], "targets": [{"platform": "_any"}]}
    (folder / "package.yaml").write_text(yaml.safe_dump({"name": "tiny", "version": "1", "platforms": [entry]}))
    build_package(folder, tmp_path / "out")
    found = {c["properties"][0]["value"]: c for c in told(tmp_path / "out", "sbom.cdx.json")["components"][0]["components"]}
    assert (found["a"]["name"], found["a"]["version"]) == ("vendor-agent", "1:7.1.0-2")
    assert [found[name].get("purl") for name in ("a", "b", "c.deb")] == [
        "pkg:deb/vendor-agent@1:7.1.0-2?arch=amd64", "pkg:rpm/vendor-agent@7.1.0-2.el9?arch=x86_64", None,
    ]  # fmt: skip


BROKEN = [
    b"!<arch>\ndebian-binary",
    deb()[:150],
    deb()[:400],
    deb(compression="zst")[:160],
    b"\xed\xab\xee\xdb",
    rpm("a", "1", "1", "x")[:130],
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_installer_has_no_identity(tmp_path: Path, content: bytes) -> None:
    """It is told by its digest; saying that it is broken is for who looks at installers."""
    (tmp_path / "x").write_bytes(content)
    assert identify(tmp_path / "x") is None


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    """An .rpm of which a reader would hold what its header claims is told by its digest alone."""
    whole = rpm("a", "1", "1", "x")
    at = 96 + 16 + 8
    for entries, store in ((1 << 31, 8), (4, 1 << 31)):
        (tmp_path / "x").write_bytes(whole[:at] + struct.pack(">2I", entries, store) + whole[at + 8 :])
        assert identify(tmp_path / "x") is None


def test_the_provenance_is_an_intoto_statement(tmp_path: Path) -> None:
    """Documented: in-toto Statement v1, SLSA provenance v1: subjects are what came out, dependencies what went in."""
    build_package(EXAMPLE, tmp_path)
    statement = told(tmp_path, "provenance.intoto.json")
    assert (statement["_type"], statement["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    subjects = {s["name"]: s["digest"]["sha256"] for s in statement["subject"]}
    assert subjects == {
        path.name: sha256(path) for path in tmp_path.iterdir() if path.suffix == ".zip" or path.name == "manifest.json"
    }
    materials = {m["name"]: m["digest"]["sha256"] for m in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert materials == {p.relative_to(EXAMPLE).as_posix(): sha256(p) for p in EXAMPLE.rglob("*") if p.is_file()}
    details = statement["predicate"]["runDetails"]
    assert details["builder"]["id"].startswith("csd/")
    assert details["metadata"] == {}


def test_a_time_is_told_when_one_is_given(tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH, as the reproducible builds say; it changes what stands beside, never a zip or the manifest."""
    plain = build_package(EXAMPLE, tmp_path / "plain").release
    timed = build_package(EXAMPLE, tmp_path / "timed", moment=read_moment("1795590000")).release
    assert plain
    assert timed
    assert (timed.files, timed.manifest) == (plain.files, plain.manifest)
    metadata = told(tmp_path / "timed", "provenance.intoto.json")["predicate"]["runDetails"]["metadata"]
    assert metadata == {"startedOn": "2026-11-25T07:00:00Z", "finishedOn": "2026-11-25T07:00:00Z"}
    for wrong in ("now", "99999999999999999999"):
        with pytest.raises(CsdInputError, match=rf"SOURCE_DATE_EPOCH: found '{wrong}', which is no number of seconds"):
            read_moment(wrong)


def test_what_stands_beside_is_part_of_the_release(tmp_path: Path) -> None:
    """release.json has their digests, and a folder where they were changed or left out is refused."""
    sealed = build_package(EXAMPLE, tmp_path)
    assert sealed.release
    assert {name: digest.sha256 for name, digest in sealed.release.beside.items()} == {
        name: sha256(tmp_path / name) for name in ("sbom.cdx.json", "provenance.intoto.json")
    }
    assert read_sealed(tmp_path).release == sealed.release
    (tmp_path / "sbom.cdx.json").write_text("{}")
    with pytest.raises(CsdInputError, match="tells of other files than are here"):
        read_sealed(tmp_path)
    (tmp_path / "sbom.cdx.json").unlink()
    with pytest.raises(CsdInputError, match="tells of other files than are here"):
        read_sealed(tmp_path)


def test_the_example_tar_is_told_as_one_file(tmp_path: Path) -> None:
    """What is inside an archive is told by the provenance, the archive by the bill."""
    build_package(EXAMPLE, tmp_path)
    linux = next(c for c in told(tmp_path, "sbom.cdx.json")["components"] if c["name"].endswith("linux.zip"))
    with zipfile.ZipFile(tmp_path / "csd-hello-1.0.0-linux.zip") as archive:
        content = archive.read("csd-hello.tar")
    tar = next(c for c in linux["components"] if c["name"] == "csd-hello.tar")
    assert tar["hashes"][0]["content"] == hashlib.sha256(content).hexdigest()
