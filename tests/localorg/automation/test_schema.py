"""Schema 0.3 beyond its outline: types, runtimes, attachments, variables, and what the register of open questions changes."""

import hashlib
from typing import Any

import pytest
from automation.harness import ADMIN, HUB, Harness, book, output, script, step

from localorg.automation.checks import check_runbook
from localorg.automation.terms import Terms
from localorg.kernel.errors import AwsError

ECHO = "return {'seen': events['x']}"
SEEN = {"outputs": [output("seen", "$.Payload.seen")]}


def echo(value: Any, kind: str = "String") -> dict[str, Any]:
    return script("echo", ECHO, {"x": value}, outputs=[output("seen", "$.Payload.seen", kind)])


def seen(house: Harness, declared: dict[str, Any], value: Any = "{{ P }}", kind: str = "String", **params: Any) -> list[str]:
    made = house.run(book(echo(value, kind), parameters={"P": declared}, outputs=["echo.seen"]), **params)
    assert made["AutomationExecutionStatus"] == "Success", made
    return list(made["Outputs"]["echo.seen"])


@pytest.mark.parametrize(
    ("declared", "given", "kind", "shown"),
    [
        ({"type": "AWS::EC2::Instance::Id"}, ["mi-0123456789abcdef0"], "String", ["mi-0123456789abcdef0"]),
        ({"type": "List<AWS::EC2::Instance::Id>"}, ["i-1", "i-2"], "StringList", ["i-1", "i-2"]),
        ({"type": "AWS::IAM::Role::Arn"}, ["arn:aws:iam::111111111111:role/R"], "String", ["arn:aws:iam::111111111111:role/R"]),
        ({"type": "Integer"}, ["7"], "Integer", ["7"]),
        ({"type": "Integer", "default": "7"}, None, "Integer", ["7"]),
        ({"type": "Boolean", "default": "true"}, None, "Boolean", ["true"]),
        ({"type": "MapList"}, ['[{"a": 1}]'], "MapList", ['{"a":1}']),
        ({"type": "StringMap"}, ['{"a": "b"}'], "StringMap", ['{"a":"b"}']),
    ],
)
def test_a_parameter_keeps_its_type(declared: dict[str, Any], given: list[str] | None, kind: str, shown: list[str]) -> None:
    """Documented: documents-syntax-data-elements-parameters; a whole-value reference keeps the type."""
    more = {"Parameters": {"P": given}} if given else {}
    assert seen(Harness(), declared, kind=kind, **more) == shown


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"type": "Integer", "default": "seven"}, "parameters.P.default must be of the type Integer, found 'seven'"),
        ({"type": "Boolean", "default": "yes"}, "parameters.P.default must be of the type Boolean, found 'yes'"),
        ({"type": "String", "default": "c", "allowedValues": ["a", "b"]}, 'has value "c" not found in [a, b]'),
        ({"type": "StringList", "default": ["a"], "minItems": 2}, "has 1 items, at least 2 are needed"),
        ({"type": "String", "default": "abc", "maxChars": 2}, "has 3 characters, at most 2 are allowed"),
        ({"type": "String", "default": "{{ Q }}"}, "a default refers to nothing but Parameter Store"),
    ],
)
def test_a_default_obeys_its_own_rules(declared: dict[str, Any], sentence: str) -> None:
    """Documented: documents-syntax-data-elements-parameters: constraints; a default cannot refer to another parameter."""
    assert sentence in "; ".join(check_runbook(book(script("a", "return {}"), parameters={"P": declared})))


@pytest.mark.parametrize("runtime", ["python3.6", "python3.7", "python3.8", "python3.9"])
def test_retired_runtimes_run_only_where_that_is_allowed(runtime: str) -> None:
    """Documented: AWS Health notice of 2025: no creation, update or execution since 10 September 2025."""
    old = script("a", "return {}")
    old["inputs"]["Runtime"] = runtime
    with pytest.raises(AwsError, match=f"{runtime} is retired"):
        Harness().start(book(old))
    assert Harness(allow_retired_runtimes=True).run(book(old))["AutomationExecutionStatus"] == "Success"


def test_powershell_needs_pwsh_and_no_handler() -> None:
    """Documented: automation-action-executeScript: the PowerShell runtimes; the refusal names the program that is missing."""
    shell = step("a", "aws:executeScript", {"Runtime": "PowerShell 7.4", "Script": "return 1"})
    assert "needs the program pwsh" in check_runbook(book(shell))[0]
    assert check_runbook(book(shell), Terms(pwsh=True)) == []
    shell["inputs"]["Handler"] = "x"
    assert check_runbook(book(shell), Terms(pwsh=True)) == [
        "mainSteps[0] (a).inputs.Handler: PowerShell runtimes have no handler"
    ]


def test_a_runtime_that_comes_by_parameter_is_judged_when_the_step_runs() -> None:
    """What creation cannot see is not let through later."""
    late = script("a", "return {}")
    late["inputs"]["Runtime"] = "{{ R }}"
    made = Harness().run(book(late, parameters={"R": {"type": "String"}}), Parameters={"R": ["python3.8"]})
    assert "python3.8 is retired" in made["FailureMessage"]


CODE = b"def main(events, context):\n    return {}\n"
DIGEST = hashlib.sha256(CODE).hexdigest()


def attached(digest: str = DIGEST) -> dict[str, Any]:
    inputs = {"Runtime": "python3.11", "Handler": "code.main", "Attachment": "code.py"}
    return book(step("a", "aws:executeScript", inputs), files={"code.py": {"checksums": {"sha256": digest}}})


def test_an_attachment_reaches_the_script_with_its_checksum_proved() -> None:
    """Documented: automation-action-executeScript: Attachment names a file of the runbook's `files`."""
    house = Harness()
    house.scripts.hold = True
    house.near.attachments["code.py"] = CODE
    house.start(attached())
    house.pass_time(1)
    job = house.scripts.jobs[0]
    assert (job.attachment, job.attached, job.handler) == ("code.py", CODE, "code.main")
    assert "has the sha256" in house.run(attached("0" * 64), 60)["FailureMessage"]
    house.near.attachments.clear()
    assert "has no attachment code.py" in house.run(attached(), 60)["FailureMessage"]


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"Handler": "main", "Attachment": "code.py"}, "Handler must be FILE.FUNCTION for an attachment, found 'main'"),
        ({"Handler": "a.b", "Attachment": "other.py"}, "'other.py' is not among the files of this runbook; they are code.py"),
        ({"Handler": "a.b", "Attachment": "code.txt"}, "Attachment must be a .py or a .zip file"),
        ({"Handler": "a"}, "aws:executeScript needs Script or Attachment"),
        ({"Script": "def a(e, c): pass"}, "aws:executeScript needs Handler"),
    ],
)
def test_code_must_come_from_somewhere(inputs: dict[str, Any], sentence: str) -> None:
    """Documented: automation-action-executeScript, its inputs."""
    wrong = step("a", "aws:executeScript", {"Runtime": "python3.11", **inputs})
    assert sentence in "; ".join(check_runbook(book(wrong, files={"code.py": {"checksums": {"sha256": DIGEST}}})))


def test_variables_have_the_rules_of_their_declaration() -> None:
    """Documented: automation-action-update-variable: the type may not change; a StringList has at most 50 items."""
    declared = {"v": {"type": "StringList", "default": ["a"], "maxItems": 60}}

    def update(value: Any) -> str:
        made = Harness().run(book(step("set", "aws:updateVariable", {"Name": "variable:v", "Value": value}), variables=declared))
        return str(made.get("FailureMessage", "fine"))

    assert update(["b"]) == "fine"
    assert "variable:v is a StringList and cannot become b" in update("b")
    assert "variable:v has 51 items, a StringList has at most 50" in update(["b"] * 51)
    problems = check_runbook(book(step("set", "aws:updateVariable", {"Name": "variable:w", "Value": 1}), variables=declared))
    assert problems == ["mainSteps[0] (set).inputs.Name: this runbook declares no variable w; it has v"]


def test_a_branch_is_no_end() -> None:
    """Documented: automation-branch-condition: a branch step must not have isEnd."""
    choice = {"NextStep": "b", "Variable": "{{ global:REGION }}", "StringEquals": "x"}
    content = book(step("a", "aws:branch", {"Choices": [choice]}, isEnd=True), script("b", "return {}"))
    assert "cannot be the end" in check_runbook(content)[0]


def test_selectors_without_a_dollar() -> None:
    """Open question selector-without-dollar: read as if $. stood in front, as published runbooks need it, or refused at creation."""
    who = step("w", "aws:executeAwsApi", {"Service": "sts", "Api": "GetCallerIdentity"}, outputs=[output("a", "Account")])
    with pytest.raises(AwsError, match=r"a JSONPath begins with \$"):
        Harness(readings={"selector-without-dollar": "refused"}).start(book(who))
    made = Harness().run(book(who, outputs=["w.a"]))
    assert made["Outputs"] == {"w.a": [HUB]}


@pytest.mark.parametrize(("reading", "kind"), [("object", "dict"), ("text", "str")])
def test_a_string_map_in_a_script(reading: str, kind: str) -> None:
    """Open question string-map-in-script: a mapping, or its JSON text."""
    house = Harness(readings={"string-map-in-script": reading})
    one = script("a", "return {'k': type(events['m']).__name__}", {"m": "{{ M }}"}, outputs=[output("k", "$.Payload.k")])
    made = house.run(book(one, parameters={"M": {"type": "StringMap"}}, outputs=["a.k"]), Parameters={"M": ['{"a": "b"}']})
    assert made["Outputs"] == {"a.k": [kind]}


@pytest.mark.parametrize(("reading", "shown"), [("json", 'see ["a","b"] {"k":["v"]}'), ("java", "see [a, b] {k=[v]}")])
def test_values_inside_longer_text(reading: str, shown: str) -> None:
    """Open question embedded-values: as JSON, or as Java prints collections."""
    house = Harness(readings={"embedded-values": reading})
    declared = {"L": {"type": "StringList", "default": ["a", "b"]}, "M": {"type": "StringMap", "default": {"k": ["v"]}}}
    made = house.run(book(echo("see {{ L }} {{ M }}"), parameters=declared, outputs=["echo.seen"]))
    assert made["Outputs"] == {"echo.seen": [shown]}


@pytest.mark.parametrize(("reading", "is_there"), [("given", True), ("missing", False)])
def test_the_outputs_of_a_failed_execute_automation(reading: str, is_there: bool) -> None:
    """Open question failed-execute-automation-outputs: whether a later step may ask for ExecutionId."""
    house = Harness(readings={"failed-execute-automation-outputs": reading})
    house.document(book(script("x", "raise ValueError('no')")), "Child")
    start = step("run", "aws:executeAutomation", {"DocumentName": "Child"}, onFailure="Continue")
    made = house.run(book(start, echo("{{ run.ExecutionId }}")))
    assert (made["AutomationExecutionStatus"] == "Success") is is_there


def test_a_step_is_started_with_its_inputs_as_json() -> None:
    """Documented: API StepExecution.Inputs; the guide's example shows "[\\"i-...\\"]", JSON of each value."""
    made = Harness().run(book(step("nap", "aws:sleep", {"Duration": "PT1S"})))
    assert made["StepExecutions"][0]["Inputs"] == {"Duration": '"PT1S"'}
    assert made["ExecutedBy"] == ADMIN.arn


def test_runbook_and_parameters_have_64_kb_together() -> None:
    """Documented: API MaxDocumentSizeExceeded, "including runtime parameters"; Assumed: which error says so at the start."""
    content = book(script("a", "return {}"), parameters={"P": {"type": "StringList"}}, description="x" * 60_000)
    with pytest.raises(AwsError, match="at most 65536 are allowed"):
        Harness().start(content, Parameters={"P": ["y" * 500] * 20})


def test_a_default_may_come_from_parameter_store() -> None:
    """Documented: automation-variables: {{ssm:name}} as a default, for String and StringList; read as whoever starts."""
    house = Harness()
    house.near.stored = {"/app/image": ("String", "ami-1"), "zones": ("StringList", "a,b"), "secret": ("SecureString", "x")}
    assert seen(house, {"type": "String", "default": "{{ssm:/app/image}}"}) == ["ami-1"]
    assert seen(house, {"type": "StringList", "default": ["{{ ssm:zones }}"]}, kind="StringList") == ["a", "b"]
    assert seen(house, {"type": "String", "default": "{{ssm:gone}}"}, Parameters={"P": ["given"]}) == ["given"]
    with pytest.raises(AwsError, match="Parameter Store has no parameter gone here"):
        seen(house, {"type": "String", "default": "{{ssm:gone}}"})
    with pytest.raises(AwsError, match="The parameter secret is a SecureString"):
        seen(house, {"type": "String", "default": "{{ssm:secret}}"})
    with pytest.raises(AwsError, match=r'has value "ami-1" not found in \[ami-2\]'):
        seen(house, {"type": "String", "default": "{{ssm:/app/image}}", "allowedValues": ["ami-2"]})
