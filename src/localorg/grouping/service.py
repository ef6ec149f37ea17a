"""The grouping engine: Resource Groups and the Resource Groups Tagging API over the resources of every engine.

Flow: `TagHolder`s of other engines (ports, wired by the server) -> `Resources` -> groups, searches, the tagging API.
Refuses to know: what the resources are; their engines keep them and their tags.
"""

from collections.abc import Mapping

from localorg.grouping.groups import Groups
from localorg.grouping.resources import Resources
from localorg.grouping.retagging import Retagging
from localorg.grouping.tag_api import TagApi
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Operation
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import TagHolder


class Grouping:
    """Finds resources by their tags. `holders`: the word of the tag operations (Document, Instance ...) -> who keeps them."""

    def __init__(self, kernel: Kernel, gateway: Gateway, holders: Mapping[str, TagHolder]) -> None:
        self._gateway = gateway
        self._groups = Groups(kernel)
        self._resources = Resources({**holders, "Group": self._groups})

    def operations(self) -> list[Operation]:
        """Return the operations of resource-groups and resourcegroupstaggingapi."""
        return [
            *self._groups.operations(self._resources),
            *TagApi(self._resources).operations(),
            *Retagging(self._gateway, self._resources).operations(),
        ]
