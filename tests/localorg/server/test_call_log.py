"""`localorg logs`: a line for a person from each record, whatever the file went through."""

import json
from pathlib import Path

import pytest

from localorg.server.call_log import read_lines
from localorg.server.state import LocalorgError

ALLOWED = {
    "time": 1700000000.5,
    "principal": "arn:aws:iam::111111111111:user/admin",
    "account": "111111111111",
    "region": "us-east-1",
    "action": "ssm:GetDocument",
    "resource": "arn:aws:ssm:us-east-1:111111111111:document/Nap",
    "verdict": "allowed",
    "source": "wire",
    "message": "",
}
DENIED = {**ALLOWED, "verdict": "denied", "region": "", "action": "iam:GetRole", "message": "because \x1b[31mno\nreason"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps(ALLOWED) + "\n" + '{"time": 17' + "\n" + json.dumps(DENIED) + "\n")
    return path


def test_each_call_is_a_line_in_columns(log: Path) -> None:
    """Day and time in UTC, verdict, action, Region, principal, resource and AWS's sentence, without control sequences."""
    first, torn, second = read_lines(log, refused_only=False)
    assert first.split() == [
        *("2023-11-14", "22:13:20.500Z", "allowed", "ssm:GetDocument", "us-east-1"),
        *("arn:aws:iam::111111111111:user/admin", "arn:aws:ssm:us-east-1:111111111111:document/Nap"),
    ]
    assert second.endswith("(because \ufffd[31mno\ufffdreason)")
    assert first.index("arn:aws:iam") == second.index("arn:aws:iam")
    assert torn == "(a line that is not whole: the server was killed while it wrote it)"


def test_only_refusals(log: Path) -> None:
    """--denied leaves out what was allowed."""
    assert [line.split()[2] for line in read_lines(log, refused_only=True) if not line.startswith("(")] == ["denied"]


def test_without_a_log_there_is_a_sentence(tmp_path: Path) -> None:
    """An organization that never was is not an empty success."""
    with pytest.raises(LocalorgError, match="there are no calls to show.*Give --state the directory of an organization"):
        list(read_lines(tmp_path / "calls.jsonl", refused_only=False))
