"""AWS::SSM::Document: made, given new versions that become the default, or made anew, as UpdateMethod says.

AWS: CloudFormation template reference, AWS::SSM::Document.
"""

import json
from functools import lru_cache
from typing import Any

import yaml

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.iam import unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Pause,
    Properties,
    Reading,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    live_tags,
    read,
    retagged,
    tag_list,
    tags_of,
)

POLL_S = 1.0
_CONTENT = ("Attachments", "Content", "DocumentFormat", "Requires", "TargetType", "VersionName")


def _content(properties: Properties) -> str:
    value = properties["Content"]
    if isinstance(value, str):
        return value
    # AWS: the published source of the resource type, DocumentModelTranslator: a mapping is written in the document's own format.
    # ASSUMED: its numbers and booleans stay what they are.
    if properties.get("DocumentFormat") == "YAML":
        return _yaml(json.dumps(value))
    return json.dumps(value, indent=2)


@lru_cache(maxsize=32)
def _yaml(content: str) -> str:
    """Return JSON as YAML. A stack set writes the same document for each account, and writing YAML takes long."""
    return yaml.dump(json.loads(content), Dumper=yaml.CSafeDumper, sort_keys=False, explicit_start=True)


def _common(properties: Properties) -> dict[str, Any]:
    return {"Content": _content(properties), **chosen(properties, "Attachments", "DocumentFormat", "TargetType", "VersionName")}


def _create(work: Work) -> Steps:
    properties = work.properties
    name = properties.get("Name") or work.generated_name(128)
    # AWS: the format is JSON where the template does not say another.
    params = {"DocumentFormat": "JSON", "Name": name, **_common(properties), **chosen(properties, "DocumentType", "Requires")}
    if tags_of(properties):
        params["Tags"] = tag_list(tags_of(properties))
    yield Ask("ssm", "CreateDocument", params)
    yield Made(name)
    yield from _active(name, "$LATEST")
    return Resource(name)


def _active(name: str, version: str) -> Steps:
    while True:
        found = (yield Ask("ssm", "DescribeDocument", {"Name": name, "DocumentVersion": version}))["Document"]
        if found["Status"] == "Failed":
            raise AwsError(
                "InvalidDocument", f"Document {name} is Failed: {found.get('StatusInformation', 'no reason was given')}"
            )
        if found["Status"] not in ("Creating", "Updating"):
            return Resource(name)
        yield Pause(POLL_S)


def _update(work: Work) -> Steps:
    name = work.physical_id
    if work.changed(*_CONTENT):
        yield from _new_version(work)
    yield from retagged(work, "Document")
    return Resource(name)


def _new_version(work: Work) -> Steps:
    name = work.physical_id
    # AWS: the published source of the resource type, UpdateHandler: content that a version has already is the resource's failure.
    params = {"Name": name, "DocumentVersion": "$LATEST", **_common(work.properties)}
    version = (yield Ask("ssm", "UpdateDocument", params))["DocumentDescription"]["DocumentVersion"]
    yield from _active(name, version)
    # AWS: UpdateMethod NewVersion: "the latest version of the document becomes the default version".
    yield Ask("ssm", "UpdateDocumentDefaultVersion", {"Name": name, "DocumentVersion": version})
    return Resource(name)


def _delete(work: Work) -> Steps:
    yield from unless_gone(Ask("ssm", "DeleteDocument", {"Name": work.physical_id}), "InvalidDocument")
    return Resource(work.physical_id)


def _read(work: Work) -> Reading:
    name = work.physical_id
    found = (yield Ask("ssm", "DescribeDocument", {"Name": name}))["Document"]
    asked = {"Name": name, **chosen(found, "DocumentFormat")}
    content = (yield Ask("ssm", "GetDocument", asked))["Content"]
    tags = yield Ask("ssm", "ListTagsForResource", {"ResourceType": "Document", "ResourceId": name})
    # An object of the template is sent as JSON, and compared as such; other content is compared as text.
    is_object = not isinstance(work.properties["Content"], str)
    return {
        **read(found, "Name", "DocumentFormat", "DocumentType", "TargetType", "VersionName", "Requires"),
        "Content": json.loads(content) if is_object else content,
        "Tags": live_tags(tags["TagList"]),
    }


def _replacing(before: Properties, after: Properties) -> frozenset[str]:
    names = {"Name", "DocumentType"}
    if after.get("UpdateMethod", "Replace") == "Replace":
        names.update(_CONTENT)
    return frozenset(name for name in names if before.get(name) != after.get(name))


DOCUMENT = ResourceType(
    name="AWS::SSM::Document",
    properties=frozenset({*_CONTENT, "DocumentType", "Name", "Tags", "UpdateMethod"}),
    required=frozenset({"Content"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=_replacing,
    name_property="Name",
)
