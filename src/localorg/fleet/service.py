"""The fleet engine: what agents call, and what the control plane knows of them.

Flow: agents poll (GetMessages), acknowledge, reply, or do so over their control channel (`channel`); hybrid nodes register (`hybrid`);
people ask DescribeInstanceInformation; Run Command orders deliveries with "node.deliver", "node.withdraw" and "node.cancel" facts and
hears "node.reply" facts (see `localorg.commands.dispatch`).
State Manager tells what its associations came to with the facts of `localorg.fleet.associated`; EC2 tells "ec2.instance-state-change"
{account, region, instance_id, state}.
Rules: an agent speaks for its own node only: every agent operation checks that the caller is that node's session.
Refuses to know: what a command is; a message is a topic and a text.
AWS: public agent source (ssm, ec2messages clients); API DescribeInstanceInformation.
"""

from datetime import UTC, datetime
from hashlib import sha256

from localorg.fleet import replies
from localorg.fleet.activations import Activations
from localorg.fleet.asking import INVALID_STATES, Asking
from localorg.fleet.associated import FACTS, Associated
from localorg.fleet.channel import Channel, Channels
from localorg.fleet.hybrid import Hybrid
from localorg.fleet.hybrid_tags import HybridTags
from localorg.fleet.mailbox import Mailbox, topic
from localorg.fleet.ports import NodeRoles, SecretSource, ServiceLinkedRole
from localorg.fleet.records import Message, Node, NodeSeed, PackageReport
from localorg.fleet.registry import Registry
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Access, Operation, Output, Principal, Request, Wait
from localorg.protocol.gateway import Gateway

ENGINE = "fleet"
INSTANCE_STATE = "ec2.instance-state-change"
VISIBILITY_S = 10
"""What the stock agent asks for; used when an agent does not say."""


class Fleet:
    """The managed nodes of the organization and the messages to them."""

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        service_linked_role: ServiceLinkedRole,
        roles: NodeRoles,
        secret: SecretSource,
    ) -> None:
        self._kernel = kernel
        self._mailbox = Mailbox(kernel, ENGINE)
        self._registry = Registry(kernel)
        self._associated = Associated(kernel, ENGINE)
        leaves_out = kernel.settings.reading("unknown-node") == "left-out"
        self._asking = Asking(gateway, self._registry, self._associated, service_linked_role, leaves_out=leaves_out)
        self.activations = Activations(kernel, roles, secret)
        self.hybrid = Hybrid(kernel, self._registry, self.activations, roles)
        self._channels = Channels(kernel, self._registry, self._mailbox, secret)
        self._packages = kernel.store.table("fleet.package-result", PackageReport)
        kernel.on(ENGINE, self.handle)
        for order in ("node.deliver", "node.withdraw", "node.cancel", INSTANCE_STATE):
            kernel.subscribe(order, ENGINE)

    def handle(self, event: Event) -> None:
        """Take an event."""
        data = event.data
        if event.name in FACTS:
            self._associated.handle(event)
        elif event.name == INSTANCE_STATE:
            self._registry.set_state(data["account"], data["region"], data["instance_id"], data["state"])
        else:
            self._mailbox.handle(event)

    def register(self, seed: NodeSeed) -> None:
        """Let a node exist (the server, from the spec). A second time changes nothing."""
        self._registry.register(seed)

    def silence(self, account: str, region: str, instance_id: str) -> None:
        """Take a node for lost at once: the spec has switched it off (the server)."""
        self._registry.silence(account, region, instance_id)

    def nodes(self, account: str, region: str) -> list[Node]:
        """Return the managed nodes of an account and Region that can be sent something: the directory of Run Command and State Manager."""
        return [node for node in self._registry.of(account, region) if node.state not in INVALID_STATES]

    def is_online(self, account: str, region: str, instance_id: str) -> bool:
        """Say whether a node was heard of lately: a port of State Manager."""
        node = self._registry.find(account, region, instance_id)
        return node is not None and self._registry.online(node)

    def is_managed(self, account: str, region: str, instance_id: str) -> bool:
        """Say whether there is such a managed node: a port of Compliance."""
        return self._registry.find(account, region, instance_id) is not None

    def speaker(self, request: Request, claimed: str) -> Node:
        """Return the calling node, and note that it is alive: a port of State Manager. Raises AccessDenied for anybody else."""
        return self._speaker(request, claimed)

    def everywhere(self) -> list[Node]:
        """Return every node of the organization (the server, to start their agents)."""
        return self._registry.everywhere()

    def operations(self) -> list[Operation]:
        """Return the operations of ssm and ec2messages that are the fleet's."""
        return [
            Operation("ssm", "UpdateInstanceInformation", self._update, self._node_access),
            *self._asking.operations(),
            Operation("ssm", "GetManifest", self._get_manifest),
            Operation("ssm", "PutConfigurePackageResult", self._put_package_result),
            Operation("ec2messages", "GetMessages", self._get_messages),
            Operation("ec2messages", "AcknowledgeMessage", self._acknowledge),
            Operation("ec2messages", "SendReply", self._send_reply),
            Operation("ec2messages", "FailMessage", self._fail),
            Operation("ec2messages", "DeleteMessage", self._delete),
            Operation("ec2messages", "GetEndpoint", self._get_endpoint),
            *self.activations.operations(),
            *self.hybrid.operations(),
            *self._channels.operations(),
        ]

    def retag(self, account: str, region: str, instance_id: str, tags: dict[str, str | None]) -> None:
        """Give a hybrid node these tags and take away those that are None; its others stay (the server, from the spec)."""
        self._registry.retag(account, region, instance_id, tags)

    @property
    def registry(self) -> Registry:
        """The directory of nodes, for other parts of Systems Manager."""
        return self._registry

    def tagged(self) -> dict[str, HybridTags]:
        """Return who keeps the tags of managed instances, by ResourceType."""
        return {"ManagedInstance": HybridTags(self._registry, self._kernel.settings.partition)}

    def open_channel(self, principal: Principal, region: str, token: str) -> Channel:
        """Open the control channel of the calling node (the server, for its websocket). Raises AccessDenied."""
        return self._channels.open(self._registry.speaker(principal, region), token)

    # What agents say of themselves

    def _node_access(self, request: Request) -> list[Access]:
        instance_id = request.params.get("InstanceId", "")
        service, kind = ("ssm", "managed-instance") if instance_id.startswith("mi-") else ("ec2", "instance")
        partition = self._kernel.settings.partition
        arn = f"arn:{partition}:{service}:{request.region}:{request.account}:{kind}/{instance_id}"
        return [Access(f"ssm:{request.operation}", arn)]

    def _speaker(self, request: Request, claimed: str | None = None) -> Node:
        """Return the calling node, and note that it is alive. Raises AccessDenied when it claims to be another."""
        node = self._registry.speaker(request.principal, request.region)
        if claimed is not None and claimed != node.instance_id:
            raise AccessDenied(f"{request.principal.arn} speaks for {node.instance_id}, not for {claimed}.")
        self._registry.contact(node)
        return node

    def _update(self, request: Request) -> Output:
        node = self._speaker(request, request.params["InstanceId"])
        self._registry.update(node, request.params)
        return {}

    def _get_manifest(self, request: Request) -> Output:
        self._speaker(request)
        # AWS agent: this exact error makes the agent take the package from documents; any other one fails the step.
        raise AwsError("ResourceNotFoundException", f"There is no manifest of {request.params.get('PackageName', '')}.")

    def _put_package_result(self, request: Request) -> Output:
        params = request.params
        node = self._speaker(request, params.get("Attributes", {}).get("instanceID"))
        report = PackageReport(
            package_name=params["PackageName"],
            package_version=params.get("PackageVersion", ""),
            operation=params.get("Operation", ""),
            result=int(params.get("Result", 0)),
            reported=request.now,
            body=params,
        )
        self._packages.put(report, node.account, node.region, node.instance_id, report.package_name)
        return {}

    # Messages

    def _get_messages(self, request: Request) -> Output:
        params = request.params
        node = self._speaker(request, params["Destination"])
        visibility_s = float(params.get("VisibilityTimeoutInSeconds") or VISIBILITY_S)
        messages: list[Message] = []
        if self._registry.channel(node) is None:
            messages = self._mailbox.take(node.account, node.region, node.instance_id, visibility_s)
        answer = {
            "Destination": node.instance_id,
            "MessagesRequestId": params["MessagesRequestId"],
            "Messages": [_message_view(message) for message in messages],
        }
        if not messages:
            raise Wait(topic(node.instance_id), self._kernel.settings.long_poll_s, answer)
        return answer

    def _message(self, request: Request) -> Message | None:
        """Return the message that the calling node speaks of; None when it is its own, but forgotten."""
        node = self._speaker(request)
        message_id = request.params["MessageId"]
        if message_id.rpartition(".")[2] != node.instance_id:
            raise AccessDenied(f"{request.principal.arn} speaks for {node.instance_id}; message {message_id} is not its own.")
        return self._mailbox.find(node.account, node.region, node.instance_id, message_id)

    def _acknowledge(self, request: Request) -> Output:
        if (message := self._message(request)) is not None:
            self._mailbox.acknowledge(message)
        return {}

    def _send_reply(self, request: Request) -> Output:
        reply = replies.parse(request.params["Payload"])
        if (message := self._message(request)) is not None:
            self._mailbox.reply(message, reply)
        # AWS agent: a reply that is refused is kept on disk and sent again for hours, so a forgotten message is no error.
        return {"MessageId": request.params["MessageId"], "ReplyId": request.params["ReplyId"], "ReplyStatus": "Sent"}

    def _fail(self, request: Request) -> Output:
        if (message := self._message(request)) is not None:
            self._mailbox.fail(message, request.params.get("FailureType", ""))
        return {}

    def _delete(self, request: Request) -> Output:
        # ASSUMED: deleting settles a message as acknowledging does; the stock agent never calls it.
        return self._acknowledge(request)

    def _get_endpoint(self, request: Request) -> Output:
        self._speaker(request, request.params.get("Destination"))
        endpoint = {"Protocol": request.params.get("Protocol", "ec2messages"), "Endpoint": self._kernel.settings.endpoint}
        return {"Endpoint": endpoint}


def _message_view(message: Message) -> Output:
    created = datetime.fromtimestamp(message.created, UTC)
    return {
        "MessageId": message.message_id,
        "Destination": message.instance_id,
        "CreatedDate": f"{created:%Y-%m-%dT%H:%M:%S}.{created.microsecond // 1000:03d}Z",
        "Topic": message.topic,
        "Payload": message.payload,
        "PayloadDigest": sha256(message.payload.encode()).hexdigest(),
    }
