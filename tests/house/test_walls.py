"""The walls between the rooms hold, and each contract is shown to notice when somebody breaks it."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

BREACHES = {
    "rooms": ("csd/report/__init__.py", "import localorg"),
    "layers": ("localorg/kernel/ids.py", "import localorg.protocol"),
    "engines": ("localorg/commands/__init__.py", "import localorg.documents"),
    "effects": ("localorg/automation/__init__.py", "import time"),
    "node": ("localorg/node/__init__.py", "import localorg.kernel"),
    "boto3": ("csd/report/__init__.py", "import boto3"),
    "steps": ("csd_steps/resolve_targets.py", "import yaml"),
}


def lint(source: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [argument for contract in contracts for argument in ("--contract", contract)]
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--config",
        str(REPOSITORY / ".importlinter"),
        "--no-cache",
        *chosen,
    ]
    return subprocess.run(
        command,
        cwd=source.parent,
        env={"PYTHONPATH": str(source), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_walls_hold() -> None:
    """Every contract is kept by the code as it is."""
    outcome = lint(REPOSITORY / "src")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("contract", BREACHES)
def test_each_wall_notices_a_breach(contract: str, tmp_path: Path) -> None:
    """One forbidden import, written on purpose, turns its contract red and no other reason does."""
    source = tmp_path / "src"
    shutil.copytree(REPOSITORY / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    file, statement = BREACHES[contract]
    victim = source / file
    victim.write_text(victim.read_text() + f"\n{statement}\n")
    outcome = lint(source, contract)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "BROKEN" in outcome.stdout


def test_every_contract_has_a_breach() -> None:
    """A contract that nobody tries to break may be asleep."""
    written = {
        line.split(":")[2].rstrip("]\n") for line in (REPOSITORY / ".importlinter").open() if line.startswith("[importlinter:c")
    }
    assert written == set(BREACHES)


@pytest.mark.parametrize(
    ("contract", "members", "outside"),
    [
        ("layers", "layers", {"node"}),
        ("engines", "modules", {"node", "server", "protocol", "kernel"}),
        ("effects", "source_modules", {"node", "server", "kernel"}),
        ("node", "forbidden_modules", {"node"}),
    ],
)
def test_every_package_stands_behind_its_walls(contract: str, members: str, outside: set[str]) -> None:
    """A new package of localorg is in every contract that is about packages like it."""
    walls = configparser.ConfigParser()
    walls.read(REPOSITORY / ".importlinter")
    named = walls[f"importlinter:contract:{contract}"][members].replace("|", " ").split()
    packages = {one.parent.name for one in (REPOSITORY / "src/localorg").glob("*/__init__.py")}
    assert {one.removeprefix("localorg.") for one in named} == packages - outside
