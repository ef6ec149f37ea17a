"""Whole lives of stacks: made, changed, failed, rolled back, deleted, and what their events tell."""

import pytest
from stacks.world import NAMED, World, role, template

from localorg.kernel.errors import AwsError

DOCUMENT = {
    "Type": "AWS::SSM::Document",
    "Properties": {"Name": "Doc", "DocumentType": "Command", "UpdateMethod": "NewVersion", "Content": {"schemaVersion": "2.2"}},
}


def refused(world, operation, params):
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params)
    return refusal.value


def test_a_stack_is_made_in_order_and_tells_it():
    """Documented: CloudFormation user guide, "Stack creation events": each resource begins, is initiated, completes."""
    world = World()
    body = template(
        {
            "Second": role(RoleName={"Fn::Sub": "${First}-two"}, Description={"Fn::GetAtt": ["First", "Arn"]}),
            "First": role(RoleName="first"),
        },
        Outputs={"Arn": {"Value": {"Fn::GetAtt": "Second.Arn"}}},
    )
    world.call("CreateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": NAMED})
    assert world.status() == "CREATE_IN_PROGRESS"
    world.run()
    assert world.story() == [
        ("one", "CREATE_IN_PROGRESS"),
        ("First", "CREATE_IN_PROGRESS"),
        ("First", "CREATE_IN_PROGRESS"),
        ("First", "CREATE_COMPLETE"),
        ("Second", "CREATE_IN_PROGRESS"),
        ("Second", "CREATE_IN_PROGRESS"),
        ("Second", "CREATE_COMPLETE"),
        ("one", "CREATE_COMPLETE"),
    ]
    assert world.reasons()[:2] == ["User Initiated", "Resource creation Initiated"]
    assert world.outputs() == {"Arn": "arn:aws:iam::111111111111:role/first-two"}
    assert world.iam.roles["111111111111", "first-two"]["Description"] == "arn:aws:iam::111111111111:role/first"


def test_a_failed_creation_is_rolled_back_in_reverse():
    """Documented: CloudFormation user guide, "Stack failure options": roll back all stack resources."""
    world = World()
    world.iam.roles["111111111111", "taken"] = {"policies": {}, "attached": [], "tags": {}}
    body = template({"Good": role(RoleName="good"), "Bad": {**role(RoleName="taken"), "DependsOn": "Good"}})
    assert world.create(body) == "ROLLBACK_COMPLETE"
    assert world.story()[4:] == [
        ("Bad", "CREATE_IN_PROGRESS"),
        ("Bad", "CREATE_FAILED"),
        ("one", "ROLLBACK_IN_PROGRESS"),
        ("Bad", "DELETE_COMPLETE"),
        ("Good", "DELETE_IN_PROGRESS"),
        ("Good", "DELETE_COMPLETE"),
        ("one", "ROLLBACK_COMPLETE"),
    ]
    assert "Role with name taken already exists." in world.reasons()[2]
    assert "HandlerErrorCode: AlreadyExists" in world.reasons()[2]
    assert world.reasons()[3] == "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    assert set(world.iam.roles) == {("111111111111", "taken")}
    message = refused(world, "UpdateStack", {"StackName": "one", "TemplateBody": body}).message
    assert "is in ROLLBACK_COMPLETE state and can not be updated." in message


def test_a_half_made_resource_is_unmade():
    """Documented: CloudFormation user guide, rollback deletes what the stack made. A role whose policy is refused exists already."""
    world = World()
    world.iam.refused["PutRolePolicy"] = AwsError("MalformedPolicyDocument", "Syntax errors in policy.")
    body = template({"Role": role(Policies=[{"PolicyName": "p", "PolicyDocument": {}}])})
    assert world.create(body) == "ROLLBACK_COMPLETE"
    assert world.iam.roles == {}


@pytest.mark.parametrize(
    ("choice", "status", "left"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", {"good"}),
        ({"DisableRollback": True}, "CREATE_FAILED", {"good"}),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", set()),
    ],
)
def test_the_caller_chooses_what_a_failure_does(choice, status, left):
    """Documented: CloudFormation API reference, CreateStack OnFailure and DisableRollback."""
    world = World()
    body = template({"Good": role(RoleName="good"), "Bad": {**role(RoleName="bad", Path="/x/"), "DependsOn": "Good"}})
    world.iam.roles["111111111111", "bad"] = {"policies": {}, "attached": [], "tags": {}}
    assert world.create(body, **choice) == status
    assert {name for _, name in world.iam.roles} - {"bad"} == left


def test_on_failure_delete_leaves_nothing():
    """Documented: CloudFormation API reference, CreateStack OnFailure DELETE."""
    world = World()
    world.iam.refused["CreateRole"] = AwsError("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000.", 409)
    stack_id = world.call(
        "CreateStack",
        {"StackName": "one", "TemplateBody": template({"R": role()}), "Capabilities": NAMED, "OnFailure": "DELETE"},
    )["StackId"]
    world.run()
    assert world.status(stack_id) == "DELETE_COMPLETE"
    assert refused(world, "DescribeStacks", {"StackName": "one"}).message == "Stack with id one does not exist"


def test_deletion_goes_the_other_way_round():
    """Documented: CloudFormation user guide, "DependsOn attribute": deletion order is reversed."""
    world = World()
    world.create(template({"A": role(RoleName="a"), "B": {**role(RoleName="b"), "DependsOn": "A"}}))
    stack_id = world.stack()["StackId"]
    world.delete()
    deleted = [name for name, status in world.story(stack_id) if status == "DELETE_COMPLETE"]
    assert deleted == ["B", "A", "one"]
    assert world.iam.roles == {}
    world.delete()


def test_what_is_retained_stays():
    """Documented: CloudFormation user guide, "DeletionPolicy attribute": Retain, DELETE_SKIPPED."""
    world = World()
    world.create(template({"A": {**role(RoleName="a"), "DeletionPolicy": "Retain"}}))
    stack_id = world.stack()["StackId"]
    world.delete()
    assert ("A", "DELETE_SKIPPED") in world.story(stack_id)
    assert ("111111111111", "a") in world.iam.roles


def test_a_deletion_that_fails_says_so_and_can_be_repeated():
    """Documented: CloudFormation user guide, "Delete stack fails": DELETE_FAILED, then RetainResources."""
    world = World()
    world.create(template({"A": role(RoleName="a")}))
    world.iam.refused["DeleteRole"] = AwsError("DeleteConflict", "Cannot delete entity, must remove roles first.", 409)
    world.delete()
    assert world.status() == "DELETE_FAILED"
    assert world.stack()["StackStatusReason"] == "The following resource(s) failed to delete: [A]"
    stack_id = world.stack()["StackId"]
    world.call("DeleteStack", {"StackName": "one", "RetainResources": ["A"]})
    world.run()
    assert world.status(stack_id) == "DELETE_COMPLETE"


def test_an_update_in_place_then_nothing_to_update():
    """Documented: CloudFormation API reference, UpdateStack; "No updates are to be performed." for the same template."""
    world = World()
    world.create(template({"A": role(RoleName="a", Policies=[{"PolicyName": "p", "PolicyDocument": {"v": 1}}]), "D": DOCUMENT}))
    grown = {**DOCUMENT, "Properties": {**DOCUMENT["Properties"], "Content": {"schemaVersion": "2.2", "description": "two"}}}
    body = template(
        {"A": role(RoleName="a", Description="new", Policies=[{"PolicyName": "q", "PolicyDocument": {"v": 2}}]), "D": grown}
    )
    assert world.update(body) == "UPDATE_COMPLETE"
    assert world.iam.roles["111111111111", "a"]["policies"] == {"q": '{"v": 2}'}
    document = world.ssm.documents["111111111111", "us-east-1", "Doc"]
    assert (len(document["versions"]), document["default"]) == (2, 2)
    message = refused(world, "UpdateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": NAMED}).message
    assert message == "No updates are to be performed."


def test_a_replacement_makes_the_new_before_it_deletes_the_old():
    """Documented: CloudFormation user guide, "Update behaviors of stack resources": Replacement."""
    world = World()
    world.create(template({"A": role(RoleName="a"), "B": role(RoleName="b", Description={"Ref": "A"})}))
    assert (
        world.update(template({"A": role(RoleName="z"), "B": role(RoleName="b", Description={"Ref": "A"})})) == "UPDATE_COMPLETE"
    )
    story = world.story()[world.story().index(("one", "UPDATE_IN_PROGRESS")) :]
    assert story == [
        ("one", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_COMPLETE"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_COMPLETE"),
        ("one", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("A", "DELETE_IN_PROGRESS"),
        ("A", "DELETE_COMPLETE"),
        ("one", "UPDATE_COMPLETE"),
    ]
    assert world.iam.roles["111111111111", "b"]["Description"] == "z"
    assert ("111111111111", "a") not in world.iam.roles


def test_a_custom_named_resource_is_not_replaced():
    """Documented: CloudFormation user guide, "Name type": the sentence, and the update rolls back."""
    world = World()
    world.create(template({"A": role(RoleName="a")}))
    assert world.update(template({"A": role(RoleName="a", Path="/other/")})) == "UPDATE_ROLLBACK_COMPLETE"
    expected = "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename a and update the stack again."
    assert expected in world.reasons()


def test_a_failed_update_leaves_everything_as_it_was():
    """Documented: CloudFormation user guide, "Continue rolling back an update": UPDATE_ROLLBACK_COMPLETE restores the old state."""
    world = World()
    old = template({"A": role(RoleName="a", Description="old")}, Outputs={"Name": {"Value": {"Ref": "A"}}})
    world.create(old)
    world.iam.roles["111111111111", "taken"] = {"policies": {}, "attached": [], "tags": {}}
    new = template(
        {
            "A": role(RoleName="a", Description="new"),
            "N": {**role(RoleName="n"), "DependsOn": "A"},
            "Bad": {**role(RoleName="taken"), "DependsOn": "N"},
        }
    )
    assert world.update(new) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.iam.roles["111111111111", "a"]["Description"] == "old"
    assert ("111111111111", "n") not in world.iam.roles
    assert world.outputs() == {"Name": "a"}
    assert world.call("GetTemplate", {"StackName": "one"})["TemplateBody"] == old
    listed = world.call("ListStackResources", {"StackName": "one"})["StackResourceSummaries"]
    assert [row["LogicalResourceId"] for row in listed] == ["A"]
    assert world.update(template({"A": role(RoleName="a", Description="newer")})) == "UPDATE_COMPLETE"


def test_a_replacement_is_taken_back():
    """Documented: CloudFormation user guide, a failed update deletes the new resource and keeps the old one."""
    world = World()
    world.create(template({"A": role(RoleName="a")}))
    world.iam.roles["111111111111", "taken"] = {"policies": {}, "attached": [], "tags": {}}
    body = template({"A": role(RoleName="b"), "Bad": {**role(RoleName="taken"), "DependsOn": "A"}})
    assert world.update(body) == "UPDATE_ROLLBACK_COMPLETE"
    assert {name for _, name in world.iam.roles} == {"a", "taken"}


def test_removed_resources_go_last():
    """Documented: CloudFormation user guide, UPDATE_COMPLETE_CLEANUP_IN_PROGRESS removes what the new template lacks."""
    world = World()
    world.create(template({"A": role(RoleName="a"), "B": role(RoleName="b")}))
    assert world.update(template({"A": role(RoleName="a")})) == "UPDATE_COMPLETE"
    assert world.story()[-4:] == [
        ("one", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("B", "DELETE_IN_PROGRESS"),
        ("B", "DELETE_COMPLETE"),
        ("one", "UPDATE_COMPLETE"),
    ]


def test_generated_names_say_where_they_come_from():
    """Documented: CloudFormation user guide, "Physical IDs": STACK-LOGICAL-RANDOM."""
    world = World()
    world.create(template({"MyRole": role()}))
    (_, name) = next(iter(world.iam.roles))
    assert name.startswith("one-MyRole-")
    assert len(name) <= 64


def test_a_document_that_is_still_creating_is_waited_for():
    """Documented: Systems Manager API reference, a document is Creating before it is Active."""
    world = World()
    world.ssm.creating = 3
    world.call("CreateStack", {"StackName": "one", "TemplateBody": template({"D": DOCUMENT})})
    world.run(2)
    assert world.status() == "CREATE_IN_PROGRESS"
    world.run()
    assert world.status() == "CREATE_COMPLETE"


def test_tags_of_the_stack_reach_its_resources():
    """Documented: CloudFormation user guide, "Resource tag"."""
    world = World()
    body = template({"A": role(RoleName="a", Tags=[{"Key": "own", "Value": "1"}])})
    world.create(body, Tags=[{"Key": "team", "Value": "x"}])
    assert world.iam.roles["111111111111", "a"]["tags"] == {"team": "x", "own": "1"}


def test_termination_protection():
    """Documented: CloudFormation user guide, "Protect CloudFormation stacks from being deleted"."""
    world = World()
    world.create(template({"A": role()}), EnableTerminationProtection=True)
    assert "TerminationProtection is enabled" in refused(world, "DeleteStack", {"StackName": "one"}).message
    world.call("UpdateTerminationProtection", {"StackName": "one", "EnableTerminationProtection": False})
    world.delete()
    assert world.iam.roles == {}
