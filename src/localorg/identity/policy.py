"""Policy documents: parsed once, refused at entry with every problem named, never half understood.

Flow: JSON text or dictionary -> `parse_policy(document, kind)` -> `Policy` of `Statement`s that can answer "does this apply?".
Rules: what AWS refuses is MalformedPolicyDocument; what AWS takes is taken and judged. Keys that nobody here can fill are refused when
a decision depends on them (facts.py).
Refuses to know: who attached the policy and what the verdict is (evaluate.py).

AWS: IAM user guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements reference"; Organizations user guide, "SCP
syntax", "RCP syntax".
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Literal

from localorg.identity.conditions import Condition, all_hold, parse_conditions
from localorg.identity.findings import NO_ACTIONS, NO_RESOURCES, ONE_COLON, SYNTAX, TWICE, VENDOR, VERSION, Findings
from localorg.identity.principals import Principals, parse_principals
from localorg.identity.resource_names import problem_of
from localorg.identity.templates import Lookup, Template, template
from localorg.kernel.errors import AwsError
from localorg.kernel.globs import Match, Piece, matcher

Kind = Literal["identity", "managed", "resource", "trust", "session", "scp", "rcp"]
"""`managed` is an identity policy that is kept by itself; `scp` and `rcp` are the control policies of an organization."""
WITHOUT_PRINCIPAL = frozenset({"identity", "managed", "session", "scp"})
VERSIONS = ("2012-10-17", "2008-10-17")
TOP = {"Version", "Id", "Statement"}
ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
VENDOR_NAME = re.compile(r"[A-Za-z0-9.-]+")
REMEMBERED_MAX = 512
"""Actions that a policy keeps in mind; the simulator may be asked about any text."""
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
    conditions: tuple[Condition, ...]

    def applies(self, resource: str, lookup: Lookup) -> bool:
        """Say whether a statement that speaks of the action (`Policy.about`) speaks of the request, whoever makes it.

        Raises NotSupported for an unjudgeable condition.
        """
        tests = [partial(condition.holds, lookup) for condition in self.conditions]
        if self.resources is not None:
            tests.insert(0, partial(self.resources.hold, resource, lookup))
        return all_hold(tests)

    def named_keys(self) -> Iterator[str]:
        """Yield the condition keys and policy variables that the statement names, as they are written."""
        for item in self.resources.templates if self.resources else ():
            yield from item.keys
        for condition in self.conditions:
            yield condition.key
            for value in condition.values:
                yield from value.keys


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed document, its statements in the order of the text."""

    statements: tuple[Statement, ...]
    _found: dict[tuple[str, bool], tuple[Statement, ...]] = field(default_factory=dict, compare=False, repr=False)

    def about(self, action: str, *, allow: bool) -> tuple[Statement, ...]:
        """Return the statements of one effect that speak of an action, remembered: few actions are asked for, again and again."""
        found = self._found.get((action, allow))
        if found is None:
            if len(self._found) >= REMEMBERED_MAX:
                self._found.clear()
            found = tuple(one for one in self.statements if one.allow is allow and one.actions.hold(action))
            self._found[action, allow] = found
        return found

    def named_keys(self) -> Iterator[str]:
        """Yield the condition keys and policy variables that the document names, as they are written."""
        for statement in self.statements:
            yield from statement.named_keys()


def parse_policy(document: str | Mapping[str, Any], kind: Kind) -> Policy:
    """Return the parsed policy. Raises AwsError MalformedPolicyDocument, naming every problem, or NotSupported."""
    findings = Findings()
    content = _content(document)
    version = content.get("Version", "2008-10-17")
    # Observed by clients: a managed policy needs version 2012-10-17; ASSUMED: any other kind may have the older one, or none.
    if version not in VERSIONS or (kind == "managed" and version != VERSIONS[0]):
        findings.add(VERSION if version in VERSIONS else SYNTAX, "Version", f"found {version!r}")
    for name in content:
        if name not in TOP:
            findings.add(SYNTAX, name, "no element of a policy")
    if not isinstance(content.get("Id", ""), str):
        findings.add(SYNTAX, "Id", f"expected a string, found {content['Id']!r}")
    reader = Reader(kind, findings, variables=version == VERSIONS[0])
    listed = content.get("Statement")
    entries = listed if isinstance(listed, list) else [listed]
    if not entries or listed is None:
        findings.add(SYNTAX, "Statement", "a policy needs at least one statement")
        entries = []
    found = [reader.statement(entry, f"Statement[{number}]") for number, entry in enumerate(entries)]
    statements = tuple(statement for statement in found if statement)
    for sid in _twice(statements):
        findings.add(TWICE, detail=sid)
    findings.refuse()
    return Policy(statements)


@lru_cache(maxsize=4096)
def parsed(text: str, kind: Kind) -> Policy:
    """Like `parse_policy`, remembered: rows hold text, and the same text is judged many times."""
    return parse_policy(text, kind)


def _twice(statements: tuple[Statement, ...]) -> list[str]:
    sids = [statement.sid for statement in statements if statement.sid]
    return sorted(sid for sid, times in Counter(sids).items() if times > 1)


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
        raise AwsError("MalformedPolicyDocument", f"{SYNTAX} (expected an object, found {document!r})")
    return document


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted(name for name, times in Counter(names).items() if times > 1)
        raise ValueError(f"duplicate key {', '.join(repeated)}")
    return found


@lru_cache(maxsize=4096)
def _of_action(name: str) -> Match:
    if "*" not in name and "?" not in name:
        wanted = name.lower()
        return lambda action: action.lower() == wanted
    kinds: dict[str, Piece] = {"*": Piece(kind="many"), "?": Piece(kind="one")}
    return matcher([kinds.get(character) or Piece(character) for character in name], any_case=True)


class Reader:
    """Reads statements and notes what is wrong with them."""

    def __init__(self, kind: Kind, findings: Findings, *, variables: bool) -> None:
        self.kind = kind
        self.findings = findings
        self.variables = variables

    def statement(self, entry: Any, place: str) -> Statement | None:
        """Return a statement, or None when it is none at all."""
        bad = self.findings.add
        if not isinstance(entry, Mapping):
            bad(SYNTAX, place, f"expected an object, found {entry!r}")
            return None
        for name in entry:
            if name not in ELEMENTS:
                bad(SYNTAX, place, f"{name} is no element of a statement")
        effect = entry.get("Effect")
        if effect not in ("Allow", "Deny"):
            bad(SYNTAX, f"{place}.Effect", f"expected Allow or Deny, found {effect!r}")
        conditions: tuple[Condition, ...] = ()
        if "Condition" in entry:
            conditions = parse_conditions(entry["Condition"], f"{place}.Condition", self.findings, variables=self.variables)
        return Statement(
            sid=self._sid(entry, place),
            allow=effect == "Allow",
            actions=self._actions(entry, place),
            resources=self._resources(entry, place),
            principals=self._principals(entry, place),
            conditions=conditions,
        )

    def _sid(self, entry: Mapping[str, Any], place: str) -> str:
        sid = entry.get("Sid", "")
        if not isinstance(sid, str):
            self.findings.add(SYNTAX, f"{place}.Sid", f"expected a string, found {sid!r}")
        elif self.kind != "resource" and not SID.fullmatch(sid):
            self.findings.add("Statement IDs (SID) must be alpha-numeric.", f"{place}.Sid", f"found {sid!r}")
        return str(sid)

    def _either(self, entry: Mapping[str, Any], name: str, place: str, absent: str) -> tuple[str, list[str]] | None:
        """Return which of `name` and Not`name` is there, and its strings."""
        there = [element for element in (name, f"Not{name}") if element in entry]
        if len(there) != 1:
            self.findings.add(SYNTAX if there else absent, place, f"both {name} and Not{name} are there" if there else "")
            return None
        values = entry[there[0]]
        listed = values if isinstance(values, list) else [values]
        if not listed:
            self.findings.add(absent, f"{place}.{there[0]}")
        elif not all(isinstance(item, str) for item in listed):
            self.findings.add(SYNTAX, f"{place}.{there[0]}", f"expected strings, found {values!r}")
        else:
            return there[0], listed
        return None

    def _actions(self, entry: Mapping[str, Any], place: str) -> Actions:
        found = self._either(entry, "Action", place, NO_ACTIONS)
        if found is None:
            return Actions((), negated=False)
        element, names = found
        for name in names:
            vendor, colon, rest = name.partition(":")
            there = f"{place}.{element}"
            if self.kind == "trust" and not name.lower().startswith("sts:"):
                self.findings.add("AssumeRole policy may only specify STS AssumeRole actions.", there, f"found {name!r}")
            elif name != "*" and not (colon and rest):
                self.findings.add(VENDOR, there, f"found {name!r}")
            elif ":" in rest:
                self.findings.add(ONE_COLON, there, f"found {name!r}")
            elif vendor != "*" and not VENDOR_NAME.fullmatch(vendor):
                self.findings.add(f"Vendor {vendor} is not valid", there)
        return Actions(tuple(map(_of_action, names)), negated=element == "NotAction")

    def _resources(self, entry: Mapping[str, Any], place: str) -> Resources | None:
        if self.kind == "trust":
            for element in ("Resource", "NotResource"):
                if element in entry:
                    self.findings.add(f"Has prohibited field {element}", place)
            return None
        found = self._either(entry, "Resource", place, NO_RESOURCES)
        if found is None:
            return None
        element, texts = found
        for text in texts:
            problem = problem_of(text)
            if problem:
                self.findings.add(problem, f"{place}.{element}")
        templates = tuple(template(text, variables=self.variables) for text in texts)
        return Resources("*" in texts, templates, element == "NotResource")

    def _principals(self, entry: Mapping[str, Any], place: str) -> Principals | None:
        there = [element for element in ("Principal", "NotPrincipal") if element in entry]
        if self.kind in WITHOUT_PRINCIPAL:
            if there:
                self.findings.add("Policy document should not specify a principal.", place)
            return None
        if self.kind == "trust" and "NotPrincipal" in there:
            self.findings.add("Has prohibited field NotPrincipal", place)
        elif len(there) != 1:
            sentence = f"{SYNTAX}" if there else "Missing required field Principal"
            self.findings.add(sentence, place, "both Principal and NotPrincipal are there" if there else "")
        elif self.kind == "rcp" and entry.get("Principal") not in ("*", {"AWS": "*"}):
            self.findings.add(SYNTAX, f"{place}.Principal", 'a resource control policy can only say "*"')
        else:
            return parse_principals(entry[there[0]], f"{place}.{there[0]}", self.findings, others=there[0] == "NotPrincipal")
        return None
