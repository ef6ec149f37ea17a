"""What a node has to tell its control plane, in order, kept on its disk until it was told.

Flow: `put(operation, parameters)` writes a file -> the sender thread sends files in order -> a file is deleted when the server took
(or refused) it. Nobody answers: back off and try again. So replies survive outages of the server and deaths of the agent.
Rules: order is kept (a reply that begins a command precedes its acknowledgement). Older than two hours: dropped.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from localorg.node.calls import CallRefusedError, Unreachable

AGE_MAX_S = 2 * 3600
"""AWS: the stock agent drops unsent replies after two hours."""
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.25, 15.0


class Messages(Protocol):
    """The part of the control plane that takes news."""

    def message(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call the message delivery service."""
        ...


@dataclass
class Outbox:
    """The unsent news of one node, in `folder`."""

    folder: Path
    messages: Messages
    log: Callable[[str], None]
    allowed: threading.Event
    """Set while the agent may talk."""
    now: Callable[[], float] = time.time
    _next: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _news: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._next = max((int(path.name) for path in self._files()), default=0) + 1
        self._news.set()

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.name.isdigit())

    def put(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Keep one call of the message delivery service for sending."""
        with self._guard:
            path = self.folder / f"{self._next:012d}"
            aside = self.folder / f"{path.name}.part"
            aside.write_text(json.dumps({"operation": operation, "parameters": parameters, "at": self.now()}))
            aside.rename(path)
            self._next += 1
        self._news.set()

    def send_for_ever(self) -> None:
        """Send what is kept, and what comes. The body of the sender thread."""
        pause = BACKOFF_FIRST_S
        while True:
            self._news.wait()
            self.allowed.wait()
            self._news.clear()
            try:
                self.send_all()
                pause = BACKOFF_FIRST_S
            except Unreachable as error:
                self.log(f"news are kept for later: {error}")
                self._news.set()
                time.sleep(pause)
                pause = min(pause * 2, BACKOFF_MAX_S)

    def send_all(self) -> None:
        """Send everything that is kept, in order. Raises Unreachable with the rest still kept."""
        for path in self._files():
            if not self.allowed.is_set():
                self._news.set()
                return
            kept = json.loads(path.read_text())
            if self.now() - kept["at"] < AGE_MAX_S:
                try:
                    self.messages.message(kept["operation"], kept["parameters"])
                except CallRefusedError as error:
                    self.log(f"{kept['operation']} was refused and is dropped: {error}")
            path.unlink()
