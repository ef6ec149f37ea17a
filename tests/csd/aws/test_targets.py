"""Targets looked up before anything is touched, and the template's place in S3."""

from typing import Any

import boto3
import pytest
from botocore.stub import ANY
from moto import mock_aws

from csd.aws.identity import Principal
from csd.aws.targets import Reach, changes_of_kind, look_up, read_targets
from csd.aws.templates import console_link, put_template
from csd.errors import AwsRefused, CsdInputError
from csd_fakes.aws import Told

MANAGEMENT, ACCOUNT = "111111111111", "222222222222"
UNIT, INNER = "ou-abcd-11111111", "ou-abcd-22222222"


def parents(told: Told, *chain: str) -> None:
    """Let a target be there, below these."""
    for parent in chain:
        kind = "ROOT" if parent.startswith("r-") else "ORGANIZATIONAL_UNIT"
        told.answer("organizations", "list_parents", {"Parents": [{"Id": parent, "Type": kind}]})


def test_what_is_contained_is_left_out_and_the_root_is_found() -> None:
    """An account that is in a named OU would get its role twice; the account that is not needs the root as a frame."""
    told, lines = Told(), []
    told.answer("organizations", "describe_organizational_unit", {"OrganizationalUnit": {"Id": UNIT}})
    parents(told, "r-abcd")
    told.answer("organizations", "describe_account", {"Account": {"Id": ACCOUNT}})
    parents(told, INNER, UNIT, "r-abcd")
    told.answer("organizations", "describe_account", {"Account": {"Id": "333333333333"}})
    parents(told, "r-abcd")
    told.answer("organizations", "list_roots", {"Roots": [{"Id": "r-abcd"}]})
    reach = look_up(told.principal(), [UNIT, ACCOUNT, "333333333333"], MANAGEMENT, lines.append)
    assert reach == Reach((UNIT, "333333333333"), "r-abcd")
    assert lines == [f"{ACCOUNT} is in {UNIT}, which is a target as well: left out"]
    told.all_asked()


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """What is not there, of both kinds, and what no StackSet reaches; each with the next step."""
    told = Told()
    told.refuse("organizations", "describe_organizational_unit", "OrganizationalUnitNotFoundException", "no")
    told.refuse("organizations", "describe_account", "AccountNotFoundException", "no")
    instead = "Leave it out; its nodes need --include-management-account."
    with pytest.raises(CsdInputError) as wrong:
        look_up(told.principal(), [UNIT, ACCOUNT, MANAGEMENT], MANAGEMENT, lambda _: None)
    assert [str(problem).partition(" See")[0] for problem in wrong.value.problems] == [
        f"--targets: {UNIT} is not in this organization.",
        f"--targets: {ACCOUNT} is not in this organization.",
        f"--targets: {MANAGEMENT} is the management account, which a StackSet never reaches. {instead}",
    ]


def test_another_refusal_is_not_taken_for_absence() -> None:
    """A caller who may not look learns that, not that nothing is there."""
    told = Told()
    told.refuse("organizations", "describe_account", "AccessDeniedException", "not you")
    with pytest.raises(AwsRefused, match="AccessDeniedException: not you"):
        look_up(told.principal(), [ACCOUNT], MANAGEMENT, lambda _: None)


@pytest.mark.parametrize(("text", "said"), [("", "names no OU and no account"), ("everyone, ou-1", "'everyone' is no OU id")])
def test_what_is_no_id_is_told_without_aws(text: str, said: str) -> None:
    """Before credentials are looked for."""
    with pytest.raises(CsdInputError, match=said):
        read_targets(text)


def test_each_target_counts_once() -> None:
    """Spaces and repetitions mean nothing."""
    assert read_targets(f" {UNIT},{ACCOUNT} ,, {UNIT}") == [UNIT, ACCOUNT]


def principal(region: str) -> Principal:
    return Principal(boto3.Session("k", "s", region_name=region), "123456789012", "arn:aws:iam::123456789012:user/me")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_bucket_of_csds_own(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """Made once, private and encrypted; the URL is what CloudFormation takes."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        me, lines = principal(region), []
        url = put_template(me, "Template", "a: 1\n", "", lines.append)
        assert put_template(me, "Template", "a: 1\n", "", lines.append) == url
        bucket = f"csd-templates-123456789012-{region}"
        assert url.startswith(f"https://{bucket}.s3.{region}.amazonaws.com/Template-")
        s3: Any = boto3.client("s3", region_name=region)
        assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
        assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert s3.get_object(Bucket=bucket, Key=url.rpartition("/")[2])["Body"].read() == b"a: 1\n"
        assert [line.partition(":")[0] for line in lines] == [f"bucket {bucket}", "template", "template"]


def test_a_bucket_of_the_operators_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error makes no bucket."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), pytest.raises(CsdInputError, match="mine does not exist"):
        put_template(principal("us-east-1"), "Template", "a: 1\n", "mine", lambda _: None)


def test_a_bucket_that_somebody_else_has_taken_is_not_used() -> None:
    """Documented: S3 user guide, bucket owner condition: 403 when the owner is another."""
    told = Told()
    told.refuse("s3", "head_bucket", "403", "Forbidden")
    with pytest.raises(CsdInputError, match="is not yours"):
        put_template(told.principal(), "Template", "a: 1\n", "", lambda _: None)
    told, owned = Told(), {"Bucket": "csd-templates-111111111111-us-east-1", "ExpectedBucketOwner": "111111111111"}
    told.answer("s3", "head_bucket", {}, owned)
    told.answer("s3", "put_object", {}, {**owned, "Key": ANY, "Body": b"a: 1\n", "ContentType": "application/yaml"})
    put_template(told.principal(), "Template", "a: 1\n", "", lambda _: None)
    told.all_asked()


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "console.aws.amazon.com"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
        ("aws-cn", "console.amazonaws.cn"),
    ],
)
def test_the_link_into_the_console(partition: str, host: str) -> None:
    """The article's own form of link; each partition has a console of its own."""
    who = Principal(boto3.Session("k", "s", region_name="eu-west-1"), ACCOUNT, f"arn:{partition}:iam::{ACCOUNT}:user/me")
    link = console_link(who, "Csd", "https://b.s3.eu-west-1.amazonaws.com/t.yaml")
    wanted = "#/stacks/new?stackName=Csd&templateURL=https://b.s3.eu-west-1.amazonaws.com/t.yaml"
    assert link == f"https://{host}/cloudformation/home?region=eu-west-1{wanted}"


def test_an_account_that_changes_its_kind_has_to_leave_first() -> None:
    """Named instead of its OU, or the other way round: two lacks; one that stays named, and one that has left, are none."""
    told = Told()
    told.answer("organizations", "describe_account", {"Account": {"Id": ACCOUNT}})
    parents(told, INNER, UNIT, "r-abcd")
    told.refuse("organizations", "describe_account", "AccountNotFoundException", "no")
    told.answer("organizations", "describe_account", {"Account": {"Id": "444444444444"}})
    parents(told, "ou-abcd-33333333", "r-abcd")
    before = [UNIT, "333333333333", "444444444444", "555555555555"]
    found = changes_of_kind(told.principal(), before, [ACCOUNT, "ou-abcd-33333333", "555555555555"])
    assert [problem.what.partition(":")[0] for problem in found] == [
        f"{ACCOUNT} is reached by {UNIT} and would be named",
        "444444444444 is named and would be reached by ou-abcd-33333333",
    ]
    told.all_asked()
