"""Where words go: data to stdout, everything else to stderr; and how a picture of the fleet looks.

Rules: no colour or table without need of a terminal's help: Rich falls back to plain text by itself.
Refuses to know: what it shows means.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from csd.report.picture import LastRun, Picture, Row, State

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and newline, which our own words hold."""
_STYLES = {State.AS_WANTED: "green", State.FAILED: "red", State.ROLLED_BACK: "red", State.UNREACHABLE: "yellow"}


def prose() -> Console:
    """The console of progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def harmless(text: str) -> str:
    """Text with its control characters written out: names come from strangers, and a terminal obeys what they hold."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def counted(number: int, thing: str) -> str:
    """`1 zip`, `2 zips`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def tell(line: str) -> None:
    """One line of progress."""
    prose().print(Text(harmless(line)))


def is_terminal() -> bool:
    """Whether data goes to a person's terminal."""
    return sys.stdout.isatty()


def data(text: str) -> None:
    """One line of data."""
    sys.stdout.write(harmless(text) + "\n")


def data_json(value: dict[str, Any]) -> None:
    """A JSON document as data."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    sys.stdout.write(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")  # still the same JSON


@contextmanager
def upload_bars(sizes: dict[str, int]) -> Iterator[Callable[[str, int], None]]:
    """Bars of bytes sent; gives `sent(file, bytes)`. Nothing is drawn where there is no terminal."""
    with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=prose(), transient=True) as bars:
        tasks = {name: bars.add_task(name, total=size) for name, size in sizes.items()}
        yield lambda name, count: bars.update(tasks[name], advance=count)


@contextmanager
def work_bar() -> Iterator[Callable[[str, int, int], None]]:
    """One bar of bytes; gives `watch(what is done, bytes, of how many)`. Nothing is drawn where there is no terminal."""
    console = prose()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total)


def age(then: datetime | None, now: datetime) -> str:
    """How long ago, in the two largest units."""
    if then is None:
        return "-"
    seconds = max(0, int((now - then).total_seconds()))
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= size:
            return f"{seconds // size}{unit}{seconds % size // small}{smaller}"
    return f"{seconds}s"


def show_picture(picture: Picture) -> None:
    """The picture as a table on stdout, and the sum in words."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    table = Table(box=None, pad_edge=False)
    for heading in ("ACCOUNT", "REGION", "NODE", "PLATFORM", "PING", "STATE", "VERSION", "TOLD AGO", "WHY"):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("WHY", "PLATFORM"))
    for row in picture.rows:
        table.add_row(
            *(
                Text(harmless(cell), style=_STYLES.get(row.state, "") if i == 5 else "")
                for i, cell in enumerate(_cells(row, picture.as_of))
            )
        )
    console.print(table)
    for line in summary(picture):
        console.print(Text(harmless(line)), soft_wrap=True)


def _cells(row: Row, now: datetime) -> tuple[str, ...]:
    facts = row.facts
    ping = f"{facts.ping} ({age(facts.last_ping, now)})" if facts.ping else "-"
    version = row.version or "-"
    return (
        facts.account,
        facts.region,
        facts.node,
        facts.platform,
        ping,
        row.state.value,
        version,
        age(row.version_at, now),
        row.why,
    )


def summary(picture: Picture) -> list[str]:
    """The sum, in sentences."""
    wanted = picture.wanted
    goal = f"{wanted.package} {wanted.version}".strip() if wanted.action == "Install" else f"no {wanted.package}"
    counts = ", ".join(f"{picture.count(state)} {state.value}" for state in State if picture.count(state))
    lines = [f"{len(picture.rows)} nodes targeted, wanted: {goal}: {counts or 'no managed node is targeted'}"]
    if picture.last_run:
        run = picture.last_run
        why = run.why.partition("\n")[0]  # the first line says what failed; the JSON has it all
        lines.append(f"last run: {run.status}, {age(run.at, picture.as_of)} ago{f': {why}' if why else ''}")
    lines += [f"could not read {place}" for place in picture.unread]
    lines += [f"left out: {account}" for account in picture.left_out]
    return lines


def picture_json(picture: Picture) -> dict[str, Any]:
    """The picture as stable JSON. Times are ISO 8601, ages are seconds."""
    wanted = picture.wanted
    return {
        "asOf": picture.as_of.isoformat(),
        "wanted": {"package": wanted.package, "version": wanted.version, "action": wanted.action},
        "complete": picture.complete,
        "counts": {state.value: picture.count(state) for state in State},
        "lastRun": _run_json(picture.last_run) if picture.last_run else None,
        "nodes": [_row_json(row, picture.as_of) for row in picture.rows],
        "unread": list(picture.unread),
        "leftOut": list(picture.left_out),
    }


def _run_json(run: LastRun) -> dict[str, Any]:
    return {"status": run.status, "at": run.at.isoformat() if run.at else None, "why": run.why}


def _row_json(row: Row, now: datetime) -> dict[str, Any]:
    facts = row.facts
    return {
        "account": facts.account,
        "region": facts.region,
        "node": facts.node,
        "platform": facts.platform,
        "ping": facts.ping,
        "lastPing": facts.last_ping.isoformat() if facts.last_ping else None,
        "state": row.state.value,
        "version": row.version or None,
        "versionToldAt": row.version_at.isoformat() if row.version_at else None,
        "versionAgeSeconds": int((now - row.version_at).total_seconds()) if row.version_at else None,
        "why": row.why,
        "commandId": row.command_id or None,
    }
