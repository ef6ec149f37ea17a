"""What a node said of a step -> passed or failed, with a sentence that says why.

Rules: pure. Success alone is not believed: the agent also says Success of an uninstall of what is not there, and of an install that it
did not run. Refuses to know: where the words came from.
"""

from dataclasses import dataclass
from enum import StrEnum

from csd.package.trial.broken import EXIT_CODE
from csd.package.trial.plan import Goal

LAST_LINES = 6


class Verdict(StrEnum):
    """How a step ended on a node."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Said:
    """What a node answered: Run Command's status, and both streams. `whole` is False where the output was cut."""

    status: str
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    whole: bool = True
    detail: str = ""

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What people read first: the last lines of standard output, then of standard error."""
        return (*_last(self.out), *_last(self.err))


def _last(text: str) -> tuple[str, ...]:
    return tuple([line.rstrip() for line in text.splitlines() if line.strip()][-LAST_LINES:])


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and its sentence; a sentence that comes with `passed` is a remark."""

    verdict: Verdict
    why: str = ""


def judge(goal: Goal, said: Said, *, validates: bool = True) -> Judgement:
    """The verdict on one step. `validates`: the package has a validate script for this node."""
    if said.status not in ("Success", "Failed"):
        told = said.detail or said.status
        return Judgement(Verdict.FAILED, f"the command ended {told}, not Success or Failed")
    if goal is Goal.ROLLED_BACK:
        return _rollback(said)
    if said.status == "Failed":
        return Judgement(Verdict.FAILED, _FAILED[goal])
    if goal is Goal.VALID:
        return _validation(said, validates=validates)
    words, why = _NOTHING_DONE.get(goal, ("", ""))
    return Judgement(Verdict.FAILED, why) if words and words in said.out else Judgement(Verdict.PASSED)


_FAILED = {
    Goal.INSTALLED: "the install failed",
    Goal.VALID: "the validate script failed, or the install that the agent then tried",
    Goal.UPDATED: "the in-place update failed",
    Goal.REMOVED: "the uninstall failed: the node still holds the package",
    Goal.KNOWN: "the agent could not read the failing version's manifest",
}
_ALREADY = ("is already installed", "the agent says that it is already installed, and ran no script")
_NOTHING_DONE = {
    Goal.INSTALLED: _ALREADY,
    Goal.UPDATED: _ALREADY,
    Goal.REMOVED: ("is not installed", "the agent says that it is not installed, and ran no uninstall script"),
}


def _validation(said: Said, *, validates: bool) -> Judgement:
    # AWS: amazon-ssm-agent, configurepackage checkAlreadyInstalled: the same version again runs validate; when it passes, nothing else.
    if "is already installed" not in said.out:
        return Judgement(Verdict.FAILED, "validate did not find what install had put there: the agent installed it once more")
    if not validates:
        return Judgement(Verdict.PASSED, "the package has no validate script: the agent believes its own record")
    return Judgement(Verdict.PASSED)


def _rollback(said: Said) -> Judgement:
    everything = said.out + said.err
    if said.status == "Success":
        return Judgement(Verdict.FAILED, f"an install script that exits {EXIT_CODE} ended in Success")
    if "successfully rolled back to" in everything:
        return Judgement(Verdict.PASSED)
    if f"exit status {EXIT_CODE}" not in everything and "failing on purpose" not in everything and said.whole:
        return Judgement(Verdict.FAILED, "the failing version was not installed at all")
    return Judgement(Verdict.FAILED, "the rollback failed: uninstall, or the install of the version before, did not succeed")
