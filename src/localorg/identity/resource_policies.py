"""Policies of resources that other services keep (buckets): checked on their way in, and given back as AWS shows them.

Flow: document -> `kept`: users and roles by their unique ids, which neither a new name nor a namesake changes -> row of the service ->
`shown`: their ARNs again; whoever is gone stays an id.
Refuses to know: which services keep policies.

AWS: IAM user guide, "AWS JSON policy elements: Principal": the ARN "transforms to the role's unique principal ID when you save the policy".
"""

import json
from collections.abc import Mapping
from typing import Any

from localorg.identity.directory import Directory
from localorg.identity.documents import as_shown, check_principals_exist, with_principals
from localorg.identity.partition_check import check_partition
from localorg.identity.policy import parse_policy


class ResourcePolicies:
    """The way in and the way out."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def kept(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document to keep. Raises AwsError MalformedPolicyDocument or NotSupported, naming every problem."""
        policy = parse_policy(document, "resource")
        check_partition(self._directory.partition, document)
        check_principals_exist(self._directory, policy)
        return self._changed(document, self._id_of)

    def shown(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kept document as its readers see it."""
        return self._changed(document, lambda value: as_shown(self._directory, value))

    def _id_of(self, value: str) -> str:
        holder = self._directory.role_by_arn(value) or self._directory.user_by_arn(value)
        return holder.unique_id if holder else value

    @staticmethod
    def _changed(document: Mapping[str, Any], change: Any) -> dict[str, Any]:
        changed: dict[str, Any] = json.loads(json.dumps(document))
        with_principals(changed, change)
        return changed
