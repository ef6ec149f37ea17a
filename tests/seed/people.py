"""Who lives through the seed's stories: a person with the aws CLI, and a person who looks at an account's console."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from awscli.clidriver import create_clidriver

from localorg.server.simulation.organization import Simulation

ADMINISTRATION, EXECUTION = "CSD-SystemsManager-AutomationAdministrationRole", "CSD-SystemsManager-AutomationExecutionRole"
ADD, DISTRIBUTE = "CSD-AddSoftwarePackageToDistributor", "CSD-DistributeSoftwarePackage"


def aws(simulation: Simulation, words: Sequence[str], account: str = "", region: str = "") -> dict[str, Any]:
    """Run the aws CLI itself, its parser and its models, as an account's administrator, and return its JSON. Raises AssertionError."""
    command = [*words[words[0] == "aws" :], "--output", "json"]
    driver = create_clidriver()
    simulation.seat(driver.session, account, region)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = driver.main(command)
    assert code == 0, err.getvalue()
    found: dict[str, Any] = json.loads(out.getvalue() or "{}")
    return found


def with_the_role(simulation: Simulation, *accounts: str, role: str = EXECUTION) -> set[str]:
    """Return those of the accounts in which a role of the solution is."""

    def names(account: str) -> list[str]:
        pages = simulation.client("iam", account).get_paginator("list_roles").paginate()
        return [found["RoleName"] for page in pages for found in page["Roles"]]

    return {account for account in accounts if role in names(account)}


def shared_with(simulation: Simulation, document: str, hub: str = "", region: str = "") -> set[str]:
    """Return the accounts that a document of the hub is shared with."""
    ssm = simulation.client("ssm", hub, region)
    return set(ssm.describe_document_permission(Name=document, PermissionType="Share")["AccountIds"])


def moved(simulation: Simulation, account: str, parent: str) -> None:
    """Move an account, and let the StackSets follow."""
    organizations = simulation.client("organizations")
    (held,) = organizations.list_parents(ChildId=account)["Parents"]
    organizations.move_account(AccountId=account, SourceParentId=held["Id"], DestinationParentId=parent)
    simulation.run_for(600)


def joined(simulation: Simulation, name: str, parent: str) -> str:
    """Let an account be created, and moved under a parent. Returns its id."""
    organizations = simulation.client("organizations")
    asked = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]["Id"]
    simulation.run_for(60)
    made = organizations.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]
    moved(simulation, made["AccountId"], parent)
    return str(made["AccountId"])
