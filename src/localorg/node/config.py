"""The node host's configuration: a JSON file in, one checked value out, or every problem at once.

Flow: text -> `HostConfig`. A wrong file raises `BadConfigError` with one line per problem: where, what was expected, what was found.
Refuses to know: how nodes are started.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from localorg.node.message_gateway import GatewayAddress

ISOLATIONS = ("namespaces", "none")
REFETCHES = ("stock", "kept")
CHANNELS = ("polls", "control-channel")
PERSONA_TEXTS = ("platform_name", "platform_version", "architecture", "platform_type")
NODE_TEXTS = ("instance_id", "account", "region", "computer_name", "ip_address", "secret")
INSTANCE_ID = re.compile(r"m?i-[0-9a-zA-Z]{4,40}")


class BadConfigError(Exception):
    """The configuration cannot be used; the text lists every problem."""


@dataclass(frozen=True)
class NodeConfig:
    """One node to run."""

    instance_id: str
    account: str
    region: str
    computer_name: str
    ip_address: str
    platform_name: str
    platform_version: str
    platform_type: str
    architecture: str
    os_release: Mapping[str, str]
    secret: str = field(repr=False)
    online: bool = True
    activation_id: str = ""
    """Of a hybrid node, which registers itself: what with."""
    activation_code: str = field(default="", repr=False)
    upgrade_refetch: str = "stock"
    """How the agent reads the question upgrade-refetch."""
    channel: str = "polls"
    """How messages come: one of CHANNELS."""

    @property
    def is_hybrid(self) -> bool:
        """Say whether the node is a machine outside EC2."""
        return bool(self.activation_id)


@dataclass(frozen=True)
class HostConfig:
    """What the host is to run, and how."""

    endpoint: str
    state_dir: Path
    isolation: Literal["namespaces", "none"]
    masked: tuple[str, ...]
    nodes: tuple[NodeConfig, ...]
    message_gateway: GatewayAddress | None = None
    """Where agents open control channels; needed by nodes whose channel is one."""


def read_config(path: Path) -> HostConfig:
    """Read and check the file at `path`. Raises BadConfigError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise BadConfigError(f"{path}: expected a JSON object, found {type(content).__name__}")
    problems = _host_problems(content)
    gateway = _gateway(content.get("message_gateway"), problems)
    nodes = content.get("nodes", [])
    if isinstance(nodes, list):
        has_gateway = gateway is not None
        problems += [
            f"nodes[{number}]{problem}"
            for number, node in enumerate(nodes)
            for problem in node_problems(node, has_gateway=has_gateway)
        ]
    else:
        problems.append(f"nodes: expected a list, found {type(nodes).__name__}")
    if problems:
        raise BadConfigError(f"{path} has {len(problems)} problems: " + "; ".join(problems))
    return HostConfig(
        endpoint=str(content["endpoint"]).rstrip("/"),
        state_dir=Path(content["state_dir"]),
        isolation=cast('Literal["namespaces", "none"]', content["isolation"]),
        masked=tuple(content.get("masked", [])),
        nodes=tuple(node_config(node) for node in nodes),
        message_gateway=gateway,
    )


def _gateway(entry: Any, problems: list[str]) -> GatewayAddress | None:
    """Return where the message gateway is, with the text of its authority: nodes cannot read the file any more."""
    if entry is None:
        return None
    where = entry if isinstance(entry, dict) else {}
    endpoint, authority = str(where.get("endpoint", "")), str(where.get("authority", ""))
    if not re.fullmatch(r"https://[^/]+/?", endpoint):
        problems.append(f"message_gateway.endpoint: expected https://HOST:PORT, found {where.get('endpoint')!r}")
    try:
        return GatewayAddress(endpoint.rstrip("/"), Path(authority).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"message_gateway.authority: expected a file with certificates, found {authority!r} ({error})")
        return None


def _host_problems(content: Mapping[str, Any]) -> list[str]:
    problems = []
    if not re.fullmatch(r"http://[^/]+/?", str(content.get("endpoint", ""))):
        problems.append(f"endpoint: expected http://HOST:PORT, found {content.get('endpoint')!r}")
    if not str(content.get("state_dir", "")).startswith("/"):
        problems.append(f"state_dir: expected an absolute path, found {content.get('state_dir')!r}")
    if content.get("isolation") not in ISOLATIONS:
        problems.append(f"isolation: expected one of {', '.join(ISOLATIONS)}, found {content.get('isolation')!r}")
    masked = content.get("masked", [])
    if not isinstance(masked, list) or not all(isinstance(path, str) and path.startswith("/") for path in masked):
        problems.append(f"masked: expected a list of absolute paths, found {masked!r}")
    return problems


def node_problems(node: Any, *, has_gateway: bool) -> list[str]:
    """Return what is wrong with one node's entry, each beginning with the place inside it."""
    if not isinstance(node, dict):
        return [f": expected an object, found {type(node).__name__}"]
    problems = [f".{key}: expected text, found {node.get(key)!r}" for key in NODE_TEXTS if not isinstance(node.get(key), str)]
    if not INSTANCE_ID.fullmatch(str(node.get("instance_id", ""))):
        problems.append(f".instance_id: expected i-... or mi-..., found {node.get('instance_id')!r}")
    if not isinstance(node.get("online", True), bool):
        problems.append(f".online: expected true or false, found {node['online']!r}")
    if node.get("upgrade_refetch", "stock") not in REFETCHES:
        problems.append(f".upgrade_refetch: expected one of {', '.join(REFETCHES)}, found {node['upgrade_refetch']!r}")
    channel = node.get("channel", "polls")
    if channel not in CHANNELS:
        problems.append(f".channel: expected one of {', '.join(CHANNELS)}, found {channel!r}")
    elif channel == "control-channel" and not has_gateway:
        problems.append(".channel: a control-channel needs the host's message_gateway, which is not given or cannot be used")
    return problems + _persona_problems(node.get("persona"))


def _persona_problems(persona: Any) -> list[str]:
    if not isinstance(persona, dict):
        return [f".persona: expected an object, found {type(persona).__name__}"]
    problems = [
        f".persona.{key}: expected text, found {persona.get(key)!r}"
        for key in PERSONA_TEXTS
        if not isinstance(persona.get(key), str)
    ]
    release = persona.get("os_release")
    if not isinstance(release, dict) or not all(isinstance(value, str) for value in release.values()):
        problems.append(f".persona.os_release: expected an object of texts, found {release!r}")
    if persona.get("platform_type") not in {"Linux", None}:
        problems.append(
            f".persona.platform_type: a {persona['platform_type']} node cannot run on a Linux kernel; use a Linux persona"
        )
    return problems


def node_config(node: Mapping[str, Any]) -> NodeConfig:
    """Return the value of an entry that has no problems."""
    persona = node["persona"]
    return NodeConfig(
        **{key: node[key] for key in NODE_TEXTS},
        **{key: persona[key] for key in PERSONA_TEXTS},
        os_release=dict(persona["os_release"]),
        online=node.get("online", True),
        activation_id=str(node.get("activation_id", "")),
        activation_code=str(node.get("activation_code", "")),
        upgrade_refetch=node.get("upgrade_refetch", "stock"),
        channel=node.get("channel", "polls"),
    )
