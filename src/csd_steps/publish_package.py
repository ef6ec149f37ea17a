"""Publish a package version in one Region from its manifest in S3. Equal content again changes nothing; other is refused."""

import hashlib
import json
from typing import Any

import boto3

BYTES_MAX = 65_536  # AWS: CreateDocument API, MaxDocumentSizeExceeded: 64 KB


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Idempotent."""
    name, version, region = events["name"], events["version"], events["region"]
    folder = "/".join(part for part in (events["bucketName"], events.get("bucketPrefix", "").strip("/")) if part)
    manifest = _read_manifest(client("s3", region_name=events["home"]), folder, version, events["manifest"])
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


def _read_manifest(s3: Any, folder: str, version: str, verified: str) -> str:
    """The manifest; where a signature was verified, the very bytes that it is over."""
    bucket, _, prefix = folder.partition("/")
    key = f"{prefix}/manifest.json" if prefix else "manifest.json"
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read(BYTES_MAX + 1)
    except s3.exceptions.NoSuchKey:
        raise ValueError(f"s3://{bucket}/{key} does not exist: upload the package first") from None
    if len(body) > BYTES_MAX:
        raise ValueError(f"s3://{bucket}/{key} has more than {BYTES_MAX} bytes, and a document no more than that")
    if verified and (digest := hashlib.sha256(body).hexdigest()) != verified:
        raise ValueError(
            f"s3://{bucket}/{key} was changed after its signature was verified: its sha256 is {digest}, verified was {verified}"
        )
    text = body.decode("utf-8")
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
