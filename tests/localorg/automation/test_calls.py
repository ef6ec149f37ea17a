"""Actions that call APIs: executeAwsApi, wait, assert, runCommand; as whom, and what their failures say."""

import pytest
from automation.harness import HUB, REGION, Deny, Harness, book, output, script, step

API = {"Service": "sts", "Api": "GetCallerIdentity"}
ROLE = f"arn:aws:iam::{HUB}:role/Automation"
ROLED = {"assumeRole": "{{ Role }}", "parameters": {"Role": {"type": "String", "default": ""}}}


@pytest.mark.parametrize("api", ["GetCallerIdentity", "get_caller_identity"])
def test_an_api_is_called_by_either_name_and_its_answer_selected(api: str) -> None:
    """Documented: automation-action-executeAwsApi: "The name of the API operation or method"."""
    one = step("who", "aws:executeAwsApi", {"Service": "sts", "Api": api}, outputs=[output("arn", "$.Arn")])
    made = Harness().run(book(one, outputs=["who.arn"]))
    assert made["Outputs"] == {"who.arn": [f"arn:aws:iam::{HUB}:user/admin"]}


def test_calls_are_made_as_the_assumed_role() -> None:
    """Documented: automation-setup: the assume role acts instead of who started the runbook."""
    house = Harness()
    one = step("who", "aws:executeAwsApi", API, outputs=[output("arn", "$.Arn")])
    made = house.run(book(one, outputs=["who.arn"], **ROLED), Parameters={"Role": [ROLE]})
    assert made["Outputs"]["who.arn"][0].startswith(f"arn:aws:sts::{HUB}:assumed-role/Automation/Automation-")
    assert house.near.assumed[0] == ("ssm.amazonaws.com", ROLE)


def test_a_session_is_renewed_before_it_ends() -> None:
    """A run that is longer than its role's session goes on under a new one."""
    house = Harness()
    steps = [
        step("a", "aws:executeAwsApi", API),
        step("nap", "aws:sleep", {"Duration": "PT5H"}),
        step("b", "aws:executeAwsApi", API),
    ]
    made = house.run(book(*steps, **ROLED), Parameters={"Role": [ROLE]})
    assert made["AutomationExecutionStatus"] == "Success"
    assert len(house.near.assumed) == 2


def test_a_refused_call_fails_the_step_in_boto3_s_words() -> None:
    """Observed: "An error occurred (X) when calling the Y operation: ..." inside FailureMessage."""
    house = Harness(Deny(("sts:GetCallerIdentity", "")))
    made = house.run(book(step("who", "aws:executeAwsApi", API)))
    assert made["FailureMessage"].startswith(
        "Step fails when it is Execute/Cancelling action. "
        "An error occurred (AccessDeniedException) when calling the GetCallerIdentity operation: User:"
    )
    assert made["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"


def test_what_the_model_refuses_is_refused() -> None:
    """A wrong member is no silent success."""
    made = Harness().run(book(step("who", "aws:executeAwsApi", {**API, "Nonsense": "1"})))
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "Nonsense" in made["FailureMessage"]


LOOK = {"Service": "ssm", "Api": "ListCommands", "CommandId": "{{ send.CommandId }}", "PropertySelector": "$.Commands[0].Status"}
SEND = step(
    "send",
    "aws:executeAwsApi",
    {"Service": "ssm", "Api": "SendCommand", "DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-00000000000000001"]},
    outputs=[output("CommandId", "$.Command.CommandId"), output("at", "$.Command.RequestedDateTime")],
)


def test_wait_polls_until_the_property_is_as_desired() -> None:
    """Documented: automation-action-waitForAwsResourceProperty."""
    house = Harness()
    wait = step("wait", "aws:waitForAwsResourceProperty", {**LOOK, "DesiredValues": ["Success", "Failed"]})
    execution_id = house.start(book(SEND, wait, outputs=["send.at"]))
    house.pass_time(300)
    assert house.execution(execution_id)["CurrentStepName"] == "wait"
    house.near.end_command(*house.near.commands, "Failed")
    house.pass_time(10)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["Outputs"]["send.at"][0].endswith("Z")


def test_wait_gives_up_after_an_hour() -> None:
    """Documented: automation-action-waitForAwsResourceProperty: "The default timeout value for this action is 3600 seconds"."""
    house = Harness()
    wait = step("wait", "aws:waitForAwsResourceProperty", {**LOOK, "DesiredValues": ["Success"]})
    made = house.run(book(SEND, wait))
    assert made["AutomationExecutionStatus"] == "TimedOut"
    assert made["ExecutionEndTime"] - made["ExecutionStartTime"] == 3600


def test_assert_says_both_values() -> None:
    """Documented: automation-action-assertAwsResourceProperty; the words are assumed."""
    check = step("check", "aws:assertAwsResourceProperty", {**LOOK, "DesiredValues": ["Success"]})
    made = Harness().run(book(SEND, check))
    assert made["FailureMessage"].startswith(
        "Step fails when it is Poll action status for completion. "
        "Property $.Commands[0].Status has the value InProgress, which is none of the desired values: Success."
    )


RUN = step(
    "run",
    "aws:runCommand",
    {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-00000000000000001"], "Parameters": {"commands": "ls"}},
)


def test_run_command_waits_for_the_command() -> None:
    """Documented: automation-action-runcommand: outputs CommandId, Status, ResponseCode, Output."""
    house = Harness()
    execution_id = house.start(book(RUN, outputs=["run.Status", "run.Output", "run.ResponseCode"]))
    house.pass_time(500)
    assert house.execution(execution_id)["AutomationExecutionStatus"] == "InProgress"
    house.near.end_command(*house.near.commands, "Success")
    house.pass_time(0)
    made = house.execution(execution_id)
    assert made["Outputs"] == {"run.Status": ["Success"], "run.Output": ["out\nnode-token-42"], "run.ResponseCode": ["0"]}
    assert house.near.sent[0][1]["Parameters"] == {"commands": ["ls"]}


def test_run_command_fails_with_the_command() -> None:
    """Observed: "Step fails when it is verifying the command has completed. Command ... returns unexpected invocation result: ..."."""
    house = Harness()
    execution_id = house.start(book(RUN))
    house.pass_time(5)
    house.near.end_command(*house.near.commands, "Failed")
    house.pass_time(0)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "verifying the command has completed. Command 00000000-" in made["FailureMessage"]
    assert "ResponseCode=[9], Output=[out\nnode-token-42]" in made["FailureMessage"]


def test_the_caller_must_be_allowed_to_pass_the_role() -> None:
    """Documented: automation-setup-iam: iam:PassRole on the assume role."""
    guard = Deny(("iam:PassRole", "role/Automation"))
    house = Harness(guard)
    with pytest.raises(
        Exception, match=r"not authorized to perform: iam:PassRole on resource: arn:aws:iam::111111111111:role/Automation"
    ):
        house.start(book(step("who", "aws:executeAwsApi", API), **ROLED), Parameters={"Role": [ROLE]})
    passed = [access for access in guard.asked if access.action == "iam:PassRole"]
    assert dict(passed[0].context) == {"iam:PassedToService": "ssm.amazonaws.com"}


def test_a_role_that_cannot_be_assumed_refuses_the_start() -> None:
    """Observed: InvalidAutomationExecutionParametersException, "The defined assume role is unable to be assumed."."""
    house = Harness()
    house.near.missing_roles.add(ROLE)
    with pytest.raises(
        Exception, match=r"InvalidAutomationExecutionParametersException: The defined assume role is unable to be assumed\."
    ):
        house.start(book(step("who", "aws:executeAwsApi", API), **ROLED), Parameters={"Role": [ROLE]})


@pytest.mark.parametrize(
    ("reading", "resources"),
    [
        ("document", ["document/Runbook", "automation-execution/*"]),
        ("either", ["document/Runbook", "automation-execution/*"]),
        ("definition", ["automation-definition/Runbook:$DEFAULT"]),
    ],
)
def test_starting_needs_the_runbook(reading: str, resources: list[str]) -> None:
    """Documented: user guide, automation-setup-identity-based-policies; before, Service Authorization Reference."""
    guard = Deny()
    house = Harness(guard, readings={"start-automation-resources": reading})
    house.start(book(step("who", "aws:executeAwsApi", API)))
    asked = list(dict.fromkeys(access.resource for access in guard.asked if access.action == "ssm:StartAutomationExecution"))
    assert asked == [f"arn:aws:ssm:{REGION}:{HUB}:{resource}" for resource in resources]


def test_an_older_policy_still_starts() -> None:
    """Assumed: where the document is not allowed, the automation-definition alone will do."""
    guard = Deny(("ssm:StartAutomationExecution", "document/"))
    Harness(guard).start(book(step("who", "aws:executeAwsApi", API)))
    asked = [access.resource for access in guard.asked if access.action == "ssm:StartAutomationExecution"]
    assert asked[-1].endswith("automation-definition/Runbook:$DEFAULT")


def test_scripts_get_the_role_s_credentials_or_none() -> None:
    """Documented: automation-action-executeScript: AWS calls in a script need an assume role."""
    house = Harness()
    house.run(book(script("one", "return {}"), **ROLED))
    house.run(book(script("one", "return {}"), **ROLED), Parameters={"Role": [ROLE]})
    without, with_role = (job.credentials for job in house.scripts.jobs)
    assert without is None
    assert with_role is not None
    assert with_role["AccessKeyId"] == "ASIA000000000000"
