"""csd package lint: everything that is wrong with a package, or unwise.

Rules: as in csd.cli.main. Refuses to know: the rules.
"""

from pathlib import Path
from typing import Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app

WRONG_INPUT = 2


@package_app.command("lint", short_help="Tell everything that is wrong with a package, whoever made it.")
def package_lint(
    package: Annotated[Path, typer.Argument(help="Folder with package.yaml or manifest.json, a zip, or a manifest.json.")],
    name: Annotated[str, typer.Option(help="The name the package shall have; else release.json's, or package.yaml's.")] = "",
    select: Annotated[str, typer.Option(help="Only these rules (comma list).")] = "",
    ignore: Annotated[str, typer.Option(help="All but these rules (comma list).")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 2 for warnings too.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,  # noqa: FBT002 - Typer's flags are booleans
) -> None:
    """Tell everything that is wrong with a package, or unwise, with the rule, the place and the remedy. Exit 2 when one is an error."""
    from csd.package.lint.judging import lint
    from csd.package.lint.rule import finding_value

    findings = lint(package, name, _ids(select), _ids(ignore))
    if as_json:
        screen.data_json({"findings": [finding_value(finding) for finding in findings]})
    else:
        for finding in findings:
            screen.data(str(finding))
    counts = {kind: sum(one.rule.severity == kind for one in findings) for kind in ("error", "warning", "advice")}
    screen.tell(", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    if counts["error"] or (strict and counts["warning"]):
        raise typer.Exit(WRONG_INPUT)


def _ids(listed: str) -> frozenset[str]:
    return frozenset(part.strip().upper() for part in listed.split(",") if part.strip())
