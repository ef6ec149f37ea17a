"""SSM documents of type Command: from the message to steps with their parameters filled in. Pure.

Flow: document content + parameters of the message -> `steps()` -> list of `DocumentStep`. `verdict()` says for each step, before it
runs, whether it is executed, skipped or failed (platform preconditions, plugins that this agent does not have).
Refuses to know: how plugins work.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from localorg.node.results import Status, StepResult, failed

SCHEMA_VERSIONS = ("1.0", "1.2", "2.0", "2.0.1", "2.0.2", "2.0.3", "2.2")
REFERENCE = re.compile(r"\{\{\s*([\w.:-]+)\s*\}\}")
EXIT_AS_SUCCESS, EXIT_AS_FAILURE = 168, 169
"""AWS: contracts/model.go: a step that ends with these codes ends the document."""


class BadDocumentError(Exception):
    """The document cannot be run; the text becomes documentTraceOutput."""


@dataclass(frozen=True)
class DocumentStep:
    """One step: `name` keys its results, `plugin` is the action, `inputs` are its properties (several for schema 1.2)."""

    name: str
    plugin: str
    inputs: tuple[Mapping[str, Any], ...]
    precondition: Mapping[str, Any] = field(default_factory=dict)
    cross_platform: bool = True

    def property(self, key: str) -> str:
        """Return an input that steers the flow (onFailure, onSuccess, finallyStep) as lower-case text."""
        value = self.inputs[0].get(key, "") if self.inputs else ""
        return str(value).lower()


def steps(content: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[DocumentStep]:
    """Return the steps of a document with `parameters` (and the document's defaults) filled in. Raises BadDocumentError."""
    version = str(content.get("schemaVersion", ""))
    if version not in SCHEMA_VERSIONS:
        raise BadDocumentError(f"Document with schema version {version} is not supported by this version of ssm agent")
    values = _values(content, parameters)
    if version.startswith("1."):
        found = [_old_step(name, config, values) for name, config in content.get("runtimeConfig", {}).items()]
    else:
        found = [_step(step, values, cross_platform=version == "2.2") for step in content.get("mainSteps", [])]
    if not found:
        raise BadDocumentError("Unsupported schema format: the document has no steps")
    if len({step.name for step in found}) != len(found):
        raise BadDocumentError("the document has two steps of the same name")
    return found


def _step(step: Mapping[str, Any], values: Mapping[str, Any], *, cross_platform: bool) -> DocumentStep:
    if "action" not in step or "name" not in step:
        raise BadDocumentError(f"a step needs both action and name, found {sorted(step)}")
    return DocumentStep(
        name=str(step["name"]),
        plugin=str(step["action"]),
        inputs=(_filled(step.get("inputs", {}), values),),
        precondition=_filled(step.get("precondition", {}), values),
        cross_platform=cross_platform,
    )


def _old_step(name: str, config: Mapping[str, Any], values: Mapping[str, Any]) -> DocumentStep:
    properties = _filled(config.get("properties", {}), values)
    inputs = tuple(properties) if isinstance(properties, list) else (properties,)
    return DocumentStep(name=name, plugin=name, inputs=inputs, cross_platform=False)


def _values(content: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    declared = content.get("parameters") or {}
    values = {name: spec["default"] for name, spec in declared.items() if "default" in spec}
    return {**values, **{name: value for name, value in given.items() if name in declared}}


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    match value:
        case dict():
            return {key: _filled(item, values) for key, item in value.items()}
        case list():
            return [_filled(item, values) for item in value]
        case str():
            return _filled_text(value, values)
    return value


def _filled_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = REFERENCE.fullmatch(text.strip())
    if whole:
        return _value(whole[1], values, text)
    return REFERENCE.sub(lambda match: _as_text(_value(match[1], values, match[0])), text)


def _value(name: str, values: Mapping[str, Any], as_written: str) -> Any:
    if name in values:
        return values[name]
    if name.split(":", 1)[0] in {"ssm", "ssm-secure", "global", "platform"} and ":" in name:
        raise BadDocumentError(
            f"the reference {as_written.strip()} is not supported; pass the value as a parameter of the document"
        )
    return as_written


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def flattened(value: Any) -> list[str]:
    """Return the lines of a runCommand input: a text, a list, or lists in lists (a list parameter inside a list)."""
    if isinstance(value, list):
        return [line for item in value for line in flattened(item)]
    return [value] if isinstance(value, str) else []


def verdict(step: DocumentStep, plugins: Collection[str], known: Collection[str], platform_type: str) -> StepResult | None:
    """Return how `step` ends without being run, or None when it is to be run. AWS: runpluginutil getStepExecutionOperation."""
    if step.plugin not in known:
        return failed(
            step.plugin,
            f"Plugin with name {step.plugin} is not supported by this version of ssm agent, please update to latest version. "
            f"Step name: {step.name}",
        )
    unfit = _precondition_verdict(step, platform_type)
    if unfit is not None or step.plugin in plugins:
        return unfit
    if step.cross_platform:
        return _skipped(step, f"Step execution skipped due to unsupported plugin: {step.plugin}. Step name: {step.name}")
    return failed(step.plugin, f"Plugin with name {step.plugin} is not supported in current platform. Step name: {step.name}")


def _precondition_verdict(step: DocumentStep, platform_type: str) -> StepResult | None:
    if not step.cross_platform and step.precondition:
        reason = f"Precondition is not supported for document schema version prior to 2.2. Step name: {step.name}"
        return failed(step.plugin, reason)
    unmet, unknown = _preconditions(step.precondition, platform_type)
    if unmet:
        return _skipped(
            step, f"Step execution skipped due to unsatisfied preconditions: '{', '.join(unmet)}'. Step name: {step.name}"
        )
    if unknown:
        reason = (
            f"Unrecognized precondition(s): '{', '.join(unknown)}', please update agent to latest version. Step name: {step.name}"
        )
        return failed(step.plugin, reason)
    return None


def _skipped(step: DocumentStep, reason: str) -> StepResult:
    return StepResult(step.plugin, Status.SKIPPED, 0, output=reason)


def _preconditions(precondition: Mapping[str, Any], platform_type: str) -> tuple[list[str], list[str]]:
    """Return (conditions that do not hold, conditions this agent does not know)."""
    unmet, unknown = [], []
    for operator, operands in precondition.items():
        shown = f'"{operator}": {operands}'
        if operator != "StringEquals" or not isinstance(operands, list) or len(operands) != 2 or operands[0] == operands[1]:
            unknown.append(shown)
            continue
        left, right = (platform_type if operand == "platformType" else str(operand) for operand in operands)
        if left.lower() != right.lower() if "platformType" in operands else left != right:
            unmet.append(shown)
    return unmet, unknown


def ends_document(step: DocumentStep, result: StepResult) -> bool:
    """Say whether later steps (but for a finallyStep) are skipped after `step` ended so."""
    if result.code in {EXIT_AS_SUCCESS, EXIT_AS_FAILURE}:
        return True
    if result.status == Status.FAILED:
        return step.property("onFailure") in {"exit", "successandexit"}
    return result.status == Status.SUCCESS and step.property("onSuccess") == "exit"


def after_exit(step: DocumentStep) -> StepResult:
    """Return the result of a step that an earlier one made the document skip."""
    return _skipped(step, f"Plugin with name {step.plugin} and id {step.name} skipped due to prior step with an exit condition")
