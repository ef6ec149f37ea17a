"""Stacks, associations and uploads through real boto3 clients: what is sent, and what each answer comes to."""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from csd.aws.associations import KEPT, find_association, follow, put_association, runs
from csd.aws.deployment import read_tags
from csd.aws.identity import Principal
from csd.aws.stacks import deploy_stack
from csd.errors import AwsRefused, CsdInputError
from csd.solution.names import HUB_DOCUMENT
from csd_fakes.aws import Told

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = "12345678-1234-1234-1234-123456789012"
RUN, OLD = "87654321-1234-1234-1234-123456789012", "00000000-1234-1234-1234-123456789012"


def stack(status: str, **more: Any) -> dict[str, Any]:
    return {"Stacks": [{"StackName": "csd", "CreationTime": NOW, "StackStatus": status, **more}]}


def event(number: int, resource: str, status: str, reason: str = "") -> dict[str, Any]:
    told = {"ResourceStatusReason": reason} if reason else {}
    base = {"StackId": "s", "EventId": str(number), "StackName": "csd", "Timestamp": NOW}
    return base | {"LogicalResourceId": resource, "ResourceStatus": status, **told}


def deploy(told: Told, lines: list[str]) -> dict[str, str]:
    return deploy_stack(told.principal(), "csd", "https://template", {"A": "b"}, lines.append)


def test_a_new_stack() -> None:
    """Documented: DescribeStacks says ValidationError for a stack that is not there. Progress is told, outputs returned."""
    told, lines = Told(), []
    told.refuse("cloudformation", "describe_stacks", "ValidationError", "Stack with id csd does not exist")
    expected = {
        "StackName": "csd", "TemplateURL": "https://template", "OnFailure": "ROLLBACK", "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [{"ParameterKey": "A", "ParameterValue": "b"}],
    }  # fmt: skip
    told.answer("cloudformation", "create_stack", {"StackId": "s"}, expected)
    told.answer("cloudformation", "describe_stacks", stack("CREATE_COMPLETE", Outputs=[{"OutputKey": "Arn", "OutputValue": "a"}]))
    events = [event(2, "csd", "CREATE_COMPLETE"), event(1, "Role", "CREATE_COMPLETE")]
    told.answer("cloudformation", "describe_stack_events", {"StackEvents": events})
    assert deploy(told, lines) == {"Arn": "a"}
    assert lines == ["stack csd: creating", "Role: CREATE_COMPLETE", "csd: CREATE_COMPLETE"]
    told.all_asked()


def test_tags_are_sent_where_they_are_given() -> None:
    """Documented: UpdateStack: without Tags, a stack keeps those that it has."""
    for tags, sent in ((None, {}), ({"owner": "me"}, {"Tags": [{"Key": "owner", "Value": "me"}]})):
        told = Told()
        told.answer("cloudformation", "describe_stacks", stack("CREATE_COMPLETE"))
        told.answer("cloudformation", "describe_stack_events", {"StackEvents": []})
        base = {"StackName": "csd", "TemplateURL": "u", "Capabilities": ["CAPABILITY_NAMED_IAM"], "Parameters": []}
        told.answer("cloudformation", "update_stack", {"StackId": "s"}, base | sent)
        told.answer("cloudformation", "describe_stacks", stack("UPDATE_COMPLETE"))
        told.answer("cloudformation", "describe_stack_events", {"StackEvents": []})
        deploy_stack(told.principal(), "csd", "u", {}, lambda _: None, tags=tags)
        told.all_asked()
    assert read_tags(["owner=me", "note=a=b", "empty="]) == {"owner": "me", "note": "a=b", "empty": ""}
    with pytest.raises(CsdInputError, match=r"'owner' has no value.*Write KEY=VALUE"):
        read_tags(["owner", "a=b"])


def test_an_unchanged_stack() -> None:
    """Documented: UpdateStack: no updates are to be performed. That is no failure."""
    told, lines = Told(), []
    told.answer("cloudformation", "describe_stacks", stack("CREATE_COMPLETE", Outputs=[{"OutputKey": "Arn", "OutputValue": "a"}]))
    told.answer("cloudformation", "describe_stack_events", {"StackEvents": []})
    told.refuse("cloudformation", "update_stack", "ValidationError", "No updates are to be performed.")
    assert deploy(told, lines) == {"Arn": "a"}
    assert lines == ["stack csd: nothing to change"]


def test_a_failed_stack_says_why() -> None:
    """CloudFormation's own reasons, without those who were merely cancelled with it."""
    told = Told()
    told.refuse("cloudformation", "describe_stacks", "ValidationError", "Stack with id csd does not exist")
    told.answer("cloudformation", "create_stack", {"StackId": "s"})
    told.answer("cloudformation", "describe_stacks", stack("ROLLBACK_COMPLETE"))
    failed = event(2, "MemberRoles", "CREATE_FAILED", "trusted access is not enabled")
    cancelled = event(3, "Role", "CREATE_FAILED", "Resource creation cancelled")
    told.answer("cloudformation", "describe_stack_events", {"StackEvents": [cancelled, failed]})
    with pytest.raises(AwsRefused, match=r"ROLLBACK_COMPLETE: MemberRoles: trusted access is not enabled$"):
        deploy(told, [])


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback"),
    ],
)
def test_a_stack_that_cannot_be_updated(status: str, remedy: str) -> None:
    """What to do is said before anything is asked for."""
    told = Told()
    told.answer("cloudformation", "describe_stacks", stack(status))
    told.answer("cloudformation", "describe_stack_events", {"StackEvents": []})
    with pytest.raises(CsdInputError, match=f"{status} and cannot be updated.* {remedy} --stack-name csd"):
        deploy(told, [])


def test_an_update_sends_everything_again() -> None:
    """Documented: UpdateAssociation API: what is left out is forgotten."""
    told = Told()
    held: dict[str, Any] = {
        "AssociationId": ID, "AssociationName": "csd-association", "Name": HUB_DOCUMENT, "ScheduleExpression": "rate(1 day)",
        "DocumentVersion": "$DEFAULT", "ComplianceSeverity": "HIGH", "ApplyOnlyAtCronInterval": False, "Targets": [],
        "Overview": {"Status": "Success"}, "Parameters": {"name": ["old"]},
    }  # fmt: skip
    told.answer("ssm", "list_associations", {"Associations": [{"AssociationId": ID, "AssociationName": "csd-association"}]})
    told.answer("ssm", "describe_association", {"AssociationDescription": held})
    expected = {
        "AssociationId": ID, "AssociationName": "csd-association", "Name": HUB_DOCUMENT, "ScheduleExpression": "rate(1 day)",
        "DocumentVersion": "$DEFAULT", "ComplianceSeverity": "HIGH", "ApplyOnlyAtCronInterval": False, "Parameters": {"name": ["new"]},
    }  # fmt: skip
    told.answer("ssm", "update_association", {"AssociationDescription": {}}, expected)
    principal = told.principal()
    found = find_association(principal, "csd-association")
    assert put_association(principal, "csd-association", found, {"name": ["new"]}, "") == ID
    told.all_asked()


def test_no_association_is_none() -> None:
    """A name that only begins alike is another's."""
    told = Told()
    told.answer("ssm", "list_associations", {"Associations": [{"AssociationId": ID, "AssociationName": "csd-association-2"}]})
    assert find_association(told.principal(), "csd-association") is None


def test_an_update_keeps_all_that_aws_lets_be_kept() -> None:
    """Documented: UpdateAssociation: what is left out is forgotten. Nothing that the newest API describes is."""
    service = botocore.session.get_session().get_service_model("ssm")
    taken = set(service.operation_model("UpdateAssociation").input_shape.members)
    described = set(service.shape_for("AssociationDescription").members)
    assert set(KEPT) == taken & described - {"AssociationId", "AssociationVersion", "Parameters"}


def test_the_run_that_is_followed_is_the_new_one() -> None:
    """The run that was there before is not mistaken for the one just started."""
    told, lines = Told(), []
    told.answer("ssm", "describe_automation_executions", {"AutomationExecutionMetadataList": [{"AutomationExecutionId": OLD}]})
    both = {"AutomationExecutionMetadataList": [{"AutomationExecutionId": OLD}, {"AutomationExecutionId": RUN}]}
    told.answer("ssm", "describe_automation_executions", both)
    steps = [{"StepName": "resolveTargets", "StepStatus": "Success"}, {"StepName": "distribute", "StepStatus": "Failed"}]
    run = {
        "AutomationExecutionId": RUN,
        "AutomationExecutionStatus": "Failed",
        "FailureMessage": "token-4711",
        "StepExecutions": steps,
    }
    told.answer("ssm", "get_automation_execution", {"AutomationExecution": run}, {"AutomationExecutionId": RUN})
    principal = told.principal()
    assert follow(principal, ID, runs(principal), lines.append)["FailureMessage"] == "token-4711"
    assert lines == [f"run {RUN} has begun", "resolveTargets: Success", "distribute: Failed"]


def test_the_partition_is_the_callers() -> None:
    """Nothing assumes which partition it is in."""
    assert Told().principal().role_arn("X") == "arn:aws-us-gov:iam::111111111111:role/X"


UNREACHED = [
    ({"AWS_REGION": "us east"}, r"could not be asked: InvalidRegionError: .*'us east'"),
    ({"AWS_ENDPOINT_URL": "nonsense"}, r"could not be asked: ValueError: Invalid endpoint: nonsense"),
    ({"AWS_PROFILE": "nobody"}, r"could not be asked: ProfileNotFound: .*nobody"),
    ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, r"EndpointConnectionError: .*127\.0\.0\.1:1.*AWS_ENDPOINT_URL"),
    ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, r"NoCredentialsError: .*Sign in .*AWS_PROFILE"),
]


@pytest.mark.parametrize(("settings", "said"), UNREACHED, ids=["region", "endpoint", "profile", "nobody listens", "no keys"])
def test_what_stops_a_call_before_aws_answers(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str) -> None:
    """One message with the next step, whatever botocore raises; a wrong setting is no crash."""
    usual = {
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_CONFIG_FILE": "/nonexistent",
    }  # fmt: skip
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in (usual | settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsRefused, match=said):
        Principal.of_environment()


def test_a_distribution_before_the_deployment_is_told_of_it() -> None:
    """Documented: CreateAssociation says InvalidDocument. The next step stands behind AWS's sentence."""
    told = Told()
    told.refuse("ssm", "create_association", "InvalidDocument", "Document with name X does not exist.")
    with pytest.raises(AwsRefused, match=r"does not exist\. Deploy the solution in this account and Region first: csd deploy\.$"):
        put_association(told.principal(), "csd-association", None, {}, "")
