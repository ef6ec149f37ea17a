"""Refuses what AWS would refuse: parameters are checked against the botocore model, all problems at once, in AWS's words.

Flow: shape -> (once) closures for type, required, pattern, enum, minima and maxima -> `validate(service, operation, params)`
walks only the params that are there -> nothing, or one AwsError that lists every problem.
Rules: bounds, patterns and enums hold for engines' calls as for the wire's. Members that the model does not have are refused by name.
Refuses to know: what an operation means; relations between members are the engines' business.

AWS: "N validation errors detected: Value 'v' at 'place' failed to satisfy constraint: ..." is what its JSON and query services answer.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from localorg.protocol.calls import Params
from localorg.protocol.models import operation_model, protocol_of
from localorg.protocol.patterns import compiled
from localorg.protocol.problems import Kind, Problem, java_text, refusal

Check = Callable[[Any, str, list[Problem]], None]
Constraint = tuple[Callable[[Any], bool], str]
"""(does the value satisfy it?, AWS's words for it)"""

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float),
    "blob": (bytes, bytearray, memoryview),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
}
LOOSENED = frozenset({"TargetLocationsURL"})
"""Shapes whose pattern is the engine's business.

DEVIATES: a TargetLocationsURL may also name this organization's own endpoint, because that is where a client that talks to it presigns.
"""
INTEGER_BOUNDS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


def validate(service: str, operation: str, params: Params, unbounded: frozenset[str] = frozenset()) -> None:
    """Check `params` against the input of `service`:`operation`. Raises AwsError naming every problem.

    The maximal lengths of the shapes in `unbounded` are not enforced.
    """
    problems: list[Problem] = []
    _operation_check(service, operation, unbounded)(params, "", problems)
    if problems:
        raise refusal(service, protocol_of(service), operation, problems)


@cache
def _operation_check(service: str, operation: str, unbounded: frozenset[str]) -> Check:
    shape = operation_model(service, operation).input_shape
    return _nothing_expected if shape is None else _compiler(service, unbounded).check(shape)


@cache
def _compiler(service: str, unbounded: frozenset[str]) -> "Compiler":
    return Compiler(service, unbounded)


def _nothing_expected(params: Any, _place: str, problems: list[Problem]) -> None:
    problems.extend(_unknown(name, name, {}) for name in params)


def _unknown(name: str, place: str, members: Any) -> Problem:
    known = ", ".join(members) or "none"
    return Problem(Kind.UNKNOWN, place, name, f"is not a member; the members are: {known}")


class Compiler:
    """Turns the shapes of one service into checks; each shape once, so that recursive shapes end."""

    def __init__(self, service: str, unbounded: frozenset[str] = frozenset()) -> None:
        self.service = service
        self._unbounded = unbounded
        self._checks: dict[str, Check] = {}

    def check(self, shape: Any) -> Check:
        """Return the check of `shape`."""
        name = shape.name
        if name not in self._checks:
            self._checks[name] = self._late(name)
            self._checks[name] = self._compile(shape)
        return self._checks[name]

    def _late(self, name: str) -> Check:
        """A stand-in while the shape is being compiled, for shapes that contain themselves."""

        def check(value: Any, place: str, problems: list[Problem]) -> None:
            self._checks[name](value, place, problems)

        return check

    def _compile(self, shape: Any) -> Check:
        if getattr(shape, "is_document_type", False) or shape.serialization.get("eventstream"):
            return lambda _value, _place, _problems: None
        match shape.type_name:
            case "structure":
                inner = self._structure(shape)
            case "list":
                inner = self._list(shape)
            case "map":
                inner = self._map(shape)
            case _:
                inner = self._constrained(shape)
        return _typed(shape.type_name, inner)

    def _constraints(self, shape: Any) -> list[Constraint]:
        return _constraints(shape, is_bounded=shape.name not in self._unbounded)

    def _constrained(self, shape: Any) -> Check:
        return _constrained(shape, self._constraints(shape))

    def _structure(self, shape: Any) -> Check:
        required = tuple(shape.required_members)
        members = shape.members
        checks = {name: (self.check(member), _lower_first(name)) for name, member in members.items()}

        def check(value: Any, place: str, problems: list[Problem]) -> None:
            prefix = f"{place}." if place else ""
            problems.extend(
                Problem(Kind.MISSING, prefix + _lower_first(name), None, "Member must not be null")
                for name in required
                if name not in value
            )
            for name, item in value.items():
                known = checks.get(name)
                if known is None:
                    problems.append(_unknown(name, prefix + str(name), members))
                else:
                    known[0](item, prefix + known[1], problems)

        return check

    def _list(self, shape: Any) -> Check:
        own = self._constrained(shape)
        member = shape.member
        constraints = self._constraints(member)
        if member.type_name in {"structure", "list", "map"} or not constraints:
            each = self.check(member)

            def check(value: Any, place: str, problems: list[Problem]) -> None:
                own(value, place, problems)
                for number, item in enumerate(value, 1):
                    each(item, f"{place}.{number}.member", problems)

            return check
        return _each_scalar(own, member.type_name, constraints, "Member must satisfy constraint", lambda value: value)

    def _map(self, shape: Any) -> Check:
        own = self._constrained(shape)
        keys = _each_scalar(own, "string", self._constraints(shape.key), "Map keys must satisfy constraint", lambda value: value)
        if shape.value.type_name not in {"structure", "list", "map"}:
            return _each_scalar(
                keys,
                shape.value.type_name,
                self._constraints(shape.value),
                "Map value must satisfy constraint",
                lambda value: value.values(),
            )
        each = self.check(shape.value)

        def check(value: Any, place: str, problems: list[Problem]) -> None:
            keys(value, place, problems)
            for key, item in value.items():
                each(item, f"{place}.{key}.member", problems)

        return check


def _typed(type_name: str, inner: Check) -> Check:
    expected = TYPES[type_name]
    also_bool = type_name == "boolean"

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        if not isinstance(value, expected) or (isinstance(value, bool) and not also_bool):
            problems.append(Problem(Kind.TYPE, place, value, f"must be a {type_name}, found {type(value).__name__}"))
            return
        inner(value, place, problems)

    return check


def _constrained(shape: Any, constraints: list[Constraint]) -> Check:
    sensitive = bool(shape.metadata.get("sensitive"))

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        for holds, words in constraints:
            if not holds(value):
                shown = None if sensitive else java_text(value)
                problems.append(Problem(Kind.CONSTRAINT, place, shown, words, sensitive=sensitive))

    return check


def _each_scalar(own: Check, type_name: str, constraints: list[Constraint], intro: str, items: Callable[[Any], Any]) -> Check:
    """AWS names the whole list or map, and all constraints of its scalar members, when one member fails."""
    expected = TYPES[type_name]
    words = f"{intro}: [{', '.join(text for _, text in constraints)}]"

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        own(value, place, problems)
        for item in items(value):
            if not isinstance(item, expected) or (isinstance(item, bool) and type_name != "boolean"):
                problems.append(Problem(Kind.TYPE, place, item, f"must hold {type_name} values, found {type(item).__name__}"))
            elif not all(holds(item) for holds, _ in constraints):
                problems.append(Problem(Kind.CONSTRAINT, place, java_text(value), words))
                return

    return check


def _constraints(shape: Any, *, is_bounded: bool) -> list[Constraint]:
    metadata, kind = shape.metadata, shape.type_name
    found: list[Constraint] = []
    if kind in {"integer", "long", "float", "double"}:
        found += _number_bounds(kind, metadata.get("min"), metadata.get("max"))
    elif kind in {"string", "list", "map", "blob"}:
        found += _length_bounds(metadata.get("min"), metadata.get("max") if is_bounded else None)
    if kind == "string" and metadata.get("pattern") and shape.name not in LOOSENED:
        whole = compiled(metadata["pattern"]).fullmatch
        found.append(
            (lambda value: whole(value) is not None, f"Member must satisfy regular expression pattern: {metadata['pattern']}")
        )
    if kind == "string" and metadata.get("enum"):
        allowed = frozenset(metadata["enum"])
        found.append((lambda value: value in allowed, f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]"))
    return found


def _length_bounds(least: int | None, most: int | None) -> list[Constraint]:
    found: list[Constraint] = []
    if most is not None:
        found.append((lambda value: len(value) <= most, f"Member must have length less than or equal to {most}"))
    if least:
        found.append((lambda value: len(value) >= least, f"Member must have length greater than or equal to {least}"))
    return found


def _number_bounds(kind: str, least: float | None, most: float | None) -> list[Constraint]:
    widest = INTEGER_BOUNDS.get(kind, (None, None))
    low = least if least is not None else widest[0]
    high = most if most is not None else widest[1]
    found: list[Constraint] = []
    if high is not None:
        found.append((lambda value: value <= high, f"Member must have value less than or equal to {high}"))
    if low is not None:
        found.append((lambda value: value >= low, f"Member must have value greater than or equal to {low}"))
    return found


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
