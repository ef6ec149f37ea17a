"""A node is a machine of its own: what it sees, what it may, what it leaves behind. Real namespaces, real processes."""

import os
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localorg.node import rootfs
from node.conftest import Fleet
from node.control_plane import ControlPlane
from node.running import enter, host, node_entry, python_path

pytestmark = pytest.mark.sandbox


def test_a_node_sees_its_persona_and_its_host_name(fleet: Fleet) -> None:
    """The agent of each node finds its own platform."""
    said = fleet.plane.shell(
        fleet.two, ". /etc/os-release; echo $ID $VERSION_ID; hostname; cat /etc/hostname; cat /usr/lib/os-release | head -1"
    )
    assert said.out.split("\n")[:4] == ["rocky 9.4", "host-2222", "host-2222", 'ID="rocky"']


def test_what_one_node_writes_no_other_sees_and_the_host_neither(fleet: Fleet) -> None:
    """Writes go to the node's own layer, wherever they are made."""
    places = ["/usr/bin/mine", "/etc/mine", "/root/mine", "/home/mine", "/var/lib/mine", "/opt/mine", "/tmp/mine"]
    made = fleet.plane.shell(fleet.one, *(f"echo x > {place}" for place in places), "ls " + " ".join(places))
    assert made.status == "Success", made.err
    assert fleet.plane.shell(fleet.two, *(f"test ! -e {place} || echo {place}" for place in places)).out == ""
    assert [place for place in places if os.access(place, os.F_OK)] == []
    assert fleet.file(fleet.one, "/usr/bin/mine").exists()


def test_the_hosts_private_places_are_empty(fleet: Fleet) -> None:
    """/root, /home, the state directory and the checkout are masked, and software in /opt; no password hash of the host is there."""
    checkout, added = Path(__file__).parents[2], shlex.join(rootfs.private_paths(rootfs.read_host_facts()))
    fleet.plane.shell(fleet.one, "rm -rf /root/* /home/* /opt/*")
    said = fleet.plane.shell(
        fleet.one,
        f"ls -A /root /home; ls {checkout} {fleet.state} 2>/dev/null; cut -d: -f2 /etc/shadow | sort -u",
        f"find {added} -mindepth 1 2>/dev/null",
    )
    assert said.out.split() == ["/home:", "/root:", *(["*"] if os.geteuid() == 0 else [])]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        ("mount -t tmpfs x /mnt", "permission denied"),
        ("umount /proc/sys", "must be superuser"),
        ("mount -o remount,rw /proc/sys", "permission denied"),
        ("mknod /tmp/disk b 254 0", "Operation not permitted"),
        ("echo 1 > /proc/sys/kernel/panic", "Read-only file system"),
        ("echo b > /proc/sysrq-trigger", "sysrq-trigger"),
        ("cat /proc/1/mem", "Permission denied" if os.geteuid() == 0 else "Input/output error"),
        ("date -s 2020-01-01", "Operation not permitted"),
        ("hostname other", "you must be root"),
        ("ip link add dummy0 type dummy || ifconfig lo down", "not permitted|not found"),
        ("kill -9 1; kill -0 1 && echo 'it lives' >&2 && false", "it lives"),
    ],
)
def test_what_a_node_may_not_do(fleet: Fleet, attempt: str, words: str) -> None:
    """Root in a node is not root on the machine."""
    said = fleet.plane.shell(fleet.one, attempt)
    assert said.status == "Failed", said.out
    assert any(word in said.err for word in words.split("|")), said.err


def test_a_node_has_only_its_own_processes_and_few_devices(fleet: Fleet) -> None:
    """Own process ids; /dev without disks; no capability beyond a package manager's needs."""
    said = fleet.plane.shell(
        fleet.one,
        "ls /proc | grep -c '^[0-9]'; ls /dev | sort | tr '\\n' ' '; grep CapEff /proc/self/status; grep NoNewPrivs /proc/1/status",
    )
    lines = said.out.splitlines()
    assert int(lines[0]) < 10
    assert lines[1].split()[: lines[1].split().index("CapEff:")] == [
        *("fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"),
    ]
    assert lines[1].split()[-1] == "00000000a00404fb"
    assert lines[2].split()[-1] == "1"


def test_exec_runs_inside_with_the_commands_own_exit_code(fleet: Fleet) -> None:
    """`localorg exec`: streams, exit code, no more power than the node, and nothing of the caller's environment."""
    pid = fleet.host.pid(fleet.one)
    os.environ["LOCALORG_TEST_SECRET"] = "operator"
    said = enter(
        pid, "sh", "-c", "hostname; id -u; env; grep CapEff /proc/self/status; mount -t tmpfs x /mnt 2>/dev/null || exit 7"
    )
    assert said.returncode == 7, said.stderr
    assert said.stdout.splitlines()[:2] == ["host-2222", "0"]
    assert "LOCALORG_TEST_SECRET" not in said.stdout
    assert "00000000a00404fb" in said.stdout
    assert enter(pid, "no-such-command").returncode == 127
    assert enter(pid, "sh", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM
    gone = enter(999_999_9, "true")
    assert (gone.returncode, gone.stderr.split(":")[0]) == (125, "cannot enter the node of process 9999999")


def test_orphans_are_reaped(fleet: Fleet) -> None:
    """Process 1 of a node collects whatever a script leaves behind."""
    fleet.plane.shell(fleet.one, "(sh -c 'sleep 0.01 & exit' &) ; true")
    said = fleet.plane.shell(fleet.one, "sleep 0.05; grep -l 'State:.*Z' /proc/[0-9]*/status 2>/dev/null; true")
    assert said.out == ""


def _processes_of(config: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(config) in (entry / "cmdline").read_text():
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_killing_the_parent_leaves_no_process_and_no_mount(sandbox: None, tmp_path: Path) -> None:
    """SIGKILL of whoever started the host: the kernel takes host, nodes and their scripts; mounts go with them."""
    state = tmp_path / "nodes"
    with ControlPlane() as plane, host(plane, state, [node_entry("i-0aaa1111")]) as running:
        pid = running.pid("i-0aaa1111")
        plane.send("i-0aaa1111", {"schemaVersion": "2.2", "mainSteps": [_sleeping_step()]})
        plane.wait_for(lambda: any(name == "AcknowledgeMessage" for name, _ in plane.calls), "the acknowledgement")
        node = os.pidfd_open(pid)
        running.process.kill()
        running.process.wait()
        assert _ended(node)
    assert str(state) not in Path("/proc/self/mounts").read_text()
    assert _processes_of(tmp_path / "host.json") == []


def _sleeping_step() -> dict:
    return {"action": "aws:runShellScript", "name": "s", "inputs": {"runCommand": ["exec sleep 1000"]}}


def _ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 30)[0])


def test_the_end_of_input_stops_every_node(sandbox: None, tmp_path: Path) -> None:
    """An orderly end says so for each node."""
    with (
        ControlPlane() as plane,
        host(plane, tmp_path / "nodes", [node_entry("i-0aaa1111"), node_entry("i-0bbb2222")]) as running,
    ):
        running.wait("node-up", "i-0bbb2222")
        assert running.end() == 0
        assert running.wait("node-died", "i-0aaa1111")["reason"] == "it was stopped"
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def test_commands_to_the_host(sandbox: None, tmp_path: Path) -> None:
    """Nodes come and go while the host runs; a wrong command is answered and harms nothing."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", []) as running:
        running.tell(op="add", node=node_entry("i-0aaa1111"))
        assert plane.shell("i-0aaa1111", "echo here").out == "here\n"
        running.tell(op="dance")
        assert running.wait("failed")["reason"] == "the command 'dance' is not known; known are set_online, add and stop"
        running.tell(op="stop", instance_id="i-0aaa1111")
        assert running.wait("node-died")["reason"] == "it was stopped"
        running.tell(op="add", node={"instance_id": "i-0bbb2222"})
        running.wait("failed")
        assert running.process.poll() is None


def test_a_node_that_dies_is_told(sandbox: None, tmp_path: Path) -> None:
    """The host notices, and says how."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry("i-0aaa1111")]) as running:
        os.kill(running.pid("i-0aaa1111"), signal.SIGKILL)
        assert running.wait("node-died")["reason"] == "its first process ended (killed by signal 9)"


def test_a_state_directory_that_cannot_carry_an_overlay_is_refused(sandbox: None, tmp_path: Path) -> None:
    """As inside a container: the state directory on an overlay file system."""
    flags, option = ("-m", "") if os.geteuid() == 0 else ("-Urm", "userxattr,")
    script = (
        f"mkdir -p {tmp_path}/u {tmp_path}/w {tmp_path}/l {tmp_path}/m && mount -t overlay overlay "
        f'-o {option}lowerdir={tmp_path}/l,upperdir={tmp_path}/u,workdir={tmp_path}/w {tmp_path}/m && exec "$@"'
    )
    prefix = ("unshare", flags, "sh", "-c", script, "sh")
    with (
        ControlPlane() as plane,
        host(plane, tmp_path / "m/nodes", [node_entry("i-0aaa1111")], prefix=prefix, config=tmp_path / "host.json") as running,
    ):
        reason = running.wait("refused")["reason"]
        assert running.process.wait(30) == 3
    assert "must lie on a file system that overlayfs can write to" in reason
    assert reason.endswith("Move the state directory, or give --isolation none.")


def test_without_namespaces_it_refuses_and_says_what_to_do(sandbox: None, tmp_path: Path) -> None:
    """A machine where unshare is refused: a sentence, and an exit code that is not zero."""
    prefix = ("unshare", "-Ur", "setpriv", "--bounding-set=-all", "--inh-caps=-all")
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry("i-0aaa1111")], prefix=prefix) as running:
        reason = running.wait("refused")["reason"]
        assert running.process.wait(30) == 3
    assert reason.startswith(
        "sandboxes need namespaces, and this machine refuses them to root without SYS_ADMIN (unshare: Operation not permitted)"
    )
    assert reason.endswith("or give --isolation none.")


def test_isolation_none_runs_scripts_on_the_machine_itself_and_says_so(tmp_path: Path) -> None:
    """A folder per node, the persona's os-release in it, and a warning."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry("i-0aaa1111")], isolation="none") as running:
        assert "package scripts run on this machine itself" in running.wait("warning")["reason"]
        said = plane.shell("i-0aaa1111", "pwd; echo $LOCALORG_NODE_ROOT; readlink /proc/self/ns/mnt")
        bare = str(tmp_path / "nodes/i-0aaa1111/bare")
        assert said.out.splitlines() == [bare, bare, os.readlink("/proc/self/ns/mnt")]
        assert enter(running.pid("i-0aaa1111"), "pwd").stdout == f"{bare}\n"


def test_a_time_limit(tmp_path: Path) -> None:
    """Observed: TimedOut, code 137; the whole process group goes."""
    code = f"""
import os, threading
from pathlib import Path
from localorg.node.processes import Cancel, Processes
processes, folder = Processes(), Path({str(tmp_path)!r})
run = lambda *command, limit: processes.run(
    command, folder=folder, environment=os.environ, output=folder, timeout_s=limit, cancel=Cancel())
work = threading.Thread(target=lambda: print(run("sh", "-c", "sleep 1000 & sleep 1000", limit=0.05), run("sh", "-c", "exit 4", limit=60)))
work.start()
while work.is_alive():
    processes.reap()
    work.join(0.01)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": python_path()}
    )
    assert said.stdout == "Ended(code=137, timed_out=True, cancelled=False) Ended(code=4, timed_out=False, cancelled=False)\n", (
        said.stderr
    )


def test_every_module_a_node_needs_is_there_before_it_starts(fleet: Fleet) -> None:
    """A node's root has no Python of ours: nothing may be imported late."""
    log = fleet.file(fleet.one, "/var/log/amazon/ssm/amazon-ssm-agent.log")
    assert "No module named" not in log.read_text()
    assert "defect" not in log.read_text()


def test_starting_the_host_with_a_wrong_configuration(tmp_path: Path) -> None:
    """Told as an event, with an exit code."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [{"instance_id": "nobody"}], isolation="none") as running:
        assert "nodes[0].instance_id: expected i-... or mi-..., found 'nobody'" in running.wait("refused")["reason"]
        assert running.process.wait(30) == 2


def test_an_ordinary_user_is_told_when_user_namespaces_are_off(sandbox: None, tmp_path: Path) -> None:
    """`available` speaks of what would allow them."""
    code = "from localorg.node.namespaces import available; r = available(); print(r.reason if r else 'yes')"
    prefix = [
        "unshare",
        "-Ur",
        "sh",
        "-c",
        'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
        "sh",
    ]
    done = subprocess.run(
        [*prefix, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": python_path()},
    )
    assert "sandboxes need namespaces" in done.stdout, done.stderr


@pytest.mark.parametrize("variables", [{}, {"LC_ALL": "C"}, {"LANG": "POSIX", "AWS_SECRET_ACCESS_KEY": "operator"}])
def test_the_host_starts_with_any_environment(tmp_path: Path, variables: dict[str, str]) -> None:
    """It starts anew once without the caller's variables, also where Python adds one of its own (PEP 538)."""
    config = tmp_path / "host.json"
    config.write_text('{"endpoint": "http://127.0.0.1:1", "state_dir": "/nowhere", "isolation": "none", "nodes": []}')
    command = [sys.executable, "-m", "localorg.node.host", str(config)]
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PYTHONPATH": python_path(), **variables},
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
