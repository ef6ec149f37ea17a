"""A runbook of schema 0.3 as values: its steps with every default filled in.

Flow: document text (JSON or YAML) -> `read` -> mapping -> `Runbook`. What may be wrong with one is `checks`' business: `Runbook` is
made only from content that passed.
Refuses to know: what actions do.
AWS: user guide, automation-documents and automation-actions, "Properties shared by all actions".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from localorg.kernel.yaml_text import load_yaml


class UnreadableRunbook(ValueError):
    """The text is neither a JSON nor a YAML mapping; says where it breaks."""


@dataclass(frozen=True)
class OutputRule:
    """One declared output of a step."""

    name: str
    selector: str
    kind: str


@dataclass(frozen=True)
class Step:
    """One step. `timeout_s` is as written: a number, digits or a reference; None means the action's default."""

    name: str
    action: str
    inputs: dict[str, Any]
    outputs: tuple[OutputRule, ...] = ()
    on_failure: str = "Abort"
    on_cancel: str = "Abort"
    is_critical: bool = True
    is_end: bool = False
    next_step: str = ""
    max_attempts: int = 1
    timeout_s: int | str | None = None
    inner: tuple["Step", ...] = ()
    """The steps of a loop."""


@dataclass(frozen=True)
class Runbook:
    """A runbook whose content was found to be right."""

    steps: tuple[Step, ...]
    parameters: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    assume_role: str = ""
    outputs: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    """Attachment -> the sha256 that it must have."""

    def step(self, name: str) -> Step:
        """Return the step called `name`, also one inside a loop. Raises KeyError."""
        for step in all_steps(self.steps):
            if step.name == name:
                return step
        raise KeyError(name)


def read(text: str) -> dict[str, Any]:
    """Return the mapping that a document's content holds. Raises UnreadableRunbook."""
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = load_yaml(text, _TextLoader)
        except yaml.YAMLError as problem:
            raise UnreadableRunbook(f"the content is neither JSON nor YAML: {problem}") from None
    if not isinstance(value, dict):
        raise UnreadableRunbook(f"the content must be a mapping, found {type(value).__name__}")
    return value


class _TextLoader(yaml.CSafeLoader):
    """YAML in which dates stay text, as in JSON."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(content: dict[str, Any]) -> Runbook:
    """Return the runbook that `content` (checked) describes."""
    return Runbook(
        steps=tuple(_step(step) for step in content["mainSteps"]),
        parameters=content.get("parameters") or {},
        variables=content.get("variables") or {},
        assume_role=str(content.get("assumeRole") or ""),
        outputs=tuple(content.get("outputs") or ()),
        files={name: str(facts["checksums"]["sha256"]) for name, facts in (content.get("files") or {}).items()},
    )


def _step(written: dict[str, Any]) -> Step:
    inputs = written.get("inputs") or {}
    on_failure = _flow_word(str(written.get("onFailure", "Abort")))
    return Step(
        name=written["name"],
        action=written["action"],
        inputs=inputs,
        outputs=tuple(
            OutputRule(one["Name"], one["Selector"], one.get("Type", "String")) for one in written.get("outputs") or ()
        ),
        on_failure=on_failure,
        on_cancel=_flow_word(str(written.get("onCancel", "Abort"))),
        # AWS: "isCritical: ... true", but false by default where onFailure is Continue.
        is_critical=truth(written.get("isCritical", on_failure != "Continue")),
        is_end=truth(written.get("isEnd", False)),
        next_step=str(written.get("nextStep") or ""),
        max_attempts=int(written.get("maxAttempts", 1)),
        timeout_s=written.get("timeoutSeconds"),
        inner=tuple(_step(one) for one in inputs.get("Steps") or ()) if written["action"] == "aws:loop" else (),
    )


def _flow_word(word: str) -> str:
    # AWS: the guide writes Abort, Continue and Cancel both with and without a capital.
    return word.capitalize() if word.lower() in ("abort", "continue") else word


def truth(value: Any) -> bool:
    """Return a Boolean that may be written as text."""
    return value if isinstance(value, bool) else str(value).lower() == "true"


def all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield every step, those inside loops after their loop."""
    for step in steps:
        yield step
        yield from all_steps(step.inner)
