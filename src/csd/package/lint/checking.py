"""Every check, over whatever was named: the one entry of this package."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.lint.layout import layout_findings
from csd.package.lint.manifests import version_findings, walk_findings
from csd.package.lint.naming import name_findings
from csd.package.lint.parts import Part
from csd.package.lint.registry import RULES
from csd.package.lint.rule import SEVERITIES, Finding, Severity
from csd.package.lint.rules_script import SYNTAX
from csd.package.lint.scripts import script_findings
from csd.package.lint.shellcheck import shell_findings
from csd.package.lint.sources import unread_subject
from csd.package.lint.subject import Subject, read_subject
from csd.package.places import is_sources

# Where sh is not dash or the like; a zip for any other system, or for who knows which, may meet dash.
_BASH_IS_SH = frozenset(
    {"almalinux", "amazon", "arch", "centos", "fedora", "gentoo", "opensuse", "opensuseleap", "oracle", "redhat", "rocky", "suse"}
)


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, the gravest first, and remarks about what was not looked at."""

    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()
    accepted: tuple[tuple[Finding, str], ...] = ()
    """Findings that somebody accepted, and why."""

    def of(self, severity: Severity) -> list[Finding]:
        """The findings that are that grave."""
        return [finding for finding in self.findings if finding.rule.severity == severity]

    def stopping(self, *, strict: bool) -> list[Finding]:
        """The findings that stop a package: errors, and with `strict` warnings."""
        return self.of("error") + (self.of("warning") if strict else [])

    @property
    def told_accepted(self) -> list[str]:
        """What is accepted, and why."""
        return [f"{finding.where}: {finding.rule.id}: {finding.found} Accepted: {why}" for finding, why in self.accepted]

    @property
    def warnings(self) -> list[str]:
        """What is told of a package that nothing stops."""
        return [str(finding.problem) for finding in self.of("warning")] + self.told_accepted


def lint(path: Path, name: str = "", select: Iterable[str] = (), ignore: Iterable[str] = ()) -> Report:
    """Look at a package; `name`, where given, is what it shall be called. `select` and `ignore` are ids of rules, or their beginnings.

    Raises CsdInputError.
    """
    chosen = chosen_rules(select, ignore)
    subject = unread_subject(path) if is_sources(path) else read_subject(path)
    if name:
        subject.named = [("--name", name)]
    return judge(subject, chosen)


def judge(subject: Subject, chosen: Collection[str] = RULES) -> Report:
    """Every finding of the chosen rules, apart from those that are accepted."""
    found = [finding for finding in dict.fromkeys(findings_of(subject)) if finding.rule.id in chosen]
    found.sort(key=lambda finding: SEVERITIES.index(finding.rule.severity))
    accepted = [(finding, subject.accepted[finding.rule.id]) for finding in found if finding.rule.id in subject.accepted]
    return Report(
        tuple(finding for finding in found if finding.rule.id not in subject.accepted), tuple(subject.remarks), tuple(accepted)
    )


def chosen_rules(select: Iterable[str], ignore: Iterable[str]) -> set[str]:
    """The ids that are looked for. Raises CsdInputError for a word that means no rule."""
    select, ignore = list(select), list(ignore)
    unknown = [word for word in (*select, *ignore) if not any(one.startswith(word) for one in RULES)]
    if unknown:
        raise CsdInputError(
            [Problem(word, "is no rule, nor the beginning of one.", "See docs/reference/lint-rules.md.") for word in unknown]
        )
    picked = {one for one in RULES if not select or one.startswith(tuple(select))}
    return picked - {one for one in RULES if ignore and one.startswith(tuple(ignore))}


def findings_of(subject: Subject) -> Iterator[Finding]:
    """Everything that any rule finds."""
    yield from subject.found
    yield from name_findings(subject.named)
    yield from version_findings(subject.versions)
    yield from walk_findings(subject.packages, subject.places, subject.where)
    seen: set[tuple[str, bool]] = set()
    for part in subject.parts:
        yield from part.found
        yield from layout_findings(part)
        yield from _scripts(part, seen)


def _scripts(part: Part, seen: set[tuple[str, bool]]) -> Iterator[Finding]:
    dash = not part.platforms or not part.platforms <= _BASH_IS_SH | {"windows"}
    beside = {name: script.text for name, script in part.scripts.items()}
    for name, script in part.scripts.items():
        if (script.where, dash) in seen:  # zips share scripts
            continue
        seen.add((script.where, dash))
        yield from script_findings(name, script.where, script.text, beside)
        if name.endswith(".sh"):
            for finding in shell_findings(script.where, script.text, dash=dash):
                if script.whole or finding.rule is not SYNTAX:  # what is cut off cannot be read to its end
                    yield finding
