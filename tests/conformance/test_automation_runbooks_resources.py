"""Runbooks that reach outside Systems Manager: stacks, instances, tags, attachments."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account
from conformance.test_automation_runbooks import book, document, ended, execution, ran, statuses, step

Unique = Callable[[str], str]
SHELL = {"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["true"]}}
COMMAND = {"DocumentType": "Command", "Content": {"schemaVersion": "2.2", "mainSteps": [SHELL]}}
TEMPLATE = json.dumps({"Resources": {"Command": {"Type": "AWS::SSM::Document", "Properties": COMMAND}}})
CODE = b"def main(events, context):\n    return {'sum': sum(events['n'])}\n"


def book_in_s3(account: Account, bucket: str, name: str, digest: str) -> None:
    """Make a runbook whose script is an attachment."""
    account.client("s3").put_object(Bucket=bucket, Key=f"{name}/code.py", Body=CODE)
    inputs = {"Runtime": "python3.11", "Handler": "code.main", "Attachment": "code.py", "InputPayload": {"n": [1, 2, 39]}}
    total = step("total", "executeScript", inputs, outputs=[{"Name": "sum", "Selector": "$.Payload.sum", "Type": "Integer"}])
    content = book(total, files={"code.py": {"checksums": {"sha256": digest}}}, outputs=["total.sum"])
    account.client("ssm").create_document(
        Name=name,
        Content=json.dumps(content),
        DocumentType="Automation",
        Attachments=[{"Key": "S3FileUrl", "Values": [f"s3://{bucket}/{name}/code.py"], "Name": "code.py"}],
    )


@documented("user guide, automation-action-executeScript, Attachment")
def test_a_script_may_be_an_attachment(hub: Account, bucket: str, unique: Unique) -> None:
    """The handler FILE.FUNCTION runs from a file that the runbook lists with its checksum."""
    name, ssm = unique("Book"), hub.client("ssm")
    book_in_s3(hub, bucket, name, hashlib.sha256(CODE).hexdigest())
    try:
        eventually(lambda: ssm.describe_document(Name=name)["Document"]["Status"], lambda status: status == "Active")
        found = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        assert ended(hub, found)["Outputs"] == {"total.sum": ["42"]}
    finally:
        ssm.delete_document(Name=name)


@documented("user guide, automation-action-createstack and automation-action-deletestack")
def test_a_stack_is_made_waited_for_and_taken_away(member: Account, unique: Unique) -> None:
    """createStack ends when the stack is complete, and gives its id; deleteStack ends when it is gone."""
    name = unique("stack")
    make = step("make", "createStack", {"StackName": name, "TemplateBody": TEMPLATE})
    drop = step("drop", "deleteStack", {"StackName": name})
    made = ran(member, unique("Book"), book(make, drop, outputs=["make.StackId", "make.StackStatus"]))
    assert statuses(made) == {"make": "Success", "drop": "Success"}, made.get("FailureMessage")
    assert made["Outputs"]["make.StackStatus"] == ["CREATE_COMPLETE"]
    with refused("ValidationError", "does not exist"):
        member.client("cloudformation").describe_stacks(StackName=name)


@documented("user guide, automation-action-changestate")
def test_check_state_only_asserts(member: Account, node: str, unique: Unique) -> None:
    """With CheckStateOnly an instance that is as desired ends the step without a change."""
    inputs = {"InstanceIds": [node], "DesiredState": "running", "CheckStateOnly": True}
    made = ran(member, unique("Book"), book(step("look", "changeInstanceState", inputs)))
    assert made["StepExecutions"][0]["Outputs"]["InstanceStates"] == ["running"]


@documented("user guide, automation-action-createtag")
def test_an_instance_is_tagged(member: Account, node: str, unique: Unique) -> None:
    """createTags without ResourceType tags EC2 resources."""
    key = unique("key")
    made = ran(
        member, unique("Book"), book(step("tag", "createTags", {"ResourceIds": [node], "Tags": [{"Key": key, "Value": "v"}]}))
    )
    assert statuses(made) == {"tag": "Success"}
    ec2 = member.client("ec2")
    found: list[dict[str, Any]] = ec2.describe_tags(Filters=[{"Name": "key", "Values": [key]}])["Tags"]
    ec2.delete_tags(Resources=[node], Tags=[{"Key": key}])
    assert [one["ResourceId"] for one in found] == [node]


@observed("the example of automation-action-runcommand, and public reports")
def test_run_command_waits_and_gives_the_output(member: Account, node: str, unique: Unique) -> None:
    """runCommand ends with its command, whose Output, Status and CommandId are outputs of the step."""
    inputs = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [node], "Parameters": {"commands": ["echo token-42"]}}
    made = ran(member, unique("Book"), book(step("say", "runCommand", inputs)))
    outputs = made["StepExecutions"][0]["Outputs"]
    assert outputs["Status"] == ["Success"]
    assert "token-42" in outputs["Output"][0]
    assert len(outputs["CommandId"][0]) == 36


@documented("user guide, automation-action-runcommand")
def test_run_command_fails_with_its_command(member: Account, node: str, unique: Unique) -> None:
    """A command that fails on its node fails the step."""
    inputs = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [node], "Parameters": {"commands": ["exit 7"]}}
    made = ran(member, unique("Book"), book(step("fail", "runCommand", inputs)))
    assert statuses(made) == {"fail": "Failed"}
    assert made["StepExecutions"][0]["Outputs"]["ResponseCode"] == ["7"]


@documented("user guide, documents-syntax-data-elements-parameters, Parameter Store")
def test_a_default_may_come_from_parameter_store(member: Account, unique: Unique) -> None:
    """{{ssm:NAME}} as the default of a parameter is read when the automation starts."""
    name, ssm = unique("length"), member.client("ssm")
    ssm.put_parameter(Name=name, Value="PT1S", Type="String")
    try:
        nap = step("nap", "sleep", {"Duration": "{{ Length }}"})
        content = book(nap, parameters={"Length": {"type": "String", "default": f"{{{{ssm:{name}}}}}"}})
        with document(member, unique("Book"), content) as runbook:
            found = ssm.start_automation_execution(DocumentName=runbook)["AutomationExecutionId"]
            assert ended(member, found)["Parameters"] == {"Length": ["PT1S"]}
        assert execution(member, found)["StepExecutions"][0]["Inputs"] == {"Duration": '"PT1S"'}
    finally:
        ssm.delete_parameter(Name=name)
