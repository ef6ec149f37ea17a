"""SSM documents of type Command: from the message to steps with their parameters filled in. Pure.

Flow: document content + parameters of the message -> `steps()` -> list of `DocumentStep`. `verdict()` says for each step, before it
runs, whether it is executed, skipped or failed (preconditions, plugins that the platform or this agent does not have).
AWS: amazon-ssm-agent, docparser and runpluginutil, whose order and words are kept.
Refuses to know: how plugins work, and where Parameter Store is (`Resolve`).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localorg.node import preconditions
from localorg.node.parameter_store import BadReferenceError
from localorg.node.references import as_text, filled, values_of
from localorg.node.results import Status, StepResult, failed

SCHEMA_VERSIONS = ("1.0", "1.2", "2.0", "2.0.1", "2.0.2", "2.0.3", "2.2")
LINUX_PLUGINS = frozenset(
    {
        "aws:configureDocker",
        "aws:configurePackage",
        "aws:domainJoin",
        "aws:downloadContent",
        "aws:refreshAssociation",
        "aws:runDocument",
        "aws:runDockerAction",
        "aws:runPowerShellScript",
        "aws:runShellScript",
        "aws:softwareInventory",
        "aws:updateSsmAgent",
    }
)
"""What the stock agent has on Linux."""
STOCK_PLUGINS = LINUX_PLUGINS | {"aws:applications", "aws:cloudWatch", "aws:configureDaemon", "aws:psModule", "aws:updateAgent"}
"""What the stock agent has heard of, wherever it runs."""
EXIT_AS_SUCCESS, EXIT_AS_FAILURE = 168, 169
"""AWS: contracts/model.go: a step that ends with these codes ends the document."""


Resolve = Callable[[Any], Any]
"""Any value -> the same with its references to Parameter Store filled in. Raises BadReferenceError."""


class BadDocumentError(Exception):
    """The document cannot be run; the text becomes documentTraceOutput."""


@dataclass(frozen=True)
class DocumentStep:
    """One step: `name` keys its results, `plugin` is the action, `inputs` are its properties (several for schema 1.2)."""

    name: str
    plugin: str
    inputs: tuple[Mapping[str, Any], ...]
    precondition: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """As it is written; `condition` is the same with the parameters filled in."""
    condition: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cross_platform: bool = True
    is_named: bool = True
    """Schema 2: a step has a name. In schema 1 plugins have none, and nothing steers the flow."""

    def property(self, key: str) -> str:
        """Return an input that steers the flow (onFailure, onSuccess, finallyStep) as text; words are compared with their case."""
        value = self.inputs[0].get(key, "") if self.is_named else ""
        return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else ""


def steps(
    content: Mapping[str, Any], parameters: Mapping[str, Any], resolve: Resolve = lambda value: value
) -> list[DocumentStep]:
    """Return the steps of a document with `parameters` (and the document's defaults) filled in. Raises BadDocumentError."""
    version = str(content.get("schemaVersion", ""))
    if version not in SCHEMA_VERSIONS:
        raise BadDocumentError(
            f"Document with schema version {version} is not supported by this version of ssm agent, please update to latest version"
        )
    declared = content.get("parameters") or {}
    # DEVIATES: agents since 3.3.2746.0 hand a parameter whose interpolationType is ENV_VAR to scripts as the variable SSM_NAME; the
    # agent here is as old as it says, 3.3.0.0, does not know the word, and puts the value into the text, which a shell then reads.
    values = values_of(declared, parameters)
    try:
        _check_patterns(declared, resolve(values))
        if version.startswith("1."):
            found = [_old_step(name, config, values, resolve) for name, config in content.get("runtimeConfig", {}).items()]
        else:
            found = [_step(step, values, resolve, cross_platform=version == "2.2") for step in content.get("mainSteps", [])]
    except BadReferenceError as error:
        raise BadDocumentError(str(error)) from error
    if not found:
        raise BadDocumentError("Unsupported schema format")
    if len({step.name for step in found}) != len(found):
        raise BadDocumentError("the document has two steps of the same name")
    return found


def _step(step: Mapping[str, Any], values: Mapping[str, Any], resolve: Resolve, *, cross_platform: bool) -> DocumentStep:
    if "action" not in step or "name" not in step:
        raise BadDocumentError(f"a step needs both action and name, found {sorted(step)}")
    written = {operator: [str(one) for one in operands] for operator, operands in (step.get("precondition") or {}).items()}
    return DocumentStep(
        name=str(step["name"]),
        plugin=str(step["action"]),
        inputs=(resolve(filled(step.get("inputs") or {}, values)),),
        precondition=written,
        condition={operator: [as_text(filled(one, values)) for one in operands] for operator, operands in written.items()},
        cross_platform=cross_platform,
    )


def _old_step(name: str, config: Mapping[str, Any], values: Mapping[str, Any], resolve: Resolve) -> DocumentStep:
    properties = resolve(filled(config.get("properties", {}), values))
    inputs = tuple(properties) if isinstance(properties, list) else (properties,)
    return DocumentStep(name=name, plugin=name, inputs=inputs, cross_platform=False, is_named=False)


def _check_patterns(declared: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Compare values with allowedPattern, once Parameter Store has spoken. AWS: paramvalidator, allowedregexparamvalidator."""
    found = {name: _pattern_problem(spec.get("allowedPattern") or "", values.get(name)) for name, spec in declared.items()}
    said = [
        f"error thrown in 'AllowedRegexParamValidator' while validating parameter /{name}/: {problem}"
        for name, problem in found.items()
        if problem
    ]
    if said:
        raise BadDocumentError("all errors during param validation errors: " + "\n".join(said))


def _pattern_problem(pattern: str, value: Any) -> str:
    texts = [as_text(one) for one in (value if isinstance(value, list) else [value])]
    try:
        wrong = [text for text in texts if not re.search(pattern, text)]
    except re.error as error:
        return f"encountered error while compiling allowed pattern - internal error: {error}"
    return f"parameter value /{wrong[0]}/ does not match the allowed pattern /{pattern}/" if wrong else ""


def flattened(value: Any) -> list[str]:
    """Return the lines of a runCommand input: a text, a list, or lists in lists (a list parameter inside a list)."""
    if isinstance(value, list):
        return [line for item in value for line in flattened(item)]
    return [value] if isinstance(value, str) else []


def verdict(step: DocumentStep, performed: Collection[str], platform_type: str) -> StepResult | None:
    """Return how `step` ends without being run, or None when it is to be run. AWS: runpluginutil getStepExecutionOperation."""
    unfit = _stock_verdict(step, platform_type)
    if unfit is None and step.plugin not in performed:
        # DEVIATES: the stock agent performs this plugin on Linux; the agent of localorg does not have it, and says so.
        return failed(
            step.plugin, f"Plugin with name {step.plugin} is not performed by nodes of localorg. Step name: {step.name}"
        )
    return unfit


def _stock_verdict(step: DocumentStep, platform_type: str) -> StepResult | None:
    if step.cross_platform:
        return _verdict_across_platforms(step, platform_type)
    is_here = step.plugin in LINUX_PLUGINS
    if step.plugin not in STOCK_PLUGINS:
        reason = _update_agent(step)
    elif step.precondition:
        reason = f"Precondition is not supported for document schema version prior to 2.2. Step name: {step.name}"
    else:
        reason = "" if is_here else f"Plugin with name {step.plugin} not found. Step name: {step.name}"
    return failed(step.plugin, reason) if reason else None


def _verdict_across_platforms(step: DocumentStep, platform_type: str) -> StepResult | None:
    """Judge a step of schema 2.2, where what does not fit the platform is skipped."""
    found = preconditions.judge(step.precondition, step.condition, platform_type)
    said = ", ".join(found.said)
    if not found.unmet and step.plugin not in STOCK_PLUGINS:
        return failed(step.plugin, _update_agent(step))
    if step.plugin not in LINUX_PLUGINS:
        return _skipped(step, f"Step execution skipped due to unsupported plugin: {step.plugin}. Step name: {step.name}")
    if found.unmet:
        return _skipped(step, f"Step execution skipped due to unsatisfied preconditions: '{said}'. Step name: {step.name}")
    if found.said:
        reason = f"Unrecognized precondition(s): '{said}', please update agent to latest version. Step name: {step.name}"
        return failed(step.plugin, reason)
    return None


def _update_agent(step: DocumentStep) -> str:
    return (
        f"Plugin with name {step.plugin} is not supported by this version of ssm agent, please update to latest version. "
        f"Step name: {step.name}"
    )


def _skipped(step: DocumentStep, reason: str) -> StepResult:
    return StepResult(step.plugin, Status.SKIPPED, 0, output=reason)


def is_finally(step: DocumentStep, all_steps: Sequence[DocumentStep]) -> bool:
    """Say whether `step` runs whatever came before: finallyStep counts at the last step only."""
    return step is all_steps[-1] and step.property("finallyStep") == "true"


def ends_document(step: DocumentStep, result: StepResult) -> bool:
    """Say whether later steps (but for a finallyStep) are skipped after `step` ended so."""
    if result.code in {EXIT_AS_SUCCESS, EXIT_AS_FAILURE}:
        return True
    if result.status == Status.FAILED:
        return step.property("onFailure") in {"exit", "successAndExit"}
    return result.status == Status.SUCCESS and step.property("onSuccess") == "exit"


def after_exit(step: DocumentStep) -> StepResult:
    """Return the result of a step that an earlier one made the document skip."""
    return _skipped(step, f"Plugin with name {step.plugin} and id {step.name} skipped due to prior step with an exit condition")
