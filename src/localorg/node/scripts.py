"""aws:runShellScript and aws:runPowerShellScript: a list of lines becomes a script file, which `sh -c` or `pwsh -f` runs.

Flow: lines + folder + environment -> `_script.sh` or `_script.ps1` in the step's own folder -> `Processes.run` -> `StepResult` with
the stock agent's words and codes; the streams stay there whole, with the agent's last words, for S3. Package scripts are run so too.
AWS: amazon-ssm-agent, plugins/runscript and pluginutil.
"""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.node.document import EXIT_AS_FAILURE, EXIT_AS_SUCCESS, flattened
from localorg.node.processes import Cancel, Ended, Runner
from localorg.node.results import STDOUT_CHARACTERS_MAX, Status, StepResult, combined, failed

PLUGIN = "aws:runShellScript"
POWERSHELL = "aws:runPowerShellScript"
POWERSHELL_PROGRAMS = ("/usr/bin/powershell", "/usr/bin/pwsh")
"""AWS: amazon-ssm-agent, appconfig constants_unix: the first that is there, else the last."""
TIMEOUT_DEFAULT_S, TIMEOUT_MIN_S, TIMEOUT_MAX_S = 3600, 5, 172_800
"""AWS: pluginutil ValidateExecutionTimeout: a value outside the bounds counts as the default."""
REBOOT = 194


@dataclass(frozen=True)
class Surroundings:
    """What every script of one command has around it."""

    processes: Runner
    cancel: Cancel
    folder: Path
    """The command's own folder (orchestration directory)."""
    working_folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def downloads(self) -> Path:
        """Return where the command's relative paths lie. AWS: agent, runscript and downloadcontent."""
        return self.folder.parent / "downloads"


def timeout_s(value: Any) -> float:
    """Return the time limit that an input stands for, in seconds."""
    try:
        number = int(float(value))
    except (TypeError, ValueError):
        return TIMEOUT_DEFAULT_S
    return number if TIMEOUT_MIN_S <= number <= TIMEOUT_MAX_S else TIMEOUT_DEFAULT_S


@dataclass(frozen=True)
class Shell:
    """What runs a script file: the plugin's name, the file's name, how it is started."""

    plugin: str
    script: str
    command: Callable[[Path], list[str]]
    head: str = ""
    """What the file begins with."""


SH = Shell(PLUGIN, "_script.sh", lambda script: ["sh", "-c", shlex.quote(str(script))])
# AWS: amazon-ssm-agent, fileutil: PowerShell scripts begin with a byte order mark.
POWERSHELL_SHELL = Shell(POWERSHELL, "_script.ps1", lambda script: [_powershell(), "-f", str(script)], "\ufeff")


def _powershell() -> str:
    return next((path for path in POWERSHELL_PROGRAMS if Path(path).exists()), POWERSHELL_PROGRAMS[-1])


def run_script(inputs: Mapping[str, Any], name: str, around: Surroundings, shell: Shell) -> StepResult:
    """Run the step whose folder is `name` with `inputs` (runCommand, workingDirectory, timeoutSeconds)."""
    lines = flattened(inputs.get("runCommand", []))
    wanted = str(inputs.get("workingDirectory") or "")
    folder = around.downloads / wanted
    if not wanted.startswith("/") and not folder.is_dir():
        folder = around.working_folder
    return run_lines(lines, name, folder, timeout_s(inputs.get("timeoutSeconds")), around, {}, shell)


def run_lines(
    lines: list[str],
    name: str,
    folder: Path,
    limit_s: float,
    around: Surroundings,
    extra: Mapping[str, str],
    shell: Shell = SH,
) -> StepResult:
    """Run script `lines` in `folder` with `extra` variables; `name` names the step's own folder."""
    if around.cancel.cancelled:
        return StepResult(shell.plugin, Status.CANCELLED, 1)
    own = around.folder / name.replace("/", "_")
    own.mkdir(parents=True, exist_ok=True)
    script = own / shell.script
    script.write_text(shell.head + "\n".join(lines) + "\n")
    script.chmod(0o700)
    command = shell.command(script)
    try:
        ended = around.processes.run(
            command,
            folder=folder,
            environment={**around.environment, **extra},
            output=own,
            timeout_s=limit_s,
            cancel=around.cancel,
        )
    except (OSError, ValueError) as error:
        return _not_started(shell, own, command[0], error)
    return _judged(shell.plugin, ended, own)


def _not_started(shell: Shell, own: Path, program: str, error: Exception) -> StepResult:
    said = str(error)
    if isinstance(error, FileNotFoundError):
        # AWS: the stock agent tells this in the words of Go's os/exec.
        said = f"{'fork/exec' if error.filename == program else 'chdir'} {error.filename}: no such file or directory"
    return failed(shell.plugin, _appended(own / "stderr", f"failed to run commands: {said}"))


def _judged(plugin: str, ended: Ended, own: Path) -> StepResult:
    stdout = _read(own / "stdout")
    if ended.timed_out or ended.cancelled:
        status = Status.TIMED_OUT if ended.timed_out else Status.CANCELLED
        return StepResult(plugin, status, ended.code, stdout, _read(own / "stderr"))
    if ended.code == 0:
        return StepResult(plugin, Status.SUCCESS, 0, stdout, _read(own / "stderr"))
    if ended.code == EXIT_AS_SUCCESS:
        said = "\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped."
        return StepResult(plugin, Status.SUCCESS, ended.code, stdout + said, output=combined(stdout, ""))
    reason = f"failed to run commands: exit status {ended.code}"
    if ended.code == REBOOT:
        # DEVIATES: AWS's agent restarts the machine and runs the script again; here the step fails and says why.
        reason += " (a script that asks for a reboot: nodes of a local organization cannot reboot)"
    stderr = _appended(own / "stderr", reason)
    if ended.code == EXIT_AS_FAILURE:
        said = "\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped."
        return StepResult(plugin, Status.FAILED, ended.code, stdout + said, stderr + said, output=combined(stdout, stderr))
    return StepResult(plugin, Status.FAILED, ended.code, stdout, stderr)


def _appended(path: Path, reason: str) -> str:
    """Put the agent's own words at the end of a stream and return its beginning and them, so that cutting it shows."""
    said = _read(path) if path.exists() else ""
    with path.open("ab") as stream:
        stream.write(reason.encode())
    return said + reason


def _read(path: Path) -> str:
    """Return the beginning of a stream, a little more than will be told, so that cutting it shows."""
    with path.open("rb") as stream:
        return stream.read(STDOUT_CHARACTERS_MAX * 4 + 4).decode("utf-8", errors="replace")


def base_environment(instance_id: str, region: str, platform_name: str, platform_version: str) -> dict[str, str]:
    """Return the variables every script gets. The agent's own environment is not passed on: it may hold the operator's keys."""
    kept = {
        key: os.environ[key] for key in ("LANG", "LC_ALL", "TZ", "http_proxy", "https_proxy", "no_proxy") if key in os.environ
    }
    return {
        **kept,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "AWS_SSM_INSTANCE_ID": instance_id,
        "AWS_SSM_REGION_NAME": region,
        "AWS_SSM_PLATFORM_NAME": platform_name,
        "AWS_SSM_PLATFORM_VERSION": platform_version,
    }
