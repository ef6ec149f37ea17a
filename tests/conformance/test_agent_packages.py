"""Packages on a node, as the agent works: what it says, and what it does with the folders of versions."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from conformance.claims import documented, eventually, observed
from conformance.target import Account

Unique = Callable[[str], str]
FILE = "quirk.zip"


def archive(version: str, install: str) -> bytes:
    """A package whose scripts say which version they are of."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("install.sh", f"echo install script of {version}\n{install}\n")
        made.writestr("uninstall.sh", f"echo uninstall script of {version}\n")
    return stream.getvalue()


@dataclass
class Shared:
    """A package of the hub, and the member's node."""

    hub: Account
    member: Account
    bucket: str
    node: str
    name: str
    versions: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The package as the member names it."""
        partition = self.hub.client("sts").get_caller_identity()["Arn"].split(":")[1]
        return f"arn:{partition}:ssm:{self.hub.region}:{self.hub.id}:document/{self.name}"

    def publish(self, version: str, install: str = "true") -> None:
        """Make a version, which becomes the default."""
        body, prefix = archive(version, install), f"{self.name}/{version}"
        self.hub.client("s3").put_object(Bucket=self.bucket, Key=f"{prefix}/{FILE}", Body=body)
        checksum = {"checksums": {"sha256": hashlib.sha256(body).hexdigest()}}
        content = {
            "schemaVersion": "2.0",
            "version": version,
            "packages": {"_any": {"_any": {"_any": {"file": FILE}}}},
            "files": {FILE: checksum},
        }
        wish: dict[str, Any] = {
            "Name": self.name,
            "VersionName": version,
            "Content": json.dumps(content),
            "Attachments": [{"Key": "SourceUrl", "Values": [f"s3://{self.bucket}/{prefix}"]}],
        }
        ssm = self.hub.client("ssm")
        make = ssm.update_document if self.versions else ssm.create_document
        extra = {"DocumentVersion": "$LATEST"} if self.versions else {"DocumentType": "Package"}
        number = make(**wish, **extra)["DocumentDescription"]["DocumentVersion"]
        self.versions.append(version)
        eventually(
            lambda: ssm.describe_document(Name=self.name, DocumentVersion=number)["Document"]["Status"],
            lambda s: s == "Active",
            60,
        )
        ssm.update_document_default_version(Name=self.name, DocumentVersion=number)

    def share(self, versions: str, *, wanted: bool = True) -> None:
        """Share with the member, or no longer."""
        key = "AccountIdsToAdd" if wanted else "AccountIdsToRemove"
        more = {"SharedDocumentVersion": versions} if wanted else {}
        self.hub.client("ssm").modify_document_permission(
            Name=self.name, PermissionType="Share", **{key: [self.member.id]}, **more
        )

    def configure(self, action: str = "Install", **inputs: str) -> dict[str, Any]:
        """Run AWS-ConfigureAWSPackage on the node; returns the invocation when it has ended."""
        ssm = self.member.client("ssm")
        parameters = {"action": [action], "name": [self.arn], **{key: [value] for key, value in inputs.items()}}
        sent = ssm.send_command(InstanceIds=[self.node], DocumentName="AWS-ConfigureAWSPackage", Parameters=parameters)
        asked = {"CommandId": sent["Command"]["CommandId"], "InstanceId": self.node, "PluginName": "configurePackage"}

        def ended(told: Any) -> bool:
            return told is not None and told["Status"] not in {"Pending", "InProgress", "Delayed"}

        def told() -> Any:
            try:
                return ssm.get_command_invocation(**asked)
            except ssm.exceptions.InvocationDoesNotExist:
                return None

        answer: dict[str, Any] = eventually(told, ended, 120)
        return answer


@pytest.fixture
def shared(hub: Account, member: Account, bucket: str, node: str, unique: Unique) -> Iterator[Shared]:
    """A package with version 1.0.0, shared with the member in all versions."""
    made = Shared(hub, member, bucket, node, unique("quirk"))
    made.publish("1.0.0")
    made.share("$ALL")
    yield made
    made.share("$ALL")
    made.configure("Uninstall")
    made.share("$ALL", wanted=False)
    hub.client("ssm").delete_document(Name=made.name)
    for version in made.versions:
        hub.client("s3").delete_object(Bucket=bucket, Key=f"{made.name}/{version}/{FILE}")


@observed("Amazon's agent 3.3.0.0 on the wire")
def test_a_shared_package_is_installed_by_its_arn(shared: Shared) -> None:
    """A package of another account is installed by its ARN, and the agent's output calls it so."""
    said = shared.configure()
    assert said["Status"] == "Success"
    assert f"Successfully installed {shared.arn} 1.0.0" in said["StandardOutputContent"]


@observed("Amazon's agent 3.3.0.0 on the wire")
def test_the_same_version_again_is_already_installed(shared: Shared) -> None:
    """Installing the version that is there runs no install script and is a success."""
    shared.configure()
    said = shared.configure()
    assert said["Status"] == "Success"
    assert said["StandardOutputContent"].endswith("1.0.0 is already installed\n")


@observed("Amazon's agent 3.3.0.0 on the wire")
def test_uninstalling_an_absent_version_is_a_success(shared: Shared) -> None:
    """Uninstalling a version that is not installed is a success that says so, though the document's text promises an error."""
    shared.publish("2.0.0")
    shared.configure()
    said = shared.configure("Uninstall", version="1.0.0")
    assert (said["Status"], said["StandardOutputContent"]) == ("Success", "version: 1.0.0 is not installed\n")


@observed("Amazon's agent 3.3.0.0 on the wire")
def test_an_upgrade_to_a_version_never_seen_runs_the_new_uninstall_script(shared: Shared) -> None:
    """An upgrade to a version that the node has never seen takes the old version away with the new version's uninstall script."""
    shared.configure()
    shared.publish("2.0.0")
    said = shared.configure()
    assert said["Status"] == "Success"
    assert "uninstall script of 2.0.0" in said["StandardOutputContent"]
    assert "uninstall script of 1.0.0" not in said["StandardOutputContent"]


@observed("Amazon's agent 3.3.0.0 on the wire")
def test_a_failed_upgrade_to_a_version_never_seen_is_not_rolled_back(shared: Shared) -> None:
    """After a failed upgrade to a version never seen the roll-back runs the script that has just failed."""
    shared.configure()
    shared.publish("2.0.0", install="exit 3")
    said = shared.configure()
    assert said["Status"] == "Failed"
    assert said["StandardErrorContent"].count("failed to run commands: exit status 3") == 2
    assert "successfully rolled back" not in said["StandardOutputContent"]


@documented("API ModifyDocumentPermission, SharedDocumentVersion")
def test_a_share_of_the_default_version_hides_the_others(shared: Shared) -> None:
    """A node of an account that is shared the default version cannot be given another version by name."""
    shared.publish("2.0.0")
    shared.share("$DEFAULT")
    assert shared.configure(version="2.0.0")["Status"] == "Success"
    assert shared.configure(version="1.0.0")["Status"] == "Failed"


@observed("Amazon's agent 3.3.0.0 on the wire")
def test_what_is_not_shared_cannot_be_uninstalled(shared: Shared) -> None:
    """A package that is no longer shared cannot be uninstalled: the agent reads the document before any action."""
    shared.configure()
    shared.share("$ALL", wanted=False)
    said = shared.configure("Uninstall")
    assert said["Status"] == "Failed"
    assert "failed to retrieve package document description" in said["StandardErrorContent"]
