"""What Distributor holds is what the manifest names, in every Region, before anything is shared."""

import hashlib
import json
from typing import Any

import pytest

from csd_fakes.steps import Document, Version, World
from csd_steps import compare_attachments

HOME, AWAY = "us-east-1", "eu-west-1"
LINUX, WINDOWS = "a" * 64, "b" * 64
CONTENT = json.dumps({
    "schemaVersion": "2.0",
    "version": "2.0.0",
    "files": {"linux.zip": {"checksums": {"sha256": LINUX.upper()}}, "windows.zip": {"checksums": {"sha256": WINDOWS}}},
})  # fmt: skip


def attached(name: str, sha256: str) -> dict[str, Any]:
    return {"Name": name, "Hash": sha256, "HashType": "Sha256", "Size": 1, "Url": "https://x"}


RIGHT = [attached("linux.zip", LINUX), attached("windows.zip", WINDOWS)]


def holding(*away: dict[str, Any], status: str = "Active", alone: bool = False) -> World:
    """Version 2.0.0, right in the home Region and with these attachments in the other, beside an older version or alone."""
    world = World()
    for region, files in ((HOME, RIGHT), (AWAY, [*away])):
        older = [] if alone else [Version("1", "1.0.0", "{}", world.now)]
        fresh = Version("2", "2.0.0", CONTENT, world.now, status, attached=files)
        world.documents[region, "csd-hello"] = Document("Package", [*older, fresh])
    return world


def compare(world: World, action: str = "Install", signed: str = "") -> str:
    asked = {"action": action, "name": "csd-hello", "version": "2.0.0", "regions": [HOME, AWAY], "signed": signed}
    return str(compare_attachments.handler(asked, None, world.client)["compared"])


def test_equal_files_are_silent() -> None:
    """Checksums are compared as numbers are: capital letters mean the same."""
    assert compare(holding(*RIGHT)) == "all files are as the manifest says"


DELETE = "aws ssm delete-document --region eu-west-1 --name csd-hello --version-name 2.0.0"


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (
            [attached("linux.zip", "c" * 64), RIGHT[1]],
            f"eu-west-1: linux.zip has sha256 {'c' * 64}, and the manifest says {LINUX}.",
        ),
        ([RIGHT[0]], "eu-west-1: windows.zip is missing."),
        ([*RIGHT, attached("more.zip", LINUX)], "eu-west-1: more.zip is there and the manifest does not name it."),
    ],
    ids=["another", "missing", "extra"],
)
def test_a_difference_names_region_file_digests_and_the_command(away: list[dict[str, Any]], said: str) -> None:
    """One Region that differs ends the run for all, and says how the version is taken away there."""
    with pytest.raises(RuntimeError) as refused:
        compare(holding(*away))
    assert said in str(refused.value)
    assert "This run has shared nothing and changed no default" in str(refused.value)
    assert f"Take away what was copied: {DELETE}. Publish" in str(refused.value)


def test_the_only_version_is_deleted_with_its_document() -> None:
    """Documented: DeleteDocument API: without a version the document is deleted; the default version has no other way."""
    with pytest.raises(RuntimeError, match=r"copied: aws ssm delete-document --region eu-west-1 --name csd-hello\. Publish"):
        compare(holding(RIGHT[0], alone=True))


@pytest.mark.parametrize(
    "told", [{}, {"HashType": "Sha256", "Hash": hashlib.sha256(CONTENT.encode()).hexdigest()}, {"Hash": "md5"}]
)
def test_what_aws_does_not_tell_is_said(told: dict[str, str]) -> None:
    """Assumed either way (question attachment-hash): a hash that is left out, or is the content's, says nothing of the file."""
    said = compare(holding({"Name": "linux.zip", **told}, RIGHT[1]))
    assert said == "not compared, for AWS or the manifest tells no SHA-256: linux.zip in eu-west-1"


def test_files_of_the_sealed_folder_are_no_strangers() -> None:
    """Assumed: AWS attaches the files that the manifest names; if it takes the whole folder, that is no attack."""
    assert "all files" in compare(holding(*RIGHT, attached("release.json", LINUX), attached("manifest.json", LINUX)))


def test_a_version_in_the_making_is_not_compared() -> None:
    """Its attachments are not there yet: the run ends, and the next one goes on."""
    with pytest.raises(RuntimeError, match=r"csd-hello 2.0.0 in us-east-1 is still Creating; run again later"):
        compare(holding(*RIGHT, status="Creating"))


def test_uninstall_compares_nothing() -> None:
    """What is taken away need not be published."""
    assert compare(World(), "Uninstall") == "nothing: nothing is published"


def test_the_signed_digests_count_where_there_are_any() -> None:
    """A document that somebody made by that name and version beforehand, manifest and all, is not what was signed."""
    assert "all files" in compare(holding(*RIGHT), signed=f"{LINUX}:linux.zip,{WINDOWS}:windows.zip")
    with pytest.raises(RuntimeError, match=f"us-east-1: linux.zip has sha256 {LINUX}, and the manifest says {WINDOWS}"):
        compare(holding(*RIGHT), signed=f"{WINDOWS}:linux.zip,{WINDOWS}:windows.zip")
