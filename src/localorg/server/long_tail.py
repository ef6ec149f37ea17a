"""What a caller must be allowed in the services that are borrowed as they are: action and resource.

Borrowed, unverified, and forgotten when the server stops: they are here so that scripts which use them can be tried at all.
An operation is offered only when its resource can be named exactly, so that a policy's Deny on a resource cannot be slipped past.

AWS: Service Authorization Reference, "Amazon SNS".
"""

from collections.abc import Callable, Sequence

from localorg.kernel.errors import NotSupported
from localorg.protocol.calls import Access, ApiCall

Resource = Callable[[str, ApiCall], str]
"""(partition, call) -> the ARN that the operation is on"""


def _topic(_partition: str, call: ApiCall) -> str:
    return str(call.params["TopicArn"])


def _named_topic(partition: str, call: ApiCall) -> str:
    return f"arn:{partition}:sns:{call.region}:{call.principal.account}:{call.params['Name']}"


def _any(_partition: str, _call: ApiCall) -> str:
    return "*"


LONG_TAIL: dict[str, dict[str, Resource]] = {
    "sns": {
        "CreateTopic": _named_topic,
        "DeleteTopic": _topic,
        "GetTopicAttributes": _topic,
        "ListTopics": _any,
        "Publish": _topic,
    },
}
"""service -> operation -> its resource. What is not here is refused."""


def long_tail_access(partition: str, call: ApiCall) -> Sequence[Access]:
    """Return what `call` needs. Raises NotSupported."""
    resource = LONG_TAIL.get(call.service, {}).get(call.operation)
    if resource is None:
        raise NotSupported(f"the operation {call.service}:{call.operation}")
    if "TopicArn" not in call.params and resource is _topic:
        raise NotSupported("a target other than TopicArn", f"{call.service}:{call.operation}")
    arn = resource(partition, call)
    owner = arn.split(":")[4] if arn.startswith("arn:") else ""
    return [Access(f"{call.service}:{call.operation}", arn, owner=owner)]
