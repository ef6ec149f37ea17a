"""How Organizations refuses: the errors that carry a reason, and those that several operations share.

AWS: Organizations API reference, ConstraintViolationException and InvalidInputException, with the reasons of each.
"""

from localorg.kernel.errors import AwsError

NOT_IN_USE = "Your account is not a member of an organization."


def constraint(reason: str, message: str) -> AwsError:
    """Return the refusal of what goes beyond a limit or breaks a rule of the organization."""
    return AwsError("ConstraintViolationException", message, Reason=reason)


def invalid(reason: str, message: str) -> AwsError:
    """Return the refusal of a value that the service does not take."""
    return AwsError("InvalidInputException", message, Reason=reason)


def not_found(kind: str, what: str) -> AwsError:
    """Return the refusal of an id that is not there; `kind` is the error's code without Exception."""
    article = "an" if what[0] in "aeiou" else "a"
    return AwsError(f"{kind}Exception", f"You specified {article} {what} that doesn't exist.")
