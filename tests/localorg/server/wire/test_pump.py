"""The pump: real time for the kernel, without polling."""

import asyncio
import logging
import threading

from localorg.kernel.events import Event, Kernel
from localorg.kernel.store import Store
from localorg.server.pump import Pump, WallClock


def run(kernel: Kernel, until: asyncio.Event, pump: Pump) -> None:
    async def whole() -> None:
        pumping = asyncio.create_task(pump.run())
        await asyncio.wait_for(until.wait(), 10)
        pump.stop()
        await pumping

    asyncio.run(whole())


def test_events_are_delivered_when_due_and_in_order() -> None:
    """An alarm in the near future comes after what is due now."""
    kernel, seen, done = Kernel(Store(), WallClock()), [], asyncio.Event()

    def handle(event: Event) -> None:
        seen.append(event.name)
        if event.name == "later":
            done.set()

    kernel.on("e", handle)
    kernel.after(0.01, Event("e", "later"))
    kernel.post(Event("e", "now"))
    run(kernel, done, Pump(kernel, logging.getLogger("pump")))
    assert seen == ["now", "later"]


def test_another_thread_can_wake_it() -> None:
    """What a worker thread hands over is delivered at once, on the loop's thread."""
    kernel, done = Kernel(Store(), WallClock()), asyncio.Event()
    pump = Pump(kernel, logging.getLogger("pump"))
    threads: list[int] = []

    async def whole() -> None:
        def handle(_event: Event) -> None:
            threads.append(threading.get_ident())
            done.set()

        kernel.on("e", handle)
        pumping = asyncio.create_task(pump.run())
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, lambda: loop.call_soon_threadsafe(kernel.post, Event("e", "x")))
        await asyncio.wait_for(done.wait(), 10)
        await loop.run_in_executor(None, pump.wake)
        pump.stop()
        await pumping

    asyncio.run(whole())
    assert threads == [threading.get_ident()]


def test_a_defect_of_a_handler_is_logged_and_the_pump_goes_on(caplog: object) -> None:
    """One broken engine does not stop the clock."""
    kernel, done = Kernel(Store(), WallClock()), asyncio.Event()
    pump = Pump(kernel, logging.getLogger("pump"))

    def handle(event: Event) -> None:
        if event.name == "bad":
            raise KeyError("broken handler")
        done.set()

    kernel.on("e", handle)
    kernel.post(Event("e", "bad"))
    kernel.post(Event("e", "good"))
    run(kernel, done, pump)
    assert "broken handler" in caplog.text


def test_the_wall_clock_never_goes_back() -> None:
    """A machine whose clock is set back must not confuse what is due."""
    clock = WallClock()
    ahead = clock.now() + 1000
    clock._latest = ahead
    assert clock.now() == ahead
