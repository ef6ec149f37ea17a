"""Every limit of the models, on every supported operation: the last value that is allowed, and the first that is not."""

from collections.abc import Iterator
from typing import Any

import pytest
from server.fuzz.guesses import fitting

from localorg.kernel.errors import AwsError
from localorg.protocol.models import operation_model
from localorg.protocol.validate import validate
from tools.docs.supported import engines_in_memory

OPERATIONS = engines_in_memory().gateway.operations()
SERVICES = sorted({service for service, _ in OPERATIONS})
WITHOUT_LIMITS = frozenset({"ec2", "ec2messages", "ssmmessages"})
"""The models of these say no limits on what is offered here (those of the agent are ours, and say nothing that was not seen)."""
TEXT_MAX = 100_000
"""Limits above this are checked for the text that is too long only where it stays small enough to make."""
LIST_MAX = 2_000


def good(shape: Any) -> Any:
    """Return a small value that a shape allows, or None where this test cannot think of one."""
    data = shape.metadata
    match shape.type_name:
        case "structure":
            return {name: good(shape.members[name]) for name in shape.required_members}
        case "list":
            return [good(shape.member)] * max(data.get("min", 0), 1)
        case "map":
            return {good(shape.key): good(shape.value)}
        case "string":
            options = shape.enum or fitting(data.get("pattern", ""), data.get("min", 0), data.get("max", TEXT_MAX))
            return options[0] if options else None
        case "integer" | "long" | "float" | "double":
            return data.get("min", 1)
        case "boolean":
            return True
        case "timestamp":
            return 1_800_000_000.0
        case _:
            return b"x"


def lacks_something(value: Any) -> bool:
    """Say whether `good` could not think of a part of a value, however deep it lies."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(lacks_something, parts))


def beyond(shape: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is just outside a shape's limits, with the name of the limit."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    match shape.type_name:
        case "string" if shape.enum:
            yield "enum", "NoneOfThese"
        case "string":
            yield from (("max", "a" * (most + 1)),) if most is not None and most <= TEXT_MAX else ()
            yield from (("min", "a" * (least - 1)),) if least else ()
        case "list":
            one = good(shape.member)
            yield from (("max", [one] * (most + 1)),) if most is not None and most <= LIST_MAX and one is not None else ()
            yield from (("min", []),) if least else ()
        case "integer" | "long":
            yield from (("max", most + 1),) if most is not None else ()
            yield from (("min", least - 1),) if least is not None else ()


def cases(service: str, operation: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield calls that are right but for one member."""
    shape = operation_model(service, operation).input_shape
    if shape is None:
        return
    whole = good(shape)
    for name, member in shape.members.items():
        for limit, value in beyond(member):
            yield f"{name} {limit}", {**whole, name: value}


def refusal_of(service: str, operation: str, params: dict[str, Any]) -> str:
    try:
        validate(service, operation, params)
    except AwsError as refusal:
        return refusal.message.lower()
    return ""


@pytest.mark.parametrize("service", SERVICES)
def test_one_beyond_a_limit_is_refused_and_named(service: str) -> None:
    """Documented: the models' min, max and enum. The refusal is typed and tells the member that is wrong."""
    tried = [
        (operation, place, refusal_of(service, operation, params))
        for operation in (its for of, its in OPERATIONS if of == service)
        for place, params in cases(service, operation)
    ]
    assert tried or service in WITHOUT_LIMITS
    assert [(operation, place) for operation, place, told in tried if place.split(" ")[0].lower() not in told] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_small_right_call_is_not_refused_by_the_models(service: str) -> None:
    """What keeps to every limit passes the models, wherever this test can think of a value for each required member."""
    for operation in (its for of, its in OPERATIONS if of == service):
        shape = operation_model(service, operation).input_shape
        if shape is not None and not lacks_something(whole := good(shape)):
            validate(service, operation, whole)
