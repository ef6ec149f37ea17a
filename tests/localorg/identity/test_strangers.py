"""Policies of strangers: the shapes that AWS's guides and other people publish (a guard of Regions, machines by tag, one's own keys, roles
with a boundary, tags or nothing, for a while), written anew for these tests. They are taken as they are, and decide as they mean."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import ApiCall, Principal
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec

SHELF = Path(__file__).parent / "strangers"
HUB, HERE, THERE = "111111111111", "us-east-1", "eu-west-1"
SPEC = f"""
regions: [{HERE}, {THERE}]
organization: {{id: o-strangers2, root: r-abcd, management: {{id: "{HUB}", name: hub}}}}
nodes:
  - {{account: "{HUB}", region: {HERE}, persona: debian-12, name: site, tags: {{Team: web-1}}}}
  - {{account: "{HUB}", region: {HERE}, persona: debian-12, name: books, tags: {{Team: finance}}}}
"""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
BOUNDARY = f"arn:aws:iam::{HUB}:policy/AppBoundary"


PUT = {"Name": "/team/red/x", "Value": "1", "Type": "String"}
MINE, OTHERS = [{"Key": "CostCenter", "Value": "4711"}], [{"Key": "CostCenter", "Value": "4713"}]
ROLE = {"RoleName": "app-1", "Path": "/app/", "AssumeRolePolicyDocument": TRUST}
SCRIPT = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
Row = tuple[str, str, dict[str, Any], bool]
ROWS: list[Row] = [
    ("region_guard", f"ssm:ListDocuments {HERE}", {}, True),
    ("region_guard", f"ssm:ListDocuments {THERE}", {}, False),
    ("region_guard", f"iam:ListRoles {HERE}", {}, True),
    ("region_guard", f"sts:GetCallerIdentity {THERE}", {}, True),
    ("machines_by_tag", "ssm:SendCommand", {**SCRIPT, "InstanceIds": ["site"]}, True),
    ("machines_by_tag", "ssm:SendCommand", {**SCRIPT, "InstanceIds": ["books"]}, False),
    ("machines_by_tag", "ssm:SendCommand", {**SCRIPT, "InstanceIds": ["site", "books"]}, False),
    ("machines_by_tag", "ec2:DescribeInstances", {}, True),
    ("own_keys", "iam:ListAccessKeys", {"UserName": "own_keys"}, True),
    ("own_keys", "iam:ListAccessKeys", {"UserName": "for_a_while"}, False),
    ("own_keys", "iam:GetUser", {}, True),
    ("own_keys", "ssm:ListDocuments", {}, False),
    ("makes_bounded_roles", "iam:CreateRole", ROLE, False),
    ("makes_bounded_roles", "iam:CreateRole", {**ROLE, "PermissionsBoundary": BOUNDARY}, True),
    ("makes_bounded_roles", "iam:DeleteRolePermissionsBoundary", {"RoleName": "app-1"}, False),
    ("makes_bounded_roles", "iam:DeletePolicy", {"PolicyArn": BOUNDARY}, False),
    ("makes_bounded_roles", "ssm:CreateActivation", {"IamRole": "app-1"}, False),
    ("tags_or_nothing", "ssm:PutParameter", {**PUT, "Tags": MINE}, True),
    ("tags_or_nothing", "ssm:PutParameter", {**PUT, "Name": "/team/red/y", "Tags": OTHERS}, False),
    ("tags_or_nothing", "ssm:PutParameter", {**PUT, "Name": "/team/red/y"}, False),
    ("tags_or_nothing", "ssm:PutParameter", {**PUT, "Name": "/team/blue/y", "Tags": MINE}, False),
    ("tags_or_nothing", "ssm:PutParameter", {**PUT, "Name": "/team/red/y", "Tags": [*MINE, {"Key": "Z", "Value": "1"}]}, False),
    ("tags_or_nothing", "ssm:GetParameter", {"Name": "/team/red/x"}, True),
    ("for_a_while", "ssm:ListDocuments", {}, True),
]
"""policy, operation and Region, parameters, whether its user may."""


class House:
    """One account, and a user for each policy."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        iam = simulation.client("iam")
        boundary = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}
        iam.create_policy(PolicyName="AppBoundary", PolicyDocument=json.dumps(boundary))
        self.users: dict[str, Principal] = {}
        for path in sorted(SHELF.glob("*.json")):
            made = iam.create_policy(PolicyName=path.stem, PolicyDocument=path.read_text())["Policy"]
            tags = [{"Key": "Team", "Value": "red"}, {"Key": "CostCenter", "Value": "4711"}]
            iam.create_user(UserName=path.stem, Path="/people/", Tags=tags)
            iam.attach_user_policy(UserName=path.stem, PolicyArn=made["Arn"])
            key = iam.create_access_key(UserName=path.stem)["AccessKey"]["AccessKeyId"]
            self.users[path.stem] = simulation.engines.identity.sessions.principal(key)
        listed = simulation.client("ec2").describe_instances()["Reservations"]
        instances = [instance for row in listed for instance in row["Instances"]]
        self.ids = {tag["Value"]: one["InstanceId"] for one in instances for tag in one["Tags"] if tag["Key"] == "Name"}

    def may(self, policy: str, what: str, params: dict[str, Any]) -> bool:
        """Whether the user of a policy may; an error that comes after that question is none of ours."""
        operation, _, region = what.partition(" ")
        service, _, operation = operation.partition(":")
        given = (
            {**params, "InstanceIds": [self.ids[name] for name in params["InstanceIds"]]} if "InstanceIds" in params else params
        )
        try:
            self.simulation.engines.gateway.invoke(ApiCall(self.users[policy], region or HERE, service, operation, given))
        except AccessDenied:
            return False
        return True


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One account for all rows, in their order."""
    with Simulation(parse_spec(SPEC, "spec"), tmp_path_factory.mktemp("people"), seed=7, nodes="virtual") as simulation:
        yield House(simulation)


def test_what_they_allow_and_what_not(house: House) -> None:
    """Documented: IAM user guide, example policies, condition operators, policy variables with defaults."""
    judged = [(policy, what, params, house.may(policy, what, params)) for policy, what, params, _ in ROWS]
    assert judged == ROWS


def test_what_is_for_a_while_ends(house: House) -> None:
    """Documented: DateLessThan on aws:CurrentTime."""
    house.simulation.run_for(43_200)
    assert not house.may("for_a_while", "ssm:ListDocuments", {})
