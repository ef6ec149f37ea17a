"""Documents within documents, and content that a node downloads: values, files of a temporary folder, and one real node."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from localorg.node.calls import CallRefusedError
from localorg.node.download_content import Sources
from localorg.node.results import Status, StepResult
from localorg.node.run_document import InnerError, inner, merged
from node.conftest import Fleet

SAY = {
    "schemaVersion": "2.2",
    "parameters": {
        "word": {"type": "String", "default": "hello", "allowedValues": ["hello", "bye"], "maxChars": 5},
        "list": {"type": "StringList", "default": [], "maxItems": 1},
    },
    "mainSteps": [{"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ word }}"]}}],
}


class Documents:
    """GetDocument over SAY; it writes down what was asked."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert operation == "GetDocument"
        self.asked.append(parameters)
        if "Say" not in parameters["Name"]:
            raise CallRefusedError("InvalidDocument", "does not exist")
        return {"Content": json.dumps(SAY)}


class Bucket:
    """Objects of one bucket; `may_list` says whether listing is allowed."""

    def __init__(self, objects: dict[str, bytes], *, may_list: bool = True) -> None:
        self.objects, self.may_list = objects, may_list

    def list_keys(self, bucket: str, prefix: str) -> list[str]:
        if not self.may_list:
            raise CallRefusedError("AccessDenied", "Access Denied")
        return [key for key in self.objects if key.startswith(prefix)]

    def fetch_object(self, bucket: str, key: str, path: Path) -> None:
        if key not in self.objects:
            raise CallRefusedError("NoSuchKey", "The specified key does not exist.")
        path.write_bytes(self.objects[key])


ARN = "arn:aws:ssm:eu-west-1:111122223333:document/Say"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("Say", {"Name": "Say"}),
        ("Say:3", {"Name": "Say", "DocumentVersion": "3"}),
        (ARN, {"Name": ARN}),
        (f"{ARN}:$LATEST", {"Name": ARN, "DocumentVersion": "$LATEST"}),
    ],
)
def test_an_inner_document_is_read_under_the_role_of_the_node(tmp_path: Path, path: str, asked: dict[str, str]) -> None:
    """Observed: rundocument of the agent: a name or an ARN, and a version after a colon."""
    documents = Documents()
    found = inner(
        {"documentType": "SSMDocument", "documentPath": path, "documentParameters": '{"word": null}'}, documents, tmp_path, 0
    )
    assert (documents.asked, found.content, found.parameters) == ([asked], SAY, {})


def test_an_inner_document_is_a_file(tmp_path: Path) -> None:
    """Observed: rundocument of the agent: JSON or YAML, below the command's downloads or anywhere."""
    (tmp_path / "say.json").write_text(json.dumps(SAY))
    (tmp_path / "say.yaml").write_text("schemaVersion: '2.2'\nmainSteps: []\n")
    for path in ("say.json", str(tmp_path / "say.json")):
        given = {"documentType": "LocalPath", "documentPath": path, "documentParameters": {"word": "bye"}}
        assert inner(given, Documents(), tmp_path, 0).parameters == {"word": "bye"}
    given = {"documentType": "LocalPath", "documentPath": "say.yaml"}
    assert inner(given, Documents(), tmp_path, 2).content == {"schemaVersion": "2.2", "mainSteps": []}


@pytest.mark.parametrize(
    ("inputs", "depth", "words"),
    [
        ({"documentType": "SSMDocument", "documentPath": "Say"}, 3, "Maximum depth permitted - 3 and current depth - 4"),
        ({"documentPath": "Say"}, 0, "Document Type must be specified"),
        ({"documentType": "Tape", "documentPath": "Say"}, 0, "Document type specified in invalid"),
        ({"documentType": "SSMDocument"}, 0, "Document Path must be provided"),
        ({"documentType": "SSMDocument", "documentPath": "Absent"}, 0, "^InvalidDocument: does not exist$"),
        ({"documentType": "LocalPath", "documentPath": "absent.json"}, 0, "preparing documents - File is empty!$"),
        ({"documentType": "LocalPath", "documentPath": "empty"}, 0, "File is empty!"),
        ({"documentType": "LocalPath", "documentPath": "text"}, 0, "expected a mapping, found str"),
        (
            {"documentParameters": "[", "documentType": "SSMDocument", "documentPath": "Say"},
            0,
            "Unmarshalling document parameters",
        ),
        ({"documentParameters": 3, "documentType": "SSMDocument", "documentPath": "Say"}, 0, "to run document is unknown"),
        (
            {"documentParameters": {"word": "goodbye", "list": ["a", "b"]}, "documentType": "SSMDocument", "documentPath": "Say"},
            0,
            r"/goodbye/ is not in the allowed list \[hello bye\]\n.*exceeding the max chars /5/\n.*exceeding the max items /1/",
        ),
    ],
)
def test_inner_documents_that_cannot_be_run(tmp_path: Path, inputs: dict[str, Any], depth: int, words: str) -> None:
    """Observed: rundocument and paramvalidator of the agent, their words."""
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("just words")
    with pytest.raises(InnerError, match=words):
        inner(inputs, Documents(), tmp_path, depth)


def test_the_gravest_status_of_an_inner_document_counts() -> None:
    """Observed: contracts MergeResultStatus of the agent; observed: the texts come one after the other, as they are."""
    parts = [
        StepResult("p", Status.SKIPPED, output="skipped"),
        StepResult("p", Status.FAILED, 3, "one\n", "bad"),
        StepResult("p", Status.SUCCESS, 0, "two"),
    ]
    found = merged(parts)
    assert (found.status, found.code, found.stdout, found.stderr) == (Status.FAILED, 1, "one\ntwo", "bad")
    assert merged(parts[2:]).code == 0


def download(tmp_path: Path, bucket: Bucket, **inputs: Any) -> StepResult:
    return Sources(Documents(), bucket).download(inputs, tmp_path)


def test_a_document_is_downloaded(tmp_path: Path) -> None:
    """Observed: ssmdocresource of the agent: into the file that is named, or NAME.json in a folder."""
    info = {"name": f"{ARN}:2"}
    said = download(tmp_path, Bucket({}), sourceType="SSMDocument", sourceInfo=json.dumps(info), destinationPath="a.json")
    assert (said.status, said.stdout) == (Status.SUCCESS, f"Content downloaded to {tmp_path}/a.json")
    download(tmp_path, Bucket({}), sourceType="SSMDocument", sourceInfo=info, destinationPath="kit/")
    files = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.json")}
    assert files == {"a.json": 0o700, "kit/Say.json": 0o700}


KIT = {"kit/": b"", "kit/one.sh": b"1", "kit/deep/two.sh": b"2", "kitten.sh": b"3"}


@pytest.mark.parametrize(
    ("path", "destination", "may_list", "files"),
    [
        ("https://s3.amazonaws.com/shelf/kit", "", True, {"one.sh", "deep/two.sh"}),
        ("https://shelf.s3.eu-west-1.amazonaws.com/kit/", "here", True, {"here/one.sh", "here/deep/two.sh"}),
        ("https://s3.eu-west-1.amazonaws.com/shelf/kitten.sh", "", True, {"kitten.sh"}),
        ("https://s3.eu-west-1.amazonaws.com/shelf/kitten.sh", "other.sh", False, {"other.sh"}),
    ],
)
def test_files_of_s3_are_downloaded(tmp_path: Path, path: str, destination: str, may_list: bool, files: set[str]) -> None:
    """Observed: s3resource of the agent: all files below a folder, or one file; without the right to list it is taken for a file."""
    bucket = Bucket(KIT, may_list=may_list)
    said = download(tmp_path, bucket, sourceType="S3", sourceInfo={"path": path}, destinationPath=destination)
    assert said.status == Status.SUCCESS, said.stderr
    assert {str(found.relative_to(tmp_path)) for found in tmp_path.rglob("*") if found.is_file()} == files


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "SourceType must be specified"),
        ({"sourceType": "Tape"}, "Unsupported source type"),
        ({"sourceType": "S3"}, "SourceInfo must be specified"),
        ({"sourceType": "S3", "sourceInfo": "{}x"}, "s3 url parsing failed - neither JSON nor YAML"),
        ({"sourceType": "S3", "sourceInfo": {"path": "s3://shelf/kit"}}, "invalid S3 path parameter"),
        ({"sourceType": "S3", "sourceInfo": {"to": "x"}}, "S3 source path in SourceInfo must be specified"),
        ({"sourceType": "S3", "sourceInfo": {"path": "https://s3.amazonaws.com/shelf/kit/"}}, "AccessDenied: Access Denied"),
        ({"sourceType": "S3", "sourceInfo": {"path": "https://s3.amazonaws.com/shelf/x"}}, "NoSuchKey"),
        ({"sourceType": "SSMDocument", "sourceInfo": {"n": "x"}}, "SSM Document name in SourceType must be specified"),
        ({"sourceType": "SSMDocument", "sourceInfo": {"name": "Absent"}}, "InvalidDocument: does not exist"),
        ({"sourceType": "GitHub", "sourceInfo": {"owner": "x"}}, "the source type GitHub is not performed by nodes of localorg"),
    ],
)
def test_downloads_that_fail_say_why(tmp_path: Path, inputs: dict[str, Any], words: str) -> None:
    """Observed: downloadcontent of the agent, its words; what only the stock agent can is refused by name."""
    said = download(tmp_path, Bucket(KIT, may_list=False), **inputs)
    assert (said.status, said.code) == (Status.FAILED, 1)
    assert words in said.stderr


def test_a_node_runs_what_it_downloaded(fleet: Fleet) -> None:
    """Observed: the agent's plugins together: a download, a document within the document, a script in the folder of downloads."""
    fleet.plane.documents["Say", ""] = {"Content": json.dumps(SAY)}
    steps = [
        {
            "name": "get",
            "action": "aws:downloadContent",
            "inputs": {"sourceType": "SSMDocument", "sourceInfo": '{"name": "Say"}', "destinationPath": "say.json"},
        },
        {
            "name": "run",
            "action": "aws:runDocument",
            "inputs": {"documentType": "LocalPath", "documentPath": "say.json", "documentParameters": '{"word": "bye"}'},
        },
        {"name": "look", "action": "aws:runShellScript", "inputs": {"runCommand": ["ls"]}},
        {"name": "bad", "action": "aws:runDocument", "inputs": {"documentType": "SSMDocument", "documentPath": "Absent"}},
    ]
    said = fleet.plane.outcome(fleet.plane.send(fleet.one, {"schemaVersion": "2.2", "mainSteps": steps}))
    assert said.status == "Failed"
    assert {name: (step["status"], step["standardOutput"].strip()) for name, step in said.steps.items() if name != "get"} == {
        "run": ("Success", "bye"),
        "look": ("Success", "say.json"),
        "bad": ("Failed", ""),
    }
    assert said.steps["bad"]["standardError"].startswith("InvalidDocument")
