"""Any fleet, any luck, restarts at any moment: what always holds of a command, second by second."""

import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from commands.harness import Harness
from fleet.scripted_node import Script, ScriptedNode, Step
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.commands import ratecontrol, states
from localorg.commands.records import Command, Invocation
from localorg.kernel.store import Store

PLUGIN = "aws:runShellScript"
LAST_SECOND = 92
NODES = st.lists(
    st.tuples(
        st.sampled_from(["well", "badly", "timed out", "in silence", "away", "back later", "dies", "refuses"]),
        st.floats(0, 40).map(lambda seconds: round(seconds, 1)),
    ),
    min_size=1,
    max_size=8,
)
RATES = st.tuples(st.sampled_from(["1", "2", "5", "50%", "100%"]), st.sampled_from(["0", "1", "3", "50%", "100%"]))
CANCELS = st.lists(st.tuples(st.integers(0, 60), st.sets(st.integers(0, 7), max_size=3)), max_size=2)
"""When, and which nodes (nobody: the whole command)."""
RESTARTS = st.sets(st.integers(0, LAST_SECOND - 1), max_size=3)
READINGS = st.fixed_dictionaries(
    {
        "delivery-timeout": st.sampled_from(["sum", "delivery"]),
        "percent-rounding": st.sampled_from(["down", "up"]),
        "command-failed": st.sampled_from(["reached", "exceeded"]),
    }
)


def scripted(way, seconds):
    status = {"badly": "Failed", "timed out": "TimedOut"}.get(way, "Success")
    return lambda _payload: Script([Step(PLUGIN, status)], duration_s=seconds, acknowledge=way not in ("in silence", "refuses"))


@dataclass
class World:
    """One command on one fleet, with everything that happens to it."""

    ways: list[tuple[str, float]]
    rates: tuple[str, str]
    readings: dict[str, str]
    file: Path | None = None
    local: Harness = field(init=False)
    nodes: list[ScriptedNode] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    sent_at_stop: frozenset[str] | None = None
    """Who had been sent to when there were too many errors."""
    starts: int = 0

    def __post_init__(self):
        self.local = self.harness()
        for number, (way, seconds) in enumerate(self.ways, 1):
            node = self.local.node(number, online=way not in ("away", "back later"))
            node.script = scripted(way, seconds)
            self.nodes.append(node)
        self.command_id = self.local.send(
            Targets=[{"Key": "InstanceIds", "Values": ["*"]}],
            Parameters={"commands": ["x"], "executionTimeout": ["60"]},
            TimeoutSeconds=30,
            MaxConcurrency=self.rates[0],
            MaxErrors=self.rates[1],
        )
        self.check()

    def harness(self):
        self.starts += 1
        return Harness(store=Store(self.file), seed=self.starts, readings=self.readings)

    def restart(self):
        """Stop the control plane and start another one on its rows; the nodes live on."""
        self.local.kernel.step()
        now, old = self.local.kernel.now(), self.nodes
        self.local.store.close()
        self.local = self.harness()
        self.local.kernel.clock.advance_to(now)
        self.nodes = []
        for number, before in enumerate(old, 1):
            node = self.local.node(number, online=False)
            node.take_over(before)
            self.nodes.append(node)

    def cancel(self, chosen):
        named = [node.instance_id for number, node in enumerate(self.nodes) if number in chosen]
        self.local.call("CancelCommand", CommandId=self.command_id, **({"InstanceIds": named} if named else {}))

    def happen(self, second):
        """Let the world do what it does in this second."""
        for node, (way, when) in zip(self.nodes, self.ways, strict=True):
            if int(when) == second and way == "back later":
                node.start()
            if int(when) == second and way == "dies":
                node.stop()
            if way == "refuses" and node.received and node.received[-1]["Topic"].startswith("aws.ssm.sendCommand"):
                refused = node.received[-1]["MessageId"]
                node.call("ec2messages", "FailMessage", MessageId=refused, FailureType="InternalHandlerException")

    def check(self):
        """Check what must hold at any moment."""
        (command,) = self.local.store.table("command.command", Command).values()
        rows = self.local.store.table("command.invocation", Invocation).values()
        details = {row.instance_id: row.detail for row in rows}
        counts = Counter(details.values())
        assert {detail: count for detail, count in command.counts.items() if count} == counts
        in_flight = sum(row.sent is not None and not row.ended for row in rows)
        rounding = self.readings["percent-rounding"]
        assert command.in_flight == in_flight <= ratecontrol.concurrency(command.max_concurrency, len(rows), rounding)
        assert command.ended == all(row.ended for row in rows)
        for node, detail in self.details.items():
            assert details[node] == detail or detail not in states.TERMINAL
        self.check_stop(command, rows)
        self.details = details

    def check_stop(self, command, rows):
        """Nobody is sent to after one error too many."""
        sent = frozenset(row.instance_id for row in rows if row.sent is not None)
        errors = sum(row.detail in states.ERRORS for row in rows)
        if self.sent_at_stop is not None:
            assert sent == self.sent_at_stop
        elif errors > ratecontrol.tolerated(command.max_errors, len(rows), self.readings["percent-rounding"]):
            self.sent_at_stop = sent

    def live(self, cancels, restarts):
        """Let 92 seconds pass; returns the history: the details of every second."""
        history = []
        for second in range(LAST_SECOND):
            for when, chosen in cancels:
                if when == second:
                    self.cancel(chosen)
            if second in restarts:
                self.restart()
            self.happen(second)
            self.local.pass_time(1)
            self.check()
            history.append(dict(self.details))
        return history


def check_end(world):
    """What must hold of a command that is over."""
    shown, found = world.local.command(world.command_id), list(world.details.values())
    assert shown["TargetCount"] == shown["CompletedCount"] == len(world.nodes)
    assert shown["ErrorCount"] == sum(detail in states.ERRORS for detail in found)
    assert shown["DeliveryTimedOutCount"] == found.count("DeliveryTimedOut")
    assert shown["StatusDetails"] in states.TERMINAL
    if set(found) == {"Success"}:
        assert shown["Status"] == "Success"
    for node, (way, _) in zip(world.nodes, world.ways, strict=True):
        assert way != "away" or world.details[node.instance_id] in ("DeliveryTimedOut", "Terminated", "Cancelled")
        ran = [message for message in node.received if message["Topic"].startswith("aws.ssm.sendCommand")]
        assert ran or world.details[node.instance_id] in ("DeliveryTimedOut", "Terminated", "Cancelled")


@settings(max_examples=30, deadline=None)
@given(NODES, RATES, CANCELS, RESTARTS, READINGS)
def test_every_command_ends_and_its_numbers_are_right(ways, rates, cancels, restarts, readings):
    """Documented: API Command (counts, ExpiresAfter), SendCommand (rate control); terminal states stay, over restarts too.

    Standing of the rest: assumed, as marked in the code.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory()) if restarts else None
        world = World(ways, rates, readings, Path(folder) / "rows" if folder else None)
        world.live(cancels, restarts)
        check_end(world)
        world.local.store.close()


@settings(max_examples=15, deadline=None)
@given(NODES, RATES, CANCELS, READINGS)
def test_the_same_seed_has_the_same_history(ways, rates, cancels, readings):
    """Assumed: localorg's own promise: nothing but the kernel's dice and clock decides."""
    first, second = (World(ways, rates, readings) for _ in range(2))
    assert first.live(cancels, ()) == second.live(cancels, ())
    assert [node.received for node in first.nodes] == [node.received for node in second.nodes]
