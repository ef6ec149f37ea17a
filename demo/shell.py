"""Commands as a person would type them: run as processes, their output kept, a failure told with what it said."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
BIN = os.environ.get("CSD_DEMO_BIN") or str(Path(sys.executable).parent)
"""Where the commands are: beside this interpreter, unless told otherwise."""


class CommandFailed(Exception):
    """A command ended with an exit code that was not expected."""


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code and both outputs."""

    command: str
    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs commands in one environment. `told` hears each command before it runs (the demo prints it)."""

    environment: dict[str, str] = field(default_factory=dict)
    told: Callable[[str], None] = lambda _command: None

    def run(self, *command: str, expect: Sequence[int] | None = (0,), extra: Mapping[str, str] | None = None) -> Outcome:
        """Run `command`; raise CommandFailed unless its exit code is among `expect` (None: any)."""
        shown = shlex.join(command)
        self.told(shown)
        done = subprocess.run(
            list(command), env=self._whole(extra), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if expect is not None and done.returncode not in expect:
            said = (done.stderr or done.stdout).strip()
            raise CommandFailed(f"`{shown}` ended with exit code {done.returncode}, expected {list(expect)}:\n{said}")
        return Outcome(shown, done.returncode, done.stdout, done.stderr)

    def show(self, *command: str) -> int:
        """Run `command` with its output where ours goes; return its exit code. An interruption is the command's to end by."""
        self.told(shlex.join(command))
        with subprocess.Popen(list(command), env=self._whole(None), stdin=subprocess.DEVNULL) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:  # the terminal has interrupted the command as well
                    continue

    def _whole(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.environment,
            **(extra or {}),
        }


def parse_exports(text: str) -> dict[str, str]:
    """Read the lines of `localorg env` as a shell would."""
    pairs = (line.removeprefix("export ").split("=", 1) for line in text.splitlines() if line.startswith("export "))
    return {name: shlex.split(value)[0] for name, value in pairs}


def shortened(command: str) -> str:
    """Return a command line as the tale shows it: paths from here, an update's parameters by what changes from run to run."""
    command = command.replace(f"{REPOSITORY}/", "")
    if "update-association" not in command:
        return command
    head, _, rest = command.partition("--parameters ")
    parameters = json.loads(shlex.split(rest)[0])
    shown = {name: parameters[name] for name in ("targetRegions", "action", "installationType", "version")}
    return f"{head}--parameters '{{…,{json.dumps(shown, separators=(',', ':'))[1:-1]},…}}' …"
