"""The small JSONPath of runbooks: `$.Reservations[0].Instances[*].Id`, `$..Name`, `$['a key'].b`.

Flow: text -> `parse` (once, cached) -> segments -> `select(value)` -> one value, a list (after `*` or `..`), or MISSING.
Rules: a path begins with `$`. Without `*`, a slice or `..` it means one place; when nothing is there the result is MISSING, no error.
Refuses to know: filters and scripts (`?()`). # DEVIATES: a runbook whose selector has one is refused when it is created; the guide shows
none, but AWS may take them.
AWS: user guide, automation-action-outputs-inputs, "Using JSONPath in runbooks".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final


class Missing:
    """Nothing stands where a path points to."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
_SEGMENT = re.compile(
    r"\.\.(?P<deep>\*|[\w-]+)"
    r"|\.(?P<child>\*|[\w:-]+)"
    r"|\[(?P<index>-?\d+)\]"
    r"|\[(?P<start>-?\d*):(?P<stop>-?\d*)\]"
    r"|\[(?P<all>\*)\]"
    r"|\[(?P<quote>['\"])(?P<key>.*?)(?P=quote)\]"
)


class PathError(ValueError):
    """A text is no JSONPath that runbooks may use; says where it stops being one."""


@dataclass(frozen=True)
class Segment:
    """One step of a path. kind: child, index, slice, every, deep."""

    kind: str
    name: str = ""
    index: int = 0
    stop: int | None = None
    start: int | None = None


@lru_cache(maxsize=2048)
def parse(path: str) -> tuple[Segment, ...]:
    """Return the segments of `path`. Raises PathError."""
    if not path.startswith("$"):
        raise PathError(f"a JSONPath begins with $, found {path!r}")
    position, segments = 1, []
    while position < len(path):
        found = _SEGMENT.match(path, position)
        if found is None:
            raise PathError(f"{path!r} is no JSONPath that runbooks know, from {path[position:]!r} on")
        segments.append(_segment(found))
        position = found.end()
    return tuple(segments)


def _segment(found: re.Match[str]) -> Segment:
    parts = found.groupdict()
    if parts["deep"]:
        return Segment("deep", parts["deep"])
    if parts["child"]:
        return Segment("every") if parts["child"] == "*" else Segment("child", parts["child"])
    if parts["index"]:
        return Segment("index", index=int(parts["index"]))
    if parts["all"]:
        return Segment("every")
    if parts["key"] is not None:
        return Segment("child", parts["key"])
    return Segment("slice", start=_number(parts["start"]), stop=_number(parts["stop"]))


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def rooted(path: str) -> str:
    """Return `path` with the $ that some write without; whether it may be left out is asked when a runbook is created."""
    return path if path.startswith("$") else f"$.{path}"


def select(path: str, value: Any) -> Any:
    """Return what `path` points to in `value`: one value, or a list when it can mean many places. MISSING when nothing is there."""
    segments = parse(rooted(path))
    found = [value]
    for segment in segments:
        found = [inner for outer in found for inner in _step(segment, outer)]
    if any(segment.kind in {"every", "deep", "slice"} for segment in segments):
        return found
    return found[0] if found else MISSING


def _step(segment: Segment, value: Any) -> Iterator[Any]:
    match segment.kind:
        case "child" if isinstance(value, dict) and segment.name in value:
            yield value[segment.name]
        case "index" if isinstance(value, list) and -len(value) <= segment.index < len(value):
            yield value[segment.index]
        case "slice" if isinstance(value, list):
            yield from value[segment.start : segment.stop]
        case "every":
            yield from _children(value)
        case "deep":
            yield from _descend(segment.name, value)
        case _:
            return


def _children(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _descend(name: str, value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if name == "*":
            yield from _children(here)
        elif isinstance(here, dict) and name in here:
            yield here[name]
        waiting.extend(reversed(_children(here)))
