"""Policies of buckets: whom they name stays who was meant, whatever becomes of the name."""

from typing import Any

import pytest
from identity.world import HUB, MEMBER, World

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Access, Principal

KEY = "arn:aws:s3:::bucket/key"


@pytest.fixture
def world() -> World:
    return World()


def bucket_policy(*principals: str, **more: Any) -> dict[str, Any]:
    whom = {"Principal": {"AWS": list(principals)}, **more}
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": KEY, **whom}]}


def told(world: World, kept: dict[str, Any], element: str = "Principal") -> Any:
    return world.identity.resource_policies.shown(kept)["Statement"][0][element]


def may_read(world: World, who: Principal, kept: dict[str, Any]) -> bool:
    try:
        world.identity.check(who, "eu-west-1", Access("s3:GetObject", KEY, owner=HUB, resource_policy=kept))
    except AccessDenied:
        return False
    return True


def test_a_renamed_user_is_still_let_in(world: World) -> None:
    """Observed by clients: S3 keeps users by their ids, so that a policy shows their name of today."""
    anna = world.user(HUB, "anna")
    kept = world.identity.resource_policies.kept(bucket_policy(anna.arn))
    world.call(world.admin(), "iam", "UpdateUser", UserName="anna", NewUserName="hanna", NewPath="/people/")
    hanna = world.identity.sessions.principal(anna.access_key)
    assert told(world, kept) == {"AWS": f"arn:aws:iam::{HUB}:user/people/hanna"}
    assert may_read(world, hanna, kept)
    namesake = world.user(HUB, "anna")
    assert not may_read(world, namesake, kept)


def test_a_namesake_of_a_deleted_role_is_not_let_in(world: World) -> None:
    """Documented: IAM user guide, Principal: the id "does not match" a role that is made again; the policy shows the id."""
    arn = world.role(HUB, "reader", {"AWS": HUB})
    unique_id = world.call(world.admin(), "iam", "GetRole", RoleName="reader")["Role"]["RoleId"]
    kept = world.identity.resource_policies.kept(bucket_policy(arn))
    deny_others = world.identity.resource_policies.kept(
        {
            "Statement": [
                {"Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": {"AWS": [arn, f"arn:aws:iam::{HUB}:root"]}}
            ]
        }
    )
    admin = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    boss = world.user(HUB, "boss", admin)
    assert may_read(world, world.assume(boss, arn), kept)
    world.call(world.admin(), "iam", "DeleteRole", RoleName="reader")
    assert world.role(HUB, "reader", {"AWS": HUB}, [admin]) == arn
    again = world.assume(boss, arn)
    assert told(world, kept) == {"AWS": unique_id}
    assert told(world, deny_others, "NotPrincipal")["AWS"][0] == unique_id
    assert not may_read(world, again, deny_others)
    with pytest.raises(AwsError, match=f'Invalid principal in policy: "AWS":"{unique_id}"'):
        world.identity.resource_policies.kept(bucket_policy(unique_id))


def test_a_living_role_may_be_named_by_its_id(world: World) -> None:
    """Documented: IAM user guide, Principal: the console and the API show the ARN again while the role is there."""
    arn = world.role(MEMBER, "reader", {"AWS": HUB}, [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    unique_id = world.call(world.admin(MEMBER), "iam", "GetRole", RoleName="reader")["Role"]["RoleId"]
    kept = world.identity.resource_policies.kept(bucket_policy(unique_id, MEMBER))
    assert told(world, kept) == {"AWS": [arn, f"arn:aws:iam::{MEMBER}:root"]}
    only = world.identity.resource_policies.kept(bucket_policy(unique_id))
    boss = world.user(HUB, "boss", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    assert may_read(world, world.assume(boss, arn), only)
