"""How policies are judged: operators and sets of values, told by IAM's simulator, and the sentences of real refusals."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from conformance.claims import documented, observed, refused
from conformance.target import Account

GET = "ssm:GetParameter"
KINDS = {"aws:TagKeys": "stringList", "aws:CurrentTime": "date", "aws:SourceIp": "ip", "aws:SecureTransport": "boolean"}


def text(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def allow(action: Any = GET, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}


def deny(action: Any = GET, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {**allow(action, resource, **condition), "Effect": "Deny"}


def simulated(hub: Account, policy: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    asked = {"PolicyInputList": [policy], "ActionNames": [GET], "ResourceArns": [resource], **more}
    (result,) = hub.client("iam").simulate_custom_policy(**asked)["EvaluationResults"]
    return dict(result)


def decision(hub: Account, policy: str, resource: str = "*", **context: Any) -> str:
    """Return what the simulator decides; `context` gives condition keys, with __ for the colon."""
    entries = []
    for name, value in context.items():
        key = name.replace("__", ":")
        values = value if isinstance(value, list) else [value]
        entries.append({"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": KINDS.get(key, "string")})
    return str(simulated(hub, policy, resource, ContextEntries=entries)["EvalDecision"])


def arn(hub: Account, name: str) -> str:
    return f"arn:{hub.partition}:ssm:{hub.region}:{hub.id}:parameter/{name}"


@documented("IAM user guide, policy evaluation logic")
def test_an_explicit_deny_overrides_any_allow(hub: Account) -> None:
    """A Deny in any policy wins over every Allow, in whatever order."""
    assert decision(hub, text(allow("*"), deny())) == decision(hub, text(deny(), allow("*"))) == "explicitDeny"


@documented("IAM user guide, policy evaluation logic")
def test_what_nothing_allows_is_denied(hub: Account) -> None:
    """Without an Allow that matches, the decision is an implicit deny."""
    assert decision(hub, text(allow("s3:*"))) == "implicitDeny"


@documented("IAM user guide, Action element")
def test_actions_have_no_case(hub: Account) -> None:
    """Names of actions are compared without regard to case, and may hold wildcards."""
    assert decision(hub, text(allow("SSM:g?tPARAM*"))) == "allowed"


@documented("IAM user guide, Resource element")
def test_resources_have_case(hub: Account) -> None:
    """Names of resources are compared with regard to case."""
    policy = text(allow(GET, arn(hub, "Stage/*")))
    assert (decision(hub, policy, arn(hub, "Stage/x")), decision(hub, policy, arn(hub, "stage/x"))) == ("allowed", "implicitDeny")


@documented("IAM user guide, NotAction and NotResource elements")
def test_not_action_and_not_resource(hub: Account) -> None:
    """NotAction and NotResource speak of all others."""
    spared = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": arn(hub, "secret/*")}
    assert decision(hub, text(spared), arn(hub, "plain/x")) == "allowed"
    assert decision(hub, text(spared), arn(hub, "secret/x")) == "implicitDeny"


@documented("IAM user guide, condition operators")
def test_a_missing_key_fails_a_condition(hub: Account) -> None:
    """A condition on a key that the request does not have does not hold."""
    assert decision(hub, text(allow(StringEquals={"aws:PrincipalTag/Team": "a"}))) == "implicitDeny"


@documented("IAM user guide, condition operators")
def test_a_missing_key_satisfies_a_negated_operator(hub: Account) -> None:
    """A negated operator holds when the request does not have the key."""
    assert decision(hub, text(allow(StringNotEquals={"aws:PrincipalTag/Team": "a"}))) == "allowed"


@documented("IAM user guide, ...IfExists condition operators")
def test_if_exists_forgives_a_missing_key(hub: Account) -> None:
    """...IfExists holds when the request does not have the key, and compares when it has."""
    policy = text(allow(NumericLessThanIfExists={"s3:max-keys": "10"}))
    assert (decision(hub, policy), decision(hub, policy, **{"s3__max-keys": "11"})) == ("allowed", "implicitDeny")


@documented("IAM user guide, condition operators, Null")
def test_null_tells_whether_a_key_is_there(hub: Account) -> None:
    """Null with true holds when the key is not there, with false when it is."""
    absent, there = text(allow(Null={"aws:username": "true"})), text(allow(Null={"aws:username": "false"}))
    assert (decision(hub, absent), decision(hub, there)) == ("allowed", "implicitDeny")
    assert (decision(hub, absent, aws__username="a"), decision(hub, there, aws__username="a")) == ("implicitDeny", "allowed")


@documented("IAM user guide, evaluation logic for multiple values")
def test_values_of_a_key_are_alternatives(hub: Account) -> None:
    """Several values for one key are alternatives; for a negated operator none may match."""
    one, none = text(allow(StringEquals={"aws:username": ["a", "b"]})), text(allow(StringNotEquals={"aws:username": ["a", "b"]}))
    assert [decision(hub, policy, aws__username="b") for policy in (one, none)] == ["allowed", "implicitDeny"]
    assert [decision(hub, policy, aws__username="c") for policy in (one, none)] == ["implicitDeny", "allowed"]


@documented("IAM user guide, multivalued context keys")
def test_for_all_values(hub: Account) -> None:
    """ForAllValues holds when each value of the request matches, and when there is none."""
    policy = text(allow(**{"ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Stage"]}}))
    assert decision(hub, policy, aws__TagKeys=["Team", "Stage"]) == decision(hub, policy) == "allowed"
    assert decision(hub, policy, aws__TagKeys=["Team", "Other"]) == "implicitDeny"


@documented("IAM user guide, multivalued context keys")
def test_for_any_value(hub: Account) -> None:
    """ForAnyValue holds when one value of the request matches, and not when there is none."""
    policy = text(allow(**{"ForAnyValue:StringLike": {"aws:TagKeys": ["Te*"]}}))
    assert decision(hub, policy, aws__TagKeys=["Other", "Team"]) == "allowed"
    assert decision(hub, policy) == decision(hub, policy, aws__TagKeys=["Other"]) == "implicitDeny"


@documented("IAM user guide, date condition operators")
def test_dates(hub: Account) -> None:
    """Dates are compared as moments, whatever their time zone."""
    policy = text(allow(DateLessThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"}))
    assert decision(hub, policy, aws__CurrentTime="2019-12-31T23:59:59Z") == "allowed"
    assert decision(hub, policy, aws__CurrentTime="2020-01-01T00:00:00Z") == "implicitDeny"


@documented("IAM user guide, IP address condition operators")
def test_addresses(hub: Account) -> None:
    """IpAddress takes networks of both versions; an address without a prefix is itself."""
    policy = text(allow(IpAddress={"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]}))
    answers = [decision(hub, policy, aws__SourceIp=ip) for ip in ("203.0.113.9", "2001:db8::1", "198.51.100.7", "198.51.100.8")]
    assert answers == ["allowed", "allowed", "allowed", "implicitDeny"]


@documented("IAM user guide, ARN condition operators")
def test_arns_are_compared_part_by_part(hub: Account) -> None:
    """A wildcard in ArnLike keeps to its part of the ARN; ArnEquals does the same."""
    role = f"arn:{hub.partition}:iam::111122223333:role/team/R"
    assert (
        decision(
            hub, text(allow(ArnEquals={"aws:PrincipalArn": f"arn:{hub.partition}:iam::*:role/team/*"})), aws__PrincipalArn=role
        )
        == "allowed"
    )
    assert decision(hub, text(allow(ArnLike={"aws:PrincipalArn": "arn:*:role/team/R"})), aws__PrincipalArn=role) == "implicitDeny"


@documented("IAM user guide, policy variables")
def test_a_variable_is_literal_text(hub: Account) -> None:
    """What a policy variable brings in is no wildcard."""
    policy = text(allow(GET, arn(hub, "${aws:username}/x")))
    assert decision(hub, policy, arn(hub, "ann/x"), aws__username="ann") == "allowed"
    assert decision(hub, policy, arn(hub, "ann/x"), aws__username="*") == "implicitDeny"


@documented("IAM user guide, policy variables, default values")
def test_a_variable_may_have_a_default(hub: Account) -> None:
    """${key, 'default'} stands for the default when the request does not have the key."""
    policy = text(allow(GET, arn(hub, "${aws:PrincipalTag/Team, 'none'}/x")))
    assert decision(hub, policy, arn(hub, "none/x")) == "allowed"


@documented("IAM user guide, policy variables, special characters")
def test_special_characters_can_be_written(hub: Account) -> None:
    """${*} is an asterisk, not a wildcard."""
    policy = text(allow(StringLike={"aws:username": "a${*}"}))
    assert (decision(hub, policy, aws__username="a*"), decision(hub, policy, aws__username="ab")) == ("allowed", "implicitDeny")


@documented("IAM user guide, Version element")
def test_older_policies_have_no_variables(hub: Account) -> None:
    """A policy of version 2008-10-17 takes ${aws:username} as it is written."""
    policy = text(allow(StringEquals={"aws:username": "${aws:username}"}), version="2008-10-17")
    assert decision(hub, policy, aws__username="ann") == "implicitDeny"


@observed("AWS CLI, example of simulate-custom-policy")
def test_the_simulator_tells_lines_and_columns(hub: Account) -> None:
    """A matched statement is told by where it begins and ends in the text."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow()}, separators=(",", ":"))
    (matched,) = simulated(hub, policy)["MatchedStatements"]
    assert matched["SourcePolicyId"] == "PolicyInputList.1"
    assert (matched["StartPosition"], matched["EndPosition"]["Column"]) == ({"Line": 1, "Column": 38}, len(policy))


@documented("API SimulateCustomPolicy, MissingContextValues")
def test_the_simulator_names_missing_keys(hub: Account) -> None:
    """Keys that the policies ask for and the caller did not give are named."""
    assert simulated(hub, text(allow(StringEquals={"aws:username": "a"})))["MissingContextValues"] == ["aws:username"]


@documented("API SimulateCustomPolicy, PermissionsBoundaryPolicyInputList")
def test_a_boundary_only_narrows(hub: Account) -> None:
    """What the boundary does not allow is denied, and the result says so."""
    result = simulated(hub, text(allow("*")), PermissionsBoundaryPolicyInputList=[text(allow("s3:*"))])
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


@documented("API GetContextKeysForCustomPolicy")
def test_the_keys_of_a_policy(hub: Account) -> None:
    """Keys of conditions and policy variables are named, each once."""
    policy = text(allow(GET, arn(hub, "${aws:username}"), StringLike={"aws:PrincipalTag/Team": "${aws:username}"}))
    found = hub.client("iam").get_context_keys_for_custom_policy(PolicyInputList=[policy])["ContextKeyNames"]
    assert sorted(found) == ["aws:PrincipalTag/Team", "aws:username"]


@documented("API SimulateCustomPolicy, InvalidInput")
def test_a_malformed_policy_is_not_simulated(hub: Account) -> None:
    """A document that is no policy is invalid input."""
    with refused("InvalidInput"):
        hub.client("iam").simulate_custom_policy(PolicyInputList=["{"], ActionNames=[GET])


@pytest.fixture
def person(member: Account, unique: Callable[[str], str]) -> Iterator[Callable[[str, str | None], Any]]:
    """Give a client of Systems Manager to a user with a policy, and maybe with a boundary."""
    iam, name, bounds = member.client("iam"), unique("person"), []
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def make(policy: str, boundary: str | None = None) -> Any:
        iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=policy)
        if boundary:
            bounds.append(iam.create_policy(PolicyName=name, PolicyDocument=boundary)["Policy"]["Arn"])
            iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=bounds[0])
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=member.region)
        return session.client("ssm", endpoint_url=member.endpoint)

    yield make
    for bound in bounds:
        iam.delete_user_permissions_boundary(UserName=name)
        iam.delete_policy(PolicyArn=bound)
    iam.delete_user_policy(UserName=name, PolicyName="some")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def sentence(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refusal:
        call()
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"
    return str(refusal.value.response["Error"]["Message"])


@documented("IAM user guide, troubleshoot access denied error messages")
def test_the_sentence_names_the_boundary(person: Any) -> None:
    """When the boundary does not allow, the sentence says: because no permissions boundary allows the action."""
    client = person(text(allow("*")), text(allow("s3:*")))
    told = sentence(lambda: client.get_parameter(Name="none"))
    assert told.endswith("because no permissions boundary allows the ssm:GetParameter action")


@documented("IAM user guide, troubleshoot access denied error messages")
def test_the_sentence_names_an_explicit_deny(person: Any) -> None:
    """When a policy of the user's own denies, the sentence says: with an explicit deny in an identity-based policy."""
    client = person(text(allow("*"), deny(Bool={"aws:ViaAWSService": "false"})), None)
    assert sentence(lambda: client.get_parameter(Name="none")).endswith("with an explicit deny in an identity-based policy")


@documented("Service Authorization Reference, AWS Systems Manager, ssm:Overwrite")
def test_overwriting_a_parameter_can_be_forbidden(person: Any, unique: Callable[[str], str]) -> None:
    """ssm:Overwrite tells whether PutParameter would replace a parameter."""
    client, name = person(text(allow("ssm:*"), deny("ssm:PutParameter", Bool={"ssm:Overwrite": "true"})), None), unique("p")
    client.put_parameter(Name=name, Value="1", Type="String")
    told = sentence(lambda: client.put_parameter(Name=name, Value="2", Type="String", Overwrite=True))
    client.delete_parameter(Name=name)
    assert "explicit deny" in told


@documented("IAM user guide, aws:RequestTag and aws:TagKeys")
def test_new_resources_must_bring_their_tags(person: Any, unique: Callable[[str], str]) -> None:
    """aws:RequestTag is the tag that a request brings, and ForAllValues on aws:TagKeys bounds which it may bring."""
    bounded = allow(
        ["ssm:PutParameter", "ssm:AddTagsToResource"],
        StringEquals={"aws:RequestTag/Team": "blue"},
        **{"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}},
    )
    client, name = person(text(bounded, allow("ssm:DeleteParameter")), None), unique("p")
    blue, other = {"Key": "Team", "Value": "blue"}, {"Key": "Other", "Value": "x"}
    for tags in ([], [{**blue, "Value": "red"}], [blue, other]):
        sentence(lambda tags=tags: client.put_parameter(Name=name, Value="1", Type="String", Tags=tags))  # type: ignore[misc]
    client.put_parameter(Name=name, Value="1", Type="String", Tags=[blue])
    client.delete_parameter(Name=name)


@documented("IAM user guide, aws:SourceIp, aws:SecureTransport, aws:CurrentTime, aws:MultiFactorAuthPresent")
def test_a_request_says_where_when_and_how_it_came(person: Any) -> None:
    """Address, transport and time are known of a request; a device for multi-factor authentication is not with long-term keys."""
    known = allow(
        "ssm:GetParametersByPath",
        Bool={"aws:SecureTransport": "true"},
        DateGreaterThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"},
        NotIpAddress={"aws:SourceIp": "203.0.113.0/24"},
        Null={"aws:MultiFactorAuthPresent": "true", "aws:TokenIssueTime": "true"},
    )
    assert person(text(known), None).get_parameters_by_path(Path="/none")["Parameters"] == []
