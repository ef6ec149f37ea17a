"""Authorisation is enforced: one permission less turns the walk red, in AWS's own words; tests/least takes each away in virtual time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.association import AssociationCall
from demo.walk import BUCKET, HUB, Walk
from demo.watch import ADD, association_run, client, newest
from journeys.conftest import SMALL, organization

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("denied")]

HUB_ROLE = "CSD-SystemsManager-AutomationAdministrationRole"
MEMBER_ROLE = "CSD-SystemsManager-AutomationExecutionRole"
MEMBER = "222222222222"


class Rollout:
    """A small organization with the solution deployed, and one association that is run again and again."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        walk.shell.run("csd", "deploy", "--targets", "ou-abcd-11111111")
        walk.shell.run("csd", "publish", str(walk.build("1.0.0")), "--bucket", BUCKET, "--prefix", "")
        self.association = ""
        self.runs = 0

    def run(self, version: str = "1.0.0", targets: tuple[str, ...] = ("ou-abcd-11111111",), **changes: Any) -> dict[str, Any]:
        """Distribute and return the association's run."""
        role = f"arn:aws:iam::{HUB}:role/{HUB_ROLE}"
        call = AssociationCall(targets, ("us-east-1",), "csd-hello", version, role, BUCKET, **changes)
        if self.association:
            self.walk.reassociate(self.association, call)
        else:
            self.association = self.walk.associate(call)
        ended = association_run(self.walk, self.association, self.runs)
        self.runs += 1
        return ended

    def version(self) -> str:
        """What stands on the node itself."""
        return self.walk.inside(self.walk.nodes()[0]["instance_id"], "cat", "/usr/share/csd-hello/VERSION").out.strip()


@pytest.fixture(scope="module")
def rollout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    folder: Path = tmp_path_factory.mktemp("denied")
    with organization(folder, SMALL) as walk:
        yield Rollout(walk)


def deny(walk: Walk, account: str, role: str, action: str) -> None:
    """Take an action away from a role: an explicit Deny, which no Allow outweighs."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
    client(walk, "iam", account).put_role_policy(RoleName=role, PolicyName="Taken", PolicyDocument=json.dumps(policy))


@pytest.mark.parametrize(
    ("account", "role", "action"),
    [(HUB, HUB_ROLE, "s3:GetObject"), (MEMBER, MEMBER_ROLE, "ssm:SendCommand")],
)
def test_without_one_permission_the_walk_is_red(rollout: Rollout, account: str, role: str, action: str) -> None:
    """Documented: IAM user guide, "Policy evaluation logic": an explicit deny ends the evaluation. The run fails and names the action."""
    deny(rollout.walk, account, role, action)
    try:
        assert rollout.run()["Status"] == "Failed"
    finally:
        client(rollout.walk, "iam", account).delete_role_policy(RoleName=role, PolicyName="Taken")
    told = newest(rollout.walk, ADD)["FailureMessage"]
    assert "AccessDenied" in told
    assert action in told
    denied = rollout.walk.shell.run("localorg", "logs", "--denied").out
    assert re.search(rf"denied +{action} ", denied)


def test_with_every_permission_the_walk_is_green(rollout: Rollout) -> None:
    """The same association, nothing taken away: the package is on the node two units below the target, without a bucket prefix."""
    assert rollout.run()["Status"] == "Success"
    assert rollout.version() == "1.0.0"


def test_account_ids_and_units_may_be_mixed_and_arguments_reach_the_script(rollout: Rollout) -> None:
    """Several targets, one of them an account that a targeted unit contains: each node is asked once, and hears its argument."""
    before = len(client(rollout.walk, "ssm", MEMBER).list_commands()["Commands"])
    ended = rollout.run(targets=("ou-abcd-44444444", "ou-abcd-11111111", MEMBER), arguments={"SSM_GREETING": 'say "hi", all'})
    assert ended["Status"] == "Success"
    commands = client(rollout.walk, "ssm", MEMBER).list_commands()["Commands"]
    assert len(commands) == before + 1


def test_a_version_that_is_not_in_the_manifest_fails_with_the_reason(rollout: Rollout) -> None:
    """Publishing a version that the bucket does not hold says which version it does hold."""
    assert rollout.run(version="9.9.9")["Status"] == "Failed"
    assert "9.9.9" in newest(rollout.walk, ADD)["FailureMessage"]
