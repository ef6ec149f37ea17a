"""The bill of materials: what is in every zip, with digests, as CycloneDX. Plan, release and what was read -> text.

Flow: the package and its zips by CycloneDX's own library -> the files of each zip put in as the plain values that it would write, because
it takes milliseconds and kilobytes for each component, and a zip may have tens of thousands.

Rules: a test holds the whole against CycloneDX's schema; its serial number comes from the manifest's digest, references from names, and
no time is told unless one is given, so that the same package has the same bill. Refuses to know: what a file does on a node.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from csd.package.archive import Measured
from csd.package.building.identity import Identity, identify
from csd.package.building.plan import Plan
from csd.package.building.provenance import builder, timestamp
from csd.package.release import Release

BILL_FILE = "sbom.cdx.json"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:csd:package-build:1")
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


def bill_text(plan: Plan, release: Release, contents: Mapping[str, Sequence[Measured]], moment: datetime | None) -> str:
    """The bill of materials as stable JSON text."""
    name, version = release.name, release.version
    bom = Bom(
        serial_number=uuid.uuid5(_SPACE, release.manifest.sha256),
        metadata=BomMetaData(
            timestamp=moment or _EPOCH,
            tools=ToolRepository(components=[_tool()]),
            component=Component(
                type=ComponentType.APPLICATION, name=name, version=version, bom_ref=name, purl=PackageURL("generic", None, name, version),
                publisher=plan.source.publisher or None, description=plan.source.description or None,
                properties=[Property(name="csd:manifest:sha256", value=release.manifest.sha256)],
            ),
        ),
        components=[_zip(release, zip_name) for zip_name in contents],
    )  # fmt: skip
    bom.register_dependency(bom.metadata.component, bom.components)  # type: ignore[arg-type] # it was given just above
    told = json.loads(JsonV1Dot6(bom).output_as_string())
    for component in told["components"]:
        zip_name = component["name"]
        made = plan.contents[zip_name].identities
        component["components"] = [_file(zip_name, item, made.get(item.entry.name)) for item in contents[zip_name]]
    # The library always tells a time; what was built has none unless its builder was told one.
    told["metadata"].pop("timestamp", None)
    if moment:
        told["metadata"]["timestamp"] = timestamp(moment)
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _tool() -> Component:
    name, _, version = builder().partition("/")
    return Component(type=ComponentType.APPLICATION, name=name, version=version, bom_ref=builder())


def _zip(release: Release, zip_name: str) -> Component:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=release.files[zip_name].sha256)]
    return Component(type=ComponentType.FILE, name=zip_name, version=release.version, bom_ref=zip_name, hashes=hashes)


def _file(zip_name: str, item: Measured, made: Identity | None) -> dict[str, Any]:
    content, name = item.entry.content, item.entry.name
    found = made or (identify(content) if isinstance(content, Path) else None)
    who = {"name": found.name, "version": found.version, "purl": found.purl.to_string()} if found else {"name": name}
    return {
        "type": (ComponentType.APPLICATION if found else ComponentType.FILE).value,
        "bom-ref": f"{zip_name}#{name}",
        "hashes": [{"alg": HashAlgorithm.SHA_256.value, "content": item.measure.sha256}],
        "properties": [{"name": "csd:file", "value": name}, {"name": "csd:size", "value": str(item.measure.size)}],
        **who,
    }
