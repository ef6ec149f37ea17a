"""What csd says of the twenty broken packages before any of it leaves the desk: each has a sentence of its own."""

from pathlib import Path

import pytest

from broken.making import scripts, source, write
from broken.packages import ROWS, Broken
from csd.cli.main import WRONG_INPUT, run


def test_there_are_twenty() -> None:
    """Each has an id and a title of its own."""
    assert (len(ROWS), len({row.id for row in ROWS}), len({row.title for row in ROWS})) == (20, 20, 20)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])
def test_csd_rejects_it_in_so_many_words(row: Broken, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole sentence: where, what was found, and what to do. Nothing is built, and AWS is not asked."""
    folder = write(row.folder(), tmp_path / "package")
    verb = row.verb.split()[1:]
    for command in (
        ["package", "lint", str(folder)],
        [*verb, str(folder), *(["--bucket", "any"] if verb == ["publish"] else [])],
    ):
        code = run(command)
        told = capsys.readouterr()
        assert row.rejected.format(folder=folder) in f"{told.out}{told.err}"
        assert code == WRONG_INPUT


def test_the_same_package_unbroken_is_built_and_has_nothing_to_be_said_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is rejected above is rejected for what its row says, and for nothing else."""
    folder, built = write(source(scripts()), tmp_path / "package"), tmp_path / "built"
    assert run(["package", "build", str(folder), "--output", str(built)]) == 0
    assert [run(["package", "lint", "--strict", str(each)]) for each in (folder, built)] == [0, 0], capsys.readouterr().out
