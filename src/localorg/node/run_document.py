"""aws:runDocument: a document within a document, from Systems Manager or from a file of the node.

Flow: inputs (documentType, documentPath, documentParameters) -> content and parameters -> the worker runs its steps -> `merged` into the
one result of the outer step. AWS: amazon-ssm-agent, plugins/rundocument, whose words are kept.
Rules: three documents deep at most. The parameters of an inner document are checked here, since nobody checked them when it was sent.
Refuses to know: how steps are run; that is the worker's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.references import as_text
from localorg.node.results import Status, StepResult

PLUGIN = "aws:runDocument"
DEPTH_MAX = 3
NAME_AND_VERSION = re.compile(r"(?P<name>(?:arn:[^/]*/)?[^/:]+)(?::(?P<version>[^/:]+))?")


class InnerError(Exception):
    """The inner document cannot be run; the text is the step's standard error."""


class Calls(Protocol):
    """The part of AWS's API that is used here."""

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call `operation` of Systems Manager."""
        ...


@dataclass(frozen=True)
class Inner:
    """A document to run within another."""

    content: Mapping[str, Any]
    parameters: Mapping[str, Any]


def inner(inputs: Mapping[str, Any], calls: Calls, downloads: Path, depth: int) -> Inner:
    """Return what `inputs` ask for. `depth` counts the documents around it. Raises InnerError."""
    if depth >= DEPTH_MAX:
        raise InnerError(
            f"Maximum depth for document execution exceeded. Maximum depth permitted - {DEPTH_MAX} and current depth - {depth + 1}"
        )
    kind, path = str(inputs.get("documentType") or ""), str(inputs.get("documentPath") or "")
    if not kind:
        raise InnerError("invalid input: Document Type must be specified to either by SSMDocument or LocalPath.")
    if kind not in ("SSMDocument", "LocalPath"):
        raise InnerError("invalid input: Document type specified in invalid")
    if not path:
        raise InnerError("invalid input: Document Path must be provided")
    text = document_text(calls, path) if kind == "SSMDocument" else _file_text(downloads / path)
    content = mapping(text, "There was an error while preparing documents")
    parameters = {name: value for name, value in _parameters(inputs.get("documentParameters")).items() if value is not None}
    problems = _problems(content.get("parameters") or {}, parameters)
    if problems:
        raise InnerError(
            "There was an error while preparing documents - all errors during param validation errors: " + "\n".join(problems)
        )
    return Inner(content, parameters)


def document_text(calls: Calls, path: str) -> str:
    """Return the content of a document by NAME, ARN or either with :VERSION. Raises InnerError."""
    found = NAME_AND_VERSION.fullmatch(path)
    if found is None:
        raise InnerError(f"{path} is no name and no ARN of a document")
    wanted = {"Name": found["name"], **({"DocumentVersion": found["version"]} if found["version"] else {})}
    try:
        return str(calls.call("GetDocument", wanted)["Content"])
    except (CallRefusedError, Unreachable) as error:
        raise InnerError(str(error)) from error


def merged(results: Sequence[StepResult]) -> StepResult:
    """Return the outer step's result: all texts one after the other, and the gravest status. AWS: contracts MergeResultStatus."""
    order = (Status.SKIPPED, Status.SUCCESS, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT)
    status = max((result.status for result in results), key=order.index)
    return StepResult(
        PLUGIN,
        status,
        1 if status in (Status.FAILED, Status.CANCELLED, Status.TIMED_OUT) else 0,
        "".join(result.stdout for result in results),
        "".join(result.stderr for result in results),
    )


def _file_text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""  # AWS: fileutil ReadAllText: what is not there is as if it were empty.
    except (OSError, UnicodeDecodeError) as error:
        raise InnerError(f"There was an error while preparing documents - {error}") from error
    if not text:
        raise InnerError("There was an error while preparing documents - File is empty!")
    return text


def mapping(text: str, what: str) -> dict[str, Any]:
    """Return JSON, or else YAML, as a mapping."""
    try:
        value = yaml.safe_load(text) if not text.lstrip().startswith("{") else json.loads(text)
    except (ValueError, yaml.YAMLError) as error:
        raise InnerError(f"{what} - neither JSON nor YAML: {error}") from error
    if not isinstance(value, dict):
        raise InnerError(f"{what} - expected a mapping, found {type(value).__name__}")
    return value


def _parameters(given: Any) -> dict[str, Any]:
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        return mapping(given, "Unmarshalling document parameters failed. Please make sure they are in the right format")
    if isinstance(given, Mapping):
        return dict(given)
    raise InnerError("There was an error while preparing documents - parameter type specified to run document is unknown")


def _problems(declared: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the parameters. AWS: paramvalidator, the optional validators; not for references to Parameter Store."""
    found = []
    for name, spec in declared.items():
        value = given.get(name, spec.get("default"))
        if name in given and "{{" not in as_text(value):
            found += [f"parameter /{name}/: {problem}" for problem in _value_problems(spec, value)]
    return found


def _value_problems(spec: Mapping[str, Any], value: Any) -> list[str]:
    texts = [as_text(one) for one in value] if isinstance(value, list) else [as_text(value)]
    found = []
    allowed = [str(one) for one in spec.get("allowedValues") or []]
    for text in texts:
        if allowed and text not in allowed:
            found.append(f"parameter value /{text}/ is not in the allowed list [{' '.join(allowed)}]")
        if len(text) < int(spec.get("minChars") or 0):
            found.append(f"parameter value /{text}/ is less than the min char limit /{spec['minChars']}/")
        if "maxChars" in spec and len(text) > int(spec["maxChars"]):
            found.append(f"parameter value /{text}/ is exceeding the max chars /{spec['maxChars']}/")
    if isinstance(value, list) and len(value) < int(spec.get("minItems") or 0):
        found.append(f"parameter value /{as_text(value)}/ is less than the min items /{spec['minItems']}/")
    if isinstance(value, list) and "maxItems" in spec and len(value) > int(spec["maxItems"]):
        found.append(f"parameter value /{as_text(value)}/ is exceeding the max items /{spec['maxItems']}/")
    return found
