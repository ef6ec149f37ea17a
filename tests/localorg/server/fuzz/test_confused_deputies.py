"""Across accounts, through every engine at once: what one account has, another neither reads nor changes; nodes speak for themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server.fuzz.guesses import COMMAND, HUB, MEMBER, NODE, REGION, SUSPENDED
from server.fuzz.house import House

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Principal


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An organization in which the hub has a command, an execution, documents and a node."""
    made = House(tmp_path / "db")
    yield made
    assert made.kernel.faults == []


def call(house: House, account: str, service: str, operation: str, **params: Any) -> dict[str, Any]:
    """Call as an account's administrator."""
    key = house.engines.identity.bootstrap_account(account).id
    who = house.engines.identity.sessions.principal(key)
    return house.engines.gateway.invoke(ApiCall(who, REGION, service, operation, params))


def ids_of_hub(house: House) -> dict[str, str]:
    """Return the ids that a nosy account might have heard of."""
    command = call(house, HUB, "ssm", "ListCommands")["Commands"][0]["CommandId"]
    execution = call(house, HUB, "ssm", "DescribeAutomationExecutions")["AutomationExecutionMetadataList"][0][
        "AutomationExecutionId"
    ]
    return {"command": command, "execution": execution, "document": f"arn:aws:ssm:{REGION}:{HUB}:document/Greet"}


NOSY: list[tuple[str, dict[str, Any]]] = [
    ("GetCommandInvocation", {"CommandId": "{command}", "InstanceId": NODE}),
    ("CancelCommand", {"CommandId": "{command}"}),
    ("GetAutomationExecution", {"AutomationExecutionId": "{execution}"}),
    ("StopAutomationExecution", {"AutomationExecutionId": "{execution}"}),
    ("DescribeAutomationStepExecutions", {"AutomationExecutionId": "{execution}"}),
    ("GetDocument", {"Name": "{document}"}),
    ("GetDocument", {"Name": "Greet"}),
    ("DescribeDocument", {"Name": "{document}"}),
    ("DescribeDocumentPermission", {"Name": "{document}", "PermissionType": "Share"}),
    ("ModifyDocumentPermission", {"Name": "{document}", "PermissionType": "Share", "AccountIdsToAdd": [MEMBER]}),
    ("UpdateDocument", {"Name": "{document}", "Content": COMMAND.replace("echo", "evil")}),
    ("DeleteDocument", {"Name": "{document}"}),
    ("SendCommand", {"DocumentName": "{document}", "InstanceIds": [NODE]}),
    ("SendCommand", {"DocumentName": "AWS-RunShellScript", "InstanceIds": [NODE], "Parameters": {"commands": ["id"]}}),
    ("StartAutomationExecution", {"DocumentName": "{document}"}),
    ("DescribeInstanceInformation", {"Filters": [{"Key": "InstanceIds", "Values": [NODE]}]}),
]


@pytest.mark.parametrize(("operation", "params"), NOSY)
def test_another_accounts_things_do_not_exist(house: House, operation: str, params: dict[str, Any]) -> None:
    """Even an administrator with all rights of its own account is refused what is another's, whatever id or ARN it knows."""
    known = ids_of_hub(house)
    filled = {
        name: value.format(**known) if isinstance(value, str) and value.strip("{}") in known else value
        for name, value in params.items()
    }
    if operation == "CancelCommand":
        before = call(house, HUB, "ssm", "ListCommands")["Commands"][0]["Status"]
    with pytest.raises(AwsError):
        call(house, MEMBER, "ssm", operation, **filled)
    if operation == "CancelCommand":
        assert call(house, HUB, "ssm", "ListCommands")["Commands"][0]["Status"] == before


def test_lists_hold_ones_own(house: House) -> None:
    """Nothing of the hub is in a member's lists."""
    assert call(house, MEMBER, "ssm", "ListCommands")["Commands"] == []
    assert call(house, MEMBER, "ssm", "ListCommandInvocations")["CommandInvocations"] == []
    assert call(house, MEMBER, "ssm", "DescribeAutomationExecutions")["AutomationExecutionMetadataList"] == []
    assert call(house, MEMBER, "ssm", "ListAssociations")["Associations"] == []
    assert call(house, MEMBER, "ssm", "DescribeInstanceInformation")["InstanceInformationList"] == []
    listed = call(house, MEMBER, "ssm", "ListDocuments", MaxResults=50)["DocumentIdentifiers"]
    assert {entry["Owner"] for entry in listed} == {"Amazon"}
    assert {role["Arn"].split(":")[4] for role in call(house, MEMBER, "iam", "ListRoles")["Roles"]} <= {MEMBER}


def as_node(
    house: House, who: Principal, operation: str, service: str = "ec2messages", region: str = REGION, **params: Any
) -> None:
    house.engines.gateway.invoke(ApiCall(who, region, service, operation, params))


def test_a_node_speaks_for_itself_only(house: House) -> None:
    """Not for another node, in no other Region, and nobody else speaks for it: not an administrator, not a role of its name."""
    node = house.principals["node"]
    poll = {"Destination": NODE, "MessagesRequestId": "11111111-1111-1111-1111-111111111111", "VisibilityTimeoutInSeconds": 10}
    as_node(house, node, "GetMessages", **poll)
    with pytest.raises(AwsError):
        as_node(house, node, "GetMessages", **{**poll, "Destination": "i-99999999999999999"})
    with pytest.raises(AwsError):
        as_node(house, node, "GetMessages", region="us-east-1", **poll)
    with pytest.raises(AwsError):
        as_node(house, node, "AcknowledgeMessage", MessageId="aws.ssm.x.i-99999999999999999")
    other = house.engines.identity.node_session(HUB, "localorg-node", "i-99999999999999999", REGION)["AccessKeyId"]
    for key in (other, house.engines.identity.bootstrap_account(HUB).id):
        with pytest.raises(AwsError):
            as_node(house, house.engines.identity.sessions.principal(key), "GetMessages", **poll)


def test_a_node_has_the_rights_of_its_role(house: House) -> None:
    """AmazonSSMManagedInstanceCore is no administrator: no commands, no sharing, no roles; and no unshared document of others."""
    call(house, MEMBER, "ssm", "CreateDocument", Name="Private", Content=COMMAND, DocumentType="Command")
    node = house.principals["node"]
    refused: list[tuple[str, str, dict[str, Any]]] = [
        ("ssm", "SendCommand", {"DocumentName": "Greet", "InstanceIds": [NODE]}),
        ("ssm", "StartAutomationExecution", {"DocumentName": "Runbook"}),
        ("ssm", "ModifyDocumentPermission", {"Name": "Greet", "PermissionType": "Share", "AccountIdsToAdd": [MEMBER]}),
        ("ssm", "GetDocument", {"Name": f"arn:aws:ssm:{REGION}:{MEMBER}:document/Private"}),
        ("iam", "ListRoles", {}),
        ("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{HUB}:role/hub-role", "RoleSessionName": "session"}),
        ("organizations", "ListAccounts", {}),
    ]
    for service, operation, params in refused:
        with pytest.raises(AwsError):
            as_node(house, node, operation, service, **params)


def test_a_suspended_account_signs_nothing(house: House) -> None:
    """Assumed: AWS documents that a suspended account cannot be used, not in which words; the organization says which accounts are."""
    key = house.engines.identity.bootstrap_account(SUSPENDED).id
    with pytest.raises(AwsError, match=f"UnrecognizedClientException: .*{SUSPENDED} is not active"):
        house.engines.identity.credentials(key)
    assert house.engines.identity.credentials(house.engines.identity.bootstrap_account(MEMBER).id)
    role = f"arn:aws:iam::{SUSPENDED}:role/OrganizationAccountAccessRole"
    with pytest.raises(AwsError, match="not authorized to perform: sts:AssumeRole"):
        call(house, HUB, "sts", "AssumeRole", RoleArn=role, RoleSessionName="session")
