"""Telling online nodes at once that an association is to run, instead of waiting until they ask.

AWS agent: a command with the plugin aws:refreshAssociation makes it ask for its associations and run the named ones now.
# ASSUMED: State Manager sends it by itself when an association is made, edited or started, outside of the account's command history.
"""

import json
from collections.abc import Callable

from localorg.associations.ports import NodePorts
from localorg.associations.records import AssociationRecord, Shelf
from localorg.kernel.events import Event, Kernel
from localorg.kernel.ids import uuid

DOCUMENT = "AWS-RefreshAssociation"
NUDGE = "nudge"


class Nudges:
    """Nodes to be told, in memory only: a node that is not told asks within five minutes."""

    def __init__(
        self, kernel: Kernel, shelf: Shelf, ports: NodePorts, content_of: Callable[[str, str], str], engine: str
    ) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._ports = ports
        self._content_of = content_of
        self._engine = engine
        self._waiting: dict[tuple[str, str, str], list[str]] = {}

    def is_online(self, association: AssociationRecord, node: str) -> bool:
        """Say whether a node was heard of lately."""
        return self._ports.is_online(association.account, association.region, node)

    def add(self, association: AssociationRecord, node: str) -> None:
        """Let a node know soon; several associations become one message."""
        if not self.is_online(association, node):
            return
        key = (association.account, association.region, node)
        if key not in self._waiting:
            data = {"account": association.account, "region": association.region, "node": node}
            self._kernel.post(Event(self._engine, NUDGE, data))
        self._waiting.setdefault(key, []).append(association.id)

    def send(self, account: str, region: str, node: str) -> None:
        """Send what has gathered for a node."""
        ids = list(dict.fromkeys(self._waiting.pop((account, region, node), [])))
        command = uuid(self._kernel.dice)
        content = {
            "Parameters": {"associationIds": ids},
            "DocumentContent": json.loads(self._content_of(account, region)),
            "CommandId": command,
            "DocumentName": DOCUMENT,
            "OutputS3KeyPrefix": "",
            "OutputS3BucketName": "",
            "CloudWatchLogGroupName": "",
            "CloudWatchOutputEnabled": "false",
        }
        place = {"account": account, "region": region, "instance_id": node}
        order = {
            "message_id": f"aws.ssm.{command}.{node}",
            "topic": f"aws.ssm.sendCommand.{region}",
            "payload": json.dumps(content),
        }
        self._kernel.publish("node.deliver", {**place, **order})
        for identifier in ids:
            self._note(account, region, identifier, node, command)

    def _note(self, account: str, region: str, identifier: str, node: str, command: str) -> None:
        association = self._shelf.associations.get(account, region, identifier)
        binding = self._shelf.binding(association, node) if association else None
        execution = self._shelf.execution(association, binding.execution) if association and binding else None
        target = self._shelf.target(association, execution.id, node) if association and execution else None
        if association and execution and target:
            # AWS: aws CLI example of describe-association-execution-targets: RunCommand and the id of a command.
            target.source, target.source_type = command, "RunCommand"
            self._shelf.keep_target(association, execution, target)
