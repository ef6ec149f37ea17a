"""Run Command: what became of a command, and how it is read."""

from collections.abc import Callable
from typing import Any

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account
from conformance.test_run_command import SHELL, ended, send

NOWHERE = "00000000-0000-4000-8000-000000000000"


def run(account: Account, node: str, *lines: str, **params: Any) -> dict[str, Any]:
    """Run shell lines to their end; returns GetCommandInvocation."""
    command = ended(account, send(account, InstanceIds=[node], Parameters={"commands": list(lines)}, **params))
    told: dict[str, Any] = account.client("ssm").get_command_invocation(CommandId=command["CommandId"], InstanceId=node)
    return told


@observed("stock agent 3.3.0.0, wire")
def test_a_script_that_fails(member: Account, node: str) -> None:
    """A script's exit code makes the invocation Failed, and the agent adds it to standard error."""
    told = run(member, node, "echo before", "exit 3")
    assert (told["Status"], told["StatusDetails"], told["ResponseCode"]) == ("Failed", "Failed", 3)
    assert told["StandardOutputContent"] == "before\n"
    assert told["StandardErrorContent"].endswith("failed to run commands: exit status 3")


@documented("API Command, ErrorCount and StatusDetails")
def test_a_failed_node_makes_the_command_failed(member: Account, node: str) -> None:
    """With MaxErrors 0 one failed node makes the command Failed, with one error."""
    command = ended(member, send(member, InstanceIds=[node], Parameters={"commands": ["false"]}))
    assert (command["Status"], command["StatusDetails"]) == ("Failed", "Failed")
    assert (command["CompletedCount"], command["ErrorCount"], command["DeliveryTimedOutCount"]) == (1, 1, 0)


@observed("stock agent 3.3.0.0, wire")
def test_a_script_that_takes_too_long(member: Account, node: str) -> None:
    """executionTimeout ends a script with code 137 as ExecutionTimedOut, which counts as an error."""
    params = {"commands": ["sleep 60"], "executionTimeout": ["5"]}
    command = ended(member, send(member, InstanceIds=[node], Parameters=params))
    assert (command["Status"], command["ErrorCount"]) == ("TimedOut", 1)
    told = member.client("ssm").get_command_invocation(CommandId=command["CommandId"], InstanceId=node)
    assert (told["Status"], told["StatusDetails"], told["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", 137)


@documented("API SendCommand, MaxErrors; CommandInvocation, Terminated")
def test_sending_stops_after_too_many_errors(member: Account, node: str, second_node: str) -> None:
    """With MaxConcurrency 1 and MaxErrors 0 the node after the first error is Terminated, without being sent to."""
    targets = [{"Key": "InstanceIds", "Values": [node, second_node]}]
    command = ended(member, send(member, Targets=targets, MaxConcurrency="1", MaxErrors="0", Parameters={"commands": ["false"]}))
    found = member.client("ssm").list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"]
    assert sorted(one["StatusDetails"] for one in found) == ["Failed", "Terminated"]
    assert (command["Status"], command["ErrorCount"]) == ("Failed", 1)


@documented("API Command, StatusDetails, Incomplete")
def test_fewer_errors_than_allowed_are_incomplete(member: Account, node: str, second_node: str) -> None:
    """One failure of two, with MaxErrors 2, makes the command Incomplete."""
    lines = [f'[ "$AWS_SSM_INSTANCE_ID" = {node} ]']
    command = ended(member, send(member, InstanceIds=[node, second_node], MaxErrors="2", Parameters={"commands": lines}))
    assert (command["StatusDetails"], command["ErrorCount"]) == ("Incomplete", 1)


@documented("API GetCommandInvocation, StandardOutputContent and StandardErrorContent")
def test_output_is_cut(member: Account, node: str) -> None:
    """Standard output has at most 24,000 characters, standard error 8,000, the list's Output 2,500."""
    told = run(member, node, "seq 20000", "seq 20000 >&2")
    assert len(told["StandardOutputContent"]) == 24_000
    assert told["StandardOutputContent"].endswith("--output truncated--")
    assert len(told["StandardErrorContent"]) == 8_000
    (one,) = member.client("ssm").list_command_invocations(CommandId=told["CommandId"], Details=True)["CommandInvocations"]
    assert len(one["CommandPlugins"][0]["Output"]) <= 2_500


@documented("API CommandPlugin")
def test_plugins_are_listed_with_details_only(member: Account, node: str) -> None:
    """ListCommandInvocations tells of plugins when Details is true: name, code, output and times."""
    told = run(member, node, "echo hi")
    ssm = member.client("ssm")
    (without,) = ssm.list_command_invocations(CommandId=told["CommandId"])["CommandInvocations"]
    assert without["CommandPlugins"] == []
    (one,) = ssm.list_command_invocations(CommandId=told["CommandId"], Details=True)["CommandInvocations"]
    (plugin,) = one["CommandPlugins"]
    assert (plugin["Name"], plugin["Status"], plugin["ResponseCode"], plugin["Output"]) == (
        "aws:runShellScript",
        "Success",
        0,
        "hi\n",
    )
    assert plugin["ResponseStartDateTime"] <= plugin["ResponseFinishDateTime"]
    assert (one["InstanceId"], one["DocumentName"]) == (node, SHELL)


@observed("stock agent 3.3.0.0, source: fileS3")
def test_output_in_s3_never_fails_a_command(member: Account, node: str, bucket: str) -> None:
    """A command whose node may not write to the bucket succeeds all the same; the links have the agent's keys."""
    told = run(member, node, "echo hi", OutputS3BucketName=bucket, OutputS3KeyPrefix="some/where")
    assert told["Status"] == "Success"
    folder = f"{bucket}/some/where/{told['CommandId']}/{node}/awsrunShellScript/0.awsrunShellScript"
    assert told["StandardOutputUrl"].endswith(f"/{folder}/stdout")
    assert told["StandardErrorUrl"].endswith(f"/{folder}/stderr")


@documented("API SendCommand, OutputS3Region")
def test_the_region_of_the_bucket_is_ignored(member: Account, node: str, bucket: str) -> None:
    """OutputS3Region is deprecated and ignored."""
    told = run(member, node, "echo hi", OutputS3BucketName=bucket, OutputS3Region="no-where-1")
    assert told["Status"] == "Success"


@documented("API GetCommandInvocation, errors")
def test_an_invocation_that_is_not_there(member: Account, node: str, second_node: str) -> None:
    """A command or node that did not meet is InvocationDoesNotExist, a step that the document lacks InvalidPluginName."""
    ssm = member.client("ssm")
    with refused("InvocationDoesNotExist"):
        ssm.get_command_invocation(CommandId=NOWHERE, InstanceId=node)
    told = run(member, node, "echo hi")
    with refused("InvocationDoesNotExist"):
        ssm.get_command_invocation(CommandId=told["CommandId"], InstanceId=second_node)
    with refused("InvalidPluginName"):
        ssm.get_command_invocation(CommandId=told["CommandId"], InstanceId=node, PluginName="nonsense")


@documented("API GetCommandInvocation, ResponseCode")
def test_a_node_that_was_not_reached_has_no_answer(member: Account, offline_node: str) -> None:
    """While a node has not taken the command, ResponseCode is -1 and output and times are empty."""
    command = send(member, InstanceIds=[offline_node])
    ssm = member.client("ssm")
    told = eventually(
        lambda: ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=offline_node),
        lambda answer: answer["Status"] in {"Pending", "InProgress", "Delayed"},
        retry=("InvocationDoesNotExist",),
    )
    assert (told["ResponseCode"], told["StandardOutputContent"], told["ExecutionStartDateTime"]) == (-1, "", "")
    ssm.cancel_command(CommandId=command["CommandId"])


@documented("API CancelCommand")
def test_cancel_before_the_node_has_it(member: Account, offline_node: str) -> None:
    """A command that no node has taken yet is cancelled."""
    command = send(member, InstanceIds=[offline_node])
    member.client("ssm").cancel_command(CommandId=command["CommandId"])
    told = ended(member, command)
    assert (told["Status"], told["StatusDetails"], told["CompletedCount"]) == ("Cancelled", "Cancelled", 1)


@observed("stock agent 3.3.0.0, wire")
def test_cancel_of_a_running_script(member: Account, node: str) -> None:
    """A running script is killed; its code is 137."""
    ssm = member.client("ssm")
    command = send(member, InstanceIds=[node], Parameters={"commands": ["sleep 100"]})
    eventually(
        lambda: ssm.list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"],
        lambda found: bool(found) and found[0]["Status"] == "InProgress",
    )
    ssm.cancel_command(CommandId=command["CommandId"], InstanceIds=[node])
    # The node's part is over, whatever the command as a whole is called then.
    told = eventually(
        lambda: ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=node),
        lambda answer: answer["StatusDetails"] == "Cancelled",
    )
    assert told["ResponseCode"] == 137


@documented("API CancelCommand, errors")
def test_cancel_of_what_is_not_there(member: Account, node: str, second_node: str) -> None:
    """An unknown command is InvalidCommandId; a node that it was not sent to InvalidInstanceId; one named twice DuplicateInstanceId."""
    ssm = member.client("ssm")
    with refused("InvalidCommandId"):
        ssm.cancel_command(CommandId=NOWHERE)
    told = run(member, node, "true")
    with refused("InvalidInstanceId"):
        ssm.cancel_command(CommandId=told["CommandId"], InstanceIds=[second_node])
    with refused("DuplicateInstanceId"):
        ssm.cancel_command(CommandId=told["CommandId"], InstanceIds=[node, node])


@documented("API ListCommands, errors")
def test_lists_of_what_is_not_there(member: Account) -> None:
    """An unknown command is InvalidCommandId, an unknown node InvalidInstanceId, a made-up token InvalidNextToken."""
    ssm = member.client("ssm")
    for call in (ssm.list_commands, ssm.list_command_invocations):
        with refused("InvalidCommandId"):
            call(CommandId=NOWHERE)
        with refused("InvalidInstanceId"):
            call(InstanceId="i-0fffffffffffffff0")
        with refused("InvalidNextToken"):
            call(NextToken="made-up")


@documented("API CommandFilter")
def test_filters_of_commands(member: Account, node: str) -> None:
    """ListCommands is narrowed by Status, ExecutionStage, DocumentName, InvokedAfter and InvokedBefore."""
    command = ended(member, send(member, InstanceIds=[node]))
    at = command["RequestedDateTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    fitting = {"Status": "Success", "ExecutionStage": "Complete", "DocumentName": SHELL, "InvokedAfter": at}
    other = {"Status": "Failed", "ExecutionStage": "Executing", "DocumentName": "AWS-Other", "InvokedBefore": at}
    for filters, expected in ((fitting, 1), (other, 0)):
        for key, value in filters.items():
            asked = {"CommandId": command["CommandId"], "Filters": [{"key": key, "value": value}]}
            assert len(member.client("ssm").list_commands(**asked)["Commands"]) == expected, (key, value)


@documented("API CommandFilter, ExecutionStage")
def test_the_stage_is_no_filter_of_invocations(member: Account) -> None:
    """ExecutionStage cannot be used with ListCommandInvocations."""
    with refused("InvalidFilterKey"):
        member.client("ssm").list_command_invocations(Filters=[{"key": "ExecutionStage", "value": "Complete"}])


@documented("API ListCommands, MaxResults and NextToken")
def test_pages(member: Account, node: str) -> None:
    """A page has at most MaxResults commands; a command sent meanwhile is not in later pages, and nothing comes twice."""
    ssm = member.client("ssm")
    mine = {send(member, InstanceIds=[node])["CommandId"] for _ in range(3)}
    first = ssm.list_commands(MaxResults=2)
    late = send(member, InstanceIds=[node])["CommandId"]
    seen = [command["CommandId"] for command in first["Commands"]]
    token = first.get("NextToken")
    while token and not mine <= set(seen):
        page = ssm.list_commands(MaxResults=50, NextToken=token)
        seen, token = seen + [command["CommandId"] for command in page["Commands"]], page.get("NextToken")
    assert len(first["Commands"]) == 2
    assert mine <= set(seen)
    assert len(seen) == len(set(seen))
    assert late not in seen


@documented("API ListCommands, MaxResults")
def test_page_size_limits(member: Account) -> None:
    """MaxResults is 1 to 50."""
    for size in (0, 51):
        with refused("ValidationException"):
            member.client("ssm").list_commands(MaxResults=size)


@assumed("GetCommandInvocation wants the step's name where a document has several, and says no more.")
def test_a_document_of_several_steps(member: Account, node: str, unique: Callable[[str], str]) -> None:
    """Each step has its own result under its name; a failed step does not stop the next one."""
    name, ssm = unique("steps"), member.client("ssm")
    steps = ",".join(
        f'{{"action":"aws:runShellScript","name":"{step}","inputs":{{"runCommand":["{line}"]}}}}'
        for step, line in (("first", "exit 7"), ("second", "echo second"))
    )
    ssm.create_document(Name=name, DocumentType="Command", Content=f'{{"schemaVersion":"2.2","mainSteps":[{steps}]}}')
    try:
        eventually(lambda: ssm.describe_document(Name=name)["Document"], lambda told: told["Status"] == "Active")
        command = ended(member, send(member, InstanceIds=[node], DocumentName=name, Parameters={}))
        assert command["Status"] == "Failed"
        found = {"first": ("Failed", 7), "second": ("Success", 0)}
        for step, expected in found.items():
            told = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=node, PluginName=step)
            assert (told["Status"], told["ResponseCode"]) == expected
        (one,) = ssm.list_command_invocations(CommandId=command["CommandId"], Details=True)["CommandInvocations"]
        assert [plugin["Name"] for plugin in one["CommandPlugins"]] == ["first", "second"]
    finally:
        ssm.delete_document(Name=name)
