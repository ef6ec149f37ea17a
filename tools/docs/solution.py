"""The page of the solution: what the rendered template and documents declare.

Flow: artifacts/CentralizedSoftwareDistributor.yaml -> parameters, resources, outputs; the documents in it -> parameters and steps.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.docs.markdown import code, codes, page, table

TEMPLATE = "artifacts/CentralizedSoftwareDistributor.yaml"
INTRODUCTION = (
    """What `csd deploy` brings to the hub, read from the rendered template. Names are those of the public AWS sample."""
)


def solution_page(repository: Path) -> str:
    """Return docs/reference/solution.md."""
    template = yaml.safe_load((repository / TEMPLATE).read_text(encoding="utf-8"))
    resources: dict[str, Any] = template["Resources"]
    documents = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::SSM::Document"]
    return page(
        "The solution",
        INTRODUCTION,
        "## Parameters of the template",
        table(("parameter", "default", "allowed", "meaning"), [_parameter(*one) for one in template["Parameters"].items()]),
        "## Resources",
        table(("resource", "type", "name"), [_resource(*one) for one in sorted(resources.items())]),
        "## Outputs",
        table(("output", "meaning"), [(code(name), one.get("Description", "")) for name, one in template["Outputs"].items()]),
        *(part for document in documents for part in _document(document)),
    )


def _parameter(name: str, declared: Mapping[str, Any]) -> tuple[str, str, str, str]:
    default = _shown(declared["Default"]) if "Default" in declared else "needed"
    allowed = codes(map(str, declared.get("AllowedValues", []))) or code(declared.get("AllowedPattern") or declared["Type"])
    return code(name), default, allowed, declared.get("Description", "")


def _resource(name: str, resource: Mapping[str, Any]) -> tuple[str, str, str]:
    properties = resource.get("Properties", {})
    named = next((value for key in ("Name", "RoleName", "StackSetName") if isinstance(value := properties.get(key), str)), "")
    return code(name), code(resource["Type"]), code(named) if named else ""


def _document(properties: Mapping[str, Any]) -> Iterator[str]:
    content = properties["Content"]
    yield f"## {code(properties['Name'])}"
    yield content["description"]
    rows = []
    for name, declared in content["parameters"].items():
        default = _shown(declared["default"]) if "default" in declared else "needed"
        rows.append((code(name), declared["type"], default, declared.get("description", "")))
    yield table(("parameter", "type", "default", "meaning"), rows)
    yield table(("step", "action", "what it does"), [_step(step) for step in content["mainSteps"]])


def _step(step: Mapping[str, Any]) -> tuple[str, str, str]:
    return code(step["name"]), code(step["action"]), step.get("description", "")


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "Ref" in value:
        return f"the template's {code(value['Ref'])}"
    if isinstance(value, dict) and "Fn::Join" in value:
        return f"the template's {code(value['Fn::Join'][1]['Ref'])}"
    return "empty" if value in ("", [], {}) else code(value if isinstance(value, str) else json.dumps(value))
