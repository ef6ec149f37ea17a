"""Out of failures: rollbacks that fail and go on, updates that are cancelled, stacks left as they failed, policies, tokens."""

import json

import pytest
from stacks.world import HUB, NAMED, World, role, template

from localorg.kernel.errors import AwsError

DENIED = AwsError("AccessDenied", "no", 403)
OLD = template({"A": role(RoleName="a", Description="old"), "B": role(RoleName="b", Description="old")})
NEW = template({"A": role(RoleName="a", Description="new"), "B": {**role(RoleName="b", Description="new"), "DependsOn": "A"}})
DOCUMENT = {"Type": "AWS::SSM::Document", "Properties": {"Name": "Doc", "Content": {"schemaVersion": "2.2"}}}


def refused(world, operation, params):
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params)
    return refusal.value


def described(world, name):
    return world.iam.roles[HUB, name]["Description"]


class Moody:
    """IAM's UpdateRole, which refuses descriptions: `new` of role b always, `old` of role a as long as `stubborn`."""

    def __init__(self, world):
        self.world, self.stubborn = world, True
        world.iam.update = self

    def __call__(self, request, params):
        if (params["RoleName"], params["Description"]) == ("b", "new"):
            raise DENIED
        if self.stubborn and (params["RoleName"], params["Description"]) == ("a", "old"):
            raise DENIED
        self.world.iam.find(request, params).update(params)
        return {}


def stuck():
    world = World()
    world.create(OLD)
    moody = Moody(world)
    rows = [one for one in world.iam.operations() if one.name == "UpdateRole"]
    world.gateway._operations["iam", "UpdateRole"] = rows[0]
    assert world.update(NEW) == "UPDATE_ROLLBACK_FAILED"
    assert world.stack()["StackStatusReason"] == "The following resource(s) failed to update: [A]"
    return world, moody


def test_a_rollback_that_failed_goes_on():
    """Documented: CloudFormation user guide, "Continue rolling back an update": once the cause is gone, the same rollback succeeds."""
    world, moody = stuck()
    assert "can not be updated" in refused(world, "UpdateStack", {"StackName": "one", "TemplateBody": OLD}).message
    moody.stubborn = False
    world.call("ContinueUpdateRollback", {"StackName": "one"})
    assert world.status() == "UPDATE_ROLLBACK_IN_PROGRESS"
    world.run()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert described(world, "a") == "old"
    assert "can not continue update rollback" in refused(world, "ContinueUpdateRollback", {"StackName": "one"}).message


def test_a_rollback_that_fails_again_can_skip_what_fails():
    """Documented: CloudFormation API reference, ContinueUpdateRollback, ResourcesToSkip: they become UPDATE_COMPLETE, as they are."""
    world, _ = stuck()
    world.call("ContinueUpdateRollback", {"StackName": "one"})
    world.run()
    assert world.status() == "UPDATE_ROLLBACK_FAILED"
    told = refused(world, "ContinueUpdateRollback", {"StackName": "one", "ResourcesToSkip": ["B"]}).message
    assert "not in the UPDATE_FAILED state because a rollback failed: [B]" in told
    assert "do not exist" in refused(world, "ContinueUpdateRollback", {"StackName": "one", "ResourcesToSkip": ["Z"]}).message
    world.call("ContinueUpdateRollback", {"StackName": "one", "ResourcesToSkip": ["A"]})
    world.run()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert described(world, "a") == "new"
    rows = {
        row["LogicalResourceId"]: row["ResourceStatus"]
        for row in world.call("DescribeStackResources", {"StackName": "one"})["StackResources"]
    }
    assert rows["A"] == "UPDATE_COMPLETE"
    world.delete()
    assert world.iam.roles == {}


def test_a_stuck_rollback_survives_a_restart():
    """Assumed: localorg's own rule, rows are the truth: what a rollback still has to do outlives the process."""
    world, _ = stuck()
    again = World(world.kernel.store, world.iam, world.ssm, world.kernel.now())
    again.iam.update = type(again.iam).update.__get__(again.iam)
    again.gateway._operations["iam", "UpdateRole"] = next(one for one in again.iam.operations() if one.name == "UpdateRole")
    again.stacks.resume()
    again.call("ContinueUpdateRollback", {"StackName": "one"})
    again.run()
    assert (again.status(), described(again, "a")) == ("UPDATE_ROLLBACK_COMPLETE", "old")


def test_an_update_left_as_it_failed_is_rolled_back_on_demand():
    """Documented: CloudFormation API reference, RollbackStack: from UPDATE_FAILED to the last known stable state."""
    world = World()
    world.create(OLD)
    world.iam.roles[HUB, "taken"] = {"policies": {}, "attached": [], "tags": {}}
    bad = {"Bad": {**role(RoleName="taken"), "DependsOn": ["A", "B"]}}
    body = json.dumps({"Resources": {**json.loads(NEW)["Resources"], **bad}})
    assert world.update(body, DisableRollback=True) == "UPDATE_FAILED"
    assert (described(world, "a"), described(world, "b")) == ("new", "new")
    assert world.update(body.replace('"new"', '"newer"'), DisableRollback=True) == "UPDATE_FAILED"
    assert described(world, "a") == "newer"
    world.call("RollbackStack", {"StackName": "one"})
    world.run()
    assert (world.status(), described(world, "a")) == ("UPDATE_ROLLBACK_COMPLETE", "old")
    assert world.call("GetTemplate", {"StackName": "one"})["TemplateBody"] == OLD
    assert "can not be rolled back" in refused(world, "RollbackStack", {"StackName": "one"}).message


def test_a_failed_resource_is_tried_again():
    """Documented: CloudFormation user guide, "Stack failure options": fix the cause and update the stack again."""
    world = World()
    world.create(OLD)
    world.iam.refused["UpdateRole"] = DENIED
    assert world.update(NEW, DisableRollback=True) == "UPDATE_FAILED"
    world.iam.refused.clear()
    assert world.update(NEW, DisableRollback=True) == "UPDATE_COMPLETE"
    assert described(world, "a") == "new"


@pytest.mark.parametrize(("flag", "left"), [({}, {"kept", "taken"}), ({"RetainExceptOnCreate": True}, {"taken"})])
def test_a_creation_left_as_it_failed_is_rolled_back_on_demand(flag, left):
    """Documented: CloudFormation API reference, RollbackStack from CREATE_FAILED; RetainExceptOnCreate."""
    world = World()
    world.iam.roles[HUB, "taken"] = {"policies": {}, "attached": [], "tags": {}}
    kept = {**role(RoleName="kept"), "DeletionPolicy": "Retain"}
    body = template({"Kept": kept, "Bad": {**role(RoleName="taken"), "DependsOn": "Kept"}})
    assert world.create(body, DisableRollback=True) == "CREATE_FAILED"
    world.call("RollbackStack", {"StackName": "one", **flag})
    world.run()
    assert world.status() == "ROLLBACK_COMPLETE"
    assert {name for _, name in world.iam.roles} == left


def test_an_update_can_be_cancelled():
    """Documented: CloudFormation API reference, CancelUpdateStack: the update stops and rolls back."""
    world = World()
    world.create(OLD)
    assert "cannot be called from current stack status" in refused(world, "CancelUpdateStack", {"StackName": "one"}).message
    world.ssm.creating = 10_000
    body = json.dumps({"Resources": {**json.loads(NEW)["Resources"], "D": DOCUMENT}})
    world.call("UpdateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": NAMED})
    world.run(5)
    assert world.status() == "UPDATE_IN_PROGRESS"
    world.call("CancelUpdateStack", {"StackName": "one"})
    world.run()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert (described(world, "a"), world.ssm.documents) == ("old", {})
    assert "Resource creation cancelled" in world.reasons()
    rolling = [
        row
        for row in world.call("DescribeStackEvents", {"StackName": "one"})["StackEvents"]
        if row["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    ]
    assert rolling[0]["ResourceStatusReason"] == "User Initiated"


def test_a_creation_has_its_time():
    """Documented: CloudFormation API reference, CreateStack TimeoutInMinutes."""
    world = World()
    world.ssm.creating = 10_000
    assert world.create(template({"D": DOCUMENT}), TimeoutInMinutes=2) == "ROLLBACK_COMPLETE"
    assert "Stack creation time exceeded the specified timeout. Rollback requested by user." in world.reasons()
    assert world.stack()["TimeoutInMinutes"] == 2
    assert world.ssm.documents == {}


def test_a_stack_that_is_being_made_can_be_deleted():
    """Observed: CloudFormation accepts DeleteStack while CREATE_IN_PROGRESS, and refuses it while UPDATE_IN_PROGRESS."""
    world = World()
    world.ssm.creating = 10_000
    stack_id = world.call("CreateStack", {"StackName": "one", "TemplateBody": template({"D": DOCUMENT})})["StackId"]
    world.run(5)
    world.delete()
    assert (world.status(stack_id), world.ssm.documents) == ("DELETE_COMPLETE", {})
    world.create(OLD)
    world.call("UpdateStack", {"StackName": "one", "TemplateBody": NEW, "Capabilities": NAMED})
    told = refused(world, "DeleteStack", {"StackName": "one"}).message
    assert told == "Stack [one] cannot be deleted while in status UPDATE_IN_PROGRESS"


def test_a_deletion_by_force_leaves_what_cannot_be_deleted():
    """Documented: CloudFormation API reference, DeleteStack DeletionMode: only for DELETE_FAILED; what fails is left behind."""
    world = World()
    world.create(OLD)
    stack_id = world.stack()["StackId"]
    force = {"StackName": "one", "DeletionMode": "FORCE_DELETE_STACK"}
    assert "can only be used on a stack in DELETE_FAILED state" in refused(world, "DeleteStack", force).message
    world.iam.refused["DeleteRole"] = AwsError("DeleteConflict", "in use", 409)
    world.delete()
    assert world.status() == "DELETE_FAILED"
    world.call("DeleteStack", force)
    world.run()
    assert world.status(stack_id) == "DELETE_COMPLETE"
    assert world.stack(stack_id)["DeletionMode"] == "FORCE_DELETE_STACK"
    assert ("A", "DELETE_SKIPPED") in world.story(stack_id)


def policy(*statements):
    return json.dumps({"Statement": [{"Principal": "*", **one} for one in statements]})


PROTECTS_A = policy(
    {"Effect": "Allow", "Action": "Update:*", "Resource": "*"},
    {"Effect": "Deny", "Action": ["Update:Modify", "Update:Delete"], "Resource": "LogicalResourceId/A"},
)


def test_a_stack_policy_protects_resources():
    """Documented: CloudFormation user guide, stack policies: a denied update fails and rolls back; an override holds for one update."""
    world = World()
    world.create(OLD, StackPolicyBody=PROTECTS_A)
    assert world.call("GetStackPolicy", {"StackName": "one"})["StackPolicyBody"] == PROTECTS_A
    assert world.update(NEW) == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        "Action denied by stack policy: Statement [#1] does not allow [Update:Modify] for resource [LogicalResourceId/A]"
        in world.reasons()
    )
    without = template({"B": role(RoleName="b", Description="old")})
    assert world.update(without) == "UPDATE_ROLLBACK_COMPLETE"
    assert {name for _, name in world.iam.roles} == {"a", "b"}
    override = policy({"Effect": "Allow", "Action": "Update:*", "Resource": "*"})
    assert world.update(NEW, StackPolicyDuringUpdateBody=override) == "UPDATE_COMPLETE"
    world.call(
        "SetStackPolicy",
        {"StackName": "one", "StackPolicyBody": policy({"Effect": "Allow", "Action": "Update:Delete", "Resource": "*"})},
    )
    assert world.update(OLD) == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        "Action denied by stack policy: no statement allows [Update:Modify] for resource [LogicalResourceId/A]" in world.reasons()
    )


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Effect": "Allow", "Action": "Update:*", "Resource": "*", "Principal": "me"}, "Principal supports only *"),
        ({"Effect": "Maybe", "Action": "Update:*", "Resource": "*"}, "Effect is Allow or Deny"),
        ({"Effect": "Deny", "Action": "Update:Paint", "Resource": "*"}, "unknown action Update:Paint"),
        ({"Effect": "Deny", "Action": "Update:*", "Resource": "A"}, "a resource is * or LogicalResourceId/NAME"),
        ({"Effect": "Deny", "Action": "Update:*"}, "either Resource or NotResource is needed"),
        ({"Effect": "Deny", "Action": "Update:*", "Resource": "*", "Condition": {"Bool": {}}}, "a condition asks with"),
    ],
)
def test_what_is_no_stack_policy(statement, words):
    """Documented: CloudFormation user guide, the elements of a stack policy. Assumed: the sentences."""
    world = World()
    world.create(OLD)
    refusal = refused(world, "SetStackPolicy", {"StackName": "one", "StackPolicyBody": policy(statement)})
    assert refusal.code == "ValidationError"
    assert words in refusal.message


def test_a_request_with_a_token_has_one_effect():
    """Documented: CloudFormation API reference, ClientRequestToken: a retried request does not start the operation again."""
    world = World()
    params = {"StackName": "one", "TemplateBody": OLD, "Capabilities": NAMED, "ClientRequestToken": "first"}
    first = world.call("CreateStack", params)["StackId"]
    assert world.call("CreateStack", params)["StackId"] == first
    assert refused(world, "CreateStack", {**params, "DisableRollback": True}).code == "TokenAlreadyExistsException"
    world.run()
    update = {**params, "TemplateBody": NEW, "ClientRequestToken": "second"}
    world.call("UpdateStack", update)
    world.run()
    assert world.call("UpdateStack", update)["StackId"] == first
    assert world.status() == "UPDATE_COMPLETE"
    events = world.call("DescribeStackEvents", {"StackName": "one"})["StackEvents"]
    assert {row["ClientRequestToken"] for row in events} == {"first", "second"}
    assert len({row["OperationId"] for row in events}) == 2


def test_deleted_stacks_are_remembered_for_ninety_days():
    """Documented: CloudFormation API reference, ListStacks and DescribeStacks: by id, for 90 days after the deletion."""
    world = World()
    world.create(OLD)
    stack_id = world.stack()["StackId"]
    world.delete()
    world.run(89 * 86_400)
    assert world.status(stack_id) == "DELETE_COMPLETE"
    world.run(2 * 86_400)
    assert refused(world, "DescribeStacks", {"StackName": stack_id}).message == f"Stack with id {stack_id} does not exist"
    assert world.call("ListStacks")["StackSummaries"] == []


def test_members_of_requests_are_never_ignored():
    """Assumed: localorg's own rule: what is not acted on, or contradicts something else, is refused by name."""
    world = World()
    world.create(OLD)
    assert (
        "DeploymentConfig"
        in refused(world, "RollbackStack", {"StackName": "one", "DeploymentConfig": {"Mode": "EXPRESS"}}).message
    )
    both = {"StackName": "one", "PhysicalResourceId": "a"}
    assert "but not both" in refused(world, "DescribeStackResources", both).message
    for operation, params in (
        ("EstimateTemplateCost", {"TemplateBody": OLD}),
        ("SignalResource", {"StackName": "one", "LogicalResourceId": "A", "UniqueId": "u", "Status": "SUCCESS"}),
    ):
        assert f"cloudformation:{operation}" in refused(world, operation, params).message


def test_what_failed_is_told_to_be_brought_back():
    """Documented: CloudFormation user guide, a failed update: a resource that failed is UPDATE_COMPLETE again after the rollback."""
    world = World()
    world.create(template({"A": role(RoleName="a")}))
    world.iam.refused["UpdateRole"] = AwsError("ServiceFailure", "not now")
    assert world.update(template({"A": role(RoleName="a", Description="new")})) == "UPDATE_ROLLBACK_COMPLETE"
    told = [status for name, status in world.story() if name == "A"]
    assert told[-4:] == ["UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert [row["OperationType"] for row in world.stack()["LastOperations"]] == ["UPDATE_STACK", "CREATE_STACK"]


@pytest.mark.parametrize(
    ("keys", "words"), [(["a", "a"], r"Duplicate tag keys found: \[a\]"), (["aws:x"], "not allowed for external use")]
)
def test_tags_that_cannot_be(keys, words):
    """Documented: API reference, Tag: the prefix aws: is kept for AWS; a resource has a key once."""
    tags = [{"Key": key, "Value": "v"} for key in keys]
    with pytest.raises(AwsError, match=words):
        World().create(template({"A": role(RoleName="a")}), Tags=tags)
