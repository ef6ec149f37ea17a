"""Cancels every command of a run that is cancelled; one that has ended already takes no harm."""

from typing import Any

import boto3


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Returns what was cancelled."""
    ssm = client("ssm", region_name=events["region"])
    for command in events["commandIds"]:
        ssm.cancel_command(CommandId=command)
    return {"cancelled": events["commandIds"]}
