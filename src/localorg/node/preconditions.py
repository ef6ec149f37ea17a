"""Preconditions of a step: does it run on this node, with these parameters? Pure.

AWS: amazon-ssm-agent, runpluginutil evaluatePreconditions, whose words are kept; user guide, documents-schemas-features.
Rules: StringEquals of two operands. Either one of them is platformType, and the other a constant; or at least one of them refers to a
parameter of the document. An operand that refers to Parameter Store is not allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from localorg.node import parameter_store

PLATFORM = "platformType"


@dataclass
class Judgement:
    """`unmet`: a condition does not hold. `said` has a text for each condition that does not hold or cannot be judged."""

    unmet: bool = False
    said: list[str] = field(default_factory=list)


def judge(written: Mapping[str, Sequence[str]], filled: Mapping[str, Sequence[str]], platform_type: str) -> Judgement:
    """Judge every condition, `written` as in the document and `filled` with the parameters."""
    judgement = Judgement()
    for operator, operands in written.items():
        if operator != "StringEquals":
            judgement.said.append(f'unrecognized operator: "{operator}"')
        elif len(operands) != 2:
            judgement.said.append(f'"{operator}": operator accepts exactly 2 arguments')
        elif (problem := _problem(operands, filled[operator])) is not None:
            judgement.said.append(f'"{operator}": {problem}')
        elif not _holds(operands, filled[operator], platform_type):
            judgement.unmet = True
            judgement.said.append(f'"{operator}": [{operands[0]}, {operands[1]}]')
    return judgement


def _problem(written: Sequence[str], filled: Sequence[str]) -> str | None:
    if written[0] == written[1]:
        return f"[{PLATFORM} {PLATFORM}]" if written[0] == PLATFORM else "operator's arguments can't be identical"
    if any(parameter_store.REFERENCE.search(operand) for operand in written):
        return "operator's arguments can't contain SSM parameters"
    if any(parameter_store.SECURE.search(operand) for operand in written):
        return "operator's arguments can't contain secure SSM parameters"
    if PLATFORM in written:
        other = 1 if written[0] == PLATFORM else 0
        is_constant = written[other].lower() == filled[other].lower()
        return None if is_constant else f"the second argument for the {PLATFORM} variable can't contain document parameters"
    if list(written) == list(filled):
        return "at least one of operator's arguments must contain a valid document parameter"
    return None


def _holds(written: Sequence[str], filled: Sequence[str], platform_type: str) -> bool:
    if PLATFORM in written:
        other = written[1] if written[0] == PLATFORM else written[0]
        return other.lower() == platform_type.lower()
    return filled[0] == filled[1]
