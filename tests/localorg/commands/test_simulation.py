"""Any fleet, any luck: what always holds of a command, second by second."""

from collections import Counter

from commands.harness import Harness
from fleet.scripted_node import Script, Step
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.commands import ratecontrol, states
from localorg.commands.records import Command, Invocation

PLUGIN = "aws:runShellScript"
NODES = st.lists(
    st.tuples(
        st.sampled_from(["well", "badly", "timed out", "in silence", "away", "back later", "dies", "refuses"]),
        st.floats(0, 40).map(lambda seconds: round(seconds, 1)),
    ),
    min_size=1,
    max_size=8,
)
RATES = st.tuples(st.sampled_from(["1", "2", "5", "50%", "100%"]), st.sampled_from(["0", "1", "3", "50%", "100%"]))


def scripted(way, seconds):
    status = {"badly": "Failed", "timed out": "TimedOut"}.get(way, "Success")
    return lambda _payload: Script([Step(PLUGIN, status)], duration_s=seconds, acknowledge=way not in ("in silence", "refuses"))


def fleet_of(local, ways):
    nodes = []
    for number, (way, seconds) in enumerate(ways, 1):
        node = local.node(number, online=way not in ("away", "back later"))
        node.script = scripted(way, seconds)
        nodes.append(node)
    return nodes


def happen(nodes, ways, second):
    """Let the world do what it does in this second."""
    for node, (way, when) in zip(nodes, ways, strict=True):
        if int(when) == second and way == "back later":
            node.start()
        if int(when) == second and way == "dies":
            node.stop()
        if way == "refuses" and node.received and node.received[-1]["Topic"].startswith("aws.ssm.sendCommand"):
            node.call(
                "ec2messages", "FailMessage", MessageId=node.received[-1]["MessageId"], FailureType="InternalHandlerException"
            )


def check(local, command_id, before):
    """Check what must hold at any moment; return the details, for the next moment."""
    command = next(row for row in local.store.table("command.command", Command).values() if row.command_id == command_id)
    rows = local.store.table("command.invocation", Invocation).values()
    details = {row.instance_id: row.detail for row in rows}
    counts = Counter(details.values())
    assert {detail: count for detail, count in command.counts.items() if count} == counts
    in_flight = sum(row.sent is not None and not row.ended for row in rows)
    assert command.in_flight == in_flight <= ratecontrol.concurrency(command.max_concurrency, len(rows), "down")
    assert command.ended == all(row.ended for row in rows)
    for node, detail in before.items():
        assert details[node] == detail or detail not in states.TERMINAL
    return details


@settings(max_examples=60, deadline=None)
@given(NODES, RATES, st.one_of(st.none(), st.integers(0, 60)), st.booleans())
def test_every_command_ends_and_its_numbers_are_right(ways, rates, cancel_at, quick):
    """Documented: API Command (counts, ExpiresAfter), SendCommand (rate control); terminal states stay.

    Standing of the rest: assumed, as marked in the code.
    """
    local = Harness(readings={"delivery-timeout": "delivery" if quick else "sum"})
    nodes = fleet_of(local, ways)
    command = local.send(
        Targets=[{"Key": "InstanceIds", "Values": ["*"]}],
        Parameters={"commands": ["x"], "executionTimeout": ["60"]},
        TimeoutSeconds=30,
        MaxConcurrency=rates[0],
        MaxErrors=rates[1],
    )
    details = check(local, command, {})
    for second in range(92):
        if second == cancel_at:
            local.call("CancelCommand", CommandId=command)
        happen(nodes, ways, second)
        local.pass_time(1)
        details = check(local, command, details)
    shown = local.command(command)
    assert shown["CompletedCount"] == len(nodes)
    assert shown["ErrorCount"] == sum(detail in states.ERRORS for detail in details.values())
    assert shown["StatusDetails"] in states.TERMINAL
    if set(details.values()) == {"Success"}:
        assert shown["Status"] == "Success"
    for node, (way, _) in zip(nodes, ways, strict=True):
        assert way != "away" or details[node.instance_id] in ("DeliveryTimedOut", "Terminated", "Cancelled")
