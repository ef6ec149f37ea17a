"""Amazon Resource Names: made and taken apart in one place. The partition always comes from the settings."""

from typing import NamedTuple


class Arn(NamedTuple):
    """arn:partition:service:region:account:resource. AWS: IAM user guide, "Amazon Resource Names (ARNs)"."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_arn(text: str) -> Arn | None:
    """Return the parts of an ARN, or None when `text` is not one."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        return None
    return Arn(*parts[1:])
