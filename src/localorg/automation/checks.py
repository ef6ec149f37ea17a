"""Is this runbook right, and can localorg run it? Every problem at once, each with its place. Pure.

Flow: content (a mapping whose outline was found right) -> sentences; none means that `runbook.parse` may read it.
What is refused: actions and inputs that are not supported, unknown step fields, names used twice, references to what does not exist,
jumps to unknown steps, jumps that form a loop.
AWS: user guide, automation-documents, automation-actions; automation-branch-condition: "a loop ... isn't supported" by jumps.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation import check_flow, check_references
from localorg.automation.actions import ACTIONS, KNOWN_TO_AWS
from localorg.automation.check_references import Names
from localorg.automation.interpolate import references
from localorg.automation.jsonpath import PathError, parse
from localorg.automation.parameters import kind_of, violations

FIELDS = frozenset(
    {
        *("name", "action", "inputs", "onFailure", "onCancel", "isCritical", "isEnd", "nextStep", "maxAttempts"),
        *("timeoutSeconds", "outputs", "description"),
    }
)
OUTPUT_TYPES = frozenset({"String", "StringList", "Integer", "Boolean", "MapList", "StringMap"})
VARIABLE_FIELDS = frozenset({"type", "default", "description", "allowedValues", "allowedPattern", "minItems", "maxItems"})


def check_runbook(content: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with `content`, or that localorg does not support in it."""
    steps = content.get("mainSteps")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return ["mainSteps must be a list of at least one step, each a mapping"]
    names = Names(frozenset(content.get("parameters") or {}), frozenset(content.get("variables") or {}))
    problems = [*_collect_names(steps, names), *_top_level_problems(content, names)]
    problems += _list_problems(steps, "mainSteps", names, inside="")
    return problems


def _collect_names(steps: list[Any], names: Names, place: str = "mainSteps") -> Iterator[str]:
    for position, step in enumerate(steps):
        here = f"{place}[{position}]"
        name, action = step.get("name"), step.get("action")
        if not isinstance(name, str) or not name or not isinstance(action, str):
            yield f"{here} needs a name and an action"
            continue
        if name in names.outputs:
            yield f"{here}.name {name!r} is used twice; each step, also inside loops, has a name of its own"
        own = ACTIONS[action].own_outputs if action in ACTIONS else frozenset()
        declared = step.get("outputs")
        listed = [one.get("Name") for one in declared if isinstance(one, dict)] if isinstance(declared, list) else []
        names.outputs[name] = own | frozenset(str(one) for one in listed)
        inner = _inner(step)
        if inner:
            yield from _collect_names(inner, names, f"{here}.inputs.Steps")


def _inner(step: Mapping[str, Any]) -> list[Any]:
    if step.get("action") != "aws:loop":
        return []
    steps = (step.get("inputs") or {}).get("Steps")
    return [one for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []


def _top_level_problems(content: dict[str, Any], names: Names) -> Iterator[str]:
    yield from check_references.problems(content.get("assumeRole"), "assumeRole", Names(names.parameters, frozenset()), inside="")
    if content.get("files"):
        yield "files: localorg does not support attachments of runbooks"
    for name, rules in (content.get("parameters") or {}).items():
        yield from _default_problems(name, rules)
    for name, rules in (content.get("variables") or {}).items():
        unknown = sorted(set(rules) - VARIABLE_FIELDS) if isinstance(rules, dict) else ["no mapping"]
        if unknown or rules.get("type") not in OUTPUT_TYPES:
            yield f"variables.{name} must have a type of {', '.join(sorted(OUTPUT_TYPES))} and no field {', '.join(unknown) or 'more'}"
    for output in content.get("outputs") or []:
        step, _, named = str(output).partition(".")
        if named not in names.outputs.get(step, frozenset()):
            yield f"outputs: {output!r} is no output of a step of this runbook"


def _default_problems(name: str, rules: Any) -> Iterator[str]:
    if not isinstance(rules, dict) or "default" not in rules:
        return
    default = rules["default"]
    for reference in references(default):
        kind = "a Parameter Store reference" if reference.startswith("ssm:") else "a reference"
        yield f"parameters.{name}.default: localorg does not support {kind} as a default ({{{{{reference}}}}})"
    is_empty = default in ("", [], {}) or (kind_of(str(rules.get("type"))) == "StringMap" and not default)
    if not is_empty and "type" in rules:
        # ASSUMED: an empty default stands for "not given" and is not held against the rules.
        yield from (f"parameters.{name}.default: {problem}" for problem in violations(name, rules, default))


def _list_problems(steps: list[Any], place: str, names: Names, inside: str) -> Iterator[str]:
    """Check steps that follow one another; `inside` is the loop they belong to."""
    order = [str(step.get("name")) for step in steps]
    for position, step in enumerate(steps):
        yield from _step_problems(step, f"{place}[{position}] ({step.get('name')})", names, inside, order, steps)
    yield from check_flow.cycles(steps, place)


def _step_problems(
    step: Mapping[str, Any], place: str, names: Names, inside: str, order: list[str], steps: list[Any]
) -> Iterator[str]:
    unknown = sorted(set(step) - FIELDS)
    if unknown:
        yield f"{place}: unknown fields {', '.join(unknown)}; a step has {', '.join(sorted(FIELDS))}"
    action = str(step.get("action"))
    if action not in ACTIONS:
        whose = "localorg does not support the action" if action in KNOWN_TO_AWS else "AWS has no action"
        yield f"{place}: {whose} {action}; the supported ones are {', '.join(sorted(ACTIONS))}"
        return
    if inside and action == "aws:loop":
        yield f"{place}: localorg does not support a loop inside a loop"
    yield from ACTIONS[action].problems(step, place)
    yield from check_flow.problems(step, place, order, steps)
    yield from _output_problems(step, place)
    inputs = dict(step.get("inputs") or {})
    if action == "aws:executeScript":
        inputs.pop("Script", None)
    inner = _inner(step)
    if action == "aws:loop":
        written = inputs.pop("Steps", None)
        if not isinstance(written, list) or not inner or len(inner) != len(written):
            yield f"{place}.inputs.Steps must be a list of at least one step, each a mapping"
        yield from _list_problems(inner, f"{place}.inputs.Steps", names, inside=str(step.get("name")))
    yield from check_references.problems(inputs, place, names, inside)
    yield from check_references.problems(step.get("timeoutSeconds"), f"{place}.timeoutSeconds", names, inside)


def _output_problems(step: Mapping[str, Any], place: str) -> Iterator[str]:
    declared = step.get("outputs")
    if declared is None:
        return
    if not isinstance(declared, list):
        yield f"{place}.outputs must be a list, found {declared!r}"
        return
    for position, output in enumerate(declared):
        here = f"{place}.outputs[{position}]"
        if not isinstance(output, dict) or not {"Name", "Selector"} <= set(output) <= {"Name", "Selector", "Type"}:
            yield f"{here} must have Name, Selector and Type, found {output!r}"
            continue
        if output.get("Type", "String") not in OUTPUT_TYPES:
            yield f"{here}.Type must be one of {', '.join(sorted(OUTPUT_TYPES))}, found {output['Type']!r}"
        try:
            parse(str(output["Selector"]))
        except PathError as problem:
            yield f"{here}.Selector: {problem}"
