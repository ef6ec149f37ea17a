"""AWS::CloudFormation::WaitConditionHandle: a resource that does nothing, often the whole of a conditional template.

AWS: CloudFormation template reference, AWS::CloudFormation::WaitConditionHandle.
"""

from localorg.stacks.resources.kinds import Made, Resource, ResourceType, Steps, Work


def _create(work: Work) -> Steps:
    # ASSUMED: AWS gives a presigned address here; nothing listens to one in a local organization, so the id says what it is.
    physical_id = f"waitcondition:{work.generated_name(100)}"
    yield Made(physical_id)
    return Resource(physical_id)


def _same(work: Work) -> Steps:
    yield from ()
    return Resource(work.physical_id)


WAIT_CONDITION_HANDLE = ResourceType(
    name="AWS::CloudFormation::WaitConditionHandle", properties=frozenset(), create=_create, update=_same, delete=_same
)
