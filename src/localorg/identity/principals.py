"""The Principal element: whom a resource policy or a role's trust policy speaks of, and how directly.

Flow: {"AWS": [...], "Service": "..."} -> `Principals` -> `reach(principal)`: not at all, through the account, or by name.
Rules: an account (12 digits or its root ARN) delegates: the account's own policies must allow as well. Naming a user, a role or `*`
grants by itself inside the account; naming a role session grants even past its session policies.
Refuses to know: whether a named user or role exists (service.py asks the rows).

AWS: IAM user guide, "AWS JSON policy elements: Principal"; "How AWS enforcement code logic evaluates requests".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from localorg.identity.findings import Findings
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import NotSupported
from localorg.protocol.calls import Principal

ACCOUNT = re.compile(r"\d{12}")
UNIQUE_ID = re.compile(r"A(ROA|IDA)[A-Z0-9]{12,124}")
SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
FEDERATED = re.compile(r"arn:[\w-]+:iam::\d{12}:(saml|oidc)-provider/\S+|[a-z0-9-]+(\.[a-z0-9-]+)+\S*")
NAMED_RESOURCE = re.compile(r"(user|role|assumed-role|federated-user)/[\w+=,.@/-]+|root")


class Reach(IntEnum):
    """How directly a policy speaks of a principal; more is stronger."""

    NONE = 0
    ACCOUNT = 1
    NAMED = 2
    SESSION = 3


@dataclass(frozen=True, slots=True)
class Principals:
    """The principals of one statement; `others` says that it speaks of all but them (NotPrincipal)."""

    everyone: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str] = frozenset()
    others: bool = False

    def reach(self, principal: Principal, unique_id: str = "") -> Reach:
        """Return how directly the statement speaks of `principal`; `unique_id` is that of its user or role."""
        if self.others:
            return Reach.NONE if self._spares(principal, unique_id) else Reach.NAMED
        if principal.kind in {"service", "node"}:
            # AWS: "*" also covers services; a service principal otherwise only matches its own name.
            # A node's key opens the door to its role's token only; no policy can name it.
            named = principal.kind == "service" and principal.service in self.services
            return Reach.NAMED if self.everyone or named else Reach.NONE
        if principal.kind in {"role", "federated"} and principal.arn in self.arns:
            return Reach.SESSION
        if self.everyone or not self.arns.isdisjoint({principal.role_arn or principal.user_arn or principal.arn, unique_id}):
            return Reach.NAMED
        if principal.account and principal.account in self.accounts:
            return Reach.NAMED if principal.kind == "root" else Reach.ACCOUNT
        return Reach.NONE

    def _spares(self, principal: Principal, unique_id: str) -> bool:
        """AWS: NotPrincipal must name the account too, and of a role session also its role; else it speaks of them."""
        if self.everyone:
            return True
        match principal.kind:
            case "service":
                return principal.service in self.services
            case "anonymous" | "node":
                return False
            case _:
                own = principal.role_arn or principal.arn
                is_named = own in self.arns or unique_id in self.arns
                names_all = is_named and (principal.arn == own or principal.arn in self.arns)
                return principal.account in self.accounts and (principal.kind == "root" or names_all)


def parse_principals(element: Any, place: str, findings: Findings, *, others: bool = False) -> Principals:
    """Return the principals of a statement; what is wrong goes to `findings`. Raises NotSupported."""
    named: dict[str, list[str]] = {}
    if element == "*":
        named["AWS"] = ["*"]
    elif not isinstance(element, dict) or not element:
        findings.add("Invalid principal in policy.", place, f'expected "*" or an object, found {element!r}')
    else:
        for kind, values in element.items():
            named[kind] = _valid(kind, values if isinstance(values, list) else [values], place, findings)
    return _collected(named, others=others)


def _valid(kind: str, values: list[Any], place: str, findings: Findings) -> list[str]:
    if kind == "CanonicalUser":
        raise NotSupported(f"the principal type {kind} ({place})", "a policy")
    if kind not in VALID:
        findings.add("Invalid principal in policy.", place, f'"{kind}" is no kind of principal')
        return []
    if not values:
        findings.add("Invalid principal in policy.", place, f'"{kind}" names nobody')
    told, is_valid = VALID[kind]
    for value in values:
        if not isinstance(value, str) or not is_valid(value):
            findings.add(f'Invalid principal in policy: "{told}":"{value}"', place)
    return [value for value in values if isinstance(value, str)]


def _collected(named: dict[str, list[str]], *, others: bool) -> Principals:
    accounts, arns, aws = set(), set(), named.get("AWS", [])
    for value in aws:
        arn = parse_arn(value)
        if ACCOUNT.fullmatch(value):
            accounts.add(value)
        elif arn and arn.service == "iam" and arn.resource == "root":
            accounts.add(arn.account)
        elif value != "*":
            arns.add(value)
    services, federated = frozenset(named.get("Service", [])), frozenset(named.get("Federated", []))
    return Principals("*" in aws, frozenset(accounts), frozenset(arns), services, federated, others)


def _is_aws(value: str) -> bool:
    if value == "*" or ACCOUNT.fullmatch(value) or UNIQUE_ID.fullmatch(value):
        return True
    arn = parse_arn(value)
    # AWS: "You cannot use a wildcard to match part of a principal name or ARN."
    known = arn and arn.service in {"iam", "sts"} and not arn.region and ACCOUNT.fullmatch(arn.account)
    return bool(known and NAMED_RESOURCE.fullmatch(arn.resource if arn else ""))


VALID: dict[str, tuple[str, Callable[[str], bool]]] = {
    "AWS": ("AWS", _is_aws),
    "Service": ("SERVICE", lambda value: SERVICE.fullmatch(value) is not None),
    "Federated": ("FEDERATED", lambda value: FEDERATED.fullmatch(value) is not None),
}
"""Kind of principal -> how IAM calls it in a refusal, and which names it may have."""
