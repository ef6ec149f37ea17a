"""REST requests: which operation a method, path and query belong to, and the parameters from path, query, headers and body.

Flow: the model's `GET /{Bucket}/{Key+}?uploads` templates -> routes, the most particular first -> `operation_of`; then each input member
is read from the place that its shape names.
Rules: rest-json bodies are read along the model. Of rest-xml (S3) only path, query and headers are read: that is what authorisation
needs; the body goes to whoever performs the call, untouched.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from localorg.kernel.errors import NotSupported
from localorg.protocol import parse_json
from localorg.protocol.calls import Params
from localorg.protocol.http import WireRequest
from localorg.protocol.models import operation_model, protocol_of, service_model
from localorg.protocol.parse_query import SCALARS


@dataclass(frozen=True)
class Route:
    """One operation's place: method, path, literal query parameters, and required ones of the model."""

    operation: str
    method: str
    path: re.Pattern[str]
    literals: frozenset[tuple[str, str]]
    required_query: frozenset[str]
    required_headers: frozenset[str]
    rank: tuple[int, int, int]

    def fits(self, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> bool:
        """Say whether a request is for this operation."""
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(name in query and (not value or value in query[name]) for name, value in self.literals)
            and self.required_query <= query.keys()
            and self.required_headers <= headers.keys()
        )


def operation_of(service: str, request: WireRequest) -> str:
    """Return the operation that method, path and query call. Raises NotSupported."""
    query = parse_qs(request.query, keep_blank_values=True)
    path = request.path if len(request.path) == 1 else request.path.rstrip("/") if request.path.count("/") == 2 else request.path
    for route in _routes(service):
        if route.fits(request.method, path, query, request.headers):
            return route.operation
    raise NotSupported(f"{request.method} {request.path}{'?' if request.query else ''}{request.query}", service)


@cache
def _routes(service: str) -> tuple[Route, ...]:
    model = service_model(service)
    found = [_route(service, name) for name in model.operation_names]
    return tuple(sorted(found, key=lambda route: route.rank, reverse=True))


def _route(service: str, name: str) -> Route:
    model = operation_model(service, name)
    template, _, literal_text = model.http["requestUri"].partition("?")
    literals = frozenset((part.partition("=")[0], part.partition("=")[2]) for part in literal_text.split("&") if part)
    shape = model.input_shape
    required = [shape.members[member] for member in shape.required_members] if shape else []
    places = [(member.serialization.get("location"), str(member.serialization.get("name", ""))) for member in required]
    query = frozenset(wire for place, wire in places if place == "querystring")
    headers = frozenset(wire.lower() for place, wire in places if place == "header")
    pattern = re.compile(_PLACEHOLDER.sub(_group, re.sub(r"[.()^$*?]", r"\\\g<0>", template).rstrip("/") or "/"))
    literal_path = len(_PLACEHOLDER.sub("", template))
    return Route(
        name, model.http["method"], pattern, literals, query, headers, (literal_path, len(literals) + len(query), len(headers))
    )


_PLACEHOLDER = re.compile(r"\{(\w+)(\+?)\}")


def _group(found: re.Match[str]) -> str:
    return f"(?P<{found[1]}>.+)" if found[2] else f"(?P<{found[1]}>[^/]+)"


def parse(service: str, operation: str, request: WireRequest) -> Params:
    """Return the parameters of `request`."""
    model = operation_model(service, operation)
    shape = model.input_shape
    if shape is None:
        return {}
    route = next(route for route in _routes(service) if route.operation == operation)
    # A slash at the end is part of a key, but not of a bucket: `/bucket/` is the bucket.
    found = route.path.fullmatch(request.path) or route.path.fullmatch(request.path.rstrip("/") or "/")
    labels = {name: unquote(value) for name, value in (found.groupdict() if found else {}).items()}
    query = parse_qs(request.query, keep_blank_values=True)
    params: Params = {}
    for name, member in shape.members.items():
        value = _from_outside(member, name, labels, query, request.headers)
        if value is not None:
            params[name] = value
    if protocol_of(service) == "rest-json":
        params |= _from_body(shape, request.body)
    return params


def _from_outside(
    member: Any, name: str, labels: Mapping[str, str], query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> Any:
    wire = str(member.serialization.get("name", name))
    match member.serialization.get("location"):
        case "uri":
            return _typed(member, labels.get(wire))
        case "querystring":
            return _from_query(member, query.get(wire))
        case "header":
            return _typed(member, headers.get(wire.lower()))
        case "headers":
            prefix = wire.lower()
            return {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)} or None
        case _:
            return None


def _from_query(member: Any, values: list[str] | None) -> Any:
    if values is None or member.type_name == "map":
        return None
    return [_typed(member.member, value) for value in values] if member.type_name == "list" else _typed(member, values[0])


def _typed(shape: Any, text: str | None) -> Any:
    if text is None:
        return None
    convert: Callable[[str], Any] | None = SCALARS.get(shape.type_name)
    if convert is None:
        return [part.strip() for part in text.split(",")] if shape.type_name == "list" else text
    try:
        return convert(text)
    except ValueError:
        return text


def _from_body(shape: Any, body: bytes) -> Params:
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in {"blob", "string"}:
        return {payload: body if shape.members[payload].type_name == "blob" else body.decode("utf-8")}
    content = parse_json.loaded(body)
    target = shape.members[payload] if payload else shape
    convert = parse_json.Compiler().convert(target)
    params = convert(content) if convert else content
    return {payload: params} if payload else params
