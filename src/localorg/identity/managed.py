"""AWS's managed policies: real content, kept as data beside this module, in the partition of the organization.

Flow: aws_managed_policies.json -> `${partition}` filled in -> `ManagedPolicy` values by ARN. What is not in it is looked for in a larger
collection, where the server has one (`extend`): it is read when it is first needed.
Rules: content is AWS's; nothing is added or taken away.
Refuses to know: who attaches them.

AWS: "AWS managed policy reference guide". Content as of the versions named in the file.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

from localorg.identity.records import ManagedPolicy, PolicyVersion
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported

Entries = Mapping[str, Mapping[str, object]]
"""name -> path, version, created, updated, document."""


class AwsManagedPolicies:
    """The catalogue of one partition."""

    def __init__(self, partition: str) -> None:
        self._partition = partition
        self._by_arn = _carried(partition)
        self._more: Callable[[], Entries] | None = None

    def _policies(self, entries: Entries) -> dict[str, ManagedPolicy]:
        return _by_arn(self._partition, entries)

    def extend(self, more: Callable[[], Entries]) -> None:
        """Ask `more`, once, when a policy that is not carried here is asked for. What is carried stays as it is."""
        self._more = more

    def _whole(self) -> dict[str, ManagedPolicy]:
        if self._more is not None:
            self._by_arn = {**self._policies(self._more()), **self._by_arn}
            self._more = None
        return self._by_arn

    def get(self, arn: str) -> ManagedPolicy | None:
        """Return the policy with this ARN, or None."""
        if arn not in self._by_arn and ":iam::aws:policy/" in arn:
            return self._whole().get(arn)
        return self._by_arn.get(arn)

    def all(self) -> list[ManagedPolicy]:
        """Return every policy of the catalogue."""
        return list(self._whole().values())

    def refuse_missing(self, arn: str) -> None:
        """Raise ValidationError for an ARN of another partition.

        Raise NotSupported when `arn` is one of AWS's that is not known here: AWS may have it, so NoSuchEntity could be a lie.
        """
        parts = parse_arn(arn)
        if parts is not None and parts.partition != self._partition:
            # Observed: IAM in China and in GovCloud, AttachRolePolicy with one of AWS's policies of the commercial Regions.
            raise AwsError("ValidationError", "Invalid ARN partition")
        if ":iam::aws:policy/" in arn and self.get(arn) is None:
            raise NotSupported(f"the AWS managed policy {arn} (localorg knows {len(self._by_arn)} of them, not this one)")


@cache
def _carried(partition: str) -> dict[str, ManagedPolicy]:
    """Return what is carried here, by ARN. Nobody changes AWS's policies, so all organizations of a process share them."""
    text = resources.files(__package__).joinpath("aws_managed_policies.json").read_text(encoding="utf-8")
    return _by_arn(partition, json.loads(text.replace("${partition}", partition))["policies"])


def _by_arn(partition: str, entries: Entries) -> dict[str, ManagedPolicy]:
    made = (_policy(partition, name, entry) for name, entry in entries.items())
    return {policy.arn: policy for policy in made}


def _policy(partition: str, name: str, entry: Mapping[str, object]) -> ManagedPolicy:
    path, version = str(entry["path"]), str(entry["version"])
    created, updated = float(str(entry["created"])), float(str(entry["updated"]))
    return ManagedPolicy(
        account="aws",
        name=name,
        path=path,
        arn=f"arn:{partition}:iam::aws:policy{path}{name}",
        # ASSUMED: AWS's ids of its own policies are opaque; any stable ANPA id serves.
        unique_id="ANPA" + (name.upper() + "A" * 17)[:17],
        created=created,
        updated=updated,
        default_version=version,
        versions=[PolicyVersion(version, json.dumps(entry["document"]), updated)],
    )
