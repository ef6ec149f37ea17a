"""The document behind a command: fetched through the API, read, and refused when Run Command cannot send it.

Flow: name or ARN -> ssm:GetDocument + ssm:DescribeDocument -> `CommandDocument` (content as JSON, steps, platforms).
Rules: sharing is decided by the documents engine: what is not shared with the caller's account is InvalidDocument.
Refuses to know: how plugins work; that is the node's business.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError
from localorg.kernel.yaml_text import load_yaml
from localorg.protocol.calls import Output, Params

Read = Callable[[str, Params], Output]
"""(operation, params) -> output, in the caller's account and Region."""


@dataclass(frozen=True)
class CommandDocument:
    """A Command document as it will be sent. `platforms` is empty when the service does not say."""

    name: str
    version: str
    content: dict[str, Any]
    steps: tuple[str, ...]
    parameters: dict[str, Any]
    platforms: tuple[str, ...]


def document_arn(name: str, *, partition: str, region: str, account: str) -> Arn:
    """Return the ARN that ssm:SendCommand is checked on. `name` may be an ARN already."""
    if (arn := parse_arn(name)) is not None:
        return arn
    # AWS: user guide "Restricting Run Command access": AWS-owned documents have no account in their ARN.
    owner = "" if name.startswith(("AWS-", "Amazon")) else account
    return Arn(partition, "ssm", region, owner, f"document/{name}")


def fetch(read: Read, params: Params) -> CommandDocument:
    """Return the document that a SendCommand names. Raises InvalidDocument, InvalidDocumentVersion."""
    wanted = {"Name": params["DocumentName"]}
    if "DocumentVersion" in params:
        wanted["DocumentVersion"] = params["DocumentVersion"]
    found = read("GetDocument", wanted)
    description = read("DescribeDocument", wanted)["Document"]
    _check_kind(params["DocumentName"], found, description)
    _check_hash(params, description)
    return _parse(params["DocumentName"], found, tuple(description.get("PlatformTypes", ())))


def _check_kind(name: str, found: Output, description: dict[str, Any]) -> None:
    kind = found.get("DocumentType") or description.get("DocumentType")
    if kind != "Command":
        raise AwsError("InvalidDocument", f"SendCommand runs documents of type Command; {name} is of type {kind}.")
    # ASSUMED: a document that is Creating cannot be sent yet, and with this error; AWS may wait for it.
    if description.get("Status", "Active") != "Active":
        raise AwsError("InvalidDocument", f"The document {name} is {description['Status']}; wait until it is Active.")


def _check_hash(params: Params, description: dict[str, Any]) -> None:
    expected = params.get("DocumentHash")
    if expected is None:
        return
    kind = params.get("DocumentHashType", "Sha256")
    if description.get("HashType", "Sha256") != kind or description.get("Hash") != expected:
        raise AwsError(
            "InvalidDocument",
            f"DocumentHash {expected} ({kind}) is not the hash of {params['DocumentName']}: "
            f"{description.get('Hash')} ({description.get('HashType')}).",
        )


def _parse(name: str, found: Output, platforms: tuple[str, ...]) -> CommandDocument:
    content = _load(name, found["Content"], found.get("DocumentFormat", "JSON"))
    return CommandDocument(
        name=name,
        version=found["DocumentVersion"],
        content=content,
        steps=_step_names(content),
        parameters=content.get("parameters") or {},
        platforms=platforms,
    )


def _load(name: str, text: str, kind: str) -> dict[str, Any]:
    try:
        content = load_yaml(text, yaml.CSafeLoader) if kind == "YAML" else json.loads(text)
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise AwsError("InvalidDocument", f"The content of {name} is not {kind}: {error}") from error
    if not isinstance(content, dict):
        raise AwsError("InvalidDocument", f"The content of {name} must be an object, found {type(content).__name__}.")
    return content


def _step_names(content: dict[str, Any]) -> tuple[str, ...]:
    # AWS: user guide "Data elements and parameters": schema 2.x has mainSteps with names, 1.2 runtimeConfig by plugin.
    if "mainSteps" in content:
        return tuple(step["name"] for step in content["mainSteps"])
    return tuple(content.get("runtimeConfig", {}))
