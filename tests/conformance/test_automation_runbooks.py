"""Runbooks, one execution at a time: what a document may say, and what its steps do. Every claim with its own document."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]
ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
IDENTITY = {"Service": "sts", "Api": "GetCallerIdentity"}


def step(name: str, action: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "action": f"aws:{action}", "inputs": inputs or {}, **more}


def who(name: str = "who", **more: Any) -> dict[str, Any]:
    return step(name, "executeAwsApi", IDENTITY, outputs=[{"Name": "arn", "Selector": "$.Arn", "Type": "String"}], **more)


def broken(name: str = "broken", **more: Any) -> dict[str, Any]:
    """A step that fails: nobody has this instance."""
    inputs = {"Service": "ssm", "Api": "GetDocument", "Name": "there-is-no-such-document"}
    return step(name, "executeAwsApi", inputs, **more)


def book(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": "0.3", "mainSteps": list(steps), **more}


@contextmanager
def document(account: Account, name: str, content: dict[str, Any]) -> Iterator[str]:
    ssm = account.client("ssm")
    ssm.create_document(Name=name, Content=json.dumps(content), DocumentType="Automation", DocumentFormat="JSON")
    try:
        eventually(lambda: ssm.describe_document(Name=name)["Document"]["Status"], lambda status: status == "Active")
        yield name
    finally:
        ssm.delete_document(Name=name)


def execution(account: Account, found: str) -> dict[str, Any]:
    shown: dict[str, Any] = account.client("ssm").get_automation_execution(AutomationExecutionId=found)["AutomationExecution"]
    return shown


def ended(account: Account, found: str) -> dict[str, Any]:
    made: dict[str, Any] = eventually(
        lambda: execution(account, found), lambda shown: shown["AutomationExecutionStatus"] in ENDED, 60
    )
    return made


def ran(account: Account, name: str, content: dict[str, Any], **params: Any) -> dict[str, Any]:
    with document(account, name, content):
        found = account.client("ssm").start_automation_execution(DocumentName=name, **params)["AutomationExecutionId"]
        return ended(account, found)


def statuses(shown: dict[str, Any]) -> dict[str, str]:
    return {one["StepName"]: one["StepStatus"] for one in shown["StepExecutions"]}


REFUSED = {
    "a precondition": book({**who(), "precondition": {"StringEquals": ["platformType", "Linux"]}}),
    "an unknown action": book(step("a", "flyAway")),
    "the same name twice": book(who(), who()),
    "a jump to nowhere": book(who(nextStep="gone")),
    "a jump back": book(who("a"), who("b", nextStep="a")),
    "an unknown parameter": book(step("a", "sleep", {"Duration": "{{ Gone }}"})),
    "an unknown step output": book(who(), step("a", "sleep", {"Duration": "{{ who.gone }}"})),
    "an onFailure that is none": book(who(onFailure="Retry")),
    "a clean-up that sleeps": book(who(onCancel="step:nap"), step("nap", "sleep", {"Duration": "PT1S"})),
    "no steps": {"schemaVersion": "0.3", "mainSteps": []},
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
@documented("user guide, automation-actions, automation-branch-condition")
def test_what_cannot_run_cannot_be_created(member: Account, unique: Unique, content: dict[str, Any]) -> None:
    """CreateDocument refuses a runbook that could never run."""
    with refused("InvalidDocumentContent"):
        member.client("ssm").create_document(Name=unique("Book"), Content=json.dumps(content), DocumentType="Automation")


@documented("AWS Health notice of 2025 on python3.6 to python3.9")
def test_a_retired_runtime_cannot_be_created(member: Account, unique: Unique) -> None:
    """python3.8 is refused since 10 September 2025."""
    old = step("a", "executeScript", {"Runtime": "python3.8", "Handler": "h", "Script": "def h(e, c):\n    return {}\n"})
    with refused("InvalidDocumentContent"):
        member.client("ssm").create_document(Name=unique("Book"), Content=json.dumps(book(old)), DocumentType="Automation")


@documented("user guide, automation-actions")
def test_steps_follow_one_another(member: Account, unique: Unique) -> None:
    """Steps run in the order of the list, and the outputs of the runbook are those of its steps."""
    made = ran(member, unique("Book"), book(who("a"), who("b"), outputs=["b.arn"]))
    assert made["AutomationExecutionStatus"] == "Success"
    assert statuses(made) == {"a": "Success", "b": "Success"}
    assert made["Outputs"]["b.arn"][0].startswith("arn:")


@documented("user guide, automation-actions, onFailure")
def test_abort_leaves_the_rest_pending(member: Account, unique: Unique) -> None:
    """A failed step ends the automation as Failed, and later steps stay Pending."""
    made = ran(member, unique("Book"), book(broken(), who()))
    assert made["AutomationExecutionStatus"] == "Failed"
    assert statuses(made) == {"broken": "Failed", "who": "Pending"}


@observed("public reports of failed automations")
def test_a_failure_tells_the_api_s_words(member: Account, unique: Unique) -> None:
    """FailureMessage has the phrase of the stage and boto3's sentence."""
    message = ran(member, unique("Book"), book(broken()))["FailureMessage"]
    assert message.startswith("Step fails when it is ")
    assert "An error occurred (InvalidDocument) when calling the GetDocument operation" in message


@documented("user guide, automation-actions, onFailure and isCritical")
def test_continue_goes_on_and_may_succeed(member: Account, unique: Unique) -> None:
    """With onFailure Continue the automation goes on, and can end in Success with a Failed step."""
    made = ran(member, unique("Book"), book(broken(onFailure="Continue"), who()))
    assert made["AutomationExecutionStatus"] == "Success"
    assert statuses(made) == {"broken": "Failed", "who": "Success"}


@documented("user guide, automation-actions, onFailure step:NAME")
def test_a_failure_may_lead_elsewhere(member: Account, unique: Unique) -> None:
    """onFailure step:NAME skips what is between."""
    made = ran(member, unique("Book"), book(broken(onFailure="step:last", isCritical=False), who("between"), who("last")))
    assert statuses(made) == {"broken": "Failed", "between": "Pending", "last": "Success"}


@documented("user guide, automation-actions, isEnd")
def test_is_end_ends_here(member: Account, unique: Unique) -> None:
    """After a step with isEnd nothing follows."""
    assert statuses(ran(member, unique("Book"), book(who("a", isEnd=True), who("b")))) == {"a": "Success", "b": "Pending"}


@documented("user guide, automation-branch-condition")
def test_a_branch_takes_the_first_choice_that_holds(member: Account, unique: Unique) -> None:
    """The first choice whose condition is true says where to go."""
    choices = [
        {"NextStep": "no", "Variable": "{{ global:REGION }}", "StringEquals": "nowhere"},
        {"NextStep": "yes", "Not": {"Variable": "{{ global:REGION }}", "StringEquals": "nowhere"}},
    ]
    branch = step("choose", "branch", {"Choices": choices, "Default": "no"})
    made = ran(member, unique("Book"), book(branch, who("no", isEnd=True), who("yes", isEnd=True)))
    assert statuses(made) == {"choose": "Success", "no": "Pending", "yes": "Success"}


@documented("user guide, automation-action-loop")
def test_a_loop_runs_its_steps_once_per_item(member: Account, unique: Unique) -> None:
    """Each pass has steps of its own, which name the loop, the pass and the item."""
    inner = step("nap", "sleep", {"Duration": "{{ each.CurrentIteratorValue }}"})
    loop = step("each", "loop", {"Iterators": ["PT1S", "PT2S"], "Steps": [inner]})
    made = ran(member, unique("Book"), book(loop))
    passes = [one["ParentStepDetails"] for one in made["StepExecutions"] if one["StepName"] == "nap"]
    assert [(one["StepName"], one["Iteration"], one["IteratorValue"]) for one in passes] == [
        ("each", 1, "PT1S"),
        ("each", 2, "PT2S"),
    ]


@documented("API StepExecution, Inputs; user guide, automation-working-executing-manually")
def test_inputs_are_shown_as_json(member: Account, unique: Unique) -> None:
    """Inputs of a step execution are JSON texts of the resolved values."""
    content = book(step("nap", "sleep", {"Duration": "{{ D }}"}), parameters={"D": {"type": "String"}})
    made = ran(member, unique("Book"), content, Parameters={"D": ["PT1S"]})
    assert made["StepExecutions"][0]["Inputs"] == {"Duration": '"PT1S"'}


WRONG: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "missing": ({"type": "String"}, {}),
    "undeclared": ({"type": "String", "default": "x"}, {"Q": ["y"]}),
    "not among the allowed": ({"type": "String", "allowedValues": ["a"]}, {"P": ["b"]}),
    "not of the pattern": ({"type": "String", "allowedPattern": "^a+$"}, {"P": ["b"]}),
    "no number": ({"type": "Integer"}, {"P": ["x"]}),
    "too few items": ({"type": "StringList", "minItems": 2}, {"P": ["x"]}),
}


@pytest.mark.parametrize(("declared", "given"), WRONG.values(), ids=WRONG)
@documented("API StartAutomationExecution, InvalidAutomationExecutionParametersException")
def test_wrong_parameters_are_refused(
    member: Account, unique: Unique, declared: dict[str, Any], given: dict[str, list[str]]
) -> None:
    """StartAutomationExecution refuses values that do not fit the declarations."""
    with (
        document(member, unique("Book"), book(who(), parameters={"P": declared})) as name,
        refused("InvalidAutomationExecutionParametersException"),
    ):
        member.client("ssm").start_automation_execution(DocumentName=name, **({"Parameters": given} if given else {}))


@observed("a public report of a failed association, InvalidAutomationExecutionParametersException")
def test_a_missing_parameter_is_named(member: Account, unique: Unique) -> None:
    """A parameter without default that is not given is refused as missing in the user inputs."""
    with (
        document(member, unique("Book"), book(who(), parameters={"InstanceIds": {"type": "StringList"}})) as name,
        refused("InvalidAutomationExecutionParametersException", "Missing required parameter: InstanceIds in user inputs."),
    ):
        member.client("ssm").start_automation_execution(DocumentName=name)


@documented("API StartAutomationExecution")
def test_an_unknown_runbook_is_refused(member: Account, unique: Unique) -> None:
    """StartAutomationExecution of a document that is not there is AutomationDefinitionNotFoundException."""
    with refused("AutomationDefinitionNotFoundException"):
        member.client("ssm").start_automation_execution(DocumentName=unique("Nothing"))


@documented("API GetAutomationExecution")
def test_an_unknown_execution_is_refused(member: Account) -> None:
    """GetAutomationExecution of an id that nobody has is AutomationExecutionNotFoundException."""
    with refused("AutomationExecutionNotFoundException"):
        execution(member, "00000000-0000-4000-8000-000000000000")


@documented("user guide, automation-action-executeScript")
def test_a_script_returns_its_payload(member: Account, unique: Unique) -> None:
    """What the handler returns is the Payload, from which selectors take."""
    code = "def h(events, context):\n    return {'twice': events['n'] * 2}\n"
    inputs = {"Runtime": "python3.11", "Handler": "h", "Script": code, "InputPayload": {"n": 21}}
    double = step("double", "executeScript", inputs, outputs=[{"Name": "n", "Selector": "$.Payload.twice", "Type": "Integer"}])
    assert ran(member, unique("Book"), book(double, outputs=["double.n"]))["Outputs"] == {"double.n": ["42"]}


@documented("user guide, automation-document-script, permissions")
def test_a_script_without_a_role_has_no_credentials(member: Account, unique: Unique) -> None:
    """Without an assume role a script cannot call AWS."""
    code = "import boto3\ndef h(events, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    made = ran(
        member, unique("Book"), book(step("a", "executeScript", {"Runtime": "python3.11", "Handler": "h", "Script": code}))
    )
    assert "NoCredentials" in made["FailureMessage"] or "credentials" in made["FailureMessage"].lower()


@documented("user guide, automation-action-assertAwsResourceProperty")
def test_an_assertion_compares_as_text(member: Account, unique: Unique) -> None:
    """assertAwsResourceProperty fails unless the property is among the desired values."""
    right = step(
        "right", "assertAwsResourceProperty", {**IDENTITY, "PropertySelector": "$.Account", "DesiredValues": [member.id]}
    )
    wrong = step("wrong", "assertAwsResourceProperty", {**IDENTITY, "PropertySelector": "$.Account", "DesiredValues": ["0"]})
    assert statuses(ran(member, unique("Book"), book(right, wrong))) == {"right": "Success", "wrong": "Failed"}


@documented("user guide, automation-action-executeAutomation")
def test_an_automation_runs_another_and_shows_its_id(member: Account, unique: Unique) -> None:
    """executeAutomation waits for the other automation, whose parent is the step's."""
    with document(member, unique("Child"), book(who())) as child:
        made = ran(member, unique("Book"), book(step("run", "executeAutomation", {"DocumentName": child})))
        assert made["AutomationExecutionStatus"] == "Success"
        inside = execution(member, made["StepExecutions"][0]["Outputs"]["ExecutionId"][0])
        assert inside["ParentAutomationExecutionId"] == made["AutomationExecutionId"]


@assumed("the guide says that the type of a variable cannot change, and not when this is noticed")
def test_a_variable_keeps_its_type(member: Account, unique: Unique) -> None:
    """updateVariable with a value of another type fails the step."""
    change = step("change", "updateVariable", {"Name": "variable:n", "Value": ["x"]})
    made = ran(member, unique("Book"), book(change, variables={"n": {"type": "String", "default": "y"}}))
    assert statuses(made) == {"change": "Failed"}
