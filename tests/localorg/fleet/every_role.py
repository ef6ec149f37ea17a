"""Roles as the fleet sees them, without identity: those in `trusting` let Systems Manager take them."""

from dataclasses import dataclass, field
from itertools import count

from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Output

NUMBERS = count(1)


def secret(size: int) -> str:
    """A text of `size` characters that is no secret at all."""
    return f"{next(NUMBERS):0{max(size, 20)}d}"


@dataclass
class EveryRole:
    trusting: set[str] = field(default_factory=lambda: {"NodeRole"})
    now: float = 0.0

    def arn(self, account: str, name: str) -> str:
        return f"arn:aws:iam::{account}:role/{name}"

    def check(self, account: str, region: str, name: str, node: str = "*") -> None:
        if name not in self.trusting:
            raise AccessDenied(f"{name} does not let ssm.amazonaws.com in")

    def session(self, account: str, region: str, name: str, node: str) -> Output:
        self.check(account, region, name, node)
        return {"AccessKeyId": f"ASIA{node}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": 3600.0}
