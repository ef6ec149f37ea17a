"""How the validator's findings are told: one AwsError, in the words and under the code that each service uses.

Rules: every problem is in the message. Codes by protocol and service: ValidationException (JSON), ValidationError (query),
MissingParameter / InvalidParameterValue (EC2), and the few services whose models have an error of their own for it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from localorg.kernel.errors import AwsError


class Kind(Enum):
    """What is wrong with a parameter."""

    MISSING = "missing"
    TYPE = "type"
    UNKNOWN = "unknown"
    CONSTRAINT = "constraint"


@dataclass(frozen=True)
class Problem:
    """One finding: where (`tags.1.member.key`), the value as found, and what was expected."""

    kind: Kind
    place: str
    value: Any
    words: str
    sensitive: bool = False

    def sentence(self) -> str:
        """Return the finding in AWS's words where AWS has words for it."""
        match self.kind:
            case Kind.MISSING:
                return f"Value null at '{self.place}' failed to satisfy constraint: {self.words}"
            case Kind.CONSTRAINT if self.sensitive:
                return f"Value at '{self.place}' failed to satisfy constraint: {self.words}"
            case Kind.CONSTRAINT:
                return f"Value '{self.value}' at '{self.place}' failed to satisfy constraint: {self.words}"
            case _:
                return f"Parameter '{self.place}' {self.words}"


SERVICE_CODES = {
    # AWS: Resource Groups API reference, BadRequestException.
    "resource-groups": "BadRequestException",
    # AWS: Resource Groups Tagging API reference, InvalidParameterException.
    "resourcegroupstaggingapi": "InvalidParameterException",
}
"""Services whose model has its own error for a bad parameter."""
REASONS = (
    ("Member must not be null", "INPUT_REQUIRED", "You must include a value for all required parameters."),
    ("Member must satisfy regular expr", "INVALID_PATTERN", "You provided a value that does not match the required pattern."),
    ("Member must satisfy enum", "INVALID_ENUM", "You specified an invalid value."),
    ("Member must satisfy constraint", "INVALID_LIST_MEMBER", "You provided a list that contains at least one invalid value."),
    ("Member must have length less", "MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed."),
    ("Member must have length greater", "MIN_LENGTH_EXCEEDED", "You provided a string parameter that is shorter than allowed."),
    (
        "Member must have value less",
        "MAX_VALUE_EXCEEDED",
        "You provided a numeric parameter that has a larger value than allowed.",
    ),
    (
        "Member must have value greater",
        "MIN_VALUE_EXCEEDED",
        "You provided a numeric parameter that has a smaller value than allowed.",
    ),
)
"""How the validator's words begin -> Organizations' reason and its sentence.

AWS: Organizations API reference, InvalidInputException; the sentence of INVALID_PATTERN as it is reported (boto3 issue 4565).
"""
POLICY_TYPES = frozenset({"policyType", "type", "filter"})
"""Members of Organizations whose enum is that of policy types, which has a reason of its own."""


def refusal(service: str, protocol: str, operation: str, problems: list[Problem]) -> AwsError:
    """Return the error that tells all `problems` of a call."""
    if protocol == "ec2":
        return _ec2(problems)
    if all(problem.kind is Kind.TYPE for problem in problems) and protocol in {"json", "rest-json"}:
        # AWS: JSON services answer SerializationException to a body whose types are wrong.
        return AwsError("SerializationException", _joined(operation, problems))
    if service == "organizations":
        return _organizations(operation, problems)
    default = "ValidationError" if protocol == "query" else "ValidationException"
    return AwsError(SERVICE_CODES.get(service, default), _joined(operation, problems))


def _joined(operation: str, problems: list[Problem]) -> str:
    count = len(problems)
    sentences = "; ".join(problem.sentence() for problem in problems)
    unknown = f" (of {operation})" if any(problem.kind is Kind.UNKNOWN for problem in problems) else ""
    return f"{count} validation error{'' if count == 1 else 's'} detected{unknown}: {sentences}"


def _organizations(operation: str, problems: list[Problem]) -> AwsError:
    """DEVIATES: AWS says the first sentence only; which value is wrong, and why, comes after it here."""
    detail = _joined(operation, problems)
    for begins, reason, sentence in REASONS:
        if problems[0].words.startswith(begins):
            of_policies = reason == "INVALID_ENUM" and problems[0].place in POLICY_TYPES
            told = "INVALID_ENUM_POLICY_TYPE" if of_policies else reason
            return AwsError("InvalidInputException", f"{sentence} ({detail})", Reason=told)
    return AwsError("InvalidInputException", detail)


def _ec2(problems: list[Problem]) -> AwsError:
    """AWS: EC2 API reference, "Error codes": MissingParameter, UnknownParameter, InvalidParameterValue."""
    missing = [problem.place for problem in problems if problem.kind is Kind.MISSING]
    sentences = [f"The request must contain the parameter {place}" for place in missing]
    sentences += [problem.sentence() for problem in problems if problem.kind is not Kind.MISSING]
    if missing:
        code = "MissingParameter"
    elif problems[0].kind is Kind.UNKNOWN:
        code = "UnknownParameter"
    else:
        code = "InvalidParameterValue"
    return AwsError(code, "; ".join(sentences))


def java_text(value: Any) -> str:
    """Return a value the way AWS's services print it: [a, b], {k=v}, true."""
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"[{', '.join(java_text(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}={java_text(item)}' for key, item in value.items())}}}"
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case _:
            return str(value)
