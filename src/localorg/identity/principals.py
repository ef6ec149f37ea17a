"""The Principal element: whom a resource policy or a role's trust policy speaks of, and how directly.

Flow: {"AWS": [...], "Service": "..."} -> `Principals` -> `reach(principal)`: not at all, through the account, or by name.
Rules: an account (12 digits or its root ARN) delegates: the account's own policies must allow as well. Naming a user, a role or `*`
grants by itself inside the account; naming a role session grants even past its session policies.
Refuses to know: whether a named user or role exists (service.py asks the rows).

AWS: IAM user guide, "AWS JSON policy elements: Principal"; "How AWS enforcement code logic evaluates requests".
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from localorg.identity.conditions import Findings
from localorg.kernel.arn import parse_arn
from localorg.protocol.calls import Principal

ACCOUNT = re.compile(r"\d{12}")
UNIQUE_ID = re.compile(r"A(ROA|IDA)[A-Z0-9]{12,124}")
SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
NAMED_RESOURCE = re.compile(r"(user|role|assumed-role)/[\w+=,.@/-]+|root")


class Reach(IntEnum):
    """How directly a policy speaks of a principal; more is stronger."""

    NONE = 0
    ACCOUNT = 1
    NAMED = 2
    SESSION = 3


@dataclass(frozen=True, slots=True)
class Principals:
    """The principals of one statement."""

    everyone: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    services: frozenset[str]

    def reach(self, principal: Principal) -> Reach:
        """Return how directly the statement speaks of `principal`."""
        if principal.kind == "service":
            # AWS: "*" also covers services; a service principal otherwise only matches its own name.
            return Reach.NAMED if self.everyone or principal.service in self.services else Reach.NONE
        if principal.kind == "node":
            # A node's key opens the door to its role's token only; no policy can name it.
            return Reach.NAMED if self.everyone else Reach.NONE
        if principal.kind in {"role", "federated"} and principal.arn in self.arns:
            return Reach.SESSION
        if self.everyone or (principal.role_arn or principal.user_arn or principal.arn) in self.arns:
            return Reach.NAMED
        if principal.account and principal.account in self.accounts:
            return Reach.NAMED if principal.kind == "root" else Reach.ACCOUNT
        return Reach.NONE


def parse_principals(element: Any, place: str, findings: Findings) -> Principals:
    """Return the principals of a statement; what is wrong or unknown goes to `findings`."""
    if element == "*":
        return _collected(["*"], [])
    if not isinstance(element, dict) or not element:
        findings.malformed.append(f'{place}: Invalid principal in policy: expected "*" or an object, found {element!r}')
        return _collected([], [])
    aws: list[str] = []
    services: list[str] = []
    for kind, values in element.items():
        listed = values if isinstance(values, list) else [values]
        if not listed:
            findings.malformed.append(f'{place}: Invalid principal in policy: "{kind}" names nobody')
        match kind:
            case "AWS":
                aws += [value for value in listed if _aws_is_valid(value, place, findings)]
            case "Service":
                services += [value for value in listed if _service_is_valid(value, place, findings)]
            case "Federated" | "CanonicalUser":
                findings.unsupported.append(f"the principal type {kind} ({place})")
            case _:
                findings.malformed.append(f'{place}: Invalid principal in policy: "{kind}" is no kind of principal')
    return _collected(aws, services)


def _collected(aws: list[str], services: list[str]) -> Principals:
    accounts, arns = set(), set()
    for value in aws:
        arn = parse_arn(value)
        if ACCOUNT.fullmatch(value):
            accounts.add(value)
        elif arn and arn.service == "iam" and arn.resource == "root":
            accounts.add(arn.account)
        elif value != "*":
            arns.add(value)
    return Principals("*" in aws, frozenset(accounts), frozenset(arns), frozenset(services))


def _aws_is_valid(value: Any, place: str, findings: Findings) -> bool:
    if isinstance(value, str) and (value == "*" or ACCOUNT.fullmatch(value) or UNIQUE_ID.fullmatch(value)):
        return True
    arn = parse_arn(value) if isinstance(value, str) else None
    if arn and arn.service == "sts" and arn.resource.startswith("federated-user/"):
        findings.unsupported.append(f"federated users as principals ({place})")
        return False
    known = arn and arn.service in {"iam", "sts"} and not arn.region and ACCOUNT.fullmatch(arn.account)
    # AWS: "You cannot use a wildcard to match part of a principal name or ARN."
    if not known or not NAMED_RESOURCE.fullmatch(arn.resource if arn else ""):
        findings.malformed.append(f'{place}: Invalid principal in policy: "AWS":"{value}"')
        return False
    return True


def _service_is_valid(value: Any, place: str, findings: Findings) -> bool:
    if isinstance(value, str) and SERVICE.fullmatch(value):
        return True
    findings.malformed.append(f'{place}: Invalid principal in policy: "SERVICE":"{value}"')
    return False
