"""csd package verify: is this what somebody trusted vouches for?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from csd.cli import screen
from csd.cli.packages import package_app

if TYPE_CHECKING:
    from csd.package.signing.trust import Trust
    from csd.package.signing.verify import Expected, Verified


@package_app.command("verify", short_help="Verify a signed package against a trust root.")
def package_verify(
    folder: Annotated[Path, typer.Argument(help="A sealed folder, or one that was copied from S3.")],
    trust: Annotated[Path, typer.Option(help="File of the keys that are trusted.")] = Path("trust.json"),
    name: Annotated[str, typer.Option(help="The package that it must be.")] = "",
    version: Annotated[str, typer.Option(help="The version that it must be.")] = "",
    floor: Annotated[str, typer.Option(help="Lowest version that may pass.")] = "",
    state: Annotated[
        Path | None, typer.Option(help="File in which floors are remembered from one verification to the next.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was verified as JSON.")] = False,  # noqa: FBT002 - Typer's flags are booleans
) -> None:
    """Verify who vouches for a package, until when, and that every file is the one they signed; exit 2 when anything is wrong."""
    from csd.package.signing.floors import raise_floor, read_floors
    from csd.package.signing.verify import Expected, verify_by

    expected = Expected(name, version, floor, read_floors(state) if state else {})
    found, trusted = verify_by(folder, trust, expected, datetime.now(UTC))
    if state:
        raise_floor(state, found.statement)
    if as_json:
        screen.data_json(_value(found, trusted, expected))
    else:
        for line in _lines(found, trusted, expected):
            screen.data(line)


def _lines(found: "Verified", trust: "Trust", expected: "Expected") -> list[str]:
    from csd.package.signing.statement import time_text

    statement, release = found.statement, found.statement.release
    floor = expected.floor_of(release.name)
    beside = f" and {len(release.beside)} beside them" if release.beside else ""
    wanted = f"{trust.threshold} of {len(trust.keys)} trusted keys are wanted"
    no_floor = "no floor is known here: an older release that has not expired would pass as well (--floor, --state)"
    return [
        f"{release.name} {release.version}: manifest, {screen.counted(len(release.files), 'zip')}{beside} are as they were signed",
        *(f"signed by {keyid}" for keyid in found.keyids),
        *(f"signed by {keyid}, which the trust root does not know: ignored" for keyid in found.ignored),
        f"{wanted}; trust root version {trust.version}, good until {time_text(trust.expires)}",
        f"the release is good until {time_text(statement.expires)}",
        f"not below the floor {floor}" if floor else no_floor,
    ]


def _value(found: "Verified", trust: "Trust", expected: "Expected") -> dict[str, Any]:
    from csd.package.release import release_value
    from csd.package.signing.statement import time_text

    statement = found.statement
    return {
        **release_value(statement.release),
        "address": statement.release.address,
        "issued": time_text(statement.issued),
        "expires": time_text(statement.expires),
        "floor": statement.floor,
        "knownFloor": expected.floor_of(statement.release.name) or None,
        "keys": list(found.keyids),
        "ignored": list(found.ignored),
        "trust": {"version": trust.version, "threshold": trust.threshold, "expires": time_text(trust.expires)},
    }
