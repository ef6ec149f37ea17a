"""What associations came to on a node, as DescribeInstanceInformation sums it up."""

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.kernel.store import Store

ONE = "i-00000000000000001"
PLACE = {"account": ACCOUNT, "region": REGION, "instance_id": ONE}


def told(local, association, status, *, executed=None, **more):
    fact = {**PLACE, "association_id": association, "name": f"doc-{association}", "status": status, "executed": executed, **more}
    local.kernel.publish("node.association-status", fact)
    local.pass_time(0)


def shown(local, **params):
    listed = local.call("DescribeInstanceInformation", **params)["InstanceInformationList"]
    return {name: value for name, value in listed[0].items() if "Association" in name} if listed else None


@pytest.fixture
def local():
    harness = Harness()
    harness.node(1)
    harness.pass_time(1)
    return harness


def test_a_node_without_associations_shows_none(local):
    """Assumed: AWS leaves the members out until an association ran."""
    assert shown(local) == {}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["Success", "Success"], "Success"),
        (["Success", "Pending"], "Pending"),
        (["InProgress"], "Pending"),
        (["Success", "Failed", "Pending"], "Failed"),
        (["TimedOut"], "Failed"),
        (["Skipped", "Success"], "Success"),
    ],
)
def test_the_worst_association_names_the_node(local, statuses, expected):
    """Assumed: Failed before Pending before Success; the three words are documented (filter AssociationStatus)."""
    for number, status in enumerate(statuses):
        told(local, f"a{number}", status)
    assert shown(local)["AssociationStatus"] == expected
    found = shown(local, Filters=[{"Key": "AssociationStatus", "Values": [expected]}])
    assert found["AssociationOverview"]["DetailedStatus"] == expected
    others = [word for word in ("Success", "Pending", "Failed") if word != expected]
    assert shown(local, Filters=[{"Key": "AssociationStatus", "Values": others}]) is None


def test_counts_and_dates(local):
    """Documented: aws CLI example of describe-instance-information: AssociationOverview counts by status."""
    told(local, "a", "Success", executed=100.0)
    told(local, "b", "Success", executed=200.0)
    told(local, "b", "Failed", executed=300.0)
    assert shown(local) == {
        "AssociationStatus": "Failed",
        "LastAssociationExecutionDate": 300.0,
        "LastSuccessfulAssociationExecutionDate": 200.0,
        "AssociationOverview": {
            "DetailedStatus": "Failed",
            "InstanceAssociationStatusAggregatedCount": {"Success": 1, "Failed": 1},
        },
    }


def test_an_association_that_goes_leaves_nothing(local):
    """Assumed: what an association that is gone came to no longer counts."""
    told(local, "a", "Failed")
    local.kernel.publish("node.association-gone", {**PLACE, "association_id": "a"})
    local.pass_time(0)
    assert shown(local) == {}


def test_states_outlive_a_restart(tmp_path):
    """Assumed: localorg's own promise: rows are the truth."""
    first = Harness(store=Store(tmp_path / "rows"))
    first.node(1)
    told(first, "a", "Success", executed=7.0)
    first.store.close()
    again = Harness(store=Store(tmp_path / "rows"))
    assert shown(again)["LastAssociationExecutionDate"] == 7.0
