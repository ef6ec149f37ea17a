"""Our own agent's words are understood by the fleet: the two only share the protocol."""

import json

from localorg.fleet import replies
from localorg.node import results


def step(status):
    return results.StepResult("aws:configurePackage", status, stdout="installed\n", start=1.0, end=2.5)


def told(*bodies):
    known = replies.DocumentResult()
    for body in bodies:
        known = replies.merge(known, replies.parse(json.dumps(body)))
    return known


def test_a_document_of_two_steps():
    """Observed: each step arrives once, the last reply carries none."""
    done = {name: step(results.Status.SUCCESS) for name in ("first", "second")}
    known = told(
        results.begun_reply(0.0),
        results.step_reply({"first": done["first"]}, "first", 1.0),
        results.step_reply(done, "second", 2.0),
        results.document_reply(done, 3.0),
    )
    assert known.status == "Success"
    assert [(one.name, one.status, one.standard_output) for one in known.steps.values()] == [
        ("first", "Success", "installed\n"),
        ("second", "Success", "installed\n"),
    ]


def test_every_status_of_the_agent_is_known():
    """Observed: statuses of steps and documents."""
    for status in results.Status:
        known = told(results.document_reply({"only": step(status)}, 1.0))
        assert known.steps["only"].status == str(status)
        assert known.status in replies.TERMINAL | {"InProgress"}
