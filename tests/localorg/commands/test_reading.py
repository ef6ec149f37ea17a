"""What can be read of commands: lists, filters, pages, cut-offs, after a restart too."""

import pytest
from commands.harness import Harness
from fleet.scripted_node import Script, Step

from localorg.commands.records import Invocation
from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def local():
    """Three commands: one ended well, one badly, one under way; an hour between them."""
    harness = Harness()
    node, away = harness.node(1), harness.node(2, online=False)
    harness.sent = [harness.send(InstanceIds=[node.instance_id])]
    harness.pass_time(3600)
    node.script = lambda _: Script([Step("aws:runShellScript", "Failed", 1)])
    harness.sent.append(harness.send(InstanceIds=[node.instance_id], Comment="bad"))
    harness.pass_time(3600)
    harness.sent.append(harness.send("AWS-ConfigureAWSPackage", InstanceIds=[away.instance_id]))
    harness.pass_time(0)
    return harness


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("Status", "Success", [0]),
        ("Status", "Failed", [1]),
        ("Status", "InProgress", [2]),
        ("ExecutionStage", "Complete", [1, 0]),
        ("ExecutionStage", "Executing", [2]),
        ("DocumentName", "AWS-ConfigureAWSPackage", [2]),
        ("InvokedAfter", "2027-01-15T08:30:00Z", [2, 1]),
        ("InvokedBefore", "2027-01-15T08:30:00Z", [0]),
    ],
)
def test_commands_are_filtered(local, key, value, expected):
    """Documented: API CommandFilter; the newest first: the CLI's examples."""
    found = local.call("ListCommands", Filters=[{"key": key, "value": value}])["Commands"]
    assert [local.sent.index(command["CommandId"]) for command in found] == expected


def test_invocations_are_filtered(local):
    """Documented: API CommandFilter: ExecutionStage is for ListCommands only."""
    found = local.call("ListCommandInvocations", Filters=[{"key": "Status", "value": "Pending"}])["CommandInvocations"]
    assert [one["CommandId"] for one in found] == [local.sent[2]]
    with pytest.raises(AwsError, match="InvalidFilterKey: The filter key ExecutionStage is not valid for this operation"):
        local.call("ListCommandInvocations", Filters=[{"key": "ExecutionStage", "value": "Complete"}])
    with pytest.raises(AwsError, match="Status must be one of .*; found 'Great'"):
        local.call("ListCommands", Filters=[{"key": "Status", "value": "Great"}])
    with pytest.raises(AwsError, match="Expected a time such as 2024-07-07T00:00:00Z, found 'yesterday'"):
        local.call("ListCommands", Filters=[{"key": "InvokedAfter", "value": "yesterday"}])


def test_commands_come_in_pages(local):
    """A new command does not shift the pages. Documented: API ListCommands, NextToken."""
    first = local.call("ListCommands", MaxResults=2)
    local.send(InstanceIds=["i-00000000000000001"])
    second = local.call("ListCommands", MaxResults=2, NextToken=first["NextToken"])
    assert [local.sent.index(command["CommandId"]) for command in first["Commands"] + second["Commands"]] == [2, 1, 0]
    assert "NextToken" not in second
    with pytest.raises(AwsError, match="InvalidNextToken"):
        local.call("ListCommands", NextToken="made up")


def test_lists_by_node_and_by_command(local):
    """Documented: API ListCommands and ListCommandInvocations, InstanceId and CommandId."""
    on_first = local.call("ListCommands", InstanceId="i-00000000000000001")["Commands"]
    assert [command["Comment"] for command in on_first] == ["bad", ""]
    assert len(local.call("ListCommandInvocations", InstanceId="i-00000000000000002")["CommandInvocations"]) == 1
    with pytest.raises(AwsError, match=f"InvalidCommandId: There is no command {NOWHERE} in 222222222222 us-east-1"):
        local.call("ListCommands", CommandId=NOWHERE)


def test_an_invocation_that_is_not_there(local):
    """Documented: API GetCommandInvocation, InvocationDoesNotExist."""
    with pytest.raises(AwsError, match=f"InvocationDoesNotExist: Command {NOWHERE} has no invocation on i-0+1 here"):
        local.call("GetCommandInvocation", CommandId=NOWHERE, InstanceId="i-00000000000000001")
    with pytest.raises(AwsError, match="InvalidCommandId: 'x{36}' is no id of a command"):
        local.call("GetCommandInvocation", CommandId="x" * 36, InstanceId="i-00000000000000001")


def test_cancel_names_nodes_of_the_command_once(local):
    """Documented: API CancelCommand, InvalidInstanceId, DuplicateInstanceId, InvalidCommandId."""
    for name, params in {
        "InvalidInstanceId: Command .* was not sent to i-00000000000000002": {"InstanceIds": ["i-00000000000000002"]},
        "DuplicateInstanceId: InstanceIds lists i-00000000000000001 more": {"InstanceIds": ["i-00000000000000001"] * 2},
        f"InvalidCommandId: There is no command {NOWHERE}": {"CommandId": NOWHERE},
    }.items():
        with pytest.raises(AwsError, match=name):
            local.call("CancelCommand", **{"CommandId": local.sent[0], **params})


def test_a_node_that_is_not_managed_has_no_commands(local):
    """Documented: API ListCommands, InvalidInstanceId and InstanceId; the code of the second refusal is assumed."""
    for operation in ("ListCommands", "ListCommandInvocations"):
        with pytest.raises(AwsError, match=r"InvalidInstanceId: Instances \[\[i-00000000000000009\]\] not in a valid state"):
            local.call(operation, InstanceId="i-00000000000000009")
    with pytest.raises(AwsError, match="ValidationException: InstanceId cannot be given together with the status Pending"):
        local.call("ListCommands", InstanceId="i-00000000000000001", Filters=[{"key": "Status", "value": "Pending"}])


def test_history_is_kept_for_thirty_days(local):
    """Documented: user guide: command history is kept for 30 days."""
    local.pass_time(30 * 86400 - 7200 - 60)
    assert len(local.call("ListCommands")["Commands"]) == 3
    local.pass_time(120)
    assert [command["CommandId"] for command in local.call("ListCommands")["Commands"]] == local.sent[:0:-1]
    assert all(one["CommandId"] != local.sent[0] for one in local.call("ListCommandInvocations")["CommandInvocations"])
    local.pass_time(7200)
    assert local.call("ListCommands")["Commands"] == []
    assert len(local.store.table("command.invocation", Invocation)) == 0


def test_a_command_that_is_not_over_is_not_forgotten():
    """Assumed: history never ends before the command: TimeoutSeconds may be 30 days by itself."""
    local = Harness()
    node = local.node(1, online=False)
    command = local.send(InstanceIds=[node.instance_id], TimeoutSeconds=2_592_000)
    local.pass_time(2_592_000 + 3600)
    assert local.details(command) == {node.instance_id: "DeliveryTimedOut"}
    local.pass_time(2)
    assert local.call("ListCommands")["Commands"] == []


def test_output_is_cut_where_aws_cuts_it():
    """24,000 of stdout, 8,000 of stderr, 2,500 of both. Documented: API GetCommandInvocation, CommandPlugin."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script([Step("aws:runShellScript", stdout="o" * 30_000, stderr="e" * 30_000)])
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(5)
    answer = local.invocation(command, node)
    assert (len(answer["StandardOutputContent"]), len(answer["StandardErrorContent"])) == (24_000, 8_000)
    assert answer["StandardOutputContent"].endswith("o--output truncated--")
    plugin = local.call("ListCommandInvocations", CommandId=command, Details=True)["CommandInvocations"][0]["CommandPlugins"][0]
    assert len(plugin["Output"]) == 2_500


LINK = "http://127.0.0.1:4599/logs/a/{command}/{node}/awsrunShellScript/0.awsrunShellScript"


def test_links_lead_to_the_output_in_s3():
    """Documented: API GetCommandInvocation and CommandPlugin, StandardOutputUrl; observed: the agent's keys."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id], OutputS3BucketName="logs", OutputS3KeyPrefix="a")
    assert local.invocation(command, node)["StandardOutputUrl"] == ""
    local.pass_time(5)
    payload = node.received[0]["Payload"]
    assert (payload["OutputS3BucketName"], payload["OutputS3KeyPrefix"]) == ("logs", "a")
    place = LINK.format(command=command, node=node.instance_id)
    links = {"StandardOutputUrl": f"{place}/stdout", "StandardErrorUrl": f"{place}/stderr"}
    (whole,) = local.call("ListCommandInvocations", CommandId=command, Details=True)["CommandInvocations"]
    plugin = whole["CommandPlugins"][0]
    for shown in (local.invocation(command, node), whole, plugin):
        assert {name: shown[name] for name in links} == links
    assert (plugin["OutputS3BucketName"], plugin["OutputS3Region"]) == ("logs", "us-east-1")
    assert plugin["OutputS3KeyPrefix"] == f"a/{command}/{node.instance_id}/awsrunShellScript"
    shown = local.command(command)
    assert (shown["OutputS3BucketName"], shown["OutputS3KeyPrefix"]) == ("logs", "a")


def test_without_a_bucket_there_are_no_links():
    """Documented: API CommandPlugin: if the bucket was not specified, the text is empty."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(5)
    assert local.invocation(command, node)["StandardOutputUrl"] == local.invocation(command, node)["StandardErrorUrl"] == ""


def test_the_expiry_that_is_shown():
    """ExpiresAfter is the total time-out. Documented: API Command, ExpiresAfter."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id], TimeoutSeconds=600)
    shown = local.command(command)
    assert shown["ExpiresAfter"] - shown["RequestedDateTime"] == 600 + 3600


def test_a_command_outlives_a_restart(tmp_path):
    """Assumed: localorg's own promise: messages, time-outs and results go on where they were."""
    file = tmp_path / "state.sqlite"
    before = Harness(store=Store(file))
    done, away, lost = before.node(1), before.node(2, online=False), before.node(3, online=False)
    command = before.send(InstanceIds=[node.instance_id for node in (done, away, lost)])
    before.pass_time(30)
    before.store.close()
    after = Harness(store=Store(file))
    after.kernel.clock.advance_to(before.kernel.now() + 600)
    for number in (1, 2, 3):
        after.node(number, online=number == 2)
    after.pass_time(10)
    assert list(after.details(command).values()) == ["Success", "Success", "Pending"]
    assert after.invocation(command, done)["StandardOutputContent"] == "aws:runShellScript done\n"
    after.pass_time(7200)
    assert after.details(command)[lost.instance_id] == "DeliveryTimedOut"
