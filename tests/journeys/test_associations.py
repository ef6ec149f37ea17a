"""Command associations on a node of our own, over the wire: output in S3, and inventory of what our solution installed."""

import json
import time
from typing import Any

import pytest

from demo.association import AssociationCall
from demo.walk import BUCKET, HUB, Walk
from demo.watch import association_run, client

pytestmark = pytest.mark.journey
MEMBER, OUTPUTS, ROLE = "222222222222", "outputs-222222222222", "localorg-node"
ADMINISTRATION = f"arn:aws:iam::{HUB}:role/CSD-SystemsManager-AutomationAdministrationRole"


def associated(walk: Walk, document: str, **params: Any) -> dict[str, Any]:
    """Associate a document with every node of the member, and return how its run ended on one."""
    ssm, node = client(walk, "ssm", MEMBER), walk.nodes()[0]["instance_id"]
    targets = [{"Key": "InstanceIds", "Values": ["*"]}]
    made = ssm.create_association(Name=document, Targets=targets, **params)["AssociationDescription"]["AssociationId"]
    while True:
        infos = ssm.describe_instance_associations_status(InstanceId=node)["InstanceAssociationStatusInfos"]
        for info in infos:
            if info["AssociationId"] == made and info["DetailedStatus"] in ("Success", "Failed"):
                return dict(info)
        time.sleep(0.1)


def test_an_association_stores_its_output_in_s3(small: Walk) -> None:
    """Observed: stock agent: prefix, node, association and time of the run make the folder; the node's own role stores."""
    s3 = client(small, "s3", MEMBER)
    s3.create_bucket(Bucket=OUTPUTS)
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{OUTPUTS}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client(small, "iam", MEMBER).put_role_policy(RoleName=ROLE, PolicyName="Output", PolicyDocument=policy)
    location = {"S3Location": {"OutputS3BucketName": OUTPUTS, "OutputS3KeyPrefix": "state"}}
    info = associated(small, "AWS-RunShellScript", Parameters={"commands": ["echo kept"]}, OutputLocation=location)
    folder = info["OutputUrl"]["S3OutputUrl"]["OutputUrl"]
    assert folder.startswith(f"{OUTPUTS}/state/{info['InstanceId']}/{info['AssociationId']}/")
    (stored,) = s3.list_objects_v2(Bucket=OUTPUTS)["Contents"]
    assert stored["Key"] == f"{folder.removeprefix(OUTPUTS + '/')}/awsrunShellScript/0.awsrunShellScript/stdout"
    assert s3.get_object(Bucket=OUTPUTS, Key=stored["Key"])["Body"].read() == b"kept\n"


def test_what_the_solution_installed_is_in_the_inventory(small: Walk) -> None:
    """Documented: user guide, inventory: AWS-GatherSoftwareInventory lists a node's packages as AWS:Application."""
    small.shell.run("csd", "deploy", "--targets", "ou-abcd-11111111")
    small.shell.run("csd", "publish", str(small.build("1.0.0")), "--bucket", BUCKET, "--prefix", "")
    call = AssociationCall(("ou-abcd-11111111",), ("us-east-1",), "csd-hello", "1.0.0", ADMINISTRATION, BUCKET)
    assert association_run(small, small.associate(call), 0)["Status"] == "Success"
    assert associated(small, "AWS-GatherSoftwareInventory")["DetailedStatus"] == "Success"
    ssm = client(small, "ssm", MEMBER)
    wanted = [{"Key": "AWS:Application.Name", "Values": ["csd-hello"]}]
    found = ssm.list_inventory_entries(InstanceId=small.nodes()[0]["instance_id"], TypeName="AWS:Application", Filters=wanted)
    assert [entry["Version"] for entry in found["Entries"]] == ["1.0.0"]
    assert len(ssm.get_inventory(Filters=wanted)["Entities"]) == 1
