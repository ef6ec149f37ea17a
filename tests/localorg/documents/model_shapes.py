"""Does an answer have the shape of the model? Unknown members and wrong types would be lost or break on the wire."""

from typing import Any

from localorg.protocol.models import operation_model

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "timestamp": (float, int),
}


def strangers(operation: str, output: dict[str, Any]) -> list[str]:
    """Return the places of `output` that the output shape of an ssm operation does not know or types otherwise."""
    shape = operation_model("ssm", operation).output_shape
    return _strangers(shape, output, operation) if shape else list(output)


def _strangers(shape: Any, value: Any, place: str) -> list[str]:
    match shape.type_name:
        case "structure":
            unknown = [f"{place}.{name}" for name in value if name not in shape.members]
            known = [(shape.members[name], one, f"{place}.{name}") for name, one in value.items() if name in shape.members]
            return unknown + [found for item in known for found in _strangers(*item)]
        case "list":
            return [found for one in value for found in _strangers(shape.member, one, f"{place}[]")]
        case "map":
            return [found for name, one in value.items() for found in _strangers(shape.value, one, f"{place}.{name}")]
    return [] if isinstance(value, TYPES[shape.type_name]) else [f"{place} is {value!r}"]
