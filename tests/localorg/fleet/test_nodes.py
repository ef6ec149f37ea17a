"""ListNodes and ListNodesSummary: one account, the organization, filters, counts."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.fleet.nodes import SYNC, NodeListing
from localorg.fleet.records import NodeSeed
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal

HUB, OTHER, CLOSED = "111111111111", "333333333333", "444444444444"
PATHS = {HUB: "o-1/r-1/", ACCOUNT: "o-1/r-1/ou-1-aaaaaaaa/", OTHER: "o-1/r-1/ou-1-aaaaaaaa/ou-1-bbbbbbbb/", CLOSED: "o-1/r-1/"}


class Accounts:
    """An organization of four accounts."""

    def __init__(self):
        self.delegated = set()

    def organization_path_of(self, account):
        return PATHS.get(account)

    def is_open(self, account):
        return account != CLOSED

    def is_management(self, account):
        return account == HUB

    def is_delegated_administrator(self, account, service):
        return (account, service) in self.delegated


class World(Harness):
    """Nodes in four accounts and two Regions."""

    def __init__(self):
        super().__init__()
        self.accounts = Accounts()
        self.gateway.add(NodeListing(self.gateway, self.fleet.registry, self.accounts, self.linked).operations())
        self.node(1, tags={"Name": "web-1"})
        self.node(2, platform="Windows", online=False)
        for account, region, number in ((HUB, REGION, 3), (OTHER, "eu-west-1", 4), (CLOSED, REGION, 5)):
            seed = NodeSeed(f"i-{number:017x}", account, region, f"node-{number}", "10.0.0.2", "Linux", "Debian", "12", "Role")
            self.fleet.register(seed)
        self.pass_time(1)

    def listed(self, account=ACCOUNT, **params):
        who = Principal("user", account, f"arn:aws:iam::{account}:user/admin")
        return [int(node["Id"][2:], 16) for node in self.call("ListNodes", principal=who, **params)["Nodes"]]


@pytest.fixture
def world():
    return World()


def test_without_a_sync_a_caller_sees_its_own_account_and_region(world):
    """Documented: API ListNodes, SyncName: not required for single account/single Region configurations."""
    assert world.listed() == [1, 2]
    assert world.listed(HUB) == [3]
    assert world.listed(OTHER) == []


def test_a_delegated_administrator_sees_the_organization(world):
    """Documented: API ListNodes, SyncName AWS-QuickSetup-ManagedNode; accounts that are not open are left out (assumed)."""
    world.accounts.delegated.add((ACCOUNT, "ssm.amazonaws.com"))
    assert world.listed(SyncName=SYNC) == [3, 1, 2, 4]
    ours = [{"Key": "OrganizationalUnitPath", "Values": ["o-1/r-1/ou-1-aaaaaaaa/"], "Type": "BeginWith"}]
    assert world.listed(SyncName=SYNC, Filters=ours) == [1, 2, 4]
    assert world.listed(SyncName=SYNC, Filters=[{"Key": "AccountId", "Values": [OTHER]}]) == [4]
    assert world.listed(SyncName=SYNC, Filters=[{"Key": "Region", "Values": [REGION], "Type": "NotEqual"}]) == [4]


@pytest.mark.parametrize(
    ("account", "params", "refusal"),
    [
        (ACCOUNT, {"SyncName": SYNC}, "ResourceDataSyncNotFoundException: There is no resource data sync AWS-QuickSetup"),
        (ACCOUNT, {"SyncName": "mine"}, "ResourceDataSyncNotFoundException: There is no resource data sync mine"),
        (HUB, {"SyncName": SYNC}, "UnsupportedOperationException: .*designate a delegated administrator"),
        (ACCOUNT, {"NextToken": "x"}, "InvalidNextToken"),
        (ACCOUNT, {"Filters": [{"Key": "Colour", "Values": ["x"]}]}, "ValidationException: .*filters.1.member.key"),
        (ACCOUNT, {"Filters": [{"Key": "ManagedStatus", "Values": ["x"]}]}, "InvalidFilter: ManagedStatus is All, Managed or"),
    ],
)
def test_who_and_what_is_refused(world, account, params, refusal):
    """Documented: API ListNodes, errors. Assumed: which account gets which."""
    with pytest.raises(AwsError, match=refusal):
        world.listed(account, **params)


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("AgentType", ["amazon-ssm-agent"], [1, 2]),
        ("AgentVersion", ["3.3.0.0"], [1, 2]),
        ("ComputerName", ["node-2"], [2]),
        ("InstanceId", ["i-00000000000000001"], [1]),
        ("InstanceStatus", ["ConnectionLost"], [2]),
        ("IpAddress", ["10.0.0.1"], [1, 2]),
        ("ManagedStatus", ["All"], [1, 2]),
        ("ManagedStatus", ["Unmanaged"], []),
        ("PlatformName", ["Ubuntu"], [1, 2]),
        ("PlatformType", ["Windows"], [2]),
        ("PlatformVersion", ["22.04"], [1, 2]),
        ("ResourceType", ["ManagedInstance"], []),
        ("OrganizationalUnitId", ["ou-1-aaaaaaaa"], [1, 2]),
        ("SourceType", ["AWS::EC2::Instance"], [1, 2]),
        ("SourceId", ["i-00000000000000002"], [2]),
    ],
)
def test_filters(world, key, values, expected):
    """Documented: API NodeFilter."""
    assert world.listed(Filters=[{"Key": key, "Values": values}]) == expected


def test_a_node(world):
    """Documented: API Node, NodeOwnerInfo, InstanceInfo."""
    shown = world.call("ListNodes", MaxResults=1)
    (node,) = shown["Nodes"]
    assert node["Owner"] == {
        "AccountId": ACCOUNT,
        "OrganizationalUnitId": "ou-1-aaaaaaaa",
        "OrganizationalUnitPath": "o-1/r-1/ou-1-aaaaaaaa/",
    }
    told = node["NodeType"]["Instance"]
    assert (told["Name"], told["ManagedStatus"], told["InstanceStatus"]) == ("web-1", "Managed", "Active")
    assert world.listed(MaxResults=1, NextToken=shown["NextToken"]) == [2]


def test_stopped_nodes_stay_and_terminated_ones_go(world):
    """Assumed: AWS does not say; the status of a node in inventory may be Stopped."""
    place = {"account": ACCOUNT, "region": REGION}
    world.kernel.publish("ec2.instance-state-change", {**place, "instance_id": "i-00000000000000001", "state": "stopped"})
    world.kernel.publish("ec2.instance-state-change", {**place, "instance_id": "i-00000000000000002", "state": "terminated"})
    world.pass_time(0)
    assert world.listed(Filters=[{"Key": "InstanceStatus", "Values": ["Stopped"]}]) == [1]
    assert world.listed() == [1]


def count(attribute, *nested):
    inner = {"Aggregators": list(nested)} if nested else {}
    return {"AggregatorType": "Count", "TypeName": "Instance", "AttributeName": attribute, **inner}


def test_counts(world):
    """Documented: API ListNodesSummary: counts by one attribute, refined by another."""
    world.node(7)
    summary = world.call("ListNodesSummary", Aggregators=[count("PlatformType")])["Summary"]
    assert summary == [{"PlatformType": "Linux", "Count": "2"}, {"PlatformType": "Windows", "Count": "1"}]
    both = world.call("ListNodesSummary", Aggregators=[count("PlatformType", count("Region"))])["Summary"]
    assert both[0] == {"PlatformType": "Linux", "Region": REGION, "Count": "2"}
    first = world.call("ListNodesSummary", Aggregators=[count("PlatformType")], MaxResults=1)
    rest = world.call("ListNodesSummary", Aggregators=[count("PlatformType")], MaxResults=1, NextToken=first["NextToken"])
    assert first["Summary"] + rest["Summary"] == summary
    only = [{"Key": "PlatformType", "Values": ["Windows"]}]
    assert world.call("ListNodesSummary", Aggregators=[count("Region")], Filters=only)["Summary"] == [
        {"Region": REGION, "Count": "1"}
    ]
    deep = count("PlatformType", count("Region", count("AgentVersion")))
    with pytest.raises(AwsError, match="InvalidAggregatorException: Aggregators are nested 2 deep at most"):
        world.call("ListNodesSummary", Aggregators=[deep])
