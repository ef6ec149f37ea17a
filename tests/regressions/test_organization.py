"""D13 to D18, "Organisation handling": who is reached, once, and who no longer."""

from collections.abc import Iterator

import pytest

from localorg.server.spec import Spec, parse_spec
from simulation.solution import HUB, LAB, NAME, RUNBOOK, SHOP, SPEC, UNIT, Operator, why

pytestmark = pytest.mark.xdist_group("regressions-organization")
DEEP, GONE = "444444444444", "555555555555"
DISTRIBUTE = "CSD-DistributeSoftwarePackage"
INNER, DEEPEST = "ou-abcd-22222222", "ou-abcd-33333333"


@pytest.fixture(scope="module")
def world() -> Spec:
    """Beside the usual ones an account three levels below the root, with a node, and one that is suspended."""
    inner = '{id: ou-abcd-22222222, name: Inner, accounts: [{id: "333333333333", name: lab}]}'
    deeper = (
        '{id: ou-abcd-22222222, name: Inner, accounts: [{id: "333333333333", name: lab}, '
        '{id: "555555555555", name: gone, state: SUSPENDED}], '
        'units: [{id: ou-abcd-33333333, name: Deepest, accounts: [{id: "444444444444", name: deep}]}]}'
    )
    assert inner in SPEC
    node = 'nodes:\n  - {account: "444444444444", region: us-east-1, persona: debian-12, name: deep-us}\n'
    return parse_spec(SPEC.replace(inner, deeper).replace("nodes:\n", node), "spec")


def shares(operator: Operator, document: str, region: str = "") -> dict[str, str]:
    """Return with whom a document is shared, and which versions of it."""
    ssm = operator.simulation.client("ssm", region=region)
    told = ssm.describe_document_permission(Name=document, PermissionType="Share")
    return {one["AccountId"]: one["SharedDocumentVersion"] for one in told["AccountSharingInfoList"]}


def distributions(operator: Operator) -> set[str]:
    """Return the ids of the roll-outs over all accounts that the hub has started."""
    pages = operator.simulation.client("ssm").get_paginator("describe_automation_executions")
    found = pages.paginate(Filters=[{"Key": "DocumentNamePrefix", "Values": [DISTRIBUTE]}])
    return {run["AutomationExecutionId"] for page in found for run in page["AutomationExecutionMetadataList"]}


def pairs(operator: Operator, execution: str) -> list[str]:
    """Return the account-Region pairs of a roll-out, in order."""
    steps = operator.simulation.client("ssm").describe_automation_step_executions(AutomationExecutionId=execution)
    return sorted(step["StepName"] for step in steps["StepExecutions"] if step["StepName"][:12].isdigit())


@pytest.fixture
def lab_leaves(operator: Operator) -> Iterator[None]:
    """The account lab moves out of the unit, and is back afterwards."""
    organizations = operator.simulation.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.move_account(AccountId=LAB, SourceParentId=INNER, DestinationParentId=root)
    operator.simulation.run_for(600)
    yield
    organizations.move_account(AccountId=LAB, SourceParentId=root, DestinationParentId=INNER)
    operator.simulation.run_for(600)


def test_d13_s08_s09_accounts_at_any_depth_are_reached_once(operator: Operator) -> None:
    """The sample looks one level below a unit: deeper accounts have its role and get no package; an account named twice runs twice."""
    assert operator.marker("deep-us") == "1.0.0"
    before = distributions(operator)
    run = operator.distribute(operator.wish("1.0.0", targetAccounts=[UNIT, DEEPEST, LAB, INNER, LAB]))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    (fresh,) = distributions(operator) - before
    expected = [f"{account}_{region}" for account in (SHOP, LAB, DEEP) for region in ("eu-west-1", "us-east-1")]
    assert pairs(operator, fresh) == expected


def test_d14_s09_suspended_and_management_accounts_are_left_out_and_told(operator: Operator) -> None:
    """The sample shares with and sends to every account it lists: a suspended one breaks the share, the management account has no role."""
    simulation, organizations = operator.simulation, operator.simulation.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.move_account(AccountId=HUB, SourceParentId=root, DestinationParentId=UNIT)
    before = distributions(operator)
    run = operator.distribute(operator.wish("1.0.0"))
    organizations.move_account(AccountId=HUB, SourceParentId=UNIT, DestinationParentId=root)
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    (fresh,) = distributions(operator) - before
    assert {pair[:12] for pair in pairs(operator, fresh)} == {SHOP, LAB, DEEP}
    assert set(shares(operator, NAME)) == {SHOP, LAB, DEEP}
    assert f"left out: {HUB} (MANAGEMENT), {GONE} (SUSPENDED)" in str(run["Outputs"])
    assert simulation.client("ssm").list_commands()["Commands"] == []


def test_d15_s10_who_leaves_loses_the_share_and_nobody_else(operator: Operator, lab_leaves: None) -> None:
    """The sample removes the share of "all" alone: who left keeps the package for ever, others see its default version only."""
    ssm = operator.simulation.client("ssm")
    operator.publish("1.1.0")
    before = operator.run_ids()
    operator.associate(operator.wish("1.1.0"))
    operator.simulation.until(lambda: operator.run_ids() - before, within_s=60, every_s=1)
    (fresh,) = operator.run_ids() - before
    stay, seen, status = frozenset({SHOP, DEEP}), set(), "InProgress"
    while status in {"Pending", "InProgress", "Waiting"}:
        seen.add(stay & frozenset(shares(operator, NAME, "eu-west-1")))
        operator.simulation.run_for(1)
        status = ssm.get_automation_execution(AutomationExecutionId=fresh)["AutomationExecution"]["AutomationExecutionStatus"]
    assert status == "Success", why(operator.ended_run(fresh))
    assert seen == {stay}
    for region in operator.simulation.spec.regions:
        assert shares(operator, NAME, region) == {SHOP: "$ALL", DEEP: "$ALL"}
    package = f"arn:aws:ssm:us-east-1:{HUB}:document/{NAME}"
    shop, lab = (operator.simulation.client("ssm", account) for account in (SHOP, LAB))
    assert shop.describe_document(Name=package, VersionName="1.0.0")["Document"]["DefaultVersion"] == "2"
    with pytest.raises(lab.exceptions.InvalidDocument):
        lab.describe_document(Name=package)


def test_d16_the_tree_is_read_once_and_each_region_has_its_own_script(operator: Operator) -> None:
    """The sample does Regions x accounts one by one in one script of 600 seconds at most, and lists the tree anew in each Region."""
    log, listings = operator.simulation.engines.gateway.log, []
    for regions in (("us-east-1",), operator.simulation.spec.regions):
        since = len(log)
        run = operator.distribute(operator.wish("1.0.0", targetRegions=regions))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        asked = [call.action for call in list(log)[since:] if "Administration" in call.principal]
        listings.append(asked.count("organizations:ListAccountsForParent"))
    # Three units, listed by the runbook; Automation lists them once more for its targets.
    assert listings == [6, 6]
    steps = [step["StepName"] for step in run["StepExecutions"] if step["Action"] == "aws:executeScript"]
    for name in ("bringRunbook", "publishPackage", "shareInRegion"):
        assert steps.count(name) == len(operator.simulation.spec.regions)


def test_d17_s03_s04_one_run_with_one_budget_and_never_a_second(operator: Operator) -> None:
    """The sample starts one run for each Region and 50 accounts, all at once, without token or wait: budgets add up, a retry doubles them.

    Ours has one roll-out for each run of the hub, also when it fails: Automation itself starts it, no script does, and it is not tried
    again. With one pair at a time and no error tolerated, the first failure stops all others.
    """
    broken = [operator.simulation.root(name) / "etc/csd-marker-fail" for name in operator.simulation.nodes]
    for path in broken:
        path.write_text("no room on this disk\n")
    operator.publish("1.3.0")
    before = distributions(operator)
    run = operator.distribute(operator.wish("1.3.0", maxConcurrency=["1"], maxErrors=["0"]))
    assert run["AutomationExecutionStatus"] == "Failed"
    operator.simulation.run_for(7200)
    (fresh,) = distributions(operator) - before
    steps = operator.simulation.client("ssm").describe_automation_step_executions(AutomationExecutionId=fresh)["StepExecutions"]
    ran = [step for step in steps if step["StepStatus"] in {"Success", "Failed"}]
    assert 1 <= len(ran) < len(steps) == 6
    assert [step["StepStatus"] for step in ran].count("Failed") == 1
    assert f"{len(steps) - len(ran) + 1} of 6 account-Region pairs did not succeed" in run["FailureMessage"]
    for document in (RUNBOOK, DISTRIBUTE):
        content = operator.simulation.client("ssm").get_document(Name=document)["Content"]
        assert "start_automation_execution" not in content
    for path in broken:
        path.unlink()


def test_d18_a_new_account_is_reached_and_reads_the_runbook(operator: Operator) -> None:
    """The sample does not share its member runbook, as AWS asks for, and lets new accounts wait for somebody's next run."""
    simulation = operator.simulation
    run = operator.distribute(operator.wish("1.0.0"), schedule="rate(30 minutes)")
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    for region in simulation.spec.regions:
        assert {SHOP, LAB, DEEP} <= set(shares(operator, DISTRIBUTE, region))
    organizations = simulation.client("organizations")
    asked = organizations.create_account(AccountName="late", Email="late@example.com")["CreateAccountStatus"]["Id"]
    simulation.run_for(60)
    newcomer = organizations.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]["AccountId"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.move_account(AccountId=newcomer, SourceParentId=root, DestinationParentId=DEEPEST)
    simulation.add_node(newcomer, "eu-west-1", "amazon-2023", "late-eu")
    simulation.run_for(2400)
    assert operator.marker("late-eu") == "1.0.0"
    assert newcomer in shares(operator, DISTRIBUTE, "eu-west-1")
