"""Every resource type that localorg's stacks support, by name."""

from localorg.stacks.resources.associations import ASSOCIATION
from localorg.stacks.resources.buckets import BUCKET, BUCKET_POLICY
from localorg.stacks.resources.documents import DOCUMENT
from localorg.stacks.resources.iam import ROLE
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.resources.parameters import PARAMETER
from localorg.stacks.resources.policies import INSTANCE_PROFILE, MANAGED_POLICY, POLICY
from localorg.stacks.resources.stack_sets import STACK_SET
from localorg.stacks.resources.waiting import WAIT_CONDITION_HANDLE

_ALL = (
    ASSOCIATION,
    BUCKET,
    BUCKET_POLICY,
    DOCUMENT,
    INSTANCE_PROFILE,
    MANAGED_POLICY,
    PARAMETER,
    POLICY,
    ROLE,
    STACK_SET,
    WAIT_CONDITION_HANDLE,
)
TYPES: dict[str, ResourceType] = {kind.name: kind for kind in _ALL}
