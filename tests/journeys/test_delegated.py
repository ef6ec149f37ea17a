"""The hub in a delegated administrator's account, with a real node, from an organization that has delegated nothing yet."""

import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from demo.association import AssociationCall
from demo.walk import HUB, MARKER
from demo.watch import association_run
from journeys.conftest import organization

pytestmark = pytest.mark.journey
TOOLS, SHOP, UNIT, REGION = "333333333333", "222222222222", "ou-abcd-11111111", "us-east-1"
BUCKET = f"csd-packages-{TOOLS}"
SPEC = f"""
regions: [{REGION}]
organization:
  id: o-delegated1
  root: r-abcd
  management: {{id: "{HUB}", name: management}}
  accounts: [{{id: "{TOOLS}", name: tools}}]
  units:
    - {{id: {UNIT}, name: Workloads, accounts: [{{id: "{SHOP}", name: shop}}]}}
nodes:
  - {{account: "{SHOP}", region: {REGION}, persona: debian-12, name: shop-1}}
buckets:
  - {{name: {BUCKET}, account: "{TOOLS}", region: {REGION}}}
"""


def asking(keys: dict[str, str], service: str) -> Any:
    """Return a client with these credentials."""
    session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    return session.client(service, endpoint_url=keys["AWS_ENDPOINT_URL"])


def test_a_delegate_deploys_and_distributes(tmp_path: Path) -> None:
    """The article: an account can be designated to manage packages on behalf of the organization; it is registered first.

    From then on only the delegate's credentials are used: `csd deploy`, `csd publish`, the article's own association. The management
    account keeps no role, document or command.
    """
    with organization(tmp_path, SPEC) as walk:
        keys, management = walk.keys(TOOLS), walk.shell.environment
        deploy = ("csd", "deploy", "--targets", UNIT, "--delegated")
        refused = walk.shell.run(*deploy, extra=keys, expect=(2,))
        registrations = re.findall(r"register-delegated-administrator --account-id (\d+) --service-principal (\S+)", refused.err)
        assert len(registrations) == 2
        for account, service in registrations:
            asking(management, "organizations").register_delegated_administrator(AccountId=account, ServicePrincipal=service)
        outputs = dict(line.split("=", 1) for line in walk.shell.run(*deploy, extra=keys).out.splitlines())
        walk.shell.run("csd", "publish", str(walk.build("1.0.0")), "--bucket", BUCKET, "--prefix", "", extra=keys)
        call = AssociationCall((UNIT,), (REGION,), "csd-hello", "1.0.0", outputs["AdministrationRoleArn"], BUCKET)
        made = walk.shell.run(*call.command(), "--query", "AssociationDescription.AssociationId", "--output", "text", extra=keys)
        assert association_run(walk, made.out.strip(), 0, TOOLS)["Status"] == "Success"
        assert walk.inside(walk.nodes()[0]["instance_id"], "cat", MARKER).out.strip() == "1.0.0"
        ssm = asking(management, "ssm")
        assert ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"] == []
        assert ssm.list_commands()["Commands"] == []
        roles = asking(management, "iam").list_roles()["Roles"]
        assert [role["RoleName"] for role in roles if role["RoleName"].startswith("CSD-")] == []
