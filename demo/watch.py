"""Looking on while Systems Manager works: the association's run, its automations, the commands in the members."""

import time
from typing import Any

import boto3

from demo.walk import ENDED, HUB, Walk

POLL_S = 0.5
PATIENCE_S = 240.0
ADD, DISTRIBUTE = "CSD-AddSoftwarePackageToDistributor", "CSD-DistributeSoftwarePackage"


class TookTooLong(Exception):
    """Something did not end while we looked on."""


def client(walk: Walk, service: str, account: str = HUB, region: str = "") -> Any:
    """Return a boto3 client as an account's administrator, in the organization's first Region unless another is given."""
    if (service, account, region) not in walk.clients:
        keys = walk.keys(account, region)
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"])
        walk.clients[service, account, region] = session.client(service, endpoint_url=keys["AWS_ENDPOINT_URL"])
    return walk.clients[service, account, region]


def association_run(walk: Walk, association: str, seen: int, account: str = HUB) -> dict[str, Any]:
    """Wait until the association has more than `seen` runs and the newest has ended; return that run."""
    ssm = client(walk, "ssm", account)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        runs: list[dict[str, Any]] = ssm.describe_association_executions(AssociationId=association)["AssociationExecutions"]
        newest = max(runs, key=lambda run: run["CreatedTime"], default=None)
        if newest is not None and len(runs) > seen and newest["Status"] in ENDED:
            return newest
        time.sleep(POLL_S)
    raise TookTooLong(f"association {association} has not ended within {PATIENCE_S:.0f} s; see `localorg logs`")


def executions(walk: Walk, account: str = HUB, region: str = "") -> list[dict[str, Any]]:
    """Return the automation executions of an account and Region, newest first."""
    ssm = client(walk, "ssm", account, region)
    found = ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
    return sorted(found, key=lambda execution: execution["ExecutionStartTime"], reverse=True)


def newest(walk: Walk, document: str) -> dict[str, Any]:
    """Return the newest execution of a document in the hub, in full."""
    chosen = next(e for e in executions(walk) if e["DocumentName"] == document)
    full: dict[str, Any] = client(walk, "ssm").get_automation_execution(AutomationExecutionId=chosen["AutomationExecutionId"])[
        "AutomationExecution"
    ]
    return full
