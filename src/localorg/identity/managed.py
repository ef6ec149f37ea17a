"""AWS's managed policies: real content, kept as data beside this module, in the partition of the organization.

Flow: aws_managed_policies.json -> `${partition}` filled in -> `ManagedPolicy` values by ARN.
Rules: content is AWS's; nothing is added or taken away.
Refuses to know: who attaches them.

AWS: "AWS managed policy reference guide". Content as of the versions named in the file.
"""

import json
from importlib import resources

from localorg.identity.records import ManagedPolicy, PolicyVersion
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported


class AwsManagedPolicies:
    """The catalogue of one partition."""

    def __init__(self, partition: str) -> None:
        text = resources.files(__package__).joinpath("aws_managed_policies.json").read_text(encoding="utf-8")
        self._partition = partition
        entries = json.loads(text.replace("${partition}", partition))["policies"]
        self._by_arn = {policy.arn: policy for policy in (_policy(partition, name, entry) for name, entry in entries.items())}

    def get(self, arn: str) -> ManagedPolicy | None:
        """Return the policy with this ARN, or None."""
        return self._by_arn.get(arn)

    def all(self) -> list[ManagedPolicy]:
        """Return every policy of the catalogue."""
        return list(self._by_arn.values())

    def refuse_missing(self, arn: str) -> None:
        """Raise ValidationError for an ARN of another partition.

        Raise NotSupported when `arn` is one of AWS's that localorg does not carry: AWS has it, so NoSuchEntity would be a lie.
        """
        parts = parse_arn(arn)
        if parts is not None and parts.partition != self._partition:
            # Observed: IAM in China and in GovCloud, AttachRolePolicy with one of AWS's policies of the commercial Regions.
            raise AwsError("ValidationError", "Invalid ARN partition")
        if ":iam::aws:policy/" in arn and arn not in self._by_arn:
            carried = ", ".join(sorted(policy.name for policy in self._by_arn.values()))
            raise NotSupported(f"the AWS managed policy {arn} (localorg carries {carried})")


def _policy(partition: str, name: str, entry: dict[str, object]) -> ManagedPolicy:
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
