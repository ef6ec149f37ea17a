"""The checks of what one zip holds: scripts where the agent looks for them, one of each, and all that their text shows."""

from collections.abc import Iterator

from csd.package.lint import rules_archive as rules
from csd.package.lint.rule import Finding
from csd.package.lint.scripts import script_findings
from csd.package.lint.shellcheck import shell_findings
from csd.package.lint.subject import Part

ACTIONS = ("install", "uninstall", "update", "validate")
# Systems whose sh is bash; of all others, and of those not known, it is taken to be dash.
_BASH_IS_SH = frozenset({"amazon", "redhat", "centos", "oracle", "rocky", "almalinux", "fedora", "suse", "opensuse", "opensuseleap"})


def part_findings(part: Part) -> Iterator[Finding]:
    """Everything about one zip."""
    files = [name for name in part.names if not name.endswith("/")]
    place = part.where.rstrip("!")
    for action in ACTIONS:
        kinds = [kind for kind in ("sh", "ps1") if f"{action}.{kind}" in files]
        if len(kinds) > 1:
            yield Finding(rules.TWO_IMPLEMENTATIONS, place, f"has both {action}.sh and {action}.ps1.")
        elif not kinds:
            yield from _missing(place, action, files)
    if len(files) < 2 and not any("/" in name for name in part.names):
        yield Finding(rules.TOO_FEW, place, "has fewer than two files, which the agent calls incomplete.")
    dash = not part.platforms or bool(part.platforms - _BASH_IS_SH - {"windows"})
    for name in (f"{action}.{kind}" for action in ACTIONS for kind in ("sh", "ps1")):
        if name in files:
            text = part.read(name)
            yield from script_findings(name, f"{part.where}{name}", text)
            if name.endswith(".sh") and text:
                yield from shell_findings(f"{part.where}{name}", text.partition(b"\0")[0], dash=dash)


def _missing(place: str, action: str, files: list[str]) -> Iterator[Finding]:
    if action == "install":
        nested = sorted(name for name in files if name.rpartition("/")[2] in ("install.sh", "install.ps1"))
        found = f"; {nested[0]!r} lies in a folder, where the agent does not look" if nested else ""
        yield Finding(rules.NO_INSTALL, place, f"has no install.sh or install.ps1 at its root{found}.")
    elif action == "uninstall":
        yield Finding(rules.NO_UNINSTALL, place, "has no uninstall script.")
    elif action == "validate":
        yield Finding(rules.NO_VALIDATE, place, "has no validate script.")
