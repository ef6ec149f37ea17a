"""From a key to a real node by the command line alone; then whoever may write into the bucket tries to get something else onto it."""

import json
from pathlib import Path

import pytest

from demo.walk import BUCKET, MARKER, Walk
from demo.watch import client

pytestmark = [pytest.mark.journey, pytest.mark.proof, pytest.mark.xdist_group("signed")]
UNIT = "ou-abcd-11111111"


def new_key(walk: Walk, account: str | None = None) -> str:
    made = walk.aws("kms", "create-key", "--key-usage", "SIGN_VERIFY", "--key-spec", "ECC_NIST_P256", account=account)
    return str(made["KeyMetadata"]["Arn"])


def upload(walk: Walk, folder: Path) -> None:
    """Put a folder over the prefix, as whoever may write there can."""
    for file in sorted(folder.iterdir()):
        client(walk, "s3").upload_file(str(file), BUCKET, f"agent/{file.name}")


def distribute(walk: Walk, version: str, expect: int) -> str:
    where = ("--targets", UNIT, "--regions", "us-east-1", "--bucket", BUCKET, "--prefix", "agent")
    return walk.shell.run(
        "csd", "distribute", "--name", "csd-hello", "--version", version, *where, "--wait", expect=(expect,)
    ).err


def test_only_what_the_trusted_key_has_signed_reaches_the_node(small: Walk, tmp_path: Path) -> None:
    """The signed version is installed. A whole build signed by a thief, and a swapped zip, change nothing there."""
    key, thief = new_key(small), new_key(small, account="222222222222")
    asked = ("--targets", UNIT, "--trusted-keys", key)
    assert "ready" in small.shell.run("csd", "check", *asked).out
    assert "names 1 different" in small.shell.run("csd", "check", *asked, "--trust-threshold", "2", expect=(2,)).err
    small.shell.run("csd", "deploy", *asked)
    right, evil = small.build("1.0.0"), small.build("1.0.1")
    small.shell.run("csd", "package", "sign", str(right), "--key", key, "--floor", "1.0.0")
    small.shell.run("csd", "publish", str(right), "--bucket", BUCKET, "--prefix", "agent")
    distribute(small, "1.0.0", 0)
    (node,) = (one["instance_id"] for one in small.nodes())
    assert small.inside(node, "cat", MARKER).out.strip() == "1.0.0"
    commands = small.aws("ssm", "list-commands", account="222222222222")["Commands"]
    small.shell.run("csd", "package", "sign", str(evil), "--key", thief, extra=small.keys("222222222222", "us-east-1"))
    upload(small, evil)
    assert f"{key}: no signature is of it" in distribute(small, "1.0.1", 3)
    zip_file = next(right.glob("*.zip"))
    small.shell.run("csd", "package", "sign", str(evil), "--key", key, "--again")
    (evil / next(evil.glob("*.zip")).name).write_bytes(zip_file.read_bytes())
    upload(small, evil)
    assert "Distributor does not hold the files of the manifest: us-east-1:" in distribute(small, "1.0.1", 3)
    assert small.inside(node, "cat", MARKER).out.strip() == "1.0.0"
    assert small.aws("ssm", "list-commands", account="222222222222")["Commands"] == commands
    history = small.aws("ssm", "get-parameter-history", "--name", "/csd/trust/csd-hello")
    assert [held["Value"] for held in history["Parameters"]] == ["1.0.0"], json.dumps(history)
