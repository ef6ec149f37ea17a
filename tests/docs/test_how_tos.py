"""The pages about deploying are true: a person who types their commands, page after page, gets where the page says."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from csd.solution.names import ADMINISTRATION_ROLE, EXECUTION_ROLE, READER_HUB_ROLE, READER_ROLE
from demo.shell import BIN
from demo.walk import Walk
from docs.pages import REPOSITORY, blocks
from journeys.conftest import organization

PAGES = REPOSITORY / "docs" / "how-to"
PICTURE = REPOSITORY / "docs" / "explanation" / "roles-and-trust.svg"
SPEC = """
regions: [us-east-1, eu-west-1]
organization:
  management: {id: "111111111111", name: hub}
  trusted_services: []
  units:
    - {id: ou-abcd-11111111, name: Workloads, accounts: [{id: "333333333333", name: shop}]}
    - {id: ou-abcd-44444444, name: Platform, accounts: [{id: "666666666666", name: tools}]}
  accounts:
    - {id: "222222222222", name: alone}
    - {id: "777777777777", name: play}
nodes: []
"""
DELEGATE = 'eval "$(localorg env --account 666666666666)"\n'
TRUST = '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}'


def shell_blocks(page: str) -> list[str]:
    """Return the blocks of commands of a page, but those that need a package or an association."""
    return [b.content for b in blocks(PAGES / page) if b.language == "sh" and "csd-leaving" not in b.content]


def deployments(text: str) -> str:
    """Return a block without its distributions."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("csd distribute")) + "\n"


def typed(walk: Walk, script: str) -> str:
    """Return what a person sees who types this in the repository; it must end well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {**walk.shell.environment, "PATH": f"{BIN}:{os.environ['PATH']}", "AWS_PAGER": ""}
    done = subprocess.run(
        ["bash", "-eu"], input=script, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.proof
@pytest.mark.xdist_group("tutorial")
def test_a_person_of_few_rights_checks_deploys_and_changes_the_targets(tmp_path: Path) -> None:
    """The policy on the page about prerequisites suffices, and no command of these pages needs more."""
    (policy,) = [block.content for block in blocks(PAGES / "check-the-prerequisites.md") if block.language == "json"]
    (check,) = shell_blocks("check-the-prerequisites.md")
    add, regions = shell_blocks("change-the-targets.md")
    hub, *_ = shell_blocks("reach-the-hub.md")
    with organization(tmp_path, SPEC) as walk:
        walk.aws("cloudformation", "activate-organizations-access")
        walk.aws("iam", "create-role", "--role-name", "deployer", "--assume-role-policy-document", TRUST)
        walk.aws("iam", "put-role-policy", "--role-name", "deployer", "--policy-name", "deploy", "--policy-document", policy)
        simulated = typed(walk, shell_blocks("why-was-i-denied.md")[0])
        assert simulated.splitlines()[0].split()[:2] == ["iam:CreateRole", "allowed"]
        role = "arn:aws:iam::111111111111:role/deployer"
        keys = walk.aws("sts", "assume-role", "--role-arn", role, "--role-session-name", "me")["Credentials"]
        names = {
            "AWS_ACCESS_KEY_ID": "AccessKeyId",
            "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
            "AWS_SESSION_TOKEN": "SessionToken",
        }
        walk.shell.environment.update({variable: keys[key] for variable, key in names.items()})
        checked = typed(walk, check)
        assert "ready" in checked.splitlines()
        assert "not checked" not in checked
        told = typed(walk, "".join(map(deployments, (add, hub, regions))))
        assert told.count("AdministrationRoleArn=") == 2


@pytest.mark.proof
@pytest.mark.xdist_group("tutorial")
def test_a_delegate_deploys_and_reaches_the_management_account(tmp_path: Path) -> None:
    """From an organization that trusts nobody to roles in the delegate, in members and in the management account."""
    once, then = shell_blocks("use-a-delegated-administrator.md")
    _, wanting, agreeing = shell_blocks("reach-the-hub.md")
    with organization(tmp_path, SPEC) as walk:
        told = typed(walk, once + DELEGATE + then + wanting)
        assert "artifacts/member-roles.yaml is launched in 111111111111, with HubAccountId=666666666666" in told
        typed(walk, agreeing + "aws cloudformation wait stack-create-complete --stack-name csd-roles\n")
        for account in ("111111111111", "333333333333", "666666666666"):
            trusted = walk.aws("iam", "get-role", "--role-name", EXECUTION_ROLE, account=account)["Role"]
            assert f"arn:aws:iam::666666666666:role/{ADMINISTRATION_ROLE}" in json.dumps(trusted["AssumeRolePolicyDocument"])


def test_the_picture_of_trust_names_every_role() -> None:
    """It is XML, each role of the solution is in it, and every arrow has a tip that is defined."""
    root = ET.fromstring(PICTURE.read_text(encoding="utf-8"))
    words = "".join(element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text"))
    assert [name for name in (ADMINISTRATION_ROLE, EXECUTION_ROLE, READER_HUB_ROLE, READER_ROLE) if name not in words] == []
    tips = {f"url(#{element.get('id')})" for element in root.iter("{http://www.w3.org/2000/svg}marker")}
    assert {element.get("marker-end") for element in root.iter("{http://www.w3.org/2000/svg}path")} - {None} == tips
