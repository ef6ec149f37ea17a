"""Is this content a document of that type? All problems at once, or the facts that answers show.

Flow: text -> size -> `text.read` -> the rules of the type (`manifests`, `command_rules`, `runbook_rules`) -> `Facts`.
Errors: MaxDocumentSizeExceeded, InvalidDocumentSchemaVersion, InvalidDocumentContent with every problem, NotSupported.
Refuses to know: versions, accounts, storage.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localorg.documents import command_rules, ical, manifests, runbook_rules, text
from localorg.documents.records import CONTENT_BYTES_MAX
from localorg.kernel.errors import AwsError, NotSupported

FORMATS = ("JSON", "YAML")
SCHEMAS = {
    "Package": ("2.0",),
    "Command": ("1.2", "2.0", "2.2"),
    "Automation": ("0.3",),
}
"""AWS: user guide, documents-schemas-features, and distributor-working-with-packages-create for packages."""

RunbookCheck = Callable[[dict[str, Any]], list[str]]
TextRules = Callable[[str], "Facts"]


@dataclass(frozen=True)
class Facts:
    """What a valid content says about itself. `files` maps the attachments that it names to their sha256 (empty: not said)."""

    schema_version: str
    description: str
    parameters: list[dict[str, str]]
    platform_types: list[str]
    files: dict[str, str]


def _calendar_facts(content: str) -> Facts:
    problems = ical.problems(content)
    if problems:
        raise _refuse("ChangeCalendar", problems)
    # ASSUMED: a calendar has no schema version of its own, and says of itself what X-WR-CALDESC says.
    return Facts("", ical.description(content), [], [], {})


TEXT_KINDS: dict[str, TextRules] = {"ChangeCalendar": _calendar_facts}
"""Types whose content is plain text (DocumentFormat TEXT) and what reads them. Raises AwsError for what is no such text."""


@dataclass(frozen=True)
class Examiner:
    """The rules, with what only others know: `check_runbook` lists what Automation cannot run."""

    check_runbook: RunbookCheck

    def examine(self, kind: str, content: str, form: str, version_name: str) -> Facts:
        """Return the facts, or raise AwsError with every problem."""
        if kind not in SCHEMAS and kind not in TEXT_KINDS:
            raise NotSupported(f"the document type {kind}", "CreateDocument")
        size = len(content.encode())
        if size > CONTENT_BYTES_MAX:
            raise AwsError("MaxDocumentSizeExceeded", f"A document has at most {CONTENT_BYTES_MAX} bytes; this one has {size}.")
        if kind in TEXT_KINDS:
            return self._examine_text(kind, content, form)
        if form not in FORMATS:
            # ASSUMED: the error's name; API CreateDocumentRequest.DocumentFormat lists TEXT, which calendars use.
            raise _refuse(kind, [f"its DocumentFormat is JSON or YAML, found {form}"])
        try:
            value = text.read(content, form)
        except text.Unreadable as problem:
            raise _refuse(kind, [str(problem)]) from None
        schema = _schema_of(kind, value)
        problems, platforms = self._judge(kind, value, schema, version_name)
        if problems:
            raise _refuse(kind, problems)
        return Facts(
            schema_version=schema,
            description=str(value.get("description") or ""),
            parameters=describe_parameters(value.get("parameters") or {}),
            platform_types=platforms,
            files={name: _checksum(entry) for name, entry in (value.get("files") or {}).items()},
        )

    @staticmethod
    def _examine_text(kind: str, content: str, form: str) -> Facts:
        if form != "TEXT":
            raise _refuse(kind, [f"its DocumentFormat is TEXT, found {form}"])
        return TEXT_KINDS[kind](content)

    def _judge(self, kind: str, value: dict[str, Any], schema: str, version_name: str) -> tuple[list[str], list[str]]:
        match kind:
            case "Package":
                return manifests.problems(value, version_name), manifests.platform_types(value)
            case "Command":
                return command_rules.problems(value, schema), command_rules.platform_types(value)
            case _:
                problems = runbook_rules.problems(value)
                # Automation's own check expects the outline to be right.
                return problems or self.check_runbook(value), ["Windows", "Linux", "MacOS"]


def content_hash(content: str) -> str:
    """Return the sha256 that DescribeDocument shows. # AWS: API DocumentHash, HashType Sha256."""
    return hashlib.sha256(content.encode()).hexdigest()


def describe_parameters(declared: dict[str, Any]) -> list[dict[str, str]]:
    """Return DescribeDocument's Parameters. # ASSUMED: the declared type is shown even where the enum lacks it."""
    described = []
    for name, rules in declared.items():
        shown = {"Name": name, "Type": str(rules.get("type", "")), "Description": str(rules.get("description") or "")}
        if "default" in rules:
            default = rules["default"]
            shown["DefaultValue"] = default if isinstance(default, str) else json.dumps(default)
        described.append(shown)
    return described


def _checksum(entry: Any) -> str:
    checksums = entry.get("checksums") if isinstance(entry, dict) else None
    return str(checksums.get("sha256", "")) if isinstance(checksums, dict) else ""


def _schema_of(kind: str, value: dict[str, Any]) -> str:
    """# ASSUMED: a number such as 2.2 without quotes is read as the text "2.2"."""
    found = value.get("schemaVersion")
    if found is None:
        raise _refuse(kind, [f"schemaVersion is missing; it must be one of {', '.join(SCHEMAS[kind])}"])
    if str(found) not in SCHEMAS[kind]:
        raise AwsError(
            "InvalidDocumentSchemaVersion",
            f"A document of type {kind} has schemaVersion {' or '.join(SCHEMAS[kind])}; this one says {found!r}.",
        )
    return str(found)


def _refuse(kind: str, problems: list[str]) -> AwsError:
    noun = "problem" if len(problems) == 1 else "problems"
    return AwsError("InvalidDocumentContent", f"This is no {kind} document ({len(problems)} {noun}): {'; '.join(problems)}")
