"""The tutorial is true: a person who types its commands sees what it shows."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.__main__ import free_port
from docs.pages import REPOSITORY, Block, blocks

TUTORIAL = REPOSITORY / "docs" / "tutorial" / "first-rollout.md"
SET_UP = "make setup\n"
"""Not run here: without it there would be no test."""


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A folder that looks like a fresh clone after `make setup`; an organization started in it is taken down whatever happens."""
    for name in (".venv", "examples"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    yield tmp_path
    subprocess.run([REPOSITORY / ".venv/bin/localorg", "down"], cwd=tmp_path, capture_output=True, check=False)


def typed(content: str, port: int) -> str:
    """Return a block's commands; only the port is another, so that several organizations can be up."""
    return content.removeprefix(SET_UP).replace("localorg up ", f"localorg up --port {port} ")


def told(text: str) -> list[str]:
    """Return lines with their spaces evened out."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def is_shown(line: str, output: list[str]) -> bool:
    """Say whether `line`, in which … stands for anything, is among the lines of the output."""
    pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
    return any(pattern.fullmatch(one) for one in output)


def run(page: list[Block], folder: Path) -> list[str]:
    """Type every block of commands into one shell; return what each printed."""
    port = free_port()
    mark = "=== end of block ==="
    script = f'echo "{mark}"\n'.join(typed(block.content, port) for block in page if block.language == "sh")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCALORG_"))}
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script,
        cwd=folder,
        env={**environment, "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.split(f"{mark}\n")


@pytest.mark.journey
@pytest.mark.xdist_group("tutorial")
def test_every_command_works_and_shows_what_the_tutorial_shows(clone: Path) -> None:
    """All blocks of commands end well in one shell, and each line of a shown output comes from the block before it."""
    page = [block for block in blocks(TUTORIAL) if block.language in {"sh", "text"}]
    outputs = run(page, clone)
    command = -1
    for block in page:
        if block.language == "sh":
            command += 1
            continue
        seen = told(outputs[command])
        assert [line for line in told(block.content) if not is_shown(line, seen)] == [], outputs[command]


def test_the_set_up_is_the_readme_s() -> None:
    """The one line that is not run here is the Makefile's target."""
    first = next(block for block in blocks(TUTORIAL) if block.language == "sh")
    assert first.content.startswith(SET_UP)
    assert "\nsetup:" in (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert shutil.which("make")
