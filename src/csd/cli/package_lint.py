"""csd package lint: everything that is wrong with a package, whoever built it, each with where, what and what to do.

Rules: as in csd.cli.main. Refuses to know: the rules.
"""

from pathlib import Path
from typing import Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app

WRONG_INPUT = 2


@package_app.command("lint", short_help="Tell all that is wrong with a package, built or not.")
def package_lint(
    package: Annotated[Path, typer.Argument(help="Folder with package.yaml or manifest.json, a manifest, or a zip.")],
    name: Annotated[str, typer.Option(help="What it shall be called; else what package.yaml or release.json says.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="A warning is an error too.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    select: Annotated[str, typer.Option(help="Look for these rules only: ids, or their beginnings (comma list).")] = "",
    ignore: Annotated[str, typer.Option(help="Do not look for these rules (comma list).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,  # noqa: FBT002 - Typer's flags are booleans
) -> None:
    """Tell all that is wrong with a package, a finding a line: severity, place, rule, what was found, what to do. Nothing is run.

    Exit 2 when there is an error; with --strict, when there is a warning.
    """
    from csd.package.lint.checking import lint
    from csd.package.lint.rule import SEVERITIES, finding_value

    report = lint(package, name, _words(select), _words(ignore))
    errors, warnings, advice = (len(report.of(severity)) for severity in SEVERITIES)
    if as_json:
        counts = {"error": errors, "warning": warnings, "advice": advice}
        findings = [finding_value(finding) for finding in report.findings]
        accepted = [finding_value(finding) | {"accepted": why} for finding, why in report.accepted]
        screen.data_json({"findings": findings, "accepted": accepted, "counts": counts, "remarks": list(report.remarks)})
    else:
        for finding in report.findings:
            screen.data(str(finding))
        for line in report.told_accepted:
            screen.tell(f"accepted: {line}")
    for remark in report.remarks:
        screen.tell(remark)
    screen.tell(f"{package}: errors {errors}, warnings {warnings}, advice {advice}")
    if report.stopping(strict=strict):
        raise typer.Exit(WRONG_INPUT)


def _words(listed: str) -> list[str]:
    return [word.strip().upper() for word in listed.split(",") if word.strip()]
