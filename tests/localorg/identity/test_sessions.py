"""What a session carries: tags, a source identity, policies; and the sessions that users open for themselves and for others."""

import hashlib
from typing import Any

import pytest
from identity.world import HUB, MEMBER, REGION, World, allow, document

from localorg.identity.records import Session
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Principal

ALL = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


@pytest.fixture
def world() -> World:
    return World()


def role(world: World, name: str, *actions: str, account: str = HUB, allowed: list[dict[str, Any]] | None = None) -> str:
    """Make a role that lets the hub do `actions`."""
    statement = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": list(actions)}
    trust = {"RoleName": name, "AssumeRolePolicyDocument": document(statement)}
    arn = str(world.call(world.admin(account), "iam", "CreateRole", **trust)["Role"]["Arn"])
    text = document(*(allowed or [allow(ALL)]))
    world.call(world.admin(account), "iam", "PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=text)
    return arn


def session_of(world: World, who: Principal) -> Session:
    return world.identity.directory.sessions.get(who.access_key) or pytest.fail("no session")


def tags(**given: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


@pytest.mark.parametrize(
    ("params", "missing"),
    [
        ({"Tags": tags(team="blue")}, "sts:TagSession"),
        ({"SourceIdentity": "ann"}, "sts:SetSourceIdentity"),
    ],
)
def test_tags_and_source_identity_need_their_own_leave(world: World, params: dict[str, Any], missing: str) -> None:
    """Documented: user guide "Pass session tags": the trust policy must allow sts:TagSession; likewise sts:SetSourceIdentity."""
    closed, opened = role(world, "closed", "sts:AssumeRole"), role(world, "opened", *ALL)
    with pytest.raises(AccessDenied, match=f"not authorized to perform: {missing} on resource: {closed}"):
        world.assume(world.admin(), closed, **params)
    world.assume(world.admin(), opened, **params)


def test_transitive_tags_and_the_source_identity_go_through_a_chain(world: World) -> None:
    """Documented: user guide "Chaining roles with session tags", "Monitor and control actions taken with assumed roles"."""
    first, second = role(world, "first", *ALL), role(world, "second", *ALL)
    given = {"Tags": tags(team="blue", stage="dev"), "TransitiveTagKeys": ["Team"], "SourceIdentity": "ann"}
    one = world.assume(world.admin(), first, **given)
    output = world.call(one, "sts", "AssumeRole", RoleArn=second, RoleSessionName="two", Tags=tags(stage="prod"))
    assert output["SourceIdentity"] == "ann"
    assert output["PackedPolicySize"] >= 1
    two = world.identity.directory.sessions.get(output["Credentials"]["AccessKeyId"]) or pytest.fail("no session")
    assert (two.tags, two.transitive, two.source_identity) == ({"team": "blue", "stage": "prod"}, ("team",), "ann")
    with pytest.raises(AwsError, match="conflicts with a transitive tag key from the calling session") as refusal:
        world.assume(one, second, Tags=tags(TEAM="red"))
    assert refusal.value.code == "InvalidParameterValue"
    with pytest.raises(AccessDenied, match="source identity"):
        world.assume(one, second, SourceIdentity="bob")
    closed = role(world, "closed", "sts:AssumeRole", "sts:TagSession")
    with pytest.raises(AccessDenied, match="sts:SetSourceIdentity"):
        world.assume(one, closed)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"Tags": tags(a="1", A="2")}, "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
        (
            {"Tags": tags(a="1"), "TransitiveTagKeys": ["b"]},
            "The specified transitive tag key must be included in the requested tags.",
        ),
    ],
)
def test_wrong_tags_are_refused(world: World, params: dict[str, Any], words: str) -> None:
    """Observed: STS's words and code InvalidParameterValue, as recorded by users of AWS."""
    arn = role(world, "opened", *ALL)
    with pytest.raises(AwsError) as refusal:
        world.assume(world.admin(), arn, **params)
    assert (refusal.value.code, refusal.value.message) == ("InvalidParameterValue", words)


def test_a_session_has_room_for_so_much(world: World) -> None:
    """Documented: API AssumeRole: 2,048 characters of policy, ten ARNs; what does not fit when packed is PackedPolicyTooLarge."""
    arn = role(world, "opened", *ALL)
    many = [{"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}] * 11
    long = document(*(allow(f"ssm:Get{number}", f"arn:aws:s3:::b{number}") for number in range(60)))
    for params, code in (
        ({"Policy": long}, "ValidationError"),
        ({"PolicyArns": many}, "ValidationError"),
        ({"PolicyArns": [{"arn": f"arn:aws:iam::{MEMBER}:policy/none"}]}, "MalformedPolicyDocument"),
        ({"Policy": "{}"}, "MalformedPolicyDocument"),
    ):
        with pytest.raises(AwsError) as refusal:
            world.assume(world.admin(), arn, **params)
        assert refusal.value.code == code, params
    noise = [{"Key": f"k{number}", "Value": hashlib.sha512(str(number).encode()).hexdigest()} for number in range(50)]
    with pytest.raises(AwsError, match=r"Packed policy consumes \d+% of allotted space, please use smaller policy\."):
        world.assume(world.admin(), arn, Tags=noise)


def test_a_user_opens_a_session_for_itself(world: World) -> None:
    """Documented: API GetSessionToken: the same user for twelve hours, without leave; never with a session's credentials."""
    ann = world.user(HUB, "ann", allow("ssm:ListCommands"))
    credentials = world.call(ann, "sts", "GetSessionToken")["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert credentials["Expiration"] == world.kernel.now() + 12 * 3600
    again = world.identity.sessions.principal(credentials["AccessKeyId"])
    assert world.call(again, "sts", "GetCallerIdentity") == world.call(ann, "sts", "GetCallerIdentity")
    world.call(again, "ssm", "ListCommands")
    with pytest.raises(AccessDenied, match="Cannot call GetSessionToken with session credentials"):
        world.call(again, "sts", "GetSessionToken")
    with pytest.raises(AccessDenied, match="Cannot call GetFederationToken with session credentials"):
        world.call(world.assume(world.admin(), role(world, "r", *ALL)), "sts", "GetFederationToken", Name="guest")
    with pytest.raises(AwsError, match="The security token included in the request is invalid"):
        world.identity.admit(again.access_key, "iam", REGION)
    world.identity.admit(again.access_key, "ssm", REGION)


def test_a_user_lets_somebody_in(world: World) -> None:
    """Documented: API GetFederationToken: what both the user and the given policy allow; nothing without one."""
    ann = world.user(HUB, "ann", allow(["sts:GetFederationToken", "ssm:*"]))
    output = world.call(ann, "sts", "GetFederationToken", Name="guest", Policy=document(allow("ssm:List*")), DurationSeconds=900)
    assert output["FederatedUser"] == {
        "FederatedUserId": f"{HUB}:guest",
        "Arn": f"arn:aws:sts::{HUB}:federated-user/guest",
    }
    guest = world.identity.sessions.principal(output["Credentials"]["AccessKeyId"])
    assert world.call(guest, "sts", "GetCallerIdentity")["UserId"] == f"{HUB}:guest"
    world.call(guest, "ssm", "ListCommands")
    with pytest.raises(AccessDenied, match="no session policy allows the ssm:GetDocument action"):
        world.call(guest, "ssm", "GetDocument", Name="xyz")
    with pytest.raises(AccessDenied, match="Cannot call AssumeRole"):
        world.assume(guest, role(world, "r", *ALL))
    bare = world.call(ann, "sts", "GetFederationToken", Name="nobody")
    nobody = world.identity.sessions.principal(bare["Credentials"]["AccessKeyId"])
    with pytest.raises(AccessDenied, match="no session policy"):
        world.call(nobody, "ssm", "ListCommands")
    with pytest.raises(AccessDenied, match="sts:TagSession"):
        world.call(ann, "sts", "GetFederationToken", Name="guest", Tags=tags(a="b"))


def test_whoever_is_let_in_goes_with_the_user(world: World) -> None:
    """Assumed: a session whose user was deleted is nobody's, as the session of a deleted role is."""
    ann = world.user(HUB, "ann", allow("sts:GetFederationToken"))
    key = world.call(ann, "sts", "GetFederationToken", Name="guest")["Credentials"]["AccessKeyId"]
    world.call(world.admin(), "iam", "DeleteUserPolicy", UserName="ann", PolicyName="inline")
    world.call(world.admin(), "iam", "DeleteAccessKey", UserName="ann", AccessKeyId=ann.access_key)
    world.call(world.admin(), "iam", "DeleteUser", UserName="ann")
    with pytest.raises(AwsError, match="The security token included in the request is invalid"):
        world.identity.admit(key, "ssm", REGION)


def test_a_role_tells_when_it_was_used(world: World) -> None:
    """Documented: API RoleLastUsed: when and in which Region a session of the role last called."""
    arn = role(world, "r", *ALL)
    session = world.assume(world.admin(), arn)
    world.kernel.run_until(world.kernel.now() + 600)
    world.identity.admit(session.access_key, "ssm", "us-east-1")
    used = world.call(world.admin(), "iam", "GetRole", RoleName="r")["Role"]["RoleLastUsed"]
    assert used["Region"] == "us-east-1"
    assert 0 <= world.kernel.now() - used["LastUsedDate"] < 60


def test_the_account_of_a_key(world: World) -> None:
    """Documented: API GetAccessKeyInfo: also of a key that is not active."""
    key = world.user(HUB, "ann").access_key
    world.call(world.admin(), "iam", "UpdateAccessKey", UserName="ann", AccessKeyId=key, Status="Inactive")
    assert world.call(world.admin(MEMBER), "sts", "GetAccessKeyInfo", AccessKeyId=key) == {"Account": HUB}
