"""The page that leads from a red association to a node's own words does lead there."""

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from demo.shell import BIN
from demo.walk import BUCKET, Walk
from demo.watch import association_run, client
from docs.pages import REPOSITORY, blocks
from journeys.conftest import SMALL, organization

PAGE = REPOSITORY / "docs" / "how-to" / "read-a-failure.md"
MENDING = 'eval "$(localorg env)"\ncsd distribute'
"""How the last block begins; before it, somebody has mended the node."""


def failed_rollout(walk: Walk, said: str) -> None:
    """Bring a small organization to a red association: its one node refuses the package and says `said`."""
    shell = walk.shell
    shell.run("csd", "deploy", "--targets", "ou-abcd-11111111")
    for version in ("1.0.0", "1.0.1"):
        shell.run("csd", "publish", str(walk.build(version)), "--bucket", BUCKET, "--prefix", version)
    node = walk.nodes()[0]["instance_id"]
    walk.inside(node, "sh", "-c", f"echo {said} >/etc/csd-hello-fail", expect=(0,))
    where = ("--targets", "ou-abcd-11111111", "--regions", "us-east-1", "--bucket", BUCKET, "--prefix", "1.0.0")
    shell.run("csd", "distribute", "--name", "csd-hello", "--version", "1.0.0", *where, "--wait", expect=(3,))


def typed(walk: Walk) -> tuple[str, str]:
    """Return what a person who types every block of the page sees, and what is said on standard error."""
    lines = []
    for block in blocks(PAGE):
        if block.language == "sh":
            if block.content.startswith(MENDING):
                lines.append('localorg exec "$NODE" -- rm /etc/csd-hello-fail; export AWS_REGION=us-east-1\n')
            lines.append(block.content.replace("--version 1.0.1", "--version 1.0.1 --prefix 1.0.1"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {**walk.shell.environment, "PATH": f"{BIN}:{os.environ['PATH']}", "AWS_PAGER": ""}
    done = subprocess.run(["bash", "-u"], input="".join(lines), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.proof
@pytest.mark.journey
@pytest.mark.xdist_group("tutorial")
def test_the_page_leads_to_the_node_s_own_words(tmp_path: Path) -> None:
    """What the node said is in `csd status`, in the hub's failure message and in the command's output; mended, the run is green."""
    said = secrets.token_hex(8)
    with organization(tmp_path, SMALL) as walk:
        failed_rollout(walk, said)
        out, err = typed(walk)
        assert out.count(said) >= 3, out + err
        assert "judgeDistribution\tFailed" in out
        assert "usage:" not in err
        assert "An error occurred" not in err
        # The page's last line begins a third run; until that has ended its node is waiting, and `csd status` rightly says 3.
        (association,) = client(walk, "ssm").list_associations()["Associations"]
        assert association_run(walk, association["AssociationId"], 2)["Status"] == "Success"
        status = walk.shell.run("csd", "status")
        assert "1 as wanted" in status.out
