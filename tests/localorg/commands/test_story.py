"""Run Command over time: what becomes of a command on nodes that answer, fail, are away or are told to stop."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness
from fleet.scripted_node import Script, Step

from localorg.kernel.errors import AwsError


def failing(_payload):
    return Script([Step("aws:runShellScript", "Failed", 3, stderr="failed to run commands: exit status 3")])


def statuses(local):
    return [fact["status"] for fact in local.facts if fact["topic"] == "command.status-change"]


def test_a_command_reaches_a_node_and_its_answer_comes_back():
    """SendCommand -> message -> reply -> GetCommandInvocation Success. Documented: API GetCommandInvocation."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id])
    waiting = local.invocation(command, node)
    assert (waiting["StatusDetails"], waiting["ResponseCode"]) == ("Pending", -1)
    local.pass_time(5)
    answer = local.invocation(command, node)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Success", "Success", 0)
    assert answer["PluginName"] == "aws:runShellScript"
    assert answer["StandardOutputContent"] == "aws:runShellScript done\n"
    assert answer["ExecutionElapsedTime"] == "PT0.000S"
    assert local.command(command)["StatusDetails"] == "Success"
    assert statuses(local) == ["InProgress", "Success"]


def test_the_message_is_what_the_agent_expects():
    """The payload carries the document untouched and typed parameters. Observed: the stock agent's wire (MDS)."""
    local = Harness()
    node = local.node(1)
    command = local.send(
        "AWS-ConfigureAWSPackage",
        InstanceIds=[node.instance_id],
        Parameters={"action": ["Install"], "name": ["Agent"], "additionalArguments": ['{"SSM_KEY":"value"}']},
    )
    local.pass_time(1)
    message = node.received[0]
    assert message["MessageId"] == f"aws.ssm.{command}.{node.instance_id}"
    assert message["Topic"] == f"aws.ssm.sendCommand.{REGION}"
    assert message["CreatedDate"] == "2027-01-15T08:00:00.000Z"
    payload = message["Payload"]
    assert payload["Parameters"] == {"action": "Install", "name": "Agent", "additionalArguments": '{"SSM_KEY":"value"}'}
    assert payload["DocumentContent"]["mainSteps"][1]["inputs"]["name"] == "{{ name }}"
    assert set(payload) == {
        *("Parameters", "DocumentContent", "CommandId", "DocumentName", "OutputS3KeyPrefix", "OutputS3BucketName"),
        *("CloudWatchLogGroupName", "CloudWatchOutputEnabled"),
    }


def test_a_failing_node_makes_the_command_failed_and_keeps_its_words():
    """MaxErrors 0 and one failure is Failed. Documented: API Command, StatusDetails."""
    local = Harness()
    node = local.node(1)
    node.script = failing
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(5)
    answer = local.invocation(command, node)
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", 3)
    assert "exit status 3" in answer["StandardErrorContent"]
    shown = local.command(command)
    assert (shown["Status"], shown["StatusDetails"], shown["ErrorCount"]) == ("Failed", "Failed", 1)


def test_each_step_of_a_document_has_its_own_result():
    """With several steps PluginName names the step. Documented: API GetCommandInvocation, PluginName."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script([Step("createDownloadFolder", "Skipped"), Step("configurePackage", stdout="installed\n")])
    command = local.send("AWS-ConfigureAWSPackage", InstanceIds=[node.instance_id])
    local.pass_time(5)
    step = local.invocation(command, node, PluginName="configurePackage")
    assert (step["Status"], step["StandardOutputContent"]) == ("Success", "installed\n")
    assert local.invocation(command, node, PluginName="createDownloadFolder")["Status"] == "Success"
    whole = local.invocation(command, node)
    assert (whole["Status"], whole["PluginName"], whole["ResponseCode"]) == ("Success", "", -1)
    with pytest.raises(AwsError, match="InvalidPluginName: 'installation' is no step of AWS-ConfigureAWSPackage"):
        local.invocation(command, node, PluginName="installation")
    plugins = local.call("ListCommandInvocations", CommandId=command, Details=True)["CommandInvocations"][0]["CommandPlugins"]
    assert [(plugin["Name"], plugin["Output"]) for plugin in plugins] == [
        ("createDownloadFolder", ""),
        ("configurePackage", "installed\n"),
    ]


def test_an_offline_node_times_out_after_both_time_outs():
    """TimeoutSeconds + executionTimeout, 7200 s by default. Documented: user guide, Understanding command timeout values."""
    local = Harness()
    node = local.node(1, online=False)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(7199)
    assert local.invocation(command, node)["StatusDetails"] == "Pending"
    local.pass_time(2)
    answer = local.invocation(command, node)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("TimedOut", "DeliveryTimedOut", -1)
    shown = local.command(command)
    assert (shown["StatusDetails"], shown["DeliveryTimedOutCount"], shown["ErrorCount"]) == ("DeliveryTimedOut", 1, 0)
    node.start()
    local.pass_time(60)
    assert node.received == []


def test_the_delivery_time_out_alone_may_end_the_wait_for_an_offline_node():
    """The other reading: an undelivered command ends after TimeoutSeconds. Documented: API SendCommand, TimeoutSeconds."""
    local = Harness(readings={"delivery-timeout": "delivery"})
    away, slow = local.node(1, online=False), local.node(2)
    slow.script = lambda _: Script([Step("aws:runShellScript")], duration_s=120)
    command = local.send(InstanceIds=[away.instance_id, slow.instance_id], TimeoutSeconds=30)
    local.pass_time(31)
    assert local.details(command) == {away.instance_id: "DeliveryTimedOut", slow.instance_id: "InProgress"}
    assert local.command(command)["StatusDetails"] == "InProgress"
    local.pass_time(100)
    assert local.details(command)[slow.instance_id] == "Success"
    assert local.command(command)["StatusDetails"] == "DeliveryTimedOut"


@pytest.mark.parametrize(
    ("reading", "detail", "status", "whole"),
    [
        ("DeliveryTimedOut", "DeliveryTimedOut", "TimedOut", "DeliveryTimedOut"),
        ("Undeliverable", "Undeliverable", "Failed", "Success"),
    ],
)
def test_what_a_silent_node_is_called(reading, detail, status, whole):
    """Open question silent-node; neither counts as an error. Documented: user guide, monitor-commands."""
    local = Harness(readings={"silent-node": reading})
    away, there = local.node(1, online=False), local.node(2)
    command = local.send(InstanceIds=[away.instance_id, there.instance_id])
    local.pass_time(7201)
    answer = local.invocation(command, away)
    assert (answer["Status"], answer["StatusDetails"]) == (status, detail)
    shown = local.command(command)
    assert (shown["StatusDetails"], shown["ErrorCount"], shown["CompletedCount"]) == (whole, 0, 2)


def test_the_answer_shows_the_command_before_anything_was_sent():
    """Documented: the CLI's examples of send-command: Pending, with its targets counted."""
    local = Harness()
    node = local.node(1)
    params = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["x"]}, "InstanceIds": [node.instance_id]}
    shown = local.call("SendCommand", **params)["Command"]
    assert (shown["Status"], shown["StatusDetails"], shown["TargetCount"], shown["CompletedCount"]) == (
        "Pending",
        "Pending",
        1,
        0,
    )


def test_a_node_that_comes_back_in_time_gets_its_command():
    """Pending messages wait for the node. Documented: user guide, monitor-commands, Pending."""
    local = Harness()
    node = local.node(1, online=False)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(1000)
    node.start()
    local.pass_time(5)
    assert local.invocation(command, node)["StatusDetails"] == "Success"
    assert {"topic": "node.online", "account": ACCOUNT, "region": REGION, "instance_id": node.instance_id} in local.facts


def test_a_node_that_takes_a_message_and_is_silent_delays_it_and_gets_it_again():
    """Unacknowledged messages are delivered again. Observed: the stock agent's wire; Delayed documented: API CommandInvocation."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script(acknowledge=len(node.received) > 1, steps=[Step("aws:runShellScript")])
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(9)
    assert len(node.received) == 1
    local.kernel.run_until(local.kernel.now() + 1)
    assert local.details(command) == {node.instance_id: "InProgress"}
    local.pass_time(10)
    assert len(node.received) == 2
    assert local.details(command) == {node.instance_id: "Success"}


def test_the_wave_grows_from_one_node_and_respects_max_concurrency():
    """One node, then twice as many each round up to MaxConcurrency. Documented: user guide, Run commands at scale."""
    local = Harness()
    nodes = [local.node(number) for number in range(1, 12)]
    for node in nodes:
        node.script = lambda _: Script([Step("aws:runShellScript")], duration_s=1.5)
    command = local.send(Targets=[{"Key": "InstanceIds", "Values": ["*"]}], MaxConcurrency="4")
    seen = []
    for _ in range(8):
        local.pass_time(0.75)
        seen.append(sum(bool(node.running) for node in nodes))
    assert seen[0] == 1
    assert max(seen) == 4
    local.pass_time(30)
    assert local.command(command)["CompletedCount"] == 11


def test_one_offline_node_does_not_hold_the_others_back():
    """The ramp goes on while a node does not answer. Assumed: AWS does not say what a silent first node does."""
    local = Harness()
    nodes = [local.node(1, online=False), *(local.node(number) for number in range(2, 6))]
    command = local.send(Targets=[{"Key": "InstanceIds", "Values": ["*"]}], TimeoutSeconds=30)
    local.pass_time(20)
    details = local.details(command)
    assert details.pop(nodes[0].instance_id) == "Pending"
    assert set(details.values()) == {"Success"}


def test_sending_stops_after_one_error_too_many_and_the_rest_is_terminated():
    """MaxErrors 1 stops on the second error. Documented: API SendCommand, MaxErrors; CommandInvocation, Terminated."""
    local = Harness()
    nodes = [local.node(number) for number in range(1, 9)]
    for node in nodes:
        node.script = failing
    command = local.send(Targets=[{"Key": "InstanceIds", "Values": ["*"]}], MaxConcurrency="1", MaxErrors="1")
    local.pass_time(30)
    details = list(local.details(command).values())
    assert details == ["Failed", "Failed", *["Terminated"] * 6]
    shown = local.command(command)
    assert (shown["StatusDetails"], shown["ErrorCount"], shown["CompletedCount"]) == ("Failed", 2, 8)


def test_cancel_stops_what_runs_and_what_waits():
    """A running command is told to stop and reports code 137. Observed: the stock agent's wire."""
    local = Harness()
    running, away, waiting = local.node(1), local.node(2, online=False), local.node(3)
    running.script = lambda _: Script([Step("aws:runShellScript")], duration_s=900)
    ids = [node.instance_id for node in (running, away, waiting)]
    command = local.send(InstanceIds=ids, MaxConcurrency="2")
    local.pass_time(5)
    local.call("CancelCommand", CommandId=command)
    assert local.command(command)["Status"] == "Cancelling"
    assert local.details(command) == dict(zip(ids, ["Cancelling", "Cancelling", "Cancelled"], strict=True))
    local.pass_time(5)
    assert set(local.details(command).values()) == {"Cancelled"}
    assert local.invocation(command, running)["ResponseCode"] == 137
    assert local.command(command)["StatusDetails"] == "Cancelled"
    assert waiting.received == []


def test_cancel_of_a_node_that_never_answers_ends_with_the_command():
    """Cancel is best effort; without an answer it ends at the expiry. Assumed: AWS does not say."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script([Step("aws:runShellScript")], duration_s=9000)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(5)
    node.stop()
    local.call("CancelCommand", CommandId=command, InstanceIds=[node.instance_id])
    local.pass_time(7200)
    assert local.details(command) == {node.instance_id: "Cancelled"}
    assert local.command(command)["StatusDetails"] == "Incomplete"


def test_a_cancel_that_comes_too_late_changes_nothing():
    """Documented: API Command, StatusDetails: Success and Incomplete are terminal states."""
    local = Harness()
    ids = [local.node(number, online=number == 1).instance_id for number in (1, 2)]
    command = local.send(InstanceIds=ids)
    local.pass_time(5)
    local.call("CancelCommand", CommandId=command, InstanceIds=ids[1:])
    local.pass_time(5)
    assert local.command(command)["StatusDetails"] == "Incomplete"
    local.call("CancelCommand", CommandId=command)
    local.pass_time(9000)
    assert local.command(command)["StatusDetails"] == "Incomplete"
    assert list(local.details(command).values()) == ["Success", "Cancelled"]


def test_a_terminal_status_is_sticky():
    """InProgress after the terminal reply changes nothing. Observed: 45 of 137 commands over MGS did this."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(5)
    node.reply(f"aws.ssm.{command}.{node.instance_id}", "InProgress", [Step("aws:runShellScript", "InProgress")])
    node.reply(f"aws.ssm.{command}.{node.instance_id}", "Failed", [Step("aws:runShellScript", "Failed", 1)])
    local.pass_time(1)
    assert local.invocation(command, node)["StatusDetails"] == "Success"
    assert local.invocation(command, node)["ResponseCode"] == 0


def test_a_time_out_on_the_node_counts_as_an_error():
    """ExecutionTimedOut counts against MaxErrors. Documented: API CommandInvocation, StatusDetails."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script([Step("aws:runShellScript", "TimedOut", 137)])
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(5)
    assert local.details(command) == {node.instance_id: "ExecutionTimedOut"}
    shown = local.command(command)
    assert (shown["Status"], shown["StatusDetails"], shown["ErrorCount"]) == ("TimedOut", "ExecutionTimedOut", 1)


def test_a_message_that_the_agent_refuses_fails_the_invocation():
    """FailMessage ends the invocation. Assumed: AWS does not say what becomes of it."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script(acknowledge=False)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(1)
    message_id = f"aws.ssm.{command}.{node.instance_id}"
    node.call("ec2messages", "FailMessage", MessageId=message_id, FailureType="InternalHandlerException")
    local.pass_time(60)
    assert local.details(command) == {node.instance_id: "Failed"}
    shown = local.call("ListCommandInvocations", CommandId=command)["CommandInvocations"][0]
    assert shown["TraceOutput"] == "The agent refused the message: InternalHandlerException"
    assert len(node.received) == 1


@pytest.mark.parametrize("reading", ["Success", "Failed"])
def test_nobody_to_send_to_ends_at_once(reading):
    """No node has the tag: NoInstancesInTag. Documented: user guide, monitor-commands; its Status is an open question."""
    local = Harness(readings={"no-instances-status": reading})
    local.node(1)
    command = local.send(Targets=[{"Key": "tag:Role", "Values": ["nobody"]}])
    local.pass_time(1)
    shown = local.command(command)
    assert (shown["StatusDetails"], shown["TargetCount"], shown["Status"]) == ("NoInstancesInTag", 0, reading)
    assert statuses(local) == [reading]
