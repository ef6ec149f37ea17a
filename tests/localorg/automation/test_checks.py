"""What a runbook is refused for when it is created: every problem at once, each with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from automation.harness import book, output, script, step

from localorg.automation.actions import ACTIONS, KNOWN_TO_AWS
from localorg.automation.checks import check_runbook

REPOSITORY = Path(__file__).parents[3]
FINE = script("fine", "return {}")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "artifacts" / "documents").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_solution_s_runbooks_are_right(path: Path) -> None:
    """What the solution ships can be created."""
    assert check_runbook(yaml.safe_load(path.read_text())) == []


ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("action that AWS has", book(step("a", "aws:createImage")), "localorg does not support the action aws:createImage"),
    ("action that nobody has", book(step("a", "aws:fly")), "AWS has no action aws:fly"),
    ("unknown field", book({**FINE, "precondition": {}}), "mainSteps[0] (fine): unknown fields precondition"),
    (
        "unknown parameter",
        book(script("a", "return {}", {"x": "{{ Nope }}"})),
        "{{ Nope }} is no parameter of this runbook; it has none",
    ),
    (
        "unknown step",
        book(script("a", "return {}", {"x": "{{ b.y }}"})),
        "{{ b.y }} names the step 'b', which this runbook does not have",
    ),
    (
        "unknown output",
        book(FINE, script("a", "return {}", {"x": "{{fine.y}}"})),
        "{{ fine.y }} is no output of 'fine'; it gives OutputPayload, Payload",
    ),
    ("unknown global", book(script("a", "return {}", {"x": "{{global:HOST}}"})), "{{ global:HOST }} is no system variable"),
    (
        "Parameter Store in inputs",
        book(script("a", "return {}", {"x": "{{ssm:name}}"})),
        "{{ ssm:name }} is no reference that runbooks know",
    ),
    (
        "unknown variable",
        book(script("a", "return {}", {"x": "{{variable:v}}"})),
        "{{ variable:v }} is no variable of this runbook",
    ),
    (
        "jump to nowhere",
        book({**FINE, "nextStep": "b"}),
        "mainSteps[0] (fine).nextStep: there is no step 'b' here; there are fine",
    ),
    ("onFailure to nowhere", book({**FINE, "onFailure": "step:b"}), "onFailure: there is no step 'b' here"),
    ("onFailure nonsense", book({**FINE, "onFailure": "Retry"}), "onFailure must be Abort, Continue or step:NAME, found 'Retry'"),
    (
        "onCancel to a sleep",
        book({**FINE, "onCancel": "step:z", "isEnd": True}, step("z", "aws:sleep", {"Duration": "PT1S"})),
        "'z' is aws:sleep, which cannot run after a cancel",
    ),
    ("same name twice", book(FINE, FINE), "mainSteps[1].name 'fine' is used twice"),
    (
        "jumping back",
        book(FINE, script("b", "return {}", nextStep="fine")),
        "mainSteps: fine -> b -> fine is a loop; use aws:loop to repeat steps",
    ),
    ("jumping back on failure", book(FINE, script("b", "return {}", onFailure="step:fine")), "fine -> b -> fine is a loop"),
    (
        "retired runtime",
        book({**FINE, "inputs": {**FINE["inputs"], "Runtime": "python3.8"}}),
        "python3.8 is retired: AWS lets no runbook with python3.6 to python3.9 be created",
    ),
    (
        "PowerShell",
        book({**FINE, "inputs": {"Runtime": "PowerShell 7.0", "Script": "x"}}),
        "PowerShell 7.0 needs the program pwsh, which this machine does not have",
    ),
    (
        "unknown runtime",
        book({**FINE, "inputs": {**FINE["inputs"], "Runtime": "ruby3"}}),
        "'ruby3' is none of python3.10, python3.11",
    ),
    ("script that is none", book({**FINE, "inputs": {**FINE["inputs"], "Script": "def x(:"}}), "inputs.Script is no Python: "),
    (
        "attachment",
        book({**FINE, "inputs": {"Runtime": "python3.11", "Handler": "a.b", "Attachment": "a.zip"}}),
        "'a.zip' is not among the files of this runbook; they are none",
    ),
    ("attached files", book(FINE, files={"a.zip": {}}), "files.a.zip.checksums.sha256 must be 64 hexadecimal digits"),
    (
        "missing inputs",
        book(step("a", "aws:executeAwsApi", {"Service": "ssm"})),
        "mainSteps[0] (a).inputs: aws:executeAwsApi needs Api",
    ),
    (
        "unknown input",
        book(step("a", "aws:sleep", {"Duration": "PT1S", "Note": "x"})),
        "aws:sleep has no input Note; it takes Duration, Timestamp",
    ),
    (
        "unknown API",
        book(step("a", "aws:executeAwsApi", {"Service": "ssm", "Api": "Fly"})),
        "the service ssm has no operation Fly",
    ),
    ("unknown service", book(step("a", "aws:executeAwsApi", {"Service": "rds", "Api": "X"})), "the service rds"),
    ("streaming API", book(step("a", "aws:executeAwsApi", {"Service": "s3", "Api": "GetObject"})), "s3:GetObject streams"),
    (
        "bad duration",
        book(step("a", "aws:sleep", {"Duration": "10 minutes"})),
        "Duration must be an ISO 8601 duration such as PT10M, found '10 minutes'",
    ),
    ("long duration", book(step("a", "aws:sleep", {"Duration": "P8D"})), "at most 604799 seconds"),
    (
        "bad selector",
        book({**FINE, "outputs": [output("x", "Payload.x")]}),
        "Selector: a JSONPath begins with $, found 'Payload.x'",
    ),
    ("bad output type", book({**FINE, "outputs": [output("x", "$.x", "Map")]}), "Type must be one of Boolean, Integer, MapList"),
    (
        "unknown operator",
        book(step("a", "aws:branch", {"Choices": [{"NextStep": "b", "Variable": "x", "Like": "y"}]}), {**FINE, "name": "b"}),
        "Choices[0] has the unknown operators Like",
    ),
    (
        "choice to nowhere",
        book(step("a", "aws:branch", {"Choices": [{"NextStep": "q", "Variable": "x", "StringEquals": "y"}]}), FINE),
        "there is no step 'q' here",
    ),
    (
        "loop without end",
        book(step("a", "aws:loop", {"LoopCondition": {"Variable": "x", "StringEquals": "y"}, "Steps": [FINE]})),
        "a LoopCondition needs MaxIterations",
    ),
    (
        "101 passes",
        book(
            step(
                "a", "aws:loop", {"LoopCondition": {"Variable": "x", "StringEquals": "y"}, "MaxIterations": 101, "Steps": [FINE]}
            )
        ),
        "MaxIterations must be 1 to 100, found 101",
    ),
    (
        "loop in a loop",
        book(
            step("a", "aws:loop", {"Iterators": ["x"], "Steps": [step("b", "aws:loop", {"Iterators": ["x"], "Steps": [FINE]})]})
        ),
        "localorg does not support a loop inside a loop",
    ),
    (
        "onCancel on a loop",
        book(step("a", "aws:loop", {"Iterators": ["x"], "Steps": [FINE]}, onCancel="Abort")),
        "aws:loop does not have it",
    ),
    (
        "iterator value outside",
        book(
            step("a", "aws:loop", {"Iterators": ["x"], "Steps": [FINE]}),
            script("z", "return {}", {"x": "{{ a.CurrentIteratorValue }}"}),
        ),
        "exists only for the steps inside the loop 'a'",
    ),
    (
        "jump out of a loop",
        book(step("a", "aws:loop", {"Iterators": ["x"], "Steps": [{**FINE, "nextStep": "z"}]}), script("z", "return {}")),
        "there is no step 'z' here; there are fine",
    ),
    ("outputs of nothing", book(FINE, outputs=["fine.nope"]), "outputs: 'fine.nope' is no output of a step of this runbook"),
    ("role of nothing", book(FINE, assumeRole="{{ Role }}"), "assumeRole: {{ Role }} is no parameter"),
    (
        "default not allowed",
        book(FINE, parameters={"P": {"type": "String", "default": "x", "allowedValues": ["y"]}}),
        'Parameter "P" has value "x" not found in [y].',
    ),
    (
        "rate control",
        book(step("a", "aws:executeAutomation", {"DocumentName": "X", "Targets": []})),
        "TargetParameterName is required when Targets are specified",
    ),
    ("both kinds of nodes", book(step("a", "aws:runCommand", {"DocumentName": "X"})), "needs either InstanceIds or Targets"),
    ("no attempts", book({**FINE, "maxAttempts": 0}), "maxAttempts must be a number of at least 1, found 0"),
    ("wrong flag", book({**FINE, "isEnd": "perhaps"}), "isEnd must be true or false, found 'perhaps'"),
]


@pytest.mark.parametrize(("content", "sentence"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_mistake_is_named(content: dict[str, Any], sentence: str) -> None:
    """Documented or assumed as the module says; one sentence per mistake."""
    problems = check_runbook(content)
    assert any(sentence in problem for problem in problems), problems


def test_all_problems_come_at_once() -> None:
    """Three mistakes, three sentences."""
    content = book({**FINE, "nextStep": "b", "onFailure": "Retry"}, step("x", "aws:createImage"))
    assert len(check_runbook(content)) == 3


def test_supported_and_unsupported_actions_do_not_overlap() -> None:
    """The two lists together are what AWS has."""
    assert not KNOWN_TO_AWS & set(ACTIONS)
