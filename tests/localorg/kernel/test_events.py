"""The kernel's turn: order, persistence, cancelling, and time that stands still while work goes on outside."""

from pathlib import Path

import pytest

from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.store import Store


class Diary:
    """An engine that notes what it is told, and when."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.notes: list[tuple[float, str]] = []
        kernel.on("diary", self.handle)

    def handle(self, event: Event) -> None:
        self.notes.append((self.kernel.now(), event.name))
        if event.name == "broken":
            raise RuntimeError("on purpose")


def kernel_at_zero(store: Store | None = None) -> Kernel:
    return Kernel(store or Store(), VirtualClock(0.0))


def test_events_come_in_order_of_time_then_of_arrival() -> None:
    """Two alarms for the same moment keep the order in which they were set."""
    kernel = kernel_at_zero()
    diary = Diary(kernel)
    for due, name in ((20, "late"), (10, "first"), (10, "second")):
        kernel.at(due, Event("diary", name))
    kernel.run_until(100)
    assert diary.notes == [(10, "first"), (10, "second"), (20, "late")]
    assert kernel.now() == 100


def test_a_month_passes_in_an_instant() -> None:
    """An engine that sets its next alarm itself runs through a month without anyone sleeping."""
    kernel = kernel_at_zero()
    ticks: list[float] = []

    def tick(event: Event) -> None:
        ticks.append(kernel.now())
        kernel.after(3600, event)

    kernel.on("clock", tick)
    kernel.after(3600, Event("clock", "tick"))
    kernel.run_until(30 * 24 * 3600)
    assert len(ticks) == 720


def test_alarms_survive_a_restart(tmp_path: Path) -> None:
    """An alarm set before the server went down rings after it came up, once."""
    store = Store(tmp_path / "db")
    kernel_at_zero(store).at(50, Event("diary", "wake"))
    store.close()
    kernel = kernel_at_zero(Store(tmp_path / "db"))
    diary = Diary(kernel)
    kernel.run_until(60)
    assert diary.notes == [(50, "wake")]
    kernel.store.close()
    assert kernel_at_zero(Store(tmp_path / "db")).next_due() is None


def test_a_cancelled_alarm_does_not_ring() -> None:
    """Cancelling forgets; cancelling what is past or unknown is no error."""
    kernel = kernel_at_zero()
    diary = Diary(kernel)
    kernel.cancel(kernel.at(10, Event("diary", "never")))
    kernel.cancel("nobody")
    kernel.run_until(20)
    assert diary.notes == []


def test_time_stands_still_while_work_goes_on_outside() -> None:
    """With something outside, virtual time does not jump to the next alarm."""
    kernel = kernel_at_zero()
    diary = Diary(kernel)
    kernel.at(10, Event("diary", "later"))
    kernel.outside = 1
    kernel.run_until(20)
    assert (diary.notes, kernel.now()) == ([], 0.0)


def test_a_defect_of_one_engine_is_noted_and_stops_no_other() -> None:
    """The failing handler's traceback is kept; the next event is delivered."""
    kernel = kernel_at_zero()
    diary = Diary(kernel)
    kernel.post(Event("diary", "broken"))
    kernel.post(Event("nobody", "lost"))
    kernel.post(Event("diary", "fine"))
    kernel.step()
    assert [name for _, name in diary.notes] == ["broken", "fine"]
    assert "on purpose" in kernel.faults[0]
    assert "no engine called 'nobody'" in kernel.faults[1]


def test_facts_reach_their_subscribers() -> None:
    """What is published arrives as an event of the topic's name."""
    kernel = kernel_at_zero()
    diary = Diary(kernel)
    kernel.subscribe("sunrise", "diary")
    kernel.publish("sunrise", {})
    kernel.publish("sunset", {})
    kernel.step()
    assert [name for _, name in diary.notes] == ["sunrise"]


def test_whoever_waits_is_woken_once() -> None:
    """`announce` calls each waiting callback once."""
    kernel = kernel_at_zero()
    calls: list[str] = []
    kernel.wait_on("mail", lambda: calls.append("woken"))
    kernel.announce("mail")
    kernel.announce("mail")
    assert calls == ["woken"]


def test_only_virtual_time_can_be_driven() -> None:
    """run_until with another clock says what is wrong."""

    class Stuck:
        def now(self) -> float:
            return 0.0

    with pytest.raises(TypeError, match="run_until drives a VirtualClock"):
        Kernel(Store(), Stuck()).run_until(1)
