"""csd package lint on the command line: findings or JSON on stdout, the sum on stderr, exit 2 for errors."""

import json
from pathlib import Path

import pytest

from csd.cli.main import WRONG_INPUT, run

PACKAGES = Path(__file__).parents[3] / "examples/packages"


def source(folder: Path, *files: str) -> str:
    (folder / "linux").mkdir()
    listed = "name: my-agent\nversion: '1.0'\nplatforms: [{folder: linux, targets: [{platform: amazon}]}]\n"
    (folder / "package.yaml").write_text(listed)
    for name in files:
        (folder / "linux" / name).write_text("#!/bin/sh\ncp agent /usr/bin/agent\n")
    return str(folder)


@pytest.mark.parametrize("package", sorted(path.name for path in PACKAGES.iterdir()))
def test_the_packages_that_we_publish_are_clean(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No error and no warning; they are what people copy from."""
    assert run(["package", "lint", str(PACKAGES / package), "--strict"]) == 0, capsys.readouterr().out


def test_a_warning_is_an_error_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, and 2 with --strict; the sum is prose."""
    folder = source(tmp_path, "install.sh", "agent")
    assert run(["package", "lint", folder, "--ignore", "CSD105,CSD107"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"warning: {folder}/linux: CSD104: has no uninstall script: ")
    assert told.err == f"{folder}: errors 0, warnings 1, advice 0\n"
    assert run(["package", "lint", folder, "--strict"]) == WRONG_INPUT


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rule, severity, place, finding and remedy; the remarks of what was not looked at."""
    folder = source(tmp_path, "agent", "other")
    assert run(["package", "lint", folder, "--json"]) == WRONG_INPUT
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"error": 1, "warning": 0, "advice": 0}
    assert told["remarks"] == []
    assert told["findings"] == [
        {
            "rule": "CSD101",
            "severity": "error",
            "where": f"{folder}/linux",
            "found": "has no install.sh or install.ps1 at its root.",
            "remedy": "Add it; the agent runs it as root in the folder of the unpacked files.",
        }
    ]


def test_the_name_it_shall_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A zip or a manifest does not tell its package's name."""
    folder = source(tmp_path, "install.sh", "uninstall.sh")
    assert run(["package", "lint", folder, "--name", "amazon-agent", "--select", "CSD4"]) == WRONG_INPUT
    told = "error: --name: CSD401: 'amazon-agent' begins with 'amazon', which AWS keeps for itself. Choose another name.\n"
    assert capsys.readouterr().out == told


def test_what_means_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that is not there, a folder that is no package."""
    assert run(["package", "lint", str(tmp_path), "--select", "CSD999"]) == WRONG_INPUT
    assert "error: CSD999: is no rule, nor the beginning of one." in capsys.readouterr().err
    assert run(["package", "lint", str(tmp_path)]) == WRONG_INPUT
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: is no package. Name a folder with manifest.json or package.yaml, a manifest, or a zip.\n"
    )
