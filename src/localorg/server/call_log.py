"""The call log: one JSON line for each call that passed the gateway, and how `localorg logs` prints it."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from localorg.protocol.gateway import CallRecord
from localorg.server.state import LocalorgError

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
    """Yield each record of the file at `path` as a line for a person. Raises LocalorgError when there is no such file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                record = _record(text)
                if record is None:
                    yield "(a line that is not whole: the server was killed while it wrote it)"
                elif not refused_only or record["verdict"] != "allowed":
                    yield _line(record)
    except OSError as error:
        raise LocalorgError(
            f"there are no calls to show: {path} cannot be read ({error.strerror}). "
            "Give --state the directory of an organization that has been up."
        ) from error


def _record(text: str) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return record


def _line(record: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(record["time"], UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
    # What callers named goes to a person's terminal: no control sequences.
    record = {name: UNSHOWABLE.sub("\ufffd", value) if isinstance(value, str) else value for name, value in record.items()}
    verdict, region, action = record["verdict"].ljust(7), (record["region"] or "-").ljust(14), record["action"].ljust(32)
    words = [moment, verdict, action, region, record["principal"], record["resource"]]
    return "  ".join(words) + (f"  ({record['message']})" if record["message"] else "")
