"""Nodes as the API shows them."""

import pytest

from conformance.claims import assumed, documented, refused
from conformance.target import Account


def ids(answer: dict[str, object]) -> list[str]:
    listed: list[dict[str, str]] = answer["InstanceInformationList"]  # type: ignore[assignment]
    return [one["InstanceId"] for one in listed]


def by(key: str, *values: str) -> list[dict[str, object]]:
    return [{"Key": key, "Values": list(values)}]


@documented("API InstanceInformation")
def test_a_node_is_described(member: Account, node: str) -> None:
    """A node shows its agent, its platform and its address."""
    (told,) = member.client("ssm").describe_instance_information(Filters=by("InstanceIds", node))["InstanceInformationList"]
    assert (told["PingStatus"], told["ResourceType"], told["SourceType"]) == ("Online", "EC2Instance", "AWS::EC2::Instance")
    assert {"AgentVersion", "IsLatestVersion", "PlatformName", "PlatformVersion", "IPAddress", "ComputerName"} <= set(told)


@documented("API InstanceProperty, Architecture; API InstanceInformation has no such member")
def test_only_the_properties_tell_the_architecture(member: Account, node: str) -> None:
    """Which machine a node is shows in its properties, by EC2's word, and not where nodes are listed."""
    ssm = member.client("ssm")
    asked = [{"key": "InstanceIds", "valueSet": [node]}]
    (told,) = ssm.describe_instance_properties(InstancePropertyFilterList=asked)["InstanceProperties"]
    assert told["Architecture"] in ("x86_64", "arm64", "i386")
    (listed,) = ssm.describe_instance_information(Filters=by("InstanceIds", node))["InstanceInformationList"]
    assert "Architecture" not in listed


@documented("API InstanceInformationStringFilter, PingStatus")
def test_a_silent_node_has_lost_its_connection(member: Account, node: str, offline_node: str) -> None:
    """PingStatus tells nodes that are there from nodes that are not."""
    lost = ids(member.client("ssm").describe_instance_information(Filters=by("PingStatus", "ConnectionLost"), MaxResults=50))
    assert offline_node in lost
    assert node not in lost


@documented("API DescribeInstanceInformation: a node id that is not valid is an error")
def test_a_node_of_nobody_is_an_error(member: Account) -> None:
    """Asking for a node that is not the caller's is refused."""
    with refused("InvalidInstanceId"):
        member.client("ssm").describe_instance_information(Filters=by("InstanceIds", "i-0123456789abcdef0"))


@documented("API DescribeInstanceInformation: tag filters can't be combined with other filter types")
def test_tags_and_others_are_not_combined(member: Account) -> None:
    """A filter by tag stands alone."""
    with refused("ValidationException"):
        member.client("ssm").describe_instance_information(Filters=by("tag:Role", "web") + by("PingStatus", "Online"))


@documented("API DescribeInstanceInformation: using both forms of filters is an error")
def test_the_forms_of_filters_exclude_each_other(member: Account) -> None:
    """The older form of filters and the newer one are not given together."""
    with refused("ValidationException"):
        member.client("ssm").describe_instance_information(
            Filters=by("PingStatus", "Online"), InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["Online"]}]
        )


@documented("API InstanceInformationFilter: the older form has no tags")
def test_the_older_form_knows_no_tags(member: Account) -> None:
    """The keys of the older form are the model's words."""
    with refused("ValidationException"):
        member.client("ssm").describe_instance_information(InstanceInformationFilterList=[{"key": "tag:R", "valueSet": ["w"]}])


@documented("API DescribeInstanceInformation, InvalidFilterKey")
def test_a_key_that_there_is_not(member: Account) -> None:
    """A filter's key is one of the documented ones, or a tag."""
    with refused("InvalidFilterKey"):
        member.client("ssm").describe_instance_information(Filters=by("Colour", "red"))


@documented("API DescribeInstanceInformation, InvalidInstanceInformationFilterValue")
def test_a_value_that_there_is_not(member: Account) -> None:
    """A filter with documented values takes no others."""
    with refused("InvalidInstanceInformationFilterValue"):
        member.client("ssm").describe_instance_information(Filters=by("PlatformTypes", "BeOS"))


@documented("API DescribeInstanceInformation, InvalidNextToken")
def test_a_token_of_nobody(member: Account) -> None:
    """A token is one that the list gave."""
    with refused("InvalidNextToken"):
        member.client("ssm").describe_instance_information(NextToken="made up")


@documented("API DescribeInstanceInformation, MaxResults 5 to 50")
@pytest.mark.parametrize("size", [4, 51])
def test_pages_have_five_to_fifty(member: Account, size: int) -> None:
    """A page has 5 to 50 nodes."""
    with refused("ValidationException", "maxResults"):
        member.client("ssm").describe_instance_information(MaxResults=size)


@documented("API InstanceInformationStringFilter, tag-key")
def test_nodes_with_a_tag(member: Account, node: str) -> None:
    """Nodes are found by the keys of their EC2 tags."""
    assert node in ids(member.client("ssm").describe_instance_information(Filters=by("tag-key", "Name"), MaxResults=50))


@documented("API InstancePropertyStringFilter")
def test_properties_by_operator(member: Account, node: str, second_node: str) -> None:
    """Properties of nodes are filtered with operators."""
    asked = [{"Key": "InstanceIds", "Operator": "NotEqual", "Values": [node]}]
    found = member.client("ssm").describe_instance_properties(FiltersWithOperator=asked)["InstanceProperties"]
    assert second_node in [one["InstanceId"] for one in found]
    assert node not in [one["InstanceId"] for one in found]


@documented("API InstanceProperty")
def test_properties_tell_of_the_instance(member: Account, node: str) -> None:
    """Properties of a node have what EC2 knows: type, state, launch time."""
    asked = [{"key": "InstanceIds", "valueSet": [node]}]
    (told,) = member.client("ssm").describe_instance_properties(InstancePropertyFilterList=asked)["InstanceProperties"]
    assert {"InstanceType", "InstanceState", "LaunchTime", "Name"} <= set(told)


@documented("API ListNodes, SyncName")
def test_a_caller_sees_its_own_nodes(member: Account, node: str) -> None:
    """Without a sync, the nodes of the caller's account and Region are listed, with their owner."""
    asked = [{"Key": "InstanceId", "Values": [node]}]
    (told,) = member.client("ssm").list_nodes(Filters=asked)["Nodes"]
    assert (told["Id"], told["Owner"]["AccountId"], told["Region"]) == (node, member.id, member.region)
    assert told["NodeType"]["Instance"]["ManagedStatus"] == "Managed"


@documented("API ListNodes, ResourceDataSyncNotFoundException")
def test_a_sync_that_there_is_not(member: Account) -> None:
    """A resource data sync must be there to be asked."""
    with refused("ResourceDataSyncNotFoundException"):
        member.client("ssm").list_nodes(SyncName="no-such-sync")


@assumed("API UnsupportedOperationException, in its older words: the management account must designate an administrator first")
def test_the_management_account_sees_no_other_accounts(hub: Account) -> None:
    """Nodes of the whole organization are seen from a delegated administrator's account."""
    with refused("UnsupportedOperationException"):
        hub.client("ssm").list_nodes(SyncName="AWS-QuickSetup-ManagedNode")


@documented("API ListNodesSummary")
def test_nodes_are_counted(member: Account, node: str) -> None:
    """A summary counts nodes by an attribute."""
    asked = [{"AggregatorType": "Count", "TypeName": "Instance", "AttributeName": "PlatformType"}]
    rows = member.client("ssm").list_nodes_summary(Aggregators=asked)["Summary"]
    assert any(row["PlatformType"] == "Linux" and int(row["Count"]) >= 1 for row in rows)


@documented("EC2 API, DescribeInstances, Filters")
def test_instances_by_wildcard(member: Account, node: str) -> None:
    """EC2 filters know the wildcards * and ?."""
    asked = [{"Name": "instance-id", "Values": [f"{node[:-1]}?"]}]
    found = member.client("ec2").describe_instances(Filters=asked)["Reservations"]
    assert node in [one["InstanceId"] for group in found for one in group["Instances"]]


@documented("EC2 API, Instance; user guide, EC2 instance hostnames and domains")
def test_what_every_instance_tells(member: Account, node: str) -> None:
    """Every instance tells of its launch, its virtualization and its private DNS name, whose domain is us-east-1's own there."""
    (group,) = member.client("ec2").describe_instances(InstanceIds=[node])["Reservations"]
    (told,) = group["Instances"]
    assert {"AmiLaunchIndex", "Hypervisor", "VirtualizationType", "StateTransitionReason", "SecurityGroups"} <= set(told)
    domain = "ec2.internal" if member.region == "us-east-1" else f"{member.region}.compute.internal"
    assert told["PrivateDnsName"] == f"ip-{told['PrivateIpAddress'].replace('.', '-')}.{domain}"


@documented("EC2 API, DescribeInstanceStatus")
def test_running_instances_are_ok(member: Account, node: str) -> None:
    """A running instance has passed its status checks."""
    (told,) = member.client("ec2").describe_instance_status(InstanceIds=[node])["InstanceStatuses"]
    assert (told["InstanceState"]["Name"], told["InstanceStatus"]["Status"]) == ("running", "ok")


@documented("EC2 API error codes, InvalidInstanceID.NotFound")
def test_an_instance_that_there_is_not(member: Account) -> None:
    """EC2 names an instance that does not exist."""
    with refused("InvalidInstanceID.NotFound", "i-0123456789abcdef0"):
        member.client("ec2").describe_instances(InstanceIds=["i-0123456789abcdef0"])
