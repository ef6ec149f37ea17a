"""What claims about hybrid nodes share: roles that Systems Manager may take, and what is listed."""

import json
from typing import Any

from conformance.hybrid_agent import HybridAgent
from conformance.target import Account


def managed(account: Account) -> str:
    """Return the ARN of AWS's policy for nodes, in the account's partition."""
    return f"arn:{account.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"


def trust(service: str) -> str:
    """Return the trust policy of a role that a service may take."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def described(agent: HybridAgent) -> dict[str, Any]:
    """Return what DescribeInstanceInformation tells of a node; nothing when it is not there."""
    rows = (
        agent.account.client("ssm").get_paginator("describe_instance_information").paginate().search("InstanceInformationList[]")
    )
    return next((row for row in rows if row["InstanceId"] == agent.instance_id), {})


def activation(member: Account, made: dict[str, Any]) -> dict[str, Any]:
    """Return what DescribeActivations tells of an activation."""
    filters = [{"FilterKey": "ActivationIds", "FilterValues": [made["ActivationId"]]}]
    (row,) = member.client("ssm").describe_activations(Filters=filters)["ActivationList"]
    return dict(row)
