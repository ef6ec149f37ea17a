"""PolicyExclusionList of the simulator: which policies a simulation leaves out.

Rules: an identifier that matches nothing is ignored; resource control policies are never a part of a simulation.
AWS: IAM API reference, PolicyIdentifier, InlinePolicyIdentifierType.
"""

from collections.abc import Callable, Sequence
from typing import Any

from localorg.identity.sources import AWS_MANAGED, INPUT, OWN_MANAGED, Source
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.kernel.globs import Piece, matcher

INLINE = "inline"
STARS_MAX = 1


def exclusion(identifiers: Sequence[dict[str, Any]]) -> tuple[Callable[[Source], bool], frozenset[str]]:
    """Return what says of a policy whether it is left out, and the kinds that are. Raises InvalidInput."""
    tests = [_test(identifier) for identifier in identifiers]
    kinds = frozenset(identifier["PolicyType"] for identifier in identifiers if "PolicyType" in identifier)
    return lambda source: any(test(source) for test in tests), kinds


def _test(identifier: dict[str, Any]) -> Callable[[Source], bool]:
    match identifier:
        case {"PolicyType": str(kind), **rest} if not rest:
            return lambda source: source.kind == kind or (kind == INLINE and bool(source.holder))
        case {"PolicyArn": str(arn), **rest} if not rest:
            parts = parse_arn(arn)
            if (
                parts is None
                or parts.service != "iam"
                or not parts.resource.startswith("policy/")
                or _is_wild(arn, parts.resource)
            ):
                raise AwsError("InvalidInput", f"Invalid policy ARN: {arn}")
            matches = _pattern(arn)
            return lambda source: source.kind in {AWS_MANAGED, OWN_MANAGED} and matches(source.arn)
        case {"InlinePolicyIdentifier": dict(inline), **rest} if not rest:
            is_named = _pattern(inline["AttachmentName"])
            name, kind = inline["PolicyName"], inline["AttachmentType"]
            return lambda source: source.id == name and source.kind == kind and source.kind != INPUT and is_named(source.holder)
        case _:
            raise AwsError(
                "InvalidInput", "A policy identifier has exactly one of PolicyType, PolicyArn, InlinePolicyIdentifier."
            )


def _is_wild(arn: str, resource: str) -> bool:
    before = arn.removesuffix(resource)
    return "*" in before or "?" in before


def _pattern(text: str) -> Callable[[str], bool]:
    if text.count("*") > STARS_MAX:
        raise AwsError("InvalidInput", f"At most one * is possible in {text}")
    kinds = {"*": Piece(kind="many"), "?": Piece(kind="one")}
    return matcher([kinds.get(character) or Piece(character) for character in text])
