"""csd package …: the verbs that make packages and prove them. One module for each verb that is more than a handful of lines.

Rules: as in csd.cli.main. Refuses to know: AWS and packages; each verb is a handful of calls.
"""

from pathlib import Path
from typing import Annotated

import typer

from csd.cli import screen

package_app = typer.Typer(no_args_is_help=True, help="Make packages.")


@package_app.command("build", short_help="Seal a folder of installers: zips and manifest.")
def package_build(
    folder: Annotated[Path, typer.Argument(help="Folder with package.yaml.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the zips and manifest.json.")],
) -> None:
    """Seal a folder of installers: a zip per platform and the manifest, the same bytes for the same input."""
    from csd.package.sealed import build_package

    sealed = build_package(folder, output)
    for warning in sealed.warnings:
        screen.tell(f"warning: {warning}")
    for file in sealed.files:
        screen.data(f"{file.sha256}  {file.name}")
    screen.tell(f"{sealed.name} {sealed.version} is sealed in {output}")
