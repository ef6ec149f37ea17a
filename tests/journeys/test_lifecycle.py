"""Up, down, killed, up again: what stays, what goes, and what is refused."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.association import AssociationCall
from demo.walk import BUCKET, HUB, MARKER, Walk
from demo.watch import association_run
from journeys.conftest import SMALL, organization
from tests_support.processes import processes_about, until_none

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("lifecycle")]


def node(walk: Walk) -> str:
    return walk.nodes()[0]["instance_id"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The small organization for the stories that leave it as they found it."""
    with organization(tmp_path_factory.mktemp("shared"), SMALL) as walk:
        yield walk


def test_nodes_and_organization_outlive_down_and_up(shared: Walk) -> None:
    """A file written on a node, an object in S3 and a role in IAM are there after down and up; the node talks again."""
    one = node(shared)
    shared.inside(one, "sh", "-c", "echo kept >/opt/kept", expect=(0,))
    (shared.folder / "object").write_text("kept too")
    shared.shell.run("aws", "s3", "cp", str(shared.folder / "object"), "s3://csd-packages-111111111111/deep/object")
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    shared.aws("iam", "create-role", "--role-name", "kept", "--assume-role-policy-document", trust)
    shared.down()
    shared.up()
    assert shared.inside(one, "cat", "/opt/kept").out == "kept\n"
    assert shared.shell.run("aws", "s3", "cp", "s3://csd-packages-111111111111/deep/object", "-").out == "kept too"
    assert shared.aws("iam", "get-role", "--role-name", "kept")["Role"]["RoleName"] == "kept"
    assert shared.nodes()[0]["ping"] == "Online"


def test_exec_returns_the_exit_code_of_its_command(shared: Walk) -> None:
    """What a command inside a node returns is what `localorg exec` returns; an unknown node is one sentence.

    Of several nodes, each line has its node before it.
    """
    assert shared.inside(node(shared), "sh", "-c", "echo out; echo err >&2; exit 7").code == 7
    unknown = shared.inside("i-00000000000000000", "true")
    assert unknown.code == 1
    assert "i-00000000000000000" in unknown.err
    assert "Traceback" not in unknown.err
    several = shared.inside("all", "sh", "-c", "echo out; echo more; echo err >&2; exit 7")
    one = node(shared)
    assert (several.code, several.out, several.err) == (7, f"{one}: out\n{one}: more\n", f"{one}: err\n")


def test_nothing_reaches_the_machine_itself(shared: Walk) -> None:
    """A file written on a node is not on the host, and the node cannot see the state directory."""
    shared.inside(node(shared), "sh", "-c", "echo here >/opt/only-on-the-node", expect=(0,))
    assert not Path("/opt/only-on-the-node").exists()
    assert shared.inside(node(shared), "ls", shared.state).code != 0 or shared.inside(node(shared), "ls", shared.state).out == ""


def test_a_second_up_is_refused(shared: Walk) -> None:
    """The same state directory, and the same port, are refused in one sentence with the ways out; the first goes on."""
    again = shared.shell.run(
        *("localorg", "up", "--spec", str(shared.spec), "--state", shared.state, "--port", str(shared.port + 1)), expect=None
    )
    assert (again.code, "already served" in again.err, "Traceback" in again.err) == (1, True, False)
    other = shared.folder / "other"
    taken = shared.shell.run(
        "localorg", "up", "--spec", str(shared.spec), "--state", str(other), "--port", str(shared.port), expect=None
    )
    assert (taken.code, "--port" in taken.err, "Traceback" in taken.err) == (1, True, False)
    assert shared.nodes()


def test_every_account_has_its_administrator(shared: Walk) -> None:
    """`localorg env` names endpoint, keys and both Region variables; the management account by default."""
    assert shared.aws("sts", "get-caller-identity")["Account"] == "111111111111"
    assert shared.aws("sts", "get-caller-identity", account="222222222222")["Account"] == "222222222222"
    keys = shared.keys()
    assert keys["AWS_REGION"] == keys["AWS_DEFAULT_REGION"] == "us-east-1"
    assert keys["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{shared.port}"


def test_a_wrong_spec_starts_nothing(tmp_path: Path) -> None:
    """All problems of the file come at once, on standard error, with exit code 1."""
    spec = tmp_path / "bad.yaml"
    spec.write_text("regions: [mars]\norganization: {management: {id: '1', name: x}}\n")
    outcome = Walk(1, tmp_path).shell.run("localorg", "up", "--spec", str(spec), "--state", str(tmp_path / "s"), expect=None)
    assert outcome.code == 1
    assert "found 'mars'; a Region looks like eu-west-1" in outcome.err
    assert "twelve digits" in outcome.err
    assert not (tmp_path / "s").exists()


def test_nodes_follow_the_spec_at_the_next_up(small: Walk) -> None:
    """Switched off they are lost at once, switched on they talk again; tags of the spec change, those of the API stay.

    Another persona in a node's place is refused, with the way out; with the first one the node goes on.
    """
    one, text = node(small), small.spec.read_text()
    small.aws("ec2", "create-tags", "--resources", one, "--tags", "Key=Mine,Value=1", account="222222222222")
    small.down()
    small.spec.write_text(text.replace("debian-12", "rocky-9"))
    up = ("localorg", "up", "--spec", str(small.spec), "--state", small.state, "--port", str(small.port), "--detach")
    refused = small.shell.run(*up, expect=None)
    assert (refused.code, "Traceback" in refused.err) == (1, False)
    assert "was made as debian-12, and the spec has rocky-9 in its place" in refused.err
    for switch, ping in (("online: false, tags: {Role: web}", "ConnectionLost"), ("tags: {Team: core}", "Online")):
        small.spec.write_text(text.replace("name: shop-1", f"name: shop-1, {switch}"))
        small.up()
        assert small.nodes()[0]["ping"] == ping
        tags = small.aws("ec2", "describe-tags", account="222222222222")["Tags"]
        small.down()
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Name": "shop-1", "Mine": "1", "Team": "core"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_rollout_that_an_end_interrupts_ends_after_the_next_up(small: Walk, how: signal.Signals) -> None:
    """It goes on to success, or fails and says that it was interrupted, and where; it never hangs, and a new run succeeds.

    Whether asked to stop or killed, the server takes its nodes and their mounts with it.
    """
    small.shell.run("csd", "deploy", "--targets", "ou-abcd-11111111")
    small.shell.run("csd", "publish", str(small.build("1.0.0")), "--bucket", BUCKET, "--prefix", "")
    role = f"arn:aws:iam::{HUB}:role/CSD-SystemsManager-AutomationAdministrationRole"
    call = AssociationCall(("ou-abcd-11111111",), ("us-east-1",), "csd-hello", "1.0.0", role, BUCKET)
    association = small.associate(call)
    pid = int(small.shell.run("localorg", "status").out.split("process: ")[1].split()[0])
    assert processes_about(small.state)
    os.kill(pid, how)
    assert until_none(small.folder) == ([], [])
    small.up()
    run = association_run(small, association, 0)
    interrupted = ("localorg was restarted while this script ran", "the agent was stopped while the document ran")
    assert run["Status"] == "Success" or any(words in run["DetailedStatus"] for words in interrupted), run["DetailedStatus"]
    if run["Status"] != "Success":
        small.aws("ssm", "start-associations-once", "--association-ids", association)
        assert association_run(small, association, 1)["Status"] == "Success"
    assert small.inside(node(small), "cat", MARKER).out.strip() == "1.0.0"
