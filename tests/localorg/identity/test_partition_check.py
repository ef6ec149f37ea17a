"""Policies may name nothing of another partition; whatever the document, the sentence is IAM's."""

from typing import Any

import pytest

from localorg.identity.partition_check import check_partition
from localorg.kernel.errors import AwsError


def document(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", **statement}}


@pytest.mark.parametrize(
    ("partition", "statement", "sentence"),
    [
        ("aws-cn", {"Resource": ["*", "arn:aws:s3:::b/*"]}, 'Partition "aws" is not valid for resource "arn:aws:s3:::b/*".'),
        (
            "aws",
            {"NotResource": "arn:aws-us-gov:s3:::b"},
            'Partition "aws-us-gov" is not valid for resource "arn:aws-us-gov:s3:::b".',
        ),
        ("aws", {"Resource": "arn:nowhere:s3:::b"}, 'Partition "nowhere" is not valid for resource "arn:nowhere:s3:::b".'),
        (
            "aws-us-gov",
            {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}},
            'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:root"',
        ),
        (
            "aws-cn",
            {"Principal": {"Service": "monitoring.rds.amazonaws.com.cn"}},
            'Invalid principal in policy: "SERVICE":"monitoring.rds.amazonaws.com.cn"',
        ),
        (
            "aws",
            {"Principal": {"Service": "ec2.amazonaws.com.cn"}},
            'Invalid principal in policy: "SERVICE":"ec2.amazonaws.com.cn"',
        ),
    ],
)
def test_what_is_foreign_is_refused(partition: str, statement: dict[str, Any], sentence: str) -> None:
    """Observed: MalformedPolicyDocument, as people in GovCloud and China report it."""
    with pytest.raises(AwsError) as refused:
        check_partition(partition, document(**statement))
    assert (refused.value.code, refused.value.message) == ("MalformedPolicyDocument", sentence)


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_what_is_of_every_partition_is_taken(partition: str) -> None:
    """Documented: Principal and Resource elements: patterns, accounts by their id, services by the name that they have everywhere."""
    check_partition(partition, document(Resource=["*", "arn:*:s3:::b", f"arn:{partition}:s3:::b"]))
    check_partition(partition, document(Principal="*"))
    check_partition(
        partition, document(Principal={"AWS": ["111111111111", "*"], "Service": ["ssm.amazonaws.com", "ec2.amazonaws.com"]})
    )
