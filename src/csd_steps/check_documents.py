"""One look at all Regions: are the runbook and the package version Active? Says how long to wait before the next look."""

from typing import Any

import boto3

WAIT_MIN_S, WAIT_MAX_S = 2, 120


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises RuntimeError when AWS could not make one."""
    failed: list[str] = []
    waiting: list[str] = []
    for region in events["regions"]:
        ssm = client("ssm", region_name=region)
        looked_at = [_look(ssm, events["runbook"], "")]
        if events["action"] == "Install":
            looked_at.append(_look(ssm, events["name"], events["version"]))
        for what, held in looked_at:
            if held["Status"] == "Failed":
                failed.append(f"{what} in {region}: {held.get('StatusInformation') or 'AWS gives no reason'}")
            elif held["Status"] != "Active":
                waiting.append(f"{what} in {region} is {held['Status']}")
    if failed:
        raise RuntimeError("AWS could not make: " + "; ".join(failed) + ". Remove the failed version, mend the cause, run again")
    # The wait grows from look to look: the first come after seconds, 100 reach over two and a half hours.
    wait_s = min(WAIT_MAX_S, WAIT_MIN_S + int(events["look"]) ** 2 // 4) if waiting else 1
    return {"state": "Waiting" if waiting else "Active", "wait": f"PT{wait_s}S", "waiting": "; ".join(waiting[:10])}


def _look(ssm: Any, name: str, version: str) -> tuple[str, Any]:
    """The version with this name, or the default one when no name is given."""
    for page in ssm.get_paginator("list_document_versions").paginate(Name=name):
        for held in page["DocumentVersions"]:
            if held.get("VersionName") == version if version else held["IsDefaultVersion"]:
                return f"{name} {version}".strip(), held
    raise RuntimeError(f"{name} {version} is not there: it was removed while this ran")
