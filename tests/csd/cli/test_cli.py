"""The command line: exit codes, one message an error, data on stdout and prose on stderr."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csd.cli import screen
from csd.cli.main import NOT_AS_WANTED, WRONG_INPUT, run
from csd.cli.requests import association_parameters
from csd.errors import AwsRefused, CsdInputError
from csd.report.picture import LastRun, NodeFacts, Said, Wanted, draw

EXAMPLE = Path(__file__).parents[3] / "examples/packages/csd-hello"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROLE = "arn:aws:iam::111111111111:role/CSD"


def test_build_prints_digests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data on stdout, prose on stderr."""
    assert run(["package", "build", str(EXAMPLE), "--output", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[1] for line in out.splitlines()] == [f"csd-hello-1.0.0-{f}.zip" for f in ("debian", "linux", "windows")]
    assert "csd-hello 1.0.0 is sealed" in err


def test_wrong_input_is_told_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, every problem a line, no traceback."""
    (tmp_path / "package.yaml").write_text("name: x\nversion: 1\n")
    assert run(["package", "build", str(tmp_path), "-o", str(tmp_path / "out")]) == WRONG_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert [line[:7] for line in err.splitlines()] == ["error: "] * 3


def test_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 with the command's own usage."""
    assert run(["publish"]) == WRONG_INPUT
    assert run(["no-such-verb"]) == WRONG_INPUT
    assert "No such command" in capsys.readouterr().err


def test_publish_checks_the_folder_before_it_asks_aws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that was not built is told without credentials or network."""
    assert run(["publish", str(tmp_path), "--bucket", "packages"]) == WRONG_INPUT
    assert "Build the package first" in capsys.readouterr().err


def test_no_boto3_without_need() -> None:
    """`csd package build` loads no AWS library: it is quick, and works without one."""
    code = "import sys; from csd.cli.main import run; run(['package', 'build', '--help']); assert 'boto3' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_new_association() -> None:
    """Lists are split, empty values are left out, arguments become JSON, the action is Install unless told."""
    wanted = {
        "name": "csd-hello", "version": "1.0.0", "targetAccounts": "ou-abcd-11111111, 222222222222", "targetRegions": "us-east-1",
        "bucketName": "packages", "bucketPrefix": "",
    }  # fmt: skip
    assert association_parameters(wanted, ["SSM_GREETING=hello = you"], {}, ROLE) == {
        "name": ["csd-hello"],
        "version": ["1.0.0"],
        "targetAccounts": ["ou-abcd-11111111", "222222222222"],
        "targetRegions": ["us-east-1"],
        "bucketName": ["packages"],
        "action": ["Install"],
        "additionalArguments": ['{"SSM_GREETING": "hello = you"}'],
        "AutomationAssumeRole": [ROLE],
    }


def test_an_update_keeps_what_is_not_named() -> None:
    """Only the version changes; the article's empty prefix is not sent again."""
    held = {
        "name": ["csd-hello"], "version": ["1.0.0"], "targetAccounts": ["222222222222"], "targetRegions": ["us-east-1"],
        "bucketName": ["packages"], "bucketPrefix": [""], "additionalArguments": ['{"SSM_A":"1"}'], "action": ["Install"],
    }  # fmt: skip
    found = association_parameters({"version": "2.0.0"}, None, held, ROLE)
    kept = {key: values for key, values in held.items() if key != "bucketPrefix"}
    assert found == kept | {"version": ["2.0.0"], "AutomationAssumeRole": [ROLE]}


def test_all_wrong_wishes_at_once() -> None:
    """Each wrong option is named as it is typed."""
    with pytest.raises(CsdInputError) as wrong:
        association_parameters({"action": "Remove", "targetAccounts": "everyone"}, ["GREETING=x"], {}, ROLE)
    told = str(wrong.value)
    for part in (
        "--name: is needed",
        "--regions: is needed",
        "'Remove'",
        "'everyone' is no OU id",
        "'GREETING=x' is not SSM_KEY=VALUE",
    ):
        assert part in told


def test_refusals_say_who_where_and_what() -> None:
    """Service, operation, account, Region, code and AWS's sentence."""
    told = AwsRefused(
        service="ssm", operation="SendCommand", code="AccessDenied", said="not you", account="222222222222", region="eu-west-1"
    )
    assert str(told) == "ssm:SendCommand (account 222222222222 in eu-west-1) was refused: AccessDenied: not you"


def picture_of(*versions: str) -> object:
    nodes = []
    for number, version in enumerate(versions):
        text = f"Successfully installed csd-hello {version}" if version else ""
        words = Said(
            NOW - timedelta(hours=2), "Success" if version else "Failed", "Failed", text, "" if version else "token-4711", "c"
        )
        nodes.append(NodeFacts("222222222222", "eu-west-1", f"i-{number:08x}", "Online", NOW, "Debian 12", (words,)))
    return draw(Wanted("csd-hello", "1.0.0", "Install"), nodes, NOW, [], ["333333333333 is SUSPENDED"])


def test_the_json_picture_is_stable() -> None:
    """Names that scripts may rely on; ages in seconds."""
    shown = screen.picture_json(picture_of("1.0.0", ""))  # type: ignore[arg-type] # built by draw
    assert shown["complete"] is False
    assert shown["counts"]["as wanted"] == shown["counts"]["failed"] == 1
    assert shown["nodes"][0] | {"why": ""} == {
        "account": "222222222222", "region": "eu-west-1", "node": "i-00000000", "platform": "Debian 12", "ping": "Online",
        "lastPing": NOW.isoformat(), "state": "as wanted", "version": "1.0.0", "versionToldAt": (NOW - timedelta(hours=2)).isoformat(),
        "versionAgeSeconds": 7200, "why": "", "commandId": "c",
    }  # fmt: skip
    json.dumps(shown)


def test_the_table_names_node_age_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees the node, how old the fact is, and the node's own words."""
    screen.show_picture(picture_of("1.0.0", ""))  # type: ignore[arg-type] # built by draw
    out = capsys.readouterr().out
    assert "i-00000000" in out
    assert "2h0m" in out
    assert "token-4711" in out
    assert "2 nodes targeted, wanted: csd-hello 1.0.0: 1 as wanted, 1 failed" in out
    assert "left out: 333333333333 is SUSPENDED" in out


@pytest.mark.parametrize(
    ("run_", "line"),
    [
        (
            LastRun("Failed", NOW - timedelta(minutes=1), "manifest.json says 1.0.0"),
            "last run: Failed, 1m0s ago: manifest.json says 1.0.0",
        ),
        (LastRun("Success", NOW, ""), "last run: Success, 0s ago"),
        (None, None),
    ],
)
def test_the_last_run_is_told(run_: LastRun | None, line: str | None) -> None:
    """A run that failed before it reached any node has no node to say why: the picture says it."""
    picture = draw(Wanted("csd-hello", "1.0.0", "Install"), [], NOW, [], [], run_)
    assert [told for told in screen.summary(picture) if told.startswith("last run")] == ([line] if line else [])
    told = screen.picture_json(picture)["lastRun"]
    assert told == (run_ and {"status": run_.status, "at": run_.at.isoformat() if run_.at else None, "why": run_.why})


def test_a_folder_that_cannot_be_written_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One message with the path and the system's reason, no traceback."""
    (tmp_path / "file").write_text("")
    assert run(["package", "build", str(EXAMPLE), "-o", str(tmp_path / "file" / "out")]) == WRONG_INPUT
    assert capsys.readouterr().err == f"error: {tmp_path / 'file' / 'out'}: Not a directory\n"


def test_exit_codes_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """The help says what each code means; a wrong call differs from a fleet that is not as wanted."""
    assert run(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"{WRONG_INPUT} wrong input; {NOT_AS_WANTED} not every node is as wanted" in told


def test_a_build_without_output_prints_its_folder_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`folder=$(csd package build DIR)` works: digests and the sentence go to stderr, and no bar is drawn without a terminal."""
    monkeypatch.chdir(tmp_path)
    assert run(["package", "build", str(EXAMPLE)]) == 0
    told = capsys.readouterr()
    assert re.fullmatch(r"dist/csd-hello/1\.0\.0/[0-9a-f]{16}\n", told.out)
    assert (tmp_path / told.out.strip() / "manifest.json").is_file()
    assert [line.split()[-1] for line in told.err.splitlines()[:3]] == [
        f"csd-hello-1.0.0-{kind}.zip" for kind in ("debian", "linux", "windows")
    ]
    assert told.err.splitlines()[3:] == [f"csd-hello 1.0.0 is sealed in {told.out.strip()}"]


def test_a_build_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Folder, address, every digest and the warnings; a wrong SOURCE_DATE_EPOCH is wrong input."""
    assert run(["package", "build", str(EXAMPLE), "-o", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["folder"], told["name"], told["version"], told["warnings"]) == (str(tmp_path / "out"), "csd-hello", "1.0.0", [])
    assert told["address"] == f"csd-hello/1.0.0/{told['manifest']['sha256'][:16]}"
    assert set(told["beside"]) == {"sbom.cdx.json", "provenance.intoto.json"}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    assert run(["package", "build", str(EXAMPLE), "-o", str(tmp_path / "out")]) == WRONG_INPUT
    assert "SOURCE_DATE_EPOCH: found 'today'" in capsys.readouterr().err


def test_a_strangers_name_gives_the_terminal_no_orders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters of names (colours, cursor, title, C1) are written out, on stderr, on stdout and in JSON, which stays the same."""
    orders = "\x1b]0;owned\x07\x1b[2J\x9b31m\r"
    assert run(["package", "lint", str(tmp_path / orders)]) == WRONG_INPUT
    screen.tell(orders)
    screen.data(orders)
    screen.data_json({"name": orders})
    out, err = capsys.readouterr()
    assert not set(out + err) & set("\x1b\x07\x9b\r")
    assert r"\x1b]0;owned\x07\x1b[2J\x9b31m\x0d" in out
    assert r"\x1b]0;owned\x07" in err
    assert json.loads(out.partition("\n")[2]) == {"name": orders}
