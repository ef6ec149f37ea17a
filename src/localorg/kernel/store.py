"""Rows are the truth: typed tables in memory, written through to one SQLite file in groups.

Flow: an engine `put`s a record -> the table keeps it in memory and marks it dirty -> the kernel `commit`s after each
turn -> one SQLite transaction writes all dirty rows. On start every table is loaded from the file.
Rules: a record is a dataclass (nested dataclasses, lists, dicts, enums are fine); its codec is derived from its type by
pydantic. A record that was changed in place must be `put` again, or the change is not kept.
A record that cannot be written is left out, once, and said (StoreDefect): it must not keep all others from the file.
Refuses to know: what the records mean. There are no queries but by key and key prefix; engines keep their own indexes.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

R = TypeVar("R")
Key = tuple[str, ...]
_SEPARATOR = "\x1f"


_CODECS: dict[type[Any], TypeAdapter[Any]] = {}


def _codec(record_type: type[Any]) -> TypeAdapter[Any]:
    """Return what reads and writes records of a type, made once: that takes as long as a hundred rows."""
    if record_type not in _CODECS:
        _CODECS[record_type] = TypeAdapter(record_type)
    return _CODECS[record_type]


class StoreDefect(RuntimeError):
    """Rows that could not be written: a defect of whoever put them. Every other row of the commit is in the file."""


class Table(Generic[R]):
    """Records of one type by key (a tuple of strings such as account, region, name), in insertion order."""

    def __init__(self, name: str, record_type: type[R], rows: dict[Key, R], dirty: dict[tuple[str, Key], bool]) -> None:
        self.name = name
        self.record_type = record_type
        self._rows: dict[Key, R] = {}
        self._under: dict[Key, dict[Key, None]] = {}
        self._sorted: dict[Key, list[Key]] = {}
        self._dirty = dirty
        self.changes = 0
        """How often a row was put or deleted: whoever remembers what follows from the rows asks whether it still does."""
        for key, record in rows.items():
            self._remember(key, record)

    def _remember(self, key: Key, record: R) -> None:
        if key not in self._rows:
            for length in range(len(key)):
                self._under.setdefault(key[:length], {})[key] = None
                self._sorted.pop(key[:length], None)
        self._rows[key] = record

    def put(self, record: R, *key: str) -> R:
        """Insert or replace the record at `key` and return it."""
        self._remember(key, record)
        self.changes += 1
        # A row that was deleted and is put again before a commit comes last, in memory and in the file.
        was_deleted = self._dirty.get((self.name, key), False)
        if was_deleted:
            del self._dirty[self.name, key]
        self._dirty[self.name, key] = was_deleted
        return record

    def get(self, *key: str) -> R | None:
        """Return the record at `key`, or None."""
        return self._rows.get(key)

    def delete(self, *key: str) -> None:
        """Remove the record at `key`; nothing happens when there is none."""
        if self._rows.pop(key, None) is None:
            return
        self.changes += 1
        for length in range(len(key)):
            self._under[key[:length]].pop(key, None)
            self._sorted.pop(key[:length], None)
        self._dirty[self.name, key] = True

    def sorted_keys(self, *prefix: str) -> Sequence[Key]:
        """Return the keys that begin with `prefix`, in order. Sorted anew only after a key came or went."""
        if prefix not in self._sorted:
            self._sorted[prefix] = sorted(self._under.get(prefix, ()))
        return self._sorted[prefix]

    def items(self, *prefix: str) -> Iterator[tuple[Key, R]]:
        """Yield (key, record) for every key that begins with `prefix`, in insertion order. Safe against changes meanwhile."""
        for key in list(self._under.get(prefix, ())):
            record = self._rows.get(key)
            if record is not None:
                yield key, record

    def values(self, *prefix: str) -> list[R]:
        """Return the records whose key begins with `prefix`, in insertion order."""
        return [record for _, record in self.items(*prefix)]

    def __contains__(self, key: Key) -> bool:
        if not isinstance(key, tuple):
            raise TypeError(f"a key of table {self.name} is a tuple of strings, not {key!a}")
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)


class Store:
    """All tables of one organization. `path=None` keeps everything in memory only (tests, simulations)."""

    def __init__(self, path: Path | None = None) -> None:
        self._tables: dict[str, Table[Any]] = {}
        self._dirty: dict[tuple[str, Key], bool] = {}
        # A dict, not a set: rows reach the file in the order in which they were put.
        self._database = self._open(path) if path else None

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS row (position INTEGER PRIMARY KEY, tbl TEXT, key TEXT, body BLOB, UNIQUE (tbl, key))"
        )
        return database

    def table(self, name: str, record_type: type[R]) -> Table[R]:
        """Return the table called `name`, loading it from the file the first time."""
        if name not in self._tables:
            self._tables[name] = Table(name, record_type, self._load(name, record_type), self._dirty)
        known = self._tables[name]
        if known.record_type is not record_type:
            raise TypeError(f"table {name} holds {known.record_type.__name__}, not {record_type.__name__}")
        return known

    def _load(self, name: str, record_type: type[R]) -> dict[Key, R]:
        if self._database is None:
            return {}
        found = self._database.execute("SELECT key, body FROM row WHERE tbl = ? ORDER BY position", (name,))
        return {tuple(key.split(_SEPARATOR)): _codec(record_type).validate_json(body) for key, body in found}

    def commit(self) -> None:
        """Write every dirty row in one transaction. Raises StoreDefect, after writing the others, for rows that have no JSON."""
        if not self._dirty:
            return
        problems: list[str] = []
        if self._database is not None:
            bodies = [(*row, self._body(*row, problems), was_deleted) for row, was_deleted in self._dirty.items()]
            database = self._database
            database.execute("BEGIN")
            try:
                for name, key, body, was_deleted in bodies:
                    if was_deleted and body:
                        self._write(database, name, _SEPARATOR.join(key), None)
                    self._write(database, name, _SEPARATOR.join(key), body)
                database.execute("COMMIT")
            except BaseException:
                database.execute("ROLLBACK")
                raise
        self._dirty.clear()
        if problems:
            raise StoreDefect("; ".join(problems))

    def _body(self, name: str, key: Key, problems: list[str]) -> bytes | None:
        """Return a row as JSON, empty when it cannot be written, or None when it was deleted."""
        table = self._tables[name]
        record = table.get(*key)
        try:
            _SEPARATOR.join(key).encode()
            if record is None:
                return None
            return _codec(table.record_type).dump_json(record)
        except (PydanticSerializationError, UnicodeEncodeError) as error:
            problems.append(f"{name} {key!a} was not written: {error}")
            return b""

    @staticmethod
    def _write(database: sqlite3.Connection, name: str, key: str, body: bytes | None) -> None:
        if body is None:
            database.execute("DELETE FROM row WHERE tbl = ? AND key = ?", (name, key))
        elif body:
            database.execute(
                "INSERT INTO row (tbl, key, body) VALUES (?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE SET body = excluded.body",
                (name, key, body),
            )

    def close(self) -> None:
        """Commit and close the file."""
        self.commit()
        if self._database is not None:
            self._database.close()
            self._database = None
