"""Errors that cross the wire: what AWS would answer, as a value that any protocol can serialise.

`AwsError` is raised by whoever refuses a call; the gateway logs it and the wire turns it into the protocol's own form.
Everything else that is raised inside localorg is a defect of localorg and surfaces as InternalServerError plus a log line.
"""

from typing import Any


class AwsError(Exception):
    """A refusal in AWS's terms: an error code, a message for a person, an HTTP status, and modelled members."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members
        self.is_logged = False
        """Whether the call log has the refusal already."""


class NotSupported(AwsError):
    """Something real AWS may accept but localorg does not implement; it is always named, never skipped."""

    def __init__(self, what: str, where: str = "") -> None:
        place = f" in {where}" if where else ""
        super().__init__(
            "NotImplemented",
            f"localorg does not support {what}{place}. docs/reference/supported.md lists what it supports.",
            status=400,
        )


class AccessDenied(AwsError):
    """A refusal by the policy evaluator. The code differs per protocol; `protocol` picks the service's own."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message, status=400)
