"""Run Command: what SendCommand takes, and to whom it sends."""

from collections.abc import Callable
from typing import Any

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

SHELL = "AWS-RunShellScript"
TERMINAL = {"Success", "Failed", "TimedOut", "Cancelled"}


def send(account: Account, **params: Any) -> dict[str, Any]:
    """SendCommand of one shell line, with changes; returns the Command."""
    wanted = {"DocumentName": SHELL, "Parameters": {"commands": ["echo conformance"]}, **params}
    command: dict[str, Any] = account.client("ssm").send_command(**wanted)["Command"]
    return command


def ended(account: Account, command: dict[str, Any]) -> dict[str, Any]:
    """Wait until a command has ended, and return it."""
    found: dict[str, Any] = eventually(
        lambda: account.client("ssm").list_commands(CommandId=command["CommandId"])["Commands"],
        lambda commands: bool(commands) and commands[0]["Status"] in TERMINAL,
        retry=("InvalidCommandId",),
    )[0]
    return found


@documented("API SendCommand, InstanceIds")
def test_fifty_one_ids_are_refused(member: Account) -> None:
    """SendCommand takes at most 50 instance ids."""
    with refused("ValidationException"):
        send(member, InstanceIds=[f"i-{number:017x}" for number in range(51)])


@documented("API SendCommand, Targets")
def test_six_targets_are_refused(member: Account) -> None:
    """SendCommand takes at most 5 target keys."""
    with refused("ValidationException"):
        send(member, Targets=[{"Key": f"tag:K{number}", "Values": ["x"]} for number in range(6)])


@documented("API Target, Values")
def test_fifty_one_values_are_refused(member: Account) -> None:
    """A target key takes at most 50 values."""
    with refused("ValidationException"):
        send(member, Targets=[{"Key": "tag:Role", "Values": [f"v{number}" for number in range(51)]}])


@documented("API SendCommand, InvalidInstanceId")
def test_an_unmanaged_instance_is_refused(member: Account) -> None:
    """An instance id that is not managed is refused at once."""
    with refused("InvalidInstanceId"):
        send(member, InstanceIds=["i-0fffffffffffffff0"])


@documented("API SendCommand, DuplicateInstanceId")
def test_an_instance_named_twice_is_refused(member: Account, node: str) -> None:
    """The same instance id twice is a DuplicateInstanceId."""
    with refused("DuplicateInstanceId"):
        send(member, InstanceIds=[node, node])


@documented("API SendCommand, InvalidDocument")
def test_a_document_that_is_not_there_is_refused(member: Account, node: str, unique: Callable[[str], str]) -> None:
    """A document that does not exist, or is not shared with the caller, is an InvalidDocument."""
    with refused("InvalidDocument"):
        send(member, InstanceIds=[node], DocumentName=unique("nowhere"))
    with refused("InvalidDocument"):
        stranger = f"arn:{member.partition}:ssm:{member.region}:123456789012:document/{unique('nowhere')}"
        send(member, InstanceIds=[node], DocumentName=stranger)


@documented("API SendCommand, InvalidDocumentVersion")
def test_a_version_that_is_not_there_is_refused(member: Account, node: str) -> None:
    """A version that the document does not have is an InvalidDocumentVersion."""
    with refused("InvalidDocumentVersion"):
        send(member, InstanceIds=[node], DocumentVersion="99999")


@documented("API SendCommand, DocumentHash")
def test_a_wrong_hash_is_refused(member: Account, node: str) -> None:
    """A DocumentHash that is not the document's is refused."""
    with refused("InvalidDocument"):
        send(member, InstanceIds=[node], DocumentHash="0" * 64, DocumentHashType="Sha256")


@documented("API SendCommand, DocumentHash; DescribeDocument, Hash")
def test_the_right_hash_is_taken(member: Account, node: str) -> None:
    """The Hash that DescribeDocument tells is taken as DocumentHash."""
    told = member.client("ssm").describe_document(Name=SHELL)["Document"]
    command = send(member, InstanceIds=[node], DocumentHash=told["Hash"], DocumentHashType=told["HashType"])
    assert ended(member, command)["Status"] == "Success"


@documented("API SendCommand, InvalidParameters")
def test_wrong_parameters_are_refused(member: Account, node: str) -> None:
    """A parameter that the document does not have, and a required one that is missing, are InvalidParameters."""
    with refused("InvalidParameters"):
        send(member, InstanceIds=[node], Parameters={"commands": ["x"], "nonsense": ["x"]})
    with refused("InvalidParameters"):
        send(member, InstanceIds=[node], Parameters={"workingDirectory": ["/"]})


@documented("API SendCommand, TimeoutSeconds")
def test_time_out_limits(member: Account, node: str) -> None:
    """TimeoutSeconds is 30 to 2,592,000."""
    for seconds in (29, 2_592_001):
        with refused("ValidationException"):
            send(member, InstanceIds=[node], TimeoutSeconds=seconds)


@documented("API SendCommand, MaxConcurrency and MaxErrors")
def test_rate_limits_are_numbers_or_percentages(member: Account, node: str) -> None:
    """MaxConcurrency is at least 1 or 1 %, MaxErrors at least 0 or 0 %; both at most 100 %."""
    for wrong in ({"MaxConcurrency": "0"}, {"MaxConcurrency": "0%"}, {"MaxErrors": "101%"}, {"MaxErrors": "-1"}):
        with refused("ValidationException"):
            send(member, InstanceIds=[node], **wrong)


@documented("API SendCommand, Comment")
def test_a_long_comment_is_refused(member: Account, node: str) -> None:
    """A comment has at most 100 characters."""
    with refused("ValidationException"):
        send(member, InstanceIds=[node], Comment="x" * 101)


@documented("API SendCommand, InvalidOutputFolder")
def test_a_bucket_that_is_not_there_is_refused(member: Account, node: str, unique: Callable[[str], str]) -> None:
    """An output bucket that does not exist is an InvalidOutputFolder."""
    with refused("InvalidOutputFolder"):
        send(member, InstanceIds=[node], OutputS3BucketName=unique("bucket"))


@documented("API SendCommand, defaults; user guide, Understanding command timeout values")
def test_defaults(member: Account, node: str) -> None:
    """MaxConcurrency is 50, MaxErrors 0, TimeoutSeconds 3600; the command expires after TimeoutSeconds and executionTimeout together."""
    command = send(member, InstanceIds=[node])
    assert (command["MaxConcurrency"], command["MaxErrors"], command["TimeoutSeconds"]) == ("50", "0", 3600)
    assert round((command["ExpiresAfter"] - command["RequestedDateTime"]).total_seconds()) == 7200


@documented("user guide, Understanding command timeout values")
def test_the_total_time_out_follows_the_document(member: Account, node: str) -> None:
    """ExpiresAfter counts the executionTimeout that the caller gives."""
    command = send(member, InstanceIds=[node], TimeoutSeconds=60, Parameters={"commands": ["x"], "executionTimeout": ["100"]})
    assert round((command["ExpiresAfter"] - command["RequestedDateTime"]).total_seconds()) == 160


@documented("API Command, Status")
def test_a_new_command(member: Account, offline_node: str) -> None:
    """SendCommand answers with one target, none completed, and no final status."""
    command = send(member, InstanceIds=[offline_node], Comment="why")
    assert (command["TargetCount"], command["CompletedCount"], command["ErrorCount"]) == (1, 0, 0)
    assert command["Status"] in {"Pending", "InProgress"}
    assert (command["Comment"], command["DocumentName"]) == ("why", SHELL)
    member.client("ssm").cancel_command(CommandId=command["CommandId"])


@documented("user guide, Run commands at scale")
def test_values_are_or_keys_are_and(member: Account, node: str, second_node: str) -> None:
    """Values of one key are alternatives; several keys must all fit."""
    both = send(member, Targets=[{"Key": "InstanceIds", "Values": [node, second_node]}])
    one = send(member, Targets=[{"Key": "InstanceIds", "Values": [node, second_node]}, {"Key": "InstanceIds", "Values": [node]}])
    assert (ended(member, both)["TargetCount"], ended(member, one)["TargetCount"]) == (2, 1)


@documented("user guide, Understanding command statuses, No Instances In Tag")
def test_nobody_has_the_tag(member: Account, unique: Callable[[str], str]) -> None:
    """A tag that no node has makes a command of no targets, NoInstancesInTag."""
    command = ended(member, send(member, Targets=[{"Key": "tag:Role", "Values": [unique("role")]}]))
    assert (command["StatusDetails"], command["TargetCount"]) == ("NoInstancesInTag", 0)


@documented("user guide, Understanding command statuses, Undeliverable")
def test_undeliverable_nodes_do_not_spoil_a_command(member: Account, node: str) -> None:
    """A targeted id that is no managed node is Undeliverable; the command is a Success with it."""
    strangers = [f"i-0ffffffffffffff{number}0" for number in range(1, 4)]
    command = ended(member, send(member, Targets=[{"Key": "InstanceIds", "Values": [node, *strangers]}]))
    assert (command["Status"], command["TargetCount"], command["CompletedCount"], command["ErrorCount"]) == ("Success", 4, 4, 0)
    found = member.client("ssm").list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"]
    assert {one["InstanceId"]: one["StatusDetails"] for one in found} == {
        node: "Success",
        **dict.fromkeys(strangers, "Undeliverable"),
    }


@documented("API SendCommand, UnsupportedPlatformType")
def test_a_document_of_another_platform_is_refused(member: Account, node: str, unique: Callable[[str], str]) -> None:
    """A document of Windows plugins is refused for a Linux node that is listed, and InvalidPlatform for one that is targeted."""
    name, ssm = unique("windows"), member.client("ssm")
    step = '{"action":"aws:psModule","name":"s","inputs":{"runCommand":["x"]}}'
    ssm.create_document(Name=name, DocumentType="Command", Content=f'{{"schemaVersion":"2.2","mainSteps":[{step}]}}')
    try:
        eventually(lambda: ssm.describe_document(Name=name)["Document"], lambda told: told["Status"] == "Active")
        with refused("UnsupportedPlatformType"):
            send(member, InstanceIds=[node], DocumentName=name, Parameters={})
        command = send(member, DocumentName=name, Parameters={}, Targets=[{"Key": "InstanceIds", "Values": [node]}])
        ended(member, command)
        (one,) = ssm.list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"]
        assert one["StatusDetails"] == "InvalidPlatform"
    finally:
        ssm.delete_document(Name=name)


@assumed("The model's pattern of Targets allows any key; only these forms are documented for Run Command.")
def test_an_unknown_target_key_is_refused(member: Account) -> None:
    """A target key that Run Command does not know is a ValidationException."""
    with refused("ValidationException"):
        send(member, Targets=[{"Key": "colour", "Values": ["red"]}])


@observed("stock agent 3.3.0.0, wire")
def test_a_shell_command_returns_what_it_printed(member: Account, node: str) -> None:
    """AWS-RunShellScript's one step is called aws:runShellScript, and tells standard output, error, code and times."""
    command = ended(member, send(member, InstanceIds=[node], Parameters={"commands": ["echo out", "echo err >&2"]}))
    told = member.client("ssm").get_command_invocation(CommandId=command["CommandId"], InstanceId=node)
    assert (told["PluginName"], told["Status"], told["ResponseCode"]) == ("aws:runShellScript", "Success", 0)
    assert (told["StandardOutputContent"], told["StandardErrorContent"]) == ("out\n", "err\n")
    assert told["ExecutionElapsedTime"].startswith("PT")
    assert told["ExecutionStartDateTime"] <= told["ExecutionEndDateTime"]
