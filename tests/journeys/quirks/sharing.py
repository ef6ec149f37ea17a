"""The hub publishes and shares, a member sends commands to its node: no runbook in between."""

import json
from dataclasses import dataclass
from typing import Any

from localorg.server.simulation.organization import Simulation
from simulation.solution import BUCKET, HUB, NAME, SHOP, Packages

REGION = "us-east-1"
NODE = "shop-us"
ARN = f"arn:aws:ssm:{REGION}:{HUB}:document/{NAME}"


@dataclass(frozen=True)
class Said:
    """How a command ended on the node."""

    status: str
    out: str
    err: str


@dataclass
class Sharing:
    """A package of the hub, and a member's node."""

    simulation: Simulation
    packages: Packages

    def publish(self, version: str, account: str = HUB) -> None:
        """Make a version of the package document."""
        folder = f"{account}/{version}"
        for name, content in self.packages.sealed(version).items():
            self.simulation.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=content)
        self._allow_reading()
        ssm = self.simulation.client("ssm", account)
        manifest = self.packages.sealed(version)["manifest.json"].decode()
        wish: dict[str, Any] = {
            "Name": NAME,
            "VersionName": version,
            "Content": manifest,
            "Attachments": [{"Key": "SourceUrl", "Values": [f"s3://{BUCKET}/{folder}"]}],
        }
        known = ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}, {"Key": "Name", "Values": [NAME]}])
        if known["DocumentIdentifiers"]:
            number = ssm.update_document(DocumentVersion="$LATEST", **wish)["DocumentDescription"]["DocumentVersion"]
        else:
            number = ssm.create_document(DocumentType="Package", **wish)["DocumentDescription"]["DocumentVersion"]
        self.simulation.until(
            lambda: ssm.describe_document(Name=NAME, DocumentVersion=number)["Document"]["Status"] == "Active", within_s=600
        )
        ssm.update_document_default_version(Name=NAME, DocumentVersion=number)

    def _allow_reading(self) -> None:
        statement = {"Effect": "Allow", "Principal": {"AWS": SHOP}, "Action": ["s3:GetObject", "s3:ListBucket"]}
        resource = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": resource}]}
        self.simulation.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def share(self, versions: str = "$ALL") -> None:
        """Share the hub's document with the member."""
        self.simulation.client("ssm").modify_document_permission(
            Name=NAME, PermissionType="Share", AccountIdsToAdd=[SHOP], SharedDocumentVersion=versions
        )

    def unshare(self) -> None:
        """Take the share back."""
        self.simulation.client("ssm").modify_document_permission(Name=NAME, PermissionType="Share", AccountIdsToRemove=[SHOP])

    def configure(self, action: str = "Install", name: str = ARN, version: str = "") -> Said:
        """Run AWS-ConfigureAWSPackage on the node and wait for its end."""
        ssm = self.simulation.client("ssm", SHOP)
        node = self.simulation.nodes[NODE].instance_id
        parameters = {"action": [action], "name": [name], **({"version": [version]} if version else {})}
        command = ssm.send_command(InstanceIds=[node], DocumentName="AWS-ConfigureAWSPackage", Parameters=parameters)["Command"]

        def told() -> dict[str, Any]:
            found: dict[str, Any] = ssm.get_command_invocation(
                CommandId=command["CommandId"], InstanceId=node, PluginName="configurePackage"
            )
            return found

        self.simulation.run_for(1)
        self.simulation.until(lambda: told()["Status"] not in {"Pending", "InProgress", "Delayed"}, within_s=600)
        return Said(told()["Status"], told()["StandardOutputContent"], told()["StandardErrorContent"])

    def marker(self) -> str:
        """Return what stands on the node."""
        path = self.simulation.root(NODE) / "etc/csd-marker"
        return path.read_text().strip() if path.exists() else ""

    def diary(self) -> list[str]:
        """Return which scripts have run on the node, and take the diary away."""
        path = self.simulation.root(NODE) / "var/log/csd-marker"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def folders(self) -> list[str]:
        """Return the packages on the node's disk."""
        return sorted(path.name for path in (self.simulation.root(NODE) / "var/lib/amazon/ssm/packages").iterdir())
