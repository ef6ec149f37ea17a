"""Pushing a package through AWS's API as somebody does who has no csd: files into a bucket, CreateDocument, AWS-ConfigureAWSPackage.

Rules: virtual time, one account, one Debian node whose scripts really run. Every package is taken away afterwards.
"""

import shutil
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from broken.making import INSTALLED, Files, by_hand
from broken.packages import Broken, DocumentFailed, FailsOnNode, FalseSuccess, Forced, RefusedByApi
from localorg.server.simulation.organization import Simulation

ACCOUNT, NODE, BUCKET = "111111111111", "desk", "broken-111111111111"
SPEC = f"""
regions: [us-east-1]
organization:
  id: o-broken0001
  root: r-abcd
  management: {{id: "{ACCOUNT}", name: hub}}
nodes:
  - {{account: "{ACCOUNT}", region: us-east-1, persona: debian-12, name: {NODE}}}
buckets:
  - {{name: {BUCKET}, account: "{ACCOUNT}", region: us-east-1}}
"""


@dataclass
class Force:
    """The bucket, the API and the node."""

    simulation: Simulation

    def push(self, row: Broken) -> Forced:
        """Return how the package ends, with AWS's whole sentence; what a node has is read where the row says."""
        files = row.folder()
        refused = self._create(row, by_hand(files) if "package.yaml" in files else files)
        if refused:
            return refused
        try:
            return self._settled(row) or self._ran(row)
        finally:
            self.simulation.client("ssm").delete_document(Name=row.name)
            for place in ("opt", "var/lib/amazon/ssm/packages"):
                shutil.rmtree(self.simulation.root(NODE) / place, ignore_errors=True)

    def _create(self, row: Broken, files: Files) -> RefusedByApi | None:
        s3, ssm = self.simulation.client("s3"), self.simulation.client("ssm")
        for name, body in files.items():
            s3.put_object(Bucket=BUCKET, Key=f"{row.id}/{name}", Body=body)
        try:
            ssm.create_document(
                Name=row.name,
                Content=files["manifest.json"].decode(),
                DocumentType="Package",
                VersionName=row.asked,
                Attachments=[{"Key": "SourceUrl", "Values": [f"s3://{BUCKET}/{row.id}"]}],
            )
        except ClientError as error:
            return RefusedByApi(error.response["Error"]["Code"], error.response["Error"]["Message"])
        return None

    def _settled(self, row: Broken) -> DocumentFailed | None:
        ssm = self.simulation.client("ssm")

        def shown() -> dict[str, Any]:
            found: dict[str, Any] = ssm.describe_document(Name=row.name)["Document"]
            return found

        self.simulation.until(lambda: shown()["Status"] in ("Active", "Failed"), within_s=600)
        return DocumentFailed(shown()["StatusInformation"]) if shown()["Status"] == "Failed" else None

    def _ran(self, row: Broken) -> FailsOnNode | FalseSuccess:
        actions = row.forced.actions if isinstance(row.forced, FalseSuccess) else ("Install",)
        output = ""
        for action in actions:
            told = self._command(row.name, action)
            output += told["StandardOutputContent"] + told["StandardErrorContent"]
            if told["Status"] != "Success":
                return FailsOnNode(told["StandardErrorContent"])
        expected = row.forced if isinstance(row.forced, FalseSuccess) else FalseSuccess("it was installed", INSTALLED, None)
        path = self.simulation.root(NODE) / expected.path
        said = expected.said if expected.said in output else output
        return replace(expected, said=said, content=path.read_bytes() if path.is_file() else None)

    def _command(self, name: str, action: str) -> dict[str, Any]:
        ssm, node = self.simulation.client("ssm"), self.simulation.nodes[NODE].instance_id
        parameters = {"action": [action], "name": [name]}
        sent = ssm.send_command(InstanceIds=[node], DocumentName="AWS-ConfigureAWSPackage", Parameters=parameters)

        def told() -> dict[str, Any]:
            found: dict[str, Any] = ssm.get_command_invocation(
                CommandId=sent["Command"]["CommandId"], InstanceId=node, PluginName="configurePackage"
            )
            return found

        self.simulation.until(lambda: told()["Status"] not in ("Pending", "InProgress", "Delayed"), within_s=600)
        return told()
