"""References in runbooks: `{{ Parameter }}`, `{{ step.Output }}`, `{{ global:REGION }}`, `{{ variable:x }}`.

Flow: any JSON value + a lookup -> the value with every reference replaced.
Rules: a reference that is the whole text keeps its type; inside longer text it becomes text, rendered when it is none yet; a whole
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
Render = Callable[[Any], str]


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


def interpolate(value: Any, lookup: Lookup, render: Render | None = None) -> Any:
    """Return `value` with its references replaced, `render` telling how a value stands inside longer text. Raises Unresolved."""
    render = render or as_text
    match value:
        case str():
            name = whole(value)
            return lookup(name) if name else REFERENCE.sub(lambda found: render(lookup(found[1])), value)
        case dict():
            return {str(interpolate(key, lookup, render)): interpolate(inner, lookup, render) for key, inner in value.items()}
        case list():
            return [item for inner in value for item in _items(inner, lookup, render)]
        case _:
            return value


def _items(inner: Any, lookup: Lookup, render: Render) -> list[Any]:
    replaced = interpolate(inner, lookup, render)
    is_list = isinstance(inner, str) and isinstance(replaced, list)
    return replaced if is_list else [replaced]


def as_text(value: Any) -> str:
    """Return `value` as text: JSON for everything that is none. # ASSUMED: without blanks, as AWS prints the outputs of scripts."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def java_text(value: Any) -> str:
    """Return `value` as Java prints it, which is how Automation may put collections into text."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}={java_text(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(java_text(inner) for inner in value) + "]"
        case _:
            return as_text(value)
