"""csd package import: a package that is published somewhere -> a sealed folder here, and on demand its sources.

Rules: as in csd.cli.main. Refuses to know: where a package comes from, beyond which of three kinds a source is.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app
from csd.errors import CsdInputError, Problem
from csd.package.places import MANIFEST_FILE

if TYPE_CHECKING:
    from csd.package.receiving import Origin


@package_app.command("import", short_help="Bring a published package here, as a sealed folder.")
def package_import(
    source: Annotated[str, typer.Argument(help="Document name or ARN, s3://BUCKET/PREFIX, or a folder.")],
    into: Annotated[Path, typer.Option(help="New folder for the zips and manifest.json.")],
    version: Annotated[str, typer.Option(help="Version name; else the document's default version.")] = "",
    name: Annotated[str, typer.Option(help="The package's name, where the source does not tell it.")] = "",
    sources: Annotated[Path | None, typer.Option("--source", help="New folder for package.yaml and unpacked zips.")] = None,
    region: Annotated[str, typer.Option(help="Region of the document; else the ARN's, else AWS_REGION.")] = "",
) -> None:
    """Bring a package here as it is published, byte for byte, every digest compared; with --source, as sources to change."""
    origin, told_name = _origin(source, version, region)

    from csd.package.lint.accepting import JUDGEMENTS
    from csd.package.receiving import receive
    from csd.package.sealed import read_sealed

    for file in receive(origin, into, name or told_name):
        screen.tell(f"{file}: is here, as its manifest says")
    sealed = read_sealed(into, dict.fromkeys(JUDGEMENTS, "it is published so."))
    if sealed.warnings:
        screen.tell(f"what is unwise in it ({len(sealed.warnings)}), is told by: csd package lint {into}")
    screen.tell(f"{sealed.name or 'a package without a name'} {sealed.version} of {origin.where} is sealed in {into}")
    if not sealed.name:
        screen.tell("its name stands nowhere: give --name here, or to csd publish")
    if sources:
        from csd.package.unpacking import unpack_source

        if not sealed.name:
            raise CsdInputError([Problem("--name", "is needed for package.yaml, and the source tells none.", "Give --name.")])
        unpack_source(sealed, sealed.name, sources)
        screen.tell(f"its sources are in {sources}; build them: csd package build {sources}")
    screen.data(str(into))


def _origin(source: str, version: str, region: str) -> tuple["Origin", str]:
    """Where the package comes from, and its name where that tells it.

    A bare name is a folder's where a package lies in one of that name, else a document's: sources are often called as their package is.
    """
    is_folder = Path(source).is_dir() and ("/" in source or (Path(source) / MANIFEST_FILE).is_file())
    if version and (source.startswith("s3://") or is_folder):
        raise CsdInputError([Problem("--version", "chooses a version of a document; a folder holds one.", "Leave it out.")])
    if is_folder:
        from csd.package.receiving import FolderOrigin

        return FolderOrigin(Path(source)), ""
    if not source.startswith(("s3://", "arn:")) and "/" in source:
        what = "is a file." if Path(source).is_file() else "there is no such folder."
        raise CsdInputError([Problem(source, what, "Name a folder, a document, or s3://BUCKET/PREFIX.")])

    from csd.aws.identity import Principal
    from csd.aws.publishing.origins import DocumentOrigin, S3Origin

    principal = Principal.of_environment(region)
    if source.startswith("s3://"):
        return S3Origin(principal, source), ""
    document = DocumentOrigin(principal, source, version)
    return document, document.name
