"""Command documents of schema 1.2, 2.0 and 2.2: outline, step names, plugins.

AWS: user guide, documents-schemas-features and documents-command-ssm-plugin-reference.
Rules: a plugin that AWS does not have is a problem of the content; one that AWS has and the nodes here have not is NotSupported.
Refuses to know: what a plugin does with its inputs.
"""

import re
from collections.abc import Iterator
from typing import Any

from localorg.documents import parameter_rules, step_rules
from localorg.kernel.errors import NotSupported

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
SUPPORTED_PLUGINS = frozenset({"aws:configurePackage", "aws:refreshAssociation", "aws:runPowerShellScript", "aws:runShellScript"})
"""What the nodes of a local organization can do."""
TOP_LEVEL = {"schemaVersion", "description", "parameters"}
STEP_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
"""# ASSUMED: the guide gives no pattern for Command steps; published documents use hyphens."""


def problems(document: dict[str, Any], schema: str, supported: frozenset[str]) -> list[str]:
    """Return what is wrong with the document. Raises NotSupported for plugins that only AWS has."""
    body = "runtimeConfig" if schema == "1.2" else "mainSteps"
    found = [f"{name} is no element of schema {schema}" for name in sorted(set(document) - TOP_LEVEL - {body, "files"})]
    found += parameter_rules.problems(document.get("parameters"), resource_types=False)
    found += _runtime_problems(document.get(body)) if schema == "1.2" else step_rules.problems(document.get(body), STEP_NAME)
    used = _plugins(document)
    found += [f"AWS has no plugin {name}; it has {', '.join(PLATFORMS)}" for name in used if name not in PLATFORMS]
    missing = [name for name in used if name in PLATFORMS and name not in supported]
    if missing and not found:
        raise NotSupported(f"the plugin {', '.join(missing)}", "Command documents")
    return found


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


def _runtime_problems(config: Any) -> Iterator[str]:
    if not isinstance(config, dict) or not config:
        yield "runtimeConfig must map at least one plugin to its properties"
        return
    for name, plugin in config.items():
        if not isinstance(plugin, dict) or "properties" not in plugin:
            yield f"runtimeConfig.{name} must be a mapping with properties"
