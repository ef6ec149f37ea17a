"""Outputs as JSON: members of the model only, timestamps as numbers (or the format the model names), blobs as base64."""

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson

from localorg.protocol.calls import Output
from localorg.protocol.http import WireResponse
from localorg.protocol.models import operation_model, service_model
from localorg.protocol.times import in_format

Convert = Callable[[Any], Any]


class OutputDefect(TypeError):
    """An engine's output does not fit the model of its operation: a defect of localorg."""


def response(service: str, operation: str, output: Output, request_id: str) -> WireResponse:
    """Return the awsJson response for `output`."""
    version = service_model(service).metadata.get("jsonVersion", "1.1")
    return WireResponse(
        200,
        {"content-type": f"application/x-amz-json-{version}", "x-amzn-requestid": request_id},
        body(service, operation, output),
    )


def body(service: str, operation: str, output: Output) -> bytes:
    """Return the JSON text of `output`."""
    convert = _output(service, operation)
    return b"{}" if convert is None else orjson.dumps(convert(output))


@cache
def _output(service: str, operation: str) -> Convert | None:
    shape = operation_model(service, operation).output_shape
    return None if shape is None else Compiler(f"{service}:{operation}").convert(shape)


SCALARS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
}

PLAIN: dict[str, type] = {"string": str, "integer": int, "long": int, "boolean": bool}
"""Scalars that are sent as they are when their type is exactly this: most members of most outputs."""


def _as_it_is(value: Any) -> Any:
    return value


class Compiler:
    """Turns the shapes of one output into converters; each shape once, so that recursive shapes end."""

    def __init__(self, call: str) -> None:
        self._call = call
        self._made: dict[str, Convert] = {}

    def convert(self, shape: Any) -> Convert:
        """Return the converter of `shape`."""
        key = f"{shape.name}/{shape.serialization.get('timestampFormat', '')}"
        if key not in self._made:
            self._made[key] = self._late(key)
            self._made[key] = self._compile(shape)
        return self._made[key]

    def _late(self, key: str) -> Convert:
        """A stand-in while the shape is being compiled, for shapes that contain themselves."""

        def convert(value: Any) -> Any:
            return self._made[key](value)

        return convert

    def _compile(self, shape: Any) -> Convert:
        match shape.type_name:
            case "structure":
                return _as_it_is if getattr(shape, "is_document_type", False) else self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "timestamp":
                return self._timestamp(shape)
            case "blob":
                return self._blob(shape)
            case _:
                return self._scalar(shape)

    def _defect(self, shape: Any, value: Any) -> OutputDefect:
        return OutputDefect(
            f"{self._call}: the output has {value!r:.200} ({type(value).__name__}) where the model has {shape.name}, a {shape.type_name}"
        )

    def _structure(self, shape: Any) -> Convert:
        members = {
            name: (member.serialization.get("name", name), PLAIN.get(member.type_name), self.convert(member))
            for name, member in shape.members.items()
        }

        def convert(value: Any) -> Any:
            if not isinstance(value, dict):
                raise self._defect(shape, value)
            found = {}
            for name, item in value.items():
                if name not in members:
                    raise OutputDefect(
                        f"{self._call}: the output has {name!r}, which {shape.name} does not; it has {', '.join(members)}"
                    )
                if item is not None:
                    wire, plain, inner = members[name]
                    found[wire] = item if type(item) is plain else inner(item)
            return found

        return convert

    def _list(self, shape: Any) -> Convert:
        each = self.convert(shape.member)

        def convert(value: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise self._defect(shape, value)
            return [each(item) for item in value]

        return convert

    def _map(self, shape: Any) -> Convert:
        each = self.convert(shape.value)

        def convert(value: Any) -> Any:
            if not isinstance(value, dict):
                raise self._defect(shape, value)
            return {key: each(item) for key, item in value.items()}

        return convert

    def _timestamp(self, shape: Any) -> Convert:
        name = shape.serialization.get("timestampFormat", "unixTimestamp")

        def convert(value: Any) -> Any:
            if not isinstance(value, int | float):
                raise self._defect(shape, value)
            return in_format(value, name)

        return convert

    def _blob(self, shape: Any) -> Convert:
        def convert(value: Any) -> Any:
            if not isinstance(value, bytes | bytearray):
                raise self._defect(shape, value)
            return b64encode(value).decode("ascii")

        return convert

    def _scalar(self, shape: Any) -> Convert:
        expected = SCALARS[shape.type_name]

        def convert(value: Any) -> Any:
            if not isinstance(value, expected):
                raise self._defect(shape, value)
            return value

        return convert
