"""The PowerShell scripts of csd package init, read by a parser: what they do on Windows is not proven here."""

import re
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

import csd.package.starting

FOLDER = Path(csd.package.starting.__file__).parent
POWERSHELL = sorted(FOLDER.rglob("*.ps1"))


@pytest.mark.parametrize("script", POWERSHELL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_scripts_are_powershell(script: Path) -> None:
    """A parser of PowerShell's grammar finds no fault, and the text is what every Windows reads alike."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    assert not parser.parse(script.read_bytes()).root_node.has_error
    assert script.read_text().isascii(), "Windows PowerShell reads a file without a byte order mark in the system's code page"
    assert not re.search(r"(Write-\w+|Say|echo)\b.*\$env:SSM_", script.read_text())


def test_an_exe_refuses_until_it_is_filled_in() -> None:
    """Its three marked lines have no value, and every way to install or to believe asks for them first."""
    text = (FOLDER / "exe/product.ps1").read_text()
    assert re.findall(r"^\$(\w+) = \$null +# FILL IN", text, re.MULTILINE) == [
        "InstallArguments",
        "UninstallArguments",
        "DisplayName",
    ]
    for function in ("Install-Product", "Assert-Product"):
        assert f"function {function} {{\n    Assert-FilledIn\n" in text
