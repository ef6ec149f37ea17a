"""Hybrid nodes: an activation is a right to register, a registration is a key, and a key opens the way to a role's session."""

import base64

import pytest
from commands.harness import ACCOUNT, ADMIN, REGION, ROLE, Harness
from fleet.scripted_node import ScriptedNode

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import ApiCall, Principal

NOBODY = Principal("anonymous", "", "anonymous")
KEY = base64.b64encode(b"k" * 300).decode()
DAY = 24 * 3600
MISSING = "deadbeef-0000-4000-8000-000000000000"


class Machine:
    """An agent outside EC2, from its registration on."""

    def __init__(self, local: Harness) -> None:
        self.local = local
        self.instance_id = ""

    def register(self, activation, **changed):
        params = {
            "ActivationId": activation["ActivationId"],
            "ActivationCode": activation["ActivationCode"],
            "Fingerprint": "d41b8127",
            "PublicKey": KEY,
            "PublicKeyType": "Rsa",
        }
        output = self.local.gateway.invoke(ApiCall(NOBODY, REGION, "ssm", "RegisterManagedInstance", {**params, **changed}))
        self.instance_id = output["InstanceId"]
        return self.instance_id

    def signed(self, operation, **params):
        _, principal = self.local.fleet.hybrid.key(self.instance_id, REGION)
        return self.local.gateway.invoke(ApiCall(principal, REGION, "ssm", operation, params))

    def agent(self, role=ROLE):
        node = ScriptedNode(
            self.local.kernel, self.local.gateway, account=ACCOUNT, region=REGION, instance_id=self.instance_id, role=role
        )
        self.local.nodes[self.instance_id] = node
        node.call("ssm", "UpdateInstanceInformation", InstanceId=self.instance_id, PlatformType="Linux")
        return node


def activated(local, **params):
    return local.call("CreateActivation", **{"IamRole": ROLE, **params})


def registered(local, **params):
    machine = Machine(local)
    machine.register(activated(local, **params))
    return machine


def listed(local, **params):
    return local.call("DescribeActivations", **params)["ActivationList"]


def test_an_activation_lives_for_a_day_and_shows_its_code_once():
    """Documented: the default limit is 1, the default life 24 hours; the code is in no later answer."""
    local = Harness()
    made = activated(local, DefaultInstanceName="press", Description="a rack", Tags=[{"Key": "Hall", "Value": "3"}])
    assert 20 <= len(made["ActivationCode"]) <= 250
    (shown,) = listed(local)
    assert shown == {
        "ActivationId": made["ActivationId"],
        "Description": "a rack",
        "DefaultInstanceName": "press",
        "IamRole": ROLE,
        "RegistrationLimit": 1,
        "RegistrationsCount": 0,
        "ExpirationDate": local.kernel.now() + DAY,
        "Expired": False,
        "CreatedDate": local.kernel.now(),
        "Tags": [{"Key": "Hall", "Value": "3"}],
    }
    local.pass_time(DAY)
    assert listed(local)[0]["Expired"]


@pytest.mark.parametrize("ahead", [-1, 0, 30 * DAY + 1])
def test_an_activation_ends_within_thirty_days(ahead):
    """Documented: the date is up to 30 days in advance. Assumed: another one is a ValidationException."""
    local = Harness()
    with pytest.raises(AwsError, match="ExpirationDate must be in the future and at most 30 days ahead"):
        activated(local, ExpirationDate=local.kernel.now() + ahead)


def test_the_role_of_an_activation_must_trust_systems_manager():
    """Observed: the words for a role that is not there or does not trust ssm.amazonaws.com."""
    local = Harness()
    expected = "ValidationException: Nonexistent role or missing ssm service principal in trust policy: "
    with pytest.raises(AwsError, match=expected + f"arn:aws:iam::{ACCOUNT}:role/Other"):
        activated(local, IamRole="Other")


def test_activations_are_filtered_and_paged():
    """Documented: filters ActivationIds, DefaultInstanceName and IamRole; NextToken goes on where a page ended."""
    local = Harness()
    local.roles.trusting.add("Second")
    first = activated(local, DefaultInstanceName="one")["ActivationId"]
    second = activated(local, DefaultInstanceName="two", IamRole="Second")["ActivationId"]
    for key, value, expected in [
        ("ActivationIds", first, first),
        ("DefaultInstanceName", "two", second),
        ("IamRole", "Second", second),
    ]:
        found = listed(local, Filters=[{"FilterKey": key, "FilterValues": [value]}])
        assert [row["ActivationId"] for row in found] == [expected]
    page = local.call("DescribeActivations", MaxResults=1)
    assert [row["ActivationId"] for row in listed(local, NextToken=page["NextToken"])] == [second]
    with pytest.raises(AwsError, match="InvalidNextToken"):
        listed(local, NextToken="unknown")
    with pytest.raises(AwsError, match="InvalidFilter: Expected a FilterKey"):
        listed(local, Filters=[{"FilterValues": ["x"]}])


def test_a_deleted_activation_registers_nobody_and_its_nodes_stay():
    """Documented: DeleteActivation does not deregister nodes."""
    local = Harness()
    made = activated(local, RegistrationLimit=2)
    machine = Machine(local)
    machine.register(made)
    local.call("DeleteActivation", ActivationId=made["ActivationId"])
    assert local.call("DescribeInstanceInformation")["InstanceInformationList"][0]["InstanceId"] == machine.instance_id
    with pytest.raises(AwsError, match="InvalidActivation"):
        Machine(local).register(made)
    with pytest.raises(AwsError, match="InvalidActivationId"):
        local.call("DeleteActivation", ActivationId=MISSING)


def test_what_refuses_a_registration():
    """Observed: ActivationExpired without words. Assumed: InvalidActivation for a wrong code, an unknown id and a used-up activation."""
    local = Harness()
    made = activated(local)
    for changed in ({"ActivationCode": "x" * 20}, {"ActivationId": MISSING}):
        with pytest.raises(AwsError, match="InvalidActivation: The activation id or the activation code is not valid"):
            Machine(local).register(made, **changed)
    assert listed(local)[0]["RegistrationsCount"] == 0
    Machine(local).register(made)
    with pytest.raises(AwsError, match="InvalidActivation: The activation has been used 1 times, which is its limit"):
        Machine(local).register(made)
    late = activated(local)
    local.pass_time(DAY)
    with pytest.raises(AwsError, match="^ActivationExpired: $"):
        Machine(local).register(late)
    for changed in ({"PublicKey": "no key"}, {"PublicKeyType": "Dsa"}, {"IamRole": "NodeRole"}):
        with pytest.raises(AwsError, match="ValidationException"):
            Machine(local).register(activated(local), **changed)


def test_a_registered_node_shows_where_it_comes_from():
    """Documented: ActivationId, IamRole, RegistrationDate, Name and the activation's tags come with the registration."""
    local = Harness()
    made = activated(local, DefaultInstanceName="press", Tags=[{"Key": "Hall", "Value": "3"}])
    machine = Machine(local)
    assert machine.register(made).startswith("mi-")
    node = machine.agent()
    node.call(
        "ssm",
        "UpdateInstanceInformation",
        InstanceId=machine.instance_id,
        AgentVersion="3.3.0.0",
        PlatformType="Linux",
        PlatformName="Debian GNU/Linux",
        PlatformVersion="12",
        ComputerName="press.example",
        IPAddress="10.9.9.9",
    )
    (shown,) = local.call("DescribeInstanceInformation")["InstanceInformationList"]
    expected = {
        "InstanceId": machine.instance_id,
        "PingStatus": "Online",
        "ActivationId": made["ActivationId"],
        "IamRole": ROLE,
        "RegistrationDate": local.kernel.now(),
        "ResourceType": "ManagedInstance",
        "Name": "press",
        "SourceId": machine.instance_id,
        "SourceType": "AWS::SSM::ManagedInstance",
        "ComputerName": "press.example",
        "IPAddress": "10.9.9.9",
    }
    assert expected.items() <= shown.items()


def test_a_token_is_for_the_machine_that_registered():
    """Observed: all five members; MachineFingerprintDoesNotMatch stops an agent that was copied to another machine."""
    local = Harness()
    machine = registered(local)
    assert machine.signed("RequestManagedInstanceRoleToken", Fingerprint="d41b8127") == {
        "AccessKeyId": f"ASIA{machine.instance_id}",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "TokenExpirationDate": 3600.0,
        "UpdateKeyPair": False,
    }
    with pytest.raises(AwsError, match="MachineFingerprintDoesNotMatch"):
        machine.signed("RequestManagedInstanceRoleToken", Fingerprint="another")
    local.roles.trusting.clear()
    with pytest.raises(AccessDenied):
        machine.signed("RequestManagedInstanceRoleToken", Fingerprint="d41b8127")


def test_a_token_is_given_to_nobody_who_did_not_sign_with_a_nodes_key():
    """Assumed: a caller with ordinary credentials is told what an instance without default host management is told."""
    local = Harness()
    with pytest.raises(AccessDenied, match="instance management role is not configured"):
        local.call("RequestManagedInstanceRoleToken", principal=ADMIN, Fingerprint="d41b8127")


def test_a_new_key_takes_the_place_of_the_old_one():
    """Observed: UpdateManagedInstancePublicKey is signed with the old key."""
    local = Harness()
    machine = registered(local)
    new = base64.b64encode(b"n" * 300).decode()
    machine.signed("UpdateManagedInstancePublicKey", NewPublicKey=new, NewPublicKeyType="Rsa")
    assert local.fleet.hybrid.key(machine.instance_id, REGION)[0] == new


def test_a_deregistered_node_is_unknown_whatever_it_holds():
    """Observed: Not existing InstanceId, when it asks for a token. Assumed: its old session is refused."""
    local = Harness()
    machine = registered(local)
    node = machine.agent()
    node.start()
    with pytest.raises(AwsError, match="InvalidInstanceId: Not existing InstanceId i-0"):
        local.fleet.hybrid.key("i-0", REGION)
    local.call("DeregisterManagedInstance", InstanceId=machine.instance_id)
    assert local.call("DescribeInstanceInformation")["InstanceInformationList"] == []
    with pytest.raises(AwsError, match=f"InvalidInstanceId: Not existing InstanceId {machine.instance_id}"):
        local.fleet.hybrid.key(machine.instance_id, REGION)
    with pytest.raises(AccessDenied):
        node.call("ssm", "UpdateInstanceInformation", InstanceId=machine.instance_id)
    with pytest.raises(AwsError, match="InvalidInstanceId"):
        local.call("DeregisterManagedInstance", InstanceId=machine.instance_id)


def test_an_instance_of_ec2_cannot_be_deregistered():
    """Documented: DeregisterManagedInstance and UpdateManagedInstanceRole are for nodes mi-…."""
    local = Harness()
    local.node(1)
    with pytest.raises(AwsError, match="ValidationException"):
        local.call("DeregisterManagedInstance", InstanceId="i-" + "1".zfill(17))
    with pytest.raises(AwsError, match="InvalidInstanceId"):
        local.call("UpdateManagedInstanceRole", InstanceId="mi-" + "1".zfill(17), IamRole=ROLE)


def test_another_role_is_for_the_next_token_and_the_old_session_lasts():
    """Documented: UpdateManagedInstanceRole. Assumed: sessions of the role before are the node's own until they expire."""
    local = Harness()
    local.roles.trusting.add("Second")
    machine = registered(local)
    with pytest.raises(AwsError, match="Nonexistent role"):
        local.call("UpdateManagedInstanceRole", InstanceId=machine.instance_id, IamRole="Third")
    local.call("UpdateManagedInstanceRole", InstanceId=machine.instance_id, IamRole="Second")
    for role in (ROLE, "Second"):
        machine.agent(role)
    with pytest.raises(AccessDenied):
        machine.agent("Third")
    assert local.call("DescribeInstanceInformation")["InstanceInformationList"][0]["IamRole"] == "Second"


def test_tags_of_hybrid_nodes_are_kept_and_targeted():
    """Documented: an activation's tags become its nodes'; Run Command targets them by tag like any other node."""
    local = Harness()
    machine = registered(local, Tags=[{"Key": "Hall", "Value": "3"}])
    machine.agent().start()
    other = local.node(1, tags={"Hall": "4"})
    resource = {"ResourceType": "ManagedInstance", "ResourceId": machine.instance_id}
    assert local.call("ListTagsForResource", **resource)["TagList"] == [{"Key": "Hall", "Value": "3"}]
    local.call("AddTagsToResource", Tags=[{"Key": "Line", "Value": "a"}, {"Key": "Hall", "Value": "4"}], **resource)
    command = local.send(Targets=[{"Key": "tag:Hall", "Values": ["4"]}])
    local.pass_time(10)
    assert local.details(command) == {machine.instance_id: "Success", other.instance_id: "Success"}
    local.call("RemoveTagsFromResource", TagKeys=["Hall"], **resource)
    assert local.call("ListTagsForResource", **resource)["TagList"] == [{"Key": "Line", "Value": "a"}]
    with pytest.raises(AwsError, match="InvalidResourceId"):
        local.call("ListTagsForResource", ResourceType="ManagedInstance", ResourceId=other.instance_id)
