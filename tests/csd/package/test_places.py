"""The wrong folder for a verb: one sentence that tells what it is, and the command that comes next."""

from pathlib import Path

import pytest

from csd.cli.main import WRONG_INPUT, run
from csd.package.sealed import build_package

EXAMPLE = Path(__file__).parents[3] / "examples/packages/csd-hello"
ROWS = {
    "sources to publish": (
        "publish {source} --bucket b",
        "{source}: is not built yet. Build it, and name the folder that is printed: csd package build {source}",
    ),
    "sources to sign": ("package sign {source} --key k.pem", "{source}: is not built yet."),
    "a folder of anything to sign": (
        "package sign {other} --key k.pem",
        "{other}/manifest.json: there is no such file. Build the package first: csd package build DIR.",
    ),
    "nothing to publish": ("publish {other}/no --bucket b", "{other}/no: there is no such folder. Correct its name."),
    "a manifest to publish": (
        "publish {sealed}/manifest.json --bucket b",
        "{sealed}/manifest.json: is a file. Name the folder of the package: {sealed}",
    ),
    "sealed to build": (
        "package build {sealed}",
        "{sealed}: is built already: it has manifest.json, and no package.yaml. Build the folder with package.yaml;",
    ),
    "installers to build": ("package build {other}", "{other}/package.yaml: there is no such file. Write one, or have it made"),
    "package.yaml to build": (
        "package build {source}/package.yaml",
        "{source}/package.yaml: is a file. Name the folder of the package: {source}",
    ),
    "built into its sources": (
        "package build {source} --output {source}",
        "{source}: holds package.yaml: sources, not what is built of them. Choose another folder.",
    ),
    "an installer to start from": (
        "package init tool --from {source}/package.yaml",
        "{source}/package.yaml: is a file. Name the folder that it lies in",
    ),
    "Regions of nobody's nodes": (
        "package matrix {sealed} --regions eu-west-1",
        "error: --regions: is about the nodes of --targets.",
    ),
    "a zip to walk": (
        "package matrix {sealed}/csd-hello-1.0.0-linux.zip",
        "csd-hello-1.0.0-linux.zip: is a zip: who gets it stands in the manifest. Name a folder with manifest.json",
    ),
    "an option of Distributor, without it": (
        "publish {sealed} --bucket b --make-default --keep 3",
        "error: --make-default: is about Distributor. Say in which Regions: --regions.\nerror: --keep: is about Distributor.",
    ),
    "another name than it was built under": (
        "publish {sealed} --bucket b --name csd-bye",
        "--name: is csd-bye, and {sealed}/release.json says csd-hello. Leave it out, or build the package under that name.",
    ),
    "a file to import": (
        "package import {sealed}/csd-hello-1.0.0-linux.zip --into {other}/in",
        "linux.zip: is a file. Name a folder",
    ),
    "no trust root": (
        "package verify {sealed} --trust {other}/t.json",
        "{other}/t.json: there is no such file. Name it with --trust; csd package trust init makes one.",
    ),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind."""
    root = tmp_path_factory.mktemp("places")
    (root / "other").mkdir()
    build_package(EXAMPLE, root / "sealed")
    return {"source": EXAMPLE, "sealed": root / "sealed", "other": root / "other"}


@pytest.mark.parametrize("row", ROWS)
def test_the_wrong_folder(row: str, places: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, and nothing is made of it."""
    words, said = ROWS[row]
    assert run([word.format(**places) for word in words.split()]) == WRONG_INPUT
    assert said.format(**places) in capsys.readouterr().err
