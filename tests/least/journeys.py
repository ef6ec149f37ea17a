"""Small journeys, each the cheapest that needs some grants: what is prepared, what is then done, and what a person reads.

Rules: `prepare` happens while nothing is taken; `act` returns the words of every failure that a person finds, empty when there is none.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from least.world import AWAY, BUCKET, GROUP, HOME, MANY, MEMBER_RUNBOOK, NAME, SHOP, UNIT, World

EXAMPLE = Path(__file__).parents[2] / "examples/packages/csd-hello"
OTHER_NAME = "csd-other"
"""A package name under which nothing is published, or only for a moment."""
OTHER_RUNBOOK = "schemaVersion: '0.3'\nmainSteps:\n  - {name: wait, action: aws:sleep, inputs: {Duration: PT1S}}\n"


def nothing(world: World) -> None:
    """Prepare nothing."""
    del world


@dataclass(frozen=True)
class Journey:
    """What is done to prove a grant."""

    act: Callable[[World], str]
    prepare: Callable[[World], None] = nothing


# The hub's run


def without_other(world: World) -> None:
    """Nothing is published under OTHER_NAME."""
    forget(world, OTHER_NAME, HOME)


def forget(world: World, name: str, region: str) -> None:
    """Delete a document of the hub, unshared first."""
    ssm = world.client("ssm", region=region)
    try:
        unshare(world, name, region)
        ssm.delete_document(Name=name)
    except ClientError as refused:
        if refused.response["Error"]["Code"] not in ("InvalidDocument", "InvalidDocumentOperation"):
            raise


def unshare(world: World, name: str, region: str = HOME) -> None:
    """Share a document with nobody."""
    ssm = world.client("ssm", region=region)
    held = ssm.describe_document_permission(Name=name, PermissionType="Share")["AccountIds"]
    if held:
        ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToRemove=held)


def without_second_version(world: World) -> None:
    """OTHER_NAME has the first version alone."""
    without_other(world)
    assert world.rollout("1.0.0", name=[OTHER_NAME]) == ""


def with_older_default(world: World) -> None:
    """The package's default is the version that is not asked for."""
    make_default(world, NAME, HOME, "1.0.0")


def make_default(world: World, name: str, region: str, version_name: str) -> None:
    """Make a named version the default."""
    ssm = world.client("ssm", region=region)
    version = ssm.describe_document(Name=name, VersionName=version_name)["Document"]["DocumentVersion"]
    ssm.update_document_default_version(Name=name, DocumentVersion=version)


def other_runbook_away(world: World) -> None:
    """The member runbook of the other Region has other content, which is the default."""
    ssm = world.client("ssm", region=AWAY)
    newest = put_runbook(ssm, OTHER_RUNBOOK)
    ssm.update_document_default_version(Name=MEMBER_RUNBOOK, DocumentVersion=newest)


def put_runbook(ssm: Any, content: str) -> str:
    """Make `content` the newest version of the member runbook; return its number."""
    try:
        made = ssm.update_document(Name=MEMBER_RUNBOOK, Content=content, DocumentVersion="$LATEST", DocumentFormat="YAML")
    except ssm.exceptions.DuplicateDocumentContent:
        return str(ssm.describe_document(Name=MEMBER_RUNBOOK, DocumentVersion="$LATEST")["Document"]["DocumentVersion"])
    return str(made["DocumentDescription"]["DocumentVersion"])


def right_runbook_away_is_no_default(world: World) -> None:
    """The newest version in the other Region is the right one, and an older one is the default."""
    other_runbook_away(world)
    content = world.client("ssm").get_document(Name=MEMBER_RUNBOOK)["Content"]
    put_runbook(world.client("ssm", region=AWAY), content)


def forget_floor(world: World) -> None:
    """No floor of the package is remembered."""
    ssm = world.client("ssm")
    with contextlib.suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=f"/csd/trust/{NAME}")


def rollout(**more: Any) -> Callable[[World], str]:
    """Return the act of distributing as `more` says."""
    return lambda world: world.rollout(**more)


ROLLOUT = Journey(rollout())
UNITS = Journey(rollout(targetAccounts=[UNIT]))
NEW_PACKAGE = Journey(rollout(version="1.0.0", name=[OTHER_NAME]), without_other)
NEW_VERSION = Journey(rollout(version="1.1.0", name=[OTHER_NAME]), without_second_version)
OLDER_DEFAULT = Journey(rollout(), with_older_default)
SHARE_PACKAGE = Journey(rollout(), lambda world: unshare(world, NAME))
SHARE_RUNBOOK = Journey(rollout(), lambda world: unshare(world, MEMBER_RUNBOOK))
TWO_REGIONS = Journey(rollout(targetRegions=[HOME, AWAY]))
NEW_REGION = Journey(rollout(targetRegions=[AWAY]), lambda world: forget(world, MEMBER_RUNBOOK, AWAY))
STALE_RUNBOOK = Journey(rollout(targetRegions=[AWAY]), other_runbook_away)
STALE_DEFAULT = Journey(rollout(targetRegions=[AWAY]), right_runbook_away_is_no_default)
NEW_FLOOR = Journey(rollout(), forget_floor)
MANY_PAIRS = Journey(
    lambda world: without_members(world.rollout(targetAccounts=[MANY], targetRegions=[HOME, AWAY], maxConcurrency=["100%"]))
)


def without_members(told: str) -> str:
    """These accounts have no roles: their refusals are meant, and say nothing about the hub's run."""
    return "" if "102 of 102 account-Region pairs did not succeed" in told else told


# Nodes


def failing(world: World) -> str:
    """Roll out to a node that fails; its own words are all that is to be told."""
    told = world.rollout("1.1.0", "Install", installationType=["Uninstall and reinstall"], name=[OTHER_NAME])
    return "" if "no room on this disk" in told and "could not be read" not in told else told


def a_node_fails(world: World) -> None:
    """The next installation fails."""
    without_other(world)
    (world.simulation.root("shop-us") / "etc/csd-marker-fail").write_text("no room on this disk\n")


def hybrid_node(world: World) -> str:
    """Roll out to the hybrid node."""
    return world.rollout(InstanceId=[world.simulation.nodes["shop-press"].instance_id])


def cancelled(world: World) -> str:
    """Cancel a roll-out while its node is at work, and return what the runs tell."""
    simulation, since = world.simulation, world.simulation.now()
    before = world.operator.run_ids()
    world.operator.associate(world.operator.wish("1.1.0", targetAccounts=[SHOP], targetRegions=[HOME]))
    commands = world.client("ssm", SHOP)
    known = len(commands.list_commands()["Commands"])
    simulation.until(lambda: len(commands.list_commands()["Commands"]) > known, within_s=600, every_s=1)
    (run,) = world.operator.run_ids() - before
    world.client("ssm").stop_automation_execution(AutomationExecutionId=run)
    simulation.run_for(900)
    status = commands.list_commands()["Commands"][0]["Status"]
    return "" if status == "Cancelled" else f"the command is {status}\n{world.told(since)}"


def slow_node(world: World) -> None:
    """The node takes ten minutes over what it is asked."""
    for name in ("shop-us", "shop-press"):
        world.simulation.nodes[name].duration_s = 600.0


def quick_node(world: World) -> None:
    """The node is as quick as ever, and healthy."""
    for name in ("shop-us", "shop-press"):
        world.simulation.nodes[name].duration_s = 2.0
    (world.simulation.root("shop-us") / "etc/csd-marker-fail").unlink(missing_ok=True)


FAILING = Journey(failing, a_node_fails)
HYBRID = Journey(hybrid_node)
NODE_BY_ID = HYBRID
RESOURCE_GROUP = Journey(rollout(targetKey=["ResourceGroup"], targetValues=[GROUP]))
CANCELLED = Journey(cancelled, slow_node)


# csd status


def status(world: World) -> str:
    """Ask csd status; anything but a whole picture is told."""
    code, said = world.csd("status")
    return "" if code == 0 else said


def failed_status(world: World) -> str:
    """Ask csd status about a node that has failed; that it has is all that is to be told."""
    code, said = world.csd("status")
    return "" if code == 3 and "no room on this disk" in said and "could not read" not in said else said


def associated(**more: Any) -> Callable[[World], None]:
    """Return the preparation that distributes as `more` says, for csd status to find."""

    def prepare(world: World) -> None:
        assert world.rollout(**more) == ""

    return prepare


def associated_with_failure(world: World) -> None:
    """The last thing that the node was asked has failed."""
    a_node_fails(world)
    assert failing(world) == ""


def matrix(world: World) -> str:
    """Ask which zip each node would get; anything but an answer for each of them is told, and so is an architecture not asked for."""
    code, said = world.csd("package", "matrix", str(EXAMPLE), "--fleet")
    return "" if code == 0 and "architectures are not told" not in said else said


STATUS = Journey(status, associated())
MATRIX = Journey(matrix, associated())
STATUS_OF_UNIT = Journey(status, associated(targetAccounts=[UNIT]))
STATUS_OF_GROUP = Journey(status, associated(targetKey=["ResourceGroup"], targetValues=[GROUP]))
STATUS_OF_FAILURE = Journey(failed_status, associated_with_failure)

__all__ = ["BUCKET", "Journey", "quick_node"]
