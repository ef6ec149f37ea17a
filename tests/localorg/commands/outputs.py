"""Every answer of the harness is held against the botocore model: no member that AWS does not have, no wrong type or word."""

from typing import Any

from localorg.protocol.models import operation_model

TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "boolean": bool,
    "timestamp": (int, float),
    "list": (list, tuple),
    "map": dict,
    "structure": dict,
}


def check_output(service: str, operation: str, output: dict[str, Any]) -> None:
    """Raise AssertionError with every place where `output` is not of the model."""
    shape = operation_model(service, operation).output_shape
    problems = [f"{operation} has no output, found {sorted(output)}"] if shape is None and output else []
    if shape is not None:
        problems = list(_problems(shape, output, operation))
    assert problems == []


def _problems(shape: Any, value: Any, place: str):
    if not isinstance(value, TYPES[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{place}: expected {shape.type_name}, found {value!r}"
        return
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                if name not in shape.members:
                    yield f"{place}: no member {name}"
                else:
                    yield from _problems(shape.members[name], member, f"{place}.{name}")
        case "list":
            for number, item in enumerate(value):
                yield from _problems(shape.member, item, f"{place}[{number}]")
        case "map":
            for key, item in value.items():
                yield from _problems(shape.value, item, f"{place}[{key}]")
        case "string" if value:
            yield from _text_problems(shape, value, place)


def _text_problems(shape: Any, value: str, place: str):
    # AWS answers with empty texts where a member is not set, whatever the model's enum or minimum says.
    if shape.enum and value not in shape.enum:
        yield f"{place}: {value!r} is none of {shape.enum}"
    if len(value) > shape.metadata.get("max", len(value)):
        yield f"{place}: {len(value)} characters, at most {shape.metadata['max']}"
