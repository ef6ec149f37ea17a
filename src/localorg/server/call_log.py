"""The call log: one JSON line for each call that passed the gateway, and how `localorg logs` prints it."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from localorg.protocol.gateway import CallRecord

UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class CallLog:
    """Appends records to a file; buffered by line so that a reader sees every finished call."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)

    def write(self, record: CallRecord) -> None:
        """Append one record."""
        self._file.write(json.dumps(asdict(record)) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_lines(path: Path, *, refused_only: bool) -> Iterator[str]:
    """Yield each record of the file at `path` as a line for a person; nothing when there is no file yet."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for text in file:
            record = json.loads(text)
            if not refused_only or record["verdict"] != "allowed":
                yield _line(record)


def _line(record: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(record["time"], UTC).strftime("%H:%M:%S.%f")[:-3]
    # What callers named goes to a person's terminal: no control sequences.
    record = {name: UNSHOWABLE.sub("\ufffd", value) if isinstance(value, str) else value for name, value in record.items()}
    words = [moment, record["verdict"], record["action"], record["resource"], record["region"] or "-", record["principal"]]
    return "  ".join(words) + (f"  ({record['message']})" if record["message"] else "")
