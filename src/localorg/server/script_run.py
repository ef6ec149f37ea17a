"""One run of a script, inside its sandbox: environment, handler, result. Imported by the host before it forks.

AWS: Automation action reference, "aws:executeScript": the handler takes (events, context); what it returns is the Payload, JSON of at
most 100 KB; what it prints is its log.
"""

import contextlib
import io
import json
import os
import tempfile
import traceback
from dataclasses import dataclass
from typing import Any

PAYLOAD_BYTES_MAX = 100 * 1024
LOG_CHARS_MAX = 50_000
FILE_NAME = "script.py"


@dataclass
class Result:
    """How a run ended. `error` is empty after a good end; `payload` is what the handler returned."""

    payload: Any = None
    log: str = ""
    error: str = ""
    error_type: str = ""
    timed_out: bool = False


def perform(job: dict[str, Any]) -> Result:
    """Run the job's script in this process, which is thrown away afterwards."""
    os.environ.clear()
    os.environ.update(job["environment"])
    tempfile.tempdir = None
    log = io.StringIO()
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        result = _call(job["script"], job["handler"], job["payload"])
    result.log = (result.log + log.getvalue())[-LOG_CHARS_MAX:]
    return result


def _call(script: str, handler: str, payload: dict[str, Any]) -> Result:
    scope: dict[str, Any] = {"__name__": "script", "__file__": FILE_NAME}
    try:
        exec(compile(script, FILE_NAME, "exec"), scope)  # noqa: S102 - running the runbook's script is what this process is for
        function = scope.get(handler)
        if not callable(function):
            return Result(error_type="HandlerNotFound", error=f"the script defines no function {handler!r}, which Handler names")
        returned = function(payload, {})
        text = json.dumps(returned)
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's script raises, SystemExit too, is its failure and not ours
        return Result(log=traceback.format_exc(), error_type=type(error).__name__, error=f"{type(error).__name__}: {error}")
    if len(text) > PAYLOAD_BYTES_MAX:
        return Result(
            error_type="PayloadTooLarge",
            error=f"the handler returned {len(text)} bytes; a payload has at most {PAYLOAD_BYTES_MAX}",
        )
    return Result(payload=returned)
