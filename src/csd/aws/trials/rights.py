"""The least rights that a trial needs, as two policies: the caller's, and what the nodes' role needs besides AmazonSSMManagedInstanceCore.

Rules: pure; one statement for each reason. Refuses to know: who has them.
"""

from typing import Any

from csd.aws.trials.commands import CONFIGURE, POWERSHELL, SHELL
from csd.aws.trials.place import FOLDER_PREFIX, NAME_PREFIX, own_bucket


def rights(partition: str, account: str, region: str, bucket: str) -> dict[str, Any]:
    """{"caller": policy, "nodes": policy}. Without a bucket, for csd's own, which the caller then may make."""
    name = bucket or own_bucket(account, region)
    whole, objects = f"arn:{partition}:s3:::{name}", f"arn:{partition}:s3:::{name}/{FOLDER_PREFIX}*"
    ssm = f"arn:{partition}:ssm:{region}"
    statements = [
        _statement("TheNodes", ["ssm:DescribeInstanceInformation", "ssm:DescribeInstanceProperties"], ["*"]),
        _statement("TheThrowAwayDocument", [
            "ssm:CreateDocument", "ssm:UpdateDocument", "ssm:DescribeDocument", "ssm:DeleteDocument", "ssm:AddTagsToResource",
        ], [f"{ssm}:{account}:document/{NAME_PREFIX}*"]),
        _statement("TheCommands", ["ssm:SendCommand"], [
            *(f"{ssm}::document/{document}" for document in (CONFIGURE, SHELL, POWERSHELL)),
            f"arn:{partition}:ec2:{region}:{account}:instance/*", f"{ssm}:{account}:managed-instance/*",
        ]),
        _statement("WhatTheNodesSay", ["ssm:ListCommandInvocations", "ssm:GetCommandInvocation", "ssm:CancelCommand"], ["*"]),
        _statement("TheBucket", ["s3:ListBucket"], [whole]),
        _statement("TheObjects", ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], [objects]),
    ]  # fmt: skip
    if not bucket:
        making = ["s3:CreateBucket", "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration"]
        statements.append(_statement("TheBucketOnce", making, [whole]))
    stored = [_statement("TheOutput", ["s3:PutObject"], [f"{objects}/outputs/*"])]
    return {"caller": _policy(statements), "nodes": _policy(stored)}


def _statement(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources}


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
