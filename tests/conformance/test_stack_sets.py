"""CloudFormation StackSets: sets, their instances in members, their operations."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account, unique_name

ENDED = {"SUCCEEDED", "FAILED", "STOPPED"}
MEMBER_SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"
Params = dict[str, Any]


@dataclass
class Sets:
    """StackSets of the hub, and a set that is deployed to the member's unit."""

    hub: Account
    member: Account
    unit: str
    name: str = ""
    parameter: str = ""

    @property
    def api(self) -> Any:
        return self.hub.client("cloudformation")

    def targets(self, **more: Any) -> Params:
        return {"DeploymentTargets": {"OrganizationalUnitIds": [self.unit], **more}, "Regions": [self.hub.region]}

    def only_member(self) -> Params:
        return self.targets(AccountFilterType="INTERSECTION", Accounts=[self.member.id])

    def end(self, name: str, operation_id: str) -> Params:
        found: Params = eventually(
            lambda: self.api.describe_stack_set_operation(StackSetName=name, OperationId=operation_id)["StackSetOperation"],
            lambda operation: operation["Status"] in ENDED,
            300,
        )
        return found

    def instance(self, name: str = "") -> Params:
        where = {"StackInstanceAccount": self.member.id, "StackInstanceRegion": self.hub.region}
        found: Params = self.api.describe_stack_instance(StackSetName=name or self.name, **where)["StackInstance"]
        return found


def template(name: str) -> str:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": {"Ref": "Words"}}}
    return json.dumps({"Parameters": {"Words": {"Type": "String", "Default": "one"}}, "Resources": {"Text": parameter}})


@pytest.fixture(scope="module")
def sets(hub: Account, member: Account) -> Iterator[Sets]:
    """A set with one instance, in the member."""
    organizations = hub.client("organizations")
    parent = organizations.list_parents(ChildId=member.id)["Parents"][0]["Id"]
    made = Sets(hub, member, parent, unique_name("set"), unique_name("words"))
    tags = [{"Key": "team", "Value": "blue"}]
    common = {"PermissionModel": "SERVICE_MANAGED", "AutoDeployment": {"Enabled": False}, "Tags": tags}
    made.api.create_stack_set(StackSetName=made.name, TemplateBody=template(made.parameter), Description="words", **common)
    made.end(made.name, made.api.create_stack_instances(StackSetName=made.name, **made.only_member())["OperationId"])
    yield made
    made.end(
        made.name,
        made.api.delete_stack_instances(StackSetName=made.name, RetainStacks=False, **made.only_member())["OperationId"],
    )
    made.api.delete_stack_set(StackSetName=made.name)


@pytest.fixture
def empty(sets: Sets, unique: Callable[[str], str]) -> Iterator[str]:
    """A set without instances."""
    name = unique("empty")
    sets.api.create_stack_set(StackSetName=name, TemplateBody=template(name), PermissionModel="SERVICE_MANAGED", **AUTO_OFF)
    yield name
    sets.api.delete_stack_set(StackSetName=name)


AUTO_OFF: Params = {"AutoDeployment": {"Enabled": False}}


@documented("CloudFormation user guide, StackSets concepts, stack instances")
def test_an_instance_is_current_when_its_stack_is_made(sets: Sets) -> None:
    """A stack instance whose stack was made is CURRENT and SUCCEEDED, and names the unit it came by."""
    found = sets.instance()
    assert (found["Status"], found["StackInstanceStatus"]) == ("CURRENT", {"DetailedStatus": "SUCCEEDED"})
    assert found["OrganizationalUnitId"] == sets.unit
    assert found["DriftStatus"] == "NOT_CHECKED"


@documented("CloudFormation user guide, StackSets: stacks in target accounts are named StackSet-NAME-UUID")
def test_the_member_sees_a_stack_named_after_the_set(sets: Sets) -> None:
    """The member's own CloudFormation lists the stack, named StackSet-, the set's name and a UUID."""
    stack = sets.member.client("cloudformation").describe_stacks(StackName=sets.instance()["StackId"])["Stacks"][0]
    assert stack["StackName"].startswith(f"StackSet-{sets.name}-")
    assert sets.member.client("ssm").get_parameter(Name=sets.parameter)["Parameter"]["Value"] == "one"


@documented("API CreateStackSet, Tags")
def test_tags_of_a_set_are_on_its_stacks(sets: Sets) -> None:
    """Tags of a stack set are put on the stacks made from it."""
    stack = sets.member.client("cloudformation").describe_stacks(StackName=sets.instance()["StackId"])["Stacks"][0]
    assert {"Key": "team", "Value": "blue"} in stack["Tags"]


@observed("hashicorp/terraform-provider-aws issues 23464 and 30864")
def test_a_service_managed_set_names_roles_of_its_own(sets: Sets) -> None:
    """DescribeStackSet of a service-managed set names the service-linked role and stacksets-exec-*."""
    found = sets.api.describe_stack_set(StackSetName=sets.name)["StackSet"]
    assert found["AdministrationRoleARN"].endswith("/AWSServiceRoleForCloudFormationStackSetsOrgAdmin")
    assert found["ExecutionRoleName"].startswith("stacksets-exec-")
    sets.member.client("iam").get_role(RoleName=found["ExecutionRoleName"])


@documented("API StackSet")
def test_a_set_shows_units_regions_and_drift(sets: Sets) -> None:
    """DescribeStackSet shows targeted units, the Regions of instances, and that drift was never looked for."""
    found = sets.api.describe_stack_set(StackSetName=sets.name)["StackSet"]
    assert (found["OrganizationalUnitIds"], found["Regions"]) == ([sets.unit], [sets.hub.region])
    assert found["StackSetDriftDetectionDetails"]["DriftStatus"] == "NOT_CHECKED"
    assert (found["Status"], found["ManagedExecution"]) == ("ACTIVE", {"Active": False})


@documented("API StackSetName: the name or the unique ID")
def test_a_set_is_found_by_its_id(sets: Sets) -> None:
    """A stack set is found by NAME:UUID as by its name."""
    found = sets.api.describe_stack_set(StackSetName=sets.name)["StackSet"]
    again = sets.api.describe_stack_set(StackSetName=found["StackSetId"])["StackSet"]
    assert again["StackSetARN"] == found["StackSetARN"]
    assert found["StackSetARN"].endswith(f":{sets.hub.id}:stackset/{found['StackSetId']}")


@documented("API CreateStackInstances, DeploymentTargets, INTERSECTION")
def test_an_intersection_reaches_the_named_account_alone(sets: Sets) -> None:
    """INTERSECTION makes instances only in accounts that are named and are under the unit."""
    rows = sets.api.list_stack_instances(StackSetName=sets.name)["Summaries"]
    assert [row["Account"] for row in rows] == [sets.member.id]


@documented("API ListStackInstances, Filters")
@pytest.mark.parametrize(
    ("filters", "count"),
    [({"DETAILED_STATUS": "SUCCEEDED"}, 1), ({"DETAILED_STATUS": "FAILED"}, 0), ({"DRIFT_STATUS": "NOT_CHECKED"}, 1)],
)
def test_instances_are_filtered(sets: Sets, filters: dict[str, str], count: int) -> None:
    """ListStackInstances filters by detailed status and by drift status."""
    rows = [{"Name": name, "Values": value} for name, value in filters.items()]
    assert len(sets.api.list_stack_instances(StackSetName=sets.name, Filters=rows)["Summaries"]) == count


@documented("API ListStackInstances, LAST_OPERATION_ID")
def test_instances_are_found_by_their_last_operation(sets: Sets) -> None:
    """ListStackInstances finds the instances that an operation was the last to work on."""
    rows = [{"Name": "LAST_OPERATION_ID", "Values": sets.instance()["LastOperationId"]}]
    assert len(sets.api.list_stack_instances(StackSetName=sets.name, Filters=rows)["Summaries"]) == 1


@documented("API UpdateStackInstances, ParameterOverrides")
def test_an_override_outlives_an_update_of_the_set(sets: Sets) -> None:
    """An overridden value stays when the set's value changes, and an empty list of overrides gives it back."""
    value = sets.member.client("ssm")

    def override(*rows: Params) -> None:
        call = {"StackSetName": sets.name, "ParameterOverrides": list(rows), **sets.only_member()}
        sets.end(sets.name, sets.api.update_stack_instances(**call)["OperationId"])

    override({"ParameterKey": "Words", "ParameterValue": "mine"})
    update = {"StackSetName": sets.name, "UsePreviousTemplate": True}
    change = {"Parameters": [{"ParameterKey": "Words", "ParameterValue": "two"}]}
    assert sets.end(sets.name, sets.api.update_stack_set(**update, **change)["OperationId"])["Status"] == "SUCCEEDED"
    assert value.get_parameter(Name=sets.parameter)["Parameter"]["Value"] == "mine"
    override()
    assert value.get_parameter(Name=sets.parameter)["Parameter"]["Value"] == "two"
    back = {"Parameters": [{"ParameterKey": "Words", "ParameterValue": "one"}]}
    sets.end(sets.name, sets.api.update_stack_set(**update, **back)["OperationId"])


@documented("API StackSetOperation")
def test_an_operation_tells_its_action_and_preferences(sets: Sets) -> None:
    """DescribeStackSetOperation gives back action, preferences and targets, and counts failures."""
    preferences = {"FailureToleranceCount": 1, "MaxConcurrentCount": 2, "RegionConcurrencyType": "PARALLEL"}
    call = {"StackSetName": sets.name, "OperationPreferences": preferences, **sets.only_member()}
    found = sets.end(sets.name, sets.api.create_stack_instances(**call)["OperationId"])
    assert (found["Action"], found["Status"]) == ("CREATE", "SUCCEEDED")
    assert {key: found["OperationPreferences"][key] for key in preferences} == preferences
    assert found["DeploymentTargets"]["AccountFilterType"] == "INTERSECTION"
    assert found["StatusDetails"]["FailedStackInstancesCount"] == 0


@observed("StackSetOperationResultSummary of operations in accounts without the gate's function (CLI reference)")
def test_the_account_gate_is_skipped_without_its_function(sets: Sets) -> None:
    """AccountGateResult is SKIPPED where the account has no function AWSCloudFormationStackSetAccountGate."""
    where = {"StackSetName": sets.name, "OperationId": sets.instance()["LastOperationId"]}
    row = sets.api.list_stack_set_operation_results(**where)["Summaries"][0]
    assert (row["Account"], row["Region"], row["Status"]) == (sets.member.id, sets.hub.region, "SUCCEEDED")
    assert row["AccountGateResult"]["Status"] == "SKIPPED"
    assert "AWSCloudFormationStackSetAccountGate" in row["AccountGateResult"]["StatusReason"]


@documented("API DeleteStackSet, StackSetNotEmptyException")
def test_a_set_with_instances_is_not_deleted(sets: Sets) -> None:
    """A stack set that has instances is not deleted."""
    with refused("StackSetNotEmptyException"):
        sets.api.delete_stack_set(StackSetName=sets.name)


@documented("API CreateStackSet, NameAlreadyExistsException")
def test_a_name_is_taken_once(sets: Sets) -> None:
    """A living stack set's name is not given to another in its Region."""
    with refused("NameAlreadyExistsException"):
        sets.api.create_stack_set(
            StackSetName=sets.name, TemplateBody=template("x"), PermissionModel="SERVICE_MANAGED", **AUTO_OFF
        )


@documented("API DescribeStackInstance, StackInstanceNotFoundException")
def test_an_instance_that_is_not_there(sets: Sets) -> None:
    """DescribeStackInstance refuses an account and Region without an instance."""
    where = {"StackInstanceAccount": sets.member.id, "StackInstanceRegion": sets.hub.other_region}
    with refused("StackInstanceNotFoundException"):
        sets.api.describe_stack_instance(StackSetName=sets.name, **where)


@observed("OperationInProgressException of AWS, as Terraform's provider matches it")
def test_one_operation_at_a_time(sets: Sets) -> None:
    """A second operation is refused while one goes on, naming the set's ARN and the operation."""
    first = sets.api.update_stack_set(StackSetName=sets.name, UsePreviousTemplate=True)["OperationId"]
    with refused("OperationInProgressException", "Another Operation on StackSet arn:", first):
        sets.api.create_stack_instances(StackSetName=sets.name, **sets.only_member())
    sets.end(sets.name, first)


@documented("API UpdateStackSet, OperationIdAlreadyExistsException")
def test_an_operation_id_is_taken_once(sets: Sets, unique: Callable[[str], str]) -> None:
    """An operation id names one operation of a set."""
    mine = unique("operation")
    sets.end(
        sets.name, sets.api.update_stack_set(StackSetName=sets.name, UsePreviousTemplate=True, OperationId=mine)["OperationId"]
    )
    with refused("OperationIdAlreadyExistsException"):
        sets.api.update_stack_set(StackSetName=sets.name, UsePreviousTemplate=True, OperationId=mine)


@documented("API DescribeStackSetOperation, OperationNotFoundException")
def test_an_operation_that_is_not_there(sets: Sets) -> None:
    """DescribeStackSetOperation refuses an id that the set does not know."""
    with refused("OperationNotFoundException"):
        sets.api.describe_stack_set_operation(StackSetName=sets.name, OperationId="none")


@documented("API ListStackSetAutoDeploymentTargets")
def test_targets_of_auto_deployment_are_listed(sets: Sets) -> None:
    """ListStackSetAutoDeploymentTargets gives each targeted unit with its Regions."""
    rows = sets.api.list_stack_set_auto_deployment_targets(StackSetName=sets.name)["Summaries"]
    assert rows == [{"OrganizationalUnitId": sets.unit, "Regions": [sets.hub.region]}]


@documented("API StackSet, Status DELETED")
def test_a_deleted_set_is_read_by_id_only(sets: Sets, unique: Callable[[str], str]) -> None:
    """A deleted stack set is DELETED under its id and unknown under its name."""
    name = unique("gone")
    call = {"StackSetName": name, "TemplateBody": template(name), "PermissionModel": "SERVICE_MANAGED", **AUTO_OFF}
    stack_set_id = sets.api.create_stack_set(**call)["StackSetId"]
    sets.api.delete_stack_set(StackSetName=name)
    assert sets.api.describe_stack_set(StackSetName=stack_set_id)["StackSet"]["Status"] == "DELETED"
    with refused("StackSetNotFoundException"):
        sets.api.describe_stack_set(StackSetName=name)


@documented("API UpdateStackSet, AutoDeployment")
def test_auto_deployment_goes_with_no_targets(empty: str, sets: Sets) -> None:
    """UpdateStackSet takes AutoDeployment or targets, not both."""
    with refused("ValidationError"):
        sets.api.update_stack_set(StackSetName=empty, UsePreviousTemplate=True, **AUTO_OFF, **sets.targets())


@observed("hashicorp/terraform-provider-aws issue 35031")
def test_managed_execution_is_switched_alone(empty: str, sets: Sets) -> None:
    """ManagedExecution cannot be changed together with the template."""
    with refused("InvalidOperationException", "Cannot update ManagedExecution while updating StackSet Template or Parameters"):
        sets.api.update_stack_set(StackSetName=empty, TemplateBody=template("other"), ManagedExecution={"Active": True})


@assumed("AWS's own examples of update-stack-set switch settings without giving the set's parameters")
def test_settings_change_without_instances(empty: str, sets: Sets) -> None:
    """An update of AutoDeployment alone succeeds without results."""
    update = {"StackSetName": empty, "UsePreviousTemplate": True, "AutoDeployment": {"Enabled": True}}
    operation = sets.end(empty, sets.api.update_stack_set(**update)["OperationId"])
    where = {"StackSetName": empty, "OperationId": operation["OperationId"]}
    assert sets.api.list_stack_set_operation_results(**where)["Summaries"] == []
    assert sets.api.describe_stack_set(StackSetName=empty)["StackSet"]["AutoDeployment"]["Enabled"]
