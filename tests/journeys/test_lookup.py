"""It is not known where AWS looks a member's runbook up; the solution works under both readings. This organization is in GovCloud."""

from pathlib import Path

import pytest

from demo.association import AssociationCall
from demo.walk import BUCKET, HUB
from demo.watch import association_run, client
from journeys.conftest import SMALL, organization

REGION = "us-gov-west-1"
SPEC = "partition: aws-us-gov\n" + SMALL.replace("us-east-1", REGION)


@pytest.mark.journey
@pytest.mark.xdist_group("denied")
def test_the_walk_holds_in_govcloud_where_the_runbook_must_be_shared(tmp_path: Path) -> None:
    """Assumed: the guide wants custom runbooks shared with every target account; with `strict` nothing else is looked at.

    Template, runbooks, package and commands are the same in every partition; boto3 and the aws CLI need no more than its Region.
    """
    with organization(tmp_path, SPEC, "--reading", "runbook-lookup=strict") as walk:
        assert walk.aws("sts", "get-caller-identity", "--region", REGION)["Arn"] == f"arn:aws-us-gov:iam::{HUB}:user/admin"
        walk.shell.run("csd", "deploy", "--targets", "ou-abcd-11111111")
        walk.shell.run("csd", "publish", str(walk.build("1.0.0")), "--bucket", BUCKET, "--prefix", "deep/prefix")
        role = f"arn:aws-us-gov:iam::{HUB}:role/CSD-SystemsManager-AutomationAdministrationRole"
        call = AssociationCall(("ou-abcd-11111111",), (REGION,), "csd-hello", "1.0.0", role, BUCKET, "deep/prefix")
        run = association_run(walk, walk.associate(call), 0)
        assert run["Status"] == "Success", run
        assert walk.inside(walk.nodes()[0]["instance_id"], "cat", "/usr/share/csd-hello/VERSION").out.strip() == "1.0.0"
        shared = client(walk, "ssm").describe_document_permission(Name="CSD-DistributeSoftwarePackage", PermissionType="Share")
        assert shared["AccountIds"] == ["222222222222"]
