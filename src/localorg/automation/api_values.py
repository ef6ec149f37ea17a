"""Between a runbook's JSON and an API call: names of operations, and values in the shape of the botocore model.

Flow: Service, Api -> operation; inputs -> params (text becomes blobs and timestamps where the model has such); output -> JSON
(timestamps become ISO 8601 text, blobs text), which is what selectors see.
Rules: no other coercion: what the model refuses is refused. Streams are not for runbooks.
AWS: user guide, automation-action-executeAwsApi: "Streaming API operations ... aren't supported".
"""

import base64
from functools import cache
from typing import Any

from localorg.kernel.errors import NotSupported
from localorg.protocol import times
from localorg.protocol.models import operation_model, service_model


class UnknownApi(ValueError):
    """A service or operation that cannot be called from a runbook; the text names it."""


@cache
def operation_named(service: str, api: str) -> str:
    """Return the model's operation for `api`, written as in the API or as boto3's method. Raises UnknownApi."""
    try:
        model = service_model(service)
    except NotSupported as refusal:
        raise UnknownApi(refusal.message) from None
    wanted = api.replace("_", "").lower()
    for name in model.operation_names:
        if name.lower() == wanted:
            return _without_stream(service, str(name))
    raise UnknownApi(f"the service {service} has no operation {api}")


def _without_stream(service: str, operation: str) -> str:
    model = operation_model(service, operation)
    if model.has_streaming_output or model.has_streaming_input or model.has_event_stream_output:
        raise UnknownApi(f"{service}:{operation} streams, and runbooks cannot call streaming operations")
    return operation


def to_params(service: str, operation: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return `inputs` as params. Raises ValueError for a text that is no timestamp."""
    shape = operation_model(service, operation).input_shape
    return {name: _in(shape.members[name], value) if shape and name in shape.members else value for name, value in inputs.items()}


def _in(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "blob" if isinstance(value, str):
            return value.encode()
        case "timestamp" if isinstance(value, str):
            return times.from_text(value)
        case "structure" if isinstance(value, dict):
            return {name: _in(shape.members[name], inner) if name in shape.members else inner for name, inner in value.items()}
        case "list" if isinstance(value, list):
            return [_in(shape.member, inner) for inner in value]
        case "map" if isinstance(value, dict):
            return {name: _in(shape.value, inner) for name, inner in value.items()}
        case _:
            return value


def to_json(service: str, operation: str, output: dict[str, Any]) -> Any:
    """Return an output as the JSON that selectors look into."""
    shape = operation_model(service, operation).output_shape
    return output if shape is None else _out(shape, output)


def _out(shape: Any, value: Any) -> Any:
    kind = None if value is None else shape.type_name
    match kind:
        case "blob" if not isinstance(value, str):
            result: Any = _blob_text(bytes(value))
        case "timestamp" if isinstance(value, int | float):
            result = times.iso8601(float(value))
        case "structure":
            result = {name: _out(shape.members[name], inner) for name, inner in value.items() if name in shape.members}
        case "list":
            result = [_out(shape.member, inner) for inner in value]
        case "map":
            result = {str(name): _out(shape.value, inner) for name, inner in value.items()}
        case _:
            result = value
    return result


def _blob_text(content: bytes) -> str:
    """# ASSUMED: bytes that are text are shown as text, others in base 64."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
