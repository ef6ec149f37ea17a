"""The `mainSteps` that Command and Automation documents have alike: a list of steps with an action and a name of its own."""

import re
from collections.abc import Iterator
from typing import Any


def problems(steps: Any, name_pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield what is wrong with the outline of `steps`."""
    if not isinstance(steps, list) or not steps:
        yield "mainSteps must be a list of at least one step"
        return
    seen: set[str] = set()
    for position, step in enumerate(steps):
        place = f"mainSteps[{position}]"
        if not isinstance(step, dict):
            yield f"{place} must be a mapping with name and action, found {step!r}"
            continue
        name = step.get("name")
        if not isinstance(name, str) or not name_pattern.fullmatch(name):
            yield f"{place}.name must match {name_pattern.pattern}, found {name!r}"
        elif name in seen:
            yield f"{place}.name {name!r} is used twice; each step has a name of its own"
        else:
            seen.add(name)
        if not isinstance(step.get("action"), str):
            yield f"{place}.action is missing"
        if not isinstance(step.get("inputs") or {}, dict):
            yield f"{place}.inputs must be a mapping"
