"""The page of the rules of `csd package lint`, from the registry."""

from csd.package.lint.registry import RULES
from tools.docs.markdown import code, page, table

INTRODUCTION = """`csd package lint` looks at a folder of sources, a sealed folder, a manifest or a zip, whoever made it.
An *error* fails on some node, or is refused by AWS or by `csd`; a *warning* is unwise; *advice* is free to take.
The id of a rule never changes its meaning; `--select` and `--ignore` take ids, or their beginnings."""
CHAPTERS = {
    "1": "Layout of a zip", "2": "Manifest and matching", "3": "Scripts", "4": "Names and versions", "5": "Safety of archives",
    "6": "Limits", "7": "Signing",
}  # fmt: skip


def lint_rules_page() -> str:
    """Return docs/reference/lint-rules.md."""
    parts = [INTRODUCTION]
    for digit, title in CHAPTERS.items():
        rules = [rule for rule in RULES.values() if rule.id[3] == digit]
        if not rules:
            continue
        rows = [(f"[{rule.id}](#{rule.id.lower()})", rule.severity, rule.sentence) for rule in rules]
        parts += [f"## {title}", table(("rule", "severity", "what it says"), rows)]
        for rule in rules:
            told = [("what to do", rule.remedy), ("why", rule.why), ("wrong", code(rule.bad)), ("right", code(rule.good))]
            parts += [f"### {rule.id}", f"{rule.sentence} ({rule.severity})", table(("", ""), told)]
    return page("Rules of `csd package lint`", *parts)
