"""Is this runbook right, and can localorg run it? Every problem at once, each with its place. Pure.

Flow: content (a mapping whose outline was found right) -> sentences; none means that `runbook.parse` may read it.
What is refused: actions and inputs that are not supported, unknown step fields, names used twice, references to what does not exist,
jumps to unknown steps, jumps that form a loop.
AWS: user guide, automation-documents, automation-actions; automation-branch-condition: "a loop ... isn't supported" by jumps.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localorg.automation import check_flow, check_references, runtimes
from localorg.automation.actions import ACTIONS, KNOWN_TO_AWS
from localorg.automation.actions.action import is_literal
from localorg.automation.check_references import Names
from localorg.automation.interpolate import references
from localorg.automation.jsonpath import PathError, parse, rooted
from localorg.automation.parameters import is_of, kind_of, of_default, variable_problems, violations
from localorg.automation.terms import Terms

FIELDS = frozenset(
    {
        *("name", "action", "inputs", "onFailure", "onCancel", "isCritical", "isEnd", "nextStep", "maxAttempts"),
        *("timeoutSeconds", "outputs", "description"),
    }
)
OWN_TERMS = Terms()
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
STEP_NAME = re.compile(r"[a-zA-Z0-9_]+")
OUTPUT_TYPES = frozenset({"String", "StringList", "Integer", "Boolean", "MapList", "StringMap"})
VARIABLE_FIELDS = frozenset({"type", "default", "description", "allowedValues", "allowedPattern", "minItems", "maxItems"})


def check_runbook(content: dict[str, Any], terms: Terms = OWN_TERMS) -> list[str]:
    """Return everything that is wrong with `content`, or that localorg does not support in it."""
    steps = content.get("mainSteps")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return ["mainSteps must be a list of at least one step, each a mapping"]
    names = Names(frozenset(content.get("parameters") or {}), frozenset(content.get("variables") or {}))
    problems = [*_collect_names(steps, names), *_top_level_problems(content, names)]
    files = frozenset(content.get("files") or {})
    problems += _list_problems(steps, "mainSteps", _Whole(names, files, terms), inside="")
    return problems


@dataclass(frozen=True)
class _Whole:
    """What every step is checked against."""

    names: Names
    files: frozenset[str]
    terms: Terms


def _collect_names(steps: list[Any], names: Names, place: str = "mainSteps") -> Iterator[str]:
    for position, step in enumerate(steps):
        here = f"{place}[{position}]"
        name, action = step.get("name"), step.get("action")
        if not isinstance(name, str) or not name or not isinstance(action, str):
            yield f"{here} needs a name and an action"
            continue
        if not STEP_NAME.fullmatch(name):
            yield f"{here}.name must match {STEP_NAME.pattern}, found {name!r}"
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
    for name, facts in (content.get("files") or {}).items():
        checksums = facts.get("checksums") if isinstance(facts, dict) else None
        if not isinstance(checksums, dict) or not SHA256.fullmatch(str(checksums.get("sha256"))):
            yield f"files.{name}.checksums.sha256 must be 64 hexadecimal digits, found {facts!r}"
    for name, rules in (content.get("parameters") or {}).items():
        yield from _default_problems(name, rules)
    for name, rules in (content.get("variables") or {}).items():
        unknown = sorted(set(rules) - VARIABLE_FIELDS) if isinstance(rules, dict) else ["no mapping"]
        if unknown or rules.get("type") not in OUTPUT_TYPES:
            yield f"variables.{name} must have a type of {', '.join(sorted(OUTPUT_TYPES))} and no field {', '.join(unknown) or 'more'}"
        elif "default" in rules:
            yield from variable_problems(name, rules, of_default(rules["type"], rules["default"]))
    for output in content.get("outputs") or []:
        step, _, named = str(output).partition(".")
        if named not in names.outputs.get(step, frozenset()):
            yield f"outputs: {output!r} is no output of a step of this runbook"


def _default_problems(name: str, rules: Any) -> Iterator[str]:
    if not isinstance(rules, dict) or "default" not in rules:
        return
    default = rules["default"]
    for reference in references(default):
        if not reference.startswith("ssm:"):
            yield f"parameters.{name}.default: a default refers to nothing but Parameter Store; {{{{{reference}}}}} is no ssm:NAME"
    if any(references(default)):
        return
    is_empty = default in ("", [], {}) or (kind_of(str(rules.get("type"))) == "StringMap" and not default)
    if not is_empty and "type" in rules:
        # ASSUMED: an empty default stands for "not given" and is not held against the rules.
        kind = kind_of(str(rules["type"]))
        value = of_default(kind, default)
        if kind in ("Integer", "Boolean") and not is_of(kind, value):
            yield f"parameters.{name}.default must be of the type {kind}, found {default!r}"
        yield from (f"parameters.{name}.default: {problem}" for problem in violations(name, rules, value))


def _list_problems(steps: list[Any], place: str, whole: _Whole, inside: str) -> Iterator[str]:
    """Check steps that follow one another; `inside` is the loop they belong to."""
    order = [str(step.get("name")) for step in steps]
    for position, step in enumerate(steps):
        yield from _step_problems(step, f"{place}[{position}] ({step.get('name')})", whole, inside, order, steps)
    yield from check_flow.cycles(steps, place)


def _step_problems(
    step: Mapping[str, Any], place: str, whole: _Whole, inside: str, order: list[str], steps: list[Any]
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
    yield from _output_problems(step, place, whole.terms)
    inputs = dict(step.get("inputs") or {})
    yield from _own_problems(action, inputs, place, whole)
    if action == "aws:executeScript":
        inputs.pop("Script", None)
    inner = _inner(step)
    if action == "aws:loop":
        written = inputs.pop("Steps", None)
        if not isinstance(written, list) or not inner or len(inner) != len(written):
            yield f"{place}.inputs.Steps must be a list of at least one step, each a mapping"
        yield from _list_problems(inner, f"{place}.inputs.Steps", whole, inside=str(step.get("name")))
    yield from check_references.problems(inputs, place, whole.names, inside)
    yield from check_references.problems(step.get("timeoutSeconds"), f"{place}.timeoutSeconds", whole.names, inside)


def _own_problems(action: str, inputs: Mapping[str, Any], place: str, whole: _Whole) -> Iterator[str]:
    """Yield what only the whole runbook, or this organization, can tell about one action."""
    if is_literal(runtime := inputs.get("Runtime")):
        yield from runtimes.problems(runtime, f"{place}.inputs.Runtime", whole.terms)
    attached = inputs.get("Attachment") if action == "aws:executeScript" else None
    if is_literal(attached) and attached not in whole.files:
        yield f"{place}.inputs.Attachment: {attached!r} is not among the files of this runbook; they are {_listed(whole.files)}"
    variable = str(inputs.get("Name")).removeprefix("variable:")
    if action == "aws:updateVariable" and variable not in whole.names.variables:
        yield f"{place}.inputs.Name: this runbook declares no variable {variable}; it has {_listed(whole.names.variables)}"
    selector = inputs.get("PropertySelector")
    if is_literal(selector):
        yield from _path_problems(selector, f"{place}.inputs.PropertySelector", whole.terms)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _path_problems(path: str, place: str, terms: Terms) -> Iterator[str]:
    try:
        parse(rooted(path) if terms.bare_selectors else path)
    except PathError as problem:
        yield f"{place}: {problem}"


def _output_problems(step: Mapping[str, Any], place: str, terms: Terms) -> Iterator[str]:
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
        yield from _path_problems(str(output["Selector"]), f"{here}.Selector", terms)
