"""Reading the fleet: under the reader roles only, in every targeted place, and never skipping what could not be read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from csd.aws.fleet import Gathered, Scope, gather, reader, target_accounts
from csd.errors import AwsRefused
from csd_fakes.aws import Fleet, FleetPrincipal, Told

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = ("222222222222", "eu-west-1")
ARN = "arn:aws:ssm:eu-west-1:111111111111:document/csd-hello"


def command(identifier: str, name: str = ARN, hour: int = 0) -> dict[str, Any]:
    told = {"CommandId": identifier, "DocumentName": "AWS-ConfigureAWSPackage", "Parameters": {"name": [name]}}
    return told | {"RequestedDateTime": NOW.replace(hour=hour)}


def invocation(identifier: str, node: str, status: str, output: str = "", details: str = "") -> dict[str, Any]:
    plugins = [{"Name": "configurePackage", "Output": output, "ResponseFinishDateTime": NOW}] if output else []
    told = {"CommandId": identifier, "InstanceId": node, "Status": status, "StatusDetails": details or status}
    return told | {"RequestedDateTime": NOW, "CommandPlugins": plugins}


def fleet() -> Fleet:
    node = {"PingStatus": "Online", "LastPingDateTime": NOW, "PlatformName": "Debian", "PlatformVersion": "12"}
    return Fleet(
        nodes={PLACE: [node | {"InstanceId": "i-1", "Role": "web"}, node | {"InstanceId": "i-2", "Role": "db"}]},
        commands={PLACE: [command("old", hour=1), command("new", hour=2), command("other", "arn:x:document/other", hour=3)]},
        invocations={
            "new": [
                invocation("new", "i-1", "Failed", "short"),
                invocation("new", "i-2", "TimedOut", details="DeliveryTimedOut"),
            ],
            "old": [invocation("old", node, "Success", f"Successfully installed {ARN} 1.0.0") for node in ("i-1", "i-2")],
        },
        full={"i-1": {"StandardOutputContent": "out", "StandardErrorContent": "token-4711"}},
    )


def read(
    world: Fleet, key: str = "InstanceIds", values: tuple[str, ...] = ("*",), accounts: tuple[str, ...] = (PLACE[0],)
) -> Gathered:
    lines: list[str] = []
    return gather(reader(FleetPrincipal(world)), Scope(accounts, (PLACE[1],), key, values), "csd-hello", lines.append)  # type: ignore[arg-type] # a fake principal


def test_words_are_read_newest_first_until_a_node_has_spoken() -> None:
    """A failure is read in full; an unreachable node's older words are kept; other packages' commands are not asked about."""
    world = fleet()
    first, second = read(world).nodes
    assert [(said.command_id, said.error) for said in first.said] == [("new", "token-4711")]
    assert [said.details for said in second.said] == ["DeliveryTimedOut", "Success"]
    assert (first.platform, first.ping) == ("Debian 12", "Online")


def test_only_the_reader_roles_ask() -> None:
    """Every answer was asked for by hub reader, then member reader."""
    world = fleet()
    read(world)
    assert {line.rpartition(" ")[0] for line in world.asked} == {"me > CSD-FleetReaderHubRole > CSD-FleetReaderRole"}


def test_targets_narrow_the_denominator() -> None:
    """Tags, ids and groups mean the same nodes here as in the command."""
    assert [facts.node for facts in read(fleet(), "tag:Role", ("db",)).nodes] == ["i-2"]
    assert [facts.node for facts in read(fleet(), "ResourceGroup", ("dbs",)).nodes] == ["i-2"]
    assert [(facts.node, facts.ping) for facts in read(fleet(), values=("i-1", "i-9")).nodes] == [("i-1", "Online"), ("i-9", "")]


def test_a_place_that_refuses_is_told() -> None:
    """One account without the role does not hide the others, and is not forgotten."""
    world = fleet()
    world.closed.add("333333333333")
    found = read(world, accounts=("222222222222", "333333333333"))
    assert len(found.nodes) == 2
    assert found.unread == [
        "333333333333 eu-west-1: sts:AssumeRole (account 333333333333) was refused: AccessDenied: not you",
    ]


def test_a_target_that_is_nowhere_is_told() -> None:
    """Documented: Organizations API: AccountNotFoundException, ParentNotFoundException. The other targets are read all the same."""
    told = Told()
    told.answer("organizations", "describe_organization", {"Organization": {"MasterAccountId": "111111111111"}})
    told.refuse("organizations", "describe_account", "AccountNotFoundException", "no such account")
    told.refuse("organizations", "list_accounts_for_parent", "ParentNotFoundException", "no such parent")
    told.answer("organizations", "describe_account", {"Account": {"Id": "222222222222", "State": "ACTIVE"}})
    told.answer("organizations", "describe_account", {"Account": {"Id": "333333333333", "State": "SUSPENDED"}})
    found = target_accounts(
        told.principal(), ["999999999999", "ou-abcd-99999999", "222222222222", "333333333333"], with_management=False
    )
    assert found.active == ("222222222222",)
    assert found.left_out == ["333333333333 is SUSPENDED"]
    assert found.missing == [f"{target}: it is not in this organization" for target in ("999999999999", "ou-abcd-99999999")]


def test_another_refusal_of_organizations_is_an_error() -> None:
    """Who may not look does not see an empty fleet."""
    told = Told()
    told.answer("organizations", "describe_organization", {"Organization": {"MasterAccountId": "111111111111"}})
    told.refuse("organizations", "describe_account", "AccessDeniedException", "not you")
    with pytest.raises(AwsRefused, match="organizations:DescribeAccount .* AccessDeniedException: not you"):
        target_accounts(told.principal(), ["222222222222"], with_management=False)


def test_the_many_commands_of_one_roll_out_count_as_one() -> None:
    """A roll-out to named nodes is a command for each fifty of them, all with its run's id: every one is read."""
    nodes = [f"i-{number}" for number in range(60)]
    world = Fleet(
        nodes={PLACE: [{"InstanceId": node, "PingStatus": "Online"} for node in nodes]},
        commands={PLACE: [command(node) | {"Comment": "CSD 1"} for node in nodes]},
        invocations={node: [invocation(node, node, "Success")] for node in nodes},
    )
    assert [facts.said[0].command_id for facts in read(world).nodes] == nodes
