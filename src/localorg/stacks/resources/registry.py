"""Every resource type that localorg's stacks support, by name."""

from localorg.stacks.resources.associations import ASSOCIATION
from localorg.stacks.resources.buckets import BUCKET, BUCKET_POLICY
from localorg.stacks.resources.documents import DOCUMENT
from localorg.stacks.resources.groups import RESOURCE_GROUP
from localorg.stacks.resources.iam import ROLE
from localorg.stacks.resources.inline import GROUP_POLICY, ROLE_POLICY, USER_POLICY
from localorg.stacks.resources.keys import ALIAS, KEY
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.resources.linked_roles import SERVICE_LINKED_ROLE
from localorg.stacks.resources.nested import NESTED_STACK
from localorg.stacks.resources.organization import ACCOUNT, RESOURCE_POLICY, UNIT
from localorg.stacks.resources.organization import POLICY as ORGANIZATION_POLICY
from localorg.stacks.resources.parameters import PARAMETER
from localorg.stacks.resources.people import ACCESS_KEY, GROUP, USER, USER_TO_GROUP_ADDITION
from localorg.stacks.resources.policies import INSTANCE_PROFILE, MANAGED_POLICY, POLICY
from localorg.stacks.resources.stack_sets import STACK_SET
from localorg.stacks.resources.waiting import WAIT_CONDITION_HANDLE

_ALL = (
    ACCESS_KEY,
    ACCOUNT,
    ALIAS,
    ASSOCIATION,
    BUCKET,
    BUCKET_POLICY,
    DOCUMENT,
    GROUP,
    GROUP_POLICY,
    INSTANCE_PROFILE,
    KEY,
    MANAGED_POLICY,
    NESTED_STACK,
    ORGANIZATION_POLICY,
    PARAMETER,
    POLICY,
    RESOURCE_GROUP,
    RESOURCE_POLICY,
    ROLE,
    ROLE_POLICY,
    SERVICE_LINKED_ROLE,
    STACK_SET,
    UNIT,
    USER,
    USER_POLICY,
    USER_TO_GROUP_ADDITION,
    WAIT_CONDITION_HANDLE,
)
TYPES: dict[str, ResourceType] = {kind.name: kind for kind in _ALL}
