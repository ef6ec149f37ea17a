"""Every resource type that localorg's stacks support, by name."""

from localorg.stacks.resources.documents import DOCUMENT
from localorg.stacks.resources.iam import ROLE
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.resources.stack_sets import STACK_SET

TYPES: dict[str, ResourceType] = {kind.name: kind for kind in (ROLE, DOCUMENT, STACK_SET)}
