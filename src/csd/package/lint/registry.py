"""Every rule, by its id. docs/reference/lint-rules.md is made from here."""

from csd.package.lint.rule import Rule
from csd.package.lint.rules_archive import ARCHIVE_RULES
from csd.package.lint.rules_manifest import MANIFEST_RULES
from csd.package.lint.rules_script import SCRIPT_RULES

RULES: dict[str, Rule] = {rule.id: rule for rule in sorted(
    (*MANIFEST_RULES, *SCRIPT_RULES, *ARCHIVE_RULES), key=lambda one: one.id)}  # fmt: skip
