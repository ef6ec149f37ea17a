"""The state of one package on one node: the file `installstate`, and which moves between states exist. Pure.

Flow: text of the file -> `InstallState` -> `moved(state, version, now)` -> text. States and their numbers are the stock agent's; a
move that is not in `MOVES` is a defect of ours and is refused with the story of both ends.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum


class State(IntEnum):
    """AWS: amazon-ssm-agent, localpackages: the numbers are written to disk."""

    NONE = 0
    UNKNOWN = 1
    FAILED = 2
    UNINSTALLING = 3
    UNINSTALLED = 4
    NEW = 5
    UPGRADING = 6
    INSTALLING = 7
    INSTALLED = 8
    ROLLBACK_UNINSTALL = 9
    ROLLBACK_INSTALL = 10
    UPDATING = 11


_BEGIN = frozenset({State.INSTALLING, State.UPGRADING, State.UPDATING, State.UNINSTALLING})
"""A new command may begin any of these from wherever an earlier one stopped or was cut off."""
_RESUME = frozenset({State.ROLLBACK_UNINSTALL, State.ROLLBACK_INSTALL})

MOVES: dict[State, frozenset[State]] = {
    State.NONE: frozenset({State.NEW, State.INSTALLING}),
    State.UNKNOWN: _BEGIN | {State.INSTALLED},
    State.FAILED: _BEGIN,
    State.UNINSTALLING: _BEGIN | {State.NONE, State.FAILED},
    State.UNINSTALLED: frozenset({State.INSTALLING}),
    State.NEW: _BEGIN,
    State.UPGRADING: _BEGIN,
    State.INSTALLING: _BEGIN | {State.INSTALLED, State.FAILED, State.ROLLBACK_UNINSTALL},
    State.INSTALLED: _BEGIN,
    State.ROLLBACK_UNINSTALL: _BEGIN | _RESUME,
    State.ROLLBACK_INSTALL: _BEGIN | _RESUME | {State.INSTALLED, State.FAILED},
    State.UPDATING: _BEGIN | {State.INSTALLED, State.FAILED, State.ROLLBACK_UNINSTALL},
}


class WrongMoveError(Exception):
    """A package was to move between two states that have no way from one to the other."""


@dataclass(frozen=True)
class InstallState:
    """What the file says. `lastinstalledversion` survives an uninstall, as in the stock agent."""

    name: str
    version: str = ""
    state: State = State.NONE
    time: str = "0001-01-01T00:00:00Z"
    lastinstalledversion: str = ""
    retrycount: int = 0

    def moved(self, state: State, version: str, now: float) -> "InstallState":
        """Return the state after a move at `now` (epoch seconds). Raises WrongMoveError."""
        if state == State.NEW and self.state != State.NONE:
            return self  # AWS: SetInstallState: New is only noted when nothing is known yet
        if state not in MOVES[self.state]:
            raise WrongMoveError(
                f"package {self.name}: version {self.version or 'none'} is {self.state.name}, and {version} cannot become {state.name} "
                f"from there (only {', '.join(sorted(move.name for move in MOVES[self.state]))})"
            )
        return replace(
            self,
            version=version,
            state=state,
            time=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            retrycount=self.retrycount + 1 if state == self.state else 0,
            lastinstalledversion=version if state == State.INSTALLED else self.lastinstalledversion,
        )

    def installed_version(self) -> str:
        """Return the version of the last success, "" for none. AWS: localpackages GetInstalledVersion."""
        if self.state == State.INSTALLED or (self.state == State.UNKNOWN and not self.lastinstalledversion):
            return self.version
        return self.lastinstalledversion

    def to_text(self) -> str:
        """Return the content of the file."""
        return json.dumps(asdict(self))


def parse(name: str, text: str) -> InstallState:
    """Return what `text` says; a file that cannot be read means UNKNOWN, as in the stock agent."""
    try:
        content = json.loads(text)
        return InstallState(
            name=name,
            version=str(content["version"]),
            state=State(content["state"]),
            time=str(content["time"]),
            lastinstalledversion=str(content["lastinstalledversion"]),
            retrycount=int(content["retrycount"]),
        )
    except (ValueError, KeyError, TypeError):
        return InstallState(name=name, state=State.UNKNOWN)
