"""csd package matrix on the command line: a table or JSON on stdout, exit 3 for a fleet that is not served."""

import json
from pathlib import Path

import pytest

from csd.cli import matrix_screen
from csd.cli.main import WRONG_INPUT, run
from csd.report.matrix import Machine, fleet_matrix

EXAMPLE = Path(__file__).parents[3] / "examples/packages/csd-hello"
FILES = {"a.zip": {"checksums": {"sha256": ""}}}


def manifest(folder: Path, packages: object, files: object = None) -> str:
    path = folder / "manifest.json"
    path.write_text(json.dumps({"schemaVersion": "2.0", "packages": packages, "files": FILES if files is None else files}))
    return str(path)


def test_a_package_that_is_not_built_yet_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """From package.yaml alone; each line is a system and its zip."""
    assert run(["package", "matrix", str(EXAMPLE), "--json"]) == 0
    systems = {(one["name"], one["architecture"]): one["zip"] for one in json.loads(capsys.readouterr().out)["systems"]}
    assert systems["Ubuntu 24.04", "arm64"] == "csd-hello-1.0.0-debian.zip"
    assert systems["Windows Server 2016 Nano Server", "x86_64"] == "csd-hello-1.0.0-windows.zip"
    assert systems["macOS 15", "arm64"] is None


def test_the_table_ends_with_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Systems with their zip or the key that explains; then the sum, the unreachable entries and the holes."""
    file = {"file": "a.zip"}
    packages = {"ubuntu": {"22.04": {"x86_64": file}}, "_any": {"_any": {"amd64": file, "arm64": file}}}
    assert run(["package", "matrix", manifest(tmp_path, packages)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (one,) = (line for line in lines if line.startswith("Ubuntu 24.04") and "x86_64" in line)
    assert "platform key ubuntu was taken; it has no 24.04, 24.* or _any, only 22.04" in one
    assert "unreachable: _any/_any/amd64 can never be chosen: no agent calls its architecture 'amd64'; it says 'x86_64'." in lines
    assert any(line.startswith("hole: ubuntu/22.04 has no zip for arm64") for line in lines)


@pytest.mark.parametrize(
    ("packages", "files", "told"),
    [
        ([], None, "CSD201: has no 'packages', or nothing in it."),
        (
            {"debian": {"_any": {"_any": {"file": "b.zip"}}}},
            None,
            "CSD202: names 'b.zip' for debian/_any/_any, which 'files'",
        ),
    ],
)
def test_a_manifest_that_cannot_be_walked_is_wrong_input(
    packages: object, files: object, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Observed: amazon-ssm-agent: a file that is not listed is "failed to find file for" on the node."""
    assert run(["package", "matrix", manifest(tmp_path, packages, files)]) == WRONG_INPUT
    assert told in capsys.readouterr().err


def test_neither_folder_nor_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The remedy says what is taken."""
    assert run(["package", "matrix", str(tmp_path)]) == WRONG_INPUT
    assert "Name a folder with manifest.json or package.yaml, or a manifest." in capsys.readouterr().err


def test_the_fleet_in_words_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not known shows both; the JSON tells every node that a machine may be, with the agent's sentence."""
    machines = [Machine("2", "eu", "i-1", "Ubuntu", "22.04", ""), Machine("2", "eu", "i-2", "Debian GNU/Linux", "12", "arm64")]
    matrix = fleet_matrix({"ubuntu": {"_any": {"x86_64": "a.zip"}}}, machines, ["3 eu: denied"], ["4 is SUSPENDED"])
    matrix_screen.show_fleet(matrix)
    out = capsys.readouterr().out
    assert "x86_64: a.zip; arm64, 386 and arm: none" in out
    assert out.splitlines()[-3:] == ["2 nodes: 1 no zip, 1 not known", "could not read 3 eu: denied", "left out: 4 is SUSPENDED"]
    told = matrix_screen.fleet_json(matrix)
    assert [node["verdict"] for node in told["nodes"]] == ["not known", "no zip"]
    assert told["nodes"][1]["mayBe"][0]["said"].startswith("failed to find platform: no manifest found for platform: debian")
