"""Whoever answers for a package may accept a judgement with a reason; the acceptance travels with the package."""

import json
from pathlib import Path

import pytest
import yaml

from csd.cli.main import WRONG_INPUT, run

BASH = "#!/bin/bash\nif [[ -f agent ]]; then cp agent /opt/agent; fi\n"


def source(folder: Path, accept: object) -> Path:
    (folder / "linux").mkdir(parents=True)
    (folder / "linux/install.sh").write_text(BASH)
    (folder / "linux/uninstall.sh").write_text("#!/bin/sh\nrm -f /opt/agent\n")
    told = {
        "name": "tool",
        "version": "1",
        "accept": accept,
        "platforms": [{"folder": "linux", "targets": [{"platform": "_any"}]}],
    }
    (folder / "package.yaml").write_text(yaml.safe_dump(told))
    return folder


def test_a_reason_lets_it_pass_at_every_desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lint, build and publish say it, and are not stopped by it: publish comes as far as AWS, where nobody is here."""
    folder, out = source(tmp_path / "source", {"CSD304": "bash is sh on all our nodes, OPS-12"}), tmp_path / "out"
    said = f"{folder}/linux/install.sh:2: CSD304: In POSIX sh, [[ ]] is undefined. (SC3010) Accepted: bash is sh on all our nodes, OPS-12"
    assert run(["package", "lint", str(folder)]) == 0
    assert f"accepted: {said}" in capsys.readouterr().err
    assert run(["package", "build", str(folder), "--output", str(out)]) == 0
    assert f"warning: {said}" in capsys.readouterr().err
    assert json.loads((out / "release.json").read_text())["accepted"] == {"CSD304": "bash is sh on all our nodes, OPS-12"}
    assert run(["package", "lint", str(out)]) == 0
    assert "CSD304" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("accept", "said"),
    [
        ({"CSD999": "why not"}, "accept: CSD209: 'CSD999' is no rule."),
        ({"CSD301": " "}, "accept.CSD301: CSD209: gives no reason; found ' '."),
        (
            {"CSD101": "later"},
            "accept.CSD101: CSD209: A zip needs install.sh or install.ps1 at its root. That is no matter of judgement.",
        ),
        (
            {"CSD502": "we trust it"},
            "accept.CSD502: CSD209: Names of members stay in their folder and mean the same everywhere. That is no",
        ),
    ],
    ids=["unknown", "no reason", "the agent's", "unsafe"],
)
def test_what_cannot_be_accepted(accept: object, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And then nothing is: the finding stands beside it."""
    assert run(["package", "build", str(source(tmp_path / "source", accept))]) == WRONG_INPUT
    told = capsys.readouterr().err
    assert said in told
    assert "CSD304: In POSIX sh" in told


def test_a_package_made_elsewhere_is_accepted_where_it_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no package.yaml; who publishes it names the rules, with reasons. What it was built with by others is no reason here."""
    folder, out = source(tmp_path / "source", {"CSD304": "ours"}), tmp_path / "out"
    assert run(["package", "build", str(folder), "--output", str(out)]) == 0
    (out / "release.json").unlink()
    publish = ["publish", str(out), "--bucket", "any", "--region", "eu-central-1"]
    assert run(publish) == WRONG_INPUT
    assert "!install.sh:2: CSD304: In POSIX sh" in capsys.readouterr().err
    for told, said in (
        ("csd=why", "--accept: CSD209: 'csd' is no rule."),
        ("CSD304", "--accept.CSD304: CSD209: gives no reason; found ''."),
    ):
        assert run([*publish, "--accept", told]) == WRONG_INPUT
        assert f"error: {said}" in capsys.readouterr().err
    run([*publish, "--accept", "CSD304=bash is sh, OPS-12"])  # whatever comes of it: AWS is not reached from here
    told = capsys.readouterr().err
    assert "warning: " in told
    assert "error: " not in told.partition("Accepted: bash is sh, OPS-12")[0]


@pytest.mark.parametrize(("name", "rule"), [("AmazonCloudWatchAgent", "CSD402"), ("aws-tool", "CSD401"), ("a b", "CSD404")])
def test_the_name_that_a_package_is_published_by_is_judged(
    name: str, rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder made elsewhere tells none: by the name of a package of AWS's, nodes would get AWS's, and report Success."""
    folder, out = source(tmp_path / "source", {"CSD304": "ours"}), tmp_path / "out"
    assert run(["package", "build", str(folder), "--output", str(out)]) == 0
    (out / "release.json").unlink()
    accept = ["--accept", "CSD304=ours"]
    assert run(["publish", str(out), "--bucket", "any", "--name", name, *accept, "--region", "eu-central-1"]) == WRONG_INPUT
    assert f"error: --name: {rule}: " in capsys.readouterr().err


def test_strict_stops_at_what_is_unwise_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As lint --strict does, with the same words."""
    folder = source(tmp_path / "source", {"CSD304": "ours"})
    said = "linux/install.sh:1: CSD303: begins with"
    assert run(["package", "build", str(folder), "--strict", "--output", str(tmp_path / "out")]) == WRONG_INPUT
    assert f"error: {folder}/{said}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(["package", "build", str(folder), "--output", str(tmp_path / "out")]) == 0
    assert f"warning: {folder}/{said}" in capsys.readouterr().err
    assert run(["publish", str(tmp_path / "out"), "--bucket", "any", "--strict"]) == WRONG_INPUT
    assert "!install.sh:1: CSD303: begins with" in capsys.readouterr().err


def test_who_signs_is_told_and_cannot_sign_what_is_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signature covers the reasons; without them lint's error stops it, in the same words."""
    monkeypatch.setenv("CSD_KEY_PASSPHRASE", "open sesame")
    folder, out, key = source(tmp_path / "source", {"CSD304": "OPS-12"}), tmp_path / "out", str(tmp_path / "key.pem")
    assert run(["package", "build", str(folder), "--output", str(out)]) == 0
    assert run(["package", "key", "new", key, "--kind", "ed25519"]) == 0
    assert run(["package", "sign", str(out), "--key", key]) == 0
    assert "accepted: CSD304: OPS-12\n" in capsys.readouterr().err
    told = json.loads((out / "release.json").read_text())
    (out / "release.json").write_text(json.dumps({key: value for key, value in told.items() if key != "accepted"}))
    assert run(["package", "sign", str(out), "--key", key, "--again"]) == WRONG_INPUT
    assert "!install.sh:2: CSD304: In POSIX sh" in capsys.readouterr().err
