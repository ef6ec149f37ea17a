"""The steps of the walk, each a method that runs real commands and returns what it saw. Nothing here checks; the caller does."""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from demo.association import AssociationCall
from demo.shell import Outcome, Shell, parse_exports

REPOSITORY = Path(__file__).parents[1]
SPEC = REPOSITORY / "examples" / "organization.yaml"
PACKAGE = REPOSITORY / "examples" / "packages" / "csd-hello"
HUB = "111111111111"
UNITS = ("ou-abcd-11111111", "ou-abcd-44444444")
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
BUCKET = "csd-packages-111111111111"
STACK = "CentralizedSoftwareDistributor"
MARKER = "/usr/share/csd-hello/VERSION"
PATIENCE = "delivery-timeout=delivery"
"""An offline node is given up after the delivery time-out alone: the walk does not wait for the script's time-out as well."""
ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}


@dataclass
class Walk:
    """One local organization, and a person at its hub."""

    port: int
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="csd-walk-")))
    spec: Path = SPEC
    shell: Shell = field(default_factory=Shell)
    told: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """What `localorg env` said of (account, Region) since the organization came up."""
    clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    """The boto3 clients that were made since then, by service, account and Region."""

    @property
    def state(self) -> str:
        """The state directory."""
        return str(self.folder / "state")

    def up(self, *options: str) -> Outcome:
        """Start the organization and become its hub's administrator."""
        if not any(option.startswith("delivery-timeout=") for option in options):
            options = (*options, "--reading", PATIENCE)
        outcome = self.shell.run(
            *("localorg", "up", "--spec", str(self.spec), "--port", str(self.port), "--state", self.state, "--detach", *options)
        )
        self.told.clear()
        self.clients.clear()
        self.shell.environment.update(self.keys())
        self.shell.environment["LOCALORG_STATE"] = self.state
        return outcome

    def down(self) -> Outcome:
        """Stop the organization; it stays in its state directory."""
        return self.shell.run("localorg", "down", "--state", self.state)

    def keys(self, account: str = HUB, region: str = "") -> dict[str, str]:
        """Return the environment of an account's administrator, in the organization's first Region unless another is given."""
        if (account, region) not in self.told:
            quiet, place = Shell(self.shell.environment), ("--region", region) if region else ()
            outcome = quiet.run("localorg", "env", "--account", account, *place, "--state", self.state)
            self.told[account, region] = parse_exports(outcome.out)
        return self.told[account, region]

    def nodes(self) -> list[dict[str, str]]:
        """Return the nodes as `localorg nodes` lists them."""
        head, *rows = Shell(self.shell.environment).run("localorg", "nodes", "--state", self.state).out.splitlines()
        names = [name.lower() for name in head.split()]
        starts = [head.index(name) for name in head.split()]
        bounds = list(zip(starts, [*starts[1:], None], strict=True))
        return [dict(zip(names, (row[a:b].strip() for a, b in bounds), strict=True)) for row in rows]

    def inside(self, instance_id: str, *command: str, expect: tuple[int, ...] | None = None) -> Outcome:
        """Run a command inside a node."""
        return self.shell.run("localorg", "exec", instance_id, "--", *command, expect=expect)

    def aws(self, *words: str, account: str | None = None, region: str | None = None) -> dict[str, Any]:
        """Run the aws CLI, in another account or Region if given, and return its JSON."""
        extra = self.keys(account or HUB, region or "") if account or region else None
        outcome = self.shell.run("aws", *words, "--output", "json", extra=extra)
        result: dict[str, Any] = json.loads(outcome.out) if outcome.out.strip() else {}
        return result

    def build(self, version: str | None = None) -> Path:
        """Build the example package, in another version if given."""
        source = PACKAGE
        if version:
            source = self.folder / f"csd-hello-{version}-source"
            self._copy_as_version(source, version)
        target = self.folder / f"csd-hello-{version or 'package'}"
        self.shell.run("csd", "package", "build", str(source), "--output", str(target))
        return target

    @staticmethod
    def _copy_as_version(source: Path, version: str) -> None:
        shutil.copytree(PACKAGE, source, dirs_exist_ok=True)
        described = yaml.safe_load((source / "package.yaml").read_text())
        described["version"] = version
        (source / "package.yaml").write_text(yaml.safe_dump(described, sort_keys=False))

    def associate(self, call: AssociationCall) -> str:
        """Run the article's create-association command; returns the association's id."""
        outcome = self.shell.run(*call.command(), "--output", "json")
        return str(json.loads(outcome.out)["AssociationDescription"]["AssociationId"])

    def reassociate(self, association: str, call: AssociationCall) -> None:
        """Update the association with new parameters; State Manager runs it at once."""
        self.shell.run(
            *("aws", "ssm", "update-association", "--association-id", association, "--association-name", "csd-association"),
            *("--parameters", call.parameters(), "--no-apply-only-at-cron-interval"),
        )
