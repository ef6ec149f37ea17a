"""Command documents of schema 1.2, 2.0 and 2.2: outline, step names, plugins.

AWS: user guide, documents-schemas-features and documents-command-ssm-plugin-reference.
Rules: a plugin that AWS does not have is a problem of the content. One that AWS has is accepted: whether a node can perform it is
found out on the node, as in AWS, where agents of every age and platform read the same document.
Refuses to know: what a plugin does with its inputs.
"""

import re
from collections.abc import Iterator
from typing import Any

from localorg.documents import parameter_rules, step_rules

PLATFORMS: dict[str, tuple[str, ...]] = {
    "aws:applications": ("Windows",),
    "aws:cloudWatch": ("Windows",),
    "aws:configureDocker": ("Windows", "Linux"),
    "aws:configurePackage": ("Windows", "Linux", "MacOS"),
    "aws:domainJoin": ("Windows", "Linux"),
    "aws:downloadContent": ("Windows", "Linux", "MacOS"),
    "aws:psModule": ("Windows",),
    "aws:refreshAssociation": ("Windows", "Linux", "MacOS"),
    "aws:runDockerAction": ("Windows", "Linux"),
    "aws:runDocument": ("Windows", "Linux", "MacOS"),
    "aws:runPowerShellScript": ("Windows", "Linux", "MacOS"),
    "aws:runShellScript": ("Linux", "MacOS"),
    "aws:softwareInventory": ("Windows", "Linux", "MacOS"),
    "aws:updateAgent": ("Windows",),
    "aws:updateSsmAgent": ("Windows", "Linux", "MacOS"),
}
"""Every plugin that AWS documents, and where it runs. AWS: documents-command-ssm-plugin-reference."""
TOP_LEVEL = {"schemaVersion", "description", "parameters"}
STEP_FIELDS = {
    "name",
    "action",
    "description",
    "inputs",
    "maxAttempts",
    "onFailure",
    "precondition",
    "settings",
    "timeoutSeconds",
}
"""# ASSUMED: what the stock agent reads of a step; AWS is not known to refuse others. onSuccess and finallyStep stand in `inputs`."""
STEP_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
"""# ASSUMED: the guide gives no pattern for Command steps; published documents use hyphens."""


def problems(document: dict[str, Any], schema: str) -> list[str]:
    """Return what is wrong with the document."""
    body = "runtimeConfig" if schema == "1.2" else "mainSteps"
    found = [f"{name} is no element of schema {schema}" for name in sorted(set(document) - TOP_LEVEL - {body, "files"})]
    found += parameter_rules.problems(document.get("parameters"), resource_types=False)
    if schema == "1.2":
        found += _runtime_problems(document.get(body))
    else:
        found += [*step_rules.problems(document.get(body), STEP_NAME), *_step_problems(document.get(body), schema)]
    if not isinstance(document.get("files") or {}, dict):
        found.append("files must map attachments to their checksums")
    used = _plugins(document)
    return found + [f"AWS has no plugin {name}; it has {', '.join(PLATFORMS)}" for name in used if name not in PLATFORMS]


def platform_types(document: dict[str, Any]) -> list[str]:
    """Return the platforms on which at least one step runs."""
    served = {platform for name in _plugins(document) for platform in PLATFORMS.get(name, ())}
    return [platform for platform in ("Windows", "Linux", "MacOS") if platform in served]


def _plugins(document: dict[str, Any]) -> list[str]:
    config, steps = document.get("runtimeConfig"), document.get("mainSteps")
    names = list(config) if isinstance(config, dict) else []
    if isinstance(steps, list):
        names += [step["action"] for step in steps if isinstance(step, dict) and isinstance(step.get("action"), str)]
    return list(dict.fromkeys(names))


def _step_problems(steps: Any, schema: str) -> Iterator[str]:
    """Yield what is wrong with the steps beyond their outline: fields that no agent reads, and preconditions."""
    for position, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        place = f"mainSteps[{position}]"
        unknown = sorted(set(step) - STEP_FIELDS)
        if unknown:
            yield f"{place} has unknown fields {', '.join(unknown)}; onSuccess and finallyStep belong into inputs"
        if "precondition" in step:
            yield from _precondition_problems(f"{place}.precondition", step["precondition"], schema)


def _precondition_problems(place: str, precondition: Any, schema: str) -> Iterator[str]:
    # AWS: user guide, documents-schemas-features: preconditions came with schema 2.2.
    if schema != "2.2":
        yield f"{place} needs schema 2.2; this document says {schema}"
    if not isinstance(precondition, dict):
        yield f"{place} must map an operator to its operands, found {precondition!r}"
        return
    for operator, operands in precondition.items():
        # AWS: user guide, documents-schemas-features, "Precondition parameter": StringEquals of two values.
        if operator != "StringEquals":
            yield f"{place} has the operator {operator}; AWS has StringEquals"
        elif not isinstance(operands, list) or len(operands) != 2 or not all(isinstance(one, str) for one in operands):
            yield f"{place}.StringEquals must be a list of two strings, found {operands!r}"


def _runtime_problems(config: Any) -> Iterator[str]:
    if not isinstance(config, dict) or not config:
        yield "runtimeConfig must map at least one plugin to its properties"
        return
    for name, plugin in config.items():
        if not isinstance(plugin, dict) or "properties" not in plugin:
            yield f"runtimeConfig.{name} must be a mapping with properties"
