"""The verdict over one command: a failed node fails the run, named and in its own words; an unreachable one is counted."""

from typing import Any

import boto3

PLUGIN = "configurePackage"
UNREACHABLE = ("DeliveryTimedOut", "Undeliverable")
QUOTED_MAX = 10
TAIL_CHARS = 600


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises RuntimeError unless the verdict is good."""
    ssm, command = client("ssm", region_name=events["region"]), events["commandId"]
    pages = ssm.get_paginator("list_command_invocations").paginate(CommandId=command, Details=True)
    invocations = [invocation for page in pages for invocation in page["CommandInvocations"]]
    unreachable = [i["InstanceId"] for i in invocations if i["StatusDetails"] in UNREACHABLE]
    failed = [i for i in invocations if i["Status"] != "Success" and i["StatusDetails"] not in UNREACHABLE]
    where = f"{events['account']} {events['region']}"
    summary = (
        f"{where}: {len(invocations)} nodes, {len(invocations) - len(failed) - len(unreachable)} succeeded, "
        f"{len(failed)} failed, {len(unreachable)} unreachable" + (f" ({', '.join(unreachable[:50])})" if unreachable else "")
    )
    if failed:
        quoted = " | ".join(_own_words(ssm, command, i) for i in failed[:QUOTED_MAX])
        raise RuntimeError(f"{summary}; command {command}: {quoted}")
    if not invocations:
        _check_empty(ssm, command, where)
    return {"summary": summary, "targeted": len(invocations), "unreachable": len(unreachable)}


def _check_empty(ssm: Any, command: str, where: str) -> None:
    """No node at all is a success only if the command itself says that it had no one to go to."""
    told = ssm.list_commands(CommandId=command)["Commands"][0]
    if told["Status"] != "Success" and told["StatusDetails"] != "NoInstancesInTag":
        raise RuntimeError(f"{where}: command {command} reached no node: {told['StatusDetails']}")


def _own_words(ssm: Any, command: str, invocation: Any) -> str:
    node, details = invocation["InstanceId"], invocation["StatusDetails"]
    if not any(plugin["Name"] == PLUGIN for plugin in invocation.get("CommandPlugins", [])):
        return f"{node} {details}"
    told = ssm.get_command_invocation(CommandId=command, InstanceId=node, PluginName=PLUGIN)
    said = told["StandardErrorContent"] or told["StandardOutputContent"]
    return f"{node} {details}: {said.strip()[-TAIL_CHARS:]}"
