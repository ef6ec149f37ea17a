"""Do the jumps of a runbook lead to steps that exist, and never back? Pure.

AWS: user guide, automation-actions, "Properties shared by all actions"; automation-branch-condition, on loops formed by jumps.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions import ACTIONS
from localorg.automation.actions import branch as branch_action

NOT_AFTER_CANCEL = frozenset(
    {
        *("aws:approve", "aws:copyImage", "aws:createImage", "aws:createStack", "aws:createTags"),
        *("aws:pause", "aws:runInstances", "aws:sleep"),
    }
)
"""AWS: "The onCancel property doesn't support moving to the following actions"."""


def problems(step: Mapping[str, Any], place: str, order: list[str], steps: list[Any]) -> Iterator[str]:
    """Yield what is wrong with the jumps and flags of `step`; `order` are the names of `steps`, the list it stands in."""
    on_failure, on_cancel = str(step.get("onFailure", "Abort")), str(step.get("onCancel", "Abort"))
    if on_failure.lower() not in ("abort", "continue") and not on_failure.startswith("step:"):
        yield f"{place}.onFailure must be Abort, Continue or step:NAME, found {on_failure!r}"
    if on_cancel.lower() != "abort" and not on_cancel.startswith("step:"):
        yield f"{place}.onCancel must be Abort or step:NAME, found {on_cancel!r}"
    if step.get("action") == "aws:loop" and "onCancel" in step:
        # AWS: "The onCancel property isn't supported for the aws:loop action."
        yield f"{place}.onCancel: aws:loop does not have it; give it to the steps inside"
    if step.get("action") == "aws:branch" and str(step.get("isEnd", "false")).lower() == "true":
        # AWS: user guide, automation-branch-condition: a branch cannot be the end of an automation.
        yield f"{place}.isEnd: a step of aws:branch leads to another step, so it cannot be the end"
    for where, target in _jumps(step):
        if target not in order:
            yield f"{place}.{where}: there is no step {target!r} here; there are {', '.join(order)}"
        elif where == "onCancel" and steps[order.index(target)].get("action") in NOT_AFTER_CANCEL:
            yield f"{place}.onCancel: {target!r} is {steps[order.index(target)]['action']}, which cannot run after a cancel"
    yield from _number_problems(step, place)


def _number_problems(step: Mapping[str, Any], place: str) -> Iterator[str]:
    attempts = step.get("maxAttempts", 1)
    if not str(attempts).isdigit() or int(attempts) < 1:
        yield f"{place}.maxAttempts must be a number of at least 1, found {attempts!r}"
    timeout = step.get("timeoutSeconds", 1)
    if not ("{{" in str(timeout) or (str(timeout).isdigit() and int(timeout) >= 1)):
        yield f"{place}.timeoutSeconds must be a number of at least 1, found {timeout!r}"
    most = ACTIONS[str(step["action"])].timeout_max_s
    if most is not None and str(timeout).isdigit() and int(timeout) > most:
        yield f"{place}.timeoutSeconds must be at most {most:.0f} for {step['action']}, found {timeout}"
    for name in ("isEnd", "isCritical"):
        if str(step.get(name, "false")).lower() not in ("true", "false"):
            yield f"{place}.{name} must be true or false, found {step[name]!r}"


def _jumps(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (field, step name) of every jump that is written."""
    if step.get("nextStep"):
        yield "nextStep", str(step["nextStep"])
    for name in ("onFailure", "onCancel"):
        word = str(step.get(name, ""))
        if word.startswith("step:"):
            yield name, word.removeprefix("step:")
    if step.get("action") == "aws:branch":
        for target in branch_action.targets(step.get("inputs") or {}):
            yield "inputs.Choices", target


def cycles(steps: list[Any], place: str) -> Iterator[str]:
    """Follow every way through the steps; coming back to one that is still being followed is a loop."""
    order = [str(step.get("name")) for step in steps]
    ways: dict[str, list[str]] = {}
    for position, step in enumerate(steps):
        targets = [target for where, target in _jumps(step) if where != "onCancel" and target in order]
        falls_through = not step.get("nextStep") and str(step.get("isEnd", "false")).lower() != "true"
        if falls_through and position + 1 < len(order) and not _always_jumps(step):
            targets.append(order[position + 1])
        ways[order[position]] = targets
    done: set[str] = set()
    for start in order:
        path: list[str] = []
        yield from _walk(start, ways, path, done, place)


def _always_jumps(step: Mapping[str, Any]) -> bool:
    return step.get("action") == "aws:branch" and bool((step.get("inputs") or {}).get("Default"))


def _walk(start: str, ways: dict[str, list[str]], path: list[str], done: set[str], place: str) -> Iterator[str]:
    stack = [(start, iter(ways[start]))]
    if start in done:
        return
    path.append(start)
    while stack:
        name, rest = stack[-1]
        target = next(rest, None)
        if target is None:
            stack.pop()
            path.pop()
            done.add(name)
        elif target in path:
            yield f"{place}: {' -> '.join([*path[path.index(target) :], target])} is a loop; use aws:loop to repeat steps"
        elif target not in done:
            stack.append((target, iter(ways[target])))
            path.append(target)
