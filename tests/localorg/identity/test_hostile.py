"""Principals and policies that mean harm: patterns that never end, identities that are gone, other spellings of what is denied."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from identity.world import HUB, MEMBER, SeededSecrets, World, allow, deny, document, service

from localorg.identity.policy import parse_policy
from localorg.kernel import globs
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.globs import Piece
from localorg.protocol.calls import Access
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate

STARS = "*a" * 40 + "*b"
BUCKET = "arn:aws:s3:::bucket"


@pytest.fixture
def world() -> World:
    return World()


def bucket_policy(principal: Any, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": f"{BUCKET}/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


pieces = some.lists(
    some.builds(Piece, some.sampled_from("ab:"))
    | some.builds(lambda kind, but: Piece("", kind, but), some.sampled_from(["one", "many"]), some.sampled_from(["", ":"])),
    max_size=10,
)


@given(pieces, some.text("ab:x\n", max_size=12))
def test_both_ways_to_match_agree(pattern: list[Piece], text: str) -> None:
    """Following all ways at once says the same as the regular expression."""
    assert globs._follow(*globs._machine(pattern), text) == globs._by_expression(pattern)(text)


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:" + STARS, f"{BUCKET}/x"),
        allow("s3:*", f"{BUCKET}/{STARS}"),
        allow("s3:*", f"arn:aws:s3:*{STARS}*:*:{STARS}"),
        allow("s3:*", "*", StringLike={"s3:prefix": STARS}),
        allow("s3:*", "*", ArnLike={"aws:PrincipalArn": f"arn:aws:*:*:*:{STARS}"}),
    ],
)
def test_no_pattern_makes_the_evaluator_think_for_ever(world: World, statement: dict[str, Any]) -> None:
    """A policy of one account must not hold up all others: with a backtracking matcher each of these takes years."""
    user = world.user(HUB, "a" * 60, statement)
    access = Access("s3:" + "a" * 60, f"{BUCKET}/{'a' * 1000}", context={"s3:prefix": "a" * 1000})
    with pytest.raises(AccessDenied):
        world.identity.check(user, "eu-west-1", access)


@pytest.mark.parametrize("trusted", ["{role}", "*", "{session}"])
def test_a_session_of_a_deleted_role_is_let_in_nowhere(world: World, trusted: str) -> None:
    """Documented: IAM user guide, Principal: AWS keeps the unique id in a resource's policy, so the ARN of who was deleted is nobody."""
    arn = world.role(HUB, "short-lived", {"AWS": HUB})
    session = world.assume(world.user(HUB, "starter", allow("sts:AssumeRole")), arn)
    policy = bucket_policy({"AWS": trusted.format(role=arn, session=session.arn)})
    access = Access("s3:GetObject", f"{BUCKET}/key", owner=HUB, resource_policy=policy)
    world.identity.check(session, "eu-west-1", access)
    world.call(world.admin(), "iam", "DeleteRole", RoleName="short-lived")
    with pytest.raises(AccessDenied):
        world.identity.check(session, "eu-west-1", access)
    world.role(HUB, "short-lived", {"AWS": HUB}, [allow("*")])
    with pytest.raises(AccessDenied):
        world.identity.check(session, "eu-west-1", access)


def test_a_deleted_user_and_a_deleted_key_are_nobody(world: World) -> None:
    """The key is unknown at once, and what the user had begun goes no further."""
    user = world.user(HUB, "leaver", allow("*"))
    access = Access("s3:GetObject", f"{BUCKET}/key", owner=HUB, resource_policy=bucket_policy({"AWS": user.arn}))
    world.identity.check(user, "eu-west-1", access)
    for operation, more in (
        ("DeleteAccessKey", {"AccessKeyId": user.access_key}),
        ("DeleteUserPolicy", {"PolicyName": "inline"}),
    ):
        world.call(world.admin(), "iam", operation, UserName="leaver", **more)
    assert world.identity.credentials(user.access_key) is None
    world.call(world.admin(), "iam", "DeleteUser", UserName="leaver")
    with pytest.raises(AccessDenied):
        world.identity.check(user, "eu-west-1", access)


@pytest.mark.parametrize("name", ["kept", "KEPT", "Kept"])
def test_another_spelling_of_a_name_is_no_way_around_a_deny(world: World, name: str) -> None:
    """Documented: IAM names are not told apart by case; what is judged is the ARN of the role that is meant."""
    arn = world.role(HUB, "kept", {"AWS": HUB})
    user = world.user(HUB, "deleter", allow("iam:*"), deny("iam:DeleteRole", arn))
    with pytest.raises(AccessDenied, match="explicit deny"):
        world.call(user, "iam", "DeleteRole", RoleName=name)


@pytest.mark.parametrize(
    "change", [str.upper, lambda arn: arn.replace("arn:aws:", "arn:aws-cn:"), lambda arn: arn.replace("role/", "role/x/")]
)
def test_another_spelling_of_an_arn_is_another_role(world: World, change: Any) -> None:
    """A role is assumed by its one ARN, so that policies which name it speak of every attempt."""
    arn = world.role(MEMBER, "member-role", {"AWS": HUB})
    user = world.user(HUB, "starter", allow("sts:AssumeRole"))
    world.assume(user, arn)
    with pytest.raises(AwsError):
        world.assume(user, change(arn))


@pytest.mark.parametrize("action", ["SSM:getdocument", "ssm:GETDOCUMENT", "sSm:get*"])
def test_the_case_of_an_action_does_not_matter(world: World, action: str) -> None:
    """Documented: IAM user guide, Action: names are case-insensitive; also in a Deny."""
    user = world.user(HUB, "reader", allow("*"), deny(action))
    with pytest.raises(AccessDenied, match="explicit deny"):
        world.call(user, "ssm", "GetDocument", Name="AnyDocument")


def test_nobody_can_be_a_service_by_name(world: World) -> None:
    """A user or role whose name looks like a service is not that service; a service is only itself."""
    arn = world.role(MEMBER, "for-ssm", {"Service": "ssm.amazonaws.com"})
    for who in (world.user(MEMBER, "ssm.amazonaws.com", allow("*")), world.admin(MEMBER), service("ec2.amazonaws.com", MEMBER)):
        with pytest.raises(AccessDenied):
            world.assume(who, arn)
    world.assume(service("ssm.amazonaws.com", MEMBER), arn)


def test_a_service_working_for_another_account_is_kept_out_by_source_account(world: World) -> None:
    """Documented: IAM user guide, "The confused deputy problem"."""
    arn = world.role(MEMBER, "for-ssm", {"Service": "ssm.amazonaws.com"}, StringEquals={"aws:SourceAccount": MEMBER})
    with pytest.raises(AccessDenied):
        world.assume(service("ssm.amazonaws.com", HUB), arn)
    user = world.user(HUB, "forger", allow("sts:AssumeRole"))
    everyone = world.role(MEMBER, "for-all", {"AWS": "*"}, StringEquals={"aws:SourceAccount": HUB})
    with pytest.raises(AccessDenied):
        world.assume(user, everyone)


BAD_DOCUMENTS = [
    "[" * 100_000,
    '{"Version":"2012-10-17","Statement":' + "[" * 3000 + "]" * 3000 + "}",
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"\\ud800"}}',
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"\\ud800","Resource":"*"}}',
    '{"Version":"2012-10-17","Version":"2008-10-17","Statement":[]}',
    json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "${"}}),
]


@pytest.mark.parametrize("text", BAD_DOCUMENTS)
def test_a_document_that_cannot_be_kept_is_refused(text: str) -> None:
    """Documented: MalformedPolicyDocument, with a message that can be sent."""
    with pytest.raises(AwsError) as caught:
        parse_policy(text, "identity")
    assert caught.value.code == "MalformedPolicyDocument"
    caught.value.message.encode()


def test_documents_of_the_test_are_good(world: World) -> None:
    """The world of these tests lets a plain user do what a plain policy allows."""
    user = world.user(HUB, "plain", allow("ssm:GetDocument"))
    assert world.call(user, "ssm", "GetDocument", Name="AnyDocument") == {}
    assert json.loads(document(allow("ssm:*")))["Version"] == "2012-10-17"


def test_nobody_works_in_an_account_that_is_not_active() -> None:
    """Assumed: AWS documents that a suspended account cannot be used, not the words. Its keys are refused, and its roles not assumed."""
    world = World()
    closed: set[str] = set()
    world.identity = type(world.identity)(
        world.kernel, SeededSecrets("again"), lambda _account: "o-exampleorg", lambda account: account not in closed
    )
    world.gateway = Gateway(world.kernel, world.identity, validate)
    world.gateway.add(world.identity.operations())
    world.identity.bootstrap_node_role(MEMBER, "node")
    arn = world.role(MEMBER, "way-in", {"AWS": HUB})
    starter = world.user(HUB, "starter", allow("sts:AssumeRole"))
    session = world.assume(starter, arn)
    closed.add(MEMBER)
    for key in (session.access_key, world.identity.bootstrap_account(MEMBER).id):
        with pytest.raises(AwsError, match=f"UnrecognizedClientException: .*{MEMBER} is not active"):
            world.identity.credentials(key)
    with pytest.raises(AccessDenied):
        world.assume(starter, arn)
    with pytest.raises(AwsError, match="is not active"):
        world.identity.node_session(MEMBER, "node", "i-0123456789abcdef0")
    closed.clear()
    assert world.identity.credentials(session.access_key)
