"""Who is managed, and who is online.

Flow: `register` (the spec) -> rows; each poll, ping or reply of an agent -> `contact` -> "node.online" when it had been silent.
"ec2.instance-state-change" -> the state of the instance beneath.
Rules: presence follows from the time of the last contact, and from the control channel while one is open; nothing ticks.
"""

from collections.abc import Sequence
from dataclasses import asdict

from localorg.fleet.records import Node, NodeSeed
from localorg.kernel.errors import AccessDenied
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Principal


class Registry:
    """The managed nodes of all accounts and Regions."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._nodes = kernel.store.table("fleet.node", Node)
        self._lost_after_s = float(kernel.settings.reading("connection-lost-after"))
        self._hybrid = {node.instance_id: node for node in self._nodes.values() if node.source == "ManagedInstance"}
        self._channels: dict[str, object] = {}
        """Node id -> the control channel that is open to it; a channel dies with the process, so it is no row."""

    def register(self, seed: NodeSeed) -> None:
        """Let a node exist. A node that is known already keeps what its agent reported."""
        if self.find(seed.account, seed.region, seed.instance_id) is None:
            self.keep(Node(**asdict(seed), registered=self._kernel.now()))

    def find(self, account: str, region: str, instance_id: str) -> Node | None:
        """Return a node of this account and Region."""
        return self._nodes.get(account, region, instance_id)

    def hybrid(self, instance_id: str) -> Node | None:
        """Return a node mi-… of whatever account: its id is all that it says of itself."""
        return self._hybrid.get(instance_id)

    def of(self, account: str, region: str) -> list[Node]:
        """Return the managed nodes of an account and Region, in the order of registration."""
        return self._nodes.values(account, region)

    def keys(self, *place: str) -> Sequence[tuple[str, ...]]:
        """Return (account, region, node id) of every node of `place` (account and Region, or nothing: everywhere), in order."""
        return self._nodes.sorted_keys(*place)

    def at(self, key: tuple[str, ...]) -> Node:
        """Return the node of a key of `keys`. Raises KeyError."""
        found = self._nodes.get(*key)
        if found is None:
            raise KeyError(key)
        return found

    def everywhere(self) -> list[Node]:
        """Return every node of the organization."""
        return self._nodes.values()

    def online(self, node: Node) -> bool:
        """Say whether the node is connected, or was heard of lately."""
        if node.instance_id in self._channels:
            return True
        known = node.last_contact is not None and not node.silent
        return known and self._kernel.now() - (node.last_contact or 0.0) <= self._lost_after_s

    def is_online(self, account: str, region: str, instance_id: str) -> bool:
        """Say whether a node of this account and Region was heard of lately."""
        node = self.find(account, region, instance_id)
        return node is not None and self.online(node)

    def silence(self, account: str, region: str, instance_id: str) -> None:
        """Take a node for lost at once, without waiting for its silence to last."""
        if (node := self.find(account, region, instance_id)) is not None:
            node.silent = True
            self.keep(node)

    def retag(self, account: str, region: str, instance_id: str, tags: dict[str, str | None]) -> None:
        """Give a hybrid node these tags and take away those that are None; what is no hybrid node is not of interest."""
        node = self.find(account, region, instance_id)
        if node is not None and node.source == "ManagedInstance":
            kept = {key: value for key, value in node.tags.items() if key not in tags}
            node.tags = {**kept, **{key: value for key, value in tags.items() if value is not None}}
            self.keep(node)

    def contact(self, node: Node) -> None:
        """Note that the node speaks now."""
        returning = not self.online(node)
        node.last_contact, node.silent = self._kernel.now(), False
        self.keep(node)
        if returning:
            fact = {"account": node.account, "region": node.region, "instance_id": node.instance_id}
            self._kernel.publish("node.online", fact)

    def update(self, node: Node, reported: dict[str, str]) -> None:
        """Keep what the agent says of itself; what it leaves out or empty stays as it was."""
        node.agent_version = reported.get("AgentVersion") or node.agent_version
        node.platform_type = reported.get("PlatformType") or node.platform_type
        node.platform_name = reported.get("PlatformName") or node.platform_name
        node.platform_version = reported.get("PlatformVersion") or node.platform_version
        node.computer_name = reported.get("ComputerName") or node.computer_name
        node.ip_address = reported.get("IPAddress") or node.ip_address
        node.zone = reported.get("AvailabilityZone") or node.zone
        self.keep(node)

    def set_state(self, account: str, region: str, instance_id: str, state: str) -> None:
        """Note the state of the EC2 instance beneath a node; one that is no node is not of interest."""
        if (node := self.find(account, region, instance_id)) is not None:
            node.state = state
            self.keep(node)
            if state == "terminated":
                self._tell_gone(node)

    def _tell_gone(self, node: Node) -> None:
        """Tell that a node was terminated or deregistered: State Manager waits for it no longer."""
        place = {"account": node.account, "region": node.region, "instance_id": node.instance_id}
        self._kernel.publish("node.gone", place)

    def speaker(self, principal: Principal, region: str) -> Node:
        """Return the node whose own session `principal` is. Raises AccessDenied for anybody else."""
        # AWS: the session name of an instance profile's credentials is the instance id (IAM user guide, "aws:userid").
        name = principal.arn.rpartition("/")[2]
        node = self.find(principal.account, region, name) if principal.kind == "role" else None
        if node is None or principal.role_arn.rpartition("/")[2] not in _role_names(node):
            raise AccessDenied(
                f"{principal.arn} is not the session of a managed node in {principal.account} {region}; "
                "expected an assumed-role session of the node's role whose session name is the node's id."
            )
        return node

    def keep(self, node: Node) -> None:
        """Write a node that was made or changed."""
        self._nodes.put(node, node.account, node.region, node.instance_id)
        if node.source == "ManagedInstance":
            self._hybrid[node.instance_id] = node

    def forget(self, node: Node) -> None:
        """Let a node be managed no more."""
        self._nodes.delete(node.account, node.region, node.instance_id)
        self._hybrid.pop(node.instance_id, None)
        self._channels.pop(node.instance_id, None)
        self._tell_gone(node)

    # Control channels

    def channel(self, node: Node) -> object | None:
        """Return the control channel that is open to a node, if one is."""
        return self._channels.get(node.instance_id)

    def connect(self, node: Node, channel: object) -> None:
        """Note that a control channel is open; it takes the place of an older one."""
        self.contact(node)
        self._channels[node.instance_id] = channel

    def disconnect(self, node: Node, channel: object) -> bool:
        """Note that a control channel has closed; False when another has taken its place meanwhile."""
        if self._channels.get(node.instance_id) is not channel:
            return False
        del self._channels[node.instance_id]
        # ASSUMED: a node whose control channel breaks is lost at once; it is back with its next word over either channel.
        self.silence(node.account, node.region, node.instance_id)
        return True


def _role_names(node: Node) -> set[str]:
    return {role.rpartition("/")[2] for role in (node.role, *node.former_roles)}
