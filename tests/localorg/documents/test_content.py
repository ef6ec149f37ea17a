"""Content that is refused, with every problem, and content that is read in one format and given in the other."""

import json
from typing import Any

import pytest
import yaml
from documents.harness import COMMAND, Harness, manifest
from hypothesis import given
from hypothesis import strategies as st

from localorg.documents import text
from localorg.documents.aws_owned import contents
from localorg.kernel.errors import AwsError


def refused(kind: str, content: str, **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        Harness().create("Sample", content, kind, **params)
    return caught.value


def test_a_manifest_says_all_its_problems_at_once() -> None:
    """Documented: user guide, distributor-working-with-packages-create: version = VersionName, every file listed with a sha256."""
    broken = {
        "schemaVersion": "2.0",
        "version": "1.0",
        "packages": {"debian": {"_any": {"x86_64": {"file": "absent.zip"}, "arm64": "tool.zip"}}, "windows": {}},
        "files": {"tool.zip": {"checksums": {"sha256": "abc"}}},
    }
    error = refused("Package", json.dumps(broken), VersionName="2.0")
    assert error.code == "InvalidDocumentContent"
    assert error.message == (
        "This is no Package document (5 problems): version is '1.0' but VersionName is '2.0'; they must be equal; "
        "files.tool.zip.checksums.sha256 must be 64 hexadecimal digits, found 'abc'; "
        "packages.debian._any.x86_64.file is 'absent.zip', which files does not list; "
        "packages.debian._any.arm64 must be {\"file\": NAME}, found 'tool.zip'; "
        'packages.windows must be {"file": NAME}, found {}'
    )


@pytest.mark.parametrize(
    ("kind", "content", "code", "words"),
    [
        (
            "Package",
            {"schemaVersion": "1.0"},
            "InvalidDocumentSchemaVersion",
            "A document of type Package has schemaVersion 2.0; this one",
        ),
        ("Command", {"schemaVersion": "0.3"}, "InvalidDocumentSchemaVersion", "1.2 or 2.0 or 2.2; this one says '0.3'"),
        ("Automation", {"mainSteps": []}, "InvalidDocumentContent", "schemaVersion is missing; it must be one of 0.3"),
        ("Automation", {"schemaVersion": "0.3"}, "InvalidDocumentContent", "mainSteps must be a list of at least one step"),
        ("Automation", {"schemaVersion": "0.3", "steps": 1}, "InvalidDocumentContent", "steps is no element of schema 0.3"),
        ("Package", {"schemaVersion": "2.0", "version": "1 0"}, "InvalidDocumentContent", "files must map each zip"),
        ("Session", {}, "NotImplemented", "localorg does not support the document type Session in CreateDocument."),
        ("ChangeCalendar", {}, "InvalidDocumentContent", "its DocumentFormat is TEXT, found JSON"),
    ],
)
def test_what_is_no_document_is_refused(kind: str, content: dict[str, Any], code: str, words: str) -> None:
    """Documented: API CreateDocument errors; the texts are ours."""
    error = refused(kind, json.dumps(content))
    assert (error.code, words in error.message) == (code, True), error.message


def test_steps_must_have_names_of_their_own() -> None:
    """Documented: user guide, automation-documents: names are unique; letters, digits and underscores."""
    steps = [{"name": "a", "action": "aws:sleep"}, {"name": "a", "action": "aws:sleep"}, {"name": "b-c"}, "text"]
    error = refused("Automation", json.dumps({"schemaVersion": "0.3", "mainSteps": steps}))
    assert "mainSteps[1].name 'a' is used twice; each step has a name of its own" in error.message
    assert "mainSteps[2].name must match [a-zA-Z0-9_]+, found 'b-c'; mainSteps[2].action is missing" in error.message
    assert "mainSteps[3] must be a mapping with name and action, found 'text'" in error.message


def test_what_automation_cannot_run_is_refused_when_the_document_is_created() -> None:
    """Observed: issue about the end of python3.7: create and update are refused. The list comes from Automation itself."""
    house = Harness()
    house.runbook_problems = ["mainSteps[0]: unknown action aws:dance", "mainSteps[1]: Runtime python3.7 has been retired"]
    runbook = {"schemaVersion": "0.3", "mainSteps": [{"name": "a", "action": "aws:dance", "inputs": {}}]}
    with pytest.raises(AwsError, match=r"unknown action aws:dance; mainSteps\[1\]: Runtime python3.7 has been retired") as caught:
        house.create("Dance", json.dumps(runbook), "Automation")
    assert caught.value.code == "InvalidDocumentContent"


def test_plugins_that_aws_does_not_have_are_named() -> None:
    """Documented: user guide, documents-command-ssm-plugin-reference; which of them a node can perform is the node's concern."""
    steps = [{"name": "a", "action": "aws:runSellScript", "inputs": {}}]
    error = refused("Command", json.dumps({"schemaVersion": "2.2", "mainSteps": steps}))
    assert error.code == "InvalidDocumentContent"
    assert "AWS has no plugin aws:runSellScript" in error.message
    steps[0]["action"] = "aws:domainJoin"
    assert Harness().create("Sample", json.dumps({"schemaVersion": "2.2", "mainSteps": steps}))["PlatformTypes"] == [
        "Windows",
        "Linux",
    ]


@pytest.mark.parametrize(
    ("schema", "step", "words"),
    [
        ("2.2", {"onSuccess": "exit"}, "mainSteps[0] has unknown fields onSuccess; onSuccess and finallyStep belong into inputs"),
        (
            "2.0",
            {"precondition": {"StringEquals": ["platformType", "Linux"]}},
            "precondition needs schema 2.2; this document says 2.0",
        ),
        ("2.2", {"precondition": ["platformType"]}, "mainSteps[0].precondition must map an operator to its operands"),
        ("2.2", {"precondition": {"StringLike": ["a", "b"]}}, "has the operator StringLike; AWS has StringEquals"),
        ("2.2", {"precondition": {"StringEquals": ["a"]}}, "StringEquals must be a list of two strings, found ['a']"),
    ],
)
def test_steps_say_only_what_agents_read(schema: str, step: dict[str, Any], words: str) -> None:
    """Documented: user guide, documents-schemas-features (preconditions). Assumed: other fields of a step are refused."""
    steps = [{"name": "a", "action": "aws:runShellScript", "inputs": {"runCommand": []}, **step}]
    error = refused("Command", json.dumps({"schemaVersion": schema, "mainSteps": steps}))
    assert error.code == "InvalidDocumentContent"
    assert words in error.message


def test_text_is_no_format_of_commands_and_runbooks() -> None:
    """Assumed: TEXT is for calendars; a Command document is JSON or YAML, and has no TEXT form to get."""
    assert refused("Command", COMMAND, DocumentFormat="TEXT").code == "InvalidDocumentContent"
    house = Harness()
    house.create()
    with pytest.raises(AwsError, match=r"Greet has no TEXT form; ask for JSON or YAML\."):
        house.call("GetDocument", Name="Greet", DocumentFormat="TEXT")


def test_parameters_must_be_declared_well() -> None:
    """Documented: user guide, documents-syntax-data-elements-parameters."""
    body = json.loads(COMMAND)
    body["parameters"] = {
        "a": {"type": "Text"},
        "b": {"type": "StringList", "default": "x", "colour": "red"},
        "c": {"type": "StringMap", "default": []},
        "d": {"type": "StringList", "default": "{{ ssm:list }}"},
    }
    error = refused("Command", json.dumps(body))
    assert (
        "parameters.a.type must be one of String, StringList, Integer, Boolean, MapList, StringMap, found 'Text'" in error.message
    )
    assert (
        "parameters.b has unknown fields colour; parameters.b.default must be a list for StringList, found 'x'" in error.message
    )
    assert "parameters.c.default must be a mapping for StringMap, found []" in error.message
    assert "parameters.d" not in error.message


@pytest.mark.parametrize(
    ("content", "form", "words"),
    [
        ("schemaVersion: '2.2'", "JSON", "the content is not JSON: .*pass DocumentFormat=YAML for YAML"),
        ("{", "JSON", "the content is not JSON: Expecting property name"),
        ("[" * 50_000, "JSON", "not JSON of a sensible depth"),
        ("a: [", "YAML", "the content is not YAML: while parsing"),
        ("- a", "YAML", "the content must be a mapping, found a list"),
        ("1: x", "YAML", "keys must be strings; put quotes around 1"),
        ("a: !!python/object:os.system x", "YAML", "could not determine a constructor"),
        ("a: &a [" + "1," * 999 + "]\nb: &b [" + "*a," * 999 + "]\nc: [" + "*b," * 99 + "]", "YAML", "too many YAML aliases"),
    ],
)
def test_text_that_cannot_be_read_says_why(content: str, form: str, words: str) -> None:
    """Assumed: AWS answers InvalidDocumentContent; the words are ours. Bombs of nesting and aliases end here too."""
    with pytest.raises(AwsError, match=words) as caught:
        Harness().create("Sample", content, DocumentFormat=form)
    assert caught.value.code == "InvalidDocumentContent"


def test_a_document_of_more_than_64_kb_is_too_large() -> None:
    """Documented: API MaxDocumentSizeExceeded, 64 KB; counted in bytes."""
    assert refused("Command", "{" + "ü" * 33_000 + "}").code == "MaxDocumentSizeExceeded"


def test_yaml_is_read_as_json_would_be() -> None:
    """Assumed: dates and yes/no stay text, and an unquoted schemaVersion is understood."""
    found = text.read("schemaVersion: 2.2\nwhen: 2020-01-02\nanswer: yes\nflag: true\n", "YAML")
    assert found == {"schemaVersion": 2.2, "when": "2020-01-02", "answer": "yes", "flag": True}


def test_get_document_converts_between_the_formats() -> None:
    """Documented: API GetDocumentRequest.DocumentFormat: JSON or YAML, JSON is the default."""
    house = Harness()
    house.create("Greet", yaml.safe_dump(json.loads(COMMAND)), DocumentFormat="YAML")
    plain = house.call("GetDocument", Name="Greet")
    assert (plain["DocumentFormat"], json.loads(plain["Content"])) == ("JSON", json.loads(COMMAND))
    stored = house.call("GetDocument", Name="Greet", DocumentFormat="YAML")
    assert stored["Content"] == yaml.safe_dump(json.loads(COMMAND))
    assert house.call("DescribeDocument", Name="Greet")["Document"]["DocumentFormat"] == "YAML"


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4), st.sampled_from(["JSON", "YAML"]))
def test_writing_and_reading_are_inverse(value: dict[str, Any], form: str) -> None:
    """Assumed: a conversion loses nothing; what is written in a format reads back as the same value."""
    assert text.read(text.write(value, form), form) == value


def test_the_documents_of_aws_are_there_in_every_account_and_region() -> None:
    """Documented: user guide, distributor-working-with-packages-deploy and the parameters shown for each document."""
    house = Harness()
    for account, region in (("111111111111", "eu-west-1"), ("222222222222", "us-east-1")):
        shown = house.call("DescribeDocument", account, region, Name="AWS-ConfigureAWSPackage")["Document"]
        assert (shown["Owner"], shown["Status"], shown["SchemaVersion"]) == ("Amazon", "Active", "2.2")
        assert [parameter["Name"] for parameter in shown["Parameters"]] == [
            "action",
            "installationType",
            "name",
            "version",
            "additionalArguments",
        ]
    assert sorted(contents()) == [
        "AWS-ConfigureAWSPackage",
        "AWS-GatherSoftwareInventory",
        "AWS-RefreshAssociation",
        "AWS-RunDocument",
        "AWS-RunPowerShellScript",
        "AWS-RunRemoteScript",
        "AWS-RunShellScript",
        "AWS-UpdateSSMAgent",
    ]
    by_arn = house.call("GetDocument", Name="arn:aws:ssm:eu-west-1::document/AWS-RunShellScript")
    assert by_arn["Name"] == "AWS-RunShellScript"
    steps = json.loads(house.call("GetDocument", Name="AWS-ConfigureAWSPackage")["Content"])["mainSteps"]
    assert [step["name"] for step in steps] == ["createDownloadFolder", "configurePackage"]


def test_a_package_says_which_platforms_it_serves() -> None:
    """Assumed: derived from the platform codes of the manifest."""
    assert Harness().publish()["PlatformTypes"] == ["Linux"]
    body = json.loads(manifest())
    body["packages"] = {"windows": body["packages"]["debian"], "_any": body["packages"]["debian"]}
    source = [{"Key": "SourceUrl", "Values": ["s3://shelf/tool"]}]
    shown = Harness().create("tool", json.dumps(body), "Package", Attachments=source)
    assert shown["PlatformTypes"] == ["Windows", "Linux", "MacOS"]
