"""Which findings whoever answers for a package may accept, with a reason: they are told, and stop nothing.

Rules: only a judgement can be accepted; what AWS or the agent refuses, and what is unsafe to unpack, cannot.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from csd.package.lint.registry import RULES
from csd.package.lint.rule import Finding
from csd.package.lint.rules_manifest import ACCEPTED

JUDGEMENTS = tuple(rule.id for rule in RULES.values() if rule.is_judgement)


def acceptance_findings(accepted: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """What is wrong with {id of a rule: reason}."""
    for rule, reason in accepted.items():
        if rule not in RULES:
            yield Finding(ACCEPTED, where, f"{rule!r} is no rule.")
        elif rule not in JUDGEMENTS:
            yield Finding(ACCEPTED, f"{where}.{rule}", f"{RULES[rule].sentence} That is no matter of judgement.")
        elif not isinstance(reason, str) or not reason.strip():
            yield Finding(ACCEPTED, f"{where}.{rule}", f"gives no reason; found {reason!r}.")
