"""A sealed folder on its way to S3, over the wire, with authorisation: what goes out, what is believed, and what is continued."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from csd.aws.publishing.folder import Uploaded, address_prefix, upload
from csd.cli.main import run
from csd.errors import AwsRefused, CsdInputError
from csd.package.sealed import SealedPackage
from publishing.world import BUCKET, World, noise

pytestmark = pytest.mark.xdist_group("publishing-folders")
BESIDE = ("provenance.intoto.json", "sbom.cdx.json", "release.json", "manifest.json")
BIG = (20 << 20) + 5  # three parts of 8 MiB
FOLDER = f"arn:aws:s3:::{BUCKET}/*"
# The rights of the how-to, and one less.
WRITE = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": FOLDER}
LIST = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"], "Resource": f"arn:aws:s3:::{BUCKET}"}
PARTS = {"Effect": "Allow", "Action": ["s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"], "Resource": FOLDER}


def publish(
    world: World, package: SealedPackage, prefix: str | None = None, *, overwrite: bool = False
) -> tuple[Uploaded, list[str]]:
    lines: list[str] = []
    where = address_prefix(package, prefix)
    told = upload(world.principal(), package, BUCKET, where, lines.append, lambda _n, _c: None, overwrite=overwrite)
    return told, lines


def test_all_files_go_the_manifest_last_and_only_once(world: World) -> None:
    """By default the folder belongs to this content alone; a second time nothing goes out, for S3 itself tells that all is there."""
    package = world.package("csd-one", "1.0.0")
    told, lines = publish(world, package)
    assert package.release is not None
    assert told.address == f"s3://{BUCKET}/csd-one/1.0.0/{package.release.manifest.sha256[:16]}"
    assert told.sent == ["csd-one-1.0.0-linux.zip", *BESIDE]
    assert lines[-1] == "manifest.json: sent, version 1.0.0"
    world.watched.asked.clear()
    again, _ = publish(world, package)
    assert (again.sent, again.there) == ([], told.sent)
    assert not any(line.startswith(("PUT", "GET")) for line in world.watched.asked)


def test_the_articles_folder_takes_the_next_version_and_refuses_a_changed_one(world: World) -> None:
    """P18: a published version never changes silently; its folder may be that of all versions."""
    publish(world, world.package("csd-two", "1.0.0"), "/csd-two/")
    told, _ = publish(world, world.package("csd-two", "1.1.0"), "csd-two")
    assert told.sent == ["csd-two-1.1.0-linux.zip", *BESIDE]
    changed = world.package("csd-two", "1.1.0", b"other payload")
    world.watched.asked.clear()
    with pytest.raises(CsdInputError) as refused:
        publish(world, changed, "csd-two")
    assert [p.where.rpartition("/")[2] for p in refused.value.problems] == told.sent
    assert "publish changed files as a version after 1.1.0" in str(refused.value)
    assert not any(line.startswith("PUT") for line in world.watched.asked)
    assert publish(world, changed, "csd-two", overwrite=True)[0].sent == told.sent


def test_what_others_put_there_is_read_before_it_is_believed(world: World) -> None:
    """An object without a SHA-256 of S3's own is compared by its bytes; its metadata proves nothing."""
    package = world.package("csd-three", "1.0.0")
    name = package.files[0].name
    s3 = world.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"csd-three/{name}", Body=(package.folder / name).read_bytes())
    told, lines = publish(world, package, "csd-three")
    assert told.there == [name]
    assert f"{name}: S3 cannot prove what was put there by other means; reading it" in lines
    s3.put_object(
        Bucket=BUCKET,
        Key=f"csd-three/{name}",
        Body=b"x" * package.files[0].size,
        Metadata={"csd-sha256": package.files[0].sha256},
    )
    with pytest.raises(CsdInputError, match="is there with other content"):
        publish(world, package, "csd-three")


def test_a_killed_upload_goes_on_and_sends_no_part_twice(world: World) -> None:
    """kill -9 when two of seven parts are there; then the same command sends the other five, and nothing else."""
    package = world.package("csd-big", "1.0.0", noise(50 << 20))
    code = "from csd.cli.main import main; main()"
    command = [sys.executable, "-c", code, "publish", str(package.folder), "--bucket", BUCKET]
    process = subprocess.Popen(command, env=os.environ | world.administrator(), stderr=subprocess.DEVNULL)

    def kill(line: str) -> bool:
        if "partNumber=" not in line or len(world.watched.parts_sent()) < 2:
            return True
        os.kill(process.pid, signal.SIGKILL)
        return False

    world.watched.before = kill
    assert process.wait() == -signal.SIGKILL
    first = world.watched.parts_sent()
    world.watched.before = lambda _: None
    world.watched.asked.clear()
    told, lines = publish(world, package)
    assert (len(first), sorted(first + world.watched.parts_sent())) == (2, list("1234567"))
    assert "csd-big-1.0.0-linux.zip: going on, 2 of 7 parts are there" in lines
    assert told.sent[-1] == "manifest.json"
    assert publish(world, package)[0].sent == []
    assert "Uploads" not in world.client("s3").list_multipart_uploads(Bucket=BUCKET)


def test_an_upload_of_somebody_else_is_left_alone(world: World) -> None:
    """A part that is not ours makes the upload another's, whoever began it; ours is a new one."""
    package = world.package("csd-foreign", "1.0.0", noise(BIG))
    key, s3 = f"csd-foreign/{package.files[0].name}", world.client("s3")
    foreign = s3.create_multipart_upload(Bucket=BUCKET, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=key, UploadId=foreign, PartNumber=1, Body=b"theirs", ChecksumAlgorithm="SHA256")
    _, lines = publish(world, package, "csd-foreign")
    assert world.watched.parts_sent() == ["1", "1", "2", "3"]
    assert any(f"is left alone: {foreign}" in line for line in lines)
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == [foreign]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=foreign)


def test_an_upload_that_a_rule_of_the_bucket_aborts_begins_anew(world: World) -> None:
    """Documented: AbortIncompleteMultipartUpload; NoSuchUpload."""
    package = world.package("csd-aborted", "1.0.0", noise(BIG))
    s3, once = world.watched.simulation.client("s3"), [True]

    def abort(line: str) -> None:
        if once and "partNumber=2" in line:
            once.clear()
            for found in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]:
                s3.abort_multipart_upload(Bucket=BUCKET, Key=found["Key"], UploadId=found["UploadId"])

    world.watched.before = abort
    told, lines = publish(world, package, "csd-aborted")
    assert any("the unfinished upload is gone" in line for line in lines)
    assert told.sent[-1] == "manifest.json"


def test_the_rights_that_the_how_to_lists_suffice(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is needed for what it is for; without those of parts all is sent again, and that is told; without PutObject it is refused."""
    package = world.package("csd-rights", "1.0.0", noise(BIG))
    people = {
        "publisher": (WRITE, LIST, PARTS),
        "no-parts": (WRITE, {**LIST, "Action": "s3:ListBucket"}),
        "reader": ({**WRITE, "Action": "s3:GetObject"}, LIST),
    }
    codes, told = {}, {}
    for name, statements in people.items():
        for key, value in world.person(name, *statements).items():
            monkeypatch.setenv(key, value)
        codes[name] = run(["publish", str(package.folder), "--bucket", BUCKET, "--prefix", f"rights/{name}", "--json"])
        told[name] = capsys.readouterr()
    assert codes == {"publisher": 0, "no-parts": 0, "reader": 1}
    assert json.loads(told["publisher"].out)["sent"][-1] == "manifest.json"
    assert "may not be asked, so all is sent" in told["no-parts"].err
    assert "s3:PutObject" in told["reader"].err
    assert "docs/how-to/publish-a-package.md" in told["reader"].err


def test_a_bucket_that_is_not_there(world: World) -> None:
    """AWS's refusal names service and operation, and csd what to do."""
    package = world.package("csd-nowhere", "1.0.0")
    with pytest.raises(AwsRefused, match=r"^s3:PutObject \(.*\) was refused: NoSuchBucket: .*csd makes none"):
        upload(world.principal(), package, "nowhere", "", lambda _: None, lambda _n, _c: None)


def test_a_file_that_changed_since_it_was_sealed(world: World) -> None:
    """What is sent is what was built."""
    package = world.package("csd-changed", "1.0.0")
    Path(package.folder / "manifest.json").write_text("{}")
    with pytest.raises(CsdInputError, match="is not the file that was sealed"):
        publish(world, package)
