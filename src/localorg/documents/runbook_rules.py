"""The outline of an Automation runbook, schema 0.3. What its actions need is Automation's own knowledge, reached by a port.

AWS: user guide, documents-syntax and automation-documents.
"""

import re
from typing import Any

from localorg.documents import parameter_rules, step_rules

TOP_LEVEL = {"schemaVersion", "description", "assumeRole", "parameters", "variables", "mainSteps", "outputs", "files"}
STEP_NAME = re.compile(r"[a-zA-Z0-9_]+")


def problems(runbook: dict[str, Any]) -> list[str]:
    """Return what is wrong with the outline."""
    found = [f"{name} is no element of schema 0.3" for name in sorted(set(runbook) - TOP_LEVEL)]
    found += parameter_rules.problems(runbook.get("parameters"), resource_types=True)
    if not isinstance(runbook.get("outputs") or [], list):
        found.append("outputs must be a list of STEP.OUTPUT names")
    if not isinstance(runbook.get("assumeRole") or "", str):
        found.append("assumeRole must be the ARN of a role, or a reference to a parameter")
    if not isinstance(runbook.get("files") or {}, dict):
        found.append("files must map attachments to their checksums")
    return [*found, *step_rules.problems(runbook.get("mainSteps"), STEP_NAME)]
