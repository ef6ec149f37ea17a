"""One command to all nodes of a trial, and what each of them said, whole.

Flow: SendCommand (by fifties, with output to S3) -> ListCommandInvocations until all have ended, or patience has -> the node's streams
from S3; where nothing is there, what GetCommandInvocation shows of them -> Said.

Rules: a command whose time is over, or that is interrupted, is cancelled. Refuses to know: what the words mean.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from csd.aws.identity import asking
from csd.aws.trials.nodes import groups
from csd.aws.trials.place import Place
from csd.package.trial.judging import Said

CONFIGURE, SHELL, POWERSHELL = "AWS-ConfigureAWSPackage", "AWS-RunShellScript", "AWS-RunPowerShellScript"
PLUGINS = {CONFIGURE: "configurePackage"}
_ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
# AWS: SendCommand API, TimeoutSeconds: 30 at least.
_DELIVERY_S = (30, 600)
_PAUSE_MAX_S = 2.0
_SHOWN_MAX = 24_000  # AWS: GetCommandInvocation API, StandardOutputContent


@dataclass
class Commands:
    """Sends commands to the nodes of one place."""

    place: Place
    patience_s: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    under_way: dict[str, list[str]] = field(default_factory=dict)

    def run(self, document: str, parameters: dict[str, list[str]], nodes: list[str]) -> dict[str, Said]:
        """Send, wait, and read; one answer for each node."""
        found: dict[str, Said] = {}
        sent = {self._send(document, parameters, group): group for group in groups(nodes)}
        deadline = self.clock() + self.patience_s
        for command, group in sent.items():
            ended = self._await(command, group, deadline)
            if len(ended) < len(group):
                self._cancel(command)
            del self.under_way[command]
            for node in group:
                found[node] = self._said(document, command, node, ended.get(node))
        return found

    def cancel_all(self, patience_s: float) -> None:
        """Cancel what is under way, and wait until the nodes have ended it: the agent runs a script that it has begun to its end."""
        for command in self.under_way:
            self._cancel(command)
        deadline = self.clock() + patience_s
        for command, nodes in self.under_way.items():
            self._await(command, nodes, deadline)
        self.under_way.clear()

    def _send(self, document: str, parameters: dict[str, list[str]], nodes: list[str]) -> str:
        least, most = _DELIVERY_S
        place = self.place
        with asking(place.ssm, place.principal.account):
            sent = place.ssm.send_command(
                DocumentName=document, InstanceIds=nodes, Parameters=parameters, Comment=f"csd package test {place.token}",
                TimeoutSeconds=int(max(least, min(most, self.patience_s))), MaxConcurrency="100%", MaxErrors="100%",
                OutputS3BucketName=place.bucket, OutputS3KeyPrefix=place.outputs,
            )  # fmt: skip
        command = str(sent["Command"]["CommandId"])
        self.under_way[command] = nodes
        return command

    def _await(self, command: str, nodes: list[str], deadline: float) -> dict[str, dict[str, Any]]:
        """The invocations that have ended."""
        ssm, pause = self.place.ssm, 0.25
        while True:
            with asking(ssm, self.place.principal.account):
                pages = ssm.get_paginator("list_command_invocations").paginate(CommandId=command, Details=True)
                held = [invocation for page in pages for invocation in page["CommandInvocations"]]
            ended = {one["InstanceId"]: one for one in held if one["Status"] in _ENDED}
            if len(ended) >= len(nodes) or self.clock() > deadline:
                return ended
            self.sleep(pause)
            pause = min(pause * 1.15, _PAUSE_MAX_S)

    def _cancel(self, command: str) -> None:
        with asking(self.place.ssm, self.place.principal.account):
            self.place.ssm.cancel_command(CommandId=command)

    def _said(self, document: str, command: str, node: str, invocation: dict[str, Any] | None) -> Said:
        if invocation is None:
            return Said("TimedOut", detail=f"not within {self.patience_s:.0f} s, and was cancelled")
        seconds = _seconds(document, invocation)
        status, detail = invocation["Status"], invocation.get("StatusDetails", "")
        streams = self._stored(command, node)
        if streams is None:
            return self._shown(document, command, node, Said(status, seconds=seconds, detail=detail))
        return Said(status, streams.get("stdout", ""), streams.get("stderr", ""), seconds, detail=detail)

    def _stored(self, command: str, node: str) -> dict[str, str] | None:
        """Both streams of all steps from S3; None when the node stored nothing."""
        s3, bucket = self.place.s3, self.place.bucket
        with asking(s3, self.place.principal.account):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{self.place.outputs}/{command}/{node}/")
            keys = sorted(held["Key"] for page in pages for held in page.get("Contents", ()))
            streams: dict[str, str] = {}
            for key in keys:
                stream = key.rpartition("/")[2]
                text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace")
                streams[stream] = streams.get(stream, "") + text
        return streams or None

    def _shown(self, document: str, command: str, node: str, said: Said) -> Said:
        """What Run Command itself shows, cut as it is."""
        asked = {"PluginName": PLUGINS[document]} if document in PLUGINS else {}
        with asking(self.place.ssm, self.place.principal.account):
            told = self.place.ssm.get_command_invocation(CommandId=command, InstanceId=node, **asked)
        out, err = told.get("StandardOutputContent", ""), told.get("StandardErrorContent", "")
        cut = len(out) >= _SHOWN_MAX or "--output truncated--" in out + err
        return Said(said.status, out, err, said.seconds, whole=not cut, detail=said.detail)


def _seconds(document: str, invocation: dict[str, Any]) -> float:
    """How long the node worked, by its own clock."""
    times = [
        (step["ResponseStartDateTime"], step["ResponseFinishDateTime"])
        for step in invocation.get("CommandPlugins", ())
        if step.get("ResponseStartDateTime") and step.get("ResponseFinishDateTime") and PLUGINS.get(document, step["Name"]) == step["Name"]
    ]  # fmt: skip
    return max(0.0, float(sum((finish - start).total_seconds() for start, finish in times)))
