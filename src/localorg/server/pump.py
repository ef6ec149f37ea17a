"""The wall clock, and the loop that gives the kernel its turns: when something is due, or when someone wakes it.

Flow: kernel.wake (any thread) -> the loop's thread -> kernel.step() -> sleep until kernel.next_due() or the next wake.
Rules: the only reader of real time among the kernel's clocks; `step` runs on the loop's thread only.
"""

import asyncio
import logging
import threading
import time

from localorg.kernel.events import Kernel

IDLE_S_MAX = 3600.0
"""The longest nap; it bounds what a jump of the machine's clock can delay."""


class WallClock:
    """Real time, never going backwards within one process even when the machine's clock is set back."""

    def __init__(self) -> None:
        self._latest = 0.0

    def now(self) -> float:
        """Return the time in epoch seconds."""
        self._latest = max(self._latest, time.time())
        return self._latest


class Pump:
    """Runs a kernel on an asyncio loop until stopped."""

    def __init__(self, kernel: Kernel, log: logging.Logger) -> None:
        self._kernel = kernel
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._thread = 0
        self._stopping = False

    def wake(self) -> None:
        """Ask for a turn; may be called from any thread, also before `run`."""
        if self._loop is None or threading.get_ident() == self._thread:
            self._woken.set()
            return
        self._loop.call_soon_threadsafe(self._woken.set)

    def stop(self) -> None:
        """Let `run` return after its present turn; on the loop's thread."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Give the kernel its turns until `stop`. What ends it otherwise (a full disk ...) is logged and raised."""
        try:
            await self._turns()
        except Exception:
            self._log.critical("the pump has stopped: no event is delivered any more", exc_info=True)
            raise

    async def _turns(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._kernel.wake = self.wake
        reported = 0
        while not self._stopping:
            self._woken.clear()
            self._kernel.step()
            for fault in self._kernel.faults[reported:]:
                self._log.error("a handler failed: %s", fault)
            reported = len(self._kernel.faults)
            await self._nap()

    async def _nap(self) -> None:
        due = self._kernel.next_due()
        left_s = IDLE_S_MAX if due is None else min(IDLE_S_MAX, due - self._kernel.now())
        if left_s <= 0:
            await asyncio.sleep(0)  # let requests in between two turns
            return
        try:
            await asyncio.wait_for(self._woken.wait(), left_s)
        except TimeoutError:
            return
