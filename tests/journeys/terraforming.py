"""Terraform with HashiCorp's own AWS provider, both unmodified, looked for where Terraform itself would look.

    with Terraform(found(), folder, environment) as terraform:
        terraform.run("apply", "-auto-approve")

The provider takes seconds to start; one process of it serves all commands, the way its debug mode is made for.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.shell import Outcome, Shell

SOURCE = "registry.terraform.io/hashicorp/aws"
ATTACH = "TF_REATTACH_PROVIDERS="
IMPLIED = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins", "/usr/local/share/terraform/plugins")
"""Terraform's implied local mirrors."""
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def found() -> Path | None:
    """The newest 5.x of the provider for this machine, if `terraform` is here too; CSD_TERRAFORM_PLUGINS is asked first."""
    if shutil.which("terraform") is None:
        return None
    named = os.environ.get("CSD_TERRAFORM_PLUGINS")
    mirrors = [Path(named)] if named else [Path(place).expanduser() for place in IMPLIED]
    mirrors += [] if named else [Path("/usr/share/terraform/plugins"), *sorted(path for path in Path("/opt").glob("*"))]
    system = f"linux_{MACHINES.get(platform.machine(), platform.machine())}"
    for mirror in mirrors:
        binaries = list((mirror / SOURCE).glob(f"5.*/{system}/terraform-provider-aws_v*"))
        if binaries:
            return max(binaries, key=_version)
    return None


def _version(binary: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in binary.parts[-3].split("."))


class Terraform:
    """A folder of configuration, a provider that runs, an environment as `localorg env` gives it."""

    def __init__(self, provider: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        settings = folder / "settings.tfrc"
        settings.write_text("")
        more = {
            "TF_CLI_CONFIG_FILE": str(settings),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS": "-no-color",
        }
        self._shell = Shell({**environment, **more})
        self._provider = provider
        self._process: subprocess.Popen[str]

    def __enter__(self) -> "Terraform":
        log = (self.folder / "provider.log").open("w")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = {**kept, **self._shell.environment}
        command = [str(self._provider), "-debug"]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if ATTACH in line:
                self._shell.environment[ATTACH.rstrip("=")] = line.split("=", 1)[1].strip().strip("'")
                return self
        raise AssertionError(f"the provider ended: {(self.folder / 'provider.log').read_text()}")

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def run(self, command: str, *options: str, expect: tuple[int, ...] = (0,)) -> Outcome:
        """Run a command of terraform on the configuration."""
        return self._shell.run("terraform", f"-chdir={self.folder}", command, *options, expect=expect)

    def changes(self, *options: str) -> dict[str, str]:
        """Apply, and return what was done: address -> create, update, delete; `import` too where something was taken over."""
        made = self.run("apply", "-auto-approve", "-json", *options, expect=(0, 1))
        told = [json.loads(line) for line in made.out.splitlines()]
        wrong = [f"{line['@message']}\n{line['diagnostic'].get('detail', '')}" for line in told if line["@level"] == "error"]
        assert made.code == 0, "\n".join(wrong)
        planned = [line["change"] for line in told if line["type"] == "planned_change" and line["change"]["action"] != "read"]
        return {one["resource"]["addr"]: "import" if "importing" in one else one["action"] for one in planned}

    def unchanged(self, *options: str) -> bool:
        """Whether a plan finds nothing to do; what it found is in the error."""
        made = self.run("plan", "-detailed-exitcode", *options, expect=(0, 2))
        assert made.code == 0, made.out
        return True

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the configuration."""
        return {name: entry["value"] for name, entry in json.loads(self.run("output", "-json").out).items()}
