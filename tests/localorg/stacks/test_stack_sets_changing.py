"""What may be given of a stack set later or elsewhere: another permission model, lists of accounts in S3."""

import pytest
from stacks.organized import HUB, ONE, OTHER, REGIONS, ROOT, TWO, UPPER, Organized, refused
from stacks.test_changes import SmallS3, patient

from localorg.kernel.errors import AwsError

MODEL = "PermissionModel"
UPDATE = {"StackSetName": "set", "UsePreviousTemplate": True}


def test_a_set_without_instances_changes_its_permission_model():
    """Documented: CloudFormation API reference, UpdateStackSet PermissionModel: not while there are stack instances."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER)
    assert "there are stack instances" in refused(world, "UpdateStackSet", {**UPDATE, MODEL: "SELF_MANAGED"}).message
    world.deploy(UPPER, operation="DeleteStackInstances", RetainStacks=False)
    world.finish(world.call("UpdateStackSet", {**UPDATE, MODEL: "SELF_MANAGED"})["OperationId"])
    found = world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"]
    assert (found[MODEL], found["ExecutionRoleName"]) == ("SELF_MANAGED", "AWSCloudFormationStackSetExecutionRole")
    assert "AutoDeployment" not in found
    world.finish(world.call("UpdateStackSet", {**UPDATE, MODEL: "SERVICE_MANAGED"})["OperationId"])
    assert world.deploy(UPPER)["Status"] == "SUCCEEDED"


def test_a_member_gets_no_service_managed_set_by_a_change():
    """Documented: the management account or a delegated administrator: also for whoever changes a set of its own."""
    world = Organized()
    world.make_set(PermissionModel="SELF_MANAGED", caller=ONE)
    words = refused(world, "UpdateStackSet", {**UPDATE, MODEL: "SERVICE_MANAGED"}, ONE).message
    assert words.startswith("You must be the management account or delegated admin")


def test_a_refused_update_changes_nothing():
    """A request is kept whole or not at all (localorg's own rule)."""
    world = Organized()
    world.make_set(PermissionModel="SELF_MANAGED")
    before = world.call("DescribeStackSet", {"StackSetName": "set"})
    change = {"ExecutionRoleName": "other", "Description": "new", "AutoDeployment": {"Enabled": True}}
    refused(world, "UpdateStackSet", {**UPDATE, **change})
    change = {MODEL: "SERVICE_MANAGED", "AutoDeployment": {"Enabled": False, "RetainStacksOnAccountRemoval": True}}
    refused(world, "UpdateStackSet", {**UPDATE, **change})
    assert world.call("DescribeStackSet", {"StackSetName": "set"}) == before


class Listed(Organized):
    """A world with lists of accounts in a bucket."""

    def __init__(self) -> None:
        super().__init__()
        lists = {"some.csv": f"{ONE}, {TWO}\r\n", "lines.txt": f"{TWO}\n\n", "bad.txt": "12\nx", "empty.csv": "\n"}
        self.gateway.borrowed = SmallS3(self.kernel, {("bucket", name): text.encode() for name, text in lists.items()})

    def reach(self, url, operation="CreateStackInstances", **more):
        targets = {"OrganizationalUnitIds": [ROOT], "AccountFilterType": "INTERSECTION", "AccountsUrl": url}
        params = {"StackSetName": "set", "DeploymentTargets": {**targets, **more}, "Regions": REGIONS[:1]}
        return self.finish(patient(self, operation, params)["OperationId"])


@pytest.mark.parametrize("address", ["s3://bucket/", "https://bucket.s3.amazonaws.com/"])
def test_accounts_are_listed_in_a_file(address):
    """Documented: CloudFormation API reference, DeploymentTargets AccountsUrl: .csv or .txt, set apart by commas or new lines."""
    world = Listed()
    world.make_set()
    operation = world.reach(f"{address}some.csv")
    assert operation["DeploymentTargets"]["AccountsUrl"] == f"{address}some.csv"
    assert {account for account, _ in world.instances()} == {ONE, TWO}
    update = {**UPDATE, "Regions": REGIONS[:1], "DeploymentTargets": operation["DeploymentTargets"]}
    assert {who for who, _ in world.results(world.finish(patient(world, "UpdateStackSet", update)["OperationId"]))} == {ONE, TWO}
    patient(world, "DeleteStackInstances", {**deletion(f"{address}lines.txt"), "RetainStacks": False})
    world.run()
    assert {account for account, _ in world.instances()} == {ONE}


def deletion(url):
    targets = {"OrganizationalUnitIds": [OTHER], "AccountFilterType": "INTERSECTION", "AccountsUrl": url}
    return {"StackSetName": "set", "DeploymentTargets": targets, "Regions": REGIONS[:1]}


@pytest.mark.parametrize(
    ("url", "more", "words"),
    [
        ("s3://bucket/some.json", {}, "must name a .csv or .txt file"),
        ("https://example.com/some.csv", {}, "AccountsUrl must be a supported URL."),
        ("s3://bucket/none.csv", {}, "S3 error: The specified key does not exist."),
        ("s3://bucket/bad.txt", {}, "lists what is no account id: 12, x"),
        ("s3://bucket/empty.csv", {}, "lists no accounts"),
        ("s3://bucket/some.csv", {"Accounts": [HUB]}, "Accounts or AccountsUrl in DeploymentTargets, but not both"),
    ],
)
def test_lists_that_cannot_be(url, more, words):
    """Documented: the same page: either Accounts or AccountsUrl. Assumed: the words."""
    world = Listed()
    world.make_set()
    with pytest.raises(AwsError) as refusal:
        world.reach(url, **more)
    assert words in refusal.value.message
