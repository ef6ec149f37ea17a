"""State Manager over a real kernel and gateway, with a document shelf and an Automation that does what the test says."""

import json
from dataclasses import dataclass
from typing import Any

from documents.model_shapes import strangers
from support import AllowAll

from localorg.associations.ports import NodePorts
from localorg.associations.service import Associations
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.ids import uuid
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import ApiCall, Operation, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate

HUB, MEMBER = "111111111111", "222222222222"
HOME = "eu-west-1"
NEVER = "00000000-0000-0000-0000-000000000000"
ROLE = f"arn:aws:iam::{HUB}:role/Administration"
RUNBOOK: dict[str, Any] = {
    "schemaVersion": "0.3",
    "assumeRole": "{{ AutomationAssumeRole }}",
    "parameters": {
        "AutomationAssumeRole": {"type": "String", "default": ""},
        "name": {"type": "String", "allowedPattern": "^[a-z]{3,}$"},
        "prefix": {"type": "String", "default": "", "allowedPattern": "^[a-z]+$"},
        "action": {"type": "String", "allowedValues": ["Install", "Uninstall"], "default": "Install"},
        "regions": {"type": "StringList", "default": [], "maxItems": 2},
        "arguments": {"type": "StringMap", "default": {}},
        "count": {"type": "Integer", "default": 1},
        "force": {"type": "Boolean", "default": False},
    },
    "mainSteps": [{"name": "wait", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}],
}
SCRIPT: dict[str, Any] = {
    "schemaVersion": "2.2",
    "parameters": {"word": {"type": "String", "default": "hello"}},
    "mainSteps": [{"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ word }}"]}}],
}
OLD: dict[str, Any] = {"schemaVersion": "1.2", "runtimeConfig": {"aws:runShellScript": {"properties": [{"runCommand": ["id"]}]}}}


def principal(account: str) -> Principal:
    return Principal(kind="user", account=account, arn=f"arn:aws:iam::{account}:user/admin")


def service_linked_role(account: str, service: str) -> Principal:
    return Principal(
        kind="role", account=account, arn=f"arn:aws:sts::{account}:assumed-role/AWSServiceRoleForAmazonSSM/x", service=service
    )


class Documents:
    """GetDocument of a few runbooks: {name: (type, content, version number, status)}."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, dict[str, Any], str, str]] = {
            "Roll": ("Automation", RUNBOOK, "1", "Active"),
            "Script": ("Command", SCRIPT, "1", "Active"),
            "Old": ("Command", OLD, "1", "Active"),
            "Zip": ("Package", {}, "1", "Active"),
            "AWS-RefreshAssociation": ("Command", {"schemaVersion": "1.2"}, "1", "Active"),
        }

    def operations(self) -> list[Operation]:
        return [Operation("ssm", "GetDocument", self._get)]

    def _get(self, request: Request) -> Output:
        name = request.params["Name"]
        if name not in self.held:
            raise AwsError("InvalidDocument", f"Document with name {name} does not exist.")
        kind, content, number, status = self.held[name]
        wanted = request.params["DocumentVersion"]
        if not wanted.startswith("$") and int(wanted) > int(number):
            raise AwsError("InvalidDocumentVersion", f"{name} has no version {wanted}.")
        return {
            "Name": name,
            "DocumentType": kind,
            "Content": json.dumps(content),
            "DocumentVersion": number if wanted.startswith("$") else wanted,
            "Status": status,
        }


class Automation:
    """Automations that go on until the test ends them. `refusal` is what the next start is answered with."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.started: list[Request] = []
        self.states: dict[str, tuple[str, str]] = {}
        self.refusal: AwsError | None = None
        self.stop_refusal: AwsError | None = None
        self.stopped: list[str] = []

    def operations(self) -> list[Operation]:
        return [
            Operation("ssm", "StartAutomationExecution", self._start),
            Operation("ssm", "StopAutomationExecution", self._stop),
            Operation("ssm", "GetAutomationExecution", self._get),
        ]

    def _start(self, request: Request) -> Output:
        self.started.append(request)
        if self.refusal:
            raise self.refusal
        execution = uuid(self.kernel.dice)
        self.states[execution] = ("InProgress", "")
        return {"AutomationExecutionId": execution}

    def _stop(self, request: Request) -> Output:
        if self.stop_refusal:
            raise self.stop_refusal
        self.stopped.append(request.params["AutomationExecutionId"])
        return {}

    def _get(self, request: Request) -> Output:
        status, message = self.states[request.params["AutomationExecutionId"]]
        return {"AutomationExecution": {"AutomationExecutionStatus": status, "FailureMessage": message}}

    def end(self, status: str = "Success", message: str = "", execution: str = "") -> str:
        """End an automation, the newest unless one is named, and tell it as the engine does."""
        ended = execution or list(self.states)[-1]
        if ended in self.states:
            self.states[ended] = (status, message)
        self.kernel.publish(
            "automation.status-change",
            {"account": HUB, "region": HOME, "execution_id": ended, "status": status, "failure_message": message},
        )
        return ended


@dataclass
class Node:
    """A managed node, as the fleet knows it. `tags` are EC2's."""

    instance_id: str
    account: str
    region: str
    platform_type: str
    tags: dict[str, str]
    online: bool = True


class Fleet:
    """The nodes of the hub, their tags and groups, and the messages that were sent to them."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.nodes: dict[str, Node] = {}
        self.groups: dict[str, list[str]] = {}
        self.sent: list[dict[str, Any]] = []
        self.calendar = "OPEN"
        kernel.on("fleet", self._hear)
        kernel.subscribe("node.deliver", "fleet")

    def ports(self) -> NodePorts:
        return NodePorts(self._of, self._is_online, self._speaker)

    def operations(self) -> list[Operation]:
        return [
            Operation("ec2", "DescribeInstances", self._instances),
            Operation("resource-groups", "ListGroupResources", self._members),
            Operation("ssm", "GetCalendarState", lambda _: {"State": self.calendar}),
            Operation("ssm", "ListTagsForResource", self._tags),
        ]

    def add(self, number: int, *, online: bool = True, kind: str = "i", **tags: str) -> str:
        name = f"{kind}-{number:017x}"
        self.nodes[name] = Node(name, HUB, HOME, "Linux", tags, online)
        if online:
            self.come(name)
        return name

    def come(self, name: str) -> None:
        self.nodes[name].online = True
        self.kernel.publish("node.online", {"account": HUB, "region": HOME, "instance_id": name})

    def go(self, name: str) -> None:
        """Terminate a node."""
        del self.nodes[name]
        self.kernel.publish("node.gone", {"account": HUB, "region": HOME, "instance_id": name})

    def _of(self, account: str, region: str) -> list[Node]:
        return [node for node in self.nodes.values() if (node.account, node.region) == (account, region)]

    def _is_online(self, _account: str, _region: str, name: str) -> bool:
        return name in self.nodes and self.nodes[name].online

    def _speaker(self, request: Request, claimed: str) -> Node:
        if request.principal.arn.rpartition("/")[2] != claimed:
            raise AccessDenied(f"{request.principal.arn} does not speak for {claimed}")
        return self.nodes[claimed]

    def _hear(self, event: Event) -> None:
        self.sent.append(event.data)

    def _instances(self, request: Request) -> Output:
        wanted = [value for one in request.params.get("Filters", []) for value in one["Values"]]
        instances = [
            {"InstanceId": node.instance_id, "Tags": [{"Key": key, "Value": value} for key, value in node.tags.items()]}
            for node in self.nodes.values()
            if node.instance_id.startswith("i-") and (not wanted or node.instance_id in wanted)
        ]
        return {"Reservations": [{"Instances": instances}]}

    def _members(self, request: Request) -> Output:
        if request.params["GroupName"] not in self.groups:
            raise AwsError("NotFoundException", "no such group")
        found = self.groups[request.params["GroupName"]]
        return {"ResourceIdentifiers": [{"ResourceArn": f"arn:aws:ec2:{HOME}:{HUB}:instance/{name}"} for name in found]}

    def _tags(self, request: Request) -> Output:
        tags = self.nodes[request.params["ResourceId"]].tags
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}


class Harness:
    """`store` and `clock` outlive it, for restarts."""

    def __init__(self, store: Store | None = None, clock: VirtualClock | None = None, **readings: str) -> None:
        self.store, self.clock = store or Store(), clock or VirtualClock()
        chosen = {name.replace("_", "-"): word for name, word in readings.items()}
        self.kernel = Kernel(self.store, self.clock, Settings(regions=(HOME,), readings=chosen))
        self.authoriser: Any = AllowAll()
        self.gateway = Gateway(self.kernel, self.authoriser, validate)
        self.documents, self.automation = Documents(), Automation(self.kernel)
        self.fleet = Fleet(self.kernel)
        self.associations = Associations(
            self.kernel, self.gateway, service_linked_role, lambda key: Principal("role", HUB, key), self.fleet.ports()
        )
        for engine in (self.documents, self.automation, self.fleet, self.associations):
            self.gateway.add(engine.operations())

    def call(self, operation: str, account: str = HUB, **params: Any) -> dict[str, Any]:
        answer = self.gateway.invoke(ApiCall(principal(account), HOME, "ssm", operation, params))
        assert strangers(operation, answer) == []
        return answer

    def wait(self, seconds: float = 1.0) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def create(self, **params: Any) -> str:
        """Create an association of the runbook Roll and return its id."""
        asked = {"Name": "Roll", "Parameters": {"name": ["falcon"]}, **params}
        association: str = self.call("CreateAssociation", **asked)["AssociationDescription"]["AssociationId"]
        return association

    def describe(self, association: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("DescribeAssociation", AssociationId=association)["AssociationDescription"]
        return answer

    def executions(self, association: str, **params: Any) -> list[dict[str, Any]]:
        answer = self.call("DescribeAssociationExecutions", AssociationId=association, **params)
        executions: list[dict[str, Any]] = answer["AssociationExecutions"]
        return executions
