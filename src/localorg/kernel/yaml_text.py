"""YAML of strangers, read by libyaml: ten times as fast as PyYAML's own reader, once it is known that the text is not too deep.

Rules: libyaml's composer calls itself for each level and would end the process; so the events are looked at before, which takes a third of
the time. Refuses to know: what the text is for.
"""

from collections.abc import Iterator
from typing import Any

import yaml

DEPTH_MAX = 500


def bounded_events(text: str) -> Iterator[yaml.Event]:
    """The events of a text. Raises yaml.YAMLError, and RecursionError below DEPTH_MAX."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            raise RecursionError(f"YAML of more than {DEPTH_MAX} levels")
        yield event


def load_yaml(text: str, loader: type[yaml.CSafeLoader]) -> Any:
    """The value of a text, by a loader that derives from CSafeLoader. Raises as `bounded_events` does."""
    for _ in bounded_events(text):
        pass
    return yaml.load(text, Loader=loader)  # noqa: S506 - the loader derives from CSafeLoader
