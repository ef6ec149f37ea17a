"""Outputs as XML: the query protocol (IAM, STS, CloudFormation) and EC2's dialect.

Query wraps the output in <OperationResult> inside <OperationResponse> and adds ResponseMetadata; EC2 has neither, but a requestId.
Lists are wrapped (member, or the name the model gives) unless the model flattens them; maps are entries of key and value.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from localorg.protocol.calls import Output
from localorg.protocol.http import WireResponse
from localorg.protocol.models import operation_model, service_model
from localorg.protocol.serialise_json import SCALARS, OutputDefect
from localorg.protocol.times import in_format

Write = Callable[[list[str], str, Any], None]
"""(where to append, tag, value)"""
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def query_response(service: str, operation: str, output: Output, request_id: str) -> WireResponse:
    """Return the query response for `output`."""
    model = operation_model(service, operation)
    namespace = service_model(service).metadata.get("xmlNamespace", "")
    parts = [DECLARATION, f'<{operation}Response xmlns="{namespace}">']
    if model.output_shape is not None:
        wrapper = model.output_shape.serialization.get("resultWrapper", f"{operation}Result")
        _output(service, operation)(parts, wrapper, output)
    parts.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>")
    return _response(parts, request_id)


def ec2_response(service: str, operation: str, output: Output, request_id: str) -> WireResponse:
    """Return the EC2 response for `output`."""
    namespace = service_model(service).metadata.get("xmlNamespace", "")
    parts = [DECLARATION, f'<{operation}Response xmlns="{namespace}"><requestId>{request_id}</requestId>']
    if operation_model(service, operation).output_shape is not None:
        inner: list[str] = []
        _output(service, operation)(inner, "", output)
        parts += inner[1:-1]
    parts.append(f"</{operation}Response>")
    return _response(parts, request_id)


def _response(parts: list[str], request_id: str) -> WireResponse:
    body = "".join(parts).encode("utf-8")
    return WireResponse(200, {"content-type": "text/xml", "x-amzn-requestid": request_id}, body)


@cache
def _output(service: str, operation: str) -> Write:
    return Compiler(f"{service}:{operation}").write(operation_model(service, operation).output_shape)


def text(value: str) -> str:
    """Return `value` as XML character data; what XML cannot carry becomes the replacement character."""
    return NOT_XML.sub("\ufffd", escape(value, {"\r": "&#xD;"}))


class Compiler:
    """Turns the shapes of one output into writers; each shape once, so that recursive shapes end."""

    def __init__(self, call: str) -> None:
        self._call = call
        self._made: dict[str, Write] = {}

    def write(self, shape: Any) -> Write:
        """Return the writer of `shape`."""
        key = f"{shape.name}/{shape.serialization.get('flattened', '')}/{shape.serialization.get('timestampFormat', '')}"
        if key not in self._made:
            self._made[key] = self._late(key)
            self._made[key] = self._compile(shape)
        return self._made[key]

    def _late(self, key: str) -> Write:
        """A stand-in while the shape is being compiled, for shapes that contain themselves."""

        def write(parts: list[str], tag: str, value: Any) -> None:
            self._made[key](parts, tag, value)

        return write

    def _compile(self, shape: Any) -> Write:
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return self._scalar(shape)

    def _defect(self, shape: Any, value: Any) -> OutputDefect:
        return OutputDefect(
            f"{self._call}: the output has {value!r:.200} ({type(value).__name__}) where the model has {shape.name}, a {shape.type_name}"
        )

    def _structure(self, shape: Any) -> Write:
        members = {name: (_tag(name, member), self.write(member)) for name, member in shape.members.items()}

        def write(parts: list[str], tag: str, value: Any) -> None:
            if not isinstance(value, dict):
                raise self._defect(shape, value)
            parts.append(f"<{tag}>")
            for name, item in value.items():
                if name not in members:
                    raise OutputDefect(
                        f"{self._call}: the output has {name!r}, which {shape.name} does not; it has {', '.join(members)}"
                    )
                if item is not None:
                    wire, inner = members[name]
                    inner(parts, wire, item)
            parts.append(f"</{tag}>")

        return write

    def _list(self, shape: Any) -> Write:
        each = self.write(shape.member)
        flattened = bool(shape.serialization.get("flattened"))
        inner_tag = shape.member.serialization.get("name", "member")

        def write(parts: list[str], tag: str, value: Any) -> None:
            if not isinstance(value, list | tuple):
                raise self._defect(shape, value)
            if not flattened:
                parts.append(f"<{tag}>")
            for item in value:
                each(parts, tag if flattened else inner_tag, item)
            if not flattened:
                parts.append(f"</{tag}>")

        return write

    def _map(self, shape: Any) -> Write:
        each = self.write(shape.value)
        flattened = bool(shape.serialization.get("flattened"))
        key_tag = shape.key.serialization.get("name", "key")
        value_tag = shape.value.serialization.get("name", "value")

        def write(parts: list[str], tag: str, value: Any) -> None:
            if not isinstance(value, dict):
                raise self._defect(shape, value)
            outer, entry = ("", tag) if flattened else (tag, "entry")
            parts.append(f"<{outer}>" if outer else "")
            for key, item in value.items():
                parts.append(f"<{entry}><{key_tag}>{text(str(key))}</{key_tag}>")
                each(parts, value_tag, item)
                parts.append(f"</{entry}>")
            parts.append(f"</{outer}>" if outer else "")

        return write

    def _scalar(self, shape: Any) -> Write:
        show = self._shower(shape)

        def write(parts: list[str], tag: str, value: Any) -> None:
            parts.append(f"<{tag}>{show(value)}</{tag}>")

        return write

    def _shower(self, shape: Any) -> Callable[[Any], str]:
        kind = shape.type_name
        expected: Any = {"timestamp": (int, float), "blob": (bytes, bytearray)}.get(kind) or SCALARS[kind]
        form = shape.serialization.get("timestampFormat", "iso8601")

        def show(value: Any) -> str:
            if not isinstance(value, expected):
                raise self._defect(shape, value)
            match kind:
                case "timestamp":
                    return str(in_format(value, form))
                case "blob":
                    return b64encode(value).decode("ascii")
                case "boolean":
                    return "true" if value else "false"
                case "string" | "character":
                    return text(value)
                case _:
                    return str(value)

        return show


def _tag(name: str, member: Any) -> str:
    """A flattened list is known by the name of its members, everything else by its own."""
    if member.type_name == "list" and member.serialization.get("flattened"):
        inner = member.member.serialization.get("name")
        if inner:
            return str(inner)
    return str(member.serialization.get("name", name))
