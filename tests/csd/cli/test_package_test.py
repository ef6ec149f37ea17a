"""csd package test on the command line: what is wrong with the words is told before AWS is asked."""

import signal
from pathlib import Path

import pytest

from csd.cli.main import WRONG_INPUT, run

EXAMPLE = str(Path(__file__).parents[3] / "examples/packages/csd-hello")
ROWS = {
    "no folder": ([], "error: DIR: is missing. Name a sealed folder, or a folder with package.yaml."),
    "same version": (
        [EXAMPLE, "--from", EXAMPLE, "--nodes", "i-01234567"],
        f"error: --from: {EXAMPLE} is version 1.0.0 as well. Name a folder of another version.",
    ),
    "no node": ([EXAMPLE], "error: --nodes: names no node. Name nodes that may be spoilt: i-… or mi-…, a comma list."),
    "argument": ([EXAMPLE, "--nodes", "i-01234567", "--argument", "KEY=1"], "error: --argument: 'KEY=1' is not SSM_KEY=VALUE."),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_wrong_words(row: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, one sentence with the remedy; the process's own handling of signals is as before."""
    words, said = ROWS[row]
    before = signal.getsignal(signal.SIGTERM)
    assert run(["package", "test", *words]) == WRONG_INPUT
    assert said in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before
