"""A document's life: created, updated, another default, deleted; and who asks for which version."""

import json
from typing import Any

import pytest
from documents.harness import AWAY, COMMAND, HOME, HUB, MEMBER, RUNBOOK, Harness, manifest

from localorg.kernel.errors import AwsError


def other(number: int) -> str:
    return json.dumps({**json.loads(COMMAND), "description": f"number {number}"})


def code_of(house: Harness, operation: str, **params: Any) -> str:
    with pytest.raises(AwsError) as caught:
        house.call(operation, **params)
    return caught.value.code


def test_a_new_document_is_creating_then_active() -> None:
    """Documented: API DocumentStatus; the aws CLI example of create-document answers Creating."""
    house = Harness()
    answer = house.create("Greet", TargetType="/AWS::EC2::Instance", DisplayName="Greeting")
    assert {key: answer[key] for key in ("Name", "Owner", "Status", "DocumentVersion", "LatestVersion", "DefaultVersion")} == {
        "Name": "Greet",
        "Owner": HUB,
        "Status": "Creating",
        "DocumentVersion": "1",
        "LatestVersion": "1",
        "DefaultVersion": "1",
    }
    assert answer["Parameters"] == [
        {"Name": "greeting", "Type": "String", "Description": "What to say.", "DefaultValue": "hello"}
    ]
    assert (answer["PlatformTypes"], answer["HashType"], len(answer["Hash"])) == (["Linux", "MacOS"], "Sha256", 64)
    assert (answer["TargetType"], answer["DisplayName"]) == ("/AWS::EC2::Instance", "Greeting")
    house.wait()
    assert house.call("DescribeDocument", Name="Greet")["Document"]["Status"] == "Active"
    assert house.heard == [{"account": HUB, "region": HOME, "name": "Greet"}] * 2


def test_creating_lasts_as_long_as_the_settings_say() -> None:
    """Assumed: AWS does not say how long; a client that never sees Creating would never be tested against it."""
    house = Harness()
    house.create()
    house.wait(0.4)
    assert house.call("GetDocument", Name="Greet")["Status"] == "Creating"
    house.wait(0.2)
    assert house.call("GetDocument", Name="Greet")["Status"] == "Active"


def test_an_update_adds_a_version_and_leaves_the_default() -> None:
    """Documented: API UpdateDocument; the aws CLI example answers Updating."""
    house = Harness()
    house.create()
    answer = house.update("Greet", other(2), VersionName="two")
    assert (answer["Status"], answer["DocumentVersion"], answer["LatestVersion"], answer["DefaultVersion"]) == (
        "Updating",
        "2",
        "2",
        "1",
    )
    assert house.call("GetDocument", Name="Greet")["DocumentVersion"] == "1"
    for asked in ({"DocumentVersion": "$LATEST"}, {"DocumentVersion": "2"}, {"VersionName": "two"}):
        assert house.call("GetDocument", Name="Greet", **asked)["DocumentVersion"] == "2"
    changed = house.call("UpdateDocumentDefaultVersion", Name="Greet", DocumentVersion="2")
    assert changed["Description"] == {"Name": "Greet", "DefaultVersion": "2", "DefaultVersionName": "two"}
    assert house.call("GetDocument", Name="Greet", DocumentVersion="$DEFAULT")["DocumentVersion"] == "2"
    listed = house.call("ListDocumentVersions", Name="Greet")["DocumentVersions"]
    assert [(one["DocumentVersion"], one["IsDefaultVersion"]) for one in listed] == [("2", True), ("1", False)]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Name": "Absent", "Content": COMMAND}, "InvalidDocument"),
        ({"Name": "Greet", "Content": other(2), "DocumentVersion": "$LATEST"}, "DuplicateDocumentContent"),
        ({"Name": "Greet", "Content": other(3), "VersionName": "two"}, "DuplicateDocumentVersionName"),
        ({"Name": "Greet", "Content": other(3), "DocumentVersion": "1"}, "InvalidDocumentVersion"),
        ({"Name": "Greet", "Content": other(3), "DocumentVersion": "$DEFAULT"}, "InvalidDocumentVersion"),
        ({"Name": "Greet", "Content": "{}"}, "InvalidDocumentContent"),
        ({"Name": "AWS-RunShellScript", "Content": COMMAND}, "InvalidDocument"),
    ],
)
def test_updates_that_are_refused(params: dict[str, Any], code: str) -> None:
    """Documented: API UpdateDocument errors; only the latest version can be updated."""
    house = Harness()
    house.create()
    house.update("Greet", other(2), VersionName="two")
    assert code_of(house, "UpdateDocument", **params) == code


@pytest.mark.parametrize(
    "asked", [{"DocumentVersion": "9"}, {"VersionName": "nine"}, {"DocumentVersion": "1", "VersionName": "two"}]
)
def test_a_version_that_is_not_there_is_invalid(asked: dict[str, str]) -> None:
    """Documented: API InvalidDocumentVersion."""
    house = Harness()
    house.create()
    house.update("Greet", other(2), VersionName="two")
    with pytest.raises(AwsError, match=r"Greet has no version .* for you; you may see 1, 2\.") as caught:
        house.call("GetDocument", Name="Greet", **asked)
    assert caught.value.code == "InvalidDocumentVersion"


def test_a_document_of_schema_1_2_has_one_version() -> None:
    """Documented: user guide, documents-schemas-features: a change of a 1.2 document must be saved under another name."""
    house = Harness()
    old = {"schemaVersion": "1.2", "runtimeConfig": {"aws:runShellScript": {"properties": [{"id": "0", "runCommand": ["date"]}]}}}
    house.create("Old", json.dumps(old))
    house.create()
    for name, content in (("Old", COMMAND), ("Greet", json.dumps(old))):
        with pytest.raises(AwsError, match=f"{name} cannot be updated: documents of schema 1.2 have one version") as caught:
            house.update(name, content)
        assert caught.value.code == "InvalidDocumentSchemaVersion"


def test_a_version_inherits_what_is_not_said_again() -> None:
    """Documented: API UpdateDocumentRequest.DisplayName: the existing value is applied. Assumed: so with TargetType."""
    house = Harness()
    house.create(DisplayName="Greeting", TargetType="/AWS::EC2::Instance")
    second = house.update("Greet", other(2))
    assert (second["DisplayName"], second["TargetType"]) == ("Greeting", "/AWS::EC2::Instance")
    third = house.update("Greet", other(3), DisplayName="Hello", TargetType="/")
    assert (third["DisplayName"], third["TargetType"]) == ("Hello", "/")


def test_names_are_unique_per_account_and_region() -> None:
    """Documented: API DocumentAlreadyExists; documents are Regional."""
    house = Harness()
    house.create()
    house.call("CreateDocument", region=AWAY, Name="Greet", Content=COMMAND)
    house.call("CreateDocument", MEMBER, Name="Greet", Content=COMMAND)
    assert code_of(house, "CreateDocument", Name="Greet", Content=COMMAND) == "DocumentAlreadyExists"


@pytest.mark.parametrize("name", ["aws-tool", "Amazon.tool", "amzn_tool", "AWSEC2-x", "AWSSupport-x", "AWSConfigRemediation-x"])
def test_names_of_aws_are_reserved(name: str) -> None:
    """Documented: API CreateDocumentRequest.Name. Assumed: without regard to case."""
    with pytest.raises(AwsError, match="which is reserved for AWS. Reserved are aws, amazon, amzn, AWSEC2"):
        Harness().create(name)


def test_quotas_of_documents_and_versions() -> None:
    """Documented: API DocumentLimitExceeded (500), user guide: 25 versions of a package."""
    house = Harness()
    for number in range(500):
        house.create(f"Greet-{number}")
    assert code_of(house, "CreateDocument", Name="Greet-500", Content=COMMAND) == "DocumentLimitExceeded"
    house = Harness()
    house.publish(version="1")
    source = [{"Key": "SourceUrl", "Values": ["s3://shelf/tool/1"]}]
    for number in range(2, 26):
        house.update("tool", manifest(str(number)), Attachments=source)
    with pytest.raises(AwsError, match="tool has 25 versions, the most a Package has") as caught:
        house.update("tool", manifest("26"), Attachments=source)
    assert caught.value.code == "DocumentVersionLimitExceeded"


def test_deleting_one_version_or_all() -> None:
    """Documented: API DeleteDocument. Assumed: the default version cannot go alone; a number is never given again."""
    house = Harness()
    house.create()
    house.update("Greet", other(2))
    assert code_of(house, "DeleteDocument", Name="Greet", DocumentVersion="1") == "InvalidDocumentOperation"
    house.call("DeleteDocument", Name="Greet", DocumentVersion="2")
    assert house.update("Greet", other(3))["DocumentVersion"] == "3"
    house.call("DeleteDocument", Name="Greet")
    assert code_of(house, "GetDocument", Name="Greet") == "InvalidDocument"
    house.wait()
    house.create()
    house.wait()
    assert [one["DocumentVersion"] for one in house.call("ListDocumentVersions", Name="Greet")["DocumentVersions"]] == ["1"]


def test_documents_outlive_a_restart() -> None:
    """Assumed: the state of the server is its rows; a version that was Creating becomes Active afterwards."""
    first = Harness()
    first.create("Run", RUNBOOK, "Automation", Tags=[{"Key": "team", "Value": "blue"}])
    second = Harness(first.store, first.blobs, first.clock)
    second.documents.resume()
    second.wait()
    shown = second.call("DescribeDocument", Name="Run")["Document"]
    assert (shown["Status"], shown["Tags"]) == ("Active", [{"Key": "team", "Value": "blue"}])


def test_tags_come_and_go() -> None:
    """Documented: API AddTagsToResource, RemoveTagsFromResource, ListTagsForResource."""
    house = Harness()
    house.create(Tags=[{"Key": "team", "Value": "blue"}])
    on = {"ResourceType": "Document", "ResourceId": "Greet"}
    house.call("AddTagsToResource", **on, Tags=[{"Key": "stage", "Value": "prod"}, {"Key": "team", "Value": "red"}])
    house.call("RemoveTagsFromResource", **on, TagKeys=["stage"])
    assert house.call("ListTagsForResource", **on)["TagList"] == [{"Key": "team", "Value": "red"}]
    assert code_of(house, "ListTagsForResource", ResourceType="Document", ResourceId="Absent") == "InvalidResourceId"
    with pytest.raises(AwsError, match="does not support tags of Parameter in AddTagsToResource"):
        house.call("AddTagsToResource", ResourceType="Parameter", ResourceId="x", Tags=[])
    with pytest.raises(AwsError, match="Greet would have 51 tags; at most 50 are possible"):
        house.call("AddTagsToResource", **on, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
