"""Publish a package version in one Region from its manifest in S3. Equal content again changes nothing; other is refused."""

import json
from typing import Any

import boto3


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Idempotent."""
    name, version, region = events["name"], events["version"], events["region"]
    folder = "/".join(part for part in (events["bucketName"], events.get("bucketPrefix", "").strip("/")) if part)
    manifest = _read_manifest(client("s3", region_name=events["home"]), folder, version)
    ssm = client("ssm", region_name=region)
    wanted = {
        "Name": name,
        "VersionName": version,
        "Content": manifest,
        "Attachments": [{"Key": "SourceUrl", "Values": [f"s3://{folder}"]}],
    }
    try:
        ssm.create_document(DocumentType="Package", **wanted)
    except ssm.exceptions.DocumentAlreadyExists:
        return _add_version(ssm, region, manifest, wanted)
    return {"published": f"{name} {version} created in {region}"}


def _add_version(ssm: Any, region: str, manifest: str, wanted: Any) -> Any:
    name, version = wanted["Name"], wanted["VersionName"]
    there = _find_version(ssm, name, version)
    if there is None:
        ssm.update_document(DocumentVersion="$LATEST", **wanted)
        return {"published": f"{name} {version} added in {region}"}
    held = ssm.get_document(Name=name, DocumentVersion=there)["Content"]
    if json.loads(held) != json.loads(manifest):
        raise ValueError(f"{name} {version} exists in {region} with other content: publish changed files as a new version")
    return {"published": f"{name} {version} was there in {region}"}


def _read_manifest(s3: Any, folder: str, version: str) -> str:
    bucket, _, prefix = folder.partition("/")
    key = f"{prefix}/manifest.json" if prefix else "manifest.json"
    try:
        text: str = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    except s3.exceptions.NoSuchKey:
        raise ValueError(f"s3://{bucket}/{key} does not exist: upload the package first") from None
    found = json.loads(text).get("version")
    if found != version:
        raise ValueError(f"s3://{bucket}/{key} says version {found!r}, asked for {version!r}: they must be equal")
    return text


def _find_version(ssm: Any, name: str, version: str) -> str | None:
    """The document version number that bears this version name, or None."""
    for page in ssm.get_paginator("list_document_versions").paginate(Name=name):
        for held in page["DocumentVersions"]:
            if held.get("VersionName") == version:
                return str(held["DocumentVersion"])
    return None
