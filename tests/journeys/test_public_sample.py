"""The public sample of this solution, unmodified: its own template, runbooks and commands run here, and are as wrong as they are.

Its folder is CSD_PUBLIC_SAMPLE (github.com/aws-samples/systems-manager-centralized-software-distributor); where that is not set, these
tests are skipped. Nothing of the sample is kept in this repository.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.claims import eventually
from demo.association import AssociationCall
from demo.shell import CommandFailed
from demo.walk import Walk
from journeys.conftest import organization

FOLDER = os.environ.get("CSD_PUBLIC_SAMPLE", "")
_WHERE = (
    pytest.mark.journey
    if FOLDER
    else pytest.mark.skip(
        reason="the public sample is not here: set CSD_PUBLIC_SAMPLE to a folder with its CloudFormation/template.yaml"
    )
)
pytestmark = [pytest.mark.strangers, _WHERE]
SAMPLE = Path(FOLDER)
HUB, SHOP, LAKE, TOOLS = "111111111111", "222222222222", "333333333333", "666666666666"
WORKLOADS, REGION = "ou-abcd-11111111", "us-east-1"
STACK = "CentralizedSoftwareDistributor"
ADD, DISTRIBUTE = "CSD-AddSoftwarePackageToDistributor", "CSD-DistributeSoftwarePackage"
OLD = "--allow-retired-runtimes"
SPEC = f"""
regions: [us-east-1, eu-west-1]
organization:
  id: o-sample0001
  root: r-abcd
  management: {{id: "{HUB}", name: management}}
  units:
    - id: {WORKLOADS}
      name: Workloads
      accounts: [{{id: "{SHOP}", name: shop}}]
      units:
        - {{id: ou-abcd-22222222, name: Inner, accounts: [{{id: "{LAKE}", name: lake}}]}}
    - {{id: ou-abcd-44444444, name: Platform, accounts: [{{id: "{TOOLS}", name: tools}}]}}
  delegated_administrators:
    - {{account: "{TOOLS}", service: member.org.stacksets.cloudformation.amazonaws.com}}
nodes:
  - {{account: "{SHOP}", region: {REGION}, persona: debian-12, name: well}}
  - {{account: "{LAKE}", region: {REGION}, persona: debian-12, name: unwell}}
buckets:
  - {{name: BUCKET, account: "HUB", region: {REGION}}}
  - {{name: TEMPLATES, account: "HUB", region: {REGION}}}
"""
INSTALL = "#!/bin/sh\ncase $(hostname) in unwell*) echo no >&2; exit 7;; esac\necho 1.0 > /usr/share/stamp\n"


def package() -> dict[str, bytes]:
    """Return a package as its README's first step says: a zip and a manifest."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("install.sh", INSTALL)
        archive.writestr("uninstall.sh", "#!/bin/sh\nrm -f /usr/share/stamp\n")
    checksums = {"sha256": hashlib.sha256(packed.getvalue()).hexdigest()}
    manifest = {
        "schemaVersion": "2.0",
        "version": "1.0",
        "packages": {"debian": {"_any": {"x86_64": {"file": "stamp.zip"}}}},
        "files": {"stamp.zip": {"checksums": checksums}},
    }
    return {"stamp.zip": packed.getvalue(), "manifest.json": json.dumps(manifest).encode()}


class Sample:
    """A person who follows the sample's README in the account `hub`."""

    def __init__(self, walk: Walk, hub: str) -> None:
        self.walk = walk
        self.hub = hub
        self.packages, self.templates = f"csd-packages-{hub}", f"templates-{hub}"

    def aws(self, *words: str) -> dict[str, Any]:
        return self.walk.aws(*words, account=self.hub)

    def launch(self) -> None:
        """Launch the stack of the README's button, from S3, with the inputs it lists."""
        self.aws(
            "s3", "cp", str(SAMPLE / "CloudFormation/template.yaml"), f"s3://{self.templates}/template.yaml", "--only-show-errors"
        )
        delegated = {"IsDelegatedAdministrator": "true", "DelegatedAdminAccountId": self.hub}
        inputs = delegated if self.hub != HUB else {"IsDelegatedAdministrator": "false"}
        given = {**inputs, "ManagementAccountId": HUB, "DeploymentTargets": WORKLOADS}
        self.aws(
            *("cloudformation", "create-stack", "--stack-name", STACK, "--capabilities", "CAPABILITY_NAMED_IAM"),
            *("--template-url", f"https://{self.templates}.s3.{REGION}.amazonaws.com/template.yaml"),
            *("--parameters", *(f"ParameterKey={name},ParameterValue={value}" for name, value in given.items())),
        )
        self.walk.shell.run(
            *("aws", "cloudformation", "wait", "stack-create-complete", "--stack-name", STACK),
            extra=self.walk.keys(self.hub, REGION),
        )

    def publish(self) -> None:
        """Upload the package into a prefix of its own."""
        for name, content in package().items():
            path = self.walk.folder / name
            path.write_bytes(content)
            self.aws("s3", "cp", str(path), f"s3://{self.packages}/stamp/{name}", "--only-show-errors")

    def associate(self) -> str:
        """Run the README's own command, its placeholders replaced."""
        (command,) = re.findall(r"```\n(aws ssm create-association .*?)```", (SAMPLE / "README.md").read_text(), re.DOTALL)
        role = f"arn:aws:iam::{self.hub}:role/CSD-SystemsManager-AutomationAdministrationRole"
        text = command.replace("\\\n", " ").strip()
        call = AssociationCall([WORKLOADS], [REGION], "stamp", "1.0", role, self.packages, "stamp", text=text)
        made = self.walk.shell.run(*call.command(), extra=self.walk.keys(self.hub, REGION))
        return str(json.loads(made.out)["AssociationDescription"]["AssociationId"])

    def overview(self, association: str) -> str:
        described = self.aws("ssm", "describe-association", "--association-id", association)["AssociationDescription"]
        return str(described.get("Overview", {}).get("DetailedStatus"))

    def runs(self) -> dict[str, str]:
        """Return the state of every run in the hub, by its document."""
        listed = self.aws("ssm", "describe-automation-executions")["AutomationExecutionMetadataList"]
        return {run["DocumentName"]: run["AutomationExecutionStatus"] for run in listed}

    def commands(self, account: str) -> list[str]:
        """Return the status of each command in a member."""
        listed = self.walk.aws("ssm", "list-command-invocations", account=account, region=REGION)["CommandInvocations"]
        return [one["Status"] for one in listed]

    def reasons(self) -> list[str]:
        listed = self.aws("cloudformation", "describe-stack-events", "--stack-name", STACK)["StackEvents"]
        return [event["ResourceStatusReason"] for event in listed if event["ResourceStatus"].endswith("_FAILED")]


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Sample]:
    """The organization, with buckets in the account that is the hub of the test."""
    hub, *options = request.param
    spec = SPEC.replace("BUCKET", f"csd-packages-{hub}").replace("TEMPLATES", f"templates-{hub}").replace("HUB", hub)
    with organization(tmp_path, spec, *options) as walk:
        yield Sample(walk, hub)


@pytest.mark.parametrize("places", [(HUB,)], indirect=True, ids=["as AWS is today"])
def test_its_runbooks_are_refused_for_their_runtime(places: Sample) -> None:
    """Documented: runtimes reach their end: a new runbook with python3.7 is refused, so the sample cannot be launched any more."""
    with pytest.raises(CommandFailed, match="ROLLBACK_COMPLETE"):
        places.launch()
    assert any("python3.7 is retired" in reason for reason in places.reasons())


@pytest.mark.parametrize("places", [(HUB, OLD), (TOOLS, OLD)], indirect=True, ids=["management", "delegated"])
def test_it_runs_and_calls_a_failure_a_success(places: Sample) -> None:
    """Observed: what the sample's scripts say themselves: they start commands and runs, and wait for neither."""
    places.launch()
    places.publish()
    association = places.associate()
    assert eventually(lambda: places.commands(LAKE), lambda seen: seen == ["Failed"], 60)
    assert eventually(lambda: places.commands(SHOP), lambda seen: seen == ["Success"], 60)
    assert eventually(lambda: places.overview(association), lambda seen: seen != "Pending", 30) == "Success"
    assert eventually(places.runs, lambda seen: DISTRIBUTE in seen, 30) == {ADD: "Success", DISTRIBUTE: "Success"}
    node = next(node for node in places.walk.nodes() if node["name"].startswith("well"))
    assert places.walk.inside(node["instance_id"], "cat", "/usr/share/stamp").out.strip() == "1.0"
