"""What else a script may be made of: an attachment of its runbook, and PowerShell where this machine has it."""

import asyncio
import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import ScriptJob
from localorg.server.scripts import ScriptWorkers

pytestmark = pytest.mark.sandbox
PWSH = """#!/bin/sh
# Stands in for PowerShell: shows what it was called with, as JSON.
while [ "$1" != -File ]; do shift; done
case "$(cat "$2")" in
  *throw*) echo "it was thrown" >&2; exit 1;;
  *) printf '{"payload": %s, "words": "%s"}' "$InputPayload" "$(cat "$2")";;
esac
"""


async def ended(kernel: Kernel) -> None:
    news = asyncio.Event()
    kernel.wake = news.set
    while kernel.outside:
        await news.wait()
        news.clear()


def run(tmp_path: Path, *jobs: dict[str, Any], pwsh: str = "") -> list[dict[str, Any]]:
    """Run jobs one after another in one host and return the data of their reply events."""
    kernel = Kernel(Store(), VirtualClock(), Settings(pwsh=pwsh))
    replies: list[dict[str, Any]] = []
    kernel.on("test", lambda event: replies.append(event.data))
    fixed = {"payload": {"n": 1}, "region": "eu-west-1", "credentials": None, "timeout_s": 60.0}

    async def go() -> None:
        workers = ScriptWorkers(kernel, "namespaces", tmp_path, logging.getLogger("test"))
        await workers.open()
        for job in jobs:
            workers.start(ScriptJob(**{**fixed, "runtime": "python3.11", "reply": Event("test", "done", {}), **job}))
            await ended(kernel)
            kernel.step()
        await workers.close()

    asyncio.run(go())
    return replies


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return packed.getvalue()


def test_a_handler_may_lie_in_an_attachment(tmp_path: Path) -> None:
    """Documented: automation-action-executeScript: a .py or .zip file, with the handler FILE.FUNCTION; or beside a Script."""
    twice = "def main(events, context):\n    return events['n'] * 2\n"
    inside = zipped(
        lib__inner="def seven():\n    return 7\n", start="from lib.inner import seven\ndef main(e, c):\n    return seven()\n"
    )
    beside = "from lib.inner import seven\ndef go(events, context):\n    return seven() + events['n']\n"
    broken = "def main(events, context):\n    raise KeyError('lost')\n"
    replies = run(
        tmp_path,
        {"script": "", "handler": "twice.main", "attachment": "twice.py", "attached": twice.encode()},
        {"script": "", "handler": "start.main", "attachment": "all.zip", "attached": inside},
        {"script": beside, "handler": "go", "attachment": "all.zip", "attached": inside},
        {"script": "", "handler": "broken.main", "attachment": "broken.py", "attached": broken.encode()},
        {"script": "", "handler": "start.main", "attachment": "all.zip", "attached": b"no zip"},
    )
    assert [reply.get("payload") for reply in replies[:3]] == [2, 7, 8]
    assert replies[3]["error"].startswith("KeyError: 'lost'\nTraceback (most recent call last):\n")
    assert "script_run" not in replies[3]["error"]
    assert "the attachment all.zip cannot be used" in replies[4]["error"]


def test_powershell_gets_its_payload_in_the_environment(tmp_path: Path) -> None:
    """Documented: automation-action-executeScript: $env:InputPayload is the payload as JSON; what the script prints is its output."""
    (tmp_path / "bin").mkdir()
    pwsh = tmp_path / "bin" / "pwsh"
    pwsh.write_text(PWSH)
    pwsh.chmod(0o755)
    shell = {"handler": "", "runtime": "PowerShell 7.4"}
    replies = run(tmp_path, {"script": "return 1", **shell}, {"script": "throw 1", **shell}, pwsh=str(pwsh))
    assert replies[0]["payload"] == {"payload": {"n": 1}, "words": "return 1"}
    assert replies[1]["error"] == "it was thrown"


def test_only_what_aws_provides_can_be_imported(tmp_path: Path) -> None:
    """Assumed: boto3 and what it needs; what else this machine has is not there, unless the attachment brings it."""
    tries = (
        "def main(events, context):\n"
        "    found = {}\n"
        "    for name in ('boto3', 'dateutil.parser', 'urllib3', 'sqlite3', 'yaml', 'requests', 'localorg', 'orjson', 'moto.core'):\n"
        "        try:\n"
        "            found[name] = bool(__import__(name))\n"
        "        except ModuleNotFoundError as error:\n"
        "            found[name] = str(error)\n"
        "    return found\n"
    )
    alone, together = run(
        tmp_path,
        {"script": tries, "handler": "main"},
        {"script": tries, "handler": "main", "attachment": "all.zip", "attached": zipped(yaml="", requests="")},
    )
    there = dict.fromkeys(("boto3", "dateutil.parser", "urllib3", "sqlite3"), True)
    missing = {
        name: f"No module named {name.partition('.')[0]!r}" for name in ("yaml", "requests", "localorg", "orjson", "moto.core")
    }
    assert alone["payload"] == {**there, **missing}
    assert together["payload"] == {**there, **missing, "yaml": True, "requests": True}
    (lost,) = run(tmp_path, {"script": "import yaml\ndef main(e, c):\n    return 1\n", "handler": "main"})
    told = "ModuleNotFoundError: No module named 'yaml'"
    assert lost["error"] == f'{told}\nTraceback (most recent call last):\n  File "script.py", line 1, in <module>\n{told}'
