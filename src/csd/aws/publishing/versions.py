"""What Distributor holds of a package in one Region: its versions, newest first.

Rules: reads only. Refuses to know: nodes, and what may be deleted (csd.package.retention).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csd.aws.identity import Principal, asking
from csd.aws.publishing.objects import RIGHTS
from csd.errors import AwsRefused

# AWS: Distributor guide, "Add a package version": 25 versions a package.
VERSIONS_MAX, VERSIONS_WARN = 25, 20
ADVICE = {"AccessDeniedException": RIGHTS, "AccessDenied": RIGHTS}


@dataclass(frozen=True, slots=True)
class Held:
    """One version in one Region; `name` is what the manifest calls it, `number` is AWS's own count, `reason` why it is Failed."""

    region: str
    name: str
    number: str
    status: str
    reason: str
    is_default: bool
    created: datetime


def read_versions(principal: Principal, package: str, region: str) -> list[Held]:
    """All versions, newest first; none when there is no such document. Raises AwsRefused."""
    ssm = principal.client("ssm", region)
    try:
        with asking(ssm, principal.account, ADVICE):
            pages = ssm.get_paginator("list_document_versions").paginate(Name=package)
            told = [version for page in pages for version in page["DocumentVersions"]]
    except AwsRefused as refused:
        if refused.code == "InvalidDocument":
            return []
        raise
    held = [_held(region, version) for version in told]
    return sorted(held, key=lambda version: -int(version.number))


def _held(region: str, told: dict[str, Any]) -> Held:
    return Held(
        region, told.get("VersionName", ""), str(told["DocumentVersion"]), told["Status"], told.get("StatusInformation", ""),
        bool(told["IsDefaultVersion"]), told["CreatedDate"],
    )  # fmt: skip
