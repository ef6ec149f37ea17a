"""What a parameter may hold: the checks of PutParameter that concern the value, its type and its tier.

AWS: API PutParameterRequest and its errors.
Rules: pure. What is not supported (SecureString, parameter policies, data types other than text) is refused by name.
"""

from typing import Any

from localorg.kernel.errors import AwsError, NotSupported
from localorg.parameters.records import ParameterVersion
from localorg.protocol import expressions

STANDARD_BYTES_MAX, ADVANCED_BYTES_MAX = 4096, 8192
DATA_TYPE = "text"
ENCRYPTED = "SecureString"
REFUSED = ("Policies",)
"""Parameters of PutParameter that are refused."""


def refuse_unsupported(params: dict[str, Any]) -> None:
    """Raise NotSupported for what localorg does not do, by name."""
    if params.get("Type") == ENCRYPTED:
        raise NotSupported(f"the parameter type {ENCRYPTED} (nothing here encrypts, so nothing pretends to)", "PutParameter")
    for name in REFUSED:
        if params.get(name):
            raise NotSupported(f"the parameter {name}", "PutParameter")
    if params.get("DataType", DATA_TYPE) != DATA_TYPE:
        raise NotSupported(f"the data type {params['DataType']}", "PutParameter")
    if params.get("KeyId"):
        raise AwsError("ValidationException", "KeyId is required for SecureString type parameter only.")


def check_value(value: str, pattern: str) -> None:
    """Raise when `value` may not be kept, or does not match the parameter's own pattern."""
    if not value:
        raise AwsError("ValidationException", "Value must have length greater than or equal to 1.")
    if "{{" in value:
        raise AwsError(
            "ValidationException", "Parameter value can't nest another parameter. Do not use {{}} in the value of a parameter."
        )
    if not pattern:
        return
    try:
        matches = expressions.matches(pattern, value, whole=False)
    except expressions.Unreadable as problem:
        raise AwsError("InvalidAllowedPatternException", f"AllowedPattern {pattern!r} cannot be used: {problem}.") from None
    if not matches:
        raise AwsError(
            "ParameterPatternMismatchException", f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        )


def tier_for(asked: str | None, value: str, former: ParameterVersion | None) -> str:
    """Return the tier of a new version. A parameter that became Advanced stays so."""
    size = len(value.encode())
    tier = asked or (former.tier if former else "Standard")
    if tier == "Intelligent-Tiering":
        tier = "Advanced" if size > STANDARD_BYTES_MAX or (former and former.tier == "Advanced") else "Standard"
    if former and former.tier == "Advanced" and tier == "Standard":
        raise AwsError(
            "ValidationException",
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to "
            "the standard-parameter tier.",
        )
    limit = ADVANCED_BYTES_MAX if tier == "Advanced" else STANDARD_BYTES_MAX
    if size > limit:
        raise AwsError(
            "ValidationException",
            f"{tier} tier parameters support a maximum parameter value of {limit} characters; found {size}.",
        )
    return tier
