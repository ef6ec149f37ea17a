"""csd package versions, csd package prune: what Distributor has of a package in each Region, and what nobody needs any more.

Rules: as in csd.cli.main. Refuses to know: AWS, and why a version stays.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from csd.cli import screen
from csd.cli.packages import package_app
from csd.errors import CsdInputError, Problem
from csd.listed import listed

if TYPE_CHECKING:
    from csd.aws.publishing.pruning import Plan, RegionPlan

REFUSED = 1  # as csd.cli.main has it
_UNITS = {"d": 1, "w": 7}
NameArgument = Annotated[str, typer.Argument(help="Name of the package.")]
RegionsOption = Annotated[str, typer.Option(help="Regions (comma list).")]
KeepOption = Annotated[int, typer.Option(help="The last so many versions stay.", min=1)]
WindowOption = Annotated[str, typer.Option(help="What was published or asked for within this time stays (30d, 4w).")]
SilentOption = Annotated[
    bool,
    typer.Option("--silent-nodes-have-none", help="Take nodes that tell nothing of this package to have no version of it."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
HomeOption = Annotated[str, typer.Option("--region", help="The hub's home Region; else AWS_REGION.")]


@package_app.command("versions", short_help="Which versions are where, on how many nodes, and which may go.")
def package_versions(
    name: NameArgument,
    regions: RegionsOption,
    keep: KeepOption = 5,
    window: WindowOption = "30d",
    silent_nodes_have_none: SilentOption = False,  # noqa: FBT002 - Typer's flags are booleans
    as_json: JsonOption = False,  # noqa: FBT002 - as above
    region: HomeOption = "",
) -> None:
    """Tell each version in each Region: its state, on how many nodes it is by their own words, and why it stays or may go."""
    _show(_plan(name, regions, keep, window, region, silent_have_none=silent_nodes_have_none)[1], as_json=as_json)


@package_app.command("prune", short_help="Delete versions that nobody has, wants or may go back to.")
def package_prune(
    name: NameArgument,
    regions: RegionsOption,
    keep: KeepOption = 5,
    window: WindowOption = "30d",
    silent_nodes_have_none: SilentOption = False,  # noqa: FBT002 - Typer's flags are booleans
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Delete; else tell only what would be deleted.")] = False,  # noqa: FBT002 - as above
    as_json: JsonOption = False,  # noqa: FBT002 - as above
    region: HomeOption = "",
) -> None:
    """Delete versions from Distributor that are on no node, named by no association, not the default and outside the window.

    What cannot be known speaks for keeping: where an account, a Region or a node tells nothing, nothing is deleted that may be there.
    """
    principal, plan = _plan(name, regions, keep, window, region, silent_have_none=silent_nodes_have_none)
    _show(plan, as_json=as_json)
    if not yes:
        if any(place.deletes for place in plan.regions):
            screen.tell("nothing is deleted yet: do it with --yes")
        return
    from csd.aws.publishing.pruning import perform_plan

    gone, refusals = perform_plan(principal, plan, screen.tell)
    screen.tell(f"deleted: {screen.counted(len(gone), 'version')}")
    if refusals:
        raise typer.Exit(REFUSED)


def _plan(name: str, regions: str, keep: int, window: str, region: str, *, silent_have_none: bool) -> tuple[Any, "Plan"]:
    wanted = listed(regions)
    if not wanted:
        raise CsdInputError([Problem("--regions", "names none.", "Give the Regions: --regions us-east-1,eu-west-1")])
    span = read_window(window)

    from csd.aws.identity import Principal
    from csd.aws.publishing.pruning import make_plan
    from csd.package.retention import Policy

    principal = Principal.of_environment(region)
    return principal, make_plan(principal, name, wanted, Policy(keep, span, silent_have_none), screen.tell)


def read_window(text: str) -> timedelta:
    """30d, 4w. Raises CsdInputError."""
    if text[-1:] not in _UNITS or not text[:-1].isdigit():
        raise CsdInputError([Problem("--window", f"{text!r} is no time.", "Write days or weeks: 30d, 4w")])
    return timedelta(days=int(text[:-1]) * _UNITS[text[-1]])


def _show(plan: "Plan", *, as_json: bool) -> None:
    for unread in plan.fleet.unread:
        screen.tell(f"could not read {unread}")
    for node in plan.fleet.silent[:10]:
        screen.tell(f"told nothing of {plan.package}: {node}")
    if len(plan.fleet.silent) > 10:
        screen.tell(f"and {len(plan.fleet.silent) - 10} nodes more")
    if as_json:
        screen.data_json(_json(plan))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("REGION", "VERSION", "STATUS", "PUBLISHED", "NODES", "", "WHY"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "WHY")
    for place in plan.regions:
        if not place.decisions:
            screen.tell(f"{place.region}: {plan.package} is not published there")
        for cells in _rows(plan, place):
            table.add_row(*map(screen.harmless, cells))
    Console(highlight=False, width=None if screen.is_terminal() else 200).print(table)


def _rows(plan: "Plan", place: "RegionPlan") -> list[tuple[str, ...]]:
    return [
        (
            place.region, one.version.name or f"({one.version.number})", one.version.status,
            f"{screen.age(one.version.created, plan.as_of)} ago", str(plan.fleet.installed.get(one.version.name, 0)),
            "delete" if one.deletes else "keep", "; ".join(one.reasons),
        )
        for one in place.decisions
    ]  # fmt: skip


def _json(plan: "Plan") -> dict[str, Any]:
    return {
        "package": plan.package,
        "asOf": plan.as_of.isoformat(),
        "unread": list(plan.fleet.unread),
        "silentNodes": list(plan.fleet.silent),
        "regions": {
            place.region: [
                {
                    "version": one.version.name, "documentVersion": str(one.version.number), "status": one.version.status,
                    "default": one.version.is_default, "published": one.version.created.isoformat(),
                    "nodes": plan.fleet.installed.get(one.version.name, 0), "delete": one.deletes, "reasons": list(one.reasons),
                }
                for one in place.decisions
            ]
            for place in plan.regions
        },
    }  # fmt: skip
