"""Automation over many targets in one account: targets, limits, what parents and children show, tokens, tags, lists, stops."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account, unique_name

ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
RUNBOOK = {
    "schemaVersion": "0.3",
    "parameters": {
        "Id": {"type": "String", "allowedPattern": "[a-z0-9-]*"},
        "Nap": {"type": "String", "default": "PT1S"},
    },
    "mainSteps": [{"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Nap }}"}}],
}
INVALID = "InvalidAutomationExecutionParametersException"


@pytest.fixture(scope="module")
def runbook(member: Account) -> Iterator[str]:
    """A runbook of the member whose target parameter is Id."""
    name, ssm = unique_name("scale"), member.client("ssm")
    ssm.create_document(
        Name=name,
        DocumentType="Automation",
        DocumentFormat="JSON",
        Content=json.dumps(RUNBOOK),
        TargetType="/AWS::EC2::Instance",
    )
    yield name
    ssm.delete_document(Name=name)


def over(*values: str, key: str = "ParameterValues") -> dict[str, Any]:
    return {"TargetParameterName": "Id", "Targets": [{"Key": key, "Values": list(values)}]}


def start(account: Account, runbook: str, **params: Any) -> str:
    return str(account.client("ssm").start_automation_execution(DocumentName=runbook, **params)["AutomationExecutionId"])


def shown(account: Account, execution_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = account.client("ssm").get_automation_execution(AutomationExecutionId=execution_id)
    found: dict[str, Any] = answer["AutomationExecution"]
    return found


def ended(account: Account, execution_id: str) -> dict[str, Any]:
    def over_yet(one: dict[str, Any]) -> bool:
        return one["AutomationExecutionStatus"] in ENDED

    found: dict[str, Any] = eventually(lambda: shown(account, execution_id), over_yet, 60)
    return found


def listed(account: Account, **filters: str) -> list[dict[str, Any]]:
    wanted = [{"Key": key, "Values": [value]} for key, value in filters.items()]
    found: list[dict[str, Any]] = account.client("ssm").describe_automation_executions(Filters=wanted)[
        "AutomationExecutionMetadataList"
    ]
    return found


@documented("user guide, running-automations-map-targets")
def test_target_parameter_names_are_case_sensitive(member: Account, runbook: str) -> None:
    """A TargetParameterName that the runbook does not define exactly so is refused."""
    with refused(INVALID):
        start(member, runbook, **{**over("a"), "TargetParameterName": "id"})


@documented("API StartAutomationExecution, TargetParameterName")
def test_targets_need_their_parameter(member: Account, runbook: str) -> None:
    """Targets without a TargetParameterName are refused."""
    with refused(INVALID):
        start(member, runbook, Targets=over("a")["Targets"])


@documented("API StartAutomationExecution, TargetMaps")
def test_targets_and_maps_exclude_each_other(member: Account, runbook: str) -> None:
    """Targets and TargetMaps cannot be given together."""
    with refused(INVALID):
        start(member, runbook, **over("a"), TargetMaps=[{"Id": ["b"]}])


@documented("API AutomationTargets, at most one target")
def test_two_targets_are_refused(member: Account, runbook: str) -> None:
    """StartAutomationExecution takes one target."""
    targets = [{"Key": f"tag:{name}", "Values": ["1"]} for name in "ab"]
    with refused("ValidationException"):
        start(member, runbook, TargetParameterName="Id", Targets=targets)


@observed("public reports of StartAutomationExecution; there with two tags, before the API took one target only")
def test_two_groups_are_refused(member: Account, runbook: str) -> None:
    """One resource group can be targeted at a time."""
    with refused(INVALID, "Only one resource group or tag can be specified at a time"):
        start(member, runbook, **over("a", "b", key="ResourceGroup"))


@documented("API TargetValues; user guide, running-automations-map-targets")
def test_fifty_one_values_are_refused(member: Account, runbook: str) -> None:
    """A target has at most 50 parameter values."""
    with refused("ValidationException"):
        start(member, runbook, **over(*(f"v{number}" for number in range(51))))


@documented("API TargetMaps")
def test_three_hundred_and_one_maps_are_refused(member: Account, runbook: str) -> None:
    """There are at most 300 target maps."""
    with refused("ValidationException"):
        start(member, runbook, TargetMaps=[{"Id": [f"v{number}"]} for number in range(301)])


@pytest.mark.parametrize(("name", "value"), [("MaxConcurrency", "0"), ("MaxConcurrency", "101%"), ("MaxErrors", "-1")])
@documented("API MaxConcurrency, MaxErrors")
def test_limits_have_a_pattern(member: Account, runbook: str, name: str, value: str) -> None:
    """MaxConcurrency is 1 or more or 1 to 100 percent, MaxErrors 0 or more."""
    with refused("ValidationException"):
        start(member, runbook, **over("a"), **{name: value})


@observed("a public report of StartAutomationExecution with a key that it did not know")
def test_an_unknown_target_key_is_refused(member: Account, runbook: str) -> None:
    """A target key that Automation does not know is an InvalidAutomationExecutionParametersException."""
    with refused("InvalidAutomationExecutionParametersException", "Target key can have only following values"):
        start(member, runbook, **over("*", key="Instances"))


@documented("user guide, running-automations-scale, the answer of GetAutomationExecution")
def test_a_parent_shows_a_step_per_target(member: Account, runbook: str) -> None:
    """A rate-controlled automation has one executeAutomation step per target, named like it."""
    made = ended(member, start(member, runbook, **over("a", "b"), MaxConcurrency="2", MaxErrors="1"))
    assert made["AutomationExecutionStatus"] == "Success"
    assert [(one["StepName"], one["Action"]) for one in made["StepExecutions"]] == [
        ("a", "aws:executeAutomation"),
        ("b", "aws:executeAutomation"),
    ]
    assert made["StepExecutions"][0]["Inputs"] == {"Id": "a"}
    assert made["ResolvedTargets"] == {"ParameterValues": ["a", "b"], "Truncated": False}
    assert (made["TargetParameterName"], made["MaxConcurrency"], made["MaxErrors"]) == ("Id", "2", "1")


@documented("user guide, running-automations-map-targets; API AutomationExecutionMetadata")
def test_each_target_has_a_child(member: Account, runbook: str) -> None:
    """Every target is a Local automation of its own with Target and ParentAutomationExecutionId, found by ParentExecutionId."""
    parent = start(member, runbook, **over("a", "b"))
    ended(member, parent)
    children = listed(member, ParentExecutionId=parent)
    assert sorted(one["Target"] for one in children) == ["a", "b"]
    assert {(one["AutomationType"], one["ParentAutomationExecutionId"]) for one in children} == {("Local", parent)}


@documented("user guide, running-automations-map-targets, TargetMaps")
def test_maps_fill_several_parameters(member: Account, runbook: str) -> None:
    """A target map gives its child the parameters that it names."""
    maps = [{"Id": ["a"], "Nap": ["PT1S"]}, {"Id": ["b"], "Nap": ["PT2S"]}]
    parent = start(member, runbook, TargetParameterName="Id", TargetMaps=maps)
    ended(member, parent)
    found = [shown(member, one["AutomationExecutionId"])["Parameters"] for one in listed(member, ParentExecutionId=parent)]
    assert sorted((one["Id"][0], one["Nap"][0]) for one in found) == [("a", "PT1S"), ("b", "PT2S")]


@documented("API StartAutomationExecution, MaxErrors")
def test_no_tolerated_error_stops_at_the_first(member: Account, runbook: str) -> None:
    """With MaxErrors 0 nothing more is started after the first error."""
    made = ended(member, start(member, runbook, **over("NOT-ALLOWED", "b", "c"), MaxConcurrency="1", MaxErrors="0"))
    assert made["AutomationExecutionStatus"] == "Failed"
    assert ["ExecutionStartTime" in one for one in made["StepExecutions"]] == [True, False, False]


@documented("API StartAutomationExecution, MaxErrors")
def test_one_tolerated_error_lets_the_rest_run(member: Account, runbook: str) -> None:
    """With MaxErrors 1 the targets after the first error are run."""
    made = ended(member, start(member, runbook, **over("NOT-ALLOWED", "b"), MaxConcurrency="1", MaxErrors="1"))
    assert [one["StepStatus"] for one in made["StepExecutions"]] == ["Failed", "Success"]


@documented("user guide, running-automations-map-targets, Targeting a tag")
def test_a_tag_finds_instances(member: Account, runbook: str, node: str) -> None:
    """A tag target finds the instances that have it."""
    tag = unique_name("tag")
    member.client("ec2").create_tags(Resources=[node], Tags=[{"Key": tag, "Value": "yes"}])
    try:
        made = ended(member, start(member, runbook, **over("yes", key=f"tag:{tag}")))
    finally:
        member.client("ec2").delete_tags(Resources=[node], Tags=[{"Key": tag}])
    assert made["ResolvedTargets"]["ParameterValues"] == [node]


@documented("user guide, running-automations-map-targets, Targeting all managed Amazon EC2 instances; API Target")
@pytest.mark.parametrize("key", ["InstanceIds", "AWS::EC2::Instance"])
def test_a_star_finds_every_managed_instance(member: Account, runbook: str, node: str, key: str) -> None:
    """InstanceIds=* and AWS::EC2::Instance=* find the managed instances of the account and Region."""
    made = ended(member, start(member, runbook, **over("*", key=key), MaxConcurrency="100%"))
    assert node in made["ResolvedTargets"]["ParameterValues"]


@assumed("the guide says that the automation fails where a group does not exist, but not whether at once")
def test_a_missing_group_fails_the_run(member: Account, runbook: str) -> None:
    """A run over a resource group that does not exist ends as Failed."""
    assert (
        ended(member, start(member, runbook, **over("conf-nobody", key="ResourceGroup")))["AutomationExecutionStatus"] == "Failed"
    )


@documented("API StartAutomationExecution, Tags; API ListTagsForResource")
def test_five_tags_are_kept(member: Account, runbook: str) -> None:
    """An automation starts with up to five tags, which ListTagsForResource shows for the type Automation."""
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(5)]
    execution_id = start(member, runbook, Parameters={"Id": ["a"]}, Tags=tags)
    ssm = member.client("ssm")
    assert ssm.list_tags_for_resource(ResourceType="Automation", ResourceId=execution_id)["TagList"] == tags
    with refused("ValidationException"):
        start(member, runbook, Parameters={"Id": ["a"]}, Tags=[*tags, {"Key": "k5", "Value": "v"}])


@documented("API StartAutomationExecution, ClientToken and IdempotentParameterMismatch")
def test_a_token_starts_once(member: Account, runbook: str) -> None:
    """The same ClientToken gives the same automation, and other parameters with it are refused."""
    token = str(uuid.uuid4())
    first = start(member, runbook, Parameters={"Id": ["a"]}, ClientToken=token)
    assert start(member, runbook, Parameters={"Id": ["a"]}, ClientToken=token.upper()) == first
    with refused("IdempotentParameterMismatch"):
        start(member, runbook, Parameters={"Id": ["b"]}, ClientToken=token)


@documented("API StopAutomationExecution")
def test_a_cancelled_parent_ends_as_cancelled(member: Account, runbook: str) -> None:
    """A stop of type Cancel ends a rate-controlled automation as Cancelled; once it has ended a stop is refused."""
    execution_id = start(member, runbook, **over("a", "b"), Parameters={"Nap": ["PT10M"]})
    ssm = member.client("ssm")
    ssm.stop_automation_execution(AutomationExecutionId=execution_id, Type="Cancel")
    assert ended(member, execution_id)["AutomationExecutionStatus"] == "Cancelled"
    with refused("InvalidAutomationStatusUpdateException"):
        ssm.stop_automation_execution(AutomationExecutionId=execution_id)


@documented("API GetAutomationExecution, AutomationExecutionNotFoundException")
def test_an_unknown_execution_is_not_found(member: Account) -> None:
    """An execution that this account and Region do not have is not found."""
    with refused("AutomationExecutionNotFoundException"):
        shown(member, str(uuid.uuid4()))


@documented("API AutomationExecutionFilter")
def test_executions_are_filtered(member: Account, runbook: str) -> None:
    """Executions are found by id, by the beginning of the runbook's name and by tag, and all filters must hold."""
    tag = unique_name("tag")
    execution_id = start(member, runbook, Parameters={"Id": ["a"]}, Tags=[{"Key": tag, "Value": "x"}])
    for filters in ({"ExecutionId": execution_id}, {"TagKey": tag}, {"TagKey": tag, "DocumentNamePrefix": runbook[:-1]}):
        assert [one["AutomationExecutionId"] for one in listed(member, **filters)] == [execution_id]
    assert listed(member, TagKey=tag, DocumentNamePrefix="conf-nothing") == []
    assert listed(member, TagKey=tag, AutomationType="CrossAccount") == []


@documented("API DescribeAutomationExecutions, MaxResults and NextToken")
def test_executions_come_in_pages(member: Account, runbook: str) -> None:
    """A page has at most MaxResults executions, and NextToken leads to the next."""
    tag = unique_name("tag")
    made = {start(member, runbook, Parameters={"Id": ["a"]}, Tags=[{"Key": tag, "Value": "x"}]) for _ in range(3)}
    found: list[str] = []
    wanted: dict[str, Any] = {"Filters": [{"Key": "TagKey", "Values": [tag]}], "MaxResults": 2}
    while True:
        answer = member.client("ssm").describe_automation_executions(**wanted)
        assert len(answer["AutomationExecutionMetadataList"]) <= 2
        found += [one["AutomationExecutionId"] for one in answer["AutomationExecutionMetadataList"]]
        if not answer.get("NextToken"):
            break
        wanted["NextToken"] = answer["NextToken"]
    assert (set(found), len(found)) == (made, 3)


@documented("API DescribeAutomationExecutions, InvalidNextToken")
def test_a_token_of_nowhere_is_refused(member: Account) -> None:
    """A NextToken that no list gave is refused."""
    with refused("InvalidNextToken"):
        member.client("ssm").describe_automation_executions(NextToken="bm93aGVyZQ==")


@documented("API DescribeAutomationStepExecutions, ReverseOrder and Filters")
def test_steps_are_listed_backwards(member: Account, runbook: str) -> None:
    """Steps are listed in reverse order when asked, and by name."""
    execution_id = start(member, runbook, **over("a", "b"))
    ended(member, execution_id)
    ssm = member.client("ssm")

    def names(**more: Any) -> list[str]:
        answer = ssm.describe_automation_step_executions(AutomationExecutionId=execution_id, **more)
        return [one["StepName"] for one in answer["StepExecutions"]]

    assert (names(), names(ReverseOrder=True)) == (["a", "b"], ["b", "a"])
    assert names(Filters=[{"Key": "StepName", "Values": ["b"]}]) == ["b"]


@documented("user guide, automation-action-executeAutomation")
def test_a_runbook_may_run_another_over_targets(member: Account, runbook: str, unique: Callable[[str], str]) -> None:
    """aws:executeAutomation takes TargetParameterName, Targets, MaxConcurrency and MaxErrors, and gives the ExecutionId."""
    inputs = {"DocumentName": runbook, **over("a", "b"), "MaxConcurrency": "2", "MaxErrors": "0"}
    content = {
        "schemaVersion": "0.3",
        "mainSteps": [{"name": "run", "action": "aws:executeAutomation", "inputs": inputs}],
        "outputs": ["run.ExecutionId"],
    }
    name, ssm = unique("outer"), member.client("ssm")
    ssm.create_document(Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=json.dumps(content))
    try:
        made = ended(member, start(member, name))
    finally:
        ssm.delete_document(Name=name)
    assert made["AutomationExecutionStatus"] == "Success"
    inner = shown(member, made["Outputs"]["run.ExecutionId"][0])
    assert inner["ResolvedTargets"]["ParameterValues"] == ["a", "b"]
