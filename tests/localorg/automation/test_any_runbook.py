"""Any runbook, with anything coming between: it ends, in a status that its steps explain, and no step runs more often than it may.

The rules are those of "Properties shared by all actions" in the guide: onFailure, isCritical, isEnd, onCancel, maxAttempts.
"""

import contextlib
from typing import Any

from automation.harness import ADMIN, Harness, Scripts, book, script, step
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.automation.records import TERMINAL
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AwsError

DAY = 86_400.0
HAPPENINGS = ("release", "release", "time", "long", "cancel", "complete", "resume", "approve", "reject", "restart", "next")
BODIES = {"fine": "return {}", "broken": "raise ValueError('broken')"}


class Held(Scripts):
    """Scripts that end when they are released; a restart loses them."""

    def start(self, job: Any) -> None:
        self.jobs.append(job)

    def release_next(self) -> None:
        stopped = [(reply["step"], reply["attempt"]) for reply in self.stopped]
        while self.jobs:
            job = self.jobs.pop(0)
            if (job.reply.data["step"], job.reply.data["attempt"]) not in stopped:
                self.release(job)
                return


@st.composite
def steps(draw: st.DrawFn, prefix: str = "s", *, in_loop: bool = False) -> list[dict[str, Any]]:
    """Draw steps that only jump forwards."""
    names = [f"{prefix}{number}" for number in range(draw(st.integers(1, 2 if in_loop else 5)))]
    return [draw(one_step(name, names[position + 1 :], in_loop=in_loop)) for position, name in enumerate(names)]


@st.composite
def one_step(draw: st.DrawFn, name: str, later: list[str], *, in_loop: bool) -> dict[str, Any]:
    kinds = ["fine", "broken", "sleep", "pause", "approve"] + ([] if in_loop else ["loop"]) + (["branch"] if later else [])
    kind = draw(st.sampled_from(kinds))
    more: dict[str, Any] = {}
    failures = ["Abort", "Continue", *(f"step:{one}" for one in later)]
    if draw(st.booleans()):
        more["onFailure"] = draw(st.sampled_from(failures))
    if draw(st.integers(0, 3)) == 0:
        more["isCritical"] = draw(st.booleans())
    if kind != "branch" and draw(st.integers(0, 4)) == 0:
        more["isEnd"] = True
    if later and kind != "branch" and draw(st.integers(0, 3)) == 0:
        more["nextStep"] = draw(st.sampled_from(later))
    if draw(st.integers(0, 2)) == 0:
        more["maxAttempts"] = draw(st.integers(1, 3))
    if draw(st.integers(0, 3)) == 0:
        more["timeoutSeconds"] = draw(st.sampled_from([1, 60, 3600]))
    return made(draw, name, kind, later, more)


def made(draw: st.DrawFn, name: str, kind: str, later: list[str], more: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "sleep":
            return step(name, "aws:sleep", {"Duration": draw(st.sampled_from(["PT1S", "PT2M", "P1D"]))}, **more)
        case "pause":
            return step(name, "aws:pause", {}, **more)
        case "approve":
            return step(name, "aws:approve", {"Approvers": ["admin"]}, **more)
        case "branch":
            choice = {"NextStep": draw(st.sampled_from(later)), "Variable": "{{ global:REGION }}", "StringEquals": "us-east-1"}
            return step(name, "aws:branch", {"Choices": [choice]}, **more)
        case "loop":
            items = ["a", "b"][: draw(st.integers(0, 2))]
            return step(name, "aws:loop", {"Iterators": items, "Steps": draw(steps(f"{name}x", in_loop=True))}, **more)
        case _:
            return script(name, BODIES[kind], **more)


@st.composite
def runbooks(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(steps())
    for position, one in enumerate(found):
        cleaners = [other["name"] for other in found[position + 1 :] if other["action"] == "aws:executeScript"]
        if cleaners and one["action"] != "aws:loop" and draw(st.integers(0, 2)) == 0:
            one["onCancel"] = f"step:{draw(st.sampled_from(cleaners))}"
    return book(*found)


class Story:
    """One execution, and what comes between."""

    def __init__(self, content: dict[str, Any], mode: str) -> None:
        self.house = Harness(scripts=Held)
        self.begun: list[tuple[str, int]] = []
        self.was_stopped = False
        self.found = self.house.start(content, Mode=mode)
        self.pass_time(0.0)

    def pass_time(self, seconds: float) -> None:
        self.house.pass_time(seconds)
        for job in self.house.scripts.jobs:
            attempt = job.reply.data["step"], job.reply.data["attempt"]
            if attempt not in self.begun:
                self.begun.append(attempt)

    def happen(self, what: str) -> None:
        with contextlib.suppress(AwsError):
            self.perform(what)
        self.pass_time(0.0)

    def perform(self, what: str) -> None:
        house, running = self.house, self.house.execution(self.found).get("CurrentStepName", "none")
        match what:
            case "release":
                house.scripts.release_next()
            case "time" | "long":
                self.pass_time(5.0 if what == "time" else 4_000.0)
            case "cancel" | "complete":
                house.call("StopAutomationExecution", AutomationExecutionId=self.found, Type=what.capitalize())
                self.was_stopped = True
            case "resume":
                self.signal("Resume", StepName=[running])
            case "approve" | "reject":
                self.signal(what.capitalize())
            case "next":
                ahead = [
                    one["StepName"] for one in house.execution(self.found)["StepExecutions"] if one["StepStatus"] == "Pending"
                ]
                for name in ahead:
                    with contextlib.suppress(AwsError):
                        self.signal("StartStep", StepName=[name])
            case _:
                self.restart()

    def signal(self, kind: str, **payload: list[str]) -> None:
        given = {"Payload": payload} if payload else {}
        self.house.call("SendAutomationSignal", ADMIN, AutomationExecutionId=self.found, SignalType=kind, **given)

    def restart(self) -> None:
        """Leave everything but the rows behind."""
        old = self.house
        old.kernel.step()
        self.house = Harness(store=old.store, scripts=Held)
        clock = self.house.kernel.clock
        assert isinstance(clock, VirtualClock)
        clock.advance_to(old.kernel.now())
        self.house.near.documents = old.near.documents
        self.house.automation.resume()

    def is_over(self) -> bool:
        return self.house.execution(self.found)["AutomationExecutionStatus"] in TERMINAL

    def end(self) -> None:
        """Let everything run out; what waits for a person before a step is begun by one, and completed after the last.

        An execution that has ended is looked at soon: its history ends after thirty days.
        """
        for seconds in (*(1.0 for _ in range(60)), *(8 * DAY for _ in range(20))):
            if self.is_over():
                return
            if seconds > 1.0:
                self.happen("next")
            self.house.scripts.release_next()
            self.pass_time(seconds)
        if not self.is_over():
            self.perform("complete")
            self.pass_time(0.0)


@settings(max_examples=60, deadline=None)
@given(runbooks(), st.sampled_from(["Auto", "Auto", "Interactive"]), st.lists(st.sampled_from(HAPPENINGS), max_size=12))
def test_every_runbook_ends_as_its_steps_have_earned(content: dict[str, Any], mode: str, happenings: list[str]) -> None:
    """Documented: automation-actions, "Properties shared by all actions". Completing by hand is the only way out of a manual one."""
    story = Story(content, mode)
    for what in happenings:
        story.happen(what)
    story.end()
    shown = story.house.execution(story.found)
    assert shown["AutomationExecutionStatus"] in TERMINAL
    assert story.house.kernel.faults == []
    judge(shown, content, was_stopped=story.was_stopped)
    most = {one["name"]: one.get("maxAttempts", 1) for one in every_step(content["mainSteps"])}
    names = {one["StepExecutionId"]: one["StepName"] for one in shown["StepExecutions"]}
    assert all(attempt <= most[names[step_id]] for step_id, attempt in story.begun)


def every_step(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    inner = [deeper for one in listed for deeper in every_step(one["inputs"].get("Steps", []))]
    return [*listed, *inner]


def judge(shown: dict[str, Any], content: dict[str, Any], *, was_stopped: bool) -> None:
    """Compare the status of the whole with those of its outer steps."""
    rules = {one["name"]: one for one in content["mainSteps"]}
    outer = [one for one in shown["StepExecutions"] if one["StepName"] in rules]
    assert all(one["StepStatus"] in {*TERMINAL, "Pending"} for one in shown["StepExecutions"])
    bad = [one for one in outer if one["StepStatus"] in ("Failed", "TimedOut") and one["IsCritical"]]
    match shown["AutomationExecutionStatus"]:
        case "Success":
            assert not bad
        case "Cancelled":
            assert was_stopped
        case status:
            assert bad[0]["StepStatus"] == status or status in {one["StepStatus"] for one in bad}
