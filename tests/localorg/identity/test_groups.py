"""Groups, and what their members may by them."""

import pytest
from identity.world import HUB, Desk, World, allow, deny, document

from localorg.kernel.errors import AccessDenied

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_a_group_from_cradle_to_grave() -> None:
    """Documented: IAM API reference, CreateGroup to DeleteGroup; the refusals' words are Observed in IAM's answers."""
    iam = Desk()
    group = iam("CreateGroup", GroupName="Ops", Path="/team/")["Group"]
    assert (group["Arn"], group["GroupId"][:4]) == (f"arn:aws:iam::{HUB}:group/team/Ops", "AGPA")
    assert iam.refused("CreateGroup", GroupName="OPS") == ("EntityAlreadyExists", "Group with name OPS already exists.")
    iam("CreateUser", UserName="ann", Tags=[{"Key": "a", "Value": "b"}])
    iam("AddUserToGroup", GroupName="Ops", UserName="ann")
    iam("AddUserToGroup", GroupName="Ops", UserName="ann")
    members = iam("GetGroup", GroupName="Ops")
    assert [(user["UserName"], "Tags" in user) for user in members["Users"]] == [("ann", False)]
    assert members["IsTruncated"] is False
    assert [one["GroupName"] for one in iam("ListGroupsForUser", UserName="ann")["Groups"]] == ["Ops"]
    iam("AttachGroupPolicy", GroupName="Ops", PolicyArn=READ_ONLY)
    iam("PutGroupPolicy", GroupName="Ops", PolicyName="inline", PolicyDocument=document(allow("ssm:List*")))
    assert iam("ListGroupPolicies", GroupName="Ops")["PolicyNames"] == ["inline"]
    users = "Cannot delete entity, must remove users from group first."
    assert iam.refused("DeleteUser", UserName="ann") == ("DeleteConflict", users)
    assert iam.refused("DeleteGroup", GroupName="Ops") == ("DeleteConflict", users)
    iam("RemoveUserFromGroup", GroupName="Ops", UserName="ann")
    assert iam.refused("DeleteGroup", GroupName="Ops")[1] == "Cannot delete entity, must detach all policies first."
    iam("DetachGroupPolicy", GroupName="Ops", PolicyArn=READ_ONLY)
    assert iam.refused("DeleteGroup", GroupName="Ops")[1] == "Cannot delete entity, must delete policies first."
    iam("DeleteGroupPolicy", GroupName="Ops", PolicyName="inline")
    iam("DeleteGroup", GroupName="Ops")
    assert iam.refused("GetGroup", GroupName="Ops") == ("NoSuchEntity", "The group with name Ops cannot be found.")
    assert iam.refused("RemoveUserFromGroup", GroupName="Ops", UserName="ann")[0] == "NoSuchEntity"


def test_members_may_what_their_group_may() -> None:
    """Documented: user guide "IAM user groups": policies of a group are those of every user in it, denials too."""
    world = World()
    admin, ann = world.admin(), world.user(HUB, "ann")
    world.call(admin, "iam", "CreateGroup", GroupName="Ops")
    with pytest.raises(AccessDenied):
        world.call(ann, "ssm", "ListCommands")
    allowed = document(allow("ssm:*"), deny("ssm:GetDocument"))
    world.call(admin, "iam", "PutGroupPolicy", GroupName="Ops", PolicyName="p", PolicyDocument=allowed)
    world.call(admin, "iam", "AddUserToGroup", GroupName="Ops", UserName="ann")
    world.call(ann, "ssm", "ListCommands")
    with pytest.raises(AccessDenied, match="explicit deny in an identity-based policy"):
        world.call(ann, "ssm", "GetDocument", Name="xyz")


def test_a_user_is_in_ten_groups_at_most() -> None:
    """Documented: "IAM and AWS STS quotas"."""
    iam = Desk()
    for number in range(11):
        iam("CreateGroup", GroupName=f"g{number}")
    for number in range(10):
        iam("AddUserToGroup", GroupName=f"g{number}", UserName="admin")
    refused = iam.refused("AddUserToGroup", GroupName="g10", UserName="admin")
    assert refused == ("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")


def test_a_renamed_group_keeps_its_members() -> None:
    """Documented: user guide "Rename an IAM user group": members and policies stay, the ARN follows the name."""
    iam = Desk()
    iam("CreateGroup", GroupName="Ops")
    iam("CreateGroup", GroupName="Dev")
    iam("AddUserToGroup", GroupName="Ops", UserName="admin")
    assert iam.refused("UpdateGroup", GroupName="Ops", NewGroupName="dev")[0] == "EntityAlreadyExists"
    iam("UpdateGroup", GroupName="Ops", NewGroupName="Run", NewPath="/x/")
    found = iam("GetGroup", GroupName="Run")
    assert (found["Group"]["Arn"], len(found["Users"])) == (f"arn:aws:iam::{HUB}:group/x/Run", 1)
    assert [group["GroupName"] for group in iam("ListGroups", PathPrefix="/x/")["Groups"]] == ["Run"]


def test_a_renamed_user_stays_the_same_user() -> None:
    """Documented: user guide "Rename an IAM user": keys, groups, policies and id stay; roles' trust shows the new ARN."""
    world, iam = World(), Desk()
    iam.world, iam.admin = world, world.admin()
    ann = world.user(HUB, "ann", allow("sts:AssumeRole"))
    world.role(HUB, "trusting", {"AWS": ann.arn})
    iam("CreateGroup", GroupName="Ops")
    iam("AddUserToGroup", GroupName="Ops", UserName="ann")
    assert iam.refused("UpdateUser", UserName="ann", NewUserName="ADMIN")[1] == "User with name ADMIN already exists."
    iam("UpdateUser", UserName="ann", NewUserName="Anna", NewPath="/new/")
    renamed = world.identity.sessions.principal(ann.access_key)
    assert renamed.arn == f"arn:aws:iam::{HUB}:user/new/Anna"
    assert [group["GroupName"] for group in iam("ListGroupsForUser", UserName="anna")["Groups"]] == ["Ops"]
    assert world.assume(renamed, f"arn:aws:iam::{HUB}:role/trusting").role_arn.endswith("role/trusting")
    assert iam("ListAccessKeys", UserName="Anna")["AccessKeyMetadata"][0]["UserName"] == "Anna"
