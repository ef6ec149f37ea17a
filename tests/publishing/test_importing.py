"""Packages that were published come back byte for byte, or not at all; and as sources from which an equal package is built."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from csd.aws.publishing.origins import DocumentOrigin, S3Origin
from csd.cli.main import run
from csd.errors import AwsRefused, CsdInputError
from csd.package.receiving import FolderOrigin, receive
from csd.package.release import Release, canonical, digest_of, release_value
from csd.package.sealed import build_package, read_sealed
from csd.package.unpacking import unpack_source
from publishing.test_regions import publish
from publishing.world import BUCKET, FAR, HUB, SHOP, World

pytestmark = pytest.mark.xdist_group("publishing-importing")
NAME = "csd-there"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def published(world: World) -> World:
    """1.0.0 and 1.1.0 in both Regions; 1.0.0 is the default, and shared."""
    for version in ("1.0.0", "1.1.0"):
        publish(world, world.package(NAME, version))
    world.client("ssm", FAR).modify_document_permission(Name=NAME, PermissionType="Share", AccountIdsToAdd=[SHOP])
    return world


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def document(world: World, source: str, version: str = "", account: str = HUB) -> DocumentOrigin:
    """A document as somebody sees it; a simulation has no port for downloads, so the engine is asked."""

    def opened(url: str) -> Any:
        parts, simulation = urlsplit(url), world.watched.simulation
        found = simulation.engines.documents.download(parts.path, dict(parse_qsl(parts.query)), simulation.now())
        return io.BytesIO(found if isinstance(found, bytes) else found.read_bytes())

    return DocumentOrigin(world.principal(world.administrator(account)), source, version, opened)


def test_a_document_comes_back_byte_for_byte(published: World, tmp_path: Path) -> None:
    """By name the default version, by --version another one, by ARN from another account; the manifest is the document's content."""
    arn = f"arn:aws:ssm:{FAR}:{HUB}:document/{NAME}"
    for source, version, account, wanted in (
        (NAME, "", HUB, "1.0.0"),
        (NAME, "1.1.0", HUB, "1.1.0"),
        (arn, "", SHOP, "1.0.0"),
    ):
        into = tmp_path / f"{account}-{wanted}-{len(source)}"
        receive(document(published, source, version, account), into, NAME)
        built = contents(published.folder / f"{NAME}-{wanted}")
        for file in ("manifest.json", f"{NAME}-{wanted}-linux.zip"):
            assert contents(into)[file] == built[file]
        assert (read_sealed(into).name, read_sealed(into).version) == (NAME, wanted)


def test_a_folder_of_s3_or_of_the_desk_comes_back_with_all_that_is_beside(published: World, tmp_path: Path) -> None:
    """The article's layout is enough; what csd puts beside it comes along, proved by release.json."""
    built = published.folder / f"{NAME}-1.0.0"
    address = f"s3://{BUCKET}/{read_sealed(built).release.address}"  # type: ignore[union-attr] # it was built here
    receive(S3Origin(published.principal(), address), tmp_path / "s3", "")
    receive(FolderOrigin(built), tmp_path / "desk", "")
    assert contents(tmp_path / "s3") == contents(tmp_path / "desk") == contents(built)
    s3 = published.client("s3")
    for file in ("manifest.json", f"{NAME}-1.0.0-linux.zip"):
        s3.put_object(Bucket=BUCKET, Key=f"article/{file}", Body=(built / file).read_bytes())
    receive(S3Origin(published.principal(), f"s3://{BUCKET}/article/"), tmp_path / "article", "")
    assert sorted(contents(tmp_path / "article")) == [f"{NAME}-1.0.0-linux.zip", "manifest.json"]


def test_refusals(published: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS's own packages, other documents, versions and folders that are not there: each with what to do."""
    for key, value in published.administrator().items():
        monkeypatch.setenv(key, value)
    published.client("ssm").create_document(
        Name="csd-command", DocumentType="Command", Content=json.dumps({"schemaVersion": "2.2", "description": "x", "mainSteps": [
            {"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["true"]}}]}),
    )  # fmt: skip
    for arguments, code, said in (
        (["AmazonCloudWatchAgent"], 2, "AWS gives its packages to its agent only"),
        (["arn:aws:ssm:::package/Vendor"], 2, "AWS gives its packages to its agent only"),
        (["csd-command"], 2, "is a document of type Command, no package"),
        (["csd-nowhere"], 1, "A document of another account needs its ARN"),
        ([NAME, "--version", "9.9.9"], 1, "Give a version that is there"),
        ([f"s3://{BUCKET}/nowhere"], 2, "manifest.json: is not there"),
        ([f"s3://{BUCKET}/x", "--version", "1"], 2, "a folder holds one"),
        (["./nowhere"], 2, "there is no such folder"),
    ):
        assert run(["package", "import", *arguments, "--into", str(tmp_path / "into")]) == code
        assert said in capsys.readouterr().err
    assert not (tmp_path / "into").exists() or not list((tmp_path / "into").iterdir())


def test_sources_called_as_the_package_do_not_hide_it(
    published: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`csd package import my-agent --source my-agent`, and once more: the document is meant; where a package lies, the folder."""
    for key, value in published.administrator().items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    asked = ["package", "import", NAME, "--version", "9.9.9", "--into", "into"]
    assert run(asked) == 1
    assert "ssm:GetDocument" in capsys.readouterr().err
    (tmp_path / NAME / "manifest.json").touch()
    assert run(asked) == 2
    assert "a folder holds one" in capsys.readouterr().err


def test_an_address_that_is_over_is_told(published: World, tmp_path: Path) -> None:
    """The addresses of GetDocument live for a while only."""

    def refused(_: str) -> Any:
        raise OSError("HTTP Error 403: Forbidden")

    origin = DocumentOrigin(published.principal(), NAME, "", refused)
    with pytest.raises(AwsRefused, match="could not be downloaded: HTTP Error 403.*Run it again"):
        receive(origin, tmp_path / "into", NAME)
    assert list((tmp_path / "into").iterdir()) == []


def hostile(name: str, folder: Path, make: Callable[[Path], object]) -> Path:
    """A folder of somebody else's in which one file is something else."""
    shutil.copytree(build_package(REPOSITORY / "examples/packages/csd-hello", folder / "theirs").folder, folder / "hostile")
    (folder / "hostile" / name).unlink(missing_ok=True)
    make(folder / "hostile" / name)
    return folder / "hostile"


@pytest.mark.parametrize("name", ["release.dsse.json", "release.json", "manifest.json", "sbom.cdx.json"])
def test_a_link_in_a_strangers_folder_brings_no_file_of_ours_along(name: str, tmp_path: Path) -> None:
    """Neither import nor publish takes what a link leads to: else a stranger's folder would send our keys to S3."""
    (tmp_path / "secret").write_text("{}")
    folder = hostile(name, tmp_path, lambda path: path.symlink_to(tmp_path / "secret"))
    with pytest.raises(CsdInputError, match="is a link|symbolic link|is not JSON|CSD|found None"):
        receive(FolderOrigin(folder), tmp_path / "into", "")
    assert not (tmp_path / "into").exists() or list((tmp_path / "into").iterdir()) == []
    if name == "release.dsse.json":
        with pytest.raises(CsdInputError, match=f"{name}: is a symbolic link. Put the file itself there"):
            read_sealed(folder)


def test_a_pipe_in_a_strangers_folder_is_not_read(tmp_path: Path) -> None:
    """It has no end, and nobody may ever write into it."""
    folder = hostile("release.json", tmp_path, os.mkfifo)
    with pytest.raises(CsdInputError, match="is a link or no plain file"):
        receive(FolderOrigin(folder), tmp_path / "into", "")


class Told:
    """An origin that says whatever a test wants."""

    where = "somewhere"

    def __init__(self, files: dict[str, bytes], /, **manifest: Any) -> None:
        listed = {name: {"checksums": {"sha256": sha256(content).hexdigest()}} for name, content in files.items()}
        packages = {"_any": {str(number): {"_any": {"file": name}} for number, name in enumerate(files)}}
        self.files = files
        self.beside: dict[str, bytes] = {}
        self.manifest = {"schemaVersion": "2.0", "version": "1", "files": listed, "packages": packages} | manifest

    def small(self, name: str, limit: int) -> bytes | None:
        content = json.dumps(self.manifest).encode() if name == "manifest.json" else self.beside.get(name)
        return None if content is None else content[: limit + 1]

    def stream(self, name: str) -> Iterator[bytes]:
        yield self.files[name]


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (Told({"../up.zip": b"x"}), "CSD404: '../up.zip' is no name of an attachment"),
        (Told({"/etc/x.zip": b"x"}), "CSD404: '/etc/x.zip' is no name of an attachment"),
        (Told({"Manifest.json": b"x"}), "CSD404: 'Manifest.json' is the name of a file that stands beside the zips"),
        (Told({"a.zip": b"x"}, files={"a.zip": {"checksums": {"sha256": "0" * 64}}}), "and 0{64} was promised"),
        (Told({"a.zip": b"x"}, files={"a.zip": {"checksums": {"md5": "0" * 32}}}), "has no sha256"),
        (Told({f"{n}.zip": b"x" for n in range(21)}), "lists 21 files"),
        (Told({"a.zip": b"x"}, schemaVersion="1.0"), "CSD201: must be '2.0'; found '1.0'"),
        (Told({"a.zip": b"x"}, publisher="x" * 70_000), "CSD601: has 70.* bytes, more than 64000"),
        (Told({"a.zip": b"x"}, version="../1"), "CSD404: found '../1'"),
    ],
    ids=["up", "root", "manifest", "digest", "md5", "many", "schema", "large", "version"],
)
def test_what_is_not_to_be_trusted_is_not_written(origin: Told, said: str, tmp_path: Path) -> None:
    """Names, digests and counts of a stranger's manifest are looked at before anything is in its place."""
    with pytest.raises(CsdInputError, match=said):
        receive(origin, tmp_path / "into", NAME)
    assert not (tmp_path / "into").exists() or list((tmp_path / "into").iterdir()) == []


def test_what_stands_beside_is_none_of_the_zips(tmp_path: Path) -> None:
    """A release.json that names a zip a second time would have its bytes replaced after they were compared."""
    origin = Told({"a.zip": b"x"})
    manifest = json.dumps(origin.manifest).encode()
    release = Release(NAME, "1", digest_of(manifest), {"a.zip": digest_of(b"x")}, {"A.zip": digest_of(b"other")})
    origin.beside["release.json"] = canonical(release_value(release)).encode()
    with pytest.raises(CsdInputError, match="beside: lists a.zip, which the folder has anyhow"):
        receive(origin, tmp_path / "into", "")
    assert list((tmp_path / "into").iterdir()) == []


def test_a_signature_is_brought_whole_or_not_at_all(tmp_path: Path) -> None:
    """What is larger than a signature may be is refused, not cut."""
    origin = Told({"a.zip": b"x"})
    release = Release(NAME, "1", digest_of(json.dumps(origin.manifest).encode()), {"a.zip": digest_of(b"x")})
    origin.beside |= {"release.json": canonical(release_value(release)).encode(), "release.dsse.json": bytes(16_000_001)}
    with pytest.raises(CsdInputError, match="release.dsse.json: is larger than 16000000 bytes"):
        receive(origin, tmp_path / "into", "")
    assert list((tmp_path / "into").iterdir()) == []


def zipped(members: dict[str, bytes], **attributes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.writestr(info, content)
    return buffer.getvalue()


SCRIPTS = {"install.sh": b"exit 0\n", "uninstall.sh": b"rm -rf /opt/agent\n"}


def test_sources_make_an_equal_package_again(tmp_path: Path) -> None:
    """A vendor's package, compressed and with names of its own: unpacked, built again, the same nodes get the same files."""
    packages = {"ubuntu": {"22.04": {"x86_64": {"file": "Agent_x64.zip"}, "arm64": {"file": "Agent_arm.zip"}}}}
    files = {
        "Agent_x64.zip": zipped(SCRIPTS | {"etc/agent.conf.in": b"server=\n", "bin/agent": b"\x7fELF x64"}),
        "Agent_arm.zip": zipped(SCRIPTS | {"bin/agent": b"\x7fELF arm"}),
    }
    receive(Told(files, packages=packages, publisher="Vendor"), tmp_path / "sealed", NAME)
    sealed = read_sealed(tmp_path / "sealed")
    source = unpack_source(sealed, sealed.name, tmp_path / "source")
    assert (source.publisher, [p.folder for p in source.platforms]) == ("Vendor", ["Agent_arm", "Agent_x64"])
    build_package(tmp_path / "source", tmp_path / "again")
    assert served(tmp_path / "again") == served(tmp_path / "sealed")


def served(folder: Path) -> dict[tuple[str, str, str], dict[str, bytes]]:
    """{(platform, version, architecture): {name: content}}"""
    manifest = json.loads((folder / "manifest.json").read_text())
    told = {}
    for platform, versions in manifest["packages"].items():
        for version, architectures in versions.items():
            for architecture, entry in architectures.items():
                with zipfile.ZipFile(folder / entry["file"]) as archive:
                    told[platform, version, architecture] = {
                        n: archive.read(n) for n in archive.namelist() if not n.endswith("/")
                    }
    return told


def test_a_package_of_csd_is_built_again_with_the_same_manifest(world: World, tmp_path: Path) -> None:
    """Nothing is lost on the way: the same bytes, but for what tells who built it when."""
    built = world.package("csd-round", "1.0.0")
    unpack_source(built, built.name, tmp_path / "source")
    build_package(tmp_path / "source", tmp_path / "again")
    assert (tmp_path / "again/manifest.json").read_bytes() == (built.folder / "manifest.json").read_bytes()
    assert yaml.safe_load((tmp_path / "source/package.yaml").read_text())["name"] == "csd-round"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(SCRIPTS | {"../escape": b"x"}), "/a.zip!../escape: CSD502: leaves its folder"),
        (zipped(SCRIPTS | {"/etc/passwd": b"x"}), "has an absolute path"),
        (zipped(SCRIPTS | {"a\\..\\b": b"x"}), "has a backslash"),
        (zipped(SCRIPTS | {"INSTALL.SH": b"x"}), "would be one file"),
        (zipped(SCRIPTS, external_attr=0o120777 << 16), "is a symbolic link"),
        (zipped(SCRIPTS | {"x.in": b"@VERSION@"}), "the build takes for a template"),
    ],
    ids=["up", "root", "backslash", "case", "link", "template"],
)
def test_a_zip_that_is_not_to_be_unpacked(content: bytes, said: str, tmp_path: Path) -> None:
    """Each member that is wrong is named, and no source is left behind."""
    receive(Told({"a.zip": content}), tmp_path / "sealed", NAME)
    with pytest.raises(CsdInputError, match=said):
        unpack_source(read_sealed(tmp_path / "sealed"), NAME, tmp_path / "source")
    assert list((tmp_path / "source").glob("*")) == []
