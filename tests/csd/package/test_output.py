"""The folder that a build writes: whole or not at all, and nothing of an older build in it."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml

from csd.errors import CsdInputError
from csd.package.building.plan import plan_package
from csd.package.building.writing import unwatched
from csd.package.pieces import FilePart
from csd.package.release import read_release
from csd.package.sealed import build_package, read_sealed


def source(root: Path, version: str = "1", folders: tuple[str, ...] = ("linux",), **changes: object) -> Path:
    folder = root / "source"
    for name in folders:
        for action in ("install", "uninstall"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / f"{action}.sh").write_text("#!/bin/sh\nrm -rf /opt/tiny\n")
    targets = ("amazon", "debian", "suse")
    platforms = [{"folder": name, "targets": [{"platform": targets[i]}]} for i, name in enumerate(folders)]
    (folder / "package.yaml").write_text(yaml.safe_dump({"name": "tiny", "version": version, "platforms": platforms} | changes))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


BESIDE = ["manifest.json", "provenance.intoto.json", "release.json", "sbom.cdx.json"]


def test_an_older_build_makes_room(tmp_path: Path) -> None:
    """Its zips and its signature go, because the new manifest does not speak of them; other people's files stay."""
    out = tmp_path / "out"
    build_package(source(tmp_path, "1", ("linux", "debian")), out)
    (out / "release.dsse.json").write_text("{}")
    (out / "notes.txt").write_text("mine")
    warnings = build_package(source(tmp_path, "2"), out).warnings
    assert names(out) == sorted([*BESIDE, "notes.txt", "tiny-2-linux.zip"])
    assert warnings[-1] == f"{out}/release.dsse.json: was the signature of an older build, and is removed; sign this one."
    assert read_sealed(out).version == "2"


def test_another_package_in_the_folder_is_told(tmp_path: Path) -> None:
    """A folder named out is soon two packages'."""
    out = tmp_path / "out"
    build_package(source(tmp_path), out)
    said = f"{out}: held another package, tiny, which is replaced; give each a folder of its own."
    assert said in build_package(source(tmp_path, name="other"), out).warnings


def test_the_same_build_keeps_its_signature(tmp_path: Path) -> None:
    """What was signed is what is there."""
    out = tmp_path / "out"
    build_package(source(tmp_path), out)
    (out / "release.dsse.json").write_text("{}")
    assert build_package(source(tmp_path), out).warnings == ()
    assert (out / "release.dsse.json").exists()


def test_zips_of_other_origin_are_refused(tmp_path: Path) -> None:
    """They would look like a part of the package; they are nobody's to remove."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "holiday.zip").write_text("")
    with pytest.raises(CsdInputError, match=r"holiday.zip: is no part of the package that is built here. Remove it, or choose"):
        build_package(source(tmp_path), out)
    assert names(out) == ["holiday.zip"]


def test_only_a_packages_own_files_are_ever_removed(tmp_path: Path) -> None:
    """A manifest that names files elsewhere does not reach them."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious.zip").write_text("")
    (out / "manifest.json").write_text('{"files": {"../precious.zip": {}, "..": {}, "": {}}}')
    build_package(source(tmp_path), out)
    assert (tmp_path / "precious.zip").exists()


@pytest.mark.parametrize("place", ["source/linux", "source/linux/out"])
def test_the_output_may_not_be_read_by_the_next_build(tmp_path: Path, place: str) -> None:
    """Else the second build would hold the first."""
    with pytest.raises(CsdInputError, match=r"is inside .*source/linux, which goes into the package"):
        build_package(source(tmp_path), tmp_path / place)


def interrupted_at(what: str, count: int):
    seen = 0

    def watch(doing: str, done: int, of: int) -> None:
        nonlocal seen
        seen += doing == what
        if doing == what and seen == count:
            raise KeyboardInterrupt

    return watch


@pytest.mark.parametrize(("what", "count"), [("reading", 1), ("writing", 1), ("writing", 8)])
def test_an_interrupted_build_leaves_the_older_one(tmp_path: Path, what: str, count: int) -> None:
    """Stopped at any moment: the folder holds the older package, whole, and nothing else."""
    out = tmp_path / "out"
    build_package(source(tmp_path, "1"), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        build_package(source(tmp_path, "2", ("linux", "debian")), out, watch=interrupted_at(what, count))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_interrupted_first_build_leaves_nothing(tmp_path: Path) -> None:
    """No folder that could be taken for a package."""
    with pytest.raises(KeyboardInterrupt):
        build_package(source(tmp_path), tmp_path / "out", watch=interrupted_at("writing", 2))
    assert not list((tmp_path / "out").iterdir())


def test_what_a_killed_build_left_is_told(tmp_path: Path) -> None:
    """It may be another build that is running; who looks knows."""
    (tmp_path / "out/.building-abc").mkdir(parents=True)
    warnings = build_package(source(tmp_path), tmp_path / "out").warnings
    assert warnings == (f"{tmp_path}/out/.building-abc: was left by a build that was stopped; remove it when none is running.",)


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    """What was measured is what is written, or nothing is."""
    folder = source(tmp_path)
    script = folder / "linux/install.sh"

    def meddle(doing: str, done: int, of: int) -> None:
        if doing == "writing":
            script.write_text("#!/bin/sh\nevil\n")

    with pytest.raises(CsdInputError, match=r"install.sh: changed while it was read. Build again when nothing writes to it."):
        build_package(folder, tmp_path / "out", watch=meddle)
    assert not list((tmp_path / "out").iterdir())


def test_a_content_has_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an output, dist/NAME/VERSION/DIGEST: another content is another folder, the same is the same."""
    monkeypatch.chdir(tmp_path)
    folder = source(tmp_path)
    one = build_package(folder)
    assert one.release
    manifest = hashlib.sha256((one.folder / "manifest.json").read_bytes()).hexdigest()
    assert one.folder == Path("dist/tiny/1") / manifest[:16] == Path("dist") / one.release.address
    assert build_package(folder).folder == one.folder
    (folder / "linux/install.sh").write_text("#!/bin/sh\ntrue\n")
    two = build_package(folder)
    assert two.folder != one.folder
    assert names(Path("dist/tiny/1")) == sorted([one.folder.name, two.folder.name])


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as out:
        out.truncate(size)


def test_every_limit_is_told_before_anything_is_read(tmp_path: Path) -> None:
    """Documented: 1 GB a file, 64 KB of manifest; Assumed: decimal. All of them with all else that is wrong, in no time."""
    folder = source(tmp_path, description="x" * 64_000, name="aws-tiny")
    sparse(folder / "linux/payload", 1_000_000_000)
    (folder / "linux/link").symlink_to("/")
    with pytest.raises(CsdInputError) as wrong:
        build_package(folder, tmp_path / "out", watch=interrupted_at("reading", 1))
    told = "\n".join(str(problem) for problem in wrong.value.problems)
    assert re.search(r"linux: CSD603: makes a zip of 1000000\d{3} bytes, more than 1000000000\.", told)
    assert "makes a manifest of 64" in told
    assert "begins with 'aws'" in told
    assert "is not a plain file" in told
    assert not (tmp_path / "out").exists()


def test_the_planned_size_is_the_size(tmp_path: Path) -> None:
    """What the limits are held against is what is written, to the byte; so a zip of exactly 1 GB is taken."""
    folder = source(tmp_path, folders=("linux", "debian"))
    (folder / "linux/café").write_bytes(b"x" * 3_000_000)
    plan = plan_package(folder)
    built = build_package(folder, tmp_path / "out", watch=unwatched)
    assert plan.sizes == {file.name: file.size for file in built.files}
    assert all((tmp_path / "out" / name).stat().st_size == size for name, size in plan.sizes.items())


def test_twenty_zips_and_no_more(tmp_path: Path) -> None:
    """Documented: Distributor guide: at most 20 files."""
    entry = {"shared": ["linux"], "targets": [{"platform": "amazon"}]}
    platforms = [{**entry, "name": f"z{i}", "targets": [{"platform": "amazon", "version": str(i)}]} for i in range(21)]
    folder = source(tmp_path, platforms=platforms[:20])
    assert len(build_package(folder, tmp_path / "out").files) == 20
    with pytest.raises(CsdInputError, match="platforms: Tuple should have at most 20 items"):
        build_package(source(tmp_path, platforms=platforms), tmp_path / "out")


def test_a_part_is_read_as_it_was_planned(tmp_path: Path) -> None:
    """Shorter, longer, or written to meanwhile: refused."""
    path = tmp_path / "x"
    for content in (b"ab", b"abcd"):
        path.write_bytes(b"abc")
        part = FilePart.of(path)
        path.write_bytes(content)
        with pytest.raises(CsdInputError, match="changed while it was read"):
            list(part.chunks())


@pytest.mark.parametrize("name", ["../x.zip", "..", "...", "x", "sub/x.zip", "x" * 129, "x y.zip", "x.zip\n"])
def test_a_sealed_folder_names_only_its_own_files(tmp_path: Path, name: str) -> None:
    """Documented: AttachmentsSource API: 3-128 letters, digits, '_', '-', '.'. Neither manifest nor release reaches into other folders."""
    build_package(source(tmp_path), tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    manifest["files"][name] = {"checksums": {"sha256": "0" * 64}}
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CsdInputError, match=r"CSD404: .* is no name of an attachment\. Use 3-128 \(a version: 1-128\) letters"):
        read_sealed(tmp_path / "out")
    release = json.loads((tmp_path / "out/release.json").read_text())
    release["beside"][name] = {"sha256": "0" * 64, "size": 1}
    with pytest.raises(CsdInputError, match="is no name of a file beside it"):
        read_release(release, "here")
