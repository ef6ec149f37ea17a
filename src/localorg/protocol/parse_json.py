"""JSON bodies (awsJson 1.0 and 1.1, and the bodies of rest-json) become parameters.

Only shapes that contain a timestamp, a blob or a renamed member are walked; all others are taken as orjson returns them.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Params
from localorg.protocol.models import operation_model
from localorg.protocol.times import from_text

DEPTH_MAX = 100
"""ASSUMED: the deepest input of the models here has about ten levels; what follows walks values by recursion."""
Convert = Callable[[Any], Any]


def parse(service: str, operation: str, body: bytes) -> Params:
    """Return the parameters in `body`. Raises SerializationException when it is not a JSON object."""
    params = loaded(body)
    convert = _input(service, operation)
    return params if convert is None else convert(params)


def loaded(body: bytes) -> Params:
    """Return the JSON object in `body` without nulls: a null member is an absent one."""
    if not body:
        return {}
    try:
        params = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AwsError("SerializationException", f"the body is not JSON: {error}") from error
    if not isinstance(params, dict):
        raise AwsError("SerializationException", f"the body must be a JSON object, found {type(params).__name__}")
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX:
        _refuse_depth(params)
    return _without_nulls(params) if b"null" in body else params


def _refuse_depth(params: Params) -> None:
    level: list[Any] = [params]
    for _ in range(DEPTH_MAX):
        containers = (item.values() if isinstance(item, dict) else item for item in level)
        level = [inner for container in containers for inner in container if isinstance(inner, dict | list)]
        if not level:
            return
    raise AwsError("SerializationException", f"the body is nested more than {DEPTH_MAX} levels deep")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


@cache
def _input(service: str, operation: str) -> Convert | None:
    shape = operation_model(service, operation).input_shape
    return None if shape is None else Compiler().convert(shape)


class Compiler:
    """Turns shapes into converters; None where nothing needs converting."""

    def __init__(self) -> None:
        self._made: dict[str, Convert | None] = {}

    def convert(self, shape: Any) -> Convert | None:
        """Return the converter of `shape`, or None."""
        key = f"{shape.name}/{shape.serialization.get('timestampFormat', '')}"
        if key not in self._made:
            self._made[key] = lambda value: made(value) if (made := self._made[key]) else value
            self._made[key] = self._compile(shape) if _needs(shape, set()) else None
        return self._made[key]

    def _compile(self, shape: Any) -> Convert:
        match shape.type_name:
            case "timestamp":
                return _timestamp
            case "blob":
                return _blob
            case "structure":
                return self._structure(shape)
            case "list":
                each = self.convert(shape.member)
                return lambda value: [each(item) if each else item for item in value] if isinstance(value, list) else value
            case _:
                each = self.convert(shape.value)
                return lambda value: _values(each, value)

    def _structure(self, shape: Any) -> Convert:
        members = {member.serialization.get("name", name): (name, self.convert(member)) for name, member in shape.members.items()}

        def convert(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            found = {}
            for key, item in value.items():
                name, inner = members.get(key, (key, None))
                found[name] = inner(item) if inner else item
            return found

        return convert


def _values(each: Convert | None, value: Any) -> Any:
    if not isinstance(value, dict) or each is None:
        return value
    return {key: each(item) for key, item in value.items()}


def _needs(shape: Any, seen: set[str]) -> bool:
    if shape.name in seen:
        return False
    seen.add(shape.name)
    match shape.type_name:
        case "timestamp" | "blob":
            return True
        case "structure":
            renamed = any(member.serialization.get("name", name) != name for name, member in shape.members.items())
            return renamed or any(_needs(member, seen) for member in shape.members.values())
        case "list":
            return _needs(shape.member, seen)
        case "map":
            return _needs(shape.value, seen)
        case _:
            return False


def _timestamp(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return from_text(value)
    except ValueError:
        return value


def _blob(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return b64decode(value, validate=True)
    except binascii.Error:
        return value
