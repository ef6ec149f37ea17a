"""csd package key, trust, sign and verify, as two people at their desks use them."""

import json
from pathlib import Path

import pytest

from csd.cli.main import WRONG_INPUT, run
from csd.package.sealed import build_package

EXAMPLE = Path(__file__).parents[3] / "examples/packages/csd-hello"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a sealed package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CSD_KEY_PASSPHRASE", "open sesame")
    build_package(EXAMPLE, tmp_path / "sealed")
    return tmp_path


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert run(list(arguments)) == 0, capsys.readouterr().err
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == WRONG_INPUT
    found = capsys.readouterr()
    assert found.out == ""
    return found.err


def test_from_a_key_to_a_verified_package(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way for one person, and what is told at its end."""
    (keyid,) = out(capsys, "package", "key", "new", "alice.pem")
    out(capsys, "package", "trust", "init", "--key", "alice.pem.pub")
    assert "lacks 1 signatures of its own keys" in refused(capsys, "package", "verify", "sealed")
    out(capsys, "package", "trust", "sign", "trust.json", "--key", "alice.pem")
    assert "is not signed" in refused(capsys, "package", "verify", "sealed")
    assert out(capsys, "package", "sign", "sealed", "--key", "alice.pem", "--expires", "180d") == [keyid]
    told = out(capsys, "package", "verify", "sealed", "--name", "csd-hello", "--version", "1.0.0")
    assert told[:2] == ["csd-hello 1.0.0: manifest, 3 zips and 2 beside them are as they were signed", f"signed by {keyid}"]
    assert told[-1].startswith("no floor is known here")
    assert "not csd-bye" in refused(capsys, "package", "verify", "sealed", "--name", "csd-bye")
    assert "below the floor 1.1" in refused(capsys, "package", "verify", "sealed", "--floor", "1.1")


def test_a_key_is_replaced_without_downtime(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two people, two of two: the third comes for the first, and releases verify all the time."""
    ids = {who: out(capsys, "package", "key", "new", f"{who}.pem", "--kind", "ed25519")[0] for who in ("ann", "bea", "cid")}
    out(capsys, "package", "trust", "init", "--key", "ann.pem.pub", "--key", "bea.pem.pub", "--threshold", "2")
    out(capsys, "package", "trust", "sign", "trust.json", "--key", "ann.pem", "--key", "bea.pem")
    out(capsys, "package", "sign", "sealed", "--key", "ann.pem")
    assert "has 1 of 2 signatures" in refused(capsys, "package", "verify", "sealed")
    out(capsys, "package", "sign", "sealed", "--key", "bea.pem")
    out(capsys, "package", "verify", "sealed")
    out(capsys, "package", "trust", "change", "--add", "cid.pem.pub", "--remove", ids["ann"], "-o", "next.json")
    out(capsys, "package", "trust", "sign", "next.json", "--trust", "trust.json", "--key", "ann.pem", "--key", "bea.pem")
    assert "lacks 1 signatures of its own keys" in refused(capsys, "package", "trust", "accept", "next.json")
    out(capsys, "package", "trust", "sign", "next.json", "--key", "cid.pem")
    out(capsys, "package", "sign", "sealed", "--key", "cid.pem")
    out(capsys, "package", "verify", "sealed")
    assert out(capsys, "package", "trust", "accept", "next.json") == ["trust.json is version 2: 2 of 2 keys"]
    told = json.loads("\n".join(out(capsys, "package", "verify", "sealed", "--json")))
    assert (set(told["keys"]), told["ignored"], told["trust"]["version"]) == ({ids["bea"], ids["cid"]}, [ids["ann"]], 2)
    shown = out(capsys, "package", "trust", "show")
    assert "2 of 2 keys must sign" in shown
    assert f"key {ids['cid']} (ed25519), has signed this version" in shown


def test_floors_are_kept_where_a_state_file_is(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--state raises what it has seen, and shuts out what is older from then on."""
    out(capsys, "package", "key", "new", "a.pem", "--no-passphrase", "--kind", "ed25519")
    out(capsys, "package", "trust", "init", "--key", "a.pem.pub")
    out(capsys, "package", "trust", "sign", "trust.json", "--key", "a.pem")
    out(capsys, "package", "sign", "sealed", "--key", "a.pem", "--floor", "1.0.0")
    assert out(capsys, "package", "verify", "sealed", "--state", "floors.json")[-1].startswith("no floor is known here")
    assert out(capsys, "package", "verify", "sealed", "--state", "floors.json")[-1] == "not below the floor 1.0.0"
    (desk / "floors.json").write_text('{"csd-hello": "1.0.1"}')
    assert "below the floor 1.0.1" in refused(capsys, "package", "verify", "sealed", "--state", "floors.json")


def test_publish_verifies_first(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody trusted has signed does not leave the desk, and AWS is not asked."""
    out(capsys, "package", "key", "new", "a.pem", "--no-passphrase", "--kind", "ed25519")
    out(capsys, "package", "trust", "init", "--key", "a.pem.pub")
    out(capsys, "package", "trust", "sign", "trust.json", "--key", "a.pem")
    assert "is not signed" in refused(capsys, "publish", "sealed", "--bucket", "b", "--trust", "trust.json")


def test_no_passphrase_no_key(desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal and without the variable nobody can be asked, and nothing is left unencrypted by accident."""
    monkeypatch.delenv("CSD_KEY_PASSPHRASE")
    assert "gets no passphrase. Set CSD_KEY_PASSPHRASE" in refused(capsys, "package", "key", "new", "a.pem")
    assert not (desk / "a.pem").exists()


def test_nothing_is_overwritten(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A trust root is not made twice."""
    out(capsys, "package", "key", "new", "a.pem", "--no-passphrase", "--kind", "ed25519")
    out(capsys, "package", "trust", "init", "--key", "a.pem.pub")
    assert "trust.json: is there already" in refused(capsys, "package", "trust", "init", "--key", "a.pem.pub")
