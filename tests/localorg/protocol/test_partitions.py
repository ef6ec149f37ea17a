"""The partitions of AWS, as botocore describes them."""

import pytest

from localorg.protocol.partitions import NAMES, partition, partition_of
from localorg.protocol.s3_hosts import bucket_of


@pytest.mark.parametrize(
    ("name", "suffix", "homes"),
    [
        ("aws", "amazonaws.com", ("us-east-1", "us-east-1")),
        ("aws-us-gov", "amazonaws.com", ("us-gov-west-1", "us-gov-west-1")),
        ("aws-cn", "amazonaws.com.cn", ("cn-north-1", "cn-northwest-1")),
    ],
)
def test_each_has_its_own_homes_and_host_names(name: str, suffix: str, homes: tuple[str, str]) -> None:
    """Documented: General reference, endpoints of IAM and Organizations: in China they have different home Regions."""
    here = partition(name)
    assert here.dns_suffix == suffix
    assert (here.home_region("iam"), here.home_region("organizations")) == homes


def test_every_region_has_one_partition() -> None:
    """Documented: General reference: a Region is in one partition; botocore lists each once."""
    for name in NAMES:
        assert {partition_of(region) for region in partition(name).regions} == {name}
    assert partition_of("us-iso-east-1") == "aws-iso"
    assert partition_of("mars-north-1") is None


@pytest.mark.parametrize(
    ("host", "name", "bucket"),
    [
        ("s3.amazonaws.com", "aws", ""),
        ("s3.amazonaws.com", "aws-us-gov", None),
        ("s3.us-gov-west-1.amazonaws.com", "aws-us-gov", ""),
        ("s3-fips-us-gov-west-1.amazonaws.com", "aws-us-gov", ""),
        ("s3.us-gov-west-1.amazonaws.com", "aws", None),
        ("shelf.s3.dualstack.eu-west-1.amazonaws.com", "aws", "shelf"),
        ("shelf.s3.cn-north-1.amazonaws.com.cn", "aws-cn", "shelf"),
        ("shelf.s3.cn-north-1.amazonaws.com", "aws-cn", None),
        ("shelf.s3.cn-north-1.amazonaws.com.cn", "aws", None),
        ("s3.amazonaws.com.cn", "aws-cn", None),
        ("example.com", "aws", None),
    ],
)
def test_host_names_of_s3_are_of_one_partition(host: str, name: str, bucket: str | None) -> None:
    """Documented: General reference, S3 endpoints: only the partition aws has a host name without a Region."""
    assert bucket_of(host, name) == bucket
