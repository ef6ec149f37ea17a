"""The KMS engine: wires its parts and offers their operations.

Flow: one cabinet of rows, one lookup (which key, what must be allowed) -> keys, signatures, policies, aliases, tags.
Refuses to know: encryption, data keys, grants, imported material, rotation, replicas: those operations are refused by name.
"""

from collections.abc import Mapping

from localorg.kernel.events import Kernel
from localorg.keys.aliases import Aliases
from localorg.keys.lifecycle import Lifecycle
from localorg.keys.lookup import Lookup
from localorg.keys.policies import KeyPolicies, Policies
from localorg.keys.records import Cabinet
from localorg.keys.signing import Signing
from localorg.keys.tags import Tags
from localorg.protocol.calls import Operation


class Keys:
    """Keys of every account and Region."""

    def __init__(self, kernel: Kernel, reader: KeyPolicies) -> None:
        cabinet = Cabinet(kernel.store, kernel.settings.partition)
        lookup = Lookup(cabinet)
        policies = Policies(cabinet, lookup, reader)
        self._tags = Tags(cabinet, lookup)
        self._parts = (
            Lifecycle(kernel, cabinet, lookup, policies),
            Signing(cabinet, lookup),
            policies,
            Aliases(cabinet, lookup),
            self._tags,
        )

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [operation for part in self._parts for operation in part.operations()]

    def tags_of(self, resource: str) -> Mapping[str, str]:
        """Return the tags of a key by its ARN."""
        return self._tags.of(resource)
