"""Documents: parameters filled in, steps chosen, flow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.document import BadDocumentError, DocumentStep, ends_document, flattened, steps, verdict
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
        ("say {{ a }}", {"a": ["x", "y"]}, 'say ["x", "y"]'),
        ("{{ a }}{{ a }}", {"a": "{{ a }}"}, "{{ a }}{{ a }}"),
        ("{{ a }}", {}, "default"),
        ("{{ nobody }}", {}, "{{ nobody }}"),
    ],
)
def test_parameters_are_filled_in(text: str, given_values: dict, filled: Any) -> None:
    """Documented: SSM document syntax; the agent substitutes, once, and keeps what nobody declared."""
    document = content({"runCommand": text}, a={"type": "String", "default": "default"})
    assert steps(document, given_values)[0].inputs[0]["runCommand"] == filled


@given(st.text(alphabet="{}ab :", max_size=30))
def test_a_value_is_never_looked_into(value: str) -> None:
    """Substitution is done once: a value that looks like a reference stays as it is."""
    assert steps(content({"x": "{{ a }}"}, a={"type": "String"}), {"a": value})[0].inputs[0]["x"] == value


def test_a_parameter_store_reference_is_refused_by_name() -> None:
    """Nothing unsupported succeeds silently."""
    with pytest.raises(BadDocumentError, match=r"the reference \{\{ssm:key\}\} is not supported"):
        steps(content({"runCommand": ["{{ssm:key}}"]}), {})


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


@pytest.mark.parametrize(
    ("step", "status", "text"),
    [
        (DocumentStep("s", "aws:runShellScript", ({},), {"StringEquals": ["platformType", "Linux"]}), None, ""),
        (
            DocumentStep("s", "aws:runShellScript", ({},), {"StringEquals": ["platformType", "Windows"]}),
            Status.SKIPPED,
            "unsatisfied",
        ),
        (DocumentStep("s", "aws:runShellScript", ({},), {"StringEquals": ["Linux", "platformType"]}), None, ""),
        (DocumentStep("s", "aws:runShellScript", ({},), {"StringLike": ["a", "b"]}), Status.FAILED, "Unrecognized precondition"),
        (DocumentStep("s", "aws:runShellScript", ({},), {"StringEquals": ["a"]}, False), Status.FAILED, "prior to 2.2"),
        (
            DocumentStep("s", "aws:softwareInventory", ({},)),
            Status.FAILED,
            "Plugin with name aws:softwareInventory is not supported",
        ),
        (DocumentStep("s", "aws:refreshAssociation", ({},)), Status.FAILED, "aws:refreshAssociation"),
    ],
)
def test_a_step_is_judged_before_it_runs(step: DocumentStep, status: Status | None, text: str) -> None:
    """Observed: getStepExecutionOperation in the agent's source."""
    result = verdict(step, KNOWN_PLUGINS, KNOWN_PLUGINS, "Linux")
    assert (result.status if result else None) == status
    if result:
        assert text in (result.output or "") + result.stderr


@pytest.mark.parametrize(
    ("inputs", "status", "code", "ends"),
    [
        ({}, Status.FAILED, 1, False),
        ({"onFailure": "exit"}, Status.FAILED, 1, True),
        ({"onFailure": "exit"}, Status.SUCCESS, 0, False),
        ({"onSuccess": "exit"}, Status.SUCCESS, 0, True),
        ({}, Status.SUCCESS, 168, True),
        ({}, Status.FAILED, 169, True),
    ],
)
def test_which_steps_end_a_document(inputs: dict, status: Status, code: int, ends: bool) -> None:
    """Documented: onFailure, onSuccess; observed: exit codes 168 and 169."""
    assert ends_document(DocumentStep("s", "p", (inputs,)), StepResult("p", status, code)) is ends
