"""Policy documents: parsed once, refused at entry with every problem named, never half understood.

Flow: JSON text or dictionary -> `parse_policy(document, kind)` -> `Policy` of `Statement`s that can answer "does this apply?".
Rules: what AWS would refuse is MalformedPolicyDocument; what AWS would take but this evaluator cannot judge is NotSupported and names
the element. Only AWS's own managed policies (`trusted=True`) may hold conditions we cannot judge: those refuse when they matter.
Refuses to know: who attached the policy and what the verdict is (evaluate.py).

AWS: IAM user guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements reference".
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from localorg.identity.conditions import Condition, Findings, Unevaluable, is_known, parse_conditions
from localorg.identity.globs import Match, Piece, matcher
from localorg.identity.principals import Principals, parse_principals
from localorg.identity.templates import Lookup, Template, template
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported

Kind = Literal["identity", "resource", "trust", "session"]
VERSIONS = ("2012-10-17", "2008-10-17")
ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
SID = re.compile(r"[A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Actions:
    """Action or NotAction: names are compared without regard to case."""

    matches: tuple[Match, ...]
    negated: bool

    def hold(self, action: str) -> bool:
        """Say whether `action` (ssm:SendCommand) is meant."""
        return any(match(action) for match in self.matches) != self.negated


@dataclass(frozen=True, slots=True)
class Resources:
    """Resource or NotResource."""

    everything: bool
    templates: tuple[Template, ...]
    negated: bool

    def hold(self, resource: str, lookup: Lookup) -> bool:
        """Say whether `resource` (an ARN or *) is meant."""
        return (self.everything or any(self._matches(item, resource, lookup) for item in self.templates)) != self.negated

    @staticmethod
    def _matches(item: Template, resource: str, lookup: Lookup) -> bool:
        pattern = item.pattern(lookup, "arn")
        return pattern is not None and pattern(resource)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `principals` is None in identity policies, `resources` in trust policies."""

    sid: str
    allow: bool
    actions: Actions
    resources: Resources | None
    principals: Principals | None
    conditions: tuple[Condition | Unevaluable, ...]

    def applies(self, action: str, resource: str, lookup: Lookup) -> bool:
        """Say whether the statement speaks of this request, whoever makes it. Raises NotSupported for an unjudgeable condition."""
        return (
            self.actions.hold(action)
            and (self.resources is None or self.resources.hold(resource, lookup))
            and all(condition.holds(lookup) for condition in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed document; `unjudgeable` names what only AWS could evaluate (empty unless trusted)."""

    statements: tuple[Statement, ...]
    unjudgeable: tuple[str, ...] = ()


def parse_policy(document: str | Mapping[str, Any], kind: Kind, *, trusted: bool = False) -> Policy:
    """Return the parsed policy. Raises AwsError MalformedPolicyDocument or NotSupported, each naming every problem."""
    findings = Findings()
    content = _content(document)
    version = content.get("Version", "2008-10-17")
    if version not in VERSIONS:
        findings.malformed.append(f"Version: Policy document must be version 2012-10-17 or greater. Found {version!r}")
    findings.malformed += [f"{name}: Syntax errors in policy." for name in content if name not in {"Version", "Id", "Statement"}]
    listed = content.get("Statement")
    entries = listed if isinstance(listed, list) else [listed]
    if not entries or listed is None:
        findings.malformed.append("Statement: Syntax errors in policy. A policy needs at least one statement")
        entries = []
    reader = _Reader(kind, findings, variables=version == "2012-10-17")
    statements = tuple(
        statement for number, entry in enumerate(entries) if (statement := reader.statement(entry, f"Statement[{number}]"))
    )
    findings.malformed += [
        f"Statement: Statement IDs (SID) in a single policy must be unique: {sid}" for sid in _twice(statements)
    ]
    if findings.malformed:
        raise AwsError("MalformedPolicyDocument", "; ".join(findings.malformed))
    if findings.unsupported and not trusted:
        raise NotSupported(", ".join(findings.unsupported), f"{'an' if kind == 'identity' else 'a'} {kind} policy")
    return Policy(statements, tuple(findings.unsupported))


@lru_cache(maxsize=4096)
def parsed(text: str, kind: Kind, *, trusted: bool = False) -> Policy:
    """Like `parse_policy`, remembered: rows hold text, and the same text is judged many times."""
    return parse_policy(text, kind, trusted=trusted)


def _twice(statements: tuple[Statement, ...]) -> list[str]:
    sids = [statement.sid for statement in statements if statement.sid]
    return sorted({sid for sid in sids if sids.count(sid) > 1})


def _content(document: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(document, str):
        try:
            document = json.loads(document, object_pairs_hook=_without_repetition)
            # Half of a surrogate pair is no character: it could be neither kept nor told.
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise AwsError("MalformedPolicyDocument", f"This policy contains invalid Json: {error.reason}") from error
        except ValueError as error:
            raise AwsError("MalformedPolicyDocument", f"This policy contains invalid Json: {error}") from error
        except RecursionError as error:
            raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json: nested too deeply") from error
    if not isinstance(document, Mapping):
        raise AwsError("MalformedPolicyDocument", f"Syntax errors in policy: expected an object, found {document!r}")
    return document


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"duplicate key {', '.join(repeated)}")
    return found


@lru_cache(maxsize=4096)
def _of_action(name: str) -> Match:
    kinds: dict[str, Piece] = {"*": Piece(kind="many"), "?": Piece(kind="one")}
    return matcher([kinds.get(character) or Piece(character) for character in name], any_case=True)


class _Reader:
    """Reads statements and notes what is wrong with them."""

    def __init__(self, kind: Kind, findings: Findings, *, variables: bool) -> None:
        self.kind = kind
        self.findings = findings
        self.variables = variables

    def statement(self, entry: Any, place: str) -> Statement | None:
        if not isinstance(entry, Mapping):
            self._bad(place, f"Syntax errors in policy: expected an object, found {entry!r}")
            return None
        for name in entry:
            if name not in ELEMENTS:
                self._bad(place, f"Syntax errors in policy: {name} is no element of a statement")
        if entry.get("Effect") not in ("Allow", "Deny"):
            self._bad(f"{place}.Effect", f"Syntax errors in policy: expected Allow or Deny, found {entry.get('Effect')!r}")
        sid = entry.get("Sid", "")
        if not isinstance(sid, str) or (self.kind != "resource" and not SID.fullmatch(sid)):
            self._bad(f"{place}.Sid", f"Statement IDs (SID) must be alpha-numeric, found {sid!r}")
        conditions: tuple[Condition | Unevaluable, ...] = ()
        if "Condition" in entry:
            conditions = parse_conditions(entry["Condition"], f"{place}.Condition", self.findings, variables=self.variables)
        return Statement(
            sid=str(sid),
            allow=entry.get("Effect") == "Allow",
            actions=self._actions(entry, place),
            resources=self._resources(entry, place),
            principals=self._principals(entry, place),
            # What can be judged is judged first, so that the rest is only asked when it decides.
            conditions=tuple(sorted(conditions, key=lambda condition: isinstance(condition, Unevaluable))),
        )

    def _bad(self, place: str, what: str) -> None:
        self.findings.malformed.append(f"{place}: {what}")

    def _either(self, entry: Mapping[str, Any], name: str, place: str) -> tuple[str, list[str]] | None:
        """Return which of `name` and Not`name` is there, and its strings."""
        there = [element for element in (name, f"Not{name}") if element in entry]
        if len(there) != 1:
            told = f"Policy statement must contain {name.lower()}s." if not there else f"both {name} and Not{name} are there"
            self._bad(place, told if not there else f"Syntax errors in policy: {told}")
            return None
        values = entry[there[0]]
        listed = values if isinstance(values, list) else [values]
        if not listed or not all(isinstance(item, str) for item in listed):
            self._bad(f"{place}.{there[0]}", f"Syntax errors in policy: expected strings, found {values!r}")
            return None
        return there[0], listed

    def _actions(self, entry: Mapping[str, Any], place: str) -> Actions:
        found = self._either(entry, "Action", place)
        if found is None:
            return Actions((), negated=False)
        element, names = found
        for name in names:
            if not ACTION.fullmatch(name):
                self._bad(
                    f"{place}.{element}",
                    f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. Found {name!r}",
                )
            elif self.kind == "trust" and not name.lower().startswith("sts:"):
                self._bad(f"{place}.{element}", f"AssumeRole policy may only specify STS AssumeRole actions. Found {name!r}")
        return Actions(tuple(map(_of_action, names)), negated=element == "NotAction")

    def _resources(self, entry: Mapping[str, Any], place: str) -> Resources | None:
        if self.kind == "trust":
            for element in ("Resource", "NotResource"):
                if element in entry:
                    self._bad(place, f"Has prohibited field {element}")
            return None
        found = self._either(entry, "Resource", place)
        if found is None:
            return None
        element, texts = found
        for text in texts:
            # ASSUMED: a pattern may end with * before all six parts of an ARN are written (arn:aws-cn:ssm:*).
            if text != "*" and parse_arn(text) is None and not (text.startswith("arn:") and text.endswith("*")):
                self._bad(f"{place}.{element}", f'Resource {text} must be in ARN format or "*".')
        templates = tuple(template(text, variables=self.variables) for text in texts)
        for unknown in (key for item in templates for key in item.keys if not is_known(key)):
            self.findings.unsupported.append(f"the policy variable ${{{unknown}}} ({place}.{element})")
        return Resources("*" in texts, templates, element == "NotResource")

    def _principals(self, entry: Mapping[str, Any], place: str) -> Principals | None:
        if self.kind in {"identity", "session"}:
            if "Principal" in entry or "NotPrincipal" in entry:
                self._bad(place, "Policy document should not specify a principal.")
            return None
        if "NotPrincipal" in entry:
            self.findings.unsupported.append(f"the policy element NotPrincipal ({place})")
            return None
        if "Principal" not in entry:
            self._bad(place, "Missing required field Principal")
            return None
        return parse_principals(entry["Principal"], f"{place}.Principal", self.findings)
