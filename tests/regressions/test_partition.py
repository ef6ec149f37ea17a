"""D11: the same artifacts in a partition of which the sample knows nothing."""

import json
from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from simulation.solution import BUCKET, HUB, NAME, TEMPLATE, Operator, Packages, spec, why

pytestmark = pytest.mark.xdist_group("regressions-partition")


def test_d11_s11_no_partition_and_no_host_is_written_down(packages: Packages, tmp_path: Path) -> None:
    """The sample writes arn:aws: and https://s3.amazonaws.com/: in China both are refused, and there ours installs without a prefix too."""
    assert "arn:aws:" not in TEMPLATE
    assert "amazonaws.com/" not in TEMPLATE
    with Simulation(spec("aws-cn", ("cn-north-1", "cn-northwest-1")), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        s3, ssm = simulation.client("s3"), simulation.client("ssm")
        for name, content in packages.sealed("1.0.0").items():
            s3.put_object(Bucket=BUCKET, Key=name, Body=content)
        run = operator.distribute(operator.wish("1.0.0", bucketPrefix=[""]))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert set(operator.markers().values()) == {"1.0.0"}
        address = f"https://s3.amazonaws.com/{BUCKET}/"
        with pytest.raises(ssm.exceptions.InvalidDocumentContent, match="give s3://BUCKET/PREFIX or an https address of S3"):
            ssm.create_document(
                Name="sample-address",
                DocumentType="Package",
                Content=packages.sealed("1.0.0")["manifest.json"].decode(),
                Attachments=[{"Key": "SourceUrl", "Values": [address]}],
            )
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/sample"}
        iam = simulation.client("iam")
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match='Partition "aws" is not valid'):
            iam.put_user_policy(
                UserName="admin",
                PolicyName="sample",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            )
        assert ssm.describe_document(Name=NAME)["Document"]["Owner"] == HUB
