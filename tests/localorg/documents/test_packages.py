"""Distributor packages: where files come from, the copy, what goes wrong, and the addresses from which nodes download."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from documents.harness import COMMAND, HUB, MEMBER, RUNBOOK, Harness, manifest, principal
from hypothesis import given
from hypothesis import strategies as st

from localorg.documents.sources import locate
from localorg.kernel.blobs import Blobs
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.store import Store
from localorg.protocol.calls import Access, Principal


def status(house: Harness, name: str = "tool", **params: Any) -> tuple[str, str]:
    shown = house.call("DescribeDocument", Name=name, **params)["Document"]
    return shown["Status"], shown.get("StatusInformation", "")


def fetch(house: Harness, url: str, later_s: float = 0.0) -> Path | bytes:
    parts = urlsplit(url)
    return house.documents.download(parts.path, dict(parse_qsl(parts.query)), house.kernel.now() + later_s)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("s3://shelf", ("shelf", "")),
        ("s3://shelf/", ("shelf", "")),
        ("s3://shelf/a/b/", ("shelf", "a/b/")),
        ("https://s3.amazonaws.com/shelf/a", ("shelf", "a")),
        ("https://s3.amazonaws.com/shelf/", ("shelf", "")),
        ("https://s3.eu-west-1.amazonaws.com/shelf/a%20b", ("shelf", "a b")),
        ("https://s3-eu-west-1.amazonaws.com/shelf/a", ("shelf", "a")),
        ("https://shelf.s3.amazonaws.com/a/b", ("shelf", "a/b")),
        ("https://shelf.with.dots.s3.eu-west-1.amazonaws.com/a", ("shelf.with.dots", "a")),
        ("https://s3.cn-north-1.amazonaws.com.cn/shelf/a", ("shelf", "a")),
        ("http://s3.amazonaws.com/shelf/a", None),
        ("https://x.s3" + "-" * 900 + "!", None),
        ("https://x" + ".s3-a" * 200 + "!", None),
        ("https://example.com/shelf/a", None),
        ("https://s3.amazonaws.com.evil.org/shelf/a", None),
        ("s3://Shelf/a", None),
        ("shelf/a", None),
    ],
)
def test_addresses_of_s3(url: str, where: tuple[str, str] | None) -> None:
    """Documented: S3 user guide, VirtualHosting; API AttachmentsSource for s3://."""
    assert locate(url, "aws-cn" if url.startswith("https://s3.cn") else "aws") == where


@given(st.text())
def test_no_text_breaks_the_reading_of_addresses(url: str) -> None:
    """Assumed: anything may stand in SourceUrl; it is an address of S3 or it is refused."""
    locate(f"https://{url}", "aws")
    locate(url, "aws")


@pytest.mark.parametrize("url", ["s3://shelf/tool", "s3://shelf/tool/", "https://s3.amazonaws.com/shelf/tool/"])
def test_a_package_is_copied_and_then_active(url: str) -> None:
    """Documented: user guide, distributor-working-with-packages-create: files of the manifest from the folder, with and without slash."""
    house = Harness()
    house.buckets.objects["shelf", "tool/tool_linux.zip"] = b"zip"
    answer = house.create("tool", manifest(), "Package", VersionName="1.0", Attachments=[{"Key": "SourceUrl", "Values": [url]}])
    assert (answer["Status"], answer["AttachmentsInformation"]) == ("Creating", [{"Name": "tool_linux.zip"}])
    assert "AttachmentsContent" not in house.call("GetDocument", Name="tool")
    house.wait()
    assert status(house) == ("Active", "")
    (asked,) = house.buckets.asked
    assert (asked.principal, asked.operation) == (principal(HUB), "GetObject")
    (file,) = house.call("GetDocument", Name="tool", VersionName="1.0")["AttachmentsContent"]
    assert {key: file[key] for key in ("Name", "Size", "HashType")} == {"Name": "tool_linux.zip", "Size": 3, "HashType": "Sha256"}
    del house.buckets.objects["shelf", "tool/tool_linux.zip"]
    assert fetch(house, file["Url"]) == b"zip"


def test_a_bucket_without_prefix_is_a_folder_too() -> None:
    """Assumed: the seed's own call produces an empty prefix and a slash at the end."""
    house = Harness()
    house.buckets.objects["shelf", "tool_linux.zip"] = b"zip"
    source = [{"Key": "SourceUrl", "Values": ["https://s3.amazonaws.com/shelf/"]}]
    house.create("tool", manifest(), "Package", Attachments=source)
    house.wait()
    assert status(house) == ("Active", "")


def test_files_that_are_missing_fail_the_version_and_say_why() -> None:
    """Documented: user guide, distributor-troubleshooting: a wrong source shows as Failed with StatusInformation."""
    house = Harness()
    house.buckets.objects["shelf", "one.zip"] = b"1"
    content = manifest("1.0", "one.zip", "two.zip", "three.zip")
    house.create("tool", content, "Package", Attachments=[{"Key": "SourceUrl", "Values": ["s3://shelf"]}])
    house.wait()
    assert status(house) == (
        "Failed",
        (
            "two.zip: NoSuchKey for s3://shelf/two.zip: The specified key does not exist.; "
            "three.zip: NoSuchKey for s3://shelf/three.zip: The specified key does not exist."
        ),
    )
    assert "AttachmentsContent" not in house.call("GetDocument", Name="tool")


class Denies:
    """An authoriser that lets everything through but one action."""

    def __init__(self, action: str) -> None:
        self.action = action

    def check(self, principal: Principal, region: str, access: Access) -> None:
        if access.action == self.action:
            raise AccessDenied(
                f"User: {principal.arn} is not authorized to perform: {self.action} on resource: {access.resource}"
            )


def test_the_copy_is_made_under_the_rights_of_the_caller() -> None:
    """Documented: user guide, distributor-getting-s3-bucket: the caller needs s3:GetObject."""
    house = Harness()
    house.gateway.authoriser = Denies("s3:GetObject")
    house.publish()
    house.wait()
    assert status(house) == (
        "Failed",
        (
            "tool_linux.zip: AccessDeniedException for s3://shelf/tool/1.0/tool_linux.zip: "
            "User: arn:aws:iam::111111111111:user/admin "
            "is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::shelf/tool/1.0/tool_linux.zip"
        ),
    )
    assert house.buckets.asked == []


@pytest.mark.parametrize(
    ("attachments", "code", "words"),
    [
        ([], "InvalidDocumentContent", "the content names tool_linux.zip, for which Attachments has no source"),
        (
            [{"Key": "SourceUrl", "Values": ["ftp://x"]}],
            "InvalidDocumentContent",
            r"Attachments\[0\] is 'ftp://x'; give s3://BUCKET",
        ),
        ([{"Key": "S3FileUrl", "Values": ["s3://shelf/a/"]}], "InvalidDocumentContent", "S3FileUrl names one object"),
        ([{"Key": "S3FileUrl", "Values": ["s3://shelf/a.zip"]}], "InvalidDocumentContent", "the content names tool_linux.zip"),
    ],
)
def test_sources_that_cannot_be_used(attachments: list[dict[str, Any]], code: str, words: str) -> None:
    """Assumed: AWS is not known to refuse these at once; a package without its files cannot be installed."""
    with pytest.raises(AwsError, match=words) as caught:
        Harness().create("tool", manifest(), "Package", Attachments=attachments)
    assert caught.value.code == code


def test_single_files_may_bear_another_name() -> None:
    """Documented: API AttachmentsSource.Name and S3FileUrl."""
    house = Harness()
    house.buckets.objects["shelf", "build/17.zip"] = b"zip"
    source = [{"Key": "S3FileUrl", "Values": ["s3://shelf/build/17.zip"], "Name": "tool_linux.zip"}]
    house.create("tool", manifest(), "Package", Attachments=source)
    house.wait()
    (file,) = house.call("GetDocument", Name="tool")["AttachmentsContent"]
    assert file["Name"] == "tool_linux.zip"


def test_files_of_another_version_or_account_are_reused() -> None:
    """Documented: API AttachmentsSource, AttachmentReference: DOCUMENT/VERSION/FILE, an ARN for what is shared."""
    house = Harness()
    house.publish()
    house.wait()
    house.share("tool")
    house.buckets.objects.clear()
    source = [{"Key": "AttachmentReference", "Values": ["tool/1/tool_linux.zip"]}]
    house.create("copy", manifest("1.1", "tool_linux.zip"), "Package", Attachments=source)
    theirs = [{"Key": "AttachmentReference", "Values": [house.arn("tool") + "/1/tool_linux.zip"], "Name": "other.zip"}]
    params = {"Name": "theirs", "Content": manifest("1", "other.zip"), "DocumentType": "Package", "Attachments": theirs}
    house.call("CreateDocument", MEMBER, **params)
    house.wait()
    for account, name in ((HUB, "copy"), (MEMBER, "theirs")):
        (file,) = house.call("GetDocument", account, Name=name)["AttachmentsContent"]
        assert fetch(house, file["Url"]) == b"zip 1.0"
    for value in ("tool/1/absent.zip", "tool", "tool/x/tool_linux.zip"):
        source[0]["Values"] = [value]
        with pytest.raises(AwsError, match=r"give DOCUMENT/VERSION/FILE of an Active version that has this file"):
            house.create("bad", manifest(), "Package", Attachments=source)
    params["Attachments"] = [{"Key": "AttachmentReference", "Values": [house.arn("copy") + "/1/tool_linux.zip"]}]
    with pytest.raises(AwsError) as caught:
        house.call("CreateDocument", MEMBER, **{**params, "Name": "thief"})
    assert caught.value.code == "InvalidDocument"


def test_an_interrupted_copy_is_taken_up_again(tmp_path: Path) -> None:
    """Assumed: a server that dies while copying goes on under the same caller; nothing stays Creating for ever."""
    first = Harness(Store(tmp_path / "rows"), Blobs(tmp_path / "blobs"))
    first.buckets.is_slow = True
    first.publish()
    first.wait()
    assert status(first) == ("Creating", "")
    first.store.close()
    second = Harness(Store(tmp_path / "rows"), Blobs(tmp_path / "blobs"), first.clock)
    second.buckets.objects = first.buckets.objects
    second.documents.resume()
    second.wait()
    assert status(second) == ("Active", "")
    assert [call.principal for call in second.buckets.asked] == [principal(HUB)]
    (file,) = second.call("GetDocument", Name="tool")["AttachmentsContent"]
    path = fetch(second, file["Url"])
    assert isinstance(path, Path)
    assert path.read_bytes() == b"zip 1.0"


def test_download_addresses_expire_and_cannot_be_bent() -> None:
    """Assumed: one hour; AWS answers 403 for a presigned URL that is expired or changed."""
    house = Harness()
    house.publish("tool")
    house.publish("secret")
    house.wait()
    (file,) = house.call("GetDocument", Name="tool")["AttachmentsContent"]
    url = file["Url"]
    assert url.startswith(f"http://127.0.0.1:4599/_attachments/{HUB}/eu-west-1/tool/1/tool_linux.zip?Expires=")
    assert fetch(house, url, 3599) == b"zip 1.0"
    for bent, later, words in (
        (url, 3602, "The address has expired 2 s ago"),
        (url.replace("/tool/", "/secret/"), 0, "The signature does not match"),
        (url.replace("Expires=", "Expires=9"), 0, "The signature does not match"),
        (url.partition("?")[0], 0, "The signature does not match"),
        (url.partition("&")[0] + "&Signature=ü", 0, "The signature does not match"),
    ):
        with pytest.raises(AwsError, match=words) as caught:
            fetch(house, bent, later)
        assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    house.call("DeleteDocument", Name="tool")
    with pytest.raises(AwsError, match="tool_linux.zip of tool version 1 is not there any more"):
        fetch(house, url)


def test_each_version_has_its_own_files() -> None:
    """Documented: user guide, distributor-working-with-packages-version."""
    house = Harness()
    house.publish()
    house.buckets.objects["shelf", "two/tool_linux.zip"] = b"second"
    source = [{"Key": "SourceUrl", "Values": ["s3://shelf/two"]}]
    house.update("tool", manifest("2.0"), VersionName="2.0", Attachments=source)
    house.wait()
    house.share("tool", MEMBER, "$ALL")
    for account, name in ((HUB, "tool"), (MEMBER, house.arn("tool"))):
        for version, body in (("1.0", b"zip 1.0"), ("2.0", b"second")):
            (file,) = house.call("GetDocument", account, Name=name, VersionName=version)["AttachmentsContent"]
            assert fetch(house, file["Url"]) == body


@pytest.mark.parametrize(
    ("reading", "outcome"),
    [
        ("objects-only", ("Active", "")),
        (
            "needs-list",
            (
                "Failed",
                (
                    "s3://shelf/tool/1.0/: AccessDeniedException for ListBucket: User: arn:aws:iam::111111111111:user/admin "
                    "is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::shelf"
                ),
            ),
        ),
    ],
)
def test_whether_a_folder_must_be_listed_is_an_open_question(reading: str, outcome: tuple[str, str]) -> None:
    """Assumed: both readings of folder-listing; with the right to list, both end Active."""
    house = Harness(folder_listing=reading)
    house.gateway.authoriser = Denies("s3:ListBucket")
    house.publish()
    house.wait()
    assert status(house) == outcome
    allowed = Harness(folder_listing=reading)
    allowed.publish()
    allowed.wait()
    assert status(allowed) == ("Active", "")


@pytest.mark.parametrize(("reading", "more"), [("named", []), ("whole-folder", ["release.json"])])
def test_what_lies_beside_the_zips_is_an_open_question(reading: str, more: list[str]) -> None:
    """Assumed: both readings of folder-attachments; a file that the manifest names is attached once."""
    house = Harness(folder_attachments=reading)
    house.buckets.objects["shelf", "tool/1.0/release.json"] = b"{}"
    house.publish()
    house.wait()
    assert status(house) == ("Active", "")
    files = [file["Name"] for file in house.call("GetDocument", Name="tool")["AttachmentsContent"]]
    assert [name for name in files if not name.endswith(".zip")] == more
    assert len(set(files)) == len(files)


def test_a_folder_is_taken_as_a_whole_when_the_content_names_no_files() -> None:
    """Documented: API AttachmentsSource, SourceUrl; a Command document need not name its files. Assumed: one level of the folder."""
    house = Harness()
    for key in ("kit/one.sh", "kit/two.sh", "kit/deeper/three.sh", "kitten/four.sh"):
        house.buckets.objects["shelf", key] = key.encode()
    house.create(Attachments=[{"Key": "SourceUrl", "Values": ["s3://shelf/kit"]}])
    house.wait()
    assert status(house, "Greet") == ("Active", "")
    files = house.call("GetDocument", Name="Greet")["AttachmentsContent"]
    assert [(file["Name"], fetch(house, file["Url"])) for file in files] == [("one.sh", b"kit/one.sh"), ("two.sh", b"kit/two.sh")]
    house.create("Empty", Attachments=[{"Key": "SourceUrl", "Values": ["s3://shelf/nothing"]}])
    house.wait()
    assert status(house, "Empty") == ("Failed", "s3://shelf/nothing/: there is no file in this folder")
    for number in range(21):
        house.buckets.objects["shelf", f"many/{number:03}.sh"] = b"x"
    house.create("Many", Attachments=[{"Key": "SourceUrl", "Values": ["s3://shelf/many"]}])
    house.wait()
    assert status(house, "Many") == ("Failed", "s3://shelf/many/: 21 files; a document has at most 20 attachments")


@pytest.mark.parametrize("kind", ["Automation", "Command"])
def test_runbooks_and_commands_have_attachments_too(kind: str) -> None:
    """Documented: user guide, automation-authoring-runbooks-scripted-examples: `files` with checksums, and S3FileUrl per file."""
    house = Harness()
    house.buckets.objects["shelf", "steps.py"] = b"def steps(): ..."
    content = json.loads(RUNBOOK if kind == "Automation" else COMMAND)
    content["files"] = {"steps.py": {"checksums": {"sha256": hashlib.sha256(b"def steps(): ...").hexdigest()}}}
    source = [{"Key": "S3FileUrl", "Values": ["s3://shelf/steps.py"], "Name": "steps.py"}]
    house.create("Greet", json.dumps(content), kind, Attachments=source)
    house.wait()
    (file,) = house.call("GetDocument", Name="Greet")["AttachmentsContent"]
    assert (file["Name"], fetch(house, file["Url"])) == ("steps.py", b"def steps(): ...")


def test_who_compares_checksums_is_an_open_question() -> None:
    """Assumed: both readings of attachment-checksum, for a file that is not what the manifest says."""
    house = Harness()
    house.publish()
    house.wait()
    assert status(house) == ("Active", "")
    strict = Harness(attachment_checksum="service-compares")
    strict.publish()
    strict.wait()
    said, why = status(strict)
    assert (said, why.startswith("tool_linux.zip: its sha256 is ")) == ("Failed", True)


def test_the_step_for_windows_is_an_open_question() -> None:
    """Assumed: both readings of download-folder-step; configurePackage is the last step under both."""
    steps = {}
    for reading in ("windows-only", "absent"):
        house = Harness(download_folder_step=reading)
        content = json.loads(house.call("GetDocument", Name="AWS-ConfigureAWSPackage")["Content"])
        steps[reading] = [step["name"] for step in content["mainSteps"]]
    assert steps == {"windows-only": ["createDownloadFolder", "configurePackage"], "absent": ["configurePackage"]}


@pytest.mark.parametrize("reading", ["file", "untold", "content"])
def test_what_the_hash_of_an_attachment_is_of_is_an_open_question(reading: str) -> None:
    """Assumed: three readings of attachment-hash; under the default it is of the bytes that were copied."""
    house = Harness(attachment_hash=reading)
    house.publish()
    house.wait()
    house.buckets.objects["shelf", "tool/1.0/tool_linux.zip"] = b"swapped after the copy"
    (file,) = house.call("GetDocument", Name="tool")["AttachmentsContent"]
    of_content = house.call("DescribeDocument", Name="tool")["Document"]["Hash"]
    told = {"file": hashlib.sha256(b"zip 1.0").hexdigest(), "content": of_content, "untold": None}
    assert file.get("Hash") == told[reading]
