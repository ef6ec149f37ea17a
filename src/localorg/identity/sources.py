"""The policies that a role, user or group holds, each with its name and kind: for the authoriser, and for whoever asks why.

Flow: row -> `sources_of` -> inline policies, attached policies, those of the groups.
Refuses to know: what the policies mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from localorg.identity.directory import Directory
from localorg.identity.policy import Policy, parsed
from localorg.identity.records import Group, Holder, User

INPUT, RESOURCE = "none", "resource"
AWS_MANAGED, OWN_MANAGED = "aws-managed", "user-managed"


@dataclass(frozen=True)
class Source:
    """One policy: `id` and `kind` as IAM's simulator calls it (user, group, role, aws-managed, user-managed, resource, none).

    `arn` is that of a managed policy, `holder` the name of whom an inline policy is a part of.
    """

    id: str
    kind: str
    text: str
    arn: str = ""
    holder: str = ""

    @property
    def policy(self) -> Policy:
        """The policy, parsed."""
        return parsed(self.text, "resource" if self.kind == RESOURCE else "identity")


def kind_of(holder: Holder) -> str:
    """Return role, user or group."""
    return type(holder).__name__.lower()


def sources_of(directory: Directory, holder: Holder) -> Iterator[Source]:
    """Yield the identity policies of a holder; of a user also those of the groups that the user is in."""
    groups: list[Group] = directory.groups_of(holder) if isinstance(holder, User) else []
    for one in (holder, *groups):
        kind = kind_of(one)
        yield from (Source(name, kind, text, holder=one.name) for name, text in one.inline.items())
        for arn in one.attached:
            managed = directory.find_policy(arn)
            if managed:
                yield Source(managed.name, AWS_MANAGED if managed.aws_owned else OWN_MANAGED, managed.document, arn=arn)
