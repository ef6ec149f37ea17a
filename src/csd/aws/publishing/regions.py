"""A package version in every Region: made where it is missing, waited for, and compared with what was built.

Flow: `examine` (all Regions at once, before anything is uploaded) -> `publish` (all at once): create or update -> wait until Active ->
compare the attachments' digests -> on demand make it the default.
Rules: idempotent; one Region that fails leaves the others. A version name is never given to other content. Nothing is shared here.
Refuses to know: S3; which versions may go (csd.package.retention).
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from csd.aws.identity import Principal, asking
from csd.aws.publishing.objects import Tell
from csd.aws.publishing.versions import ADVICE, VERSIONS_MAX, VERSIONS_WARN, Held, read_versions
from csd.errors import AwsRefused, CsdInputError, Problem

_PARALLEL = 8
# ASSUMED: AWS attaches what the manifest names; these files of the folder do no harm if it attaches all.
BESIDE = ("manifest.json", "release.json", "release.dsse.json", "sbom.cdx.json", "provenance.intoto.json")
_LOOK_EVERY_S = (1.0, 2.0, 5.0, 10.0)
WITHIN_S = 1800.0
Pause = Callable[[float], None]


@dataclass(frozen=True)
class Wanted:
    """What every Region shall have; `digests` are the zips' SHA-256, `source` the folder as s3://bucket/prefix."""

    package: str
    version: str
    manifest: str
    source: str
    digests: dict[str, str]


@dataclass(frozen=True)
class How:
    """What publishing may do beside adding a version, and how long it waits."""

    make_default: bool = False
    replace_failed: bool = False
    within_s: float = WITHIN_S
    pause: Pause = time.sleep


class State(StrEnum):
    """What came of one Region."""

    PUBLISHED = "published"
    THERE = "was there"
    FAILED = "failed"
    DIFFERS = "differs"
    LATE = "not Active in time"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """One Region's end: `said` is what to know and to do where it is no success."""

    region: str
    state: State
    said: str = ""

    @property
    def good(self) -> bool:
        """True when the version is Active there and is what was built."""
        return self.state in (State.PUBLISHED, State.THERE)


@dataclass
class Findings:
    """What was found before anything was done: what forbids it, what to know, and in which Regions there is no room."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    full: list[str] = field(default_factory=list)


def examine(principal: Principal, wanted: Wanted, regions: list[str], how: How) -> Findings:
    """Look at every Region. Raises AwsRefused when one cannot be read."""
    found = Findings()
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        for held in list(pool.map(lambda region: (region, read_versions(principal, wanted.package, region)), regions)):
            _examine(principal, wanted, *held, how, found)
    return found


def _examine(principal: Principal, wanted: Wanted, region: str, versions: list[Held], how: How, found: Findings) -> None:
    where = f"{wanted.package} {wanted.version} in {region}"
    same = next((version for version in versions if version.name == wanted.version), None)
    if same is None and len(versions) >= VERSIONS_MAX:
        found.full.append(region)
    elif len(versions) + (same is None) >= VERSIONS_WARN:
        count = len(versions) + (same is None)
        found.warnings.append(
            f"{wanted.package} in {region} has {count} versions of {VERSIONS_MAX} with this one: csd package prune {wanted.package} "
            f"--regions {region}"
        )
    if same is None:
        return
    if same.status == "Failed" and not how.replace_failed:
        found.problems.append(Problem(where, f"is there, but Failed: {same.reason}.", "Mend the cause, then: --replace-failed"))
    elif same.status != "Failed" and not _is_same(principal, wanted, region):
        found.problems.append(
            Problem(where, "is there with other content.", "A published version does not change: publish it as a new version.")
        )


def _is_same(principal: Principal, wanted: Wanted, region: str) -> bool:
    held = json.loads(_document(principal, wanted, region)["Content"])
    return bool(held == json.loads(wanted.manifest))


def _document(principal: Principal, wanted: Wanted, region: str) -> dict[str, Any]:
    ssm = principal.client("ssm", region)
    with asking(ssm, principal.account, ADVICE):
        told: dict[str, Any] = ssm.get_document(Name=wanted.package, VersionName=wanted.version)
    return told


def publish(principal: Principal, wanted: Wanted, regions: list[str], how: How, tell: Tell) -> list[Outcome]:
    """Publish in every Region at once; what came of each, in the order given."""

    def one(region: str) -> Outcome:
        try:
            outcome = _publish(principal, wanted, region, how, tell)
        except AwsRefused as refused:
            outcome = Outcome(region, State.REFUSED, str(refused))
        except CsdInputError as wrong:
            outcome = Outcome(region, State.FAILED, str(wrong))
        tell(f"{region}: {wanted.package} {wanted.version} {outcome.state}{f': {outcome.said}' if outcome.said else ''}")
        return outcome

    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        return list(pool.map(one, regions))


def _publish(principal: Principal, wanted: Wanted, region: str, how: How, tell: Tell) -> Outcome:
    versions = read_versions(principal, wanted.package, region)
    held = next((version for version in versions if version.name == wanted.version), None)
    if held is not None and held.status == "Failed" and how.replace_failed:
        remove_failed(principal, wanted.package, held, versions)
        tell(f"{region}: the Failed {wanted.package} {wanted.version} is removed")
        versions, held = [version for version in versions if version is not held], None
    if held is None:
        _make(principal, wanted, region, is_new=not versions)
    elif not _is_same(principal, wanted, region):
        said = "it is there with other content. A published version does not change: publish it as a new version"
        return Outcome(region, State.DIFFERS, said)
    told = _wait(principal, wanted, region, how, tell)
    if told["Status"] == "Failed":
        return Outcome(region, State.FAILED, _why(told.get("StatusInformation") or "AWS gives no reason", wanted, region))
    if told["Status"] != "Active":
        return Outcome(
            region, State.LATE, f"it is {told['Status']} after {how.within_s:.0f} s. Run the same command again: it goes on"
        )
    if differences := _differences(principal, wanted, region):
        undo = f"aws ssm delete-document --name {wanted.package} --version-name {wanted.version} --region {region}"
        return Outcome(region, State.DIFFERS, f"{differences}. Do not share it; look who writes to {wanted.source}, then: {undo}")
    if how.make_default:
        ssm = principal.client("ssm", region)
        with asking(ssm, principal.account, ADVICE):
            ssm.update_document_default_version(Name=wanted.package, DocumentVersion=told["DocumentVersion"])
    return Outcome(region, State.PUBLISHED if held is None else State.THERE)


def _make(principal: Principal, wanted: Wanted, region: str, *, is_new: bool) -> None:
    ssm = principal.client("ssm", region)
    body = {
        "Name": wanted.package, "VersionName": wanted.version, "Content": wanted.manifest,
        "Attachments": [{"Key": "SourceUrl", "Values": [wanted.source]}],
    }  # fmt: skip
    with asking(ssm, principal.account, ADVICE):
        if is_new:
            ssm.create_document(DocumentType="Package", **body)
        else:
            ssm.update_document(DocumentVersion="$LATEST", **body)


def _wait(principal: Principal, wanted: Wanted, region: str, how: How, tell: Tell) -> dict[str, Any]:
    """The version's description when it has settled, or when the time is over."""
    ssm, waited, look = principal.client("ssm", region), 0.0, 0
    while True:
        with asking(ssm, principal.account, ADVICE):
            told: dict[str, Any] = ssm.describe_document(Name=wanted.package, VersionName=wanted.version)["Document"]
        if told["Status"] not in ("Creating", "Updating") or waited >= how.within_s:
            return told
        delay = _LOOK_EVERY_S[min(look, len(_LOOK_EVERY_S) - 1)]
        if look % 6 == 0:
            tell(f"{region}: {wanted.package} {wanted.version} is {told['Status']}")
        how.pause(delay)
        waited, look = waited + delay, look + 1


def _why(reason: str, wanted: Wanted, region: str) -> str:
    # AWS: Distributor guide, troubleshooting: AWS copies the files with the rights of who publishes.
    cure = (
        f"AWS copies the files from {wanted.source} with your rights: you need s3:GetObject on them, and the bucket must be readable "
        f"from {region}. Mend it, then run the same command with --replace-failed"
    )
    return f"{reason.rstrip('.')}. {cure}"


def _differences(principal: Principal, wanted: Wanted, region: str) -> str:
    """What Distributor holds that was not built, or lacks; '' when all is as built."""
    listed = _document(principal, wanted, region).get("AttachmentsContent", [])
    told = {one["Name"]: str(one.get("Hash", "a file of unknown digest")).lower() for one in listed if one["Name"] not in BESIDE}
    return "; ".join(
        f"{name}: Distributor holds {told.get(name, 'nothing')}, built was {wanted.digests.get(name, 'nothing')}"
        for name in sorted({*told, *wanted.digests})
        if told.get(name) != wanted.digests.get(name)
    )


def remove_failed(principal: Principal, package: str, held: Held, versions: list[Held]) -> None:
    """Delete a Failed version, or the document when it has no other. Raises CsdInputError when somebody may depend on it."""
    ssm = principal.client("ssm", held.region)
    where = f"{package} {held.name} in {held.region}"
    if held.is_default and len(versions) > 1:
        command = f"aws ssm update-document-default-version --name {package} --document-version N --region {held.region}"
        raise CsdInputError([Problem(where, "is Failed and the default version.", f"Make another one the default: {command}")])
    with asking(ssm, principal.account, ADVICE):
        if held.is_default and ssm.describe_document_permission(Name=package, PermissionType="Share")["AccountIds"]:
            raise CsdInputError([Problem(where, "is Failed, and shared.", "Stop sharing the document first.")])
        which = {} if len(versions) == 1 else {"VersionName": held.name}
        ssm.delete_document(Name=package, **which)
