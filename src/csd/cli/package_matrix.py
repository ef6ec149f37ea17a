"""csd package matrix: which zip every system, or every node of the fleet, would get, or why none.

Rules: as in csd.cli.main. Refuses to know: how the agent matches.
"""

from pathlib import Path
from typing import Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app
from csd.errors import CsdInputError, Problem

NOT_AS_WANTED = 3


@package_app.command("matrix", short_help="Which zip every system or node would get, or why none.")
def package_matrix(
    package: Annotated[Path, typer.Argument(help="Folder with manifest.json or package.yaml, or a manifest.")],
    fleet: Annotated[bool, typer.Option("--fleet", help="Ask for the nodes of the organization instead of the table.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    targets: Annotated[str, typer.Option(help="With --fleet: OU ids and account ids (comma list).")] = "",
    regions: Annotated[str, typer.Option(help="With --targets: Regions of the nodes (comma list).")] = "",
    association: Annotated[str, typer.Option(help="With --fleet: the association whose nodes are meant.")] = "csd-association",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    region: Annotated[str, typer.Option(help="The hub's home Region; else AWS_REGION.")] = "",
) -> None:
    """Which zip of a package every system that the agent runs on would get, or why none: the agent's own walk through the manifest.

    With --fleet, the managed nodes that an association targets, or those of --targets in --regions; exit 3 when one gets none.
    """
    from csd.cli import matrix_screen
    from csd.package.matching.reading import packages_at
    from csd.report.matrix import fleet_matrix, system_lines

    if regions and not targets:
        raise CsdInputError([Problem("--regions", "is about the nodes of --targets.", "Give --targets, or leave it out.")])
    packages = packages_at(package)
    if not (fleet or targets):
        lines = system_lines(packages)
        if as_json:
            screen.data_json(matrix_screen.systems_json(packages, lines))
        else:
            matrix_screen.show_systems(packages, lines)
        return

    from csd.aws.machines import machines_of_association, machines_of_targets

    machines = (
        machines_of_targets(region, targets, regions, screen.tell)
        if targets
        else machines_of_association(region, association, screen.tell)
    )
    matrix = fleet_matrix(packages, machines.found, machines.unread, machines.left_out)
    if as_json:
        screen.data_json(matrix_screen.fleet_json(matrix))
    else:
        matrix_screen.show_fleet(matrix)
    if not matrix.complete:
        raise typer.Exit(NOT_AS_WANTED)
