"""Compliance: of associations, and of what people record themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, refused
from conformance.target import Account

Unique = Callable[[str], str]
NOW = 1_790_000_000


def kind(unique: Unique) -> str:
    return "Custom:" + unique("type").replace("-", "")


def put(member: Account, node: str, name: str, *items: dict[str, Any], **more: Any) -> None:
    params = {"ResourceId": node, "ResourceType": "ManagedInstance", "ComplianceType": name, "Items": list(items)}
    member.client("ssm").put_compliance_items(**{**params, "ExecutionSummary": {"ExecutionTime": NOW}, **more})


def held(member: Account, node: str, name: str) -> dict[str, tuple[str, str]]:
    filters = [{"Key": "ComplianceType", "Values": [name], "Type": "EQUAL"}]
    pages = member.client("ssm").get_paginator("list_compliance_items").paginate(ResourceIds=[node], Filters=filters)
    return {one["Id"]: (one["Status"], one["Severity"]) for page in pages for one in page["ComplianceItems"]}


def entry(name: str, status: str = "COMPLIANT", severity: str = "UNSPECIFIED") -> dict[str, Any]:
    return {"Id": name, "Title": name, "Severity": severity, "Status": status}


@documented("API PutComplianceItems: overwrites existing compliance information")
def test_a_call_overwrites_the_one_before(member: Account, node: str, unique: Unique) -> None:
    """PutComplianceItems replaces the items of that type on the resource; an empty list takes them away."""
    name = kind(unique)
    put(member, node, name, entry("door", severity="HIGH"), entry("window", "NON_COMPLIANT"))
    assert held(member, node, name) == {"door": ("COMPLIANT", "HIGH"), "window": ("NON_COMPLIANT", "UNSPECIFIED")}
    put(member, node, name, entry("roof"))
    assert list(held(member, node, name)) == ["roof"]
    put(member, node, name)
    assert held(member, node, name) == {}


@documented("API PutComplianceItems.ItemContentHash: equal hashes are ignored")
def test_an_equal_content_hash_is_ignored(member: Account, node: str, unique: Unique) -> None:
    """A call whose ItemContentHash is the one that is known changes nothing."""
    name = kind(unique)
    put(member, node, name, entry("door"), ItemContentHash="abc")
    put(member, node, name, entry("roof"), ItemContentHash="abc")
    assert list(held(member, node, name)) == ["door"]
    put(member, node, name)


@documented("API PutComplianceItems, InvalidResourceId and InvalidResourceType")
def test_a_resource_is_a_managed_node(member: Account, node: str, unique: Unique) -> None:
    """A resource that is no managed node is InvalidResourceId, a type other than ManagedInstance InvalidResourceType."""
    with refused("InvalidResourceId"):
        put(member, "i-0123456789abcdef9", kind(unique), entry("door"))
    with refused("InvalidResourceType"):
        put(member, node, kind(unique), entry("door"), ResourceType="Bucket")


@documented("API ListComplianceItems: one resource id")
def test_items_are_listed_of_one_resource(member: Account, node: str, second_node: str) -> None:
    """ListComplianceItems takes one resource id."""
    with refused("InvalidResourceId"):
        member.client("ssm").list_compliance_items(ResourceIds=[node, second_node])


@documented("API ListResourceComplianceSummaries: OverallSeverity, counts of items")
def test_a_resource_is_as_compliant_as_its_worst_item(member: Account, node: str, unique: Unique) -> None:
    """A resource with one non-compliant item is NON_COMPLIANT, with that item's severity."""
    name = kind(unique)
    put(member, node, name, entry("door", severity="LOW"), entry("window", "NON_COMPLIANT", "CRITICAL"))
    filters = [{"Key": "ComplianceType", "Values": [name], "Type": "EQUAL"}]
    ssm = member.client("ssm")
    (found,) = ssm.list_resource_compliance_summaries(Filters=filters)["ResourceComplianceSummaryItems"]
    assert (found["Status"], found["OverallSeverity"], found["ResourceId"]) == ("NON_COMPLIANT", "CRITICAL", node)
    assert (found["CompliantSummary"]["CompliantCount"], found["NonCompliantSummary"]["NonCompliantCount"]) == (1, 1)
    (summary,) = ssm.list_compliance_summaries(Filters=filters)["ComplianceSummaryItems"]
    assert (summary["CompliantSummary"]["CompliantCount"], summary["NonCompliantSummary"]["NonCompliantCount"]) == (0, 1)
    put(member, node, name)


@documented("API ListComplianceSummaries, InvalidFilter")
@pytest.mark.parametrize(
    "operation", ["list_compliance_items", "list_compliance_summaries", "list_resource_compliance_summaries"]
)
def test_an_unknown_filter_is_refused(member: Account, operation: str) -> None:
    """A filter key that does not exist is InvalidFilter."""
    with refused("InvalidFilter"):
        getattr(member.client("ssm"), operation)(Filters=[{"Key": "Colour", "Values": ["red"], "Type": "EQUAL"}])


@documented("API SyncCompliance: AUTO takes the status of the execution")
def test_a_run_of_an_association_makes_its_compliance(member: Account, node: str) -> None:
    """A failed run makes the node NON_COMPLIANT in the type Association."""
    ssm = member.client("ssm")
    targets = [{"Key": "InstanceIds", "Values": [node]}]
    asked = {
        "Name": "AWS-RunShellScript",
        "Targets": targets,
        "Parameters": {"commands": ["exit 1"]},
        "ComplianceSeverity": "HIGH",
    }
    association = ssm.create_association(**asked)["AssociationDescription"]["AssociationId"]
    found = eventually(lambda: held(member, node, "Association"), lambda items: association in items, seconds=120)
    ssm.delete_association(AssociationId=association)
    assert found[association][0] == "NON_COMPLIANT"


@assumed("the severity of an association is given to it, and agents know none")
def test_an_associations_severity_is_its_items(member: Account, node: str) -> None:
    """The compliance item of an association has the association's ComplianceSeverity."""
    ssm = member.client("ssm")
    targets = [{"Key": "InstanceIds", "Values": [node]}]
    asked = {
        "Name": "AWS-RunShellScript",
        "Targets": targets,
        "Parameters": {"commands": ["true"]},
        "ComplianceSeverity": "CRITICAL",
    }
    association = ssm.create_association(**asked)["AssociationDescription"]["AssociationId"]
    found = eventually(lambda: held(member, node, "Association"), lambda items: association in items, seconds=120)
    ssm.delete_association(AssociationId=association)
    assert found[association] == ("COMPLIANT", "CRITICAL")


@documented("API SyncCompliance MANUAL and UploadType PARTIAL")
def test_manual_compliance_is_the_callers(member: Account, node: str) -> None:
    """With SyncCompliance MANUAL, compliance comes from PutComplianceItems with the association's id, UploadType PARTIAL."""
    ssm = member.client("ssm")
    targets = [{"Key": "tag:conformance-nobody", "Values": ["nobody"]}]
    asked = {"Name": "AWS-RunShellScript", "Targets": targets, "Parameters": {"commands": ["true"]}, "SyncCompliance": "MANUAL"}
    association = ssm.create_association(**asked)["AssociationDescription"]["AssociationId"]
    put(member, node, "Association", entry(association, "NON_COMPLIANT"), UploadType="PARTIAL")
    found = held(member, node, "Association")
    ssm.delete_association(AssociationId=association)
    assert found[association][0] == "NON_COMPLIANT"


@documented("aws CLI, example 3 of list-compliance-items; user guide, its filter by DocumentName")
def test_items_are_filtered_by_time_and_document(member: Account, node: str, unique: Unique) -> None:
    """Items are found by the time of their execution and by the name of a document in their details."""
    name, ssm = kind(unique), member.client("ssm")
    put(member, node, name, {**entry("door"), "Details": {"DocumentName": "Door"}}, entry("window"))

    def found(key: str, operator: str, value: str) -> list[str]:
        filters = [{"Key": key, "Type": operator, "Values": [value]}, {"Key": "ComplianceType", "Values": [name]}]
        return [one["Id"] for one in ssm.list_compliance_items(ResourceIds=[node], Filters=filters)["ComplianceItems"]]

    assert found("ExecutionTime", "GREATER_THAN", "2019-02-18T16:00:00Z") == ["door", "window"]
    assert found("ExecutionTime", "LESS_THAN", "2019-02-18T16:00:00Z") == []
    assert found("DocumentName", "EQUAL", "Door") == ["door"]
    put(member, node, name)
