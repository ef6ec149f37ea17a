"""csd package init on the command line: the folder on stdout, everything else on stderr."""

from pathlib import Path

import pytest

from csd.cli.main import WRONG_INPUT, run
from csd.package.archive import Entry, tar_pieces


def test_a_folder_of_installers_becomes_a_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What can be used in a pipe is the folder; who gets what, and what was guessed, is for people."""
    source, into = tmp_path / "from", tmp_path / "my-agent"
    source.mkdir()
    content = b"".join(tar_pieces([Entry("agent/bin/agent", b"#!/bin/sh\n", executable=True)]).chunks())
    (source / "agent-7.1.0-darwin-arm64.tar").write_bytes(content)
    assert run(["package", "init", "my-agent", "--from", str(source), "--into", str(into)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{into}\n"
    told = " ".join(said.err.split())
    assert "tar-arm64: agent-7.1.0-darwin-arm64.tar for mac_os_x on arm64" in told
    assert "note: agent-7.1.0-darwin-arm64.tar: architecture, platforms and version are guessed from its name" in told
    assert told.startswith(f"my-agent 7.1.0, in {into}: ")
    assert f"in scripts/sh/configure.sh; then csd package build {into} csd package test {into} --nodes …" in told
    assert run(["package", "init", "my-agent", "--from", str(source), "--into", str(into)]) == WRONG_INPUT
    assert "is not empty. Name a new folder with --into." in " ".join(capsys.readouterr().err.split())
