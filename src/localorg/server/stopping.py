"""Stopping the server: SIGTERM, then waiting until the state directory's lock is free. It imports nothing that takes time."""

import contextlib
import os
import signal
import time

from localorg.server.state import LocalorgError, StateDirectory

DOWN_LIMIT_S = 30.0


def stop(state: StateDirectory) -> None:
    """Stop the server of `state` and wait until it has gone. Raises LocalorgError when there is none or it does not go."""
    facts = state.running()
    with contextlib.suppress(ProcessLookupError):
        os.kill(facts.pid, signal.SIGTERM)
    for _ in range(int(DOWN_LIMIT_S * 20)):
        if not state.is_served():
            return
        time.sleep(0.05)
    raise LocalorgError(
        f"process {facts.pid} did not stop within {DOWN_LIMIT_S:.0f} s. Look at {state.server_log}, then kill it."
    )
