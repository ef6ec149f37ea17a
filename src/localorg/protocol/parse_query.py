"""Form bodies of the query protocol (IAM, STS, CloudFormation) and of EC2's dialect become parameters.

Flow: `Tags.member.1.Key=a` pairs -> a tree of the dotted names -> readers compiled from the input shape -> params.
Rules: names the shape does not have stay in the params under their own name, so that the validator refuses them by name; a text that is
no number, date or base64 stays a text, so that the validator reports its type.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Params
from localorg.protocol.http import WireRequest
from localorg.protocol.models import operation_model, protocol_of
from localorg.protocol.times import from_text

Node = dict[str, Any]
"""Children by name; the node's own text is under the empty name."""
Reader = Callable[[Node], Any]
ENVELOPE = frozenset({"Action", "Version"})
FIELDS_MAX = 100_000
STEPS_MAX = 64
"""ASSUMED: the deepest name of the models here has about twenty steps."""
NUMBER = re.compile(r"[0-9]{1,9}")


def action(request: WireRequest) -> str:
    """Return the Action. Raises MissingAction."""
    for name, value in _pairs(request):
        if name == "Action" and value:
            return value
    # AWS: query APIs, "Common errors", MissingAction.
    raise AwsError("MissingAction", "The request is missing an action or a required parameter: Action.")


def version(request: WireRequest) -> str:
    """Return the API version that the request names, or nothing."""
    return next((value for name, value in _pairs(request) if name == "Version"), "")


def parse(service: str, operation: str, request: WireRequest) -> Params:
    """Return the parameters of a query or EC2 request."""
    tree = _tree((name, value) for name, value in _pairs(request) if name not in ENVELOPE and not name.startswith("X-Amz-"))
    reader = _input(service, operation)
    params: Params = reader(tree) if reader else {name: _raw(node) for name, node in tree.items()}
    return params


def _pairs(request: WireRequest) -> list[tuple[str, str]]:
    try:
        body = request.body.decode("utf-8")
        return request.query_pairs() + parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise AwsError("MalformedInput", f"the body is not a form (application/x-www-form-urlencoded): {error}") from error


def _tree(pairs: Iterable[tuple[str, str]]) -> Node:
    root: Node = {}
    for name, value in pairs:
        node = root
        steps = name.split(".")
        if len(steps) > STEPS_MAX:
            raise AwsError("MalformedInput", f"the parameter {name[:80]}... has {len(steps)} steps, more than {STEPS_MAX}")
        for step in steps:
            node = node.setdefault(step, {})
        node[""] = value
    return root


def _raw(node: Node) -> Any:
    if set(node) == {""}:
        return node[""]
    return {name: _raw(child) if name else child for name, child in node.items()}


@cache
def _input(service: str, operation: str) -> Reader | None:
    shape = operation_model(service, operation).input_shape
    return None if shape is None else Compiler(ec2=protocol_of(service) == "ec2").reader(shape)


class Compiler:
    """Turns the shapes of one input into readers; each shape once, so that recursive shapes end."""

    def __init__(self, *, ec2: bool) -> None:
        self._ec2 = ec2
        self._made: dict[str, Reader] = {}

    def reader(self, shape: Any) -> Reader:
        """Return the reader of `shape`."""
        key = f"{shape.name}/{shape.serialization.get('flattened', False)}"
        if key not in self._made:
            self._made[key] = self._late(key)
            self._made[key] = self._compile(shape)
        return self._made[key]

    def _late(self, key: str) -> Reader:
        """A stand-in while the shape is being compiled, for shapes that contain themselves."""

        def read(node: Node) -> Any:
            return self._made[key](node)

        return read

    def _compile(self, shape: Any) -> Reader:
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case kind:
                convert = SCALARS.get(kind)
                return (lambda node: _scalar(convert, node)) if convert else _raw

    def _wire_name(self, name: str, member: Any) -> str:
        serialization = member.serialization
        if self._ec2:
            wire = serialization.get("queryName") or serialization.get("name")
            return wire[0].upper() + wire[1:] if wire and "queryName" not in serialization else wire or name
        if member.type_name == "list" and serialization.get("flattened"):
            return str(member.member.serialization.get("name") or serialization.get("name", name))
        return str(serialization.get("name", name))

    def _structure(self, shape: Any) -> Reader:
        members = {self._wire_name(name, member): (name, self.reader(member)) for name, member in shape.members.items()}

        def read(node: Node) -> Any:
            if "" in node and len(node) == 1:
                return node[""] or {}
            found: Params = {}
            for wire, child in node.items():
                known = members.get(wire)
                if known:
                    found[known[0]] = known[1](child)
                elif wire:
                    found[wire] = _raw(child)
            return found

        return read

    def _list(self, shape: Any) -> Reader:
        each = self.reader(shape.member)
        flat = self._ec2 or shape.serialization.get("flattened")
        step = None if flat else shape.member.serialization.get("name", "member")

        def read(node: Node) -> Any:
            if node.get("") == "" and len(node) == 1:
                return []
            items = node if step is None else node.get(step, {})
            numbered = _numbered(items)
            return _raw(node) if numbered is None or (step and len(node) > 1) else [each(child) for child in numbered]

        return read

    def _map(self, shape: Any) -> Reader:
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        value = self.reader(shape.value)
        flat = shape.serialization.get("flattened")

        def read(node: Node) -> Any:
            entries = _numbered(node if flat else node.get("entry", {}))
            if entries is None:
                return _raw(node)
            return {entry.get(key_name, {}).get("", ""): value(entry.get(value_name, {})) for entry in entries}

        return read


def _numbered(node: Node) -> list[Node] | None:
    """Return the children 1, 2, 3 ... in order, or None when there are other names."""
    if not node or not all(NUMBER.fullmatch(name) for name in node):
        return None
    return [node[name] for name in sorted(node, key=int)]


def _boolean(text: str) -> Any:
    match text.lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            return text


def _blob(text: str) -> bytes:
    return b64decode(text, validate=True)


SCALARS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": _boolean,
    "timestamp": from_text,
    "blob": _blob,
}


def _scalar(convert: Callable[[str], Any], node: Node) -> Any:
    text = _raw(node)
    if not isinstance(text, str):
        return text
    try:
        return convert(text)
    except (ValueError, binascii.Error):
        return text
