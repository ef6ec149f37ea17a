"""Amazon's own agent in a root of its own: its files, its configuration, its processes; the host keeps nothing of it.

    with StockAgent(found(), folder) as agent:
        agent.configure(...); agent.register(...); agent.start()

It is this file too that holds the sandbox, as a process of its own: `python stock_agent.py FOLDER` until its standard input ends.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from localorg.node import namespaces, rootfs, rootplan
from localorg.node.exec import run_in_node

BINARIES = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-document-worker", "ssm-session-worker")
CONFIGURATION = "etc/amazon/ssm/amazon-ssm-agent.json"
LOGS = ("var/log/amazon/ssm/amazon-ssm-agent.log", "var/log/amazon/ssm/errors.log")


def found() -> Path | None:
    """The folder with Amazon's agent: CSD_STOCK_AGENT, or where PATH has it; None when it is not here."""
    named = os.environ.get("CSD_STOCK_AGENT")
    on_path = shutil.which("amazon-ssm-agent")
    folder = Path(named) if named else Path(on_path).resolve().parent if on_path else None
    return folder if folder and all((folder / name).exists() for name in BINARIES[:3]) else None


class StockAgent:
    """One machine with the agent on it."""

    def __init__(self, source: Path, folder: Path, name: str = "press-1") -> None:
        self.folder = folder
        self.layer = folder / "upper" / "root"
        self._source = source
        self._name = name
        self._host: subprocess.Popen[str]
        self._agent: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __enter__(self) -> "StockAgent":
        self.folder.mkdir(parents=True)
        command = [sys.executable, __file__, str(self.folder), str(self._source), self._name]
        self._host = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._host.stdout is not None
        self._pid = json.loads(self._host.stdout.readline())["pid"]
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(OSError):
            self._host.communicate("", timeout=10)
        if self._agent is not None:
            self._agent.wait(10)

    def configure(self, content: str, authority: str) -> None:
        """Write the agent's own configuration file, and a certificate authority beside it."""
        self.write(CONFIGURATION, content)
        self.write("etc/amazon/ssm/ca.pem", authority)

    def write(self, name: str, text: str) -> None:
        """Write a file of the machine, from inside."""
        script = f'mkdir -p "$(dirname /{name})" && cat > /{name}'
        self.run("sh", "-c", script, stdin=text)

    def register(self, code: str, activation_id: str, region: str = "us-east-1") -> str:
        """Register as a person would; returns the node's id."""
        words = ("-register", "-y", "-code", code, "-id", activation_id, "-region", region)
        done = self.run("amazon-ssm-agent", *words, check=False)
        if done.returncode:
            raise AssertionError(f"not registered: {done.stdout}{done.stderr}")
        return json.loads(self.read("var/lib/amazon/ssm/registration"))["ManagedInstanceID"]

    def start(self) -> None:
        """Start the agent."""
        self._agent = subprocess.Popen(self._inside("env", "SSL_CERT_FILE=/etc/amazon/ssm/ca.pem", "amazon-ssm-agent"))

    def stop(self) -> None:
        """Stop the agent and all that it started."""
        self.run(
            "sh", "-c", "for p in /proc/[0-9]*; do case $(cat $p/comm) in *ssm*) kill -9 ${p#/proc/};; esac; done", check=False
        )
        if self._agent is not None:
            self._agent.wait(10)
            self._agent = None

    def run(self, *words: str, stdin: str = "", check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command on the machine."""
        return subprocess.run(self._inside(*words), input=stdin, capture_output=True, text=True, check=check, timeout=60)

    def read(self, name: str) -> str:
        """Return the text of a file of the machine."""
        return self.run("cat", f"/{name}").stdout

    def exists(self, name: str) -> bool:
        """Say whether the machine has a file."""
        return self.run("test", "-e", f"/{name}", check=False).returncode == 0

    def log(self) -> str:
        """Return what the agent wrote, for a test that failed."""
        return "\n".join(self.run("tail", "-n", "120", f"/{name}", check=False).stdout for name in LOGS)

    def _inside(self, *words: str) -> list[str]:
        return [sys.executable, __file__, "--in", str(self._pid), *words]


def hold(folder: Path, source: Path, name: str) -> None:
    """Make the sandbox, tell its process 1, and keep it until standard input ends."""
    facts, directories = rootfs.read_host_facts(), rootfs.node_directories(folder)
    if rootfs.is_whole_root():
        plan = rootplan.overlay_plan(facts, directories)
    else:
        rootfs.build_skeleton(folder / "skeleton", facts)
        plan = rootplan.layered_plan(facts, directories, str(folder / "skeleton"))
    rootfs.make_layers(plan)
    upper = Path(rootplan.overlaid(plan).get("/usr", rootplan.overlaid(plan).get("/", "")))
    programs = upper / ("bin" if "/usr" in rootplan.overlaid(plan) else "usr/bin")
    programs.mkdir(parents=True, exist_ok=True)
    for binary in BINARIES:
        if (source / binary).exists():
            shutil.copy2(source / binary, programs / binary)
            (programs / binary).chmod(0o755)
    release = {"ID": "debian", "VERSION_ID": "12", "NAME": "Debian GNU/Linux", "PRETTY_NAME": "Debian GNU/Linux 12"}
    text = "".join(f'{key}="{value}"\n' for key, value in release.items())
    rootfs.write_node_files(plan, {"/etc/os-release": text, "/usr/lib/os-release": text, "/etc/hostname": f"{name}\n"})
    pid = namespaces.start(plan, _be_first, name)
    sys.stdout.write(json.dumps({"pid": pid}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _be_first() -> int:
    """Process 1: bury what ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        signal.pause()


if __name__ == "__main__":
    if sys.argv[1] == "--in":
        sys.exit(run_in_node(int(sys.argv[2]), sys.argv[3:]))
    hold(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
