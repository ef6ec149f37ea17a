"""Stories of compliance: what agents and people record, what State Manager adds, and what it comes to."""

from typing import Any

import pytest
from documents.model_shapes import strangers
from support import AllowAll

from localorg.compliance.service import Compliance
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.kernel.store import Store
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate

HUB, HOME = "111111111111", "eu-west-1"
ONE, TWO = "i-00000000000000001", "i-00000000000000002"
PERSON = f"arn:aws:iam::{HUB}:user/admin"
ASSOCIATIONS = {"auto": ("AUTO", "HIGH"), "other": ("AUTO", "UNSPECIFIED"), "manual": ("MANUAL", "LOW")}


class House:
    """Compliance with two nodes and three associations."""

    def __init__(self) -> None:
        self.kernel = Kernel(Store(), VirtualClock())
        authoriser: Any = AllowAll()
        self.gateway = Gateway(self.kernel, authoriser, validate)
        self.compliance = Compliance(
            self.kernel, lambda _, __, name: ASSOCIATIONS.get(name), lambda _, __, name: name in (ONE, TWO)
        )
        self.gateway.add(self.compliance.operations())

    def call(self, operation: str, by: str = PERSON, **params: Any) -> dict[str, Any]:
        answer = self.gateway.invoke(ApiCall(Principal("role", HUB, by), HOME, "ssm", operation, params))
        assert strangers(operation, answer) == []
        return answer

    def put(
        self, kind: str, *items: dict[str, Any], node: str = ONE, by: str = PERSON, time: float = 1_800_000_000.0, **more: Any
    ) -> None:
        params = {"ResourceId": node, "ResourceType": "ManagedInstance", "ComplianceType": kind, "Items": list(items)}
        self.call("PutComplianceItems", by, **{**params, "ExecutionSummary": {"ExecutionTime": time}, **more})

    def said(self, *items: dict[str, Any], **more: Any) -> None:
        """What the agent of ONE reports of its associations."""
        self.put("Association", *items, by=f"arn:aws:sts::{HUB}:assumed-role/node/{ONE}", **more)

    def items(self, **params: Any) -> dict[str, tuple[str, str]]:
        found = self.call("ListComplianceItems", **params)["ComplianceItems"]
        return {one["Id"]: (one["Status"], one["Severity"]) for one in found}


def entry(name: str, *, fine: bool = True, severity: str = "UNSPECIFIED", **more: Any) -> dict[str, Any]:
    return {"Id": name, "Title": name, "Severity": severity, "Status": "COMPLIANT" if fine else "NON_COMPLIANT", **more}


def test_people_record_what_they_like() -> None:
    """Documented: API PutComplianceItems: Custom types; a call overwrites what was there; a known content hash is ignored."""
    house = House()
    house.put(
        "Custom:Locks",
        entry("door", severity="HIGH", Details={"Colour": "red"}),
        entry("window", fine=False),
        ItemContentHash="abc",
    )
    (door, window) = house.call("ListComplianceItems", ResourceIds=[ONE], ResourceTypes=["ManagedInstance"])["ComplianceItems"]
    assert door == {
        "ComplianceType": "Custom:Locks",
        "ResourceType": "ManagedInstance",
        "ResourceId": ONE,
        "Id": "door",
        "Title": "door",
        "Status": "COMPLIANT",
        "Severity": "HIGH",
        "ExecutionSummary": {"ExecutionTime": 1_800_000_000.0},
        "Details": {"Colour": "red"},
    }
    assert window["Status"] == "NON_COMPLIANT"
    house.put("Custom:Locks", ItemContentHash="abc")
    assert len(house.items()) == 2
    house.put("Custom:Locks", entry("roof"))
    assert list(house.items()) == ["roof"]
    house.put("Custom:Locks")
    assert house.items() == {}


def test_an_agents_report_of_its_associations() -> None:
    """Observed: the stock agent always says UNSPECIFIED and the whole list, or nothing but a hash. Documented: API SyncCompliance."""
    house = House()
    house.put("Association", entry("manual", fine=False), UploadType="PARTIAL")
    house.said(entry("auto"), entry("manual"), entry("other", fine=False), ItemContentHash="1")
    expected = {"manual": ("NON_COMPLIANT", "LOW"), "auto": ("COMPLIANT", "HIGH"), "other": ("NON_COMPLIANT", "UNSPECIFIED")}
    assert {name: status for name, (status, _) in house.items().items()} == {
        name: status for name, (status, _) in expected.items()
    }
    assert house.items()["auto"] == expected["auto"]
    house.said(ItemContentHash="1")
    house.said(ItemContentHash="2")
    house.said(entry("auto", fine=False), time=1_700_000_000.0, ItemContentHash="0")
    assert len(house.items()) == 3
    house.said(entry("auto", fine=False), ItemContentHash="3")
    assert {name: status for name, (status, _) in house.items().items()} == {"manual": "NON_COMPLIANT", "auto": "NON_COMPLIANT"}
    house.put("Association", entry("manual"), UploadType="PARTIAL")
    assert house.items()["manual"][0] == "COMPLIANT"
    with pytest.raises(AwsError, match="InvalidItemContentException.*SyncCompliance MANUAL, which auto is not"):
        house.put("Association", entry("auto"), UploadType="PARTIAL")


def test_an_automations_verdict_on_nodes() -> None:
    """Documented: user guide: the automation's own status counts. Assumed: for the nodes that the association is for."""
    house = House()
    told = {"account": HUB, "region": HOME, "id": "auto", "nodes": [ONE, TWO], "is_compliant": False, "severity": "HIGH"}
    house.kernel.publish("association.compliance", {**told, "document": "Roll", "document_version": "1", "execution": "x"})
    house.kernel.step()
    assert house.items(ResourceIds=[TWO]) == {"auto": ("NON_COMPLIANT", "HIGH")}
    house.said(entry("other"), time=1_900_000_000.0)
    assert set(house.items(ResourceIds=[ONE])) == {"auto", "other"}
    house.kernel.publish("association.deleted", {"account": HUB, "region": HOME, "id": "auto"})
    house.kernel.step()
    assert set(house.items()) == {"other"}
    (told,) = house.compliance.inventory_of(HUB, HOME, ONE)
    assert (told["Id"], told["ComplianceType"], told["ExecutionTime"]) == ("other", "Association", "2030-03-17T17:46:40Z")
    with pytest.raises(AwsError, match="ExecutionTime is no moment"):
        house.put("Custom:Door", entry("a"), time=1e18)


def test_summaries_count_resources_and_items() -> None:
    """Documented: API ListComplianceSummaries (resources), ListResourceComplianceSummaries (items, OverallSeverity)."""
    house = House()
    house.put(
        "Custom:Locks",
        entry("door", fine=False, severity="MEDIUM"),
        entry("window", fine=False, severity="CRITICAL"),
        entry("roof"),
    )
    house.put("Custom:Locks", entry("door", severity="LOW"), node=TWO)
    (summary,) = house.call("ListComplianceSummaries")["ComplianceSummaryItems"]
    assert (summary["CompliantSummary"]["CompliantCount"], summary["NonCompliantSummary"]["NonCompliantCount"]) == (1, 1)
    assert summary["NonCompliantSummary"]["SeveritySummary"]["CriticalCount"] == 1
    one, two = house.call("ListResourceComplianceSummaries")["ResourceComplianceSummaryItems"]
    assert (one["ResourceId"], one["Status"], one["OverallSeverity"]) == (ONE, "NON_COMPLIANT", "CRITICAL")
    assert (one["CompliantSummary"]["CompliantCount"], one["NonCompliantSummary"]["NonCompliantCount"]) == (1, 2)
    assert (two["Status"], two["OverallSeverity"]) == ("COMPLIANT", "LOW")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"Key": "ComplianceType", "Values": ["Custom:Locks"], "Type": "EQUAL"}], [ONE, TWO]),
        ([{"Key": "ComplianceType", "Values": ["Custom:"], "Type": "BEGIN_WITH"}], [ONE, TWO]),
        ([{"Key": "Status", "Values": ["COMPLIANT"]}], [TWO]),
        ([{"Key": "AWS:ComplianceItem.Status", "Values": ["COMPLIANT"], "Type": "NOT_EQUAL"}], [ONE]),
        ([{"Key": "OverallSeverity", "Values": ["HIGH", "LOW"]}], [TWO]),
        ([{"Key": "ResourceId", "Values": [ONE], "Type": "GREATER_THAN"}], [TWO]),
        ([{"Key": "ResourceId", "Values": [TWO], "Type": "LESS_THAN"}, {"Key": "Status", "Values": ["COMPLIANT"]}], []),
    ],
)
def test_filters(filters: list[dict[str, Any]], expected: list[str]) -> None:
    """Documented: API ComplianceStringFilter and its operators."""
    house = House()
    house.put("Custom:Locks", entry("door", fine=False))
    house.put("Custom:Locks", entry("door", severity="LOW"), node=TWO)
    found = house.call("ListResourceComplianceSummaries", Filters=filters)["ResourceComplianceSummaryItems"]
    assert [one["ResourceId"] for one in found] == expected


def test_pages() -> None:
    """Documented: API MaxResults and NextToken, of each list."""
    house = House()
    for node in (ONE, TWO):
        house.put("Custom:Locks", entry("door"), entry("window"), node=node)
    for operation, member, count in (
        ("ListComplianceItems", "ComplianceItems", 4),
        ("ListResourceComplianceSummaries", "ResourceComplianceSummaryItems", 2),
        ("ListComplianceSummaries", "ComplianceSummaryItems", 1),
    ):
        found, token = [], {}
        while True:
            answer = house.call(operation, MaxResults=1, **token)
            found += answer[member]
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        assert len(found) == count
        with pytest.raises(AwsError, match="InvalidNextToken"):
            house.call(operation, NextToken="bm8=")


def refusals() -> list[Any]:
    return [
        ("Custom:Locks", [entry("door")], {"node": "i-00000000000000009"}, "InvalidResourceId"),
        ("Custom:Locks", [entry("door")], {"ResourceType": "Bucket"}, "InvalidResourceType"),
        ("Locks", [entry("door")], {}, "InvalidItemContentException: .*Custom:NAME, found Locks"),
        ("Custom:Locks", [entry("door")] * 2, {}, "InvalidItemContentException: .*Id of its own"),
        ("Custom:Locks", [{"Severity": "LOW", "Status": "COMPLIANT"}], {}, "InvalidItemContentException"),
        ("Custom:Locks", [entry("door")], {"UploadType": "PARTIAL"}, "Association only"),
        (
            "Custom:Locks",
            [entry("door", Details={"Long": "x" * 4000, "Longer": "x" * 4000, "Longest": "x" * 4000})],
            {},
            "ItemSize",
        ),
    ]


@pytest.mark.parametrize(("kind", "items", "more", "words"), refusals())
def test_what_cannot_be_recorded(kind: str, items: list[dict[str, Any]], more: dict[str, Any], words: str) -> None:
    """Documented: API PutComplianceItems, Errors. Assumed: which of them stands for which rule."""
    house = House()
    with pytest.raises(AwsError, match=words):
        house.put(kind, *items, **more)
    assert house.items() == {}


def test_ten_custom_types_at_most() -> None:
    """Documented: API ComplianceTypeCountLimitExceededException."""
    house = House()
    for number in range(10):
        house.put(f"Custom:Type{number}", entry("x"))
    house.put("Custom:Type9", entry("y"))
    with pytest.raises(AwsError, match="ComplianceTypeCountLimitExceededException"):
        house.put("Custom:Type10", entry("x"))


def test_lists_refuse_what_they_do_not_know() -> None:
    """Documented: API InvalidFilter, InvalidResourceId, InvalidResourceType."""
    house = House()
    wrong = [{"Key": "Colour", "Values": ["red"]}]
    for operation in ("ListComplianceItems", "ListComplianceSummaries", "ListResourceComplianceSummaries"):
        with pytest.raises(AwsError, match="InvalidFilter: 'Colour' is no filter here"):
            house.call(operation, Filters=wrong)
    with pytest.raises(AwsError, match="InvalidResourceId"):
        house.items(ResourceIds=[ONE, TWO])
    with pytest.raises(AwsError, match="InvalidResourceId"):
        house.items(ResourceIds=["i-00000000000000009"])
    with pytest.raises(AwsError, match="InvalidResourceType"):
        house.items(ResourceTypes=["Bucket"])


@pytest.mark.parametrize(
    ("key", "operator", "value", "found"),
    [
        ("ExecutionTime", "GREATER_THAN", "2027-01-01T00:00:00Z", ["late"]),
        ("ExecutionTime", "LESS_THAN", "2027-01-01T00:00:00Z", ["early"]),
        ("DocumentName", "EQUAL", "AWS-UpdateSSMAgent", ["late"]),
        ("InstanceId", "EQUAL", ONE, ["early", "late"]),
        ("AWS:ComplianceItem.Id", "BEGIN_WITH", "ea", ["early"]),
    ],
)
def test_items_are_found_by_time_and_by_document(key: str, operator: str, value: str, found: list[str]) -> None:
    """Documented: aws CLI example 3 of list-compliance-items (ExecutionTime); user guide (DocumentName, InstanceId)."""
    house = House()
    house.put("Custom:One", entry("early"), time=1_790_000_000.0)
    house.put("Custom:Two", entry("late", Details={"DocumentName": "AWS-UpdateSSMAgent"}), time=1_800_000_000.0)
    wanted = [{"Key": key, "Type": operator, "Values": [value]}]
    assert sorted(house.items(ResourceIds=[ONE], Filters=wanted)) == found
