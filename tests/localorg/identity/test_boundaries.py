"""Permissions boundaries: how they are set, told and weighed."""

from typing import Any

import pytest
from identity.world import HUB, MEMBER, Desk, allow, deny, document

from localorg.kernel.errors import AccessDenied

EC2_TRUST = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
BOUNDARY = f"arn:aws:iam::{HUB}:policy/edge"


@pytest.fixture
def iam() -> Desk:
    desk = Desk()
    desk("CreatePolicy", PolicyName="edge", PolicyDocument=document(allow("ssm:List*"), deny("s3:*")))
    return desk


@pytest.mark.parametrize("noun", ["Role", "User"])
def test_a_boundary_is_set_told_and_taken_away(iam: Desk, noun: str) -> None:
    """Documented: IAM API reference, PutRolePermissionsBoundary, AttachedPermissionsBoundary, Policy."""
    name = {f"{noun}Name": "x"}
    trust = {"AssumeRolePolicyDocument": EC2_TRUST} if noun == "Role" else {}
    bounded = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BOUNDARY}
    assert iam(f"Create{noun}", **name, **trust, PermissionsBoundary=BOUNDARY)[noun]["PermissionsBoundary"] == bounded
    assert iam(f"Get{noun}", **name)[noun]["PermissionsBoundary"] == bounded
    assert all("PermissionsBoundary" not in one for one in iam(f"List{noun}s")[f"{noun}s"])
    policy = iam("GetPolicy", PolicyArn=BOUNDARY)["Policy"]
    assert (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]) == (0, 1)
    assert iam.refused("DeletePolicy", PolicyArn=BOUNDARY) == ("DeleteConflict", "Cannot delete a policy attached to entities.")
    iam(f"Delete{noun}PermissionsBoundary", **name)
    assert iam.refused(f"Delete{noun}PermissionsBoundary", **name)[0] == "NoSuchEntity"
    iam(f"Put{noun}PermissionsBoundary", **name, PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess")
    assert iam(f"Get{noun}", **name)[noun]["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("PowerUserAccess")


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{HUB}:policy/none", f"arn:aws:iam::{MEMBER}:policy/edge"])
def test_a_boundary_must_be_there(iam: Desk, arn: str) -> None:
    """Observed: in clients' reports: "Scope ARN: ... does not exist or is not attachable."."""
    words = f"Scope ARN: {arn} does not exist or is not attachable."
    assert iam.refused("CreateUser", UserName="x", PermissionsBoundary=arn) == ("NoSuchEntity", words)
    assert iam.refused("PutUserPermissionsBoundary", UserName="admin", PermissionsBoundary=arn) == ("NoSuchEntity", words)


def test_what_is_beyond_the_boundary_is_denied(iam: Desk) -> None:
    """Documented: user guide "Permissions boundaries": both must allow; a boundary allows nothing by itself; its denials are denials."""
    world = iam.world
    ann = world.user(HUB, "ann", allow(["ssm:GetDocument", "iam:ListUsers"]))
    world.call(ann, "ssm", "GetDocument", Name="xyz")
    iam("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=BOUNDARY)
    with pytest.raises(AccessDenied, match="because no permissions boundary allows the ssm:GetDocument action"):
        world.call(ann, "ssm", "GetDocument", Name="xyz")
    with pytest.raises(AccessDenied, match="because no identity-based policy allows the ssm:ListCommands action"):
        world.call(ann, "ssm", "ListCommands")
    iam("PutUserPolicy", UserName="ann", PolicyName="more", PolicyDocument=document(allow("*")))
    world.call(ann, "ssm", "ListCommands")
    iam("CreatePolicyVersion", PolicyArn=BOUNDARY, PolicyDocument=document(allow("*"), deny("ssm:List*")), SetAsDefault=True)
    with pytest.raises(AccessDenied, match="with an explicit deny in a permissions boundary"):
        world.call(ann, "ssm", "ListCommands")


def test_a_trust_that_names_a_role_does_not_pass_its_boundary(iam: Desk) -> None:
    """Documented: user guide "Permissions boundaries": of a role, what a resource's policy gives is bounded; of a user, it is not."""
    world = iam.world
    ann = world.user(HUB, "ann")
    first = world.assume(ann, world.role(HUB, "first", {"AWS": ann.arn}))
    iam("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=BOUNDARY)
    world.assume(ann, first.role_arn)
    iam("PutRolePermissionsBoundary", RoleName="first", PermissionsBoundary=BOUNDARY)
    second = world.role(HUB, "second", {"AWS": first.role_arn})
    with pytest.raises(AccessDenied, match="no permissions boundary allows the sts:AssumeRole action"):
        world.assume(first, second)


def holders(answer: dict[str, Any]) -> list[list[str]]:
    """Return the names of the entities of each kind."""
    kinds = (("PolicyGroups", "GroupName"), ("PolicyUsers", "UserName"), ("PolicyRoles", "RoleName"))
    return [[entity[name] for entity in answer[member]] for member, name in kinds]


def test_who_holds_a_policy_and_how(iam: Desk) -> None:
    """Documented: API ListEntitiesForPolicy: filters by kind, path and use, in pages."""
    iam("CreateGroup", GroupName="g")
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=EC2_TRUST, PermissionsBoundary=BOUNDARY, Path="/p/")
    iam("AttachGroupPolicy", GroupName="g", PolicyArn=BOUNDARY)
    iam("AttachUserPolicy", UserName="admin", PolicyArn=BOUNDARY)
    ask = "ListEntitiesForPolicy"
    assert holders(iam(ask, PolicyArn=BOUNDARY)) == [["g"], ["admin"], ["r"]]
    assert holders(iam(ask, PolicyArn=BOUNDARY, EntityFilter="User")) == [[], ["admin"], []]
    assert holders(iam(ask, PolicyArn=BOUNDARY, PathPrefix="/p/")) == [[], [], ["r"]]
    assert holders(iam(ask, PolicyArn=BOUNDARY, PolicyUsageFilter="PermissionsBoundary")) == [[], [], ["r"]]
    assert holders(iam(ask, PolicyArn=BOUNDARY, PolicyUsageFilter="PermissionsPolicy")) == [["g"], ["admin"], []]
    page = iam(ask, PolicyArn=BOUNDARY, MaxItems=2)
    assert (holders(page), page["IsTruncated"]) == ([["g"], ["admin"], []], True)
    assert holders(iam(ask, PolicyArn=BOUNDARY, MaxItems=2, Marker=page["Marker"])) == [[], [], ["r"]]
    assert iam.refused(ask, PolicyArn=BOUNDARY, EntityFilter="AWSManagedPolicy")[0] == "InvalidInput"
    used = [row["PolicyName"] for row in iam("ListPolicies", PolicyUsageFilter="PermissionsBoundary")["Policies"]]
    assert used == ["edge"]
