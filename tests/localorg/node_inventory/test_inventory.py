"""Inventory of nodes: what is put, what is asked, what is deleted."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness
from hypothesis import given, settings
from hypothesis import strategies as st

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store

ONE, TWO = "i-00000000000000001", "i-00000000000000002"
WHEN = "2026-11-24T10:00:00Z"


@pytest.fixture
def local():
    harness = Harness()
    harness.node(1)
    harness.node(2, platform="Windows")
    harness.pass_time(1)
    return harness


def put(local, name, *content, node=ONE, version="1.0", **more):
    item = {"TypeName": name, "SchemaVersion": version, "CaptureTime": WHEN, "Content": list(content), **more}
    return local.call("PutInventory", InstanceId=node, Items=[{key: value for key, value in item.items() if value is not None}])


def entries(local, name, node=ONE, **params):
    return local.call("ListInventoryEntries", InstanceId=node, TypeName=name, **params)["Entries"]


def wanted(*filters):
    return [{"Key": key, "Type": operator, "Values": list(values)} for key, operator, values in filters]


def found(local, *filters, **params):
    asked = {"Filters": wanted(*filters)} if filters else {}
    return [entity["Id"] for entity in local.call("GetInventory", **asked, **params)["Entities"]]


def test_what_a_node_reports_is_listed(local):
    """Documented: aws CLI examples of put-inventory and list-inventory-entries."""
    put(local, "AWS:Application", {"Name": "bash", "Version": "5.2", "Url": "https://gnu.org"}, version="1.1")
    answer = local.call("ListInventoryEntries", InstanceId=ONE, TypeName="AWS:Application")
    assert answer["Entries"] == [{"Name": "bash", "Version": "5.2", "URL": "https://gnu.org"}]
    assert (answer["SchemaVersion"], answer["CaptureTime"]) == ("1.1", WHEN)
    assert entries(local, "AWS:Application", node=TWO) == []


def test_what_compliance_recorded_is_inventory_too(local):
    """Documented: API InventoryItem and the guide's queries: AWS:ComplianceItem. Assumed: only PutComplianceItems records it."""
    item = {"ComplianceType": "Custom:Doors", "Id": "d1", "Status": "NON_COMPLIANT", "ExecutionTime": WHEN, "Height": "2"}
    local.compliance[ONE] = [item, {**item, "Id": "d2", "Status": "COMPLIANT", "ExecutionTime": "2026-11-25T10:00:00Z"}]
    assert [one["Id"] for one in entries(local, "AWS:ComplianceItem")] == ["d1", "d2"]
    assert found(local, ("AWS:ComplianceItem.Status", "Equal", ["NON_COMPLIANT"])) == [ONE]
    data = {
        one["Id"]: one["Data"]
        for one in local.call("GetInventory", ResultAttributes=[{"TypeName": "AWS:ComplianceItem"}])["Entities"]
    }
    assert data[ONE]["AWS:ComplianceItem"]["CaptureTime"] == "2026-11-25T10:00:00Z"
    assert data[TWO] == {}
    with pytest.raises(AwsError, match="PutComplianceItems"):
        put(local, "AWS:ComplianceItem", {"Id": "d3"})


def test_what_everybody_has(local):
    """Documented: aws CLI example of get-inventory: AWS:InstanceInformation is there without being put."""
    answer = local.call("GetInventory")["Entities"]
    assert [entity["Id"] for entity in answer] == [ONE, TWO]
    told = answer[0]["Data"]["AWS:InstanceInformation"]
    assert (told["TypeName"], told["SchemaVersion"]) == ("AWS:InstanceInformation", "1.0")
    assert told["Content"][0]["PlatformType"] == "Linux"
    assert told["Content"][0]["InstanceStatus"] == "Active"
    local.nodes[ONE].stop()
    local.pass_time(1000)
    assert found(local, ("AWS:InstanceInformation.InstanceStatus", "Equal", ["ConnectionLost"])) == [ONE]
    place = {"account": ACCOUNT, "region": REGION, "instance_id": ONE}
    local.kernel.publish("ec2.instance-state-change", {**place, "state": "terminated"})
    local.pass_time(0)
    assert found(local, ("AWS:InstanceInformation.InstanceStatus", "Equal", ["Terminated"])) == [ONE]


def test_a_hash_alone_stands_for_what_is_known(local):
    """Documented: API InventoryItem, ContentHash; observed: the agent's uploader sends the hash alone when nothing changed."""
    put(local, "AWS:Application", {"Name": "bash"}, version="1.1", ContentHash="h1")
    put(local, "AWS:Application", version="1.1", ContentHash="h1", Content=None, CaptureTime="2026-11-24T11:00:00Z")
    answer = local.call("ListInventoryEntries", InstanceId=ONE, TypeName="AWS:Application")
    assert (answer["Entries"], answer["CaptureTime"]) == ([{"Name": "bash"}], "2026-11-24T11:00:00Z")
    put(local, "AWS:Application", {"Name": "zsh"}, version="1.1", ContentHash="h1")
    assert entries(local, "AWS:Application") == [{"Name": "bash"}]
    put(local, "AWS:Application", {"Name": "zsh"}, version="1.1", ContentHash="h2")
    assert entries(local, "AWS:Application") == [{"Name": "zsh"}]
    with pytest.raises(AwsError, match="ItemContentMismatchException: The ContentHash of AWS:Application is not that of"):
        put(local, "AWS:Application", version="1.1", ContentHash="h1", Content=None)


@pytest.mark.parametrize(("name", "version"), [("AWS:AWSComponent", "1.0"), ("Custom:Rack", "1.0")])
def test_a_hash_alone_says_nothing_of_the_schema_version(local, name, version):
    """Observed: beside a hash alone the agent's uploader says the schema version of another item, and goes on gathering for years."""
    put(local, name, {"Name": "ena"}, version=version, ContentHash="h1")
    put(local, name, version="1.1", ContentHash="h1", Content=None, CaptureTime="2026-11-24T11:00:00Z")
    answer = local.call("ListInventoryEntries", InstanceId=ONE, TypeName=name)
    assert (answer["Entries"], answer["SchemaVersion"]) == ([{"Name": "ena"}], version)
    assert answer["CaptureTime"] == "2026-11-24T11:00:00Z"
    (schema,) = local.call("GetInventorySchema", TypeName=name)["Schemas"]
    assert schema["Version"] == version


@pytest.mark.parametrize(
    ("name", "content", "more", "refusal"),
    [
        (
            "AWS:Shoes",
            [{"Size": "43"}],
            {},
            "InvalidTypeNameException: AWS:Shoes is no inventory type; there are AWS:AWSComponent",
        ),
        ("Custom:a b", [{"Size": "43"}], {}, "InvalidTypeNameException: Custom:a b"),
        ("AWS:Network", [{"Name": "x"}], {"version": "2.0"}, "UnsupportedInventorySchemaVersionException: .*1.0, found 2.0"),
        ("AWS:Network", [{"Colour": "x"}], {}, "InvalidItemContentException: AWS:Network has no attributes Colour"),
        ("AWS:Network", [], {"Content": None}, "InvalidItemContentException: AWS:Network has neither Content nor ContentHash"),
        ("AWS:Network", [{"Name": "x"}], {"Context": {"a": "b"}}, "UnsupportedInventoryItemContextException: AWS:Network takes"),
        ("Custom:Wide", [{"Name": "x" * 4000}] * 300, {}, "ItemSizeLimitExceededException: Custom:Wide has 12"),
        ("Custom:Wide", [{f"a{n}": "x"} for n in range(51)], {}, "InvalidItemContentException: .* 51 attributes; at most 50"),
        ("AWS:Network", [{"Name": "x"}], {"CaptureTime": "today"}, "ValidationException: .*captureTime"),
        ("AWS:Network", [{"Name": "x"}], {"node": "i-0000000000000000f"}, "InvalidInstanceId: .*i-0000000000000000f"),
    ],
)
def test_what_cannot_be_put(local, name, content, more, refusal):
    """Documented: API PutInventory, errors and the model's limits; the words are localorg's."""
    with pytest.raises(AwsError, match=refusal):
        put(local, name, *content, **more)


def test_nothing_is_kept_unless_every_item_is_fine(local):
    """Assumed: a call is taken whole or not at all."""
    good = {"TypeName": "Custom:Good", "SchemaVersion": "1.0", "CaptureTime": WHEN, "Content": [{"a": "b"}]}
    bad = {**good, "TypeName": "AWS:Bad"}
    with pytest.raises(AwsError, match="InvalidTypeNameException"):
        local.call("PutInventory", InstanceId=ONE, Items=[good, bad])
    with pytest.raises(AwsError, match="InvalidTypeNameException: There is no inventory type Custom:Good"):
        entries(local, "Custom:Good")
    large = {**good, "Content": [{"a": "x" * 4000}] * 150}
    with pytest.raises(AwsError, match="TotalSizeLimitExceededException"):
        local.call("PutInventory", InstanceId=ONE, Items=[large, {**large, "TypeName": "Custom:Other"}])


def test_twenty_custom_types(local):
    """Documented: general reference, Systems Manager quotas; API CustomSchemaCountLimitExceededException."""
    for number in range(20):
        put(local, f"Custom:Type{number}", {"a": "b"})
    put(local, "Custom:Type7", {"a": "c"}, node=TWO)
    with pytest.raises(AwsError, match="CustomSchemaCountLimitExceededException: .* 21 custom types; at most 20"):
        put(local, "Custom:Type20", {"a": "b"})


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("AWS:Application.Name", "Equal", ["bash"])], [ONE, TWO]),
        ([("AWS:Application.Name", "Equal", ["bash"]), ("AWS:Application.Version", "LessThan", ["5.10"])], [ONE]),
        ([("AWS:Application.Version", "GreaterThan", ["5.9"])], [TWO]),
        ([("AWS:Application.Name", "BeginWith", ["z"])], [ONE]),
        ([("AWS:InstanceInformation.PlatformType", "NotEqual", ["Linux"])], [TWO]),
        ([("AWS:InstanceInformation.InstanceId", "Equal", [ONE, TWO]), ("AWS:Application.Name", "Equal", ["zsh"])], [ONE]),
        ([("Custom:Rack.Hall", "Equal", ["3"])], [TWO]),
    ],
)
def test_filters(local, filters, expected):
    """Documented: API InventoryFilter, operators. Assumed: filters on one type are passed by one and the same entry."""
    put(local, "AWS:Application", {"Name": "bash", "Version": "5.2"}, {"Name": "zsh", "Version": "5.9"}, version="1.1")
    put(local, "AWS:Application", {"Name": "bash", "Version": "5.10"}, version="1.1", node=TWO)
    put(local, "Custom:Rack", {"Hall": "3"}, node=TWO)
    assert found(local, *filters) == expected


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        (
            {"Filters": wanted(("AWS:Application.Colour", "Equal", ["x"]))},
            "InvalidFilter: AWS:Application.Colour is no attribute",
        ),
        ({"Filters": wanted(("AWS:Application.Name", "Exists", ["x"]))}, "InvalidFilter: Exists is for aggregators"),
        ({"Filters": wanted(("AWS:Application.Name", "LessThan", ["x", "y"]))}, "InvalidFilter: LessThan takes one value"),
        (
            {"ResultAttributes": [{"TypeName": "Custom:No"}]},
            "InvalidResultAttributeException: There is no inventory type Custom:No",
        ),
        ({"NextToken": "x"}, "InvalidNextToken"),
        ({"Aggregators": [{"Expression": "AWS:Network.Name.x"}]}, "InvalidAggregatorException"),
        (
            {"Aggregators": [{"Expression": "AWS:InstanceInformation.PlatformType"}] * 2},
            "NotImplemented: .*more than one aggregator beside another; nest them",
        ),
    ],
)
def test_what_cannot_be_asked(local, params, refusal):
    """Documented: API GetInventory, errors; the words are localorg's."""
    with pytest.raises(AwsError, match=refusal):
        local.call("GetInventory", **params)


def test_another_type_of_the_nodes_found(local):
    """Documented: API GetInventory, ResultAttributes; assumed: a node without data of the type is there, empty."""
    put(local, "Custom:Rack", {"Hall": "3"}, node=TWO)
    answer = local.call("GetInventory", ResultAttributes=[{"TypeName": "Custom:Rack"}])["Entities"]
    assert answer[0] == {"Id": ONE, "Data": {}}
    assert answer[1]["Data"]["Custom:Rack"]["Content"] == [{"Hall": "3"}]


def counted(local, aggregator, **params):
    (entity,) = local.call("GetInventory", Aggregators=[aggregator], **params)["Entities"]
    ((_, data),) = entity["Data"].items()
    return data["Content"]


def test_counts(local):
    """Documented: API InventoryAggregator: counts of nodes by an attribute, nested ones refine them, groups match or do not."""
    local.node(3)
    local.pass_time(1)
    by_type = {"Expression": "AWS:InstanceInformation.PlatformType"}
    assert counted(local, by_type) == [{"Count": "2", "PlatformType": "Linux"}, {"Count": "1", "PlatformType": "Windows"}]
    nested = {**by_type, "Aggregators": [{"Expression": "AWS:InstanceInformation.PlatformName"}]}
    assert counted(local, nested)[0] == {"Count": "2", "PlatformType": "Linux", "PlatformName": "Ubuntu"}
    only = wanted(("AWS:InstanceInformation.InstanceId", "Equal", [ONE]))
    assert counted(local, by_type, Filters=only) == [{"Count": "1", "PlatformType": "Linux"}]
    put(local, "AWS:Application", {"Name": "bash"}, version="1.1")
    exists = [{"Key": "AWS:Application.Name", "Type": "Exists", "Values": ["x"]}]
    assert counted(local, by_type, Filters=exists) == [{"Count": "1", "PlatformType": "Linux"}]
    group = {"Name": "bash", "Filters": wanted(("AWS:Application.Name", "Equal", ["bash"]))}
    rows = counted(local, {"Expression": "AWS:Application", "Groups": [group]})
    assert rows == [{"notMatchingCount": "2"}, {"matchingCount": "1"}]
    strange = {"Name": "g", "Filters": wanted(("AWS:Network.Name", "Equal", ["x"]))}
    with pytest.raises(AwsError, match="InvalidInventoryGroupException: The filters of the group g must be on AWS:Application"):
        counted(local, {"Expression": "AWS:Application", "Groups": [strange]})


def test_schemas(local):
    """Documented: API GetInventorySchema: all types, one, or those by which nodes are counted."""
    put(local, "Custom:Rack", {"Hall": "3"})
    names = {schema["TypeName"]: schema for schema in local.call("GetInventorySchema")["Schemas"]}
    assert {"AWS:Application", "AWS:Network", "Custom:Rack"} <= set(names)
    assert names["Custom:Rack"]["Attributes"] == [{"Name": "Hall", "DataType": "string"}]
    (one,) = local.call("GetInventorySchema", TypeName="AWS:Application")["Schemas"]
    assert one["Version"] == "1.1"
    counted_types = [one["TypeName"] for one in local.call("GetInventorySchema", Aggregator=True)["Schemas"]]
    assert counted_types == ["AWS:Application", "AWS:InstanceInformation"]
    with pytest.raises(AwsError, match="InvalidTypeNameException"):
        local.call("GetInventorySchema", TypeName="Custom:No")


def test_entries_in_pages_and_by_filter(local):
    """Documented: API ListInventoryEntries: filters and pages."""
    put(local, "AWS:Application", *({"Name": f"p{number}", "Version": f"{number}"} for number in range(7)), version="1.1")
    first = local.call("ListInventoryEntries", InstanceId=ONE, TypeName="AWS:Application", MaxResults=5)
    rest = entries(local, "AWS:Application", MaxResults=5, NextToken=first["NextToken"])
    assert [entry["Name"] for entry in first["Entries"] + rest] == [f"p{number}" for number in range(7)]
    assert entries(local, "AWS:Application", Filters=wanted(("Name", "Equal", ["p3"]))) == [{"Name": "p3", "Version": "3"}]
    high = wanted(("AWS:Application.Version", "GreaterThan", ["4"]))
    assert [entry["Name"] for entry in entries(local, "AWS:Application", Filters=high)] == ["p5", "p6"]
    with pytest.raises(AwsError, match="InvalidFilter: AWS:Network.Name is not an attribute of AWS:Application"):
        entries(local, "AWS:Application", Filters=wanted(("AWS:Network.Name", "Equal", ["x"])))


def deletion(local, deletion_id):
    return local.call("DescribeInventoryDeletions", DeletionId=deletion_id)["InventoryDeletions"][0]


def test_data_of_a_custom_type_goes(local):
    """Documented: aws CLI examples of delete-inventory and describe-inventory-deletions."""
    for node in (ONE, TWO):
        put(local, "Custom:Rack", {"Hall": "3"}, node=node)
    made = local.call("DeleteInventory", TypeName="Custom:Rack")
    assert made["DeletionSummary"] == {
        "TotalCount": 2,
        "RemainingCount": 2,
        "SummaryItems": [{"Version": "1.0", "Count": 2, "RemainingCount": 2}],
    }
    assert deletion(local, made["DeletionId"])["LastStatus"] == "InProgress"
    local.pass_time(5)
    ended = deletion(local, made["DeletionId"])
    assert (ended["LastStatus"], ended["DeletionSummary"]["RemainingCount"]) == ("Complete", 0)
    assert entries(local, "Custom:Rack") == []
    put(local, "Custom:Rack", {"Hall": "4"})
    assert entries(local, "Custom:Rack") == [{"Hall": "4"}]


def test_a_disabled_schema_is_ignored_until_a_greater_version_comes(local):
    """Documented: API DeleteInventory, DisableSchema."""
    put(local, "Custom:Rack", {"Hall": "3"})
    local.call("DeleteInventory", TypeName="Custom:Rack", SchemaDeleteOption="DisableSchema")
    local.pass_time(5)
    put(local, "Custom:Rack", {"Hall": "4"})
    with pytest.raises(AwsError, match="InvalidTypeNameException"):
        entries(local, "Custom:Rack")
    put(local, "Custom:Rack", {"Hall": "5"}, version="1.1")
    assert entries(local, "Custom:Rack") == [{"Hall": "5"}]


def test_a_schema_goes_and_may_come_again(local):
    """Documented: API DeleteInventory, DeleteSchema, DryRun; assumed: a repeated ClientToken is the same deletion."""
    put(local, "Custom:Rack", {"Hall": "3"})
    dry = local.call("DeleteInventory", TypeName="Custom:Rack", DryRun=True)
    assert dry["DeletionSummary"]["TotalCount"] == 1
    assert local.call("DescribeInventoryDeletions")["InventoryDeletions"] == []
    params = {
        "TypeName": "Custom:Rack",
        "SchemaDeleteOption": "DeleteSchema",
        "ClientToken": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
    }
    made = local.call("DeleteInventory", **params)
    assert local.call("DeleteInventory", **params)["DeletionId"] == made["DeletionId"]
    local.pass_time(5)
    with pytest.raises(AwsError, match="InvalidTypeNameException"):
        local.call("GetInventorySchema", TypeName="Custom:Rack")
    put(local, "Custom:Rack", {"Shelf": "E"})
    assert entries(local, "Custom:Rack") == [{"Shelf": "E"}]


@pytest.mark.parametrize(
    ("operation", "params", "refusal"),
    [
        ("DeleteInventory", {"TypeName": "AWS:Application"}, "InvalidTypeNameException: AWS:Application is no custom type"),
        ("DeleteInventory", {"TypeName": "Custom:No"}, "InvalidTypeNameException: There is no inventory type Custom:No"),
        (
            "DescribeInventoryDeletions",
            {"DeletionId": "00000000-0000-0000-0000-000000000000"},
            "InvalidDeletionIdException: There is no deletion 0",
        ),
        ("CreateResourceDataSync", {"SyncName": "s"}, "NotImplemented: .*the operation ssm:CreateResourceDataSync"),
    ],
)
def test_what_cannot_be_deleted(local, operation, params, refusal):
    """Documented: API DeleteInventory deletes custom types; the words are localorg's."""
    with pytest.raises(AwsError, match=refusal):
        local.call(operation, **params)


def test_inventory_outlives_a_restart(tmp_path):
    """Assumed: localorg's own promise: rows are the truth, alarms too."""
    first = Harness(store=Store(tmp_path / "rows"))
    first.node(1)
    put(first, "Custom:Rack", {"Hall": "3"})
    first.call("DeleteInventory", TypeName="Custom:Rack", SchemaDeleteOption="DeleteSchema")
    first.store.close()
    again = Harness(store=Store(tmp_path / "rows"))
    again.pass_time(5)
    assert again.call("DescribeInventoryDeletions")["InventoryDeletions"][0]["LastStatus"] == "Complete"


OPERATORS = {
    "Equal": lambda text, values: text in values,
    "NotEqual": lambda text, values: text not in values,
    "BeginWith": lambda text, values: any(text.startswith(value) for value in values),
}
WORDS = st.sampled_from(["a", "ab", "b", "ba"])
FILTER = st.tuples(
    st.sampled_from(["Name", "Publisher"]), st.sampled_from(sorted(OPERATORS)), st.lists(WORDS, min_size=1, max_size=2)
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(WORDS, WORDS), max_size=3), min_size=1, max_size=4), st.lists(FILTER, min_size=1, max_size=3))
def test_filters_are_what_plain_python_says(machines, tests):
    """Documented: API InventoryFilter; values are OR-ed, filters AND-ed."""
    local, expected = Harness(), []
    for number, programs in enumerate(machines, 1):
        node = local.node(number, online=False)
        put(local, "AWS:Application", *({"Name": n, "Publisher": p} for n, p in programs), version="1.1", node=node.instance_id)
        matching = [
            program
            for program in programs
            if all(OPERATORS[operator](program[key == "Publisher"], values) for key, operator, values in tests)
        ]
        expected += [node.instance_id] if matching else []
    assert found(local, *((f"AWS:Application.{key}", operator, values) for key, operator, values in tests)) == expected
