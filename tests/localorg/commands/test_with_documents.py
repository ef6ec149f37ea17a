"""Run Command with the real documents engine beside it: AWS's own documents, shared ones, and ones that are not shared."""

import json

import pytest
from commands.harness import ACCOUNT, ADMIN, REGION, Harness

from localorg.documents.service import Documents
from localorg.kernel.blobs import Blobs
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal

OWNER = "111111111111"
OWNER_ADMIN = Principal("user", OWNER, f"arn:aws:iam::{OWNER}:user/admin")
SAY = {
    "schemaVersion": "2.2",
    "parameters": {"word": {"type": "String", "default": "hello"}},
    "mainSteps": [{"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ word }}"]}}],
}


class WithDocuments(Harness):
    """The harness, with real documents on the shelf."""

    def shelf_of(self):
        return Documents(self.kernel, self.gateway, Blobs(), lambda _content: [])


@pytest.fixture
def local():
    harness = WithDocuments()
    harness.call("CreateDocument", principal=OWNER_ADMIN, Name="Say", DocumentType="Command", Content=json.dumps(SAY))
    harness.pass_time(1)
    return harness


def share(local, *accounts):
    params = {"Name": "Say", "PermissionType": "Share", "AccountIdsToAdd": list(accounts)}
    local.call("ModifyDocumentPermission", principal=OWNER_ADMIN, **params)


@pytest.mark.parametrize(
    ("name", "parameters", "step"),
    [
        ("AWS-RunShellScript", {"commands": ["echo hi"]}, "aws:runShellScript"),
        ("AWS-ConfigureAWSPackage", {"action": ["Install"], "name": ["Agent"]}, "configurePackage"),
    ],
)
def test_documents_of_aws_run(local, name, parameters, step):
    """Documented: user guide, Run Command; configurePackage is the step's name in AWS-ConfigureAWSPackage (observed)."""
    node = local.node(1)
    command = local.send(name, InstanceIds=[node.instance_id], Parameters=parameters)
    local.pass_time(5)
    assert local.invocation(command, node, PluginName=step)["Status"] == "Success"


def test_a_shared_document_runs_by_its_arn_and_one_that_is_not_shared_does_not_exist(local):
    """Documented: API SendCommand, DocumentName: a shared document is named by its ARN; else InvalidDocument."""
    node = local.node(1)
    arn = f"arn:aws:ssm:{REGION}:{OWNER}:document/Say"
    for name in ("Say", arn):
        with pytest.raises(AwsError, match="InvalidDocument"):
            local.call("SendCommand", DocumentName=name, InstanceIds=[node.instance_id])
    share(local, ACCOUNT)
    command = local.call("SendCommand", DocumentName=arn, InstanceIds=[node.instance_id])["Command"]["CommandId"]
    local.pass_time(5)
    assert local.invocation(command, node)["PluginName"] == "say"
    assert node.received[0]["Payload"]["Parameters"] == {"word": "hello"}


def test_a_yaml_document_is_sent_as_an_object(local):
    """Observed: DocumentContent is an object in the agent's message whatever the format of the document."""
    node = local.node(1)
    text = "schemaVersion: '2.2'\nmainSteps:\n- {name: say, action: 'aws:runShellScript', inputs: {runCommand: [echo hi]}}\n"
    local.call("CreateDocument", principal=ADMIN, Name="Mine", DocumentType="Command", DocumentFormat="YAML", Content=text)
    with pytest.raises(AwsError, match="InvalidDocument: The document Mine is Creating; wait until it is Active."):
        local.call("SendCommand", DocumentName="Mine", InstanceIds=[node.instance_id])
    local.pass_time(1)
    local.call("SendCommand", DocumentName="Mine", InstanceIds=[node.instance_id])
    local.pass_time(5)
    assert node.received[0]["Payload"]["DocumentContent"]["mainSteps"][0]["name"] == "say"
