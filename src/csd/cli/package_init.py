"""csd package init: a folder of a vendor's installers -> a package's sources.

Rules: as in csd.cli.main. Refuses to know: how installers are recognised and what scripts say.
"""

from pathlib import Path
from typing import Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app

_SCRIPTS = {"sh": "sh", "powershell": "ps1"}


@package_app.command("init", short_help="Make package.yaml and scripts from a vendor's installers.")
def package_init(
    name: Annotated[str, typer.Argument(help="The package's name.")],
    source: Annotated[
        Path, typer.Option("--from", help="Folder of the installers: .deb, .rpm, .msi, .exe, archives, programs.")
    ] = Path(),
    into: Annotated[Path | None, typer.Option(help="New folder for the package; else NAME.")] = None,
    version: Annotated[str, typer.Option(help="The package's version; else the one that all installers tell.")] = "",
) -> None:
    """Make package.yaml and scripts from a folder of installers: each file is looked into, and gets the targets that it is for."""
    from csd.package.matching.targets import systems
    from csd.package.starting.starting import start_package

    started = start_package(name, source, into or Path(name), version)
    screen.tell(f"{name} {started.start.version}, in {started.folder}:")
    for planned in started.start.zips:
        screen.tell(f"  {planned.label}: {', '.join(path.name for path, _ in planned.files)} for {systems(planned.targets)}")
    for note in started.start.notes:
        screen.tell(f"note: {note}")
    used = {planned.scripts[0] for planned in started.start.zips}
    configure = " and ".join(f"scripts/{folder}/configure.{ending}" for folder, ending in _SCRIPTS.items() if folder in used)
    screen.tell(f"next: tell your product its SSM_ variables, if it wants any, in {configure}; then")
    screen.tell(f"  csd package build {started.folder}")
    screen.tell(f"  csd package test {started.folder} --nodes …   (in a sandbox account)")
    screen.data(str(started.folder))
