"""Hybrid nodes: activations, registration, the node's own key, its role's session, and what is left when it goes."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.hybrid_agent import HybridAgent, new_key
from conformance.target import Account

MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
MISSING = "00000000-0000-4000-8000-000000000000"


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def role(member: Account, unique: Callable[[str], str]) -> Iterator[str]:
    """A role for hybrid nodes."""
    name, iam = unique("hybrid"), member.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ssm.amazonaws.com"))
    iam.attach_role_policy(RoleName=name, PolicyArn=MANAGED)
    yield name
    iam.detach_role_policy(RoleName=name, PolicyArn=MANAGED)
    iam.delete_role(RoleName=name)


@pytest.fixture
def activate(member: Account, role: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make activations that are gone afterwards."""
    made, ssm = [], member.client("ssm")

    def create(**params: Any) -> dict[str, Any]:
        # AWS: a role that was made just now may not be seen everywhere yet.
        answer = eventually(
            lambda: ssm.create_activation(**{"IamRole": role, **params}), lambda _answer: True, 60, ("ValidationException",)
        )
        made.append(answer["ActivationId"])
        return dict(answer)

    yield create
    for activation_id in made:
        ssm.delete_activation(ActivationId=activation_id)


@pytest.fixture
def join(member: Account, activate: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., HybridAgent]]:
    """Register machines that are deregistered afterwards."""
    joined: list[HybridAgent] = []

    def register(**params: Any) -> HybridAgent:
        agent = HybridAgent(member)
        agent.register(activate(**params))
        joined.append(agent)
        return agent

    yield register
    for agent in joined:
        if described(agent):
            member.client("ssm").deregister_managed_instance(InstanceId=agent.instance_id)


def described(agent: HybridAgent) -> dict[str, Any]:
    rows = (
        agent.account.client("ssm").get_paginator("describe_instance_information").paginate().search("InstanceInformationList[]")
    )
    return next((row for row in rows if row["InstanceId"] == agent.instance_id), {})


def activation(member: Account, made: dict[str, Any]) -> dict[str, Any]:
    filters = [{"FilterKey": "ActivationIds", "FilterValues": [made["ActivationId"]]}]
    (row,) = member.client("ssm").describe_activations(Filters=filters)["ActivationList"]
    return dict(row)


@documented("API CreateActivation, RegistrationLimit and ExpirationDate")
def test_an_activation_is_for_one_node_and_a_day(member: Account, activate: Callable[..., dict[str, Any]]) -> None:
    """An activation registers one node within 24 hours unless it says otherwise."""
    made = activate()
    row = activation(member, made)
    assert (row["RegistrationLimit"], row["RegistrationsCount"], row["Expired"]) == (1, 0, False)
    assert timedelta(hours=23, minutes=55) < row["ExpirationDate"] - datetime.now(UTC) <= timedelta(hours=24)


@documented("API CreateActivation, ActivationCode")
def test_the_code_is_shown_once(member: Account, activate: Callable[..., dict[str, Any]]) -> None:
    """The activation code has 20 to 250 characters and is in no later answer."""
    made = activate(Description="a rack")
    assert 20 <= len(made["ActivationCode"]) <= 250
    assert made["ActivationCode"] not in json.dumps(activation(member, made), default=str)


@observed("hashicorp/terraform-provider-aws issues 27952 and 30441")
def test_the_role_must_exist(member: Account) -> None:
    """An activation for a role that is not there is refused with AWS's sentence about roles and trust."""
    with refused("ValidationException", "Nonexistent role or missing ssm service principal in trust policy", "role/conf-nobody"):
        member.client("ssm").create_activation(IamRole="conf-nobody")


@documented("API CreateActivation, IamRole")
def test_the_role_must_trust_systems_manager(member: Account, unique: Callable[[str], str]) -> None:
    """An activation for a role that only EC2 may take is refused."""
    name, iam = unique("ec2"), member.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    try:
        with refused("ValidationException", name):
            member.client("ssm").create_activation(IamRole=name)
    finally:
        iam.delete_role(RoleName=name)


@documented("API CreateActivation, IamRole")
def test_a_service_linked_role_cannot_be_given(member: Account) -> None:
    """An activation cannot name a service-linked role."""
    with refused("ValidationException"):
        member.client("ssm").create_activation(IamRole="AWSServiceRoleForAmazonSSM")


@documented("IAM user guide, Grant a user permissions to pass a role; Service Authorization Reference, CreateActivation")
def test_the_role_must_be_passed(member: Account, role: str, unique: Callable[[str], str]) -> None:
    """Whoever makes an activation needs iam:PassRole on its role, for ssm.amazonaws.com."""
    name, iam = unique("activator"), member.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        allow(iam, name, [{"Effect": "Allow", "Action": "ssm:CreateActivation", "Resource": "*"}])
        ssm = member.session.client(
            "ssm",
            endpoint_url=member.endpoint,
            region_name=member.region,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )
        wanted = ("AccessDeniedException", "iam:PassRole", f"role/{role}")
        eventually(
            lambda: refusal(lambda: ssm.create_activation(IamRole=role)), lambda said: all(word in said for word in wanted)
        )
    finally:
        iam.delete_user_policy(UserName=name, PolicyName="some")
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)


def allow(iam: Any, user: str, statements: list[dict[str, Any]]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=user, PolicyName="some", PolicyDocument=document)


def refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return "allowed"


@documented("user guide, Create the IAM service role required for Systems Manager in hybrid and multicloud environments")
def test_a_role_may_trust_for_one_account_and_region(member: Account, role: str, join: Callable[..., HybridAgent]) -> None:
    """The guide's trust policy with aws:SourceAccount and aws:SourceArn lets the account's own nodes in."""
    statement = json.loads(trust("ssm.amazonaws.com"))["Statement"][0]
    statement["Condition"] = {
        "StringEquals": {"aws:SourceAccount": member.id},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:{member.region}:{member.id}:*"},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    member.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=policy)
    assert join().token()


@documented("API CreateActivation, RegistrationLimit")
@pytest.mark.parametrize("limit", [0, 1001])
def test_the_limit_is_one_to_a_thousand(member: Account, role: str, limit: int) -> None:
    """RegistrationLimit is 1 to 1,000."""
    with refused("ValidationException"):
        member.client("ssm").create_activation(IamRole=role, RegistrationLimit=limit)


@documented("API CreateActivation, ExpirationDate")
@pytest.mark.parametrize("ahead", [timedelta(days=31), timedelta(hours=-1)])
def test_an_activation_ends_within_thirty_days(member: Account, role: str, ahead: timedelta) -> None:
    """ExpirationDate is in the future and at most 30 days ahead."""
    with refused("ValidationException"):
        member.client("ssm").create_activation(IamRole=role, ExpirationDate=datetime.now(UTC) + ahead)


@documented("API DescribeActivations, Filters")
def test_activations_are_found_by_name_and_role(member: Account, role: str, activate: Callable[..., dict[str, Any]]) -> None:
    """DescribeActivations filters by DefaultInstanceName and IamRole."""
    named = activate(DefaultInstanceName=f"{role}-name")
    activate()
    ssm = member.client("ssm")
    by_name = [{"FilterKey": "DefaultInstanceName", "FilterValues": [f"{role}-name"]}]
    found = ssm.describe_activations(Filters=by_name)["ActivationList"]
    assert [row["ActivationId"] for row in found] == [named["ActivationId"]]
    by_role = [{"FilterKey": "IamRole", "FilterValues": [role]}]
    assert len(ssm.describe_activations(Filters=by_role)["ActivationList"]) == 2


@documented("API DescribeActivations, NextToken")
def test_activations_come_in_pages(member: Account, role: str, activate: Callable[..., dict[str, Any]]) -> None:
    """Pages of one activation each hold them all, each once."""
    wanted = {activate()["ActivationId"] for _ in range(3)}
    pages = member.client("ssm").get_paginator("describe_activations")
    rows = list(pages.paginate(PaginationConfig={"PageSize": 1}).search("ActivationList[]"))
    ids = [row["ActivationId"] for row in rows if row["IamRole"] == role]
    assert (set(ids), len(ids)) == (wanted, 3)


@documented("API DeleteActivation, InvalidActivationId")
def test_an_unknown_activation_cannot_be_deleted(member: Account) -> None:
    """DeleteActivation of an unknown id is an InvalidActivationId."""
    with refused("InvalidActivationId"):
        member.client("ssm").delete_activation(ActivationId=MISSING)


@documented("API DeleteActivation")
def test_a_deleted_activation_leaves_its_nodes(member: Account, role: str) -> None:
    """Deleting an activation does not deregister its nodes."""
    made = member.client("ssm").create_activation(IamRole=role)
    agent = HybridAgent(member)
    agent.register(made)
    member.client("ssm").delete_activation(ActivationId=made["ActivationId"])
    assert described(agent)["ActivationId"] == made["ActivationId"]
    member.client("ssm").deregister_managed_instance(InstanceId=agent.instance_id)


@observed("stock agent 3.3.0.0, -register")
def test_registration_needs_no_credentials(join: Callable[..., HybridAgent]) -> None:
    """A machine registers with an activation alone and becomes mi- and 17 hexadecimal digits."""
    instance_id = join().instance_id
    assert instance_id.startswith("mi-")
    assert len(bytes.fromhex("0" + instance_id.removeprefix("mi-"))) == 9


@assumed("the agent's model of RegisterManagedInstance has InvalidActivation")
def test_a_wrong_code_registers_nobody(member: Account, activate: Callable[..., dict[str, Any]]) -> None:
    """A wrong activation code is an InvalidActivation, and counts no registration."""
    made = activate()
    with refused("InvalidActivation"):
        HybridAgent(member).register(made, ActivationCode="x" * 20)
    assert activation(member, made)["RegistrationsCount"] == 0


@assumed("the agent's model of RegisterManagedInstance has InvalidActivation")
def test_an_activation_is_used_up(
    member: Account, activate: Callable[..., dict[str, Any]], join: Callable[..., HybridAgent]
) -> None:
    """A registration beyond the limit is an InvalidActivation."""
    first = join()
    made = {"ActivationId": described(first)["ActivationId"], "ActivationCode": "x" * 20}
    with refused("InvalidActivation"):
        HybridAgent(member).register(made)


@documented("API InstanceInformation")
def test_a_hybrid_node_shows_its_registration(role: str, join: Callable[..., HybridAgent]) -> None:
    """DescribeInstanceInformation tells a hybrid node's activation, role, name, and that it is a ManagedInstance."""
    agent = join(DefaultInstanceName="press")
    agent.token()
    agent.report()
    row = eventually(lambda: described(agent), lambda row: row.get("PingStatus") == "Online")
    expected = {
        "IamRole": role,
        "Name": "press",
        "ResourceType": "ManagedInstance",
        "SourceType": "AWS::SSM::ManagedInstance",
        "SourceId": agent.instance_id,
        "ComputerName": "press-1.example",
        "IPAddress": "10.1.2.3",
    }
    assert expected.items() <= row.items()
    assert {"ActivationId", "RegistrationDate"} <= row.keys()


@documented("API CreateActivation, Tags")
def test_an_activations_tags_are_its_nodes(member: Account, join: Callable[..., HybridAgent]) -> None:
    """Tags of an activation are given to the nodes that it registers."""
    agent = join(Tags=[{"Key": "Hall", "Value": "3"}])
    listed = member.client("ssm").list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=agent.instance_id)
    assert listed["TagList"] == [{"Key": "Hall", "Value": "3"}]


@documented("API AddTagsToResource, ResourceType")
def test_tags_of_instances_are_not_systems_managers(member: Account, node: str) -> None:
    """ManagedInstance in the tag operations is for nodes mi-…, not for EC2 instances."""
    with refused("InvalidResourceId"):
        member.client("ssm").list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node)


@observed("stock agent 3.3.0.0, RequestManagedInstanceRoleToken")
def test_a_token_has_five_members_and_an_hour(join: Callable[..., HybridAgent]) -> None:
    """A node's own signature opens a session of its role for an hour; all five members are there."""
    answer = join().token()
    assert set(answer) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "TokenExpirationDate", "UpdateKeyPair"}
    assert 3500 < answer["TokenExpirationDate"] - datetime.now(UTC).timestamp() <= 3600


@assumed("the node's id is the name of its session, as an instance's id is on EC2")
def test_the_session_is_named_after_the_node(member: Account, role: str, join: Callable[..., HybridAgent]) -> None:
    """GetCallerIdentity of the session tells the role and the node."""
    agent = join()
    answer = agent.token()
    sts = member.session.client(
        "sts",
        endpoint_url=member.endpoint,
        region_name=member.region,
        aws_access_key_id=answer["AccessKeyId"],
        aws_secret_access_key=answer["SecretAccessKey"],
        aws_session_token=answer["SessionToken"],
    )
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/{role}/{agent.instance_id}")


@assumed("the code of every other wrong signature")
def test_another_key_opens_nothing(join: Callable[..., HybridAgent]) -> None:
    """A token asked for with another key is refused as a wrong signature."""
    agent = join()
    agent.key = new_key()
    with refused("InvalidSignatureException"):
        agent.token()


@observed("agent source: the error that it sleeps on")
def test_another_machine_gets_no_token(join: Callable[..., HybridAgent]) -> None:
    """A node that shows another fingerprint than at its registration is refused with MachineFingerprintDoesNotMatch."""
    with refused("MachineFingerprintDoesNotMatch"):
        join().token(Fingerprint="another")


@observed("stock agent 3.3.0.0, UpdateManagedInstancePublicKey")
def test_a_new_key_replaces_the_old(join: Callable[..., HybridAgent]) -> None:
    """After UpdateManagedInstancePublicKey the new key signs, and the old one no more."""
    agent, new = join(), new_key()
    old = agent.key
    agent.by_key("UpdateManagedInstancePublicKey", {"NewPublicKey": agent.public_key(new), "NewPublicKeyType": "Rsa"})
    agent.key = new
    agent.token()
    agent.key = old
    with refused("InvalidSignatureException"):
        agent.token()


@observed("stock agent 3.3.0.0, ec2messages")
def test_a_command_reaches_a_hybrid_node(member: Account, join: Callable[..., HybridAgent]) -> None:
    """A command comes with a poll, and its end is what the node says."""
    agent = join()
    agent.token()
    agent.report()
    ssm = member.client("ssm")
    sent = ssm.send_command(
        InstanceIds=[agent.instance_id], DocumentName="AWS-RunShellScript", Parameters={"commands": ["echo hi"]}
    )["Command"]
    (message,) = eventually(agent.poll, bool)
    assert message["MessageId"] == f"aws.ssm.{sent['CommandId']}.{agent.instance_id}"
    assert json.loads(message["Payload"])["Parameters"]["commands"] == ["echo hi"]
    agent.reply(message, "InProgress")
    agent.acknowledge(message)
    agent.reply(message, "Success", **{"aws:runShellScript": {"status": "Success", "code": 0, "standardOutput": "hi\n"}})
    agent.reply(message, "InProgress")
    where = {"CommandId": sent["CommandId"], "InstanceId": agent.instance_id}
    ended = eventually(lambda: ssm.get_command_invocation(**where), lambda answer: answer["Status"] != "InProgress")
    assert (ended["Status"], ended["StandardOutputContent"]) == ("Success", "hi\n")


@documented("IAM user guide, least privilege; public agent logs")
def test_the_role_must_allow_what_the_agent_does(member: Account, role: str, join: Callable[..., HybridAgent]) -> None:
    """Without the policy for managed nodes the node's calls are denied, by name of node and action."""
    agent = join()
    agent.token()
    iam = member.client("iam")
    iam.detach_role_policy(RoleName=role, PolicyArn=MANAGED)
    try:
        with refused("AccessDeniedException", "ssm:UpdateInstanceInformation", f"managed-instance/{agent.instance_id}"):
            agent.report()
    finally:
        iam.attach_role_policy(RoleName=role, PolicyArn=MANAGED)


@assumed("a session is its own node's, whatever its role allows")
def test_a_node_cannot_speak_for_another(join: Callable[..., HybridAgent]) -> None:
    """A node's session cannot poll for another node."""
    one, other = join(), join()
    one.token()
    other.token()
    other.session = one.session
    with refused("AccessDeniedException"):
        other.poll()


@documented("API UpdateManagedInstanceRole")
def test_a_nodes_role_can_be_changed(member: Account, join: Callable[..., HybridAgent], unique: Callable[[str], str]) -> None:
    """UpdateManagedInstanceRole gives the next token another role."""
    agent, name, iam = join(), unique("second"), member.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ssm.amazonaws.com"))
    try:
        change = {"InstanceId": agent.instance_id, "IamRole": name}
        eventually(
            lambda: member.client("ssm").update_managed_instance_role(**change),
            lambda _answer: True,
            60,
            ("ValidationException",),
        )
        assert described(agent)["IamRole"] == name
        assert agent.token()
    finally:
        iam.delete_role(RoleName=name)


@observed("aws/amazon-ssm-agent issue 381")
def test_a_deregistered_node_does_not_exist(member: Account, join: Callable[..., HybridAgent]) -> None:
    """A deregistered node that asks for a token is told that its id does not exist."""
    agent = join()
    member.client("ssm").deregister_managed_instance(InstanceId=agent.instance_id)
    assert described(agent) == {}
    with refused("InvalidInstanceId", f"Not existing InstanceId {agent.instance_id}"):
        agent.token()


@documented("API DeregisterManagedInstance, InvalidInstanceId")
def test_only_what_is_registered_is_deregistered(member: Account) -> None:
    """DeregisterManagedInstance of an unknown node is an InvalidInstanceId."""
    with refused("InvalidInstanceId"):
        member.client("ssm").deregister_managed_instance(InstanceId="mi-00000000000000000")
