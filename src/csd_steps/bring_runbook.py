"""Bring the member runbook to one Region: a copy of the hub's home Region's default version, which becomes the default there."""

from typing import Any

import boto3


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Idempotent."""
    name, home, region = events["runbook"], events["home"], events["region"]
    if region == home:
        return {"brought": "it is at home here"}
    source = client("ssm", region_name=home).get_document(Name=name)
    ssm = client("ssm", region_name=region)
    wanted = {"Name": name, "Content": source["Content"], "DocumentFormat": source["DocumentFormat"]}
    try:
        there = ssm.get_document(Name=name)
    except ssm.exceptions.InvalidDocument:
        ssm.create_document(DocumentType=source["DocumentType"], **wanted)
        return {"brought": "created"}
    if there["Content"] == source["Content"]:
        return {"brought": "it was there"}
    try:
        version = ssm.update_document(DocumentVersion="$LATEST", **wanted)["DocumentDescription"]["DocumentVersion"]
    except ssm.exceptions.DuplicateDocumentContent:  # a version is right, it only is not the default
        version = _find_content(ssm, name, source["Content"])
    ssm.update_document_default_version(Name=name, DocumentVersion=version)
    return {"brought": "updated"}


def _find_content(ssm: Any, name: str, content: str) -> str:
    """The version with this content: AWS does not say whether only the newest is compared, or all."""
    for page in ssm.get_paginator("list_document_versions").paginate(Name=name):
        for held in page["DocumentVersions"]:
            version = str(held["DocumentVersion"])
            if ssm.get_document(Name=name, DocumentVersion=version)["Content"] == content:
                return version
    raise RuntimeError(f"{name}: no version has the content that AWS calls a duplicate")
