"""The walk of the README, told by the demo itself, and compared with what the README shows."""

import re
from pathlib import Path

import pytest

from demo.__main__ import free_port
from demo.shell import shortened
from demo.tale import Tale
from demo.walk import Walk

README = Path(__file__).parents[2] / "README.md"

NORMALISED = (
    (r"i-[0-9a-f]{17}", "i-…"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b[0-9a-f]{16}\b", "TOKEN"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"--port \d+", "--port PORT"),
    (r"process \d+", "process N"),
    (r"\S*/csd-walk-\S+|/\S*pytest\S+", "PATH"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?\S*", "TIME"),
    (r"\b(\d+h)?(\d+m)?\d+s\b", "SPAN"),
    (r"\s+", " "),
)


def normalised(text: str) -> str:
    """Take out what differs from run to run: ids, times, ports, paths, and the width of tables."""
    for pattern, word in NORMALISED:
        text = re.sub(pattern, word, text)
    return text.strip()


@pytest.mark.journey
@pytest.mark.xdist_group("walk")
def test_the_walk_holds_and_the_readme_shows_it(tmp_path: Path) -> None:
    """Every stage of the tale holds, and README's sample is this output, ids and times aside."""
    lines: list[str] = []
    walk = Walk(free_port(), tmp_path)
    walk.shell.told = lambda command: lines.append(f"$ {shortened(command)}")
    try:
        Tale(walk, lines.append).tell()
    finally:
        walk.shell.run("localorg", "down", "--state", walk.state, expect=None)
    shown = README.read_text().partition("<!-- demo -->\n```\n")[2].partition("\n```\n<!-- /demo -->")[0]
    told = "\n".join(lines)
    (tmp_path / "told.txt").write_text(told)
    assert normalised(shown) == normalised(told)
