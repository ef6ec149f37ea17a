"""A node of the spec that is no EC2 instance: it registers itself, shows as mi-…, and stays what it is over a restart."""

from pathlib import Path

import boto3
import pytest

from conformance.claims import eventually
from journeys.conftest import organization

pytestmark = pytest.mark.journey
ACCOUNT, REGION = "222222222222", "us-east-1"
SPEC = """
regions: [us-east-1]
organization:
  id: o-hybrid0001
  root: r-abcd
  management: {id: "111111111111", name: hub}
  units:
    - {id: ou-abcd-11111111, name: Workloads, accounts: [{id: "222222222222", name: shop}]}
nodes:
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: press, hybrid: true, tags: {Hall: "3"}}
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: silent, hybrid: true, online: false}
"""


def test_a_hybrid_node_registers_works_and_comes_back(tmp_path: Path) -> None:
    """Its activation is used once, its key stays on the node, its tags are targets; one that is switched off is not registered."""
    with organization(tmp_path, SPEC) as walk:
        keys = walk.keys(ACCOUNT, REGION)
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        ssm = session.client("ssm", endpoint_url=keys["AWS_ENDPOINT_URL"])

        def run(command: str) -> str:
            sent = ssm.send_command(
                Targets=[{"Key": "tag:Hall", "Values": ["3"]}],
                DocumentName="AWS-RunShellScript",
                Parameters={"commands": [command]},
            )["Command"]["CommandId"]
            (one,) = eventually(
                lambda: ssm.list_command_invocations(CommandId=sent, Details=True)["CommandInvocations"],
                lambda found: bool(found) and found[0]["Status"] not in {"Pending", "InProgress", "Delayed"},
            )
            return str(one["CommandPlugins"][0]["Output"])

        (row,) = eventually(
            lambda: ssm.describe_instance_information()["InstanceInformationList"],
            lambda rows: bool(rows) and rows[0]["PingStatus"] == "Online" and "ComputerName" in rows[0],
        )
        assert (row["ResourceType"], row["Name"], row["IamRole"]) == ("ManagedInstance", "press", "localorg-hybrid-node")
        assert run("hostname") == "press\n"
        listed = {node["name"]: (node["instance_id"], node["ping"]) for node in walk.nodes()}
        assert listed["press"] == (row["InstanceId"], "Online")
        assert listed["silent"][1] == "NotRegistered"
        used = {each["DefaultInstanceName"]: each["RegistrationsCount"] for each in ssm.describe_activations()["ActivationList"]}
        assert used == {"press": 1, "silent": 0}
        walk.down()
        walk.up()
        assert run("cat /var/lib/amazon/ssm/registration | grep -c mi-") == "1\n"
        assert len(ssm.describe_activations()["ActivationList"]) == 2
