"""D19 to D23, S13 to S15 and S17, "Security and template": which rights there are, which parameters do something, what is told."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from csd.aws import fleet
from csd.aws.identity import Principal
from csd.report.picture import NodeFacts, State, Wanted, draw
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec
from simulation.solution import HUB, LAB, NAME, REPOSITORY, RUNBOOK, SHOP, TEMPLATE, Operator, spec, why

pytestmark = pytest.mark.xdist_group("regressions-template")
HOME, OTHER = "eu-north-1", "eu-south-1"
STACK_SET = "CSD-SystemsManagerAutomationExecutionRole"
EXECUTION = "CSD-SystemsManager-AutomationExecutionRole"


@pytest.fixture(scope="module")
def world() -> Spec:
    """The usual organization with another home than us-east-1."""
    return spec("aws", (HOME, OTHER))


def solution_roles(operator: Operator, account: str) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of each role that the solution has made in an account."""
    iam, found = operator.simulation.client("iam", account), {}
    for name in (role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("CSD-")):
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        names = iam.list_role_policies(RoleName=name)["PolicyNames"]
        policies = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in names]
        found[name] = [statement for policy in policies for statement in policy["Statement"]]
    return found


def actions(statements: list[dict[str, Any]]) -> set[str]:
    """Return the actions that statements allow."""
    allowed = [one["Action"] for one in statements if one["Effect"] == "Allow"]
    return {action for listed in allowed for action in (listed if isinstance(listed, list) else [listed])}


def test_d19_s14_a_members_role_is_taken_by_one_role_and_may_little(operator: Operator) -> None:
    """The sample trusts the whole hub account, and gives AmazonSSMAutomationRole, ec2messages:* and every bucket to hub and members."""
    simulation = operator.simulation
    role = f"arn:aws:iam::{SHOP}:role/{EXECUTION}"
    with pytest.raises(ClientError, match=r"\(AccessDenied\).*no role trust policy allows"):
        simulation.client("sts").assume_role(RoleArn=role, RoleSessionName="somebody-of-the-hub")
    every = [statements for account in (HUB, SHOP) for statements in solution_roles(operator, account).values()]
    allowed = {action for statements in every for action in actions(statements)}
    assert not [action for action in allowed if "*" in action]
    assert {action.partition(":")[0] for action in allowed} <= {
        "iam", "organizations", "resource-groups", "s3", "ssm", "sts", "tag",
    }  # fmt: skip
    objects = [one["Resource"] for statements in every for one in statements if "s3:GetObject" in actions([one])]
    assert objects
    assert all(text.endswith(("/*.json", "/*.zip")) for listed in objects for text in listed)


def test_d20_s14_nobody_gets_rights_to_make_rights(operator: Operator) -> None:
    """The sample brings two self-managed StackSet roles that nothing uses, one with cloudformation:* and IAM's writes on everything."""
    for account in (HUB, SHOP, LAB):
        roles = solution_roles(operator, account)
        assert roles
        assert not [name for name in roles if "StackSet" in name]
        for statements in roles.values():
            risky = {action for action in actions(statements) if action.startswith(("iam:", "cloudformation:"))}
            assert risky <= {"iam:PassRole"}


def test_d21_s13_every_parameter_of_the_template_does_something(operator: Operator) -> None:
    """The sample never reads TargetKey and TargetValues, whose list is one value, and labels a parameter that does not exist."""
    simulation = operator.simulation
    template = yaml.load(TEMPLATE, yaml.CSafeLoader)
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert {name for group in groups for name in group["Parameters"]} == set(template["Parameters"])
    assert "Default" not in template["Parameters"]["ManagementAccountId"]
    for name, account, region, role in (
        ("shop-us", SHOP, HOME, "web"),
        ("lab-us", LAB, HOME, "db"),
        ("shop-eu", SHOP, OTHER, "mail"),
    ):
        ec2 = simulation.client("ec2", account, region)
        ec2.create_tags(Resources=[simulation.nodes[name].instance_id], Tags=[{"Key": "Role", "Value": role}])
    usual = operator.parameters
    operator.parameters = {**usual, "TargetKey": "tag:Role", "TargetValues": "web, db"}
    operator.deploy()
    operator.publish("1.1.0")
    run = operator.distribute(operator.wish("1.1.0"))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert operator.markers() == {"shop-us": "1.1.0", "lab-us": "1.1.0", "shop-eu": "1.0.0"}
    operator.parameters = usual
    operator.deploy()


def test_d22_s15_updates_are_new_versions_and_many_accounts_go_at_once(operator: Operator) -> None:
    """The sample's documents cannot be updated, its StackSet does one account at a time, tolerates none, and is bound to us-east-1.

    Roles go when an account leaves, as in the sample, but by decision (ADR 0011): what runs there then fails, and the run names it.
    """
    simulation, ssm = operator.simulation, operator.simulation.client("ssm")
    before = ssm.describe_document(Name=RUNBOOK)["Document"]
    usual = operator.parameters
    operator.parameters = {**usual, "TargetKey": "tag:Nobody"}
    operator.deploy()
    after = ssm.describe_document(Name=RUNBOOK)["Document"]
    assert int(after["DefaultVersion"]) > int(before["DefaultVersion"])
    assert after["CreatedDate"] > before["CreatedDate"]
    operator.parameters = usual
    operator.deploy()
    cloudformation = simulation.client("cloudformation")
    instances = cloudformation.list_stack_instances(StackSetName=STACK_SET)["Summaries"]
    assert {(one["Account"], one["Region"]) for one in instances} == {(SHOP, HOME), (LAB, HOME)}
    (made,) = (
        one for one in cloudformation.list_stack_set_operations(StackSetName=STACK_SET)["Summaries"] if one["Action"] == "CREATE"
    )
    preferences = made["OperationPreferences"]
    assert preferences["MaxConcurrentPercentage"] > 1
    assert preferences["FailureTolerancePercentage"] > 0
    run = run_that_loses_an_account(operator)
    assert run["AutomationExecutionStatus"] == "Failed"
    assert f"1 of 4 account-Region pairs did not succeed: {LAB} {HOME} (Failed)" in run["FailureMessage"]


def run_that_loses_an_account(operator: Operator) -> dict[str, Any]:
    """Let the account lab leave the unit while its node is busy; it is back afterwards."""
    simulation, organizations = operator.simulation, operator.simulation.client("organizations")
    root, inner = organizations.list_roots()["Roots"][0]["Id"], "ou-abcd-22222222"
    simulation.nodes["lab-us"].duration_s = 600
    operator.publish("1.2.0")
    before = operator.run_ids()
    operator.associate(operator.wish("1.2.0"))
    simulation.run_for(200)
    (fresh,) = operator.run_ids() - before
    organizations.move_account(AccountId=LAB, SourceParentId=inner, DestinationParentId=root)
    run = operator.ended_run(fresh)
    organizations.move_account(AccountId=LAB, SourceParentId=root, DestinationParentId=inner)
    simulation.nodes["lab-us"].duration_s = 2
    simulation.run_for(1200)
    return run


class Seated(Principal):
    """Somebody whose calls are answered by a simulation."""

    def __init__(self, simulation: Simulation, session: boto3.Session, account: str, arn: str) -> None:
        super().__init__(session, account, arn)
        self.simulation = simulation

    def assume(self, role_arn: str, denied: str = "") -> "Seated":
        """This principal in a role."""
        credentials = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="csd")["Credentials"]
        session = self.simulation._front.session(credentials, self.region)
        return Seated(self.simulation, session, role_arn.split(":")[4], role_arn)


def facts(operator: Operator) -> list[NodeFacts]:
    """Read the fleet as `csd status` does, place by place."""
    session = operator.simulation.session()
    reader = fleet.reader(Seated(operator.simulation, session, HUB, f"arn:aws:iam::{HUB}:user/admin"))
    places = [(account, region) for account in (SHOP, LAB) for region in (HOME, OTHER)]
    scope = fleet.Scope((SHOP, LAB), (HOME, OTHER), "InstanceIds", ("*",))
    assumed = ((reader.assume(reader.role_arn(fleet.READER_ROLE, account)), region) for account, region in places)
    return [found for member, region in assumed for found in fleet._read_place(member, region, scope, NAME)]


def test_d23_a_schedule_is_kept_and_every_node_is_reported(operator: Operator) -> None:
    """The sample runs once, and tells nobody what came of it: no output, no report; who wants to know reads every account's console.

    Ours is told a schedule by `csd distribute --schedule`; `csd status` has a line for each node, in its own words where it failed.
    """
    simulation = operator.simulation
    broken = simulation.root("shop-us") / "etc/csd-marker-fail"
    broken.write_text("no room on this disk\n")
    operator.publish("1.3.0")
    run = operator.distribute(operator.wish("1.3.0"), schedule="rate(30 minutes)")
    assert run["AutomationExecutionStatus"] == "Failed"
    picture = draw(Wanted(NAME, "1.3.0", "Install"), facts(operator), datetime.now(UTC), [], [])
    states = {row.facts.node: (row.state, row.why) for row in picture.rows}
    assert set(states) == {node.instance_id for node in simulation.nodes.values()}
    state, reason = states[simulation.nodes["shop-us"].instance_id]
    assert state in {State.FAILED, State.ROLLED_BACK}
    assert "no room on this disk" in reason
    assert {states[simulation.nodes[name].instance_id][0] for name in ("shop-eu", "lab-us")} == {State.AS_WANTED}
    broken.unlink()
    runs = len(operator.run_ids())
    simulation.run_for(1900)
    assert len(operator.run_ids()) == runs + 1
    picture = draw(Wanted(NAME, "1.3.0", "Install"), facts(operator), datetime.now(UTC), [], [])
    assert {row.state for row in picture.rows} == {State.AS_WANTED}


def test_s17_each_document_is_written_once(operator: Operator) -> None:
    """The sample keeps each document twice, as a file and inside the template, alike only as long as somebody copies by hand.

    Ours renders both from one source: what the stack has made is what the files say, but for the two defaults that are its parameters.
    """
    ssm = operator.simulation.client("ssm")
    for name in (RUNBOOK, "CSD-DistributeSoftwarePackage"):
        (file,) = (REPOSITORY / "artifacts" / "documents").glob(f"{name}.*")
        made = json.loads(ssm.get_document(Name=name, DocumentFormat="JSON")["Content"])
        written = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for document in (made, written):
            for parameter in ("targetKey", "targetValues") if name == RUNBOOK else ():
                document["parameters"][parameter].pop("default")
        assert made == written
