"""A small organization for proofs: the solution deployed once, one grant taken away at a time, and what a person then reads.

Rules: a grant is taken by editing the role's own policy through IAM and put back afterwards, so that what is told is a missing Allow.
"""

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from csd.cli.main import run as csd
from least.grants import Grant, without
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec, parse_spec
from simulation.door import door
from simulation.signing import SigningKey, new_key, publish_signed
from simulation.solution import BUCKET, HUB, LAB, NAME, SHOP, SPEC, UNIT, Operator, Packages, why

HOME, AWAY = "us-east-1", "eu-west-1"
MEMBER_RUNBOOK = "CSD-DistributeSoftwarePackage"
MANY = "ou-abcd-55555555"
"""An OU of accounts without the roles, too many for one answer about a run."""
NARROW = {"AccountsParentId": "r-abcd", "PackagesBucket": BUCKET, "PackageNames": "csd-*"}
GROUP = "shop-web"


def spec(hub: str = HUB) -> Spec:
    """The organization of all simulations, with a hybrid node, a tag, and `MANY`."""
    told: dict[str, Any] = yaml.safe_load(SPEC)
    told["nodes"][0]["tags"] = {"Role": "web"}
    told["nodes"].append({"account": SHOP, "region": HOME, "persona": "debian-12", "name": "shop-press", "hybrid": True})
    told["nodes"].append({"account": HUB, "region": HOME, "persona": "debian-12", "name": "hub-us"})
    told["buckets"][0]["account"] = hub
    accounts = [{"id": f"9000000000{number:02}", "name": f"many-{number}"} for number in range(51)]
    told["organization"]["units"].append({"id": MANY, "name": "Many", "accounts": accounts})
    if hub != HUB:
        services = told["organization"]["trusted_services"]
        told["organization"]["delegated_administrators"] = [{"account": hub, "service": service} for service in services]
    return parse_spec(yaml.safe_dump(told), "spec")


@dataclass
class World:
    """One simulated organization and its operator."""

    simulation: Simulation
    operator: Operator
    hub: str = HUB
    person: Mapping[str, str] = field(default_factory=dict)
    """Credentials of somebody in the hub who may take the fleet reader's role and nothing else."""
    key: SigningKey | None = None
    """The key that the stack trusts, if it trusts one; packages are signed then."""

    def client(self, service: str, account: str = "", region: str = HOME) -> Any:
        """Return a client of an administrator."""
        return self.simulation.client(service, account or self.hub, region)

    def build(self) -> None:
        """Deploy, and roll out once everywhere: every action that a later journey needs has been allowed by then."""
        self.operator.deploy()
        for name in ("1.0.0", "1.1.0"):
            self.operator.publish(name)
            if self.key:
                publish_signed(self.operator, name, self.key, floor="1.0.0")
        self.client("resource-groups", SHOP).create_group(
            Name=GROUP,
            ResourceQuery={
                "Type": "TAG_FILTERS_1_0",
                "Query": json.dumps(
                    {"ResourceTypeFilters": ["AWS::EC2::Instance"], "TagFilters": [{"Key": "Role", "Values": ["web"]}]}
                ),
            },
        )
        for version in ("1.0.0", "1.1.0"):
            assert self.rollout(version, targetAccounts=[UNIT], targetRegions=[HOME, AWAY]) == ""
        self.person = self.new_user("reader", "sts:AssumeRole", f"arn:aws:iam::{self.hub}:role/CSD-FleetReaderHubRole")

    def new_user(self, name: str, action: str | list[str], resource: str) -> dict[str, str]:
        """Make a user of the hub who may do one thing, and return its credentials."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
        iam.put_user_policy(UserName=name, PolicyName="May", PolicyDocument=json.dumps(allowed))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    # What is done

    def rollout(self, version: str = "1.1.0", action: str = "Install", **more: Any) -> str:
        """Distribute to one account and Region, or as `more` says; return what the run and its steps tell of failures."""
        wish = {"targetAccounts": [SHOP], "targetRegions": [HOME], "maxErrors": ["100%"], **more}
        parameters = {key: values for key, values in self.operator.wish(version, action, **wish).items() if values}
        run = self.operator.distribute(parameters)
        if run["AutomationExecutionStatus"] == "Success":
            return ""
        steps = [step.get("FailureMessage", "") for step in run["StepExecutions"]]
        return "\n".join([run.get("FailureMessage", ""), *steps]).strip() or why(run)

    def csd(self, *arguments: str, person: Mapping[str, str] | None = None, passing_s: float = 0.0) -> tuple[int, str]:
        """Run csd's own command line as somebody; return its exit code and everything it said."""
        said = io.StringIO()
        quiet = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
        who = person or self.person
        with door(self.simulation, passing_s) as address, quiet[0], quiet[1], environment({**who, "AWS_ENDPOINT_URL": address}):
            code = csd(list(arguments))
        return code, said.getvalue()

    def told(self, since: float) -> str:
        """Return every failure that the runs since a moment tell, in the hub and in the member."""
        found = []
        for account in {self.hub, SHOP}:
            ssm = self.client("ssm", account)
            for listed in ssm.describe_automation_executions()["AutomationExecutionMetadataList"]:
                if listed["ExecutionStartTime"].timestamp() >= since:
                    identifier = listed["AutomationExecutionId"]
                    run = ssm.get_automation_execution(AutomationExecutionId=identifier)["AutomationExecution"]
                    found += [run.get("FailureMessage", ""), *(s.get("FailureMessage", "") for s in run["StepExecutions"])]
        return "\n".join(text for text in found if text)

    # What is taken

    @contextmanager
    def less(self, grant: Grant, account: str) -> Iterator[None]:
        """Take a grant from a role for a while."""
        iam = self.client("iam", account)
        (name,) = iam.list_role_policies(RoleName=grant.role)["PolicyNames"]
        whole = iam.get_role_policy(RoleName=grant.role, PolicyName=name)["PolicyDocument"]
        self._put(iam, grant.role, name, without(whole, grant))
        try:
            yield
        finally:
            self._put(iam, grant.role, name, whole)

    @contextmanager
    def trusting(self, role: str, account: str, trust: dict[str, Any]) -> Iterator[None]:
        """Give a role another trust policy for a while."""
        iam = self.client("iam", account)
        whole = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        try:
            yield
        finally:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(whole))

    @staticmethod
    def _put(iam: Any, role: str, name: str, policy: dict[str, Any]) -> None:
        if policy["Statement"]:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
        else:
            iam.delete_role_policy(RoleName=role, PolicyName=name)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Let csd find its AWS where it looks for it: in the environment."""
    settings = {"AWS_REGION": HOME, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", **values}
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextmanager
def world(
    folder: Path,
    packages: Packages,
    readings: Mapping[str, str],
    parameters: Mapping[str, str] | None = None,
    hub: str = HUB,
    *,
    trusting: bool = False,
) -> Iterator[World]:
    """Build an organization under some readings of AWS; `trusting` says that its stack trusts a key of the hub."""
    with Simulation(spec(hub), folder, readings=readings) as simulation:
        operator = Operator(simulation, packages, parameters={**NARROW, **(parameters or {})}, account=hub)
        built = World(simulation, operator, hub)
        if trusting:
            built.key = new_key(operator)
            operator.parameters = {**operator.parameters, "TrustedKeys": built.key.arn}
        built.build()
        yield built


__all__ = ["AWAY", "BUCKET", "GROUP", "HOME", "HUB", "LAB", "MANY", "MEMBER_RUNBOOK", "NAME", "SHOP", "UNIT", "World", "world"]
