"""The verdict over the commands of a run: a failed node fails the run, named and in its own words; an unreachable one is counted."""

from typing import Any

import boto3

PLUGIN = "configurePackage"
UNREACHABLE = ("DeliveryTimedOut", "Undeliverable")
QUOTED_MAX = 10
TAIL_CHARS = 600


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises RuntimeError unless the verdict is good."""
    ssm, commands = client("ssm", region_name=events["region"]), events["commandIds"]
    invocations = [invocation for command in commands for invocation in _invocations(ssm, command)]
    unreachable = [i["InstanceId"] for i in invocations if i["StatusDetails"] in UNREACHABLE]
    failed = [i for i in invocations if i["Status"] != "Success" and i["StatusDetails"] not in UNREACHABLE]
    where = f"{events['account']} {events['region']}"
    summary = (
        f"{where}: {len(invocations)} nodes, {len(invocations) - len(failed) - len(unreachable)} succeeded, "
        f"{len(failed)} failed, {len(unreachable)} unreachable" + (f" ({', '.join(unreachable[:50])})" if unreachable else "")
    )
    if failed:
        quoted = " | ".join(_own_words(ssm, i) for i in failed[:QUOTED_MAX])
        raise RuntimeError(f"{summary}; {_named(failed)}: {quoted}")
    for command in set(commands) - {i["CommandId"] for i in invocations}:
        _check_empty(ssm, command, where)
    return {"summary": summary, "targeted": len(invocations), "unreachable": len(unreachable)}


def _invocations(ssm: Any, command: str) -> list[Any]:
    pages = ssm.get_paginator("list_command_invocations").paginate(CommandId=command, Details=True)
    return [{**invocation, "CommandId": command} for page in pages for invocation in page["CommandInvocations"]]


def _named(failed: list[Any]) -> str:
    ids = list(dict.fromkeys(i["CommandId"] for i in failed))
    return f"command{'s' if len(ids) > 1 else ''} {', '.join(ids[:QUOTED_MAX])}"


def _check_empty(ssm: Any, command: str, where: str) -> None:
    """No node at all is a success only if the command itself says that it had no one to go to."""
    told = ssm.list_commands(CommandId=command)["Commands"][0]
    if told["Status"] != "Success" and told["StatusDetails"] != "NoInstancesInTag":
        raise RuntimeError(f"{where}: command {command} reached no node: {told['StatusDetails']}")


def _own_words(ssm: Any, invocation: Any) -> str:
    node, details = invocation["InstanceId"], invocation["StatusDetails"]
    if not any(plugin["Name"] == PLUGIN for plugin in invocation.get("CommandPlugins", [])):
        return f"{node} {details}"
    told = ssm.get_command_invocation(CommandId=invocation["CommandId"], InstanceId=node, PluginName=PLUGIN)
    said = told["StandardErrorContent"] or told["StandardOutputContent"]
    return f"{node} {details}: {said.strip()[-TAIL_CHARS:]}"
