"""csd package …: the verbs that make packages and prove them. One module for each verb that is more than a handful of lines.

Rules: as in csd.cli.main. Refuses to know: AWS and packages; each verb is a handful of calls.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from csd.cli import screen

# The way of a package: made, proved, vouched for; then (csd publish) what is published, and keys.
VERBS = ("init", "build", "lint", "matrix", "test", "sign", "verify", "import", "versions", "prune", "key", "trust")


class VerbsInOrder(TyperGroup):
    """Shows the verbs in the order of their use; the modules that register them are imported by the alphabet."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All verbs."""
        return sorted(super().list_commands(ctx), key=VERBS.index)


package_app = typer.Typer(
    cls=VerbsInOrder,
    no_args_is_help=True,
    help="Make a package, prove it and sign it, in this order; csd publish brings it to AWS.",
)


@package_app.command("build", short_help="Seal a folder with package.yaml: zips and manifest.")
def package_build(
    folder: Annotated[Path, typer.Argument(help="Folder with package.yaml.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the package; else dist/NAME/VERSION/DIGEST, which is printed."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="What lint warns of is an error too.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    as_json: Annotated[bool, typer.Option("--json", help="Print folder, digests and warnings as JSON.")] = False,  # noqa: FBT002 - Typer's flags are booleans
) -> None:
    """Seal a folder with package.yaml: a zip per platform and the manifest, the same bytes for the same input on every machine.

    What csd package lint calls an error is not built.
    """
    import os

    from csd.package.building.provenance import read_moment
    from csd.package.sealed import build_package, sealed_value

    moment = read_moment(os.environ.get("SOURCE_DATE_EPOCH", ""))
    with screen.work_bar() as watch:
        sealed = build_package(folder, output, moment=moment, strict=strict, watch=watch)
    for warning in sealed.warnings:
        screen.tell(f"warning: {warning}")
    if as_json:
        screen.data_json(sealed_value(sealed))
    else:
        for file in sealed.files:
            (screen.data if output else screen.tell)(f"{file.sha256}  {file.name}")
    screen.tell(f"{sealed.name} {sealed.version} is sealed in {sealed.folder}")
    if not output and not as_json:
        screen.data(str(sealed.folder))
