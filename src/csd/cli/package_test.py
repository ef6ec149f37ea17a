"""csd package test: try a package on nodes that may be spoilt, and tell what it did to them.

Rules: as in csd.cli.main. Refuses to know: AWS; how a trial goes.
"""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app
from csd.cli.requests import read_arguments
from csd.errors import AwsRefused, CsdInputError, Problem

if TYPE_CHECKING:
    from csd.package.sealed import SealedPackage

NOT_AS_WANTED, INTERRUPTED = 3, 130


@package_app.command("test", short_help="Try a package on nodes that may be spoilt.")
def package_test(
    folder: Annotated[Path | None, typer.Argument(help="Sealed folder, or folder with package.yaml.")] = None,
    nodes: Annotated[str, typer.Option(help="Nodes of this account and Region that may be spoilt (comma list).")] = "",
    older: Annotated[Path | None, typer.Option("--from", help="An older version, to upgrade from (sealed or not).")] = None,
    bucket: Annotated[str, typer.Option(help="Bucket to use; else csd-trials-ACCOUNT-REGION, made private.")] = "",
    argument: Annotated[list[str] | None, typer.Option(help="SSM_KEY=VALUE for the scripts; may be repeated.")] = None,
    may_leave: Annotated[list[str] | None, typer.Option(help="Glob of paths that may stay or differ; may be repeated.")] = None,
    patience: Annotated[int, typer.Option(min=30, help="Seconds that one step may take on a node.")] = 1800,
    keep: Annotated[bool, typer.Option("--keep", help="Keep document, zips and outputs, to look at them.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON, with the whole output.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    rights: Annotated[bool, typer.Option("--rights", help="Print the least rights that it needs, and do nothing.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    region: Annotated[str, typer.Option(help="Region of the nodes; else AWS_REGION.")] = "",
) -> None:
    """Install, validate, fail on purpose and roll back, uninstall a package on these nodes; with --from, upgrade and update in place too.

    Tells for each node and step whether it passed, what the package changed on the file system, and what its uninstall left. The document
    and the objects that it makes are deleted at the end. Exit 0 only when all passed on all nodes.
    """
    if rights:
        _print_rights(region, bucket)
        return
    from csd.aws.trials.nodes import read_nodes

    if folder is None:
        raise CsdInputError([Problem("DIR", "is missing.", "Name a sealed folder, or a folder with package.yaml.")])
    names = read_nodes(nodes)
    with _ended_like_interrupted(), tempfile.TemporaryDirectory(prefix="csd-test-") as built:
        package = _sealed(folder, Path(built, "new"))
        from_older = _sealed(older, Path(built, "older")) if older else None
        if from_older and from_older.version == package.version:
            what = f"{older} is version {package.version} as well."
            raise CsdInputError([Problem("--from", what, "Name a folder of another version.")])
        _run(package, from_older, names, bucket, argument, may_leave, patience, region, keep=keep, as_json=as_json)


def _run(
    package: "SealedPackage", older: "SealedPackage | None", names: list[str], bucket: str, argument: list[str] | None,
    may_leave: list[str] | None, patience: int, region: str, *, keep: bool, as_json: bool,
) -> None:  # fmt: skip
    from csd.aws.identity import Principal
    from csd.aws.trials.trial import Wish, try_package
    from csd.cli import trial_screen
    from csd.report.trial import trial_json

    wish = Wish(package, older, names, bucket, read_arguments(argument), tuple(may_leave or ()), float(patience), keep)
    try:
        trial = try_package(Principal.of_environment(region), wish, screen.tell)
    except AwsRefused as refused:
        if "AccessDenied" in refused.code:
            screen.tell("the rights that are needed: csd package test --rights")
        raise
    except KeyboardInterrupt:
        screen.tell("interrupted; nothing else than what was told remains")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        screen.data_json(trial_json(trial))
    else:
        trial_screen.show(trial)
    if not trial.passed:
        raise typer.Exit(NOT_AS_WANTED)


def _print_rights(region: str, bucket: str) -> None:
    from csd.aws.identity import Principal
    from csd.aws.trials.rights import rights

    principal = Principal.of_environment(region)
    screen.data_json(rights(principal.partition, principal.account, principal.region, bucket))


def _sealed(folder: Path, built: Path) -> "SealedPackage":
    """A sealed folder as it is; a folder of sources is built first."""
    from csd.package.places import is_sources
    from csd.package.sealed import build_package, read_sealed

    if not is_sources(folder):
        return read_sealed(folder)
    built.mkdir()
    package = build_package(folder, built)
    screen.tell(f"{folder}: built, version {package.version}")
    for warning in package.warnings:
        screen.tell(f"warning: {warning}")
    return read_sealed(built)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """SIGTERM, as a CI system sends it, clears up as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
