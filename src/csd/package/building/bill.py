"""The bill of materials: what is in every zip, with digests, as CycloneDX. Plan, release and what was read -> text.

Rules: made by CycloneDX's own library; its serial number comes from the manifest's digest, references from names, and no time is told
unless one is given, so that the same package has the same bill. Refuses to know: what a file does on a node.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

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
        components=[_zip(plan, release, zip_name, entries) for zip_name, entries in contents.items()],
    )  # fmt: skip
    bom.register_dependency(bom.metadata.component, bom.components)  # type: ignore[arg-type] # it was given just above
    told = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library always tells a time; what was built has none unless its builder was told one.
    told["metadata"].pop("timestamp", None)
    if moment:
        told["metadata"]["timestamp"] = timestamp(moment)
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _tool() -> Component:
    name, _, version = builder().partition("/")
    return Component(type=ComponentType.APPLICATION, name=name, version=version, bom_ref=builder())


def _zip(plan: Plan, release: Release, zip_name: str, entries: Sequence[Measured]) -> Component:
    made = plan.contents[zip_name].identities
    return Component(
        type=ComponentType.FILE, name=zip_name, version=release.version, bom_ref=zip_name,
        hashes=_hashes(release.files[zip_name].sha256),
        components=[_file(zip_name, item, made.get(item.entry.name)) for item in entries],
    )  # fmt: skip


def _file(zip_name: str, item: Measured, made: Identity | None) -> Component:
    content = item.entry.content
    found = made or (identify(content) if isinstance(content, Path) else None)
    return Component(
        type=ComponentType.APPLICATION if found else ComponentType.FILE,
        name=found.name if found else item.entry.name,
        version=found.version if found else None,
        purl=found.purl if found else None,
        bom_ref=f"{zip_name}#{item.entry.name}",
        hashes=_hashes(item.measure.sha256),
        properties=[Property(name="csd:file", value=item.entry.name), Property(name="csd:size", value=str(item.measure.size))],
    )


def _hashes(sha256: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]
