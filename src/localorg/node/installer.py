"""The actions of one version of a package: finds `install.sh` and its siblings in the version's folder and runs them.

Flow: action name -> script in the folder -> `scripts.run_lines` with the documented environment -> a section of the trace.
AWS: amazon-ssm-agent, plugins/configurepackage/ssminstaller. PowerShell actions fail: there is no pwsh on a node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localorg.node.results import Status
from localorg.node.scripts import POWERSHELL_SHELL, SH, TIMEOUT_DEFAULT_S, Shell, Surroundings, run_lines
from localorg.node.trace import Section, Tracer

NO_UPDATE_SCRIPT = (
    "missing update script required for in-place update\nPlease create a Distributor package with update script and retry the install "
    "with 'In-place update' installation type, or choose 'Uninstall and reinstall' installation type"
)


@dataclass(frozen=True)
class ActionResult:
    """How an action ended. A missing optional action (validate, uninstall) is a success."""

    status: Status
    code: int = 0
    no_update_script: bool = False

    @property
    def ok(self) -> bool:
        """Say whether the action succeeded."""
        return self.status == Status.SUCCESS


@dataclass(frozen=True)
class Installer:
    """One version of one package on this node. `name` is the document's name, or its ARN when it is shared."""

    name: str
    version: str
    folder: Path
    environment: Mapping[str, str]
    """BWS_* and the additional arguments."""
    around: Surroundings

    def act(self, action: str, tracer: Tracer) -> ActionResult:
        """Run `action` (install, update, uninstall, validate)."""
        with tracer.section(f"execute action: {action}") as section:
            found = [kind for kind in ("sh", "ps1") if (self.folder / f"{action}.{kind}").exists()]
            match found:
                case []:
                    return self._missing(action, section)
                case ["sh"]:
                    return self._run(action, section, [f"echo Running sh {action}.sh", f"sh {action}.sh"], SH)
                case ["ps1"]:
                    # AWS: amazon-ssm-agent, ssminstaller: on every platform; a node without PowerShell says that it cannot start it.
                    lines = [f"echo 'Running {action}.ps1'", f".\\{action}.ps1; exit $LASTEXITCODE"]
                    return self._run(action, section, lines, POWERSHELL_SHELL)
                case _:
                    section.error = f"{action} has more than one implementation (sh, ps1, json)"
            section.exit_code = 1
            return ActionResult(Status.FAILED, 1)

    def _missing(self, action: str, section: Section) -> ActionResult:
        if action != "update":
            return ActionResult(Status.SUCCESS)
        section.error = NO_UPDATE_SCRIPT
        return ActionResult(Status.FAILED, 1, no_update_script=True)

    def _run(self, action: str, section: Section, lines: list[str], shell: Shell) -> ActionResult:
        section.info(f"Initiating {self.name} {self.version} {action}")
        extra = {"BWS_ACTION_NAME": action, **self.environment}
        # AWS: no timeout is passed, so the script runner's own default holds for each action.
        result = run_lines(lines, f"{self.version}/{action}", self.folder, TIMEOUT_DEFAULT_S, self.around, extra, shell)
        section.exit_code = result.code
        section.info(f"Plugin {result.plugin} ResultStatus {result.status}")
        if result.stdout:
            section.info(f"{action} output: {result.stdout}")
        if result.stderr:
            section.complain(f"{action} errors: {result.stderr}")
        return ActionResult(result.status, result.code)
