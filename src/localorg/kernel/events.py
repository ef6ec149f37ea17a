"""The kernel's turn: due events are handed to their engines in order of time, then of arrival.

Flow: engine calls `at`/`after` (kept in rows, survives a restart) or `post` (now, in memory only) -> `step` pops what is
due -> the engine's handler runs -> rows are committed. `publish` is the house's EventBridge: facts any engine may
subscribe to. `announce` wakes those who wait on a topic (long polls).
Rules: handlers never block. Work outside (a script, a borrowed service) is counted by `outside`, so that virtual time
stands still while it runs; its result comes back as a posted event.
"""

import heapq
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localorg.kernel.clock import Clock, VirtualClock
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store


@dataclass(frozen=True)
class Event:
    """A past fact or an alarm for one engine. `data` must be JSON when the event is scheduled with `at` or `after`."""

    engine: str
    name: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Alarm:
    due: float
    order: int
    engine: str
    name: str
    data: dict[str, Any]


Handler = Callable[[Event], None]


class Kernel:
    """Owns time, the event queue, the rows, the ids and the dice of one local organization."""

    def __init__(self, store: Store, clock: Clock, settings: Settings | None = None, seed: int = 0) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings or Settings()
        self.faults: list[str] = []
        """Tracebacks of handlers that failed: defects of localorg. Tests assert that this is empty."""
        self.outside = 0
        """Pieces of work going on outside the engines (scripts, borrowed calls); virtual time waits for zero."""
        self.delivered = 0
        """How many events were handed to engines so far; a simulation bounds it."""
        self.wake: Callable[[], None] = lambda: None
        """Called whenever there is something new to do; the server points it at its loop."""
        self.dice = random.Random(seed)  # noqa: S311 - ids and jitter of a simulation, never a secret
        self._handlers: dict[str, Handler] = {}
        self._subscribers: dict[str, list[str]] = {}
        self._waiters: dict[str, list[Callable[[], None]]] = {}
        self._alarms = store.table("kernel.alarm", _Alarm)
        self._order = max((alarm.order for alarm in self._alarms.values()), default=0)
        self._heap: list[tuple[float, int, str | None, Event]] = [
            (alarm.due, alarm.order, key[0], Event(alarm.engine, alarm.name, alarm.data)) for key, alarm in self._alarms.items()
        ]
        heapq.heapify(self._heap)

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self.clock.now()

    def on(self, engine: str, handler: Handler) -> None:
        """Let `handler` receive the events addressed to `engine`."""
        self._handlers[engine] = handler

    def subscribe(self, topic: str, engine: str) -> None:
        """Let `engine` receive every published fact of `topic`, as an event of that name."""
        self._subscribers.setdefault(topic, []).append(engine)

    def publish(self, topic: str, data: dict[str, Any]) -> None:
        """Tell every subscriber of `topic` a fact (the EventBridge of the house)."""
        for engine in self._subscribers.get(topic, ()):
            self.post(Event(engine, topic, data))

    def post(self, event: Event) -> None:
        """Deliver `event` in this or the next turn, now. It is not kept over a restart."""
        self._push(self.now(), None, event)

    def at(self, due: float, event: Event) -> str:
        """Deliver `event` at `due` (epoch seconds), also after a restart. Returns an id for `cancel`."""
        # The dice make an id that is past and kept somewhere different from one that is given after a restart.
        alarm_id = f"{self._order + 1:012d}-{self.dice.getrandbits(32):08x}"
        self._alarms.put(_Alarm(due, self._order + 1, event.engine, event.name, event.data), alarm_id)
        self._push(due, alarm_id, event)
        return alarm_id

    def after(self, delay_s: float, event: Event) -> str:
        """Deliver `event` in `delay_s` seconds; see `at`."""
        return self.at(self.now() + delay_s, event)

    def cancel(self, alarm_id: str) -> None:
        """Forget a scheduled event. An unknown or past id is no error."""
        self._alarms.delete(alarm_id)

    def _push(self, due: float, alarm_id: str | None, event: Event) -> None:
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, alarm_id, event))
        self.wake()

    def next_due(self) -> float | None:
        """Return when the next event is due (epoch seconds), or None when the queue is empty."""
        while self._heap and self._heap[0][2] is not None and (self._heap[0][2],) not in self._alarms:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def step(self) -> int:
        """Deliver everything that is due and commit. Returns how many events were delivered."""
        delivered = 0
        while (due := self.next_due()) is not None and due <= self.now():
            _, _, alarm_id, event = heapq.heappop(self._heap)
            if alarm_id is not None:
                self._alarms.delete(alarm_id)
            self._deliver(event)
            delivered += 1
        self.delivered += delivered
        self.store.commit()
        return delivered

    def _deliver(self, event: Event) -> None:
        handler = self._handlers.get(event.engine)
        if handler is None:
            self.faults.append(f"no engine called {event.engine!r} is there to receive {event.name!r}")
            return
        try:
            handler(event)
        except Exception:  # noqa: BLE001 - the rim of an engine's turn: one defect must not stop every other engine
            self.faults.append(f"{event.engine} failed on {event.name}:\n{traceback.format_exc()}")

    def run_until(self, moment: float) -> None:
        """Virtual time only: deliver all events up to `moment`, jumping from one to the next, then stand at `moment`."""
        clock = self.clock
        if not isinstance(clock, VirtualClock):
            raise TypeError("run_until drives a VirtualClock; with the wall clock the server's pump delivers events")
        while not self.outside and (due := self.next_due()) is not None and due <= moment:
            clock.advance_to(max(due, clock.now()))
            self.step()
        if not self.outside:
            clock.advance_to(max(moment, clock.now()))

    def wait_on(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` once, the next time `topic` is announced."""
        self._waiters.setdefault(topic, []).append(callback)

    def announce(self, topic: str) -> None:
        """Wake everyone who waits on `topic`."""
        for callback in self._waiters.pop(topic, []):
            callback()
