"""Content as text: JSON or YAML in, plain values out, and back again in the other format.

Flow: text -> `read` -> dict, or a sentence that says why not. `write` is the way back for GetDocument.DocumentFormat.
Rules: YAML is read as AWS's reader does: only true and false are booleans, and a date stays text. # ASSUMED: no reference names
the YAML dialect; the runbooks that AWS publishes carry bare dates and words such as `on` as strings.
Refuses to know: what a document means.
"""

import json
import re
from functools import lru_cache
from typing import Any

import yaml

from localorg.kernel.yaml_text import load_yaml

NODES_MAX = 200_000
"""Values that 64 KB may unfold to. YAML aliases multiply without growing the text, so the text's size bounds nothing."""

DEPTH_MAX = 100
"""ASSUMED: AWS has a limit too and does not publish it; everything behind this door walks values by recursion."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class _Loader(yaml.CSafeLoader):
    """SafeLoader without timestamps and with JSON's booleans"""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


class Unreadable(Exception):
    """The text is not in the format that it claims; the message says where."""


def read(text: str, form: str) -> dict[str, Any]:
    """Return the mapping that `text` holds. `form` is JSON or YAML. Raises Unreadable."""
    try:
        value = json.loads(text if form == "JSON" else _unfolded(text))
    except (ValueError, yaml.YAMLError) as problem:
        hint = "; pass DocumentFormat=YAML for YAML" if form == "JSON" and text.lstrip()[:1] not in ("{", "[") else ""
        raise Unreadable(f"the content is not {form}: {_one_line(problem)}{hint}") from None
    except RecursionError:
        raise Unreadable(f"the content is not {form} of a sensible depth") from None
    if not isinstance(value, dict):
        raise Unreadable(f"the content must be a mapping, found {_kind(value)}")
    _check_size(value)
    if _LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise Unreadable("the content has half of a surrogate pair (\\ud800 to \\udfff), which is no character")
    return value


@lru_cache(maxsize=64)
def _unfolded(text: str) -> str:
    """Return the YAML `text` as JSON. Each run of a runbook reads it again, and YAML takes fifty times as long to read as JSON."""
    value = load_yaml(text, _Loader)
    _check_size(value)
    return json.dumps(value)


def write(value: dict[str, Any], form: str) -> str:
    """Return `value` as JSON or YAML text."""
    if form == "JSON":
        return json.dumps(value, ensure_ascii=False)
    dumped: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return dumped


def _check_size(value: Any) -> None:
    seen = 0
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        seen += 1
        if depth > DEPTH_MAX:
            raise Unreadable(f"the content is nested more than {DEPTH_MAX} levels deep")
        if seen > NODES_MAX:
            raise Unreadable(f"the content unfolds to more than {NODES_MAX} values: too many YAML aliases")
        if isinstance(item, dict):
            wrong = [key for key in item if not isinstance(key, str)]
            if wrong:
                raise Unreadable(f"keys must be strings; put quotes around {', '.join(map(repr, wrong))}")
            stack.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            stack.extend((inner, depth + 1) for inner in item)
        elif item is not None and not isinstance(item, str | int | float | bool):
            raise Unreadable(f"a value of type {type(item).__name__} cannot stand in a document")


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())


def _kind(value: Any) -> str:
    return {list: "a list", str: "a string", type(None): "nothing"}.get(type(value), f"a {type(value).__name__}")
