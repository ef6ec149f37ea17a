"""Sends the command to its targets here; where Run Command does not take them as they are, to named nodes, 50 for each command."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

DOCUMENT = "AWS-ConfigureAWSPackage"
NODES_MAX = 50  # AWS: API Target, InstanceIds
COMMANDS_MAX = 100  # AWS: user guide, automation-action-loop: at most 100 passes, and each is one wait
ALWAYS = ("InvalidTarget", "InvalidInstanceId")
WHEN_OF_TARGETS = ("ValidationException", "InvalidParameters")


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises RuntimeError for too many nodes; AWS's refusals other than of the targets stay as they are."""
    ssm = client("ssm", region_name=events["region"])
    key, values = events["targetKey"], events["targetValues"]
    if key != "InstanceIds":
        return _answer([_send(ssm, events, key, values)])
    if values != ["*"]:
        return _answer(_send_to_nodes(ssm, events, values))
    try:
        return _answer([_send(ssm, events, key, values)])
    except ClientError as refusal:
        if not _is_of_targets(refusal):
            raise
    return _answer(_send_to_nodes(ssm, events, _listed(ssm)))


def _answer(ids: list[str]) -> Any:
    decision = "Several" if len(ids) > 1 else "One" if ids else "Nothing"
    return {"commandId": ids[0] if ids else "", "commandIds": ids, "decision": decision}


def _send(ssm: Any, events: Any, key: str, values: list[str]) -> str:
    arguments = events["additionalArguments"]
    given = {
        "action": events["action"],
        "installationType": events["installationType"],
        "name": events["name"],
        "version": events["version"],
        "additionalArguments": arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True),
    }
    sent = ssm.send_command(
        DocumentName=DOCUMENT,
        Targets=[{"Key": key, "Values": values}],
        Parameters={name: [value] for name, value in given.items()},
        TimeoutSeconds=int(events["TimeoutSeconds"]),
        MaxConcurrency=str(events["MaxConcurrency"]),
        MaxErrors=str(events["MaxErrors"]),
        Comment=events["Comment"],
    )
    return str(sent["Command"]["CommandId"])


def _send_to_nodes(ssm: Any, events: Any, nodes: list[str]) -> list[str]:
    if len(nodes) > NODES_MAX * COMMANDS_MAX:
        raise RuntimeError(
            f"{len(nodes)} nodes in {events['region']} are more than the {NODES_MAX * COMMANDS_MAX} that can be named; "
            "give the nodes a tag and choose them by it: targetKey tag:KEY"
        )
    sent: list[str] = []
    try:
        for at in range(0, len(nodes), NODES_MAX):
            sent += _send_list(ssm, events, nodes[at : at + NODES_MAX])
    except ClientError as refusal:
        if sent:  # what was sent runs on: the next run finds it done
            raise RuntimeError(f"{refusal}; these commands were sent before: {', '.join(sent)}") from refusal
        raise
    return sent


def _send_list(ssm: Any, events: Any, nodes: list[str]) -> list[str]:
    """Once more without those that have gone, where the list is refused: one id that is gone makes AWS refuse all."""
    try:
        return [_send(ssm, events, "InstanceIds", nodes)]
    except ClientError as refusal:
        here = set(_listed(ssm)) if _is_of_targets(refusal) else set(nodes)
        left = [node for node in nodes if node in here]
        if left == nodes:
            raise
    return [_send(ssm, events, "InstanceIds", left)] if left else []


def _listed(ssm: Any) -> list[str]:
    """Managed nodes, whether they said anything lately or not; those whose agent was taken away are Inactive."""
    pages = ssm.get_paginator("describe_instance_information").paginate(MaxResults=50)
    nodes = [node for page in pages for node in page["InstanceInformationList"]]
    return [node["InstanceId"] for node in nodes if node.get("PingStatus") != "Inactive"]


def _is_of_targets(refusal: ClientError) -> bool:
    code, words = refusal.response["Error"]["Code"], refusal.response["Error"].get("Message", "").lower()
    return code in ALWAYS or (code in WHEN_OF_TARGETS and ("target" in words or "instanceid" in words))
