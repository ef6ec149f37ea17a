"""One account with nodes, a shelf of documents and Run Command on top, in virtual time; the wire's own validator included."""

import json
from typing import Any

from commands.outputs import check_output
from fleet.every_role import EveryRole, secret
from fleet.scripted_node import ScriptedNode
from support import AllowAll

from localorg.commands.service import Commands
from localorg.fleet.records import NodeSeed
from localorg.fleet.service import Fleet
from localorg.grouping.service import Grouping
from localorg.instances.records import InstanceSeed
from localorg.instances.service import SmallEc2
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.node_inventory.service import NodeInventory
from localorg.protocol.calls import Access, ApiCall, Operation, Output, Principal, Request
from localorg.protocol.gateway import Authoriser, Gateway
from localorg.protocol.tagging import Tagging
from localorg.protocol.validate import validate

ACCOUNT, REGION, ROLE = "222222222222", "us-east-1", "NodeRole"
ADMIN = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/admin")
SHELL = {
    "schemaVersion": "1.2",
    "parameters": {
        "commands": {"type": "StringList", "minItems": 1},
        "workingDirectory": {"type": "String", "default": "", "maxChars": 4096},
        "executionTimeout": {"type": "String", "default": "3600", "allowedPattern": "([1-9][0-9]{0,4})"},
    },
    "runtimeConfig": {"aws:runShellScript": {"properties": [{"id": "0.aws:runShellScript", "runCommand": "{{ commands }}"}]}},
}
PACKAGE = {
    "schemaVersion": "2.2",
    "parameters": {
        "action": {"type": "String", "allowedValues": ["Install", "Uninstall"]},
        "name": {"type": "String"},
        "additionalArguments": {"type": "StringMap", "default": {}},
    },
    "mainSteps": [
        {"action": "aws:runPowerShellScript", "name": "createDownloadFolder", "inputs": {"runCommand": ["x"]}},
        {"action": "aws:configurePackage", "name": "configurePackage", "inputs": {"name": "{{ name }}"}},
    ],
}


class Shelf:
    """Documents as another engine would serve them: name -> (type, content, platforms)."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[str, dict[str, Any], list[str]]] = {
            "AWS-RunShellScript": ("Command", SHELL, ["Linux", "MacOS"]),
            "AWS-ConfigureAWSPackage": ("Command", PACKAGE, ["Linux", "Windows", "MacOS"]),
            "WindowsOnly": ("Command", SHELL, ["Windows"]),
            "SomeRunbook": ("Automation", {"schemaVersion": "0.3"}, ["Linux"]),
        }

    def operations(self) -> list[Operation]:
        return [Operation("ssm", "GetDocument", self.get), Operation("ssm", "DescribeDocument", self.describe)]

    def find(self, request: Request) -> tuple[str, dict[str, Any], list[str]]:
        name = request.params["Name"]
        if name not in self.documents:
            raise AwsError("InvalidDocument", f"Document with name {name} does not exist.")
        return self.documents[name]

    def get(self, request: Request) -> Output:
        kind, content, _ = self.find(request)
        name = request.params["Name"]
        text = json.dumps(content)
        return {"Name": name, "DocumentVersion": "1", "DocumentType": kind, "DocumentFormat": "JSON", "Content": text}

    def describe(self, request: Request) -> Output:
        kind, _, platforms = self.find(request)
        description = {"Status": "Active", "DocumentType": kind, "PlatformTypes": platforms, "Hash": "abc", "HashType": "Sha256"}
        return {"Document": description}


class Buckets:
    """S3 as far as SendCommand asks it: which buckets there are."""

    names = frozenset({"logs"})

    def serves(self, service: str) -> bool:
        return service == "s3"

    def access(self, call: ApiCall) -> list[Access]:
        name = call.params["Bucket"]
        return [Access("s3:ListBucket", f"arn:aws:s3:::{name}", owner=ACCOUNT if name in self.names else "")]

    def submit(self, call: ApiCall, reply: Event) -> None:
        raise AssertionError(f"Run Command itself stores nothing: {call} {reply}")


class Harness:
    """Everything a command passes through, and a story's verbs."""

    def __init__(
        self, authoriser: Authoriser | None = None, *, store: Store | None = None, seed: int = 0, **settings: Any
    ) -> None:
        self.store = store or Store()
        self.kernel = Kernel(self.store, VirtualClock(), Settings(**settings), seed)
        self.gateway = Gateway(self.kernel, authoriser or AllowAll(), validate, Buckets())
        self.shelf = self.shelf_of()
        self.instances = SmallEc2(self.kernel, self.gateway)
        self.roles = EveryRole()
        self.fleet = Fleet(self.kernel, self.gateway, self.linked, self.roles, secret)
        self.commands = Commands(self.kernel, self.gateway, self.fleet.nodes, self.linked)
        tagged = {**self.fleet.tagged(), **self.instances.tagged()}
        self.grouping = Grouping(self.kernel, self.gateway, tagged)
        self.compliance: dict[str, list[dict[str, str]]] = {}
        """Node id -> its compliance items, as Compliance tells them to Inventory."""
        node_inventory = NodeInventory(self.kernel, self.fleet.registry, lambda _, __, name: self.compliance.get(name, []))
        engines = (
            self.shelf,
            self.instances,
            self.fleet,
            self.commands,
            self.grouping,
            Tagging(self.fleet.tagged()),
            node_inventory,
        )
        for engine in engines:
            self.gateway.add(engine.operations())
        self.facts: list[dict[str, Any]] = []
        self.kernel.on("listener", lambda event: self.facts.append({"topic": event.name, **event.data}))
        for topic in ("command.status-change", "node.online"):
            self.kernel.subscribe(topic, "listener")
        self.nodes: dict[str, ScriptedNode] = {}

    def shelf_of(self) -> Any:
        """Return the documents engine; tests that need the real one override this."""
        return Shelf()

    def linked(self, account: str, service: str) -> Principal:
        """Return the service-linked role; tests with identity override this."""
        name = "AWSServiceRoleForAmazonSSM"
        role = f"arn:aws:iam::{account}:role/aws-service-role/{service}/{name}"
        return Principal("role", account, f"arn:aws:sts::{account}:assumed-role/{name}/ssm", role_arn=role)

    def node(
        self, number: int, *, tags: dict[str, str] | None = None, online: bool = True, platform: str = "Linux"
    ) -> ScriptedNode:
        """Add a managed EC2 instance; `online` starts its agent."""
        instance_id = f"i-{number:017x}"
        self.instances.add_instance(
            InstanceSeed(
                instance_id=instance_id,
                account=ACCOUNT,
                region=REGION,
                tags=tags or {},
                private_ip="10.0.0.1",
                name=f"node-{number}",
            )
        )
        return self._managed(instance_id, f"node-{number}", platform, "EC2Instance", online=online)

    def hybrid(self, number: int, *, tags: dict[str, str] | None = None, online: bool = True) -> ScriptedNode:
        """Add a hybrid node; its tags are Systems Manager's."""
        instance_id = f"mi-{number:017x}"
        node = self._managed(instance_id, f"server-{number}", "Linux", "ManagedInstance", online=online)
        if tags:
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            self.call("AddTagsToResource", ResourceType="ManagedInstance", ResourceId=instance_id, Tags=listed)
        return node

    def _managed(self, instance_id: str, name: str, platform: str, source: str, *, online: bool) -> ScriptedNode:
        seed = NodeSeed(instance_id, ACCOUNT, REGION, name, "10.0.0.1", platform, "Ubuntu", "22.04", ROLE, source=source)
        self.fleet.register(seed)
        node = ScriptedNode(self.kernel, self.gateway, account=ACCOUNT, region=REGION, instance_id=instance_id, role=ROLE)
        self.nodes[instance_id] = node
        if online:
            node.start()
        return node

    def call(self, operation: str, service: str = "ssm", principal: Principal = ADMIN, **params: Any) -> Output:
        output = self.gateway.invoke(ApiCall(principal, REGION, service, operation, params, source="wire"))
        check_output(service, operation, output)
        return output

    def send(self, document: str = "AWS-RunShellScript", **params: Any) -> str:
        """SendCommand; returns its id."""
        if document == "AWS-RunShellScript":
            params.setdefault("Parameters", {"commands": ["echo hi"]})
        if document == "AWS-ConfigureAWSPackage":
            params.setdefault("Parameters", {"action": ["Install"], "name": ["Agent"]})
        return self.call("SendCommand", DocumentName=document, **params)["Command"]["CommandId"]

    def pass_time(self, seconds: float) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def command(self, command_id: str) -> Output:
        return self.call("ListCommands", CommandId=command_id)["Commands"][0]

    def invocation(self, command_id: str, node: ScriptedNode, **params: Any) -> Output:
        return self.call("GetCommandInvocation", CommandId=command_id, InstanceId=node.instance_id, **params)

    def details(self, command_id: str) -> dict[str, str]:
        """Return node id -> StatusDetails."""
        found = self.call("ListCommandInvocations", CommandId=command_id)["CommandInvocations"]
        return {one["InstanceId"]: one["StatusDetails"] for one in found}


__all__ = ["ACCOUNT", "ADMIN", "REGION", "Event", "Harness"]
