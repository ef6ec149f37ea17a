"""aws:runShellScript: a list of lines becomes a script file, which `sh -c` runs. Also how package scripts are run.

Flow: lines + folder + environment -> `_script.sh` in the step's own folder -> `Processes.run` -> `StepResult` with the stock agent's
words and codes. AWS: amazon-ssm-agent, plugins/runscript and pluginutil.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.node.document import EXIT_AS_FAILURE, EXIT_AS_SUCCESS, flattened
from localorg.node.processes import Cancel, Runner
from localorg.node.results import STDOUT_CHARACTERS_MAX, Status, StepResult, failed

PLUGIN = "aws:runShellScript"
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


def timeout_s(value: Any) -> float:
    """Return the time limit that an input stands for, in seconds."""
    try:
        number = int(float(value))
    except (TypeError, ValueError):
        return TIMEOUT_DEFAULT_S
    return number if TIMEOUT_MIN_S <= number <= TIMEOUT_MAX_S else TIMEOUT_DEFAULT_S


def run_shell_script(inputs: Mapping[str, Any], name: str, around: Surroundings) -> StepResult:
    """Run the step `name` with `inputs` (runCommand, workingDirectory, timeoutSeconds)."""
    lines = flattened(inputs.get("runCommand", []))
    wanted = str(inputs.get("workingDirectory") or "")
    folder = Path(wanted) if wanted.startswith("/") else around.working_folder
    return run_lines(lines, name, folder, timeout_s(inputs.get("timeoutSeconds")), around, {})


def run_lines(
    lines: list[str], name: str, folder: Path, limit_s: float, around: Surroundings, extra: Mapping[str, str]
) -> StepResult:
    """Run shell `lines` in `folder` with `extra` variables; `name` names the step's own folder."""
    if around.cancel.cancelled:
        return StepResult(PLUGIN, Status.CANCELLED, 1)
    own = around.folder / name.replace("/", "_")
    own.mkdir(parents=True, exist_ok=True)
    script = own / "_script.sh"
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o700)
    try:
        ended = around.processes.run(
            ["sh", "-c", shlex.quote(str(script))],
            folder=folder,
            environment={**around.environment, **extra},
            output=own,
            timeout_s=limit_s,
            cancel=around.cancel,
        )
    except (OSError, ValueError) as error:
        return failed(PLUGIN, f"failed to run commands: {error}")
    return _judged(ended.code, _read(own / "stdout"), _read(own / "stderr"), timed_out=ended.timed_out, cancelled=ended.cancelled)


def _judged(code: int, stdout: str, stderr: str, *, timed_out: bool, cancelled: bool) -> StepResult:
    if timed_out:
        return StepResult(PLUGIN, Status.TIMED_OUT, code, stdout, stderr)
    if cancelled:
        return StepResult(PLUGIN, Status.CANCELLED, code, stdout, stderr)
    if code == 0:
        return StepResult(PLUGIN, Status.SUCCESS, 0, stdout, stderr)
    if code == EXIT_AS_SUCCESS:
        said = "\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped."
        return StepResult(PLUGIN, Status.SUCCESS, code, stdout + said)
    reason = f"failed to run commands: exit status {code}"
    if code == EXIT_AS_FAILURE:
        said = "\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped."
        return StepResult(PLUGIN, Status.FAILED, code, stdout + said, stderr + reason + said)
    if code == REBOOT:
        reason += " (a script that asks for a reboot: nodes of a local organization cannot reboot)"
    return StepResult(PLUGIN, Status.FAILED, code, stdout, stderr + reason)


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
