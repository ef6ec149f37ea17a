"""Sharing with other accounts: per Region, per version, and what is seen from there; and the lists of documents."""

import json
from typing import Any

import pytest
from documents.harness import AWAY, COMMAND, HOME, HUB, MEMBER, STRANGER, Harness
from hypothesis import given
from hypothesis import strategies as st

from localorg.documents.aws_owned import contents
from localorg.documents.sharing import changed, visible
from localorg.kernel.errors import AwsError


def three_versions() -> Harness:
    """Greet has versions 1, 2 and 3; 2 is the default."""
    house = Harness()
    house.create()
    for number in (2, 3):
        house.update("Greet", json.dumps({**json.loads(COMMAND), "description": f"number {number}"}))
    house.call("UpdateDocumentDefaultVersion", Name="Greet", DocumentVersion="2")
    house.wait()
    return house


def code_of(house: Harness, operation: str, account: str = HUB, **params: Any) -> str:
    with pytest.raises(AwsError) as caught:
        house.call(operation, account, **params)
    return caught.value.code


@pytest.mark.parametrize(
    ("versions", "seen"), [(None, ["2"]), ("$DEFAULT", ["2"]), ("$LATEST", ["3"]), ("$ALL", ["3", "2", "1"])]
)
def test_an_account_sees_the_versions_that_are_shared(versions: str | None, seen: list[str]) -> None:
    """Documented: API ModifyDocumentPermission.SharedDocumentVersion: the default version when left out."""
    house = three_versions()
    house.share("Greet", MEMBER, versions)
    name = house.arn("Greet")
    listed = house.call("ListDocumentVersions", MEMBER, Name=name)["DocumentVersions"]
    assert [one["DocumentVersion"] for one in listed] == seen
    for number in ("1", "2", "3"):
        if number in seen:
            found = house.call("GetDocument", MEMBER, Name=name, DocumentVersion=number)
            assert (found["Name"], found["DocumentVersion"]) == (name, number)
        else:
            assert code_of(house, "GetDocument", MEMBER, Name=name, DocumentVersion=number) == "InvalidDocumentVersion"


def test_what_is_not_shared_does_not_exist() -> None:
    """Documented: user guide, documents-ssm-sharing: by ARN only, per Region. Observed: InvalidDocument for others."""
    house = three_versions()
    house.share("Greet")
    arn = house.arn("Greet")
    described = house.call("DescribeDocument", MEMBER, Name=arn)["Document"]
    assert (described["Name"], described["Owner"], described["Tags"]) == (arn, HUB, [])
    with pytest.raises(AwsError, match="A document of another account needs its ARN, and must be shared in this Region"):
        house.call("GetDocument", MEMBER, Name="Greet")
    assert code_of(house, "GetDocument", STRANGER, Name=arn) == "InvalidDocument"
    assert code_of(house, "GetDocument", STRANGER, Name=house.arn("Absent")) == "InvalidDocument"
    with pytest.raises(AwsError, match=f"no ARN of a document in {AWAY}; documents are Regional"):
        house.call("GetDocument", MEMBER, AWAY, Name=arn)
    assert house.call("GetDocument", Name=arn)["Name"] == "Greet"


def test_a_share_follows_the_default() -> None:
    """Documented: user guide, documents-ssm-sharing: $DEFAULT is whatever is the default at the time."""
    house = three_versions()
    house.share("Greet")
    house.call("UpdateDocumentDefaultVersion", Name="Greet", DocumentVersion="3")
    assert house.call("GetDocument", MEMBER, Name=house.arn("Greet"))["DocumentVersion"] == "3"


def test_removal_wins_and_a_second_add_changes_the_versions() -> None:
    """Documented: API AccountIdsToRemove, "higher priority than AccountIdsToAdd"."""
    house = three_versions()
    modify = {"Name": "Greet", "PermissionType": "Share"}
    house.call("ModifyDocumentPermission", **modify, AccountIdsToAdd=[MEMBER, STRANGER], AccountIdsToRemove=[STRANGER])
    house.call("ModifyDocumentPermission", **modify, AccountIdsToAdd=[MEMBER, "All"], SharedDocumentVersion="$ALL")
    answer = house.call("DescribeDocumentPermission", **modify)
    assert answer == {
        "AccountIds": [MEMBER, "all"],
        "AccountSharingInfoList": [
            {"AccountId": MEMBER, "SharedDocumentVersion": "$ALL"},
            {"AccountId": "all", "SharedDocumentVersion": "$ALL"},
        ],
    }
    assert house.call("GetDocument", STRANGER, Name=house.arn("Greet"), DocumentVersion="1")["DocumentVersion"] == "1"
    house.call("ModifyDocumentPermission", **modify, AccountIdsToRemove=["all", MEMBER])
    assert code_of(house, "GetDocument", MEMBER, Name=house.arn("Greet")) == "InvalidDocument"


def test_a_shared_document_cannot_be_deleted() -> None:
    """Documented: API InvalidDocumentOperation."""
    house = three_versions()
    house.share("Greet")
    with pytest.raises(AwsError, match="You must stop sharing the document before you can delete it") as caught:
        house.call("DeleteDocument", Name="Greet")
    assert caught.value.code == "InvalidDocumentOperation"


def test_only_the_owner_changes_and_shares() -> None:
    """Documented: user guide, documents-ssm-sharing. The model of these operations takes names, no ARNs."""
    house = three_versions()
    house.share("Greet", MEMBER, "$ALL")
    for operation in ("ModifyDocumentPermission", "DescribeDocumentPermission"):
        assert code_of(house, operation, MEMBER, Name="Greet", PermissionType="Share") == "InvalidDocument"
    assert code_of(house, "DeleteDocument", MEMBER, Name="Greet") == "InvalidDocument"
    assert code_of(house, "DeleteDocument", Name="AWS-RunShellScript") == "InvalidDocument"


def test_twenty_accounts_a_call_and_a_thousand_in_all() -> None:
    """Documented: API DocumentPermissionLimit; the model itself refuses 21 ids, a version number and a short id."""
    house = three_versions()
    accounts = [f"4{number:011d}" for number in range(1001)]
    modify = {"Name": "Greet", "PermissionType": "Share"}
    for start in range(0, 1000, 20):
        house.call("ModifyDocumentPermission", **modify, AccountIdsToAdd=accounts[start : start + 20])
    with pytest.raises(AwsError, match="would be shared with 1001 accounts; at most 1000") as caught:
        house.call("ModifyDocumentPermission", **modify, AccountIdsToAdd=accounts[1000:])
    assert caught.value.code == "DocumentPermissionLimit"
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = house.call("DescribeDocumentPermission", **modify, MaxResults=200, **token)
        seen += page["AccountIds"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == accounts[:1000]
    assert code_of(house, "DescribeDocumentPermission", **modify, NextToken="bm9uZQ==") == "InvalidNextToken"
    for wrong in ({"AccountIdsToAdd": accounts[:21]}, {"AccountIdsToAdd": ["42"]}, {"SharedDocumentVersion": "3"}):
        assert (
            code_of(house, "ModifyDocumentPermission", **modify, **{"AccountIdsToAdd": [MEMBER], **wrong})
            == "ValidationException"
        )


def test_five_documents_may_be_public() -> None:
    """Documented: API DocumentPermissionLimit, "publicly share up to five documents"."""
    house = Harness()
    for number in range(6):
        house.create(f"Greet-{number}")
    for number in range(5):
        house.share(f"Greet-{number}", "all")
    with pytest.raises(AwsError, match="shares 5 documents publicly") as caught:
        house.share("Greet-5", "all")
    assert caught.value.code == "DocumentPermissionLimit"


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "all"]), st.sampled_from(["$ALL", "$LATEST", "$DEFAULT"]), st.booleans())))
def test_shares_are_the_sum_of_the_calls(calls: list[tuple[str, str, bool]]) -> None:
    """Assumed: whatever the order of calls, an account sees something exactly when it, or all, was added and not removed."""
    shares: dict[str, str] = {}
    for account, versions, is_added in calls:
        shares = changed(shares, [account], [] if is_added else [account], versions)
    for account in ("a", "b"):
        seen = visible(shares, account, [1, 2, 3], 2)
        assert bool(seen) == (account in shares or "all" in shares)
        assert seen <= {1, 2, 3}


def names(house: Harness, account: str = HUB, **params: Any) -> list[str]:
    return [one["Name"] for one in house.call("ListDocuments", account, **params)["DocumentIdentifiers"]]


def test_lists_are_filtered() -> None:
    """Documented: API DocumentKeyValuesFilter. Assumed: names in alphabetical order."""
    house = Harness()
    house.create("Greet-one", Tags=[{"Key": "team", "Value": "blue"}])
    house.create("Part-two")
    house.publish("tool")
    house.share("tool")
    house.create("Open")
    house.share("Open", "all")
    assert names(house, Filters=[{"Key": "Owner", "Values": ["Self"]}]) == ["Greet-one", "Open", "Part-two", "tool"]
    assert names(house, Filters=[{"Key": "Name", "Values": ["Greet", "Pa"]}]) == ["Greet-one", "Part-two"]
    assert names(house, Filters=[{"Key": "tag:team", "Values": ["blue", "red"]}]) == ["Greet-one"]
    assert names(house, Filters=[{"Key": "SearchKeyword", "Values": ["configure"]}]) == ["AWS-ConfigureAWSPackage"]
    both = [{"Key": "DocumentType", "Values": ["Package"]}, {"Key": "Owner", "Values": ["Self"]}]
    assert names(house, Filters=both) == ["tool"]
    assert names(house, DocumentFilterList=[{"key": "DocumentType", "value": "Package"}]) == ["tool"]
    assert names(house, MEMBER, Filters=[{"Key": "Owner", "Values": ["Private"]}]) == [house.arn("tool")]
    assert names(house, MEMBER, Filters=[{"Key": "Owner", "Values": ["Public"]}]) == [house.arn("Open")]
    assert names(house, STRANGER, Filters=[{"Key": "Owner", "Values": ["Amazon"]}]) == list(contents())
    assert names(house, Filters=[{"Key": "Owner", "Values": ["ThirdParty"]}]) == []
    first = house.call("ListDocuments", MaxResults=5)
    rest = house.call("ListDocuments", NextToken=first["NextToken"])
    assert (len(first["DocumentIdentifiers"]), len(rest["DocumentIdentifiers"])) == (5, 4 + len(contents()) - 5)
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    ("filters", "code", "words"),
    [
        ([{"Key": "Colour", "Values": ["red"]}], "InvalidFilterKey", "cannot filter by 'Colour'; it knows Name, DocumentType"),
        ([{"Key": "Owner", "Values": ["Self", "Amazon"]}], "InvalidFilterKey", "Owner takes exactly one of All, Amazon"),
        (
            [{"Key": "tag:a", "Values": ["1"]}, {"Key": "tag:b", "Values": ["1"]}],
            "InvalidFilterKey",
            "filters by one tag key; found tag:a, tag:b",
        ),
    ],
)
def test_unknown_filters_are_refused(filters: list[dict[str, Any]], code: str, words: str) -> None:
    """Documented: API InvalidFilterKey."""
    with pytest.raises(AwsError, match=words) as caught:
        Harness().call("ListDocuments", Filters=filters)
    assert caught.value.code == code


def test_policies_are_asked_about_the_document() -> None:
    """Documented: Service Authorization Reference, Systems Manager: action on the ARN; AWS's own documents have no account."""
    house = three_versions()
    house.share("Greet")
    house.gateway.log.clear()
    house.call("GetDocument", Name="Greet")
    house.call("GetDocument", MEMBER, Name=house.arn("Greet"))
    house.call("GetDocument", MEMBER, Name="AWS-RunShellScript")
    house.call("AddTagsToResource", ResourceType="Document", ResourceId="Greet", Tags=[])
    assert [(record.action, record.resource) for record in house.gateway.log] == [
        ("ssm:GetDocument", f"arn:aws:ssm:{HOME}:{HUB}:document/Greet"),
        ("ssm:GetDocument", f"arn:aws:ssm:{HOME}:{HUB}:document/Greet"),
        ("ssm:GetDocument", f"arn:aws:ssm:{HOME}::document/AWS-RunShellScript"),
        ("ssm:AddTagsToResource", f"arn:aws:ssm:{HOME}:{HUB}:document/Greet"),
    ]


@pytest.mark.parametrize(
    "spelling",
    [
        f"arn:aws-cn:ssm:{HOME}:{HUB}:document/Shared",
        f"arn:x:ssm:{HOME}:{HUB}:document/Shared",
        f"arn:aws:ssm:{HOME}:{HUB}:document/AWS-RunShellScript",
    ],
)
def test_a_document_has_one_arn(spelling: str) -> None:
    """Policies are judged on the ARN as given; another spelling of it must not lead to what a Deny names."""
    house = Harness()
    house.create(name="Shared")
    assert house.call("GetDocument", Name=f"arn:aws:ssm:{HOME}:{HUB}:document/Shared")
    assert house.call("GetDocument", Name=f"arn:aws:ssm:{HOME}::document/AWS-RunShellScript")
    assert code_of(house, "GetDocument", Name=spelling) == "InvalidDocument"
