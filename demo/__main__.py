"""`make demo`: tell the walk on a free port, and clear up."""

import shutil
import socket
import sys
import time

from demo.shell import CommandFailed, shortened
from demo.tale import Tale, TaleBroken
from demo.walk import Walk
from demo.watch import TookTooLong


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Tell the tale; 0 when all of it held."""
    walk = Walk(free_port())
    walk.shell.told = lambda command: print(f"$ {shortened(command)}", flush=True)
    started = time.monotonic()
    try:
        Tale(walk, lambda line: print(line, flush=True)).tell()
    except (CommandFailed, TaleBroken, TookTooLong) as broken:
        print(f"\nThe demo stopped: {broken}\nThe organization's state and log are in {walk.state}.", file=sys.stderr)
        return 1
    finally:
        walk.shell.run("localorg", "down", "--state", walk.state, expect=None)
    shutil.rmtree(walk.folder, ignore_errors=True)
    print(f"\nAll of it held, in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
