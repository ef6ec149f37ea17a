"""What nodes say, in whatever order and how often it arrives, comes to the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.fleet.replies import DocumentResult, Reply, StepResult, merge, parse
from localorg.kernel.errors import AwsError

STEPS = st.lists(
    st.tuples(st.sampled_from(["Success", "Failed", "TimedOut", "Skipped"]), st.integers(-1, 255), st.text(max_size=5)),
    min_size=1,
    max_size=5,
)
ENDS = st.sampled_from(["Success", "Failed", "TimedOut", "Cancelled"])


def run_of(steps, end):
    """Return the replies of one run, as the stock agent sends them."""
    results = [StepResult(f"step{n}", status, code, text, text) for n, (status, code, text) in enumerate(steps)]
    progress = [Reply("InProgress", "", ()), *(Reply("InProgress", "", (result,)) for result in results)]
    last = Reply(end, "done", tuple(results) if len(results) == 1 else ())
    return [*progress, last], DocumentResult(end, "done", {result.name: result for result in results})


@given(STEPS, ENDS, st.data())
def test_any_order_and_any_repetition_gives_the_same_result(steps, end, data):
    """Observed: replies are repeated after an outage, and InProgress overtakes the terminal reply."""
    replies, expected = run_of(steps, end)
    more = data.draw(st.lists(st.sampled_from(replies), max_size=6))
    known = DocumentResult()
    for reply in data.draw(st.permutations([*replies, *more])):
        known = merge(known, reply)
    assert known == expected


@given(STEPS, ENDS, ENDS)
def test_the_first_terminal_status_stays(steps, end, other):
    """Observed: a terminal status is sticky."""
    replies, expected = run_of(steps, end)
    known = DocumentResult()
    for reply in [*replies, Reply(other, "again", ())]:
        known = merge(known, reply)
    assert known == expected


def test_a_reply_of_the_stock_agent_is_read():
    """Observed: the stock agent's reply payload."""
    step = {
        "status": "Success",
        "code": 0,
        "name": "aws:runShellScript",
        "output": "hello\nerr\n",
        "startDateTime": "2026-11-23T13:33:12.170Z",
        "endDateTime": "2026-11-23T13:33:12.180Z",
        "standardOutput": "hello\n",
        "standardError": "err\n",
    }
    body = {"documentStatus": "Success", "documentTraceOutput": "", "runtimeStatus": {"aws:runShellScript": step}}
    assert parse(json.dumps(body)) == Reply(
        "Success",
        "",
        (
            StepResult(
                "aws:runShellScript",
                "Success",
                0,
                "hello\nerr\n",
                "hello\n",
                "err\n",
                "2026-11-23T13:33:12.170Z",
                "2026-11-23T13:33:12.180Z",
            ),
        ),
    )
    assert parse('{"documentStatus":"InProgress","runtimeStatus":null}') == Reply("InProgress", "", ())


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("not json", "not JSON"),
        ("[]", "expected an object, found list"),
        ('{"documentStatus":"Splendid"}', "documentStatus must be one of .*; found 'Splendid'"),
        ('{"documentStatus":"Success","runtimeStatus":[1]}', "runtimeStatus must be an object, found list"),
        ('{"documentStatus":"Success","runtimeStatus":{"a":1}}', "runtimeStatus.a must be an object, found int"),
        ('{"documentStatus":"Success","runtimeStatus":{"a":{"code":"x"}}}', "runtimeStatus.a.code must be a number, found 'x'"),
    ],
)
def test_a_reply_that_cannot_be_used_is_refused(payload, problem):
    """Assumed: AWS does not say how it refuses."""
    with pytest.raises(AwsError, match=f"ValidationException: The Payload of SendReply cannot be used: {problem}"):
        parse(payload)
