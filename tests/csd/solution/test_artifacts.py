"""The rendered solution: fresh, within AWS's bounds, clean by cfn-lint, and free of the sample's template defects."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest
import yaml

from csd.solution import render
from csd.solution.names import HUB_DOCUMENT, MEMBER_DOCUMENT
from csd.solution.targets import PARTS

ROOT = Path(__file__).parents[3]
TEMPLATE = yaml.load(render.render_template(), yaml.CSafeLoader)
MEMBER_ROLES = yaml.load(render.render_member_roles(), yaml.CSafeLoader)
DOCUMENTS = {name: yaml.load(render.render_document(name), yaml.CSafeLoader) for name in (HUB_DOCUMENT, MEMBER_DOCUMENT)}
# What Automation's seed parameters are called, with their defaults; None is required.
HUB_PARAMETERS = {
    "InstanceId": "*", "action": None, "installationType": "Uninstall and reinstall", "name": None, "version": "",
    "additionalArguments": {}, "AutomationAssumeRole": None, "bucketName": "", "bucketPrefix": "", "targetKey": "InstanceIds",
    "targetValues": "*", "targetAccounts": None, "targetRegions": None,
    "includeManagementAccount": "false", "maxConcurrency": "4", "maxErrors": "4",
    "deliveryTimeoutSeconds": "3600", "nodeMaxConcurrency": "50", "nodeMaxErrors": "100%",
}  # fmt: skip


def every_step(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        yield from every_step(step["inputs"].get("Steps", []))


STEPS = [(name, step) for name, document in DOCUMENTS.items() for step in every_step(document["mainSteps"])]
SCRIPTS = [(name, step) for name, step in STEPS if step["action"] == "aws:executeScript"]


@pytest.mark.parametrize("path", sorted(render.artifacts()))
def test_artifacts_are_fresh(path: str) -> None:
    """What is committed is what the sources render to. Run: python -m csd.solution.render."""
    assert (ROOT / "artifacts" / path).read_text() == render.artifacts()[path]


def test_nothing_else_lies_among_the_artifacts() -> None:
    """A renamed artifact leaves no stale twin."""
    found = {path.relative_to(ROOT / "artifacts").as_posix() for path in (ROOT / "artifacts").rglob("*") if path.is_file()}
    assert found == set(render.artifacts())


def test_the_templates_fit() -> None:
    """Documented: CreateStack API, TemplateURL: at most 1 MB; CreateStackSet API, TemplateBody: at most 51,200 bytes."""
    assert len(render.render_template().encode()) <= render.TEMPLATE_BYTES_MAX // 2
    assert len(render.render_member_roles().encode()) <= render.BODY_BYTES_MAX // 2


def test_the_template_is_for_reading() -> None:
    """Scripts, documents and the member template stand in it line by line, and no line is longer than the longest of its sentences."""
    lines = render.render_template().splitlines()
    scripts = [
        line for path in render.STEPS.glob("*.py") if path.stem != "__init__" for line in path.read_text().splitlines() if line
    ]
    assert not [line for line in scripts if not any(rendered.endswith(line) for rendered in lines)]
    assert max(map(len, lines)) < 800


def test_the_documents_fit() -> None:
    """Documented: CreateDocument API: 64 KB, run-time parameters included: 8 KB are left for ten keys and a full association."""
    assert all(len(json.dumps(document)) < render.DOCUMENT_BYTES_MAX - 8_000 for document in DOCUMENTS.values())


def test_the_documents_in_the_template_are_those_that_stand_alone() -> None:
    """They differ in three defaults and in the keys that are trusted; every StackSet brings the member template that stands alone."""
    held = json.loads(json.dumps(TEMPLATE))["Resources"]["AddSoftwarePackageDocument"]["Properties"]["Content"]
    assert held["parameters"]["targetKey"].pop("default") == {"Ref": "TargetKey"}
    assert held["parameters"]["targetValues"].pop("default") == {"Ref": "TargetValues"}
    alone = yaml.load(render.render_document(HUB_DOCUMENT), yaml.CSafeLoader)
    assert held["parameters"]["includeManagementAccount"].pop("default") == {"Ref": "IncludeManagementAccount"}
    defaults = {"targetKey": "InstanceIds", "targetValues": "*", "includeManagementAccount": "false"}
    for name, default in defaults.items():
        held["parameters"][name]["default"] = default
    step = next(one for one in held["mainSteps"] if one["name"] == "verifyRelease")["inputs"]["InputPayload"]
    assert (step["trustedKeys"], step["trustThreshold"]) == (PARTS["trustedKeys"], {"Ref": "TrustThreshold"})
    step |= {"trustedKeys": [""], "trustThreshold": "1"}
    assert held == alone
    sets = [one["Properties"] for one in TEMPLATE["Resources"].values() if one["Type"] == "AWS::CloudFormation::StackSet"]
    assert [yaml.load(one["TemplateBody"], yaml.CSafeLoader) for one in sets] == [MEMBER_ROLES] * 2


@pytest.mark.parametrize("which", ["the stack", "the member roles"])
def test_cfn_lint_is_clean(tmp_path: Path, which: str) -> None:
    """No error, warning or information from cfn-lint, for both templates."""
    body = TEMPLATE if which == "the stack" else MEMBER_ROLES
    found = cfnlint.lint(json.dumps(body), config=cfnlint.ManualArgs(regions=["us-east-1", "eu-west-1"]))
    assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_d1_every_script_is_python311() -> None:
    """D1: python3.6 to 3.9 are refused since September 2025. Documented: AWS's notice to customers."""
    assert {step["inputs"]["Runtime"] for _, step in SCRIPTS} == {"python3.11"}


@pytest.mark.parametrize(("name", "step"), SCRIPTS, ids=[step["name"] for _, step in SCRIPTS])
def test_scripts_stand_alone_and_make_one_pass(name: str, step: dict[str, Any]) -> None:
    """Standard library and boto3 only; no sleep, no loop that waits, no bare except; the handler is there."""
    tree = ast.parse(step["inputs"]["Script"])
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert modules <= {"base64", "hashlib", "json", "re", "datetime", "typing", "boto3", "botocore.exceptions"}
    assert all(handler.type is not None for handler in ast.walk(tree) if isinstance(handler, ast.ExceptHandler))
    assert "handler" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert step["inputs"]["Handler"] == "handler"
    assert len(step["inputs"]["Script"].splitlines()) < 200


def test_references_point_at_what_is_there() -> None:
    """Every {{ reference }} is a parameter, a step's output, a loop's value, or one of Automation's own."""
    for name, document in DOCUMENTS.items():
        steps = {step["name"]: step for step in every_step(document["mainSteps"])}
        known = set(document["parameters"]) | {f"{s}.{o['Name']}" for s, step in steps.items() for o in step.get("outputs", [])}
        known |= {f"{s}.CurrentIteratorValue" for s, step in steps.items() if "Iterators" in step["inputs"]}
        known |= {f"{s}.CurrentIteration" for s, step in steps.items() if step["action"] == "aws:loop"}
        known |= {"distribute.ExecutionId", "automation:EXECUTION_ID"}
        known |= {f"global:{word}" for word in ("REGION", "ACCOUNT_ID", "AWS_PARTITION", "DATE_TIME")}
        unknown = set(re.findall(r"\{\{\s*([^}\s]+)\s*\}\}", json.dumps(document))) - known
        assert not unknown, (name, unknown)
        assert {word for output in document["outputs"] for word in [output]} <= known


def test_every_output_a_step_declares_is_used() -> None:
    """No output that nobody reads, no payload that no script reads."""
    for document in DOCUMENTS.values():
        text = json.dumps(document)
        for step in every_step(document["mainSteps"]):
            for output in step.get("outputs", []):
                assert f"{step['name']}.{output['Name']}" in text
            for key in step["inputs"].get("InputPayload", {}):
                assert re.search(f"[\"']{key}[\"']", step["inputs"]["Script"]), (step["name"], key)


def test_next_steps_are_there() -> None:
    """Every nextStep, branch, onFailure and onCancel names a step of its document."""
    for document in DOCUMENTS.values():
        names = {step["name"] for step in every_step(document["mainSteps"])}
        text = json.dumps(document)
        named = set(re.findall(r'"(?:nextStep|NextStep|Default)": "(\w+)"', text)) | set(re.findall(r'"step:(\w+)"', text))
        assert named <= names


def test_the_seeds_parameters_keep_their_names_and_defaults() -> None:
    """The contract with those who call the documents already; what is new has a default."""
    parameters = DOCUMENTS[HUB_DOCUMENT]["parameters"]
    assert {name: told.get("default") for name, told in parameters.items()} == HUB_PARAMETERS
    member = DOCUMENTS[MEMBER_DOCUMENT]["parameters"]
    seeds = {"action", "installationType", "name", "version", "additionalArguments", "AutomationAssumeRole", "InstanceId"}
    assert seeds <= set(member)
    assert all("default" in member[name] for name in set(member) - {"action", "name"})


def test_d2_the_roll_out_is_waited_for_and_judged() -> None:
    """D2: nothing is fired and forgotten: each start is followed by a wait, and each wait by a verdict."""
    member = [step["name"] for step in DOCUMENTS[MEMBER_DOCUMENT]["mainSteps"]]
    assert member[2:7] == ["sendCommand", "howManyCommands", "waitForCommand", "waitForCommands", "judgeCommand"]
    hub = [step["name"] for step in DOCUMENTS[HUB_DOCUMENT]["mainSteps"]]
    assert hub[-3:] == ["shareDocuments", "distribute", "judgeDistribution"]


def test_d3_one_offline_node_does_not_stop_its_neighbours() -> None:
    """D3: concurrency and errors are told for nodes as well, and delivery ends at a time that is a parameter."""
    send = next(step["inputs"] for name, step in STEPS if step["name"] == "sendCommand")
    assert {"MaxConcurrency", "MaxErrors", "TimeoutSeconds"} <= set(send["InputPayload"])


def test_d5_the_wait_has_awss_bounds_and_looks_first() -> None:
    """D5: at most 100 looks, a look before the first sleep, until every Region is Active or one has Failed."""
    wait = next(step for _, step in STEPS if step["name"] == "awaitDocuments")["inputs"]
    assert wait["MaxIterations"] <= 100
    assert [step["action"] for step in wait["Steps"]] == ["aws:executeScript", "aws:sleep"]


def test_d9_uninstall_publishes_nothing() -> None:
    """D9: the branch goes round the publishing step."""
    branch = next(step for _, step in STEPS if step["name"] == "isAnythingToPublish")["inputs"]
    assert branch["Choices"] == [{"NextStep": "awaitDocuments", "Variable": "{{ action }}", "StringEquals": "Uninstall"}]


def test_d13_descendants_are_included_and_one_run_serves_all() -> None:
    """D13, D17: OUs at any depth, thresholds over the whole roll-out."""
    places = next(step for _, step in STEPS if step["name"] == "distribute")["inputs"]["TargetLocations"]
    assert len(places) == 1
    assert places[0]["IncludeChildOrganizationUnits"] is True
    assert places[0]["ExcludeAccounts"] == "{{ resolveTargets.excludeAccounts }}"


def test_d11_no_partition_is_written_down() -> None:
    """D11: neither template nor scripts say which partition they are in."""
    for text in render.artifacts().values():
        assert not re.findall(r"arn:aws[-a-z]*:|amazonaws\.com/|s3\.amazonaws", text)


def test_d21_everything_declared_is_used() -> None:
    """D21: no parameter but these, each read somewhere; nothing in the form that is no parameter; no dummy account as default."""
    parameters = set(TEMPLATE["Parameters"])
    assert parameters == {
        "IsDelegatedAdministrator", "DelegatedAdminAccountId", "ManagementAccountId", "DeploymentTargets", "AccountsParentId",
        "IncludeManagementAccount", "TargetKey", "TargetValues", "PackagesBucket", "PackageNames", "PermissionsBoundary",
        "TrustedKeys", "TrustThreshold",
    }  # fmt: skip
    text = json.dumps({k: v for k, v in TEMPLATE.items() if k not in ("Parameters", "Metadata")})
    assert all(f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text for name in parameters)
    form = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    assert (
        {name for group in form["ParameterGroups"] for name in group["Parameters"]} == parameters == set(form["ParameterLabels"])
    )
    assert not [name for name, told in TEMPLATE["Parameters"].items() if re.search(r"\d{12}", told.get("Default", ""))]


def test_the_association_command_is_the_articles() -> None:
    """Upper-case words are left to fill in; accounts and role are filled in already."""
    text, parts = TEMPLATE["Outputs"]["AssociationCommand"]["Value"]["Fn::Sub"]
    parameters = json.loads(text.split("--parameters '")[1].split("'")[0].replace("${Targets}", "ou-1"))
    assert list(parameters) == [
        "targetAccounts", "targetRegions", "maxConcurrency", "maxErrors", "action", "installationType", "name", "version",
        "additionalArguments", "AutomationAssumeRole", "bucketName", "bucketPrefix",
    ]  # fmt: skip
    assert parts["Targets"] == {"Fn::Join": ['","', {"Fn::Split": [",", PARTS["targets"]]}]}
