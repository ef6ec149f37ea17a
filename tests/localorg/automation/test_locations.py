"""Multi-account, multi-Region runs: pairs, roles, limits, failures, both readings of where a runbook is looked up."""

from typing import Any

import pytest
from automation.harness import HUB, REGION, Harness, book, output, script, statuses, step

ROLE = f"arn:aws:iam::{HUB}:role/Hub"
MEMBER = book(
    script(
        "work",
        "return {'done': events['where']}",
        {"where": "{{ global:ACCOUNT_ID }} {{ global:REGION }}"},
        outputs=[output("done", "$.Payload.done")],
    ),
    outputs=["work.done"],
    assumeRole="{{ Role }}",
    parameters={"Role": {"type": "String", "default": ""}},
)
FAILING = {
    **MEMBER,
    "mainSteps": [
        script(
            "work",
            "if events['a'].startswith('3'): raise RuntimeError('token-7f3a on ' + events['a'])\nreturn {'done': ''}",
            {"a": "{{ global:ACCOUNT_ID }}"},
            outputs=[output("done", "$.Payload.done")],
        )
    ],
}
A, B, C = "222222222222", "333333333333", "444444444444"


def house_of(**settings: Any) -> Harness:
    house = Harness(**settings)
    house.near.children = {"ou-abcd-11111111": ([A], ["ou-abcd-22222222"]), "ou-abcd-22222222": ([B, C], [])}
    return house


def location(*accounts: str, regions: tuple[str, ...] = (REGION,), **more: Any) -> dict[str, Any]:
    return {"Accounts": list(accounts), "Regions": list(regions), "ExecutionRoleName": "Member", **more}


def run(house: Harness, content: dict[str, Any], *locations: dict[str, Any]) -> dict[str, Any]:
    return house.run(content, TargetLocations=list(locations), Parameters={"Role": [ROLE]})


def test_one_step_per_account_and_region() -> None:
    """Documented: running-automations-multiple-accounts-regions; the step's name is observed on a public screenshot."""
    house = house_of()
    made = run(house, MEMBER, location(A, B, regions=("us-east-1", "eu-west-1"), TargetLocationMaxConcurrency="10"))
    assert made["AutomationExecutionStatus"] == "Success"
    assert statuses(made) == dict.fromkeys([f"{A}_us-east-1", f"{A}_eu-west-1", f"{B}_us-east-1", f"{B}_eu-west-1"], "Success")
    assert made["ProgressCounters"] == {
        "TotalSteps": 4,
        "SuccessSteps": 4,
        "FailedSteps": 0,
        "CancelledSteps": 0,
        "TimedOutSteps": 0,
    }
    one = made["StepExecutions"][1]
    assert one["Action"] == "aws:executeAutomation"
    child_id = one["Outputs"]["ExecutionId"][0]
    child = house.execution(child_id, house.account_admin(A), "eu-west-1")
    assert child["Outputs"] == {"work.done": [f"{A} eu-west-1"]}
    assert child["ParentAutomationExecutionId"] == made["AutomationExecutionId"]
    assert child["ExecutedBy"].startswith(f"arn:aws:sts::{A}:assumed-role/Member/")


def test_the_role_chain_is_service_hub_member() -> None:
    """Documented: the hub's role is assumed by Automation, the member's role by the hub's. Observed: the member's acts."""
    house = house_of()
    run(house, MEMBER, location(A))
    assert house.near.assumed[0] == ("ssm.amazonaws.com", ROLE)
    assert {role for _, role in house.near.assumed} == {ROLE, f"arn:aws:iam::{A}:role/Member"}
    credentials = house.scripts.jobs[0].credentials
    assert credentials is not None
    assert house.near.sessions[credentials["AccessKeyId"]].role_arn == f"arn:aws:iam::{A}:role/Member"


def test_children_are_seen_in_their_own_account_only() -> None:
    """Documented: running-automations-multiple-accounts-regions: the hub's parent shows only id and status of each child."""
    house = house_of()
    run(house, MEMBER, location(A))
    hub = house.call("DescribeAutomationExecutions")["AutomationExecutionMetadataList"]
    member = house.call("DescribeAutomationExecutions", house.account_admin(A))["AutomationExecutionMetadataList"]
    assert [one["AutomationType"] for one in hub] == ["CrossAccount"]
    assert [one["AutomationType"] for one in member] == ["Local"]


@pytest.mark.parametrize(
    ("more", "accounts"),
    [
        ({}, [A]),
        ({"IncludeChildOrganizationUnits": True}, [A, B, C]),
        ({"IncludeChildOrganizationUnits": True, "ExcludeAccounts": [B]}, [A, C]),
    ],
)
def test_ous_are_resolved_as_asked(more: dict[str, Any], accounts: list[str]) -> None:
    """Documented: API TargetLocation: not recursive unless IncludeChildOrganizationUnits; ExcludeAccounts takes ids and OUs."""
    made = run(house_of(), MEMBER, location("ou-abcd-11111111", **more))
    assert [one["StepName"] for one in made["StepExecutions"]] == [f"{account}_{REGION}" for account in accounts]


def test_an_unknown_ou_fails_the_run_with_the_reason() -> None:
    """What Organizations says is what the run says."""
    made = run(house_of(), MEMBER, location("ou-abcd-99999999"))
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "ParentNotFoundException" in made["FailureMessage"]


def test_a_failing_member_is_a_failed_step_in_its_own_words() -> None:
    """Assumed: with no more failures than MaxErrors the run as a whole is a Success."""
    made = run(house_of(), FAILING, location(A, B, C, TargetLocationMaxErrors="1"))
    assert statuses(made) == {f"{A}_{REGION}": "Success", f"{B}_{REGION}": "Failed", f"{C}_{REGION}": "Success"}
    assert "RuntimeError: token-7f3a on 333333333333" in made["StepExecutions"][1]["FailureMessage"]
    assert made["AutomationExecutionStatus"] == "Success"


def test_the_other_reading_of_tolerated_failures() -> None:
    """Assumed: a setting makes the run Failed as soon as one member failed."""
    house = house_of(readings={"errors-within-threshold": "Failed"})
    assert run(house, FAILING, location(A, B, TargetLocationMaxErrors="1"))["AutomationExecutionStatus"] == "Failed"


def test_error_n_plus_1_stops_further_starts() -> None:
    """Documented: API StartAutomationExecution, MaxErrors: 0 stops on the first error."""
    made = run(house_of(), FAILING, location(B, A, C))
    assert statuses(made) == {f"{B}_{REGION}": "Failed", f"{A}_{REGION}": "Cancelled", f"{C}_{REGION}": "Cancelled"}
    assert made["AutomationExecutionStatus"] == "Failed"
    assert f"3 of 3 account-Region pairs did not succeed. {B}_{REGION}: Automation execution " in made["FailureMessage"]
    assert "RuntimeError: token-7f3a on 333333333333" in made["FailureMessage"]


def test_a_missing_execution_role_is_a_failed_step() -> None:
    """The text of AccessDenied reaches the step."""
    house = house_of()
    house.near.missing_roles.add(f"arn:aws:iam::{B}:role/Member")
    made = run(house, MEMBER, location(A, B, TargetLocationMaxErrors="1"))
    assert (
        "An error occurred (AccessDeniedException) when calling the AssumeRole operation: User: arn:aws:sts::111111111111:assumed-role/Hub/"
        in made["StepExecutions"][1]["FailureMessage"]
    )


def test_no_more_than_the_concurrency_run_at_once() -> None:
    """Documented: API TargetLocation, TargetLocationMaxConcurrency counts account-Region pairs."""
    house = house_of()
    slow = book(step("nap", "aws:sleep", {"Duration": "PT10M"}), assumeRole="{{ Role }}", parameters=MEMBER["parameters"])
    house.document(slow)
    execution_id = house.start(
        slow, TargetLocations=[location(A, B, C, TargetLocationMaxConcurrency="2")], Parameters={"Role": [ROLE]}
    )
    house.pass_time(60)
    assert list(statuses(house.execution(execution_id)).values()) == ["InProgress", "InProgress", "Pending"]
    house.pass_time(560)
    assert list(statuses(house.execution(execution_id)).values()) == ["Success", "Success", "InProgress"]


def test_strict_lookup_wants_the_runbook_shared_in_the_region() -> None:
    """Assumed reading "strict": the member must be able to read the hub's document in its Region, else its step fails."""
    house = house_of(readings={"runbook-lookup": "strict"})
    place = location(A, regions=("eu-west-1",), TargetLocationMaxErrors="1")
    made = run(house, MEMBER, place)
    assert (
        "An error occurred (AutomationDefinitionNotFoundException) when calling the StartAutomationExecution"
        in made["StepExecutions"][0]["FailureMessage"]
    )
    house.document(MEMBER, region="eu-west-1")
    house.near.shared.add((HUB, "eu-west-1", "Runbook"))
    assert run(house, MEMBER, place)["AutomationExecutionStatus"] == "Success"


def test_execute_automation_waits_for_a_multi_account_run() -> None:
    """Documented: automation-action-executeAutomation, TargetLocations; outputs ExecutionId, Status, Output."""
    house = house_of()
    house.document(FAILING, "Member")
    spread = step(
        "spread",
        "aws:executeAutomation",
        {
            "DocumentName": "Member",
            "RuntimeParameters": {"Role": ["{{ Role }}"]},
            "TargetLocations": [location(A, B, ExcludeAccounts="{{ Not }}")],
        },
        onFailure="step:judge",
        isCritical=False,
    )
    judge = script(
        "judge",
        "return {'id': events['id']}",
        {"id": "{{ spread.ExecutionId }}"},
        outputs=[output("id", "$.Payload.id")],
        isEnd=True,
    )
    parameters = {"Role": {"type": "String"}, "Not": {"type": "StringList", "default": [C]}}
    made = house.run(
        book(spread, judge, assumeRole="{{ Role }}", parameters=parameters, outputs=["judge.id"]), Parameters={"Role": [ROLE]}
    )
    assert made["AutomationExecutionStatus"] == "Success"
    parent = house.execution(made["Outputs"]["judge.id"][0])
    assert parent["ParentAutomationExecutionId"] == made["AutomationExecutionId"]
    assert "token-7f3a" in made["StepExecutions"][0]["FailureMessage"]


def test_stopping_a_parent_stops_its_children() -> None:
    """Assumed: a cancel reaches the members that are at work; the others are never started."""
    house = house_of()
    slow = book(step("nap", "aws:sleep", {"Duration": "PT10M"}))
    execution_id = house.start(slow, TargetLocations=[location(A, B)])
    house.pass_time(10)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    house.pass_time(10)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Cancelled"
    assert set(statuses(made).values()) == {"Cancelled"}
