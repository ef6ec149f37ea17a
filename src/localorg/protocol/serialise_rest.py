"""Outputs of rest-json: the model says which members are headers, which one is the status, and what is the body.

Refuses rest-xml: S3 is answered by whoever performs it, never from here.
"""

from functools import cache
from typing import Any

import orjson

from localorg.kernel.errors import NotSupported
from localorg.protocol.calls import Output
from localorg.protocol.http import WireResponse
from localorg.protocol.models import operation_model, protocol_of
from localorg.protocol.serialise_json import Compiler
from localorg.protocol.times import in_format


def response(service: str, operation: str, output: Output, request_id: str) -> WireResponse:
    """Return the rest-json response for `output`."""
    if protocol_of(service) != "rest-json":
        raise NotSupported(f"answering {service}:{operation} with an engine of its own (S3 is borrowed)")
    model = operation_model(service, operation)
    shape = model.output_shape
    status = int(model.http.get("responseCode", 200))
    headers = {"content-type": "application/json", "x-amzn-requestid": request_id}
    if shape is None:
        return WireResponse(status, headers, b"")
    inside: Output = {}
    for name, value in output.items():
        member = shape.members.get(name)
        match member.serialization.get("location") if member is not None else None:
            case "statusCode":
                status = int(value)
            case "header" if member is not None:
                headers[str(member.serialization.get("name", name)).lower()] = _header(member, value)
            case _:
                inside[name] = value
    return WireResponse(status, headers, _body(service, operation, shape, inside))


def _header(member: Any, value: Any) -> str:
    match member.type_name:
        case "timestamp":
            return str(in_format(value, member.serialization.get("timestampFormat", "rfc822")))
        case "boolean":
            return "true" if value else "false"
        case _:
            return str(value)


def _body(service: str, operation: str, shape: Any, inside: Output) -> bytes:
    payload = shape.serialization.get("payload")
    if payload is None:
        return orjson.dumps(_compiler(service, operation).convert(shape)(inside))
    value = inside.get(payload)
    if value is None:
        return b""
    if isinstance(value, bytes | str):
        return value if isinstance(value, bytes) else value.encode("utf-8")
    return orjson.dumps(_compiler(service, operation).convert(shape.members[payload])(value))


@cache
def _compiler(service: str, operation: str) -> Compiler:
    return Compiler(f"{service}:{operation}")
