"""Our solution in a simulation: the operator at the hub, with the rendered artifacts, the seed's association and a package of our own."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from csd.package.sealed import build_package
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec, parse_spec

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = (REPOSITORY / "artifacts" / "CentralizedSoftwareDistributor.yaml").read_text(encoding="utf-8")
PACKAGE = Path(__file__).parent / "package"
NAME = "csd-marker"
STACK = "CentralizedSoftwareDistributor"
RUNBOOK = "CSD-AddSoftwarePackageToDistributor"
MEMBER_RUNBOOK = "CSD-DistributeSoftwarePackage"
HUB, SHOP, LAB = "111111111111", "222222222222", "333333333333"
UNIT = "ou-abcd-11111111"
REGIONS = ("us-east-1", "eu-west-1")
BUCKET = "csd-packages-111111111111"
SPEC = """
regions: [us-east-1, eu-west-1]
organization:
  id: o-simulation
  root: r-abcd
  management: {id: "111111111111", name: hub}
  trusted_services: [member.org.stacksets.cloudformation.amazonaws.com, ssm.amazonaws.com]
  units:
    - id: ou-abcd-11111111
      name: Workloads
      accounts: [{id: "222222222222", name: shop}]
      units:
        - {id: ou-abcd-22222222, name: Inner, accounts: [{id: "333333333333", name: lab}]}
nodes:
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: shop-us}
  - {account: "222222222222", region: eu-west-1, persona: rocky-9, name: shop-eu}
  - {account: "333333333333", region: us-east-1, persona: ubuntu-22.04, name: lab-us}
buckets:
  - {name: csd-packages-111111111111, account: "111111111111", region: us-east-1}
"""


def spec(partition: str = "aws", regions: tuple[str, str] = REGIONS) -> Spec:
    """The organization of most stories: a hub, two members at different depths, two Regions, three nodes."""
    text = SPEC.replace(REGIONS[0], regions[0]).replace(REGIONS[1], regions[1])
    return parse_spec(f"partition: {partition}\n{text}", "spec")


@dataclass
class Packages:
    """The sealed versions of the package, each built once."""

    folder: Path
    built: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def sealed(self, version: str) -> dict[str, bytes]:
        """Return {file name: content} of a version."""
        if version not in self.built:
            source, target = self.folder / f"{version}-source", self.folder / version
            shutil.copytree(PACKAGE, source)
            described = yaml.safe_load((source / "package.yaml").read_text())
            (source / "package.yaml").write_text(yaml.safe_dump({**described, "version": version}))
            build_package(source, target)
            self.built[version] = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
        return self.built[version]


@dataclass
class Operator:
    """A person at the hub."""

    simulation: Simulation
    packages: Packages
    association: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: {"AccountsParentId": "r-abcd"})
    """Parameters of the template beside the targets."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the stack."""
    account: str = HUB
    """The account of the solution's hub."""

    def client(self, service: str, account: str = "") -> Any:
        """Return a boto3 client of an administrator of the hub, or of another account."""
        return self.simulation.client(service, account or self.account)

    def deploy(self, *targets: str) -> None:
        """Create the solution's stack from its template in S3, or update it with the template that it has; and wait for it."""
        cloudformation = self.client("cloudformation")
        parameters = {"ManagementAccountId": HUB, "DeploymentTargets": ", ".join(targets or (UNIT,))} | self.parameters
        suffix = "amazonaws.com.cn" if self.simulation.spec.partition == "aws-cn" else "amazonaws.com"
        there = [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]
        source: dict[str, Any] = {"UsePreviousTemplate": True}
        if STACK not in there:
            self.client("s3").put_object(Bucket=BUCKET, Key="template.yaml", Body=TEMPLATE.encode())
            source = {"TemplateURL": f"https://{BUCKET}.s3.{self.simulation.spec.regions[0]}.{suffix}/template.yaml"}
        (cloudformation.update_stack if STACK in there else cloudformation.create_stack)(
            StackName=STACK,
            **source,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()],
        )

        def status() -> str:
            return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])

        self.simulation.until(lambda: not status().endswith("_IN_PROGRESS"), within_s=3600)
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        assert status() in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, [event.get("ResourceStatusReason") for event in events]

    def publish(self, version: str) -> None:
        """Put a sealed version into the hub's bucket, the manifest last."""
        files = self.packages.sealed(version)
        s3 = self.client("s3")
        for name in sorted(files, key=lambda name: (name == "manifest.json", name)):
            s3.put_object(Bucket=BUCKET, Key=f"{version}/{name}", Body=files[name])

    def wish(self, version: str, action: str = "Install", **more: Sequence[str]) -> dict[str, list[str]]:
        """Return the seed's association parameters."""
        wanted = {
            "targetAccounts": [UNIT],
            "targetRegions": list(self.simulation.spec.regions),
            "maxConcurrency": ["4"],
            "maxErrors": ["4"],
            "action": [action],
            "installationType": ["Uninstall and reinstall"],
            "name": [NAME],
            "version": [version],
            "additionalArguments": ["{}"],
            "AutomationAssumeRole": [
                f"arn:{self.simulation.spec.partition}:iam::{self.account}:role/CSD-SystemsManager-AutomationAdministrationRole"
            ],
            "bucketName": [BUCKET],
            "bucketPrefix": [version],
        }
        return {**wanted, **{key: list(value) for key, value in more.items()}}

    def associate(self, parameters: dict[str, list[str]], schedule: str = "") -> None:
        """Create the association, or update it; State Manager runs it at once."""
        ssm = self.client("ssm")
        timing = {"ScheduleExpression": schedule} if schedule else {}
        wish = {"AssociationName": "csd-association", "Parameters": parameters, "ApplyOnlyAtCronInterval": False, **timing}
        if self.association:
            ssm.update_association(AssociationId=self.association, **wish)
        else:
            described = ssm.create_association(Name=RUNBOOK, **wish)["AssociationDescription"]
            self.association = described["AssociationId"]

    def distribute(self, parameters: dict[str, list[str]], schedule: str = "", within_s: float = 7200) -> dict[str, Any]:
        """Associate, and return the run that this has started, when it has ended."""
        before = self.run_ids()
        self.associate(parameters, schedule)
        self.simulation.until(lambda: self.run_ids() - before, within_s=600)
        (fresh,) = self.run_ids() - before
        return self.ended_run(fresh, within_s)

    def ended_run(self, execution: str, within_s: float = 7200) -> dict[str, Any]:
        """Wait for the end of a run of the hub's runbook, and return it."""
        ssm = self.client("ssm")

        def run() -> dict[str, Any]:
            found: dict[str, Any] = ssm.get_automation_execution(AutomationExecutionId=execution)["AutomationExecution"]
            return found

        self.simulation.until(
            lambda: run()["AutomationExecutionStatus"] not in {"Pending", "InProgress", "Waiting"}, within_s, 20
        )
        return run()

    def remove(self) -> None:
        """Take the solution and its packages away, in the order of docs/how-to/remove.md."""
        self.client("ssm").delete_association(AssociationId=self.association)
        home = self.simulation.spec.regions[0]
        for region in self.simulation.spec.regions:
            ssm = self.simulation.client("ssm", self.account, region)
            for name in (MEMBER_RUNBOOK, NAME):
                shared = ssm.describe_document_permission(Name=name, PermissionType="Share")["AccountIds"]
                ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToRemove=shared)
                if (name, region) != (MEMBER_RUNBOOK, home):
                    ssm.delete_document(Name=name)
        cloudformation = self.client("cloudformation")
        cloudformation.delete_stack(StackName=STACK)
        self.simulation.until(lambda: not cloudformation.describe_stacks()["Stacks"], within_s=3600)

    def run_ids(self) -> set[str]:
        """Return the ids of all runs of the hub's runbook."""
        return {run["AutomationExecutionId"] for run in self.runs()}

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs of the hub's runbook, newest first."""
        pages = self.client("ssm").get_paginator("describe_automation_executions")
        found = pages.paginate(Filters=[{"Key": "DocumentNamePrefix", "Values": [RUNBOOK]}])
        return [run for page in found for run in page["AutomationExecutionMetadataList"]]

    def marker(self, node: str) -> str:
        """Return what the package has left on a node: its version, or nothing."""
        path = self.simulation.root(node) / "etc/csd-marker"
        return path.read_text().strip() if path.exists() else ""

    def markers(self) -> dict[str, str]:
        """Return the marker of every node."""
        return {name: self.marker(name) for name in self.simulation.nodes}

    def diary(self, node: str) -> list[str]:
        """Return which scripts of the package have run on a node."""
        path = self.simulation.root(node) / "var/log/csd-marker"
        return path.read_text().splitlines() if path.exists() else []


def why(run: dict[str, Any]) -> str:
    """Return a run in a few words, for a test that has failed."""
    steps = [(step["StepName"], step["StepStatus"], step.get("FailureMessage", "")) for step in run.get("StepExecutions", [])]
    return json.dumps([run["AutomationExecutionStatus"], run.get("FailureMessage", ""), steps], indent=1)
