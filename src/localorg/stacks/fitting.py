"""Template values to API values: CloudFormation's "true" and 3600 become what the operation's model wants.

Flow: (service, operation, params) -> the same, with scalars turned by the botocore model's types. What does not fit stays as it
is, for the gateway's validator to refuse in AWS's words.
"""

import json
from collections.abc import Mapping
from typing import Any

from localorg.protocol.models import operation_model


def fitted(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params` with scalars in the types of the operation's input."""
    shape = operation_model(service, operation).input_shape
    return dict(_fit(dict(params), shape)) if shape is not None else dict(params)


def _fit(value: Any, shape: Any) -> Any:
    match shape.type_name, value:
        case "structure", dict():
            return {key: _fit(inner, shape.members[key]) if key in shape.members else inner for key, inner in value.items()}
        case "list", list():
            return [_fit(inner, shape.member) for inner in value]
        case "map", dict():
            return {str(key): _fit(inner, shape.value) for key, inner in value.items()}
        case kind, _:
            return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in ("integer", "long") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return _text(value) if kind == "string" else value


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value) if isinstance(value, dict) else value
