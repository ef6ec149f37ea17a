"""Compare what Distributor holds in each Region with what the manifest, and the signature where there is one, names: files and SHA-256."""

import hashlib
import json
from typing import Any

import boto3

QUOTED_MAX = 10
# What may lie beside the zips in the folder. ASSUMED: AWS attaches what the manifest names; these do no harm if it attaches all.
BESIDE = ("manifest.json", "release.json", "release.dsse.json", "sbom.cdx.json", "provenance.intoto.json")


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises RuntimeError with every difference in every Region, and the commands that take those versions away."""
    if events["action"] != "Install":
        return {"compared": "nothing: nothing is published"}
    name, version = events["name"], events["version"]
    problems: list[str] = []
    remedies: list[str] = []
    untold: list[str] = []
    for region in events["regions"]:
        ssm = client("ssm", region_name=region)
        held = ssm.get_document(Name=name, VersionName=version)
        if held["Status"] != "Active":
            raise RuntimeError(f"{name} {version} in {region} is still {held['Status']}; run again later")
        found = _differences(held, region, events["signed"], untold)
        problems += found
        if found:
            remedies.append(_removal(ssm, region, name, version))
    if problems:
        raise RuntimeError(
            f"{name} {version}: Distributor does not hold the files of the manifest: {_listed(problems)}. This run has shared nothing and "
            f"changed no default. Take away what was copied: {_listed(remedies)}. Publish the files again, then run again"
        )
    if untold:  # nodes compare what they download with the manifest in any case
        return {"compared": f"not compared, for AWS or the manifest tells no SHA-256: {_listed(untold)}"}
    return {"compared": "all files are as the manifest says"}


def _differences(held: Any, region: str, signed: str, untold: list[str]) -> list[str]:
    """A sentence for each file that is another one, missing, or not named by the manifest."""
    files = json.loads(held["Content"]).get("files", {})
    named = {name: file.get("checksums", {}).get("sha256", "").lower() for name, file in files.items()}
    if signed:
        named = {name: sha256 for sha256, _, name in (one.partition(":") for one in signed.split(","))}
    there = {file["Name"]: file for file in held.get("AttachmentsContent", [])}
    # ASSUMED: Hash is the file's. The API calls it that of the document content; where it is that, it says nothing of the file.
    of_content = hashlib.sha256(held["Content"].encode()).hexdigest()
    found = [f"{region}: {name} is missing" for name in named if name not in there]
    found += [f"{region}: {name} is there and the manifest does not name it" for name in there if name not in (*named, *BESIDE)]
    for name in [name for name in named if name in there]:
        told = there[name].get("Hash", "").lower() if there[name].get("HashType") == "Sha256" else ""
        if told in ("", of_content) or not named[name]:
            untold.append(f"{name} in {region}")
        elif told != named[name]:
            found.append(f"{region}: {name} has sha256 {told}, and the manifest says {named[name]}")
    return found


def _removal(ssm: Any, region: str, name: str, version: str) -> str:
    """How this version is deleted: with its document where it is the only one."""
    pages = ssm.get_paginator("list_document_versions").paginate(Name=name)
    is_alone = sum(len(page["DocumentVersions"]) for page in pages) == 1
    which = "" if is_alone else f" --version-name {version}"
    return f"aws ssm delete-document --region {region} --name {name}{which}"


def _listed(items: list[str]) -> str:
    more = len(items) - QUOTED_MAX
    return "; ".join(items[:QUOTED_MAX]) + (f"; and {more} more" if more > 0 else "")
