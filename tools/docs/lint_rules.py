"""docs/reference/lint-rules.md: every rule of csd package lint, an anchor each."""

from csd.package.lint.registry import RULES
from csd.package.lint.rule import Rule
from tools.docs.markdown import code, page, table


def lint_rules_page() -> str:
    """Make the page from the registry."""
    listed = table(
        ("rule", "severity", ""), [(f"[{rule.id}](#{rule.id.lower()})", rule.severity, rule.sentence) for rule in RULES.values()]
    )
    intro = "What `csd package lint` looks for. An error ends it with exit code 2, a warning only with `--strict`; advice never does."
    return page("Rules of csd package lint", intro, listed, *(_section(rule) for rule in RULES.values()))


def _section(rule: Rule) -> str:
    return "\n\n".join(
        (
            f"## {rule.id}",
            f"**{rule.severity}** {rule.sentence}",
            f"*Remedy.* {rule.remedy}",
            f"*Why.* {rule.why}",
            f"*Bad:* {code(rule.bad)} *Good:* {code(rule.good)}",
        )
    )
