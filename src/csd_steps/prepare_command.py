"""In a member account and Region: the package's ARN here, the arguments as text, and the targets that exist here."""

import json
from typing import Any

import boto3


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Calls AWS only when nodes are named by id."""
    name, owner, arguments = events["name"], events["packageOwner"], events["additionalArguments"]
    if owner and not name.startswith("arn:"):
        # A document's ARN is Regional, and what is shared is addressed by ARN.
        name = f"arn:{events['partition']}:ssm:{events['region']}:{owner}:document/{name}"
    key, values = events["targetKey"], events["targetValues"]
    if events["InstanceId"] != "*":
        key, values = "InstanceIds", [events["InstanceId"]]
    if key == "InstanceIds" and values != ["*"]:
        values = _registered(client("ssm", region_name=events["region"]), values)
    return {
        "name": name,
        "additionalArguments": arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True),
        "targetKey": key,
        "targetValues": values,
        "decision": "Send" if values else "Nothing",
    }


def _registered(ssm: Any, ids: list[str]) -> list[str]:
    """Node ids that are managed here: Run Command refuses a whole command for one foreign id."""
    pages = ssm.get_paginator("describe_instance_information").paginate(MaxResults=50)
    here = {node["InstanceId"] for page in pages for node in page["InstanceInformationList"]}
    return [i for i in ids if i in here]
