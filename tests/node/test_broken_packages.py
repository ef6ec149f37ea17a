"""Packages that cannot be installed: they fail in the agent's words and leave nothing behind."""

import pytest

from node.conftest import Fleet
from node.packaging import SSM, configure, folders, forget_packages
from node.zips import package, publish, zipped

pytestmark = pytest.mark.sandbox


@pytest.fixture(autouse=True)
def clean(fleet: Fleet) -> None:
    """Each test begins with no package on ONE and nothing published."""
    forget_packages(fleet)


def test_a_platform_without_a_file(fleet: Fleet) -> None:
    """Observed: the agent's words, and nothing on the disk."""
    fleet.plane.publish("P", "1.0", {"P.zip": package("1.0")}, {"windows": {"_any": {"_any": {"file": "P.zip"}}}})
    said = configure(fleet)
    assert (said.status, said.step["code"], folders(fleet)) == ("Failed", 1, [])
    assert said.err == "failed to find platform: no manifest found for platform: debian, version 12, architecture x86_64\n"


def _renamed(bad: str) -> bytes:
    return zipped(install_sh="true", **{bad: "x"})


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        (b"no zip at all", {}, "failed to extract package installer package P.zip from {folder}, zip: not a valid zip file\n"),
        (_renamed("../../../../evil"), {}, "../../../../evil attepts to place files outside {folder} subtree\n"),
        (_renamed("/etc/broken"), {}, "/etc/broken attepts to place files outside {folder} subtree\n"),
        (zipped(uninstall_sh="true", data="x"), {}, "Package is not supported (package is missing install action)\n"),
        (zipped(install_sh="true"), {}, "Package is incomplete\n"),
        (package("1.0"), {"files": {"P.zip": {"checksums": {"sha256": "0" * 64}}}}, "failed to verify hash of downloadinput"),
        (
            package("1.0"),
            {"files": {"P.zip": {"checksums": {"crc": "0"}}}},
            "no supported algorithm was provided for downloadinput",
        ),
        (package("1.0"), {"AttachmentsContent": []}, "Install attachments for package does not exist\n"),
        (
            package("1.0"),
            {"Status": "Updating"},
            "package document is not currently active, kindly retry when the status is active.",
        ),
        (package("1.0"), {"Content": "{"}, "failed to decode manifest"),
    ],
    ids=[
        "no zip",
        "out of the folder",
        "from the root",
        "no install script",
        "no uninstall script",
        "another hash",
        "an unknown hash",
        "no attachment",
        "not active",
        "no manifest",
    ],
)
def test_a_broken_package_fails_in_the_agents_words_and_leaves_nothing(
    fleet: Fleet, content: bytes, changes: dict, words: str
) -> None:
    """Observed: the texts; ours: nothing of it stays, and no signature of a URL is printed."""
    publish(fleet.plane, "P", "1.0", content, **changes)
    said = configure(fleet)
    assert said.status == "Failed"
    assert words.format(folder=f"{SSM}/packages/P/1.0") in said.err
    assert "do-not-print" not in said.err + said.out
    left = fleet.plane.shell(fleet.one, f"find {SSM}/packages {SSM}/download /evil /etc/broken -mindepth 1 2>/dev/null; true")
    assert left.out == ""


def test_a_wrong_hash_is_fetched_twice(fleet: Fleet) -> None:
    """Observed: manifest and file are fetched once more before the agent gives up."""
    publish(fleet.plane, "P", "1.0", files={"P.zip": {"checksums": {"sha256": "0" * 64}}})
    said = configure(fleet)
    assert len(fleet.plane.downloads) == 2
    assert said.err.startswith(
        f"failed to download installation package reliably, {fleet.plane.endpoint}/attach/P/1.0/P.zip, failed to verify"
    )


def test_a_document_that_is_not_there(fleet: Fleet) -> None:
    """Observed: any failure here fails the step, whatever its action."""
    for action in ("Install", "Uninstall"):
        said = configure(fleet, action, name="Nobody")
        assert said.status == "Failed"
        assert said.err.startswith(
            "failed to download manifest - failed to retrieve package document description: InvalidDocument: "
        )


def test_powershell_actions_run_where_it_is_there(fleet: Fleet) -> None:
    """Observed: the agent's source, ssminstaller: install.ps1 is run by /usr/bin/pwsh; a node without it says that it cannot start it."""
    publish(fleet.plane, "P", "1.0", zipped(**{"install.ps1": "x", "uninstall.ps1": "x", "data": "x"}))
    assert "install errors: failed to run commands: fork/exec /usr/bin/pwsh: no such file or directory" in configure(fleet).err
    fake = "printf '#!/bin/sh\\ntail -c +4 \"$2\"; pwd; echo $BWS_ACTION_NAME\\n' >/usr/bin/pwsh && chmod +x /usr/bin/pwsh"
    assert fleet.plane.shell(fleet.one, fake).status == "Success"
    said = configure(fleet)
    assert said.status == "Success", said.err
    assert ".\\install.ps1; exit $LASTEXITCODE" in said.out
    fleet.plane.shell(fleet.one, "rm /usr/bin/pwsh")
    fleet.plane.shell(fleet.one, f"rm -rf {SSM}/packages")
    publish(fleet.plane, "P", "1.0", zipped(**{"install.ps1": "x", "install_sh": "true"}))
    assert "install has more than one implementation (sh, ps1, json)" in configure(fleet).err
