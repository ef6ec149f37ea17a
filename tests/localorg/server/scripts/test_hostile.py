"""Scripts that mean harm: to other runs, to the host they are forked from, to the machine."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from server.scripts.test_scripts import KEYS, ended, run

from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.store import Store
from localorg.protocol.calls import ScriptJob
from localorg.server.script_run import read_result
from localorg.server.scripts import ScriptWorkers

FINE = "def handler(events, context):\n    return 1\n"
pytestmark = pytest.mark.sandbox
CHANNEL = """
import os, socket
def channel():
    for name in os.listdir('/proc/self/fd'):
        try:
            if os.readlink('/proc/self/fd/' + name).startswith('socket:'):
                return int(name)
        except OSError:
            pass
"""


def together(tmp_path: Path, *jobs: tuple[str, dict[str, str] | None]) -> list[dict[str, Any]]:
    """Run scripts at the same time in one host; return their replies in the order of `jobs`."""
    kernel = Kernel(Store(), VirtualClock())
    replies: dict[int, dict[str, Any]] = {}
    kernel.on("test", lambda event: replies.setdefault(event.data["number"], event.data))

    async def go() -> None:
        workers = ScriptWorkers(kernel, "namespaces", tmp_path, logging.getLogger("test"))
        await workers.open()
        for number, (script, keys) in enumerate(jobs):
            done = Event("test", "done", {"number": number})
            workers.start(ScriptJob(script, "handler", {}, "python3.11", "eu-west-1", keys, 20.0, done))
        await ended(kernel)
        kernel.step()
        await workers.close()

    asyncio.run(go())
    return [replies[number] for number in range(len(jobs))]


LOOK_FOR_KEYS = """
import gc, re, sys
def handler(events, context):
    found = set()
    frame = sys._getframe()
    while frame is not None:
        found |= set(re.findall('ASIAVICTI[M]', repr(frame.f_locals)))
        frame = frame.f_back
    for line in open('/proc/self/maps'):
        span, rights = line.split()[:2]
        if 'r' in rights and 'vv' not in line and 'vsyscall' not in line:
            start, end = (int(part, 16) for part in span.split('-'))
            with open('/proc/self/mem', 'rb') as memory:
                memory.seek(start)
                if re.search(b'secret of the victi[m]', memory.read(end - start)):
                    found.add('memory')
    return sorted(found)
"""


def test_the_memory_of_a_run_holds_no_other_runs_credentials(tmp_path: Path) -> None:
    """A fork inherits its parent's memory, so what another run was given never passes through the parent."""
    keys = {"AccessKeyId": "ASIAVICTIM", "SecretAccessKey": "secret of the victim", "SessionToken": "token"}
    replies = together(tmp_path, (FINE, keys), (FINE, keys), (LOOK_FOR_KEYS, KEYS))
    assert replies[2]["payload"] == []


def test_the_servers_environment_is_nowhere_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc/self/environ tells what a process began with, whatever it cleared since: the operator's own credentials must not be there."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the operator's own")
    look = "def handler(events, context):\n    return 'operator' in open('/proc/self/environ', errors='replace').read()\n"
    assert run(tmp_path, look)[0]["payload"] is False


FORGERIES = [
    "os.write(channel(), b'{\"x\": 1}')",
    "os.write(channel(), b'[]')",
    "os.write(channel(), b'\\xff\\xfe not json')",
    'os.write(channel(), b\'{"payload":1,"log":2,"error":[],"error_type":"","timed_out":false}\')',
    'os.write(channel(), b\'{"id":"2","result":{"payload":"forged"}}\\n\')',
    "socket.socket(fileno=channel()).sendall(b' ' * (4 << 20))",
]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_a_run_forges_is_not_believed_and_hurts_no_other(tmp_path: Path, forgery: str) -> None:
    """A result of the wrong form is no result; the next run is served as ever."""
    script = f"{CHANNEL}\ndef handler(events, context):\n    {forgery}\n    os._exit(0)\n"
    bad, fine = run(tmp_path, script, FINE)
    assert "ended without a result" in bad["error"]
    assert fine["payload"] == 1


def test_a_run_that_hangs_up_and_runs_on_is_ended(tmp_path: Path) -> None:
    """Closing its channel ends a run: nobody waits for it, and nothing of it stays behind."""
    script = f"{CHANNEL}\nimport time\ndef handler(events, context):\n    os.close(channel())\n    time.sleep(1000)\n"
    bad, fine = run(tmp_path, script, FINE)
    assert "ended without a result" in bad["error"]
    assert fine["payload"] == 1


def test_what_a_run_starts_ends_with_it(tmp_path: Path) -> None:
    """A daemon that a script leaves behind is gone when the script has ended."""
    mark = f"left-behind-{os.getpid()}"
    script = (
        "import subprocess\ndef handler(events, context):\n"
        f"    return subprocess.Popen(['/bin/sh', '-c', 'sleep 1000; : {mark}'], start_new_session=True).pid\n"
    )
    assert run(tmp_path, script, FINE)[0]["ok"]
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and mark in _command_line(pid)]


def _command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


GREED = [
    ("bytearray(2 << 30)", "MemoryError"),
    ("open('/tmp/full', 'wb').write(bytes(300 << 20))", "No space left on device"),
    ("open('/dev/shm/full', 'wb').write(bytes(100 << 20))", "No space left on device"),
    ("open('/run/full', 'wb').write(bytes(2 << 20))", "No space left on device"),
]


@pytest.mark.parametrize(("greed", "said"), GREED)
def test_a_greedy_run_fails_by_itself(tmp_path: Path, greed: str, said: str) -> None:
    """Memory and the private file systems are bounded, so that one script cannot take the machine with it."""
    greedy, fine = run(tmp_path, f"def handler(events, context):\n    {greed}\n", FINE)
    assert said in greedy["error"]
    assert fine["payload"] == 1


def test_boto3_works_within_the_bounds(tmp_path: Path) -> None:
    """The address space suffices for clients of every service that our own scripts use."""
    names = ("ssm", "s3", "sts", "organizations", "ec2", "iam", "cloudformation")
    script = f"import boto3\ndef handler(events, context):\n    return [boto3.client(n).meta.service_model.service_name for n in {names}]\n"
    assert run(tmp_path, script, credentials=KEYS)[0]["payload"] == list(names)


def test_the_machines_private_keys_are_not_shown(tmp_path: Path) -> None:
    """/etc/ssl/private is readable for root; a script sees the certificates only."""
    look = "import os\ndef handler(events, context):\n    return [os.path.exists('/etc/ssl/certs'), os.path.exists('/etc/ssl/private')]\n"
    assert run(tmp_path, look)[0]["payload"] == [Path("/etc/ssl/certs").exists(), False]


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    """NaN has no JSON; half of a surrogate pair has no UTF-8, and must not reach the rows."""
    nan, half = run(
        tmp_path,
        "def handler(events, context):\n    return float('nan')\n",
        "def handler(events, context):\n    print('\\ud800')\n    return '\\ud800'\n",
    )
    assert "not JSON compliant" in nan["error"]
    assert (half["payload"], half["log"]) == ("?", "?\n")


def test_a_host_that_died_is_replaced(tmp_path: Path) -> None:
    """Whatever kills the script host fails the runs of the moment, not those after it."""
    kernel = Kernel(Store(), VirtualClock())
    replies: list[dict[str, Any]] = []
    kernel.on("test", lambda event: replies.append(event.data))

    async def go() -> None:
        workers = ScriptWorkers(kernel, "namespaces", tmp_path, logging.getLogger("test"))
        await workers.open()
        process = workers._process
        assert process is not None
        job = ScriptJob(FINE, "handler", {}, "python3.11", "eu-west-1", None, 20.0, Event("test", "done", {}))
        for _ in range(2):
            workers.start(job)
            await ended(kernel)
            if process.returncode is None:
                process.kill()
                await process.wait()
        kernel.step()
        await workers.close()

    asyncio.run(go())
    assert [reply["ok"] for reply in replies] == [True, True]


def test_only_a_result_is_a_result() -> None:
    """The form is checked member by member."""
    assert read_result(b'{"payload":1,"log":"l","error":"","error_type":"","timed_out":false}').payload == 1
    for told in (b"", b"{}", b"null", b'{"payload":1,"log":"","error":"","error_type":"","timed_out":true}', b"[" * 100_000):
        assert read_result(told).error_type == "WorkerDied"
