"""Sessions: who may assume what across accounts, how long it lasts, and that a restart changes nothing."""

import dataclasses
from pathlib import Path

import pytest
from identity.world import HUB, MEMBER, REGION, World, allow, document, service

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Principal

SSM = "ssm.amazonaws.com"


@pytest.fixture
def world() -> World:
    return World()


def test_the_role_chain_of_an_automation(world: World) -> None:
    """Documented: Systems Manager user guide, "Running automations in multiple accounts": ssm -> hub role -> member role."""
    hub = world.role(HUB, "Administration", {"Service": SSM}, [allow("sts:AssumeRole", f"arn:aws:iam::{MEMBER}:role/Execution")])
    member = world.role(
        MEMBER, "Execution", {"AWS": f"arn:aws:iam::{HUB}:root"}, [allow("ssm:ListCommands")], ArnEquals={"aws:PrincipalArn": hub}
    )
    first = world.assume(service(SSM, HUB), hub, "automation")
    assert (first.kind, first.arn) == ("role", f"arn:aws:sts::{HUB}:assumed-role/Administration/automation")
    second = world.assume(first, member)
    assert world.call(second, "ssm", "ListCommands") == {}
    with pytest.raises(AccessDenied) as refusal:
        world.call(first, "ssm", "ListCommands")
    assert refusal.value.message == (
        f"User: arn:aws:sts::{HUB}:assumed-role/Administration/automation is not authorized to perform: ssm:ListCommands "
        "on resource: * because no identity-based policy allows the ssm:ListCommands action"
    )


def test_taking_the_trust_away_ends_the_chain(world: World) -> None:
    """Documented: IAM user guide, role trust policies: without sts:AssumeRole on either side nothing goes."""
    hub = world.role(HUB, "Administration", {"Service": SSM}, [allow("sts:AssumeRole")])
    member = world.role(MEMBER, "Execution", {"AWS": f"arn:aws:iam::{HUB}:root"})
    first = world.assume(service(SSM, HUB), hub)
    world.assume(first, member)
    world.call(world.admin(), "iam", "DeleteRolePolicy", RoleName="Administration", PolicyName="inline")
    with pytest.raises(AccessDenied, match="because no identity-based policy allows the sts:AssumeRole action"):
        world.assume(first, member)


def test_a_role_that_is_not_there_is_refused_like_one_that_does_not_trust(world: World) -> None:
    """Assumed: STS answers AccessDenied for both, so that roles of others cannot be counted; the reason's words are ours."""
    with pytest.raises(AccessDenied) as refusal:
        world.assume(world.admin(), f"arn:aws:iam::{MEMBER}:role/Nowhere")
    assert refusal.value.message.endswith(
        f"on resource: arn:aws:iam::{MEMBER}:role/Nowhere because no role trust policy allows the sts:AssumeRole action"
    )


def test_a_service_is_bound_to_the_account_it_works_for(world: World) -> None:
    """Documented: IAM user guide, "The confused deputy problem"."""
    role = world.role(HUB, "Administration", {"Service": SSM}, None, StringEquals={"aws:SourceAccount": HUB})
    world.assume(service(SSM, HUB), role)
    with pytest.raises(AccessDenied, match="no role trust policy"):
        world.assume(service(SSM, MEMBER), role)


def test_a_service_is_bound_to_the_resource_it_works_for(world: World) -> None:
    """Documented: Systems Manager user guide, automation's service role: aws:SourceArn of the execution narrows trust."""
    executions = f"arn:aws:ssm:*:{HUB}:automation-execution/*"
    role = world.role(HUB, "Administration", {"Service": SSM}, None, ArnLike={"aws:SourceArn": executions})
    world.assume(service(SSM, HUB, f"arn:aws:ssm:{REGION}:{HUB}:automation-execution/1"), role)
    for source in (f"arn:aws:ssm:{REGION}:{MEMBER}:automation-execution/1", f"arn:aws:ssm:{REGION}:{HUB}:association/1", ""):
        with pytest.raises(AccessDenied, match="no role trust policy"):
            world.assume(service(SSM, HUB, source), role)


def test_roots_assume_nothing(world: World) -> None:
    """Documented: STS API reference, AssumeRole: "You cannot call AssumeRole by using AWS account root user credentials"."""
    role = world.role(HUB, "R", {"AWS": HUB})
    root = Principal(kind="root", account=HUB, arn=f"arn:aws:iam::{HUB}:root")
    with pytest.raises(AccessDenied, match="Roles may not be assumed by root accounts"):
        world.assume(root, role)


def test_credentials_have_the_shapes_of_aws_and_expire(world: World) -> None:
    """Documented: STS API reference, AssumeRole: ASIA keys, a token, an expiry after DurationSeconds."""
    role = world.role(HUB, "R", {"Service": SSM})
    output = world.call(service(SSM, HUB), "sts", "AssumeRole", RoleArn=role, RoleSessionName="me@work", DurationSeconds=900)
    credentials = output["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert len(credentials["AccessKeyId"]) == 20
    assert len(credentials["SecretAccessKey"]) == 40
    assert credentials["Expiration"] == world.kernel.now() + 900
    role_id = world.call(world.admin(), "iam", "GetRole", RoleName="R")["Role"]["RoleId"]
    assert output["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role_id}:me@work",
        "Arn": f"arn:aws:sts::{HUB}:assumed-role/R/me@work",
    }
    secret, token, expires, principal = world.identity.credentials(credentials["AccessKeyId"]) or pytest.fail("unknown key")
    assert (secret, token) == (credentials["SecretAccessKey"], credentials["SessionToken"])
    assert (expires, principal.role_arn) == (credentials["Expiration"], role)
    world.kernel.run_until(world.kernel.now() + 900)
    with pytest.raises(AwsError) as refusal:
        world.identity.sessions.principal(credentials["AccessKeyId"])
    assert refusal.value.code == "ExpiredTokenException"


def test_expired_sessions_are_swept(world: World) -> None:
    """Assumed: nobody asks for a session long after its end; AWS calls such a token invalid, too."""
    role = world.role(HUB, "R", {"Service": SSM})
    first = world.assume(service(SSM, HUB), role)
    world.kernel.run_until(world.kernel.now() + 3 * 3600)
    for _ in range(300):
        world.assume(service(SSM, HUB), role)
    assert world.identity.credentials(first.access_key) is None
    assert len(world.identity.directory.sessions) <= 300


@pytest.mark.parametrize(
    ("duration", "chained", "words"),
    [
        (7200, False, "exceeds the MaxSessionDuration set for this role"),
        (7200, True, "exceeds the 1 hour session limit for roles assumed by role chaining"),
        (3600, True, None),
    ],
)
def test_sessions_have_limits(world: World, duration: int, chained: bool, words: str | None) -> None:
    """Documented: STS API reference, AssumeRole, DurationSeconds; the words are Observed in AWS's error reports."""
    role = world.role(HUB, "R", {"AWS": HUB})
    first = world.role(HUB, "First", {"Service": SSM}, [allow("sts:AssumeRole")])
    who = world.assume(service(SSM, HUB), first) if chained else world.admin()
    if words is None:
        world.assume(who, role, DurationSeconds=duration)
        return
    with pytest.raises(AwsError, match=words) as refusal:
        world.assume(who, role, DurationSeconds=duration)
    assert refusal.value.code == "ValidationError"


def test_a_session_policy_narrows(world: World) -> None:
    """Documented: IAM user guide, "Session policies": the session may do what both allow."""
    role = world.role(HUB, "R", {"AWS": HUB}, [allow("ssm:*")])
    wide = world.assume(world.admin(), role)
    narrow = world.assume(world.admin(), role, Policy=document(allow("ssm:GetDocument")))
    world.call(wide, "ssm", "ListCommands")
    with pytest.raises(AccessDenied, match="because no session policy allows the ssm:ListCommands action"):
        world.call(narrow, "ssm", "ListCommands")
    with pytest.raises(AwsError, match=r"Policy statement must contain actions\."):
        world.assume(world.admin(), role, Policy='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*"}}')


def test_what_is_not_supported_is_named(world: World) -> None:
    """Assumed: contexts of other identity providers are refused, never ignored; nobody has a device for multi-factor authentication."""
    role = world.role(HUB, "R", {"AWS": HUB})
    context = {"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "ContextAssertion": "text"}
    with pytest.raises(AwsError, match="the parameter ProvidedContexts in sts:AssumeRole") as refusal:
        world.assume(world.admin(), role, ProvidedContexts=[context])
    assert refusal.value.code == "NotImplemented"
    with pytest.raises(AccessDenied, match="unable to validate MFA code"):
        world.assume(world.admin(), role, SerialNumber="GAHT12345678", TokenCode="123456")


@pytest.mark.parametrize("arn", ["arn:aws:iam::111111111111:user/not-a-role", "arn:aws:s3:::a-bucket-is-no-role"])
def test_only_roles_are_assumed(world: World, arn: str) -> None:
    """Observed: STS answers `ValidationError: <arn> is invalid` (AWS support articles)."""
    with pytest.raises(AwsError, match=f"{arn} is invalid"):
        world.assume(world.admin(), arn)


def test_who_am_i(world: World) -> None:
    """Documented: STS API reference, GetCallerIdentity: no permission is needed, and none can be denied."""
    role = world.role(HUB, "R", {"AWS": HUB}, [{"Effect": "Deny", "Action": "*", "Resource": "*"}])
    session = world.assume(world.admin(), role, "me")
    role_id = world.call(world.admin(), "iam", "GetRole", RoleName="R")["Role"]["RoleId"]
    assert world.call(session, "sts", "GetCallerIdentity") == {
        "UserId": f"{role_id}:me",
        "Account": HUB,
        "Arn": f"arn:aws:sts::{HUB}:assumed-role/R/me",
    }
    user = world.call(world.admin(), "sts", "GetCallerIdentity")
    assert user["Arn"] == f"arn:aws:iam::{HUB}:user/admin"
    assert user["UserId"].startswith("AIDA")


def test_sessions_outlive_a_restart(tmp_path: Path) -> None:
    """Issue: nodes and organization outlive down/up on the same state; so do keys, sessions and verdicts."""
    before = World(tmp_path / "rows")
    key = before.identity.bootstrap_account(HUB)
    role = before.role(HUB, "R", {"AWS": HUB}, [allow("ssm:ListCommands")])
    session = before.assume(before.admin(), role)
    before.kernel.store.close()
    after = World(tmp_path / "rows", seed="second start")
    assert after.identity.bootstrap_account(HUB) == key
    assert after.identity.sessions.principal(session.access_key) == session
    after.call(session, "ssm", "ListCommands")
    again = after.role(HUB, "Later", {"AWS": HUB})
    ids = {entry.unique_id for entry in after.identity.directory.roles.values()}
    assert again.endswith("role/Later")
    assert len(ids) == len(after.identity.directory.roles)


def test_a_session_does_not_outlive_its_role(world: World) -> None:
    """Documented: IAM user guide: a role made again under the same name is another role, and old sessions gain nothing from it."""
    role = world.role(HUB, "R", {"AWS": HUB})
    session = world.assume(world.admin(), role)
    world.call(world.admin(), "iam", "DeleteRole", RoleName="R")
    with pytest.raises(AccessDenied, match="no identity-based policy"):
        world.call(session, "ssm", "ListCommands")
    world.role(HUB, "R", {"AWS": HUB}, [allow("*")])
    with pytest.raises(AccessDenied, match="no identity-based policy"):
        world.call(session, "ssm", "ListCommands")


def test_unknown_keys_are_nobody(world: World) -> None:
    """Documented: STS, common errors: an unknown key is an invalid client token."""
    assert world.identity.credentials("AKIAAAAAAAAAAAAAAAAA") is None
    with pytest.raises(AwsError, match="security token included in the request is invalid"):
        world.identity.sessions.principal("AKIAAAAAAAAAAAAAAAAA")


def test_the_condition_keys_are_filled_truthfully(world: World) -> None:
    """Documented: IAM user guide, "AWS global condition context keys": what a role session's request carries."""
    role = world.role(HUB, "R", {"AWS": HUB})
    session = world.assume(world.admin(), role, "me")
    role_id = world.call(world.admin(), "iam", "GetRole", RoleName="R")["Role"]["RoleId"]
    expected = {
        "aws:PrincipalArn": role,
        "aws:PrincipalAccount": HUB,
        "aws:PrincipalOrgID": "o-exampleorg",
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": "false",
        "aws:RequestedRegion": REGION,
        "aws:ResourceAccount": HUB,
        "aws:ResourceOrgID": "o-exampleorg",
        "aws:userid": f"{role_id}:me",
    }
    statement = {**allow("ssm:ListCommands"), "Condition": {"StringEquals": expected}}
    put = {"RoleName": "R", "PolicyName": "exact"}
    world.call(world.admin(), "iam", "PutRolePolicy", **put, PolicyDocument=document(statement))
    world.call(session, "ssm", "ListCommands")
    for key in expected:
        wrong = {**statement, "Condition": {"StringEquals": {**expected, key: "something else"}}}
        world.call(world.admin(), "iam", "PutRolePolicy", **put, PolicyDocument=document(wrong))
        with pytest.raises(AccessDenied):
            world.call(session, "ssm", "ListCommands")


def test_global_services_are_asked_in_one_region(world: World) -> None:
    """Documented: aws:RequestedRegion of IAM is us-east-1, whatever Region the client signs."""
    user = world.user(HUB, "here", allow("*", StringEquals={"aws:RequestedRegion": "us-east-1"}))
    world.call(user, "iam", "ListRoles")
    with pytest.raises(AccessDenied):
        world.call(user, "ssm", "ListCommands")


def test_a_principal_without_key_still_has_its_role(world: World) -> None:
    """Services act as service-linked roles without credentials: the role's policies decide all the same."""
    linked = world.identity.service_linked_role(HUB, SSM)
    assert linked.role_arn == f"arn:aws:iam::{HUB}:role/aws-service-role/{SSM}/AWSServiceRoleForAmazonSSM"
    world.call(linked, "ssm", "ListCommands")
    with pytest.raises(AccessDenied):
        world.call(dataclasses.replace(linked, role_arn=linked.role_arn + "x"), "ssm", "ListCommands")
