"""The state directory: everything a local organization keeps, and the lock that says who is serving it.

lock            held (flock) by the one server of this directory
server.json     {"pid", "port", "endpoint"} while a server runs
token           the secret of the control routes; mode 600
organization.db rows; blobs/ attachments; s3/ objects; nodes/ their writable layers
tls/            ca.pem, which clients of the TLS port trust; keys; the port of the last time
spec.yaml       what the organization was first made from
server.log, calls.jsonl
"""

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO


class LocalorgError(Exception):
    """Something the person at the keyboard can mend: a full sentence with the next step."""


@dataclass(frozen=True)
class ServerFacts:
    """Where the running server of a state directory is."""

    pid: int
    port: int
    endpoint: str


class StateDirectory:
    """Names of the files in it, and who holds it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        """The rows."""
        return self.root / "organization.db"

    @property
    def blobs(self) -> Path:
        """Attachments by digest."""
        return self.root / "blobs"

    @property
    def objects(self) -> Path:
        """S3's objects."""
        return self.root / "s3"

    @property
    def nodes(self) -> Path:
        """Nodes' writable layers."""
        return self.root / "nodes"

    @property
    def tls(self) -> Path:
        """The certificate authority, the server's certificate, and the port that they are for."""
        return self.root / "tls"

    @property
    def server_log(self) -> Path:
        """What the server has to say."""
        return self.root / "server.log"

    @property
    def call_log(self) -> Path:
        """One JSON line for each call."""
        return self.root / "calls.jsonl"

    @property
    def spec(self) -> Path:
        """The spec it was made from."""
        return self.root / "spec.yaml"

    def create(self) -> None:
        """Make the directory. Raises LocalorgError when it cannot be."""
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            # The rows hold every secret of the organization: only who made it may look.
            self.root.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.blobs, self.objects, self.nodes):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise LocalorgError(
                f"cannot make the state directory {self.root}: {error.strerror}. Give --state another."
            ) from error
        if not all(os.access(folder, os.W_OK | os.X_OK) for folder in (self.root, self.blobs, self.objects, self.nodes)):
            raise LocalorgError(f"{self.root} belongs to somebody else: you may not write there. Give --state another directory.")

    def acquire(self) -> None:
        """Become the one server of this directory. Raises LocalorgError when another is."""
        lock = (self.root / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            facts = self.facts()
            who = f" (process {facts.pid} on {facts.endpoint})" if facts else ""
            raise LocalorgError(
                f"{self.root} is already served{who}. Use that one, stop it with `localorg down --state {self.root}`, "
                "or give --state another directory."
            ) from error
        self._lock = lock

    def is_served(self) -> bool:
        """Say whether a server holds the lock now."""
        path = self.root / "lock"
        if not path.exists():
            return False
        with path.open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def token(self) -> str:
        """Return the secret of the control routes, made on first use and readable by this user only."""
        path = self.root / "token"
        if not path.exists() or not path.stat().st_size:
            # Whole or not at all: a server killed between making and writing it must not leave the empty secret.
            part = self.root / f"token.{os.getpid()}"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
            part.replace(path)
        return path.read_text(encoding="utf-8")

    def announce(self, facts: ServerFacts) -> None:
        """Write where the server is."""
        (self.root / "server.json").write_text(json.dumps(facts.__dict__), encoding="utf-8")

    def withdraw(self) -> None:
        """Forget where the server was."""
        (self.root / "server.json").unlink(missing_ok=True)

    def facts(self) -> ServerFacts | None:
        """Return where the server is, or None when none says so."""
        path = self.root / "server.json"
        try:
            return ServerFacts(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def running(self) -> ServerFacts:
        """Return where the running server is. Raises LocalorgError when there is none."""
        facts = self.facts()
        if facts is None or not self.is_served():
            raise LocalorgError(
                f"no local organization is up in {self.root}. Start one with `localorg up --spec FILE --state {self.root}`."
            )
        return facts
