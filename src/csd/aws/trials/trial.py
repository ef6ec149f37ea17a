"""A trial from beginning to end: who takes part, the versions, the plan, and the way back.

Flow: Wish -> candidates (unreachable and without a zip are verdicts, not errors) -> Place with two or three versions -> follow the plan
-> uninstall from whatever may still hold the package -> delete document and objects -> Trial.

Rules: the way back is gone whatever happened, an interruption included. Refuses to know: how the report looks.
"""

import json
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from csd.aws.identity import Principal
from csd.aws.private_buckets import Tell
from csd.aws.trials.commands import CONFIGURE, POWERSHELL, SHELL, Commands
from csd.aws.trials.nodes import Candidate, find_nodes
from csd.aws.trials.place import Place
from csd.errors import AwsRefused
from csd.package.matching.reading import packages_at
from csd.package.sealed import SealedPackage
from csd.package.trial.broken import broken_version, make_broken
from csd.package.trial.contents import scripts_of
from csd.package.trial.course import Course, follow
from csd.package.trial.judging import Said, Verdict, judge
from csd.package.trial.plan import CLEAN, INSTALLED, Goal, Look, Step, Version, action, plan
from csd.package.trial.snapshot import snapshot_lines
from csd.report.matrix import Verdict as Zip
from csd.report.trial import NodeTrial, NodeVerdict, Trial, verdict_of

_RESCUE_S = 120.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    package: SealedPackage
    older: SealedPackage | None
    nodes: list[str]
    bucket: str = ""
    arguments: dict[str, str] | None = None
    may_leave: tuple[str, ...] = ()
    patience_s: float = 1800.0
    keep: bool = False


def try_package(principal: Principal, wish: Wish, tell: Tell) -> Trial:
    """Run the trial. Raises CsdInputError, AwsRefused, KeyboardInterrupt; what remains was then told."""
    candidates = find_nodes(principal, wish.nodes, packages_at(wish.package.folder))
    verdicts = {one.node: told for one in candidates if (told := _left_out(one))}
    fit = [one for one in candidates if one.node not in verdicts]
    for node, told in verdicts.items():
        tell(f"{node}: {told.verdict.value}: {told.why}")
    if not fit:
        return Trial(wish.package.version, wish.older.version if wish.older else "", "", tuple(verdicts[n] for n in wish.nodes))
    place = Place.prepared(principal, wish.bucket, tell)
    bench = Bench(place, wish, fit, Commands(place, wish.patience_s))
    try:
        _publish(place, wish, tell)
        follow(plan(with_older=wish.older is not None), bench.courses, bench.send, tell)
    except BaseException:
        for line in _way_back(bench, keep=False, tell=tell):
            tell(f"remains: {line}")
        raise
    remains = _way_back(bench, keep=wish.keep, tell=tell)
    verdicts |= {one.node: bench.told(one) for one in fit}
    kept = (f"document {place.document}", f"s3://{place.bucket}/{place.folder}") if wish.keep else ()
    older = wish.older.version if wish.older else ""
    return Trial(wish.package.version, older, place.document, tuple(verdicts[n] for n in wish.nodes), kept, tuple(remains))


def _left_out(one: Candidate) -> NodeTrial | None:
    """The verdict on a node that cannot take part."""
    if not one.ping:
        why = f"is no managed node in account {one.line.machine.account}, {one.line.machine.region}"
        return NodeTrial(one.node, one.platform, "", NodeVerdict.UNREACHABLE, why)
    if one.ping != "Online":
        return NodeTrial(one.node, one.platform, one.line.zip, NodeVerdict.UNREACHABLE, f"its agent is {one.ping}")
    if one.line.verdict is Zip.NONE:
        return NodeTrial(one.node, one.platform, "", NodeVerdict.NO_ZIP, one.line.why)
    return None


def _publish(place: Place, wish: Wish, tell: Tell) -> None:
    with tempfile.TemporaryDirectory(prefix="csd-trial-") as folder:
        broken = make_broken(wish.package, Path(folder))
        for version in (*((wish.older,) if wish.older else ()), wish.package, broken):
            where = place.upload(version)
            place.add_version(version, where)
            tell(f"{place.document} {version.version}: Active")


@dataclass
class Bench:
    """The nodes at work."""

    place: Place
    wish: Wish
    fit: list[Candidate]
    commands: Commands

    def __post_init__(self) -> None:
        self.courses = {
            one.node: Course(scripts_of(self.wish.package, set(one.line.files)), self.wish.may_leave) for one in self.fit
        }
        self._windows = {one.node for one in self.fit if one.windows}

    def send(self, item: Step | Look, taking: dict[str, Course]) -> dict[str, Said]:
        """One item to all that take it."""
        if isinstance(item, Step):
            return self.commands.run(CONFIGURE, self._parameters(item), list(taking))
        found: dict[str, Said] = {}
        for windows, known in product((False, True), (False, True)):
            first = {node: course.first for node, course in taking.items() if (node in self._windows) is windows}
            mine = {node: look for node, look in first.items() if (look is not None) is known}
            if mine:
                # By the clock that is most behind; a node without a first look is looked at as a whole.
                since = min((look.since for look in mine.values() if look), default=0)
                lines = snapshot_lines(windows=windows, since=since, whole=item.whole)
                found |= self.commands.run(POWERSHELL if windows else SHELL, {"commands": lines}, list(mine))
        return found

    def _parameters(self, step: Step) -> dict[str, list[str]]:
        names = {Version.NEW: self.wish.package.version, Version.OLDER: self.wish.older.version if self.wish.older else ""}
        kind = "In-place update" if step.goal is Goal.UPDATED else "Uninstall and reinstall"
        version = names.get(step.version) or broken_version(self.wish.package.version)
        wanted = {"name": [self.place.document], "action": [action(step.goal)], "installationType": [kind], "version": [version]}
        if self.wish.arguments:
            wanted["additionalArguments"] = [json.dumps(self.wish.arguments, sort_keys=True)]
        return wanted

    def rescue(self) -> list[str]:
        """Uninstall from nodes that may still hold the package; returns those that may hold it even so."""
        patience_s = min(_RESCUE_S, self.wish.patience_s)
        self.commands.cancel_all(patience_s)
        holding = [node for node, course in self.courses.items() if course.holds]
        if not holding:
            return []
        wanted = {"name": [self.place.document], "action": ["Uninstall"]}
        commands = Commands(self.place, patience_s, self.commands.sleep, self.commands.clock)
        answers = commands.run(CONFIGURE, wanted, holding)
        return [
            f"{node}: may still hold parts of the package: {told.why}"
            for node, said in answers.items()
            if (told := judge(Goal.REMOVED, said)).verdict is not Verdict.PASSED
        ]

    def told(self, one: Candidate) -> NodeTrial:
        """What came of a node."""
        course = self.courses[one.node]
        outcomes = tuple(course.outcomes.values())
        changes = course.between(CLEAN, INSTALLED)
        return NodeTrial(one.node, one.platform, one.line.zip, verdict_of(outcomes), "", outcomes, changes)


def _way_back(bench: Bench, *, keep: bool, tell: Tell) -> list[str]:
    """Uninstall what may still be there, delete what was made; each goes on after a refusal, or a second interruption."""
    remains: list[str] = []
    try:
        remains += bench.rescue()
    except AwsRefused as refused:
        remains.append(f"nodes: {refused}")
    except KeyboardInterrupt:
        held = ", ".join(node for node, course in bench.courses.items() if course.holds)
        remains.append(f"nodes: the package may still be on {held or 'none'}: uninstalling was interrupted")
    if not keep:
        tell(f"deleting document {bench.place.document} and s3://{bench.place.bucket}/{bench.place.folder}")
        remains += bench.place.remove()
    return remains
