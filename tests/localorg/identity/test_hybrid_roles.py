"""Roles of machines outside EC2: Systems Manager takes them, the role's own trust decides, and the session is the machine's."""

import pytest
from identity.world import HUB, MEMBER, REGION, SeededSecrets, World, allow, document

from localorg.identity.service import Identity
from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Access, Principal

NODE = "mi-0123456789abcdef0"
SSM = {"Service": "ssm.amazonaws.com"}


def session(world: World, name: str) -> Principal:
    keys = world.identity.hybrid_roles.session(MEMBER, REGION, name, NODE)
    return world.identity.sessions.principal(keys["AccessKeyId"])


def test_a_nodes_session_has_its_name_and_its_roles_rights() -> None:
    """Observed: the session is named after the node, lives an hour, and may what its role may."""
    world = World()
    arn = world.role(MEMBER, "Press", SSM, [allow("ssm:ListCommands")])
    found = session(world, "Press")
    assert (found.role_arn, found.arn.rpartition("/")[2]) == (arn, NODE)
    world.call(found, "ssm", "ListCommands")
    with pytest.raises(AccessDenied):
        world.call(found, "ssm", "GetDocument", Name="Any")
    keys = world.identity.hybrid_roles.session(MEMBER, REGION, "Press", NODE)
    assert keys["Expiration"] == world.kernel.now() + 3600


def test_a_role_is_named_with_its_path() -> None:
    """Observed: CreateActivation takes service-role/NAME for a role with a path, and tells the ARN of that. Assumed: it needs the path."""
    world = World()
    roles = world.identity.hybrid_roles
    trust = document({"Effect": "Allow", "Principal": SSM, "Action": "sts:AssumeRole"})
    for name, path in (("Press", "/"), ("Mill", "/service-role/")):
        call = {"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust}
        world.call(world.admin(MEMBER), "iam", "CreateRole", **call)
    assert roles.arn(MEMBER, "Press") == f"arn:aws:iam::{MEMBER}:role/Press"
    assert roles.arn(MEMBER, "service-role/Other") == f"arn:aws:iam::{MEMBER}:role/service-role/Other"
    roles.check(MEMBER, REGION, "Press")
    roles.check(MEMBER, REGION, "service-role/Mill")
    for wrong in ("service-role/Press", "Mill"):
        with pytest.raises(AccessDenied, match=f"is not at the path that {wrong} says"):
            roles.check(MEMBER, REGION, wrong)


def test_only_a_role_that_trusts_systems_manager_is_taken() -> None:
    """Documented: the trust of the role decides, for ssm.amazonaws.com; a service-linked role cannot be given."""
    world = World()
    world.role(MEMBER, "Instances", {"Service": "ec2.amazonaws.com"})
    world.role(MEMBER, "People", {"AWS": f"arn:aws:iam::{MEMBER}:root"})
    world.identity.service_linked_role(MEMBER, "ssm.amazonaws.com")
    for name in ("Instances", "People", "Nobody", "aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM"):
        with pytest.raises(AccessDenied):
            session(world, name)


@pytest.mark.parametrize(
    ("account", "region", "is_taken"), [(MEMBER, REGION, True), (HUB, REGION, False), (MEMBER, "us-east-1", False)]
)
def test_the_source_is_the_nodes_account_and_region(account: str, region: str, is_taken: bool) -> None:
    """Documented: the guide's trust policy has aws:SourceAccount and aws:SourceArn."""
    world = World()
    source = {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": f"arn:aws:ssm:{region}:{account}:*"}}
    world.role(MEMBER, "Press", SSM, **source)
    if is_taken:
        assert session(world, "Press")
        return
    with pytest.raises(AccessDenied):
        session(world, "Press")


def test_an_account_that_is_closed_gives_no_sessions() -> None:
    """Assumed: nodes of a suspended account are refused like anybody of it."""
    world = World()
    world.role(MEMBER, "Press", SSM)
    closed = Identity(world.kernel, SeededSecrets("again"), lambda _account: None, lambda account: account != MEMBER)
    with pytest.raises(AccessDenied, match=f"The account {MEMBER} is not active"):
        closed.hybrid_roles.session(MEMBER, REGION, "Press", NODE)


def test_a_nodes_key_is_no_permission() -> None:
    """A principal that signed with a node's own key may nothing that a policy would have to allow."""
    world = World()
    node = Principal("node", MEMBER, f"arn:aws:ssm:{REGION}:{MEMBER}:managed-instance/{NODE}", access_key=NODE)
    with pytest.raises(AccessDenied):
        world.identity.check(node, REGION, Access("ssm:ListCommands"))
    policy = {"Version": "2012-10-17", "Statement": [{**allow("s3:GetObject"), "Principal": {"AWS": MEMBER}}]}
    with pytest.raises(AccessDenied):
        world.identity.check(node, REGION, Access("s3:GetObject", "arn:aws:s3:::b/k", MEMBER, policy))
