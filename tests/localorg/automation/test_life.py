"""Starting, stopping, queueing, listing and surviving a restart."""

from pathlib import Path

import pytest
from automation.harness import HUB, Harness, book, output, script, step

from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.store import Store

NAP = book(step("nap", "aws:sleep", {"Duration": "PT1H"}))
TOKEN = "11111111-2222-4333-8444-555555555555"


def test_a_cancel_ends_the_step_and_the_run() -> None:
    """Documented: API StopAutomationExecution; onCancel Abort."""
    house = Harness()
    execution_id = house.start(NAP)
    house.pass_time(5)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    made = house.execution(execution_id)
    assert (made["AutomationExecutionStatus"], made["StepExecutions"][0]["StepStatus"]) == ("Cancelled", "Cancelled")
    with pytest.raises(AwsError, match="has ended as Cancelled and cannot be stopped"):
        house.call("StopAutomationExecution", AutomationExecutionId=execution_id)


def test_on_cancel_runs_a_clean_up_step_for_two_minutes_at_most() -> None:
    """Documented: automation-actions, onCancel."""
    house = Harness()
    content = book(step("nap", "aws:sleep", {"Duration": "PT1H"}, onCancel="step:tidy", isEnd=True), script("tidy", "return {}"))
    execution_id = house.start(content)
    house.pass_time(5)
    house.scripts.hold = True
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    house.pass_time(100)
    assert house.execution(execution_id)["AutomationExecutionStatus"] == "Cancelling"
    house.pass_time(20)
    made = house.execution(execution_id)
    assert (made["AutomationExecutionStatus"], [one["StepStatus"] for one in made["StepExecutions"]]) == (
        "Cancelled",
        ["Cancelled", "Cancelled"],
    )
    assert len(house.scripts.stopped) == 1


def test_a_clean_up_that_ends_in_time_ends_the_run() -> None:
    """Documented: automation-actions, onCancel."""
    house = Harness()
    content = book(step("nap", "aws:sleep", {"Duration": "PT1H"}, onCancel="step:tidy", isEnd=True), script("tidy", "return {}"))
    execution_id = house.start(content)
    house.pass_time(5)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    house.pass_time(1)
    made = house.execution(execution_id)
    assert (made["AutomationExecutionStatus"], made["StepExecutions"][1]["StepStatus"]) == ("Cancelled", "Success")


def test_a_cancel_reaches_the_child_automation() -> None:
    """Assumed: stopping a run stops what it waits for."""
    house = Harness()
    house.document(NAP, "Child")
    execution_id = house.start(book(step("run", "aws:executeAutomation", {"DocumentName": "Child"})))
    house.pass_time(5)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    listed = house.call("DescribeAutomationExecutions")["AutomationExecutionMetadataList"]
    assert [one["AutomationExecutionStatus"] for one in listed] == ["Cancelled", "Cancelled"]


def test_a_child_s_failure_carries_its_words_up() -> None:
    """The inner cause stands at the top of the outer message, without a traceback."""
    house = Harness()
    house.document(book(script("work", "raise RuntimeError('node said token-9')")), "Child")
    made = house.run(book(step("run", "aws:executeAutomation", {"DocumentName": "Child"})))
    assert "ended with status Failed: RuntimeError: node said token-9." in made["FailureMessage"]
    assert "Traceback" not in made["FailureMessage"]


def test_a_child_s_outputs_are_the_step_s_output() -> None:
    """Documented: automation-action-executeAutomation, Output is a StringList."""
    house = Harness()
    house.document(
        book(script("work", "return {'x': 5}", outputs=[output("x", "$.Payload.x", "Integer")]), outputs=["work.x"]), "Child"
    )
    made = house.run(book(step("run", "aws:executeAutomation", {"DocumentName": "Child"}), outputs=["run.Output", "run.Status"]))
    assert made["Outputs"] == {"run.Output": ["5"], "run.Status": ["Success"]}


def test_one_hundred_run_and_the_rest_wait_their_turn() -> None:
    """Documented: quotas: 100 concurrent automations per account and Region, further ones are Pending."""
    house = Harness()
    house.document(NAP)
    started = [house.start() for _ in range(102)]
    house.pass_time(1)
    assert [house.execution(one)["AutomationExecutionStatus"] for one in started[-3:]] == ["InProgress", "Pending", "Pending"]
    house.pass_time(3_600)
    assert house.execution(started[-1])["AutomationExecutionStatus"] == "InProgress"
    house.pass_time(3_600)
    assert house.execution(started[-1])["AutomationExecutionStatus"] == "Success"


def test_the_same_client_token_starts_once() -> None:
    """Documented: API StartAutomationExecution, ClientToken and IdempotentParameterMismatch."""
    house = Harness()
    first = house.start(NAP, ClientToken=TOKEN)
    assert house.start(ClientToken=TOKEN) == first
    with pytest.raises(AwsError, match="IdempotentParameterMismatch"):
        house.start(ClientToken=TOKEN, DocumentVersion="1")


def test_what_is_not_a_runbook_is_refused() -> None:
    """Documented: API StartAutomationExecution, AutomationDefinitionNotFoundException."""
    house = Harness()
    with pytest.raises(AwsError, match="AutomationDefinitionNotFoundException: Document with name Nope"):
        house.start(name="Nope")
    house.document(NAP, "Shell")
    house.near.kinds["Shell"] = "Command"
    with pytest.raises(AwsError, match="Shell is a document of type Command; an Automation runbook is needed"):
        house.start(name="Shell")


def test_wrong_parameters_are_told_all_at_once() -> None:
    """Documented: InvalidAutomationExecutionParametersException."""
    house = Harness()
    content = {**NAP, "parameters": {"A": {"type": "String"}, "B": {"type": "Integer"}}}
    with pytest.raises(
        AwsError,
        match=r'Parameter "C" is not defined.*Missing required parameter: A in user inputs\..*'
        r'Parameter "B" has value "x", which is no Integer',
    ):
        house.start(content, Parameters={"B": ["x"], "C": ["y"]})


@pytest.mark.parametrize(
    ("params", "named"),
    [
        (
            {"Mode": "Interactive", "TargetLocations": [{"Accounts": [HUB], "Regions": ["us-east-1"]}]},
            "the execution mode Interactive together with TargetLocations",
        ),
        ({"AlarmConfiguration": {"Alarms": [{"Name": "x"}]}}, "the parameter AlarmConfiguration"),
        (
            {
                "TargetLocations": [
                    {
                        "Accounts": [HUB],
                        "Regions": ["us-east-1"],
                        "TargetLocationAlarmConfiguration": {"Alarms": [{"Name": "x"}]},
                    }
                ]
            },
            "the parameter TargetLocations.TargetLocationAlarmConfiguration",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(params: dict[str, object], named: str) -> None:
    """Nothing is accepted and then ignored."""
    with pytest.raises(NotSupported, match=named):
        Harness().start(NAP, **params)


def test_listing_filters_and_pages() -> None:
    """Documented: API DescribeAutomationExecutions; the newest first is assumed."""
    house = Harness()
    for number in range(5):
        house.document(book(script("a", "return {}")) if number % 2 else NAP, f"Book{number}")
        house.start(name=f"Book{number}")
    house.pass_time(10)

    def listed(*filters: tuple[str, str], **more: object) -> list[str]:
        wanted = {"Filters": [{"Key": key, "Values": [value]} for key, value in filters]} if filters else {}
        return [
            one["DocumentName"]
            for one in house.call("DescribeAutomationExecutions", **wanted, **more)["AutomationExecutionMetadataList"]
        ]

    assert listed() == ["Book4", "Book3", "Book2", "Book1", "Book0"]
    assert listed(("ExecutionStatus", "Success")) == ["Book3", "Book1"]
    assert listed(("ExecutionStatus", "Success"), ("DocumentNamePrefix", "Book3")) == ["Book3"]
    assert listed(("CurrentAction", "aws:sleep"), ("StartTimeAfter", "2020-01-01T00:00:00Z")) == ["Book4", "Book2", "Book0"]
    first = house.call("DescribeAutomationExecutions", MaxResults=2)
    assert listed(MaxResults=2, NextToken=first["NextToken"]) == ["Book2", "Book1"]
    assert listed(("OpsItemId", "x")) == listed(("AutomationSubtype", "ChangeRequest")) == []
    for key, value in (("ExecutionStatus", "Succes"), ("AutomationType", "Foreign"), ("StartTimeBefore", "yesterday")):
        with pytest.raises(AwsError, match=f"InvalidFilterValue: The filter .*{value}"):
            listed((key, value))


def test_steps_are_listed_and_filtered() -> None:
    """Documented: API DescribeAutomationStepExecutions."""
    house = Harness()
    execution_id = house.start(book(script("a", "return {}"), script("b", "raise KeyError()"), script("c", "return {}")))
    house.pass_time(1)
    asked = {"AutomationExecutionId": execution_id, "Filters": [{"Key": "StepExecutionStatus", "Values": ["Failed", "Pending"]}]}
    shown = house.call("DescribeAutomationStepExecutions", ReverseOrder=True, **asked)["StepExecutions"]
    assert [one["StepName"] for one in shown] == ["c", "b"]


def test_an_execution_of_elsewhere_is_not_found() -> None:
    """Documented: executions are seen in their own account and Region."""
    house = Harness()
    execution_id = house.start(NAP)
    with pytest.raises(AwsError, match="AutomationExecutionNotFoundException"):
        house.execution(execution_id, region="eu-west-1")


def restarted(house: Harness, path: Path) -> Harness:
    """The same rows in a new server; what the neighbours hold is carried over by hand."""
    house.store.commit()
    house.store.close()
    again = Harness(store=Store(path))
    again.near.documents, again.near.commands = house.near.documents, house.near.commands
    again.automation.resume()
    return again


def test_a_sleeping_run_survives_a_restart(tmp_path: Path) -> None:
    """The alarm is kept in rows, and the step after it runs."""
    house = Harness(store=Store(tmp_path / "db"))
    execution_id = house.start(book(*NAP["mainSteps"], script("after", "return {}")))
    house.pass_time(10)
    again = restarted(house, tmp_path / "db")
    again.pass_time(3_600)
    assert again.execution(execution_id)["AutomationExecutionStatus"] == "Success"


def test_a_script_that_a_restart_interrupts_is_a_clear_failure(tmp_path: Path) -> None:
    """It is not run twice behind anybody's back."""
    house = Harness(store=Store(tmp_path / "db"))
    house.scripts.hold = True
    execution_id = house.start(book(script("work", "return {}")))
    house.pass_time(10)
    again = restarted(house, tmp_path / "db")
    again.pass_time(1)
    made = again.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "localorg was restarted while this script ran, so its outcome is not known" in made["FailureMessage"]


def test_waiting_for_a_child_inside_a_loop_survives_a_restart(tmp_path: Path) -> None:
    """Parent, loop and child all come back."""
    house = Harness(store=Store(tmp_path / "db"))
    house.document(NAP, "Child")
    inner = step("run", "aws:executeAutomation", {"DocumentName": "Child"})
    execution_id = house.start(book(step("each", "aws:loop", {"Iterators": ["a", "b"], "Steps": [inner]})))
    house.pass_time(10)
    again = restarted(house, tmp_path / "db")
    again.pass_time(8_000)
    assert again.execution(execution_id)["AutomationExecutionStatus"] == "Success"


def test_a_polling_step_looks_again_after_a_restart(tmp_path: Path) -> None:
    """Looking changes nothing, so it is simply done again."""
    house = Harness(store=Store(tmp_path / "db"))
    send = {"Service": "ssm", "Api": "SendCommand", "DocumentName": "X-Doc", "InstanceIds": ["i-00000000000000001"]}
    wait = {
        "Service": "ssm",
        "Api": "ListCommands",
        "CommandId": "{{ send.id }}",
        "PropertySelector": "$.Commands[0].Status",
        "DesiredValues": ["Success"],
    }
    steps = [
        step("send", "aws:executeAwsApi", send, outputs=[output("id", "$.Command.CommandId")]),
        step("wait", "aws:waitForAwsResourceProperty", wait),
    ]
    execution_id = house.start(book(*steps))
    house.pass_time(10)
    again = restarted(house, tmp_path / "db")
    again.near.commands = dict.fromkeys(again.near.commands, "Success")
    again.pass_time(10)
    assert again.execution(execution_id)["AutomationExecutionStatus"] == "Success"


def test_variables_keep_their_type() -> None:
    """Documented: automation-action-update-variable."""
    content = book(
        step("set", "aws:updateVariable", {"Name": "variable:n", "Value": "two"}),
        script("use", "return {'n': events['n']}", {"n": "{{ variable:n }}"}, outputs=[output("n", "$.Payload.n")]),
        outputs=["use.n"],
        variables={"n": {"type": "String", "default": "one"}},
    )
    assert Harness().run(content)["Outputs"] == {"use.n": ["two"]}
    content["mainSteps"][0]["inputs"]["Value"] = 2
    assert "variable:n is a String and cannot become 2" in Harness().run(content)["FailureMessage"]
