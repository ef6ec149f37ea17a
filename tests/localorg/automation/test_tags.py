"""Tags of automation executions through Systems Manager's own tag operations."""

import pytest
from automation.harness import HUB, REGION, Harness

from localorg.kernel.errors import AwsError
from localorg.protocol.tagging import Tagging


@pytest.fixture
def on():
    local = Harness()
    local.gateway.add(Tagging(local.automation.tagged()).operations())
    return local


def test_five_tags_and_no_more(on):
    """Documented: API AddTagsToResource: automations can have a maximum of 5 tags; the filter TagKey finds them."""
    runbook = {"schemaVersion": "0.3", "mainSteps": [{"name": "w", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}]}
    execution = {"ResourceType": "Automation", "ResourceId": on.start(runbook)}
    on.call("AddTagsToResource", **execution, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(5)])
    with pytest.raises(AwsError, match="TooManyTagsError: .* would have 6 tags; at most 5 are possible"):
        on.call("AddTagsToResource", **execution, Tags=[{"Key": "one more", "Value": ""}])
    found = on.call("DescribeAutomationExecutions", Filters=[{"Key": "TagKey", "Values": ["k3"]}])
    assert len(found["AutomationExecutionMetadataList"]) == 1
    on.call("RemoveTagsFromResource", **execution, TagKeys=["k3"])
    assert len(on.call("ListTagsForResource", **execution)["TagList"]) == 4


def test_an_execution_that_is_not_there(on):
    """Documented: API InvalidResourceId."""
    with pytest.raises(AwsError, match=f"InvalidResourceId: {HUB} has no automation e in {REGION}"):
        on.call("ListTagsForResource", ResourceType="Automation", ResourceId="e")


@pytest.mark.parametrize(
    ("keys", "words"), [(["aws:x"], "aws: prefixed tag key names are not allowed"), (["a", "a"], "Duplicate tag keys")]
)
def test_tags_at_the_start_are_held_to_the_same_rules(on, keys, words):
    """Documented: "Tag naming limits and requirements"."""
    runbook = {"schemaVersion": "0.3", "mainSteps": [{"name": "w", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}]}
    with pytest.raises(AwsError, match=words):
        on.start(runbook, Tags=[{"Key": key, "Value": ""} for key in keys])
