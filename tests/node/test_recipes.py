"""The ready recipes on real nodes: with the stand-ins of the vendors' installers, by the scripts that the real ones will have.

A life of each on a node that gets its .deb and on one that gets what stands for its .rpm: refused, installed, seen to be there, updated
in place, found broken, removed. A secret is given by value and by the name of a parameter, and is never in what is told.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from csd.package.matching.walk import Packages, entries
from csd.package.sealed import build_package
from node.conftest import ONE, TWO, Fleet
from node.control_plane import Outcome, package_document

pytestmark = [pytest.mark.sandbox, pytest.mark.proof]
RECIPES = Path(__file__).parents[2] / "examples/packages"
KEY, TOKEN = "0123456789abcdef" * 4, "3A1F0C52-77B0-4D1E-9C1A-5E6F7A8B9C0D"
CID = "0123456789ABCDEF0123456789ABCDEF-12"


@dataclass(frozen=True)
class Recipe:
    """How a recipe is used; `secret` is refused when it is `wrong`; `unbind` breaks what validate asks for."""

    name: str
    variable: str
    secret: str
    wrong: str
    refusal: str
    more: dict[str, str]
    bound: str
    unbind: str
    home: str


ROWS = [
    Recipe(
        "cloudwatch-agent", "SSM_CLOUDWATCH_CONFIG", "ssm:/csd/cloudwatch", "no-such-kind", "the agent did not take the configuration", {},
        "grep -q 'ec2 ssm:/csd/cloudwatch' /opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.toml",
        "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a remove-config", "/opt/aws/amazon-cloudwatch-agent",
    ),
    Recipe(
        "crowdstrike-falcon", "SSM_FALCON_CID", CID, "not-a-cid", "falconctl refused the CID",
        {"SSM_FALCON_TAGS": "SensorGroupingTags/web", "SSM_FALCON_PROVISIONING_TOKEN": "0a1b2c3d"},
        "/opt/CrowdStrike/falconctl -g --cid --tags | grep -q 'tags=\"SensorGroupingTags/web\"'",
        "rm /opt/CrowdStrike/memory/cid", "/opt/CrowdStrike",
    ),
    Recipe(
        "tenable-nessus-agent", "SSM_NESSUS_KEY", KEY, "feedfeed", "the agent could not be linked",
        {"SSM_NESSUS_HOST": "nessus.example.com", "SSM_NESSUS_GROUPS": "web,prod"},
        "/opt/nessus_agent/sbin/nessuscli agent status | grep -q 'Linked to: nessus.example.com:8834'",
        "/opt/nessus_agent/sbin/nessuscli agent unlink", "/opt/nessus_agent",
    ),
    Recipe(
        "trendmicro-vision-one", "SSM_TREND_TOKEN", TOKEN, "not-a-token", "the agent could not be activated",
        {"SSM_TREND_ACTIVATION_URL": "dsm://agents.workload.us-1.cloudone.trendmicro.com:443/", "SSM_TREND_TENANT_ID": "T-1"},
        "/opt/ds_agent/dsa_query -c GetAgentStatus | grep -q 'agentState: green'",
        "rm /opt/ds_agent/dsa_query", "/opt/ds_agent",
    ),
]  # fmt: skip
AWS_CLI = """#!/bin/sh
case "$*" in
  "ssm get-parameter --name /csd/secret --with-decryption --query Parameter.Value --output text --region eu-west-1") cat /root/secret ;;
  *) echo "An error occurred (AccessDeniedException) when calling the GetParameter operation" >&2; exit 254 ;;
esac
"""


def sealed(recipe: Recipe, version: str, folder: Path) -> tuple[str, dict[str, bytes], Packages]:
    """Build the recipe, as it is or as its next version; give its zips and what the manifest has."""
    source = folder / f"{recipe.name}-{version or 'as-it-is'}"
    shutil.copytree(RECIPES / recipe.name, source)
    text = (source / "package.yaml").read_text()
    if version:
        lines = [f'version: "{version}"' if line.startswith("version:") else line for line in text.splitlines()]
        (source / "package.yaml").write_text("\n".join(lines))
    built = build_package(source, folder / f"sealed-{source.name}")
    manifest = json.loads((built.folder / "manifest.json").read_text())
    return built.version, {file.name: (built.folder / file.name).read_bytes() for file in built.files}, manifest["packages"]


@pytest.mark.parametrize("node", [ONE, TWO], ids=["deb", "rpm"])
@pytest.mark.parametrize("recipe", ROWS, ids=lambda recipe: recipe.name)
def test_the_life_of_a_recipe(recipe: Recipe, node: str, fleet: Fleet, tmp_path: Path) -> None:
    """Every script of a recipe does on a real node what its README says, and what it prints never has the secret."""
    said: list[str] = []

    def ask(action: str, **inputs: Any) -> Outcome:
        found = fleet.plane.outcome(fleet.plane.send(node, package_document(recipe.name, action, **inputs)))
        said.append(found.out + found.err)
        return found

    def install(secret: dict[str, str], **inputs: Any) -> Outcome:
        return ask("Install", additionalArguments=json.dumps(recipe.more | secret), **inputs)

    def is_true(command: str) -> bool:
        return fleet.plane.shell(node, command).status == "Success"

    version, zips, packages = sealed(recipe, "", tmp_path)
    fleet.plane.publish(recipe.name, version, zips, packages)
    refused = install({recipe.variable: recipe.wrong})
    assert refused.status == "Failed"
    assert f"error: {recipe.refusal}" in refused.err + refused.out
    given = install({recipe.variable: recipe.secret})
    assert given.status == "Success", given.err + given.out
    assert is_true(recipe.bound)
    assert "already installed" in install({recipe.variable: recipe.secret}).out
    new, zips, packages = sealed(recipe, f"{version}.1", tmp_path)
    fleet.plane.publish(recipe.name, new, zips, packages)
    updated = install({}, installationType="In-place update")
    assert f"updated to {new}" in updated.out, updated.err + updated.out
    assert is_true(recipe.bound), "an update keeps what the agent is bound to"
    assert is_true(recipe.unbind)
    again = install({recipe.variable: recipe.secret})
    assert again.status == "Success", again.err + again.out
    assert "already installed" not in again.out, "an agent that is bound to nothing is not believed to be installed"
    removed = [ask("Uninstall"), ask("Uninstall")]
    assert [one.status for one in removed] == ["Success", "Success"], removed[0].err + removed[0].out
    assert is_true(f"test ! -e {recipe.home}"), "nothing is left"
    if recipe.name != "cloudwatch-agent":
        assert not [text for text in said if recipe.secret in text or recipe.wrong in text]


@pytest.mark.parametrize("recipe", [row for row in ROWS if row.name != "cloudwatch-agent"], ids=lambda recipe: recipe.name)
def test_a_secret_comes_from_parameter_store(recipe: Recipe, fleet: Fleet, tmp_path: Path) -> None:
    """The rollout names the parameter; the node reads it under its own role. Where it may not, that is what is told."""
    fleet.plane.shell(
        ONE,
        f"printf %s '{recipe.secret}' >/root/secret",
        f"cat >/usr/local/bin/aws <<'E'\n{AWS_CLI}E",
        "chmod +x /usr/local/bin/aws",
    )
    version, zips, packages = sealed(recipe, "", tmp_path)
    fleet.plane.publish(recipe.name, version, zips, packages)
    for parameter, status in (("/csd/other", "Failed"), ("/csd/secret", "Success")):
        arguments = json.dumps(recipe.more | {f"{recipe.variable}_PARAMETER": parameter})
        document = package_document(recipe.name, "Install", additionalArguments=arguments)
        found = fleet.plane.outcome(fleet.plane.send(ONE, document))
        assert found.status == status, found.err + found.out
        assert ("needs ssm:GetParameter on it" in found.err + found.out) == (status == "Failed")
        assert recipe.secret not in found.err + found.out
    assert fleet.plane.shell(ONE, recipe.bound).status == "Success"
    assert fleet.plane.outcome(fleet.plane.send(ONE, package_document(recipe.name, "Uninstall"))).status == "Success"


def test_every_file_of_the_manifest_is_used(tmp_path: Path) -> None:
    """No zip of a recipe is for nobody."""
    for recipe in ROWS:
        _, zips, packages = sealed(recipe, "", tmp_path)
        told = {p: {v: {a: f["file"] for a, f in archs.items()} for v, archs in vs.items()} for p, vs in packages.items()}
        assert {file for _, file in entries(told)} == set(zips)
