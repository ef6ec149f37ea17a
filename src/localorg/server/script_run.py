"""One run of a script, inside its sandbox: job in, environment, handler, result out. Imported by the host before it forks.

Flow: the run's own channel (a socket) -> the job as JSON up to its end -> the script's handler, or PowerShell -> the result as JSON on the
same channel. An attachment lies beside the script, where both find it.
Rules: `read_result` is the server's side: what a run says is a stranger's word, so only what has the form of a Result is one.

AWS: Automation action reference, "aws:executeScript": the handler takes (events, context); what it returns is the Payload, JSON of at
most 100 KB; what it prints is its log.
"""

import base64
import contextlib
import functools
import importlib
import io
import json
import os
import resource
import subprocess
import tempfile
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import orjson

from localorg.server.script_imports import PACKAGES, narrow

PAYLOAD_BYTES_MAX = 100 * 1024
LOG_CHARS_MAX = 50_000
FILE_NAME = "script.py"
MEMORY_BYTES_MAX = 1 << 30
"""ASSUMED: AWS does not publish the memory of a script's machine. Address space, of each process; boto3 needs about a fifth of it."""
PYTHON_PLACES = (PACKAGES, str(Path(json.__file__).parents[1]))
"""Where packages and the standard library are: a fact of this machine, and none of a runbook's."""
OWN_FOLDER = Path(__file__).parent
ATTACHED = "attached"
"""The folder of an attachment."""


@dataclass
class Result:
    """How a run ended. `error` is empty after a good end; `payload` is what the handler returned."""

    payload: Any = None
    log: str = ""
    error: str = ""
    error_type: str = ""
    timed_out: bool = False


def outcome(result: Result) -> dict[str, Any]:
    """Return how a run ended as the members of a ScriptJob's reply."""
    if result.error:
        told = {"error": result.error, "error_type": result.error_type, "log": result.log, "timed_out": result.timed_out}
        return {"ok": False, **told}
    return {"ok": True, "payload": result.payload, "log": result.log}


def read_result(told: bytes) -> Result:
    """Return the Result in what a run said; one that says that it died when there is none."""
    died = Result(error_type="WorkerDied", error="the script's process ended without a result (killed, or out of memory)")
    try:
        # orjson refuses lone surrogates and NaN, which neither our rows nor AWS's JSON can hold.
        content = orjson.loads(told)
    except orjson.JSONDecodeError:
        return died
    texts = ("log", "error", "error_type")
    if not isinstance(content, dict) or set(content) != set(Result.__dataclass_fields__):
        return died
    if not all(isinstance(content[name], str) for name in texts) or content["timed_out"] is not False:
        return died
    return Result(**content)


def write_result(channel: int, result: Result) -> None:
    """Say how a run ended."""
    with os.fdopen(channel, "wb", closefd=False) as teller:
        teller.write(json.dumps(result.__dict__, ensure_ascii=False).encode("utf-8", "replace"))


def perform(channel: int) -> None:
    """Run the job that arrives on `channel` in this process, which is thrown away afterwards."""
    with os.fdopen(channel, "rb", closefd=False) as hearer:
        job = json.loads(hearer.read())
    write_result(channel, _performed(job))


def _performed(job: dict[str, Any]) -> Result:
    os.environ.clear()
    os.environ.update(job["environment"])
    tempfile.tempdir = None
    try:
        folder = _unpacked(job["attachment"], base64.b64decode(job["attached"]))
    except (zipfile.BadZipFile, OSError) as error:
        return Result(error_type="BadAttachment", error=f"the attachment {job['attachment']} cannot be used: {error}")
    if job["pwsh"]:
        return _powershell(job["pwsh"], job["script"], job["payload"], folder)
    # Here, not in the host: PowerShell reserves far more address space than it uses.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    narrow(str(folder))
    log = io.StringIO()
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        result = call_handler(job["script"], job["handler"], job["payload"])
    result.log = (result.log + log.getvalue())[-LOG_CHARS_MAX:]
    return result


def _unpacked(name: str, content: bytes) -> Path:
    """Return a folder of this run's own, with the attachment in it; a .zip is taken out of its wrapping."""
    folder = Path(tempfile.mkdtemp()) / ATTACHED
    folder.mkdir()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            packed.extractall(folder)
    elif name:
        (folder / name).write_bytes(content)
    return folder


def _function(script: str, handler: str) -> Callable[..., Any] | None:
    """Return the function that Handler names: in the script, or FILE.FUNCTION in the attachment."""
    scope: dict[str, Any] = {"__name__": "script", "__file__": FILE_NAME}
    exec(_compiled(script), scope)  # noqa: S102 - running the runbook's script is what this process is for
    module, _, name = handler.rpartition(".")
    found = getattr(importlib.import_module(module), name, None) if module else scope.get(handler)
    return found if callable(found) else None


@functools.lru_cache(maxsize=32)
def _compiled(script: str) -> CodeType:
    """Return a script's code; a simulation runs the same few scripts again and again."""
    return compile(script, FILE_NAME, "exec")


def _powershell(pwsh: str, script: str, payload: dict[str, Any], folder: Path) -> Result:
    """Run a PowerShell script. AWS: the guide: the payload is the JSON in $env:InputPayload, the output is what the script returns."""
    file = folder / "script.ps1"
    file.write_text(script)
    run = subprocess.run(
        [pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(file)],
        env={**os.environ, "InputPayload": json.dumps(payload)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    log = (run.stdout + run.stderr)[-LOG_CHARS_MAX:]
    if run.returncode:
        said = run.stderr.strip() or f"the script ended with the exit code {run.returncode}"
        return Result(log=log, error_type="PowerShellError", error=said)
    if (size := len(run.stdout.encode())) > PAYLOAD_BYTES_MAX:
        return Result(log=log, error_type="PayloadTooLarge", error=_too_large(size))
    try:
        returned = json.loads(run.stdout)
    except ValueError:
        # ASSUMED: what is no JSON is the payload as text.
        returned = run.stdout.strip()
    return Result(payload=returned, log=log)


def _too_large(size: int) -> str:
    return f"the script returned {size} bytes; a payload has at most {PAYLOAD_BYTES_MAX}"


def call_handler(script: str, handler: str, payload: dict[str, Any]) -> Result:
    """Run `script` and its `handler` in this process and environment."""
    try:
        function = _function(script, handler)
        if function is None:
            return Result(error_type="HandlerNotFound", error=f"the script defines no function {handler!r}, which Handler names")
        returned = function(payload, {})
        size = len(json.dumps(returned, allow_nan=False, ensure_ascii=False).encode("utf-8", "replace"))
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's script raises, SystemExit too, is its failure and not ours
        trace = _own_frames(error)
        said = f"{type(error).__name__}: {error}"
        # Observed: AWS shows the traceback in FailureMessage. ASSUMED: after type and message, so that no cut takes these away.
        return Result(log=trace, error_type=type(error).__name__, error=f"{said}\n{trace}".rstrip())
    if size > PAYLOAD_BYTES_MAX:
        return Result(error_type="PayloadTooLarge", error=_too_large(size))
    return Result(payload=returned)


def _own_frames(error: BaseException) -> str:
    """Return the traceback from the script on: without this module's own frames, and without the places where this machine keeps Python."""
    frames = error.__traceback__
    while frames is not None and not _is_own(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    # A script that cannot be compiled, or returns what is no JSON, has no frame of its own.
    if frames is None:
        return ""
    shown = traceback.TracebackException(type(error), error, frames)
    shown.stack = traceback.StackSummary.from_list([one for one in shown.stack if Path(one.filename).parent != OWN_FOLDER])
    told = "".join(shown.format(chain=False))
    for place in PYTHON_PLACES:
        told = told.replace(f'File "{place}/', 'File "')
    return told


def _is_own(file: str) -> bool:
    return file == FILE_NAME or f"/{ATTACHED}/" in file
