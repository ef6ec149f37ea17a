"""What other resources of the same stack attach to a resource of IAM: it is no drift.

AWS: CloudFormation user guide, "Detect unmanaged configuration changes": a template is analysed for attachments before the comparison
(managed and inline policies of users, groups and roles, users of groups), and not across stacks.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from localorg.stacks.records import ResourceRecord
from localorg.stacks.resources.kinds import Live

MANAGED = "AWS::IAM::ManagedPolicy"
HOLDERS = {"AWS::IAM::Role": "Role", "AWS::IAM::User": "User", "AWS::IAM::Group": "Group"}


def without_attachments(resource: ResourceRecord, live: Live, others: Iterable[ResourceRecord]) -> Live:
    """Return what a resource is, without what the others attach to it and its own template does not name."""
    attached = {found for other in others for found in _attached(resource, other)}
    if not attached:
        return live
    found = dict(live)
    for name in {name for name, _ in attached}:
        own = [_identity(one) for one in resource.properties.get(name) or ()]
        found[name] = [one for one in live.get(name) or () if _identity(one) in own or (name, _identity(one)) not in attached]
    return found


def _attached(resource: ResourceRecord, other: ResourceRecord) -> Iterator[tuple[str, str]]:
    """Yield (property of the resource, what the other one adds to it)."""
    word, properties, name = HOLDERS.get(resource.type, ""), other.properties, resource.physical_id
    match other.type:
        case "AWS::IAM::ManagedPolicy" if word and name in (properties.get(f"{word}s") or ()):
            yield "ManagedPolicyArns", other.physical_id
        case "AWS::IAM::Policy" if word and name in (properties.get(f"{word}s") or ()):
            yield "Policies", str(properties["PolicyName"])
        case "AWS::IAM::UserToGroupAddition" if word == "User" and name in (properties.get("Users") or ()):
            yield "Groups", str(properties["GroupName"])
        case kind if word and kind == f"AWS::IAM::{word}Policy" and properties[f"{word}Name"] == name:
            yield "Policies", str(properties["PolicyName"])
        case kind if kind in HOLDERS and resource.type == MANAGED and name in (properties.get("ManagedPolicyArns") or ()):
            yield f"{HOLDERS[kind]}s", other.physical_id


def _identity(member: Any) -> str:
    return str(member["PolicyName"]) if isinstance(member, dict) else str(member)
