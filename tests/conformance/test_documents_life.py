"""Documents of Systems Manager: made, given versions, read, listed, deleted, and what is refused on the way."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, refused
from conformance.target import Account

Unique = Callable[[str], str]


def command(description: str = "says hello", **more: Any) -> str:
    """A Command document of one shell step."""
    step = {"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ word }}"]}}
    parameters = {"word": {"type": "String", "default": "hello", "description": "What to say."}}
    return json.dumps({"schemaVersion": "2.2", "description": description, "parameters": parameters, "mainSteps": [step], **more})


@pytest.fixture
def made(hub: Account, unique: Unique) -> Iterator[str]:
    """A Command document of the hub that is Active; it goes when the claim is made."""
    name = unique("doc")
    hub.client("ssm").create_document(Name=name, Content=command(), DocumentType="Command")
    active(hub, name)
    yield name
    hub.client("ssm").delete_document(Name=name)


def active(account: Account, name: str, version: str = "$DEFAULT") -> dict[str, Any]:
    """Wait for a version to be Active, and describe it."""
    ssm = account.client("ssm")
    description: dict[str, Any] = eventually(
        lambda: ssm.describe_document(Name=name, DocumentVersion=version)["Document"], lambda found: found["Status"] == "Active"
    )
    return description


@documented("aws CLI, create-document: the answer's Status")
def test_a_new_document_is_creating(hub: Account, unique: Unique) -> None:
    """CreateDocument answers with version 1, Status Creating, and becomes Active by itself."""
    name = unique("doc")
    ssm = hub.client("ssm")
    answer = ssm.create_document(Name=name, Content=command(), DocumentType="Command")["DocumentDescription"]
    shown = (answer["Status"], answer["DocumentVersion"], answer["LatestVersion"], answer["DefaultVersion"], answer["Owner"])
    assert shown == ("Creating", "1", "1", "1", hub.id)
    active(hub, name)
    ssm.delete_document(Name=name)


@documented("API DocumentDescription, Hash and HashType")
def test_the_hash_is_the_sha256_of_the_content(hub: Account, made: str) -> None:
    """DescribeDocument's Hash is the sha256 of the content, in hexadecimal."""
    shown = hub.client("ssm").describe_document(Name=made)["Document"]
    assert (shown["HashType"], shown["Hash"]) == ("Sha256", hashlib.sha256(command().encode()).hexdigest())


@documented("API DocumentDescription, Parameters and PlatformTypes")
def test_a_description_shows_parameters_and_platforms(hub: Account, made: str) -> None:
    """DescribeDocument shows the declared parameters, and the platforms of the plugins."""
    shown = hub.client("ssm").describe_document(Name=made)["Document"]
    assert shown["Parameters"] == [{"Name": "word", "Type": "String", "Description": "What to say.", "DefaultValue": "hello"}]
    assert shown["PlatformTypes"] == ["Linux", "MacOS"]


@documented("API CreateDocument, DocumentAlreadyExists")
def test_a_name_is_used_once(hub: Account, made: str) -> None:
    """A second document of the same name is a DocumentAlreadyExists."""
    with refused("DocumentAlreadyExists"):
        hub.client("ssm").create_document(Name=made, Content=command(), DocumentType="Command")


@documented("API CreateDocumentRequest, Name")
@pytest.mark.parametrize("prefix", ["aws", "amazon", "amzn", "AWSEC2", "AWSConfigRemediation", "AWSSupport"])
def test_prefixes_of_aws_are_reserved(hub: Account, unique: Unique, prefix: str) -> None:
    """A name that begins as AWS's own do is refused."""
    with refused("ValidationException"):
        hub.client("ssm").create_document(Name=f"{prefix}-{unique('doc')}", Content=command(), DocumentType="Command")


@documented("API DocumentName, the pattern")
def test_a_name_has_at_least_three_characters(hub: Account) -> None:
    """A name of two characters is a ValidationException."""
    with refused("ValidationException"):
        hub.client("ssm").create_document(Name="ab", Content=command())


@documented("API MaxDocumentSizeExceeded")
def test_content_has_at_most_64_kb(hub: Account, unique: Unique) -> None:
    """Content of more than 64 KB is a MaxDocumentSizeExceeded."""
    with refused("MaxDocumentSizeExceeded"):
        hub.client("ssm").create_document(Name=unique("doc"), Content=command("x" * 66_000), DocumentType="Command")


@documented("API InvalidDocumentContent, InvalidDocumentSchemaVersion")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "InvalidDocumentContent"),
        ('{"schemaVersion": "2.2"}', "InvalidDocumentContent"),
        ('{"schemaVersion": "9.9", "mainSteps": []}', "InvalidDocumentSchemaVersion"),
    ],
)
def test_what_is_no_command_is_refused(hub: Account, unique: Unique, content: str, code: str) -> None:
    """Content that is no Command document is refused when it is created."""
    with refused(code):
        hub.client("ssm").create_document(Name=unique("doc"), Content=content, DocumentType="Command")


@documented("API UpdateDocument; aws CLI, update-document")
def test_an_update_leaves_the_default(hub: Account, made: str) -> None:
    """UpdateDocument adds a version; reads without a version still give the default one."""
    ssm = hub.client("ssm")
    answer = ssm.update_document(Name=made, Content=command("two"), DocumentVersion="$LATEST", VersionName="two")
    shown = answer["DocumentDescription"]
    assert (shown["Status"], shown["DocumentVersion"], shown["DefaultVersion"]) == ("Updating", "2", "1")
    active(hub, made, "$LATEST")
    assert ssm.get_document(Name=made)["DocumentVersion"] == "1"
    assert ssm.get_document(Name=made, DocumentVersion="$LATEST")["DocumentVersion"] == "2"
    assert ssm.get_document(Name=made, VersionName="two")["DocumentVersion"] == "2"


@documented("API UpdateDocumentDefaultVersion")
def test_the_default_is_moved(hub: Account, made: str) -> None:
    """UpdateDocumentDefaultVersion makes another version the one that reads give."""
    ssm = hub.client("ssm")
    ssm.update_document(Name=made, Content=command("two"), DocumentVersion="1", VersionName="two")
    active(hub, made, "2")
    answer = ssm.update_document_default_version(Name=made, DocumentVersion="2")["Description"]
    assert answer == {"Name": made, "DefaultVersion": "2", "DefaultVersionName": "two"}
    assert ssm.get_document(Name=made)["DocumentVersion"] == "2"
    versions = ssm.list_document_versions(Name=made)["DocumentVersions"]
    assert {one["DocumentVersion"]: one["IsDefaultVersion"] for one in versions} == {"1": False, "2": True}


@documented("API UpdateDocument, the errors")
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Content": command()}, "DuplicateDocumentContent"),
        ({"Content": command("two"), "DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"Content": "{}"}, "InvalidDocumentContent"),
        ({"Content": command("two"), "Name": "conf-nobody-has-this"}, "InvalidDocument"),
    ],
)
def test_updates_that_change_nothing_or_nothing_that_is_there(hub: Account, made: str, params: dict[str, Any], code: str) -> None:
    """UpdateDocument refuses the same content, a version that is not the latest, and what is no document."""
    with refused(code):
        hub.client("ssm").update_document(**{"Name": made, "DocumentVersion": "$LATEST", **params})


@documented("API DuplicateDocumentVersionName")
def test_a_version_name_is_used_once(hub: Account, made: str) -> None:
    """Two versions of a document cannot have one VersionName."""
    ssm = hub.client("ssm")
    ssm.update_document(Name=made, Content=command("two"), DocumentVersion="$LATEST", VersionName="same")
    active(hub, made, "2")
    with refused("DuplicateDocumentVersionName"):
        ssm.update_document(Name=made, Content=command("three"), DocumentVersion="$LATEST", VersionName="same")


@documented("user guide, documents-schemas-features: with schema 1.2 a change must be saved under another name")
def test_schema_1_2_is_not_updated(hub: Account, unique: Unique) -> None:
    """A Command document of schema 1.2 has one version."""
    name = unique("doc")
    old = {"schemaVersion": "1.2", "runtimeConfig": {"aws:runShellScript": {"properties": [{"id": "0", "runCommand": ["date"]}]}}}
    ssm = hub.client("ssm")
    ssm.create_document(Name=name, Content=json.dumps(old), DocumentType="Command")
    active(hub, name)
    with refused("InvalidDocumentSchemaVersion"):
        ssm.update_document(Name=name, Content=json.dumps({**old, "description": "other"}), DocumentVersion="$LATEST")
    ssm.delete_document(Name=name)


@documented("API UpdateDocumentRequest, DisplayName")
def test_the_display_name_is_inherited(hub: Account, unique: Unique) -> None:
    """A new version without DisplayName has the one of the version before."""
    name, ssm = unique("doc"), hub.client("ssm")
    ssm.create_document(Name=name, Content=command(), DocumentType="Command", DisplayName="Greeting")
    active(hub, name)
    ssm.update_document(Name=name, Content=command("two"), DocumentVersion="$LATEST")
    assert active(hub, name, "2")["DisplayName"] == "Greeting"
    ssm.delete_document(Name=name)


@documented("API GetDocument, InvalidDocument and InvalidDocumentVersion")
def test_what_is_not_there_is_invalid(hub: Account, made: str) -> None:
    """A document that is not there is an InvalidDocument, a version of it an InvalidDocumentVersion."""
    ssm = hub.client("ssm")
    with refused("InvalidDocument"):
        ssm.get_document(Name="conf-nobody-has-this")
    with refused("InvalidDocumentVersion"):
        ssm.get_document(Name=made, DocumentVersion="7")
    with refused("InvalidDocumentVersion"):
        ssm.describe_document(Name=made, VersionName="seven")


@documented("API GetDocumentRequest, DocumentFormat")
def test_content_is_converted(hub: Account, unique: Unique) -> None:
    """A document written as YAML is given as JSON unless YAML is asked for."""
    name, ssm = unique("doc"), hub.client("ssm")
    content = "schemaVersion: '2.2'\nmainSteps:\n- name: say\n  action: aws:runShellScript\n  inputs:\n    runCommand: [date]\n"
    ssm.create_document(Name=name, Content=content, DocumentType="Command", DocumentFormat="YAML")
    active(hub, name)
    plain = ssm.get_document(Name=name)
    assert (plain["DocumentFormat"], json.loads(plain["Content"])["mainSteps"][0]["name"]) == ("JSON", "say")
    assert ssm.get_document(Name=name, DocumentFormat="YAML")["Content"] == content
    ssm.delete_document(Name=name)


@documented("API DeleteDocumentRequest")
def test_a_version_is_deleted_or_all(hub: Account, unique: Unique) -> None:
    """DeleteDocument takes one version, or the document with all of them; a second time there is nothing to delete."""
    name, ssm = unique("doc"), hub.client("ssm")
    ssm.create_document(Name=name, Content=command(), DocumentType="Command")
    active(hub, name)
    ssm.update_document(Name=name, Content=command("two"), DocumentVersion="$LATEST")
    active(hub, name, "2")
    ssm.delete_document(Name=name, DocumentVersion="2")
    assert [one["DocumentVersion"] for one in ssm.list_document_versions(Name=name)["DocumentVersions"]] == ["1"]
    ssm.delete_document(Name=name)
    eventually(
        lambda: ssm.list_documents(Filters=[{"Key": "Name", "Values": [name]}])["DocumentIdentifiers"], lambda found: not found
    )
    with refused("InvalidDocument"):
        ssm.delete_document(Name=name)


@documented("API DocumentKeyValuesFilter")
def test_documents_are_listed_by_filters(hub: Account, unique: Unique) -> None:
    """ListDocuments filters by owner, name prefix, type, platform, target type and tag; all of the keys must fit."""
    name, ssm = unique("doc"), hub.client("ssm")
    ssm.create_document(
        Name=name, Content=command(), DocumentType="Command", TargetType="/AWS::EC2::Instance", Tags=[{"Key": name, "Value": "x"}]
    )
    for key, value in (
        ("Owner", "Self"),
        ("DocumentType", "Command"),
        ("PlatformTypes", "Linux"),
        ("TargetType", "/AWS::EC2::Instance"),
        (f"tag:{name}", "x"),
        ("SearchKeyword", name),
    ):
        found = ssm.list_documents(Filters=[{"Key": "Name", "Values": [name[:-2]]}, {"Key": key, "Values": [value]}])
        assert [one["Name"] for one in found["DocumentIdentifiers"]] == [name], key
    none = ssm.list_documents(Filters=[{"Key": "Name", "Values": [name]}, {"Key": "Owner", "Values": ["Amazon"]}])
    assert none["DocumentIdentifiers"] == []
    old = ssm.list_documents(DocumentFilterList=[{"key": "Name", "value": name}, {"key": "Owner", "value": "Self"}])
    assert [one["Name"] for one in old["DocumentIdentifiers"]] == [name]
    ssm.delete_document(Name=name)


@documented("API InvalidFilterKey")
def test_an_unknown_filter_is_refused(hub: Account) -> None:
    """A filter key that ListDocuments does not know is an InvalidFilterKey."""
    with refused("InvalidFilterKey"):
        hub.client("ssm").list_documents(Filters=[{"Key": "Colour", "Values": ["red"]}])


@documented("API ListDocumentsRequest, MaxResults and NextToken")
def test_lists_have_pages(hub: Account, made: str) -> None:
    """ListDocuments gives as many as asked for, and a token for the rest; a token of nobody is refused."""
    ssm = hub.client("ssm")
    pages = ssm.get_paginator("list_documents").paginate(PaginationConfig={"PageSize": 2})
    names = [one["Name"] for page in pages for one in page["DocumentIdentifiers"]]
    assert made in names
    assert len(names) == len(set(names))
    with refused("InvalidNextToken"):
        ssm.list_documents(NextToken="nobody-gave-this")


@documented("API AddTagsToResource, ListTagsForResource, RemoveTagsFromResource")
def test_documents_have_tags(hub: Account, made: str) -> None:
    """Tags of a document are added, listed and removed."""
    ssm, on = hub.client("ssm"), {"ResourceType": "Document", "ResourceId": made}
    ssm.add_tags_to_resource(**on, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**on, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**on)["TagList"] == [{"Key": "b", "Value": "2"}]
    with refused("InvalidResourceId"):
        ssm.list_tags_for_resource(ResourceType="Document", ResourceId="conf-nobody-has-this")


@documented("user guide, documents-ssm-docs and distributor-working-with-packages-deploy")
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("AWS-RunShellScript", {"commands", "workingDirectory", "executionTimeout"}),
        ("AWS-RunPowerShellScript", {"commands", "workingDirectory", "executionTimeout"}),
        ("AWS-ConfigureAWSPackage", {"action", "installationType", "name", "version", "additionalArguments"}),
        ("AWS-RefreshAssociation", {"associationIds"}),
        ("AWS-UpdateSSMAgent", {"version", "allowDowngrade"}),
    ],
)
def test_documents_of_aws_are_everywhere(member: Account, name: str, parameters: set[str]) -> None:
    """AWS's own documents are there in every account and Region, owned by Amazon, with their parameters."""
    for region in (member.region, member.other_region):
        shown = member.client("ssm", region).describe_document(Name=name)["Document"]
        assert (shown["Owner"], shown["Status"]) == ("Amazon", "Active")
        assert {one["Name"] for one in shown["Parameters"]} == parameters


@documented("user guide, documents-schemas-features, the precondition parameter")
def test_preconditions_need_schema_2_2(hub: Account, unique: Unique) -> None:
    """A step of schema 2.2 may have a precondition on platformType."""
    name, ssm = unique("doc"), hub.client("ssm")
    step = {
        "name": "say",
        "action": "aws:runShellScript",
        "precondition": {"StringEquals": ["platformType", "Linux"]},
        "inputs": {"runCommand": ["date"]},
    }
    ssm.create_document(Name=name, Content=json.dumps({"schemaVersion": "2.2", "mainSteps": [step]}), DocumentType="Command")
    ssm.delete_document(Name=name)


@assumed("AWS has plugins by name; a name of nobody could never run")
def test_a_plugin_that_aws_does_not_have_is_refused(hub: Account, unique: Unique) -> None:
    """A step whose action is no plugin of AWS makes the content invalid."""
    step = {"name": "say", "action": "aws:runSellScript", "inputs": {}}
    with refused("InvalidDocumentContent"):
        hub.client("ssm").create_document(
            Name=unique("doc"), Content=json.dumps({"schemaVersion": "2.2", "mainSteps": [step]}), DocumentType="Command"
        )
