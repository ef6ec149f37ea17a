"""Terraform's own AWS provider, unmodified, against a local organization: what it makes it finds again exactly as it asked for it.

The provider compares every member of every answer with what it wrote: a plan without changes is the strictest reader there is.
It is looked for in the folder CSD_TERRAFORM_PLUGINS (laid out as Terraform's filesystem mirrors are), then where Terraform looks;
where terraform or a 5.x of the provider is not, this is skipped.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from demo.walk import HUB, REPOSITORY, Walk
from journeys.conftest import organization
from journeys.terraforming import Terraform, found

PROVIDER = found()
_WHERE = (
    pytest.mark.journey
    if PROVIDER
    else pytest.mark.skip(
        reason="Terraform's AWS provider 5.x is not here: put terraform on PATH, and set CSD_TERRAFORM_PLUGINS to a filesystem mirror"
    )
)
pytestmark = [pytest.mark.strangers, _WHERE]
CONFIGURATION = Path(__file__).parent / "terraform"
SHOP, WORKLOADS = "222222222222", "ou-abcd-11111111"
SPEC = f"""
regions: [us-east-1, eu-west-1]
organization:
  id: o-terra00001
  root: r-abcd
  management: {{id: "{HUB}", name: hub}}
  units:
    - {{id: {WORKLOADS}, name: Workloads, accounts: [{{id: "{SHOP}", name: shop}}]}}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
CONTENT = {
    "schemaVersion": "2.2",
    "mainSteps": [{"action": "aws:runShellScript", "name": "say", "inputs": {"runCommand": ["true"]}}],
}
LISTS = {
    "iam": {
        "list_roles": "Roles[?Path=='/'].RoleName",
        "list_policies": "Policies[].PolicyName",
        "list_users": "Users[].UserName",
        "list_groups": "Groups[].GroupName",
        "list_instance_profiles": "InstanceProfiles[].InstanceProfileName",
    },
    "ssm": {
        "list_documents": "DocumentIdentifiers[].Name",
        "list_associations": "Associations[].AssociationName",
        "describe_parameters": "Parameters[].Name",
        "describe_activations": "ActivationList[].ActivationId",
    },
    "s3": {"list_buckets": "Buckets[].Name"},
    "cloudformation": {
        "describe_stacks": "Stacks[].StackName",
        "list_stack_sets": "Summaries[?Status=='ACTIVE'].StackSetName",
    },
    "organizations": {
        "list_accounts": "Accounts[?State=='ACTIVE'].Name",
        "list_organizational_units_for_parent": "OrganizationalUnits[].Name",
        "list_delegated_administrators": "DelegatedAdministrators[].Id",
        "list_policies": "Policies[].Name",
    },
    "resource-groups": {"list_groups": "GroupIdentifiers[].GroupName"},
}
"""Everything that Terraform could leave: service -> call -> the names in its answer."""
GIVEN = {
    "iam list_policies": {"Scope": "Local"},
    "organizations list_policies": {"Filter": "SERVICE_CONTROL_POLICY"},
    "ssm list_documents": {"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
    "organizations list_organizational_units_for_parent": {"ParentId": "r-abcd"},
}


class Person:
    """Somebody with the administrator's keys of an account, beside Terraform."""

    def __init__(self, walk: Walk, account: str = HUB, region: str = "us-east-1") -> None:
        keys = walk.keys(account, region)
        self._session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=region)
        self._endpoint = keys["AWS_ENDPOINT_URL"]

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)

    def census(self) -> dict[str, list[str]]:
        """Return the names of all that is in the account."""
        return {
            f"{service} {call}": sorted(
                self.client(service).get_paginator(call).paginate(**GIVEN.get(f"{service} {call}", {})).search(names)
            )
            for service, calls in LISTS.items()
            for call, names in calls.items()
        }

    def make_by_hand(self) -> None:
        """Make what the configuration imports."""
        self.client("iam").create_role(RoleName="found", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.client("ssm").create_document(Name="found", Content=json.dumps(CONTENT), DocumentType="Command")
        self.client("ssm").put_parameter(Name="found", Type="String", Value="here")
        self.client("organizations").create_organizational_unit(ParentId="r-abcd", Name="Found")
        body = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: a}}}"
        self.client("cloudformation").create_stack(StackName="found", TemplateBody=body)


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """Two accounts, two Regions."""
    with organization(tmp_path, SPEC) as up:
        yield up


@pytest.fixture
def terraform(walk: Walk, tmp_path: Path) -> Iterator[Terraform]:
    """Terraform with the environment that `localorg env` gives, and nothing else."""
    assert PROVIDER is not None
    folder = tmp_path / "configuration"
    shutil.copytree(CONFIGURATION, folder)
    template = REPOSITORY / "artifacts/CentralizedSoftwareDistributor.yaml"
    with Terraform(PROVIDER, folder, {**walk.keys(), "TF_VAR_template": str(template)}) as running:
        yield running


def test_what_it_makes_it_finds_again_unchanged_and_takes_away_again(walk: Walk, terraform: Terraform) -> None:
    """Observed: the provider's own comparison of every answer with its configuration: applied, changed, imported, destroyed."""
    hub = Person(walk)
    before = hub.census()
    hub.make_by_hand()

    made = terraform.changes()
    assert {action for name, action in made.items() if not name.endswith(".found")} == {"create"}
    assert {action for name, action in made.items() if name.endswith(".found")} == {"import"}
    assert terraform.unchanged()
    outputs = terraform.outputs()
    assert (outputs["me"]["account_id"], outputs["here"], outputs["exported"]) == (HUB, ["aws", "us-east-1"], "tf-from-stack")
    assert in_member(walk) == "one"

    changed = terraform.changes("-var", "message=two")
    assert set(changed.values()) == {"update"}
    assert in_member(walk) == "two"
    assert hub.client("ssm").describe_document(Name="tf-command")["Document"]["DefaultVersion"] == "2"
    assert terraform.unchanged("-var", "message=two")

    terraform.run("destroy", "-auto-approve", "-var", "message=two")
    assert hub.census() == before


def in_member(walk: Walk) -> str:
    """What the StackSet put into the member account."""
    found = Person(walk, SHOP, "eu-west-1").client("ssm").get_parameter(Name="tf-from-set")
    return str(found["Parameter"]["Value"])
