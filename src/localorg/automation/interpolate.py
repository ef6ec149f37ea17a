"""References in runbooks: `{{ Parameter }}`, `{{ step.Output }}`, `{{ global:REGION }}`, `{{ variable:x }}`.

Flow: any JSON value + a lookup -> the value with every reference replaced.
Rules: a reference that is the whole text keeps its type; inside longer text it becomes text, JSON when it is none yet; a whole
reference to a list that stands as an item of a list brings its items (the guide's example of executeAutomation does so). Blanks
inside the braces do not matter. References do not nest, and what was put in is not looked at again.
Refuses to know: where values come from.
AWS: user guide, automation-variables and automation-actions ("reference outputs from earlier steps").
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

REFERENCE = re.compile(r"\{\{\s*([\w.:/-]+)\s*\}\}")
Lookup = Callable[[str], Any]


class Unresolved(Exception):
    """A reference has no value (yet); the text says which and why."""


def whole(text: str) -> str | None:
    """Return the reference that `text` consists of, or None."""
    found = REFERENCE.fullmatch(text.strip())
    return found[1] if found else None


def references(value: Any) -> Iterator[str]:
    """Yield every reference in `value`, at any depth, keys of mappings included."""
    match value:
        case str():
            yield from REFERENCE.findall(value)
        case dict():
            for key, inner in value.items():
                yield from references(key)
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)
        case _:
            return


def interpolate(value: Any, lookup: Lookup) -> Any:
    """Return `value` with its references replaced. Raises Unresolved."""
    match value:
        case str():
            name = whole(value)
            return lookup(name) if name else REFERENCE.sub(lambda found: as_text(lookup(found[1])), value)
        case dict():
            return {str(interpolate(key, lookup)): interpolate(inner, lookup) for key, inner in value.items()}
        case list():
            return [item for inner in value for item in _items(inner, lookup)]
        case _:
            return value


def _items(inner: Any, lookup: Lookup) -> list[Any]:
    replaced = interpolate(inner, lookup)
    is_list = isinstance(inner, str) and isinstance(replaced, list)
    return replaced if is_list else [replaced]


def as_text(value: Any) -> str:
    """Return `value` as it stands inside longer text. # ASSUMED: JSON for everything that is no text."""
    return value if isinstance(value, str) else json.dumps(value)
