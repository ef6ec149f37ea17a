"""What a package action says: sections that open and close, each with lines for standard output and standard error.

The order of the text is the order in which sections *end*, as in the stock agent, so that an upgrade reads: uninstall block,
install block, "Successfully installed", and only then "Successfully uninstalled". AWS: configurepackage/trace/trace.go.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Section:
    """One piece of work. `error` is printed after its other error lines."""

    operation: str
    start: float
    stop: float = 0.0
    exit_code: int = 0
    error: str = ""
    _out: list[str] = field(default_factory=list)
    _err: list[str] = field(default_factory=list)

    def info(self, line: str) -> None:
        """Say something on standard output."""
        self._out.append(line + "\n")

    def complain(self, line: str) -> None:
        """Say something on standard error."""
        self._err.append(line + "\n")

    def text(self) -> tuple[str, str]:
        """Return (standard output, standard error)."""
        return "".join(self._out), "".join([*self._err, self.error + "\n" if self.error else ""])


@dataclass
class Tracer:
    """All sections of one action."""

    now: Callable[[], float] = time.time
    ended: list[Section] = field(default_factory=list)

    @contextmanager
    def section(self, operation: str) -> Iterator[Section]:
        """Open a section for the length of a `with` block."""
        section = Section(operation, self.now())
        try:
            yield section
        finally:
            section.stop = self.now()
            self.ended.append(section)

    def output(self) -> tuple[str, str]:
        """Return everything said so far: (standard output, standard error)."""
        texts = [section.text() for section in self.ended]
        return "".join(out for out, _ in texts), "".join(err for _, err in texts)

    def report(self) -> tuple[int, list[dict[str, Any]]]:
        """Return (milliseconds in all, steps) in the shape PutConfigurePackageResult wants."""
        begin = min((section.start for section in self.ended), default=self.now())
        steps: list[tuple[float, dict[str, Any]]] = []
        for section in self.ended:
            result = section.exit_code or int(bool(section.error))
            said = f" (err `{section.error}`)" if section.error else ""
            steps.append((section.start, {"Action": f"> {section.operation}", "Result": result}))
            steps.append((section.stop, {"Action": f"< {section.operation}{said}", "Result": result}))
        steps.sort(key=lambda step: step[0])
        return _ms(self.now() - begin), [{**step, "Timing": _ms(moment - begin)} for moment, step in steps]


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
