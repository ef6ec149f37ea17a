"""Bucket policies: whom they name, and what a reader sees of that later."""

import json
from collections.abc import Callable
from typing import Any

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]


def put(account: Account, bucket: str, *principals: str) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": list(principals)},
        "Action": "s3:GetObjectTagging",
        "Resource": f"arn:{account.partition}:s3:::{bucket}/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def principal(account: Account, bucket: str) -> Any:
    return json.loads(account.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Principal"]


@observed("clients' reports: the number of an account comes back as the ARN of its root")
def test_an_account_in_a_bucket_policy_comes_back_as_its_root(hub: Account, bucket: str) -> None:
    """GetBucketPolicy shows an account that is named by its number as the ARN of its root."""
    put(hub, bucket, hub.id)
    shown = principal(hub, bucket)
    hub.client("s3").delete_bucket_policy(Bucket=bucket)
    assert shown == {"AWS": f"arn:{hub.partition}:iam::{hub.id}:root"}


@documented("IAM user guide, AWS JSON policy elements: Principal")
def test_a_deleted_user_stays_an_id_in_a_bucket_policy(hub: Account, bucket: str, unique: Unique) -> None:
    """A bucket policy follows a user to a new name, shows the unique id when the user is gone, and cannot be put again with it."""
    iam, name = hub.client("iam"), unique("conf-user")
    made = iam.create_user(UserName=name)["User"]
    eventually(lambda: put(hub, bucket, made["Arn"]), lambda _: True, retry=("MalformedPolicy",))
    iam.update_user(UserName=name, NewUserName=f"{name}-b", NewPath="/people/")
    moved = iam.get_user(UserName=f"{name}-b")["User"]["Arn"]
    eventually(lambda: principal(hub, bucket), lambda found: found == {"AWS": moved})
    iam.delete_user(UserName=f"{name}-b")
    eventually(lambda: principal(hub, bucket), lambda found: found == {"AWS": made["UserId"]})
    with refused("MalformedPolicy", "Invalid principal in policy"):
        put(hub, bucket, made["UserId"])
    hub.client("s3").delete_bucket_policy(Bucket=bucket)
