"""Service control policies: made, attached, and how many there must and may be."""

import json

import pytest
from organization.world import DEEP, LOWER, ONE, OTHER, ROOT, UPPER, World

from localorg.kernel.store import Store

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
DENY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]})


def made(world, name="deny", content=DENY, **more):
    params = {"Name": name, "Description": "", "Type": SCP, "Content": content, **more}
    return world.call("CreatePolicy", params)["Policy"]["PolicySummary"]["Id"]


def attached(world, target):
    return [row["Id"] for row in world.call("ListPoliciesForTarget", {"TargetId": target, "Filter": SCP})["Policies"]]


def test_an_attached_policy_governs_everything_below():
    """Documented: Organizations user guide, "SCP evaluation"."""
    world = World()
    policy = made(world)
    world.call("AttachPolicy", {"PolicyId": policy, "TargetId": LOWER})
    levels = world.organization.control_policies(DEEP)
    assert [[one.policy_id for one in level] for level in levels] == [[FULL], [FULL], [FULL, policy], [FULL]]
    assert levels[2][1].content == DENY
    assert levels[2][1].arn == f"arn:aws:organizations::111111111111:policy/o-localorg01/service_control_policy/{policy}"
    assert all(len(level) == 1 for level in world.organization.control_policies(ONE))


def test_the_last_policy_stays():
    """Documented: Organizations API reference, DetachPolicy: every root, OU and account must have at least one SCP."""
    world = World()
    refusal = world.refused("DetachPolicy", {"PolicyId": FULL, "TargetId": ONE})
    assert refusal.members == {"Reason": "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"}
    policy = made(world)
    world.call("AttachPolicy", {"PolicyId": policy, "TargetId": ONE})
    world.call("DetachPolicy", {"PolicyId": FULL, "TargetId": ONE})
    assert attached(world, ONE) == [policy]
    assert world.refused("DetachPolicy", {"PolicyId": FULL, "TargetId": ONE}).code == "PolicyNotAttachedException"


def test_five_policies_on_one_target():
    """Documented: Organizations quotas, maximum attached to one OU: 5 SCPs."""
    world = World()
    for number in range(4):
        world.call("AttachPolicy", {"PolicyId": made(world, f"p{number}"), "TargetId": UPPER})
    refusal = world.refused("AttachPolicy", {"PolicyId": made(world, "sixth"), "TargetId": UPPER})
    assert refusal.members == {"Reason": "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"}


def test_what_cannot_be_attached_or_deleted():
    """Documented: Organizations API reference, the errors of AttachPolicy, DeletePolicy, UpdatePolicy."""
    world = World()
    policy = made(world)
    world.call("AttachPolicy", {"PolicyId": policy, "TargetId": ROOT})
    assert world.refused("AttachPolicy", {"PolicyId": policy, "TargetId": ROOT}).code == "DuplicatePolicyAttachmentException"
    assert world.refused("AttachPolicy", {"PolicyId": policy, "TargetId": "9" * 12}).code == "TargetNotFoundException"
    assert world.refused("AttachPolicy", {"PolicyId": "p-00000000", "TargetId": ROOT}).code == "PolicyNotFoundException"
    assert world.refused("DeletePolicy", {"PolicyId": policy}).code == "PolicyInUseException"
    assert world.refused("UpdatePolicy", {"PolicyId": FULL, "Name": "mine"}).members == {"Reason": "IMMUTABLE_POLICY"}
    targets = world.call("ListTargetsForPolicy", {"PolicyId": policy})["Targets"]
    assert [(row["TargetId"], row["Name"], row["Type"]) for row in targets] == [(ROOT, "Root", "ROOT")]
    world.call("DetachPolicy", {"PolicyId": policy, "TargetId": ROOT})
    world.call("DeletePolicy", {"PolicyId": policy})
    assert world.refused("DescribePolicy", {"PolicyId": policy}).code == "PolicyNotFoundException"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("[]", "MalformedPolicyDocumentException"),
        (DENY.replace("2012", "2008"), "MalformedPolicyDocumentException"),
        ('{"Statement": []}', "MalformedPolicyDocumentException"),
        (json.dumps({"Statement": [{"Sid": "x" * 5120}]}), "ConstraintViolationException"),
    ],
)
def test_a_document_is_checked_when_it_comes(content, code):
    """Documented: Organizations API reference, CreatePolicy; quotas: 5,120 bytes."""
    world = World()
    params = {"Name": "bad", "Description": "", "Type": SCP, "Content": content}
    assert world.refused("CreatePolicy", params).code == code
    assert world.refused("UpdatePolicy", {"PolicyId": made(world), "Content": content}).code == code


def test_names_are_unique_and_an_update_keeps_the_rest():
    """Documented: Organizations API reference, DuplicatePolicyException, UpdatePolicy."""
    world = World()
    policy = made(world, Description="about")
    assert world.refused("CreatePolicy", {"Name": "deny", "Description": "", "Type": SCP, "Content": DENY}).code == (
        "DuplicatePolicyException"
    )
    changed = world.call("UpdatePolicy", {"PolicyId": policy, "Name": "other"})["Policy"]
    assert (changed["PolicySummary"]["Name"], changed["PolicySummary"]["Description"], changed["Content"]) == (
        "other",
        "about",
        DENY,
    )


def test_a_type_that_is_disabled_governs_nobody_and_comes_back_empty():
    """Documented: Organizations user guide, "Disabling a policy type": re-enabled, everything has only FullAWSAccess."""
    world = World()
    policy = made(world)
    world.call("AttachPolicy", {"PolicyId": policy, "TargetId": ONE})
    kind = {"RootId": ROOT, "PolicyType": SCP}
    assert world.call("DisablePolicyType", kind)["Root"]["PolicyTypes"] == []
    assert world.organization.control_policies(ONE) == ()
    assert world.refused("AttachPolicy", {"PolicyId": policy, "TargetId": ONE}).code == "PolicyTypeNotEnabledException"
    assert world.refused("DisablePolicyType", kind).code == "PolicyTypeNotEnabledException"
    assert world.call("EnablePolicyType", kind)["Root"]["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    assert attached(world, ONE) == attached(world, OTHER) == [FULL]
    assert world.refused("EnablePolicyType", kind).code == "PolicyTypeAlreadyEnabledException"


def test_other_types_are_refused_by_name():
    """Assumed: localorg's own limit; nobody here would obey a tag policy."""
    world = World()
    for operation, params in (
        ("EnablePolicyType", {"RootId": ROOT, "PolicyType": "TAG_POLICY"}),
        ("CreatePolicy", {"Name": "tags", "Description": "", "Type": "TAG_POLICY", "Content": DENY}),
    ):
        refusal = world.refused(operation, params)
        assert refusal.code == "NotImplemented"
        assert "_POLICY" in refusal.message


def test_resource_control_policies_stand_beside():
    """Documented: Organizations user guide, "Resource control policies": RCPFullAWSAccess is on everything and cannot be detached."""
    world, full = World(), "p-RCPFullAWSAccess"
    assert world.organization.control_policies(ONE, RCP) == ()
    world.call("EnablePolicyType", {"RootId": ROOT, "PolicyType": RCP})
    policy = made(world, "rcp", Type=RCP)
    world.call("AttachPolicy", {"PolicyId": policy, "TargetId": ONE})
    assert [one.policy_id for one in world.organization.control_policies(ONE, RCP)[-1]] == [full, policy]
    assert attached(world, ONE) == [FULL]
    detach = {"PolicyId": full, "TargetId": ONE}
    assert world.refused("DetachPolicy", detach).members == {"Reason": "NON_DETACHABLE_POLICY"}
    world.call("DisablePolicyType", {"RootId": ROOT, "PolicyType": RCP})
    assert attached(world, ONE) == [FULL]
    world.call("DeletePolicy", {"PolicyId": policy})


def test_policies_outlive_the_server(tmp_path):
    """Assumed: localorg's own rule, rows are the truth."""
    store = Store(tmp_path / "rows.sqlite")
    world = World(store=store)
    policy = made(world)
    world.call("AttachPolicy", {"PolicyId": policy, "TargetId": ONE})
    world.call("DetachPolicy", {"PolicyId": FULL, "TargetId": ONE})
    world.kernel.step()
    store.close()
    assert attached(World(store=Store(tmp_path / "rows.sqlite")), ONE) == [policy]
