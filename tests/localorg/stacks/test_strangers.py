"""Templates of strangers: the shapes that AWS and others publish (roles for Automation and StackSets across accounts, host management,
hybrid machines, recorders and auditors, exports and imports, a baseline in every account), written anew for these tests.

They deploy as they are, in an organization of real engines in virtual time, and what they make is good for what it was made for.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec

SHELF = Path(__file__).parent / "strangers"
HUB, SHOP, LAB = "111111111111", "222222222222", "333333333333"
WORKLOADS = "ou-abcd-11111111"
SPEC = f"""
regions: [us-east-1, eu-west-1]
organization:
  id: o-strangers1
  root: r-abcd
  management: {{id: "{HUB}", name: hub}}
  units:
    - id: {WORKLOADS}
      name: Workloads
      accounts: [{{id: "{SHOP}", name: shop}}, {{id: "{LAB}", name: lab}}]
buckets:
  - {{name: ops-output, account: "{HUB}", region: us-east-1}}
"""
NAMED = ["CAPABILITY_NAMED_IAM"]


class House:
    """An organization, and a person at its hub who deploys what others wrote."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.client = simulation.client

    def deploy(self, template: str, account: str = "", name: str = "", region: str = "", **parameters: str) -> dict[str, str]:
        """Create a stack of a template, wait for it, and return its outputs."""
        (path,) = SHELF.glob(f"{template}.*")
        stacks, stack = self.client("cloudformation", account, region), name or template.replace("_", "-")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        stacks.create_stack(StackName=stack, TemplateBody=path.read_text(), Capabilities=NAMED, Parameters=given)
        self.simulation.until(lambda: "IN_PROGRESS" not in self.status(stacks, stack), within_s=3600)
        events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
        assert self.status(stacks, stack) == "CREATE_COMPLETE", [event.get("ResourceStatusReason") for event in events]
        outputs = stacks.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        return {row["OutputKey"]: row["OutputValue"] for row in outputs}

    @staticmethod
    def status(stacks: Any, name: str) -> str:
        return str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def take_away(self, *names: str) -> None:
        """Delete stacks of the hub, one after the other, and see them gone."""
        stacks = self.client("cloudformation")
        for name in names:
            stacks.delete_stack(StackName=name)
            self.simulation.run_for(900)
        listed = stacks.describe_stacks()["Stacks"]
        assert [stack["StackName"] for stack in listed if stack["StackName"] in names] == []

    def role(self, name: str, account: str = "") -> dict[str, Any]:
        return dict(self.client("iam", account).get_role(RoleName=name)["Role"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One organization for all of them: each takes names of its own."""
    with Simulation(parse_spec(SPEC, "spec"), tmp_path_factory.mktemp("strangers"), seed=7, nodes="virtual") as simulation:
        yield House(simulation)


def test_roles_of_automation_across_accounts(house: House) -> None:
    """Documented: Running automations in multiple AWS Regions and accounts: with the two roles a run reaches members."""
    house.deploy("automation_administration")
    for account in (SHOP, LAB):
        house.deploy("automation_execution", account, AdminAccountId=HUB)
    step = {"name": "who", "action": "aws:executeAwsApi", "inputs": {"Service": "sts", "Api": "GetCallerIdentity"}}
    said = [{"Name": "Arn", "Selector": "$.Arn", "Type": "String"}]
    book = {"schemaVersion": "0.3", "mainSteps": [{**step, "outputs": said}], "assumeRole": "{{ Role }}"}
    book["parameters"] = {"Role": {"type": "String"}}
    ssm = house.client("ssm")
    ssm.create_document(Name="who", DocumentType="Automation", Content=json.dumps(book))
    started = ssm.start_automation_execution(
        DocumentName="who",
        Parameters={"Role": [house.role("AWS-SystemsManager-AutomationAdministrationRole")["Arn"]]},
        TargetLocations=[{"Accounts": [WORKLOADS], "Regions": ["us-east-1", "eu-west-1"]}],
    )
    house.simulation.run_for(300)
    run = ssm.get_automation_execution(AutomationExecutionId=started["AutomationExecutionId"])["AutomationExecution"]
    assert run["AutomationExecutionStatus"] == "Success", run
    children = ssm.describe_automation_step_executions(AutomationExecutionId=started["AutomationExecutionId"])["StepExecutions"]
    assert len(children) == 4


def test_roles_of_stack_sets(house: House) -> None:
    """Documented: StackSets, "Grant self-managed permissions": arn:* in a policy's resource, conditions on the service in its trust."""
    made = house.deploy("stackset_administration")
    house.deploy("stackset_execution", SHOP, AdministratorAccountId=HUB)
    assert made["Arn"] == f"arn:aws:iam::{HUB}:role/AWSCloudFormationStackSetAdministrationRole"
    into = f"arn:aws:iam::{SHOP}:role/AWSCloudFormationStackSetExecutionRole"
    assert house.client("sts").assume_role(RoleArn=into, RoleSessionName="look")["Credentials"]


def test_host_management_and_a_stack_over_it(house: House) -> None:
    """Documented: conditions, mappings, AWS::NoValue in lists, exports; a stack whose export is in use stays."""
    assert set(house.deploy("host_management")) == {"ProfileName", "RoleArn"}
    house.take_away("host-management")
    with_output = house.deploy("host_management", OutputBucketName="ops-output", Environment="prod", CollectInventory="No")
    assert with_output["OutputPolicyArn"] == f"arn:aws:iam::{HUB}:policy/ops/{with_output['OutputPolicyArn'].split('/')[-1]}"
    attached = house.client("iam").list_attached_role_policies(RoleName="ops-us-east-1-instance")["AttachedPolicies"]
    assert len(attached) == 4
    listed = house.client("ssm").list_associations()["Associations"]
    assert [one["ScheduleExpression"] for one in listed if one["AssociationName"] == "ops-UpdateSSMAgent"] == ["rate(7 days)"]

    for name, value in (("/audit/role", "audited"), ("/audit/prefix", "strict")):
        house.client("ssm").put_parameter(Name=name, Value=value, Type="String")
    house.deploy("recorder_roles", RoleParameter="/audit/role", LogBucket="ops-output", AuditAccount=LAB, ExternalId="x1y2")
    assert house.role("strict-auditor")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    house.deploy("importer", HostStack="host-management")
    stacks = house.client("cloudformation")
    stacks.delete_stack(StackName="host-management")
    house.simulation.run_for(900)
    described = stacks.describe_stacks(StackName="host-management")["Stacks"][0]
    assert "as it is in use by importer" in described["StackStatusReason"]
    house.take_away("importer", "recorder-roles", "host-management")


def test_a_role_for_hybrid_machines(house: House) -> None:
    """Documented: Create the IAM service role required for Systems Manager in hybrid environments: good for an activation."""
    made = house.deploy("hybrid_role")
    activation = house.client("ssm").create_activation(IamRole=made["RoleName"], DefaultInstanceName="mill")
    assert activation["ActivationCode"]


def test_a_baseline_in_every_account(house: House) -> None:
    """Documented: a service-managed StackSet as a resource of a template; its roles let the hub in, and the hub alone."""
    house.deploy("baseline", Units=WORKLOADS)
    for account in (SHOP, LAB):
        assert house.role("baseline-read", account)["RoleName"] == "baseline-read"
    session = house.client("sts").assume_role(RoleArn=f"arn:aws:iam::{LAB}:role/baseline-read", RoleSessionName="look")
    assert session["AssumedRoleUser"]["Arn"].endswith("assumed-role/baseline-read/look")
    house.take_away("baseline")
