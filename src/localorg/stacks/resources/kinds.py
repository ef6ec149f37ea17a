"""How a resource type is described: pure programs that ask for AWS calls and say when the resource is there.

Flow: `create(work)` is a generator: it yields Ask (gets the call's output, or AwsError is raised where it stands), Pause, Made,
and returns Resource. The runner performs what is asked and feeds the answers in; after a restart it runs the generator again from
the start with the answers that were kept.
Rules: a program depends on nothing but its Work and the answers, or replaying it would go astray. It never talks to AWS itself.
Refuses to know: principals, events, stacks.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localorg.kernel.errors import AwsError

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """Please call this operation; its output (a dict) comes back."""

    service: str
    operation: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Pause:
    """Please come back in so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Made:
    """The resource exists from here on under this id, though it is not complete: a failure after this must delete it."""

    physical_id: str


@dataclass(frozen=True)
class Resource:
    """A resource that is complete: what Ref gives, and what Fn::GetAtt gives."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """What a program works on. `properties` are resolved; `before` is what they were; ids are empty where there are none yet."""

    logical_id: str
    properties: Properties
    before: Properties
    physical_id: str
    stack_name: str
    account: str
    region: str
    partition: str
    token: str
    """Twelve upper-case letters and digits, the same as long as this piece of work lasts."""
    attributes: Properties = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    """What the request of the stack has acknowledged."""
    undoing: bool = False
    """Whether an update is being rolled back."""

    def changed(self, *names: str) -> bool:
        """Say whether one of these properties is not what it was."""
        return any(self.properties.get(name) != self.before.get(name) for name in names)

    def generated_name(self, length_max: int) -> str:
        """Return STACK-LOGICAL-TOKEN, shortened to fit. AWS: CloudFormation user guide, "Name type"."""
        room = length_max - len(self.token) - 2
        logical = self.logical_id[: max(room // 2, room - len(self.stack_name))]
        return f"{self.stack_name[: room - len(logical)]}-{logical}-{self.token}"


class Plain(AwsError):
    """A failure whose message is the reason of the resource's event as it stands, not a service's refusal."""

    def __init__(self, message: str) -> None:
        super().__init__("Failed", message)


Steps = Generator[Ask | Pause | Made, dict[str, Any], Resource]
Program = Callable[[Work], Steps]
Live = dict[str, Any]
"""The properties of a resource as they are; None for one that is not there. What is not named is not read."""
Reading = Generator[Ask, dict[str, Any], Live]
Reader = Callable[[Work], Reading]
"""Reads a resource as it is. A refusal that it lets through says that the resource is gone, or that it may not be read."""


def never_replaced(_before: Properties, _after: Properties) -> frozenset[str]:
    """Be the rule of a type whose every property can be changed in place."""
    return frozenset()


def replaced_by(*names: str) -> Callable[[Properties, Properties], frozenset[str]]:
    """Return the rule of a type that must be made anew when one of `names` changes."""

    def rule(before: Properties, after: Properties) -> frozenset[str]:
        return frozenset(name for name in names if before.get(name) != after.get(name))

    return rule


@dataclass(frozen=True)
class ResourceType:
    """One type. `properties` are those that localorg supports; `name_property` is the one that makes a resource custom-named."""

    name: str
    properties: frozenset[str]
    create: Program
    update: Program
    delete: Program
    required: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    replacing: Callable[[Properties, Properties], frozenset[str]] = never_replaced
    name_property: str = ""
    read: Reader | None = None
    """How drift is detected; None: it is not."""
    attribute_prefix: str = ""
    """What attributes that only the resource itself knows begin with."""
    always_asked: bool = False
    """Whether every update asks this resource, because what it refers to may have changed elsewhere."""
    capability: Callable[[Properties], str] | None = None
    """The capability that a template with this resource needs, or an empty string. Gets the unresolved properties."""


def has_attribute(kind: ResourceType, name: str) -> bool:
    """Say whether a resource of this type may have this attribute."""
    return name in kind.attributes or bool(kind.attribute_prefix and name.startswith(kind.attribute_prefix))


def tags_of(properties: Properties) -> dict[str, str]:
    """Return the Tags property as a mapping: a list of Key and Value, or (AWS::SSM::Parameter) a mapping already."""
    tags = properties.get("Tags") or ()
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags}


def tag_changes(work: Work) -> tuple[list[str], dict[str, str]]:
    """What an update has to do to a resource's tags: keys to take away, and all tags to put on (none when they stay as they are)."""
    was, wanted = tags_of(work.before), tags_of(work.properties)
    return [key for key in was if key not in wanted], wanted if wanted != was else {}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the API wants them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def retagged(work: Work, kind: str) -> Steps:
    """Bring the tags of a resource of Systems Manager to what its properties say."""
    gone, wanted = tag_changes(work)
    resource = {"ResourceType": kind, "ResourceId": work.physical_id}
    if gone:
        yield Ask("ssm", "RemoveTagsFromResource", {**resource, "TagKeys": gone})
    if wanted:
        yield Ask("ssm", "AddTagsToResource", {**resource, "Tags": tag_list(wanted)})
    return Resource(work.physical_id)


def live_tags(tags: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the tags of a resource as its properties have them: without those that AWS gives."""
    return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags if not tag["Key"].startswith("aws:")]


def read(properties: Properties, *names: str) -> Live:
    """Return the properties of these names out of what a service tells; None for those that it does not tell."""
    return {name: properties.get(name) for name in names}


def chosen(properties: Properties, *names: str) -> dict[str, Any]:
    """Return those of `names` that are given."""
    return {name: properties[name] for name in names if name in properties}
