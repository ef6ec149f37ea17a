"""Documents: parameters filled in, steps chosen, flow."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.calls import CallRefusedError
from localorg.node.document import BadDocumentError, DocumentStep, ends_document, flattened, is_finally, steps, verdict
from localorg.node.parameter_store import ParameterStore
from localorg.node.results import Status, StepResult
from localorg.node.worker import KNOWN_PLUGINS


def content(inputs: Any, version: str = "2.2", **parameters: Any) -> dict[str, Any]:
    """A document of one shell step."""
    step = {"action": "aws:runShellScript", "name": "s", "inputs": inputs}
    return {"schemaVersion": version, "parameters": parameters, "mainSteps": [step]}


@pytest.mark.parametrize(
    ("text", "given_values", "filled"),
    [
        ("{{ a }}", {"a": "x"}, "x"),
        ("{{a}}", {"a": ["x", "y"]}, ["x", "y"]),
        ("say {{ a }}!", {"a": "x"}, "say x!"),
        ("say {{ a }}", {"a": ["x", "y"]}, 'say ["x","y"]'),
        ("say {{ a }}", {"a": {"b": 1, "a": "<&>"}}, 'say {"a":"\\u003c\\u0026\\u003e","b":1}'),
        ("say {{ a }}", {"a": "$$HOME $x"}, "say $HOME $x"),
        ("{{ a }}", {"a": "$$HOME"}, "$$HOME"),
        (" {{ a }}", {"a": ["x"]}, ' ["x"]'),
        ("{{ a-b }}", {"a-b": "x"}, "{{ a-b }}"),
        ("{{global:REGION}} {{ platform:x }}", {}, "{{global:REGION}} {{ platform:x }}"),
        ("{{ a }}{{ a }}", {"a": "{{ a }}"}, "{{ a }}{{ a }}"),
        ("{{ a }}", {}, "default"),
        ("{{ nobody }}", {}, "{{ nobody }}"),
    ],
)
def test_parameters_are_filled_in(text: str, given_values: dict, filled: Any) -> None:
    """Documented: SSM document syntax. Observed: docparser/parameters of the agent: once, as JSON without blanks within a text."""
    document = content({"runCommand": text}, a={"type": "String", "default": "default"})
    assert steps(document, given_values)[0].inputs[0]["runCommand"] == filled


@given(st.text(alphabet="{}ab :", max_size=30))
def test_a_value_is_never_looked_into(value: str) -> None:
    """Substitution is done once: a value that looks like a reference stays as it is."""
    assert steps(content({"x": "{{ a }}"}, a={"type": "String"}), {"a": value})[0].inputs[0]["x"] == value


STORE = {
    "plain": {"Name": "plain", "Type": "String", "Value": "v"},
    "/a/b": {"Name": "/a/b", "Type": "String", "Value": "deep"},
    "plain:1": {"Name": "plain", "Type": "String", "Value": "old", "Selector": ":1"},
    "list": {"Name": "list", "Type": "StringList", "Value": "one,two"},
    "secret": {"Name": "secret", "Type": "SecureString", "Value": "AQI"},
}


class Store:
    """GetParameters over STORE; it writes down what was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert operation == "GetParameters"
        self.asked.append(parameters["Names"])
        if "forbidden" in parameters["Names"]:
            raise CallRefusedError("AccessDeniedException", "not authorized to perform: ssm:GetParameters")
        found = [STORE[name] for name in parameters["Names"] if name in STORE]
        return {"Parameters": found, "InvalidParameters": [name for name in parameters["Names"] if name not in STORE]}


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        (["echo {{ssm:plain}} {{ ssm:plain:1 }} {{ssm:/a/b}}"], ["echo v old deep"]),
        (["{{ssm:list}}", "z"], ["one", "two", "z"]),
        ("{{ssm:plain}}", "v"),
        (["{{ a }}"], ["v"]),
        (["nothing"], ["nothing"]),
    ],
)
def test_parameter_store_is_read_by_the_node(written: Any, filled: Any) -> None:
    """Observed: docparser/parameterstore of the agent: GetParameters under the node's role, also for the values of parameters."""
    document = content({"runCommand": written}, a={"type": "String", "default": "{{ssm:plain}}", "allowedPattern": "^v$"})
    assert steps(document, {}, ParameterStore(Store()).resolved)[0].inputs[0]["runCommand"] == filled


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (["{{ssm:absent}} {{ssm:gone}} {{ssm:plain}}"], r"^Input contains invalid parameters \[absent gone\]$"),
        (["{{ssm:secret}}"], r"^Parameters \[secret\] of type SecureString are not supported$"),
        (["echo {{ssm:list}}"], "^Parameter list of type StringList cannot be used as a String$"),
        ("{{ssm:list}}", "^Parameter list of type StringList cannot be used as a String$"),
        (["{{ssm:forbidden}}"], "^AccessDeniedException: not authorized to perform: ssm:GetParameters$"),
    ],
)
def test_a_reference_that_leads_nowhere_fails_the_document(written: Any, words: str) -> None:
    """Observed: docparser/parameterstore of the agent, its words."""
    with pytest.raises(BadDocumentError, match=words):
        steps(content({"runCommand": written}), {}, ParameterStore(Store()).resolved)


def test_ten_names_a_call_each_once() -> None:
    """Observed: docparser/parameterstore of the agent, MaxParametersPerCall."""
    store = Store()
    with pytest.raises(BadDocumentError, match="invalid parameters"):
        steps(
            content({"runCommand": ["{{ssm:plain}}"] + [f"{{{{ssm:n{n}}}}}" for n in range(11)]}),
            {},
            ParameterStore(store).resolved,
        )
    assert [len(names) for names in store.asked] == [10, 2]


def test_values_are_compared_with_their_pattern_on_the_node_too() -> None:
    """Observed: paramvalidator of the agent: what Parameter Store says is only known here."""
    document = content(
        {}, a={"type": "String", "allowedPattern": "^[0-9]+$"}, b={"type": "String", "default": "", "allowedPattern": "("}
    )
    with pytest.raises(BadDocumentError) as caught:
        steps(document, {"a": "{{ssm:plain}}"}, ParameterStore(Store()).resolved)
    assert str(caught.value).startswith(
        "all errors during param validation errors: error thrown in 'AllowedRegexParamValidator' while validating parameter /a/: "
        "parameter value /v/ does not match the allowed pattern /^[0-9]+$/\n"
        "error thrown in 'AllowedRegexParamValidator' while validating parameter /b/: encountered error while compiling"
    )


def test_a_list_parameter_inside_a_list_is_flattened() -> None:
    """Observed: runCommand: ["{{ commands }}"] as in AWS-RunShellScript."""
    filled = steps(content({"runCommand": ["{{ c }}", "z"]}, c={"type": "StringList"}), {"c": ["x", "y"]})[0]
    assert flattened(filled.inputs[0]["runCommand"]) == ["x", "y", "z"]


def test_the_old_schema_has_its_steps_in_runtime_config() -> None:
    """Documented: schema 1.2, runtimeConfig with a list of properties."""
    document = {
        "schemaVersion": "1.2",
        "runtimeConfig": {"aws:runShellScript": {"properties": [{"runCommand": ["a"]}, {"runCommand": ["b"]}]}},
    }
    (step,) = steps(document, {})
    assert (step.name, [part["runCommand"] for part in step.inputs]) == ("aws:runShellScript", [["a"], ["b"]])


@pytest.mark.parametrize("version", ["0.3", "3.0", ""])
def test_another_schema_is_refused(version: str) -> None:
    """Observed: the agent's text for a schema it does not know."""
    with pytest.raises(
        BadDocumentError, match=f"Document with schema version {version} is not supported by this version of ssm agent"
    ):
        steps(content({}, version), {})


def one_step(plugin: str, version: str = "2.2", **precondition: Any) -> DocumentStep:
    """A step of `plugin`; parameter p is x, parameter q is Linux."""
    step: dict[str, Any] = {"action": plugin, "name": "s", "inputs": {}}
    if precondition:
        step["precondition"] = precondition
    declared = {"p": {"type": "String", "default": "x"}, "q": {"type": "String", "default": "Linux"}}
    return steps({"schemaVersion": version, "parameters": declared, "mainSteps": [step]}, {})[0]


SHELL, WINDOWS, UNHEARD = "aws:runShellScript", "aws:psModule", "aws:unheard"


@pytest.mark.parametrize(
    ("step", "status", "text"),
    [
        (one_step(SHELL), None, ""),
        (one_step(SHELL, StringEquals=["platformType", "Linux"]), None, ""),
        (one_step(SHELL, StringEquals=["linux", "platformType"]), None, ""),
        (one_step(SHELL, StringEquals=["{{ p }}", "x"]), None, ""),
        (one_step(SHELL, StringEquals=["a", "a{{ p }}"]), Status.SKIPPED, "'\"StringEquals\": [a, a{{ p }}]'. Step name: s"),
        (one_step(SHELL, StringEquals=["platformType", "Windows"]), Status.SKIPPED, "unsatisfied preconditions"),
        (one_step(SHELL, StringEquals=["platformType", "{{ q }}"]), Status.FAILED, "can't contain document parameters"),
        (one_step(SHELL, StringEquals=["platformType", "platformType"]), Status.FAILED, "[platformType platformType]"),
        (one_step(SHELL, StringEquals=["a", "a"]), Status.FAILED, "operator's arguments can't be identical"),
        (one_step(SHELL, StringEquals=["a", "b"]), Status.FAILED, "must contain a valid document parameter"),
        (one_step(SHELL, StringEquals=["a"]), Status.FAILED, "operator accepts exactly 2 arguments"),
        (one_step(SHELL, StringEquals=["{{ssm:a}}", "b"]), Status.FAILED, "can't contain SSM parameters"),
        (one_step(SHELL, StringEquals=["{{ssm-secure:a}}", "b"]), Status.FAILED, "can't contain secure SSM parameters"),
        (
            one_step(SHELL, StringLike=["a", "b"]),
            Status.FAILED,
            "Unrecognized precondition(s): 'unrecognized operator: \"StringLike\"'",
        ),
        (one_step(SHELL, "2.0", StringEquals=["a", "b"]), Status.FAILED, "prior to 2.2"),
        (one_step(UNHEARD), Status.FAILED, "is not supported by this version of ssm agent"),
        (one_step(UNHEARD, StringEquals=["platformType", "Windows"]), Status.SKIPPED, "skipped due to unsupported plugin"),
        (
            one_step(UNHEARD, StringEquals=["platformType", "Linux"]),
            Status.FAILED,
            "is not supported by this version of ssm agent",
        ),
        (one_step(UNHEARD, "2.0"), Status.FAILED, "is not supported by this version of ssm agent"),
        (one_step(WINDOWS), Status.SKIPPED, "skipped due to unsupported plugin: aws:psModule. Step name: s"),
        (one_step(WINDOWS, StringEquals=["platformType", "Windows"]), Status.SKIPPED, "unsupported plugin"),
        (one_step(WINDOWS, "2.0"), Status.FAILED, "Plugin with name aws:psModule not found. Step name: s"),
        (one_step("aws:domainJoin"), Status.FAILED, "Plugin with name aws:domainJoin is not performed by nodes of localorg"),
    ],
)
def test_a_step_is_judged_before_it_runs(step: DocumentStep, status: Status | None, text: str) -> None:
    """Observed: getStepExecutionOperation and evaluatePreconditions in the agent's source. The last row is our own agent's refusal."""
    result = verdict(step, KNOWN_PLUGINS, "Linux")
    assert (result.status if result else None) == status
    if result:
        assert text in (result.output or "") + result.stderr


def test_a_finally_step_is_the_last_one() -> None:
    """Observed: getShouldPluginSkipBasedOnControlFlow in the agent's source: finallyStep counts at the last step only."""
    said: list[Any] = [True, "true", "True", False]
    mains = [{"action": SHELL, "name": f"s{n}", "inputs": {"finallyStep": value}} for n, value in enumerate(said)]
    every = steps({"schemaVersion": "2.2", "mainSteps": mains}, {})
    assert [[is_finally(step, every[: last + 1]) for step in every[: last + 1]] for last in range(4)] == [
        [True],
        [False, True],
        [False, False, False],
        [False, False, False, False],
    ]


@pytest.mark.parametrize(
    ("inputs", "status", "code", "ends"),
    [
        ({}, Status.FAILED, 1, False),
        ({"onFailure": "exit"}, Status.FAILED, 1, True),
        ({"onFailure": "exit"}, Status.SUCCESS, 0, False),
        ({"onSuccess": "exit"}, Status.SUCCESS, 0, True),
        ({"onSuccess": "Exit"}, Status.SUCCESS, 0, False),
        ({"onFailure": "exit"}, Status.TIMED_OUT, 137, False),
        ({}, Status.SUCCESS, 168, True),
        ({}, Status.FAILED, 169, True),
    ],
)
def test_which_steps_end_a_document(inputs: dict, status: Status, code: int, ends: bool) -> None:
    """Documented: onFailure, onSuccess; observed: exit codes 168 and 169."""
    assert ends_document(DocumentStep("s", "p", (inputs,)), StepResult("p", status, code)) is ends


def test_nothing_steers_the_flow_of_the_old_schema() -> None:
    """Observed: the agent looks for onFailure in inputs that are a mapping; the properties of schema 1.2 are a list."""
    old = {"schemaVersion": "1.2", "runtimeConfig": {SHELL: {"properties": [{"onFailure": "exit", "runCommand": ["x"]}]}}}
    (step,) = steps(old, {})
    assert not ends_document(step, StepResult(SHELL, Status.FAILED, 1))
