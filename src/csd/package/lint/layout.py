"""The checks of a zip's layout: what the agent wants at its root, and which actions a package can do."""

from collections.abc import Iterator

from csd.package.lint import rules_archive as rules
from csd.package.lint.parts import ACTIONS, Part
from csd.package.lint.rule import Finding, Rule
from csd.package.names import printable

_MISSING: tuple[tuple[str, Rule, str], ...] = (
    ("uninstall", rules.NO_UNINSTALL, "has no uninstall script: Uninstall, and an upgrade, leave what it installed in place."),
    ("validate", rules.NO_VALIDATE, "has no validate script: whether it is installed is what the agent remembers."),
    ("update", rules.NO_UPDATE, "has no update script: an in-place update fails on every node."),
)  # fmt: skip


def layout_findings(part: Part) -> Iterator[Finding]:
    """What the names of a zip's files show."""
    if part.found and not part.names:  # its directory could not be read
        return
    has = {action: [kind for kind in ("sh", "ps1") if f"{action}.{kind}" in part.names] for action in ACTIONS}
    if not has["install"]:
        yield _no_install(part)
    for action, kinds in has.items():
        if len(kinds) > 1:
            yield Finding(rules.TWO_IMPLEMENTATIONS, part.where, f"has both {action}.sh and {action}.ps1 at its root.")
    if len(part.names) < 2 and not any("/" in name for name in part.names):
        many = "one file" if part.names else "no file"
        yield Finding(rules.TOO_FEW, part.where, f"holds {many}, which the agent calls incomplete.")
    for action, rule, what in _MISSING if has["install"] else ():
        if not has[action]:
            yield Finding(rule, part.where, what)


def _no_install(part: Part) -> Finding:
    below = sorted(
        (name for name in part.names if name.endswith(("/install.sh", "/install.ps1")) and not name.startswith("__MACOSX/")),
        key=lambda name: name.count("/"),
    )
    if not below:
        return Finding(rules.NO_INSTALL, part.where, "has no install.sh or install.ps1 at its root.")
    folder = printable(below[0]).rpartition("/")[0]
    how = f"(cd {folder} && zip -r {'../' * (folder.count('/') + 1)}NAME.zip .)"
    what = f"has its scripts below a folder, {printable(below[0])}, where the agent does not look."
    return Finding(rules.BELOW_A_FOLDER, part.where, f"{what} Try: {how}.")
