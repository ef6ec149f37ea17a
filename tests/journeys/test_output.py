"""Output of commands in S3: the node itself stores it, under its own role, over the wire."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.walk import Walk
from demo.watch import client

pytestmark = pytest.mark.journey
MEMBER, BUCKET, ROLE = "222222222222", "outputs-222222222222", "localorg-node"
ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}


def run(walk: Walk, node: str) -> dict[str, Any]:
    """Run a command with a lot of output to its end."""
    ssm = client(walk, "ssm", MEMBER)
    wanted = {"commands": ["seq 100000", "echo wrong >&2", "exit 3"]}
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript",
        InstanceIds=[node],
        Parameters=wanted,
        OutputS3BucketName=BUCKET,
        OutputS3KeyPrefix="fleet logs",
    )
    while True:
        told: dict[str, Any] = ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=node)
        if told["Status"] in ENDED:
            return told
        time.sleep(0.1)


def test_the_node_stores_the_output_of_commands_in_s3(small: Walk) -> None:
    """Documented: SendCommand, OutputS3BucketName; observed: the agent stores under the node's role, and a refusal fails nothing."""
    s3, node = client(small, "s3", MEMBER), small.nodes()[0]["instance_id"]
    s3.create_bucket(Bucket=BUCKET)
    assert run(small, node)["ResponseCode"] == 3
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    assert "s3:PutObject" in small.shell.run("localorg", "logs", "--denied", "--state", small.state).out
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client(small, "iam", MEMBER).put_role_policy(RoleName=ROLE, PolicyName="Output", PolicyDocument=policy)
    told = run(small, node)
    place = f"fleet logs/{told['CommandId']}/{node}/awsrunShellScript/0.awsrunShellScript"
    stored = {
        each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"]) for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    }
    assert set(stored) == {f"{place}/stdout", f"{place}/stderr"}
    assert stored[f"{place}/stdout"]["ContentType"] == "text/plain"
    assert stored[f"{place}/stdout"]["Body"].read().endswith(b"99999\n100000\n")
    assert stored[f"{place}/stderr"]["Body"].read() == b"wrong\nfailed to run commands: exit status 3"
    assert urlsplit(told["StandardOutputUrl"]).path == f"/{BUCKET}/{place}/stdout"
    assert len(told["StandardOutputContent"]) == 24_000
