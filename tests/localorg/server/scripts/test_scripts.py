"""executeScript's worker: what a script may see, what it may not, and how each way to end is told."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.store import Store
from localorg.protocol.calls import ScriptJob
from localorg.server.scripts import ScriptWorkers

KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "SessionToken": "token"}
pytestmark = pytest.mark.sandbox


async def ended(kernel: Kernel) -> None:
    """Wait until no script runs any more."""
    news = asyncio.Event()
    kernel.wake = news.set
    while kernel.outside:
        await news.wait()
        news.clear()


def run(
    tmp_path: Path, *scripts: str, credentials: dict[str, str] | None = None, impatient_with: str = ""
) -> list[dict[str, Any]]:
    """Run scripts one after another in one host and return the data of their reply events."""
    kernel = Kernel(Store(), VirtualClock())
    replies: list[dict[str, Any]] = []
    kernel.on("test", lambda event: replies.append(event.data))

    async def go() -> None:
        workers = ScriptWorkers(kernel, "namespaces", tmp_path, logging.getLogger("test"))
        await workers.open()
        for script in scripts:
            workers.start(
                ScriptJob(
                    script,
                    "handler",
                    {"n": 1},
                    "python3.11",
                    "eu-west-1",
                    credentials,
                    1.0 if script == impatient_with else 60.0,
                    Event("test", "done", {"mine": 7}),
                )
            )
            assert kernel.outside == 1
            await ended(kernel)
            kernel.step()
        await workers.close()

    asyncio.run(go())
    return replies


def test_a_script_gets_its_payload_and_returns_its_own(tmp_path: Path) -> None:
    """Documented: Automation action reference, "aws:executeScript": events in, the returned value out, prints in the log."""
    script = "def handler(events, context):\n    print('working')\n    return {'twice': events['n'] * 2}\n"
    assert run(tmp_path, script) == [{"mine": 7, "ok": True, "payload": {"twice": 2}, "log": "working\n"}]


LOOK = """
import os
def handler(events, context):
    seen = {name: os.path.exists(name) for name in (%r, %r, "/etc/passwd", "/etc/shadow")}
    try:
        open("/usr/written", "w")
    except OSError as error:
        seen["writing"] = error.strerror
    return {"seen": seen, "environment": sorted(os.environ), "processes": sorted(n for n in os.listdir("/proc") if n.isdigit())}
"""


def test_a_script_sees_nothing_of_the_machine(tmp_path: Path) -> None:
    """Not the checkout, not the state directory, no other process, no environment but its own; the system is read-only."""
    (tmp_path / "organization.db").write_text("state")
    answer = run(tmp_path, LOOK % (str(Path(__file__)), str(tmp_path / "organization.db")), credentials=KEYS)[0]["payload"]
    seen = answer["seen"]
    assert seen.pop("writing") == "Read-only file system"
    assert set(seen.values()) == {False}
    assert answer["processes"] == ["1"]
    assert [name for name in answer["environment"] if name.startswith("AWS_")] == [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ]


def test_without_a_role_a_script_has_no_credentials(tmp_path: Path) -> None:
    """Documented: Automation action reference: a script without an assumed role runs without credentials."""
    script = "import boto3\ndef handler(events, context):\n    return {'found': boto3.Session().get_credentials() is not None}\n"
    assert run(tmp_path, script)[0]["payload"] == {"found": False}


def test_runs_do_not_see_one_another(tmp_path: Path) -> None:
    """A file of one run, and a module it changed, are not there for the next."""
    leave = "import json\ndef handler(events, context):\n    open('/tmp/left', 'w').close()\n    json.left = 1\n    return {}\n"
    look = (
        "import json, os\ndef handler(events, context):\n"
        "    return {'file': os.path.exists('/tmp/left'), 'module': hasattr(json, 'left')}\n"
    )
    assert run(tmp_path, leave, look)[1]["payload"] == {"file": False, "module": False}


WAYS_TO_FAIL: list[tuple[str, str, Callable[[dict[str, Any]], bool]]] = [
    (
        "def handler(events, context):\n    raise ValueError('no such Region')\n",
        "ValueError: no such Region",
        lambda r: "line 2" in r["log"],
    ),
    ("import sys\ndef handler(events, context):\n    sys.exit('enough')\n", "SystemExit: enough", lambda r: True),
    ("value = 1\n", "the script defines no function 'handler', which Handler names", lambda r: True),
    (
        "def handler(events, context):\n    return {1, 2}\n",
        "TypeError: Object of type set is not JSON serializable",
        lambda r: True,
    ),
    ("def handler(events, context):\n    return 'x' * 200000\n", "a payload has at most 102400", lambda r: True),
    ("import os\ndef handler(events, context):\n    os._exit(3)\n", "ended without a result", lambda r: True),
    ("def handler(events, context)\n", "SyntaxError: expected ':'", lambda r: True),
]


@pytest.mark.parametrize(("script", "said", "also"), WAYS_TO_FAIL)
def test_every_failure_says_what_happened(tmp_path: Path, script: str, said: str, also: Callable[[dict[str, Any]], bool]) -> None:
    """The error has type and message first; the log has the traceback."""
    reply = run(tmp_path, script)[0]
    assert reply["ok"] is False
    assert said in reply["error"]
    assert also(reply)


def test_a_script_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Its time-out is the reply, and the next script runs."""
    forever = "def handler(events, context):\n    while True:\n        pass\n"
    late, fine = run(tmp_path, forever, "def handler(events, context):\n    return 1\n", impatient_with=forever)
    assert (late["ok"], late["timed_out"]) == (False, True)
    assert fine["payload"] == 1


def test_a_stopped_script_is_ended_and_not_heard(tmp_path: Path) -> None:
    """Cancelling an execution ends its script: no reply comes, and nothing counts as work outside any more."""
    kernel = Kernel(Store(), VirtualClock())
    replies: list[dict[str, Any]] = []
    kernel.on("test", lambda event: replies.append(event.data))
    reply = Event("test", "done", {"mine": 7})
    forever = "def handler(events, context):\n    while True:\n        pass\n"

    async def go() -> None:
        workers = ScriptWorkers(kernel, "namespaces", tmp_path, logging.getLogger("test"))
        await workers.open()
        workers.start(ScriptJob(forever, "handler", {}, "python3.11", "eu-west-1", None, 20.0, reply))
        await asyncio.sleep(0)
        workers.stop(reply)
        workers.stop(reply)
        for _ in range(5):
            await asyncio.sleep(0)
        await workers.close()

    asyncio.run(go())
    kernel.step()
    assert (replies, kernel.outside) == ([], 0)


def test_an_early_script_waits_for_the_host_and_an_interrupted_one_has_no_reply(tmp_path: Path) -> None:
    """After a restart a script may be asked for before the host is up; one that the server's end interrupts is not called a failure."""
    kernel = Kernel(Store(), VirtualClock())
    replies: list[dict[str, Any]] = []
    kernel.on("test", lambda event: replies.append(event.data))
    scripts = {
        "quick": "def handler(events, context):\n    return 5\n",
        "long": "def handler(events, context):\n    while True:\n        pass\n",
    }

    async def go() -> None:
        workers = ScriptWorkers(kernel, "namespaces", tmp_path, logging.getLogger("test"))
        workers.start(
            ScriptJob(scripts["quick"], "handler", {}, "python3.11", "eu-west-1", None, 60.0, Event("test", "done", {"n": 1}))
        )
        await workers.open()
        await ended(kernel)
        workers.start(
            ScriptJob(scripts["long"], "handler", {}, "python3.11", "eu-west-1", None, 60.0, Event("test", "done", {"n": 2}))
        )
        await workers.close()
        kernel.step()

    asyncio.run(go())
    assert [(reply["n"], reply["payload"]) for reply in replies] == [(1, 5)]
