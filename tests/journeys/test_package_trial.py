"""csd package test, from the command line to a node and back, by a caller with the rights that it prints and no others."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from demo.walk import PACKAGE, Walk
from demo.watch import client

pytestmark = [pytest.mark.journey, pytest.mark.proof]
SANDBOX = "222222222222"


def sign_in(walk: Walk) -> None:
    """Become a user who may do what `--rights` prints; let the nodes do what it prints."""
    walk.shell.environment.update(walk.keys(SANDBOX))
    rights = json.loads(walk.shell.run("csd", "package", "test", "--rights").out)
    iam = client(walk, "iam", SANDBOX)
    iam.put_role_policy(RoleName="localorg-node", PolicyName="Outputs", PolicyDocument=json.dumps(rights["nodes"]))
    iam.create_user(UserName="tester")
    iam.put_user_policy(UserName="tester", PolicyName="Trials", PolicyDocument=json.dumps(rights["caller"]))
    key = iam.create_access_key(UserName="tester")["AccessKey"]
    walk.shell.environment |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    walk.shell.environment.pop("AWS_SESSION_TOKEN", None)


def trial(walk: Walk, *words: str, expect: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run it; returns the report, and the steps of its one node by name."""
    node = walk.nodes()[0]["instance_id"]
    report = json.loads(walk.shell.run("csd", "package", "test", *words, "--nodes", node, "--json", expect=(expect,)).out)
    return report, {step["step"]: step for step in report["nodes"][0]["steps"]}


def left_in_aws(walk: Walk) -> tuple[list[str], list[str]]:
    """Documents and objects of trials."""
    ssm, s3 = client(walk, "ssm", SANDBOX), client(walk, "s3", SANDBOX)
    documents = ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]
    objects = s3.list_objects_v2(Bucket=f"csd-trials-{SANDBOX}-us-east-1").get("Contents", [])
    return [one["Name"] for one in documents], [one["Key"] for one in objects]


def variant(folder: Path, version: str, **scripts: str) -> str:
    """The example package in another version, with other scripts for Debian where given."""
    target = folder / f"variant-{version}"
    shutil.copytree(PACKAGE, target)
    described = target / "package.yaml"
    described.write_text(described.read_text().replace('version: "1.0.0"', f'version: "{version}"'))
    for name, added in scripts.items():
        script = target / "debian" / f"{name}.sh"
        script.write_text(script.read_text() + added)
    return str(target)


def test_a_good_package_a_bad_one_and_one_that_fails(small: Walk, tmp_path: Path) -> None:
    """All of a good one passes; of others, what they leave is told by path and what fails by its words; nothing stays in AWS."""
    sign_in(small)
    report, steps = trial(small, str(PACKAGE), "--from", variant(tmp_path, "0.9"), expect=0)
    assert {step["verdict"] for step in steps.values()} == {"passed"}
    assert {"upgrade", "update in place", "fail and roll back", "left by uninstall"} <= set(steps)
    assert "/usr/bin/csd-hello" in [change["name"] for change in report["nodes"][0]["changes"]["added"]]
    assert "csd-hello: installed 1.0.0" in steps["install"]["output"]

    # It cannot be installed where it once was, so that no rollback succeeds; and its uninstall leaves the mark.
    marks = "[ ! -e /opt/mark ] || { echo 'once is enough' >&2; exit 4; }\ntouch /opt/mark\n"
    report, steps = trial(small, variant(tmp_path, "2.0", install=marks), expect=3)
    assert steps["fail and roll back"]["verdict"] == "failed"
    assert "the rollback failed" in steps["fail and roll back"]["why"]
    assert "once is enough" in steps["fail and roll back"]["errors"]
    assert steps["left by uninstall"]["why"] == "1 more: /opt/mark"

    report, steps = trial(small, variant(tmp_path, "3.0", install="echo 'no licence' >&2\nexit 5\n"), expect=3)
    assert (steps["install"]["verdict"], steps["uninstall"]["verdict"]) == ("failed", "not run")
    assert "no licence" in steps["install"]["errors"]
    assert any("may still hold" in line for line in report["remains"])
    assert left_in_aws(small) == ([], [])


def test_an_interrupted_trial_takes_everything_away(small: Walk, tmp_path: Path) -> None:
    """The command under way is cancelled, the package uninstalled, document and objects deleted; exit 130."""
    small.shell.environment.update(small.keys(SANDBOX))
    node = small.nodes()[0]["instance_id"]
    package = variant(tmp_path, "4.0", validate="touch /opt/validating; sleep 2\n")
    csd = str(Path(sys.executable).with_name("csd"))
    environment = {**os.environ, **small.shell.environment, "AWS_EC2_METADATA_DISABLED": "true"}
    with subprocess.Popen([csd, "package", "test", package, "--nodes", node], env=environment, stderr=subprocess.PIPE) as run:
        while small.inside(node, "test", "-e", "/opt/validating").code != 0:
            time.sleep(0.2)
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate()
    assert run.returncode == 130, said
    assert b"interrupted" in said
    assert left_in_aws(small) == ([], [])
    assert small.inside(node, "test", "-e", "/usr/bin/csd-hello").code == 1, said
