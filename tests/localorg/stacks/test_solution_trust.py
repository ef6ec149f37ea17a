"""The solution's template and its trust root: which keys reach the runbook and the role, and what is refused before anything is made."""

import re
from pathlib import Path
from typing import Any

import pytest

from localorg.stacks.planning import Plan
from localorg.stacks.resources.registry import TYPES
from localorg.stacks.scope import pseudo_parameters
from localorg.stacks.template import parse

TEMPLATE = parse((Path(__file__).parents[3] / "artifacts" / "CentralizedSoftwareDistributor.yaml").read_text())
PATTERN = TEMPLATE.parameters["TrustedKeys"]["AllowedPattern"]
HUB = "111111111111"
ONE = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TWO = "arn:aws-us-gov:kms:us-gov-west-1:999999999999:key/mrk-1234abcd12ab34cd56ef1234567890ab"
ONLY_WITH_KEYS = ["VerifySignatures", "RememberFloors"]


def planned(keys: str, threshold: str = "1") -> Plan:
    values = {name: str(one.get("Default", "")) for name, one in TEMPLATE.parameters.items()}
    values |= {
        "DeploymentTargets": "ou-abcd-11111111",
        "ManagementAccountId": HUB,
        "TrustedKeys": keys,
        "TrustThreshold": threshold,
    }
    return Plan(TEMPLATE, values, pseudo_parameters("aws", HUB, "eu-west-1", "csd", "arn:stack"), TYPES, {})


def baked(plan: Plan) -> tuple[list[str], str]:
    """Return the keys and the threshold that the runbook's own content holds."""
    steps = plan.properties_of("AddSoftwarePackageDocument", {})["Content"]["mainSteps"]
    (payload,) = (step["inputs"]["InputPayload"] for step in steps if step["name"] == "verifyRelease")
    return [key for key in payload["trustedKeys"] if key], payload["trustThreshold"]


def granted(plan: Plan) -> dict[str, Any]:
    """Return {Sid: resource} of the administration role's statements that need keys."""
    statements = plan.properties_of("AdministrationRole", {})["Policies"][0]["PolicyDocument"]["Statement"]
    return {one["Sid"]: one["Resource"] for one in statements if one["Sid"] in ONLY_WITH_KEYS}


@pytest.mark.parametrize("text", [ONE, f"{ONE},{TWO}", f" {ONE} ,  {TWO} "])
def test_the_keys_are_in_the_runbook_and_in_the_role_and_nowhere_else(text: str) -> None:
    """The runbook holds them in its content, not as a parameter that whoever starts it could change; the role may use these keys alone."""
    assert re.fullmatch(PATTERN, text)
    keys = [one for one in (ONE, TWO) if one in text]
    plan = planned(text)
    assert baked(plan) == (keys, "1")
    assert granted(plan)["VerifySignatures"] == keys
    assert [*granted(plan)] == ONLY_WITH_KEYS
    content = plan.properties_of("AddSoftwarePackageDocument", {})["Content"]
    assert not [name for name in content["parameters"] if "trust" in name.lower()]


def test_without_keys_no_statement_names_any() -> None:
    """The default asks for no signature, and grants nothing for one."""
    plan = planned("")
    assert re.fullmatch(PATTERN, "")
    assert baked(plan) == ([], "1")
    assert granted(plan) == {}


@pytest.mark.parametrize(
    ("keys", "threshold", "is_refused"),
    [("", "1", False), ("", "2", True), (ONE, "1", False), (ONE, "2", True), (f"{ONE} ", "2", True), (f"{ONE}, {TWO}", "2", False),
     (f"{ONE},{TWO}", "3", True), (f"{ONE},{TWO},{ONE}1", "3", False)],
)  # fmt: skip
def test_more_signatures_than_keys_are_refused_by_the_template(keys: str, threshold: str, *, is_refused: bool) -> None:
    """One resource is asked for whose value does not fit its pattern; the pattern is the sentence that the event then shows."""
    plan = planned(keys, threshold)
    assert ("TrustThresholdIsTooHigh" in plan.active()) is is_refused
    guard = TEMPLATE.resources["TrustThresholdIsTooHigh"]["Properties"]
    assert not re.search(guard["AllowedPattern"], guard["Value"])


ALIAS = "arn:aws:kms:us-east-1:111111111111:alias/releases"


@pytest.mark.parametrize("text", [ALIAS, ONE.split("/")[1], f"{ONE};{TWO}", f"{ONE},", " ", "*", ",".join([ONE] * 11), f"{ONE}*"])
def test_what_is_no_list_of_key_arns_is_refused_by_the_pattern(text: str) -> None:
    """An alias may come to mean another key, and a bare id says neither account nor Region."""
    assert not re.fullmatch(PATTERN, text)
