"""Who lives through the seed's stories: a person with the aws CLI, and a person who looks at an account's console."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from awscli.clidriver import create_clidriver

from csd.aws.deployment import kept_apart
from csd.aws.identity import Principal
from csd.aws.prerequisites import Plan, look
from localorg.server.simulation.organization import Simulation
from simulation.solution import BUCKET, HUB, STACK, TEMPLATE, Operator

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
    ssm, found, token = simulation.client("ssm", hub, region), set(), {}
    while True:
        page = ssm.describe_document_permission(Name=document, PermissionType="Share", **token)
        found |= set(page["AccountIds"])
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


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


def update_stack(operator: Operator, **changes: str) -> str:
    """Choose Update, leave "Use the current template", change parameters. Returns how it ended."""
    cloudformation = operator.client("cloudformation")
    held = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    keys = [one["ParameterKey"] for one in held if one["ParameterKey"] not in changes]
    given: list[dict[str, Any]] = [{"ParameterKey": key, "UsePreviousValue": True} for key in keys]
    given += [{"ParameterKey": key, "ParameterValue": value} for key, value in changes.items()]
    words = ("cloudformation", "update-stack", "--stack-name", STACK, "--use-previous-template")
    more = ("--capabilities", "CAPABILITY_NAMED_IAM", "--parameters", json.dumps(given))
    aws(operator.simulation, [*words, *more], operator.account)

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])

    operator.simulation.until(lambda: not status().endswith("_IN_PROGRESS"), within_s=3600)
    return status()


def reasons(operator: Operator) -> list[str]:
    """Return why resources of the stack have failed, the newest first, as its events tell."""
    events = operator.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return [f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}" for event in failed]


def launch(operator: Operator, targets: str, **changes: str) -> tuple[str, list[str]]:
    """Launch the solution's stack as a person does in the console. Returns how it ended, and why."""
    simulation, cloudformation = operator.simulation, operator.client("cloudformation")
    given = {"ManagementAccountId": HUB, "DeploymentTargets": targets, **operator.parameters, **changes}
    operator.client("s3").put_object(Bucket=BUCKET, Key="template.yaml", Body=TEMPLATE.encode())
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"https://{BUCKET}.s3.{simulation.spec.regions[0]}.amazonaws.com/template.yaml",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])

    simulation.until(lambda: not status().endswith("_IN_PROGRESS"), within_s=3600)
    return status(), reasons(operator)


def nothing_is_left(operator: Operator) -> bool:
    """Delete the stack, and look for anything that it may have left in the hub."""
    simulation, cloudformation = operator.simulation, operator.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    simulation.run_for(600)
    documents = operator.client("ssm").list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]
    roles = [role["RoleName"] for role in operator.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("CSD-")]
    stacks = cloudformation.describe_stacks()["Stacks"]
    return [documents, roles, stacks] == [[], [], []] and not sets_of_the_organization(simulation)


def sets_of_the_organization(simulation: Simulation) -> list[str]:
    """Return the names of the StackSets that the organization has, whoever made them."""
    cloudformation = simulation.client("cloudformation")
    return [found["StackSetName"] for found in cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]]


def lacks(operator: Operator, *targets: str, delegated: bool = False, regions: Sequence[str] = ()) -> list[str]:
    """Return the sentences that `csd check` tells an account's administrator, and on which `csd deploy` stops."""
    principal = seated(operator)
    found = look(principal, Plan(list(targets), list(regions), delegated, STACK, ""), lambda _: None)
    return [str(problem) for problem in found.problems]


def changes(operator: Operator, *targets: str) -> list[str]:
    """Return the sentences on which `csd deploy` stops when the stack's targets cannot become these at once."""
    return [str(problem) for problem in kept_apart(seated(operator), STACK, targets)]


def seated(operator: Operator) -> Principal:
    """Return the operator as csd knows them."""
    session = operator.simulation.session(operator.account)
    return Principal(session, operator.account, session.client("sts").get_caller_identity()["Arn"])
