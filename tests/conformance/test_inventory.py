"""Inventory of nodes over the wire."""

from collections.abc import Callable, Iterator

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

WHEN = "2026-11-24T10:00:00Z"


def item(name: str, *entries: dict[str, str], version: str = "1.0", **more: str) -> dict[str, object]:
    return {"TypeName": name, "SchemaVersion": version, "CaptureTime": WHEN, "Content": list(entries), **more}


@pytest.fixture
def rack(member: Account, node: str, unique: Callable[[str], str]) -> Iterator[str]:
    """A custom type with one entry of the node."""
    name = "Custom:" + unique("rack").replace("-", "")
    member.client("ssm").put_inventory(InstanceId=node, Items=[item(name, {"Hall": "3", "Rack": "E"})])
    yield name
    member.client("ssm").delete_inventory(TypeName=name, SchemaDeleteOption="DeleteSchema")


@documented("aws CLI examples, put-inventory and list-inventory-entries")
def test_a_custom_entry_is_listed(member: Account, node: str, rack: str) -> None:
    """What a person notes of a node under a custom type is listed, with its schema version and time."""
    answer = member.client("ssm").list_inventory_entries(InstanceId=node, TypeName=rack)
    assert (answer["TypeName"], answer["InstanceId"]) == (rack, node)
    assert (answer["SchemaVersion"], answer["CaptureTime"]) == ("1.0", WHEN)
    assert answer["Entries"] == [{"Hall": "3", "Rack": "E"}]


@documented("API PutInventory")
def test_an_item_is_replaced(member: Account, node: str, rack: str) -> None:
    """A new item of a type takes the place of the one that was there."""
    member.client("ssm").put_inventory(InstanceId=node, Items=[item(rack, {"Hall": "4"})])
    assert member.client("ssm").list_inventory_entries(InstanceId=node, TypeName=rack)["Entries"] == [{"Hall": "4"}]


@documented("aws CLI example, get-inventory")
def test_every_node_has_instance_information(member: Account, node: str) -> None:
    """AWS:InstanceInformation of a node is there without anybody having put it."""
    asked = [{"Key": "AWS:InstanceInformation.InstanceId", "Values": [node], "Type": "Equal"}]
    (entity,) = member.client("ssm").get_inventory(Filters=asked)["Entities"]
    (told,) = entity["Data"]["AWS:InstanceInformation"]["Content"]
    assert (entity["Id"], told["InstanceId"], told["AgentType"]) == (node, node, "amazon-ssm-agent")


@documented("API InventoryFilter, ResultAttribute")
def test_nodes_are_found_by_a_custom_attribute(member: Account, node: str, rack: str) -> None:
    """A filter on a custom type finds the nodes that have such an entry, and the type can be asked for."""
    asked = [{"Key": f"{rack}.Hall", "Values": ["3"], "Type": "Equal"}]
    found = member.client("ssm").get_inventory(Filters=asked, ResultAttributes=[{"TypeName": rack}])["Entities"]
    assert [entity["Id"] for entity in found] == [node]
    assert found[0]["Data"][rack]["Content"] == [{"Hall": "3", "Rack": "E"}]


@documented("API InventoryFilter, BeginWith")
def test_values_begin_with(member: Account, node: str) -> None:
    """BeginWith compares beginnings."""
    asked = [{"Key": "AWS:InstanceInformation.InstanceId", "Values": [node[:8]], "Type": "BeginWith"}]
    assert node in [entity["Id"] for entity in member.client("ssm").get_inventory(Filters=asked)["Entities"]]


@documented("API GetInventory, InvalidFilter")
def test_an_attribute_that_there_is_not(member: Account) -> None:
    """A filter names an attribute of a type."""
    with refused("InvalidFilter"):
        member.client("ssm").get_inventory(Filters=[{"Key": "AWS:Application.Colour", "Values": ["red"]}])


@documented("API GetInventory, Aggregators")
def test_nodes_are_counted_by_platform(member: Account, node: str) -> None:
    """An aggregator counts nodes by the values of an attribute."""
    asked = [{"Expression": "AWS:InstanceInformation.PlatformType"}]
    (entity,) = member.client("ssm").get_inventory(Aggregators=asked)["Entities"]
    rows = entity["Data"]["AWS:InstanceInformation"]["Content"]
    assert any(row["PlatformType"].lower() == "linux" and int(row["Count"]) >= 1 for row in rows)


@documented("API GetInventory, InvalidAggregatorException")
def test_what_is_no_aggregator(member: Account) -> None:
    """An aggregator is an attribute of a type."""
    with refused("InvalidAggregatorException"):
        member.client("ssm").get_inventory(Aggregators=[{"Expression": "AWS:InstanceInformation.Colour"}])


@documented("API PutInventory, InvalidTypeNameException")
def test_a_type_that_aws_has_not(member: Account, node: str) -> None:
    """Types of AWS's own are AWS's to make."""
    with refused("InvalidTypeNameException"):
        member.client("ssm").put_inventory(InstanceId=node, Items=[item("AWS:Shoes", {"Size": "43"})])


@documented("API InventoryItem, TypeName")
def test_a_type_begins_with_aws_or_custom(member: Account, node: str) -> None:
    """The name of a type begins with AWS: or Custom:."""
    with refused("ValidationException"):
        member.client("ssm").put_inventory(InstanceId=node, Items=[item("Mine:Shoes", {"Size": "43"})])


@documented("API PutInventory, UnsupportedInventorySchemaVersionException")
def test_a_schema_version_that_there_is_not(member: Account, node: str) -> None:
    """The schema version of a type of AWS is one that the service has."""
    with refused("UnsupportedInventorySchemaVersionException"):
        member.client("ssm").put_inventory(InstanceId=node, Items=[item("AWS:Network", {"Name": "eth0"}, version="9.9")])


@documented("API PutInventory, InvalidInstanceId")
def test_a_node_that_there_is_not(member: Account) -> None:
    """Only managed nodes have inventory."""
    with refused("InvalidInstanceId"):
        member.client("ssm").put_inventory(InstanceId="i-0123456789abcdef0", Items=[item("Custom:Rack", {"Hall": "3"})])


@observed("the stock agent's source, datauploader: ItemContentMismatchException makes it send everything")
def test_a_hash_that_is_not_known_is_refused(member: Account, node: str, rack: str) -> None:
    """A hash alone stands for a content that is known; another one is a mismatch."""
    alone = {"TypeName": rack, "SchemaVersion": "1.0", "CaptureTime": WHEN, "ContentHash": "never-seen"}
    with refused("ItemContentMismatchException"):
        member.client("ssm").put_inventory(InstanceId=node, Items=[alone])


@observed("the stock agent 3.3.0.0: of what did not change it sends the hash with another item's schema version")
def test_a_hash_alone_says_nothing_of_the_schema_version(member: Account, node: str) -> None:
    """Beside a hash alone the schema version is not looked at."""
    ssm = member.client("ssm")
    whole = item("AWS:Network", {"Name": "eth7"}, ContentHash="the-hash-of-eth7")
    alone = {"TypeName": "AWS:Network", "SchemaVersion": "1.1", "CaptureTime": WHEN, "ContentHash": "the-hash-of-eth7"}
    ssm.put_inventory(InstanceId=node, Items=[whole])
    ssm.put_inventory(InstanceId=node, Items=[alone])
    answer = ssm.list_inventory_entries(InstanceId=node, TypeName="AWS:Network")
    assert (answer["Entries"], answer["SchemaVersion"]) == ([{"Name": "eth7"}], "1.0")


@documented("API InventoryItem, ContentHash")
def test_the_same_hash_changes_nothing(member: Account, node: str, rack: str) -> None:
    """A content whose hash is the one that is known is not written again."""
    member.client("ssm").put_inventory(InstanceId=node, Items=[item(rack, {"Hall": "5"}, ContentHash="h")])
    member.client("ssm").put_inventory(InstanceId=node, Items=[item(rack, {"Hall": "6"}, ContentHash="h")])
    assert member.client("ssm").list_inventory_entries(InstanceId=node, TypeName=rack)["Entries"] == [{"Hall": "5"}]


@documented("API GetInventorySchema")
def test_the_schema_of_a_custom_type(member: Account, rack: str) -> None:
    """A custom type has the attributes of what was put."""
    (schema,) = member.client("ssm").get_inventory_schema(TypeName=rack)["Schemas"]
    assert {attribute["Name"] for attribute in schema["Attributes"]} == {"Hall", "Rack"}


@documented("API GetInventorySchema, Aggregator")
def test_what_can_be_counted(member: Account) -> None:
    """Schemas for aggregation name the attributes by which nodes are counted."""
    schemas = {one["TypeName"]: one for one in member.client("ssm").get_inventory_schema(Aggregator=True)["Schemas"]}
    names = {attribute["Name"] for attribute in schemas["AWS:InstanceInformation"]["Attributes"]}
    assert {"PlatformName", "PlatformType", "PlatformVersion"} <= names


@documented("API GetInventorySchema, MaxResults")
def test_schemas_come_fifty_at_least_a_page(member: Account) -> None:
    """A page of schemas has 50 to 200."""
    with refused("ValidationException", "maxResults"):
        member.client("ssm").get_inventory_schema(MaxResults=49)


@documented("API ListInventoryEntries, pages")
def test_entries_in_pages(member: Account, node: str, rack: str) -> None:
    """The entries of a type come in pages."""
    entries = [{"Hall": f"{number}"} for number in range(3)]
    member.client("ssm").put_inventory(InstanceId=node, Items=[item(rack, *entries)])
    first = member.client("ssm").list_inventory_entries(InstanceId=node, TypeName=rack, MaxResults=2)
    rest = member.client("ssm").list_inventory_entries(InstanceId=node, TypeName=rack, NextToken=first["NextToken"])
    assert first["Entries"] + rest["Entries"] == entries


@documented("aws CLI examples, delete-inventory and describe-inventory-deletions")
def test_a_deletion_is_in_progress_then_complete(member: Account, node: str, unique: Callable[[str], str]) -> None:
    """Deleting a custom type tells how many items go, and completes after a while."""
    ssm, name = member.client("ssm"), "Custom:" + unique("gone").replace("-", "")
    ssm.put_inventory(InstanceId=node, Items=[item(name, {"a": "b"})])
    made = ssm.delete_inventory(TypeName=name, SchemaDeleteOption="DeleteSchema")
    assert made["DeletionSummary"]["TotalCount"] == 1

    def status() -> str:
        (told,) = ssm.describe_inventory_deletions(DeletionId=made["DeletionId"])["InventoryDeletions"]
        return str(told["LastStatus"])

    assert status() in ("InProgress", "Complete")
    eventually(status, lambda word: word == "Complete")
    with refused("InvalidTypeNameException"):
        ssm.list_inventory_entries(InstanceId=node, TypeName=name)


@assumed("only custom types can be deleted; the error code is not documented")
def test_a_type_of_aws_is_not_deleted(member: Account) -> None:
    """The data of AWS's own types cannot be deleted."""
    with refused("InvalidTypeNameException"):
        member.client("ssm").delete_inventory(TypeName="AWS:Application")


@documented("API DescribeInventoryDeletions, InvalidDeletionIdException")
def test_a_deletion_that_there_was_not(member: Account) -> None:
    """The id of a deletion must be one that DeleteInventory gave."""
    with refused("InvalidDeletionIdException"):
        member.client("ssm").describe_inventory_deletions(DeletionId="00000000-0000-0000-0000-000000000000")


@documented("user guide, inventory: AWS:ComplianceItem")
def test_compliance_is_inventory(member: Account, node: str, unique: Callable[[str], str]) -> None:
    """What PutComplianceItems records of a node is in its inventory, as AWS:ComplianceItem."""
    kind, client = "Custom:" + unique("kind").replace("-", ""), member.client("ssm")
    put = {
        "ResourceId": node,
        "ResourceType": "ManagedInstance",
        "ComplianceType": kind,
        "ExecutionSummary": {"ExecutionTime": 1},
    }
    client.put_compliance_items(**put, Items=[{"Id": "door", "Severity": "LOW", "Status": "NON_COMPLIANT"}])
    wanted = [{"Key": "AWS:ComplianceItem.ComplianceType", "Values": [kind]}]
    entries = client.list_inventory_entries(InstanceId=node, TypeName="AWS:ComplianceItem", Filters=wanted)["Entries"]
    assert [(entry["Id"], entry["Status"]) for entry in entries] == [("door", "NON_COMPLIANT")]
    assert [one["Id"] for one in client.get_inventory(Filters=wanted)["Entities"]] == [node]
    client.put_compliance_items(**put, Items=[])
