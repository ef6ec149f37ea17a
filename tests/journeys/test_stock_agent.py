"""Amazon's own agent, unmodified, joins a local organization: given its own configuration file and a certificate, nothing else.

It is looked for in the folder CSD_STOCK_AGENT, then on PATH; where it is not, these tests are skipped. The agent's public source:
github.com/aws/amazon-ssm-agent (`make build-linux`).
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from conformance.claims import eventually
from demo.walk import Walk
from docs.pages import REPOSITORY, blocks
from journeys.conftest import organization
from journeys.stock_agent import StockAgent, found

SOURCE = found()
pytestmark = (
    pytest.mark.journey
    if SOURCE
    else pytest.mark.skip(
        reason="Amazon's agent is not here: set CSD_STOCK_AGENT to the folder of its binaries, or put it on PATH"
    )
)
HUB, REGION, BUCKET = "111111111111", "us-east-1", "csd-packages-111111111111"
SPEC = f"""
regions: [{REGION}]
organization:
  id: o-press00001
  root: r-abcd
  management: {{id: "{HUB}", name: hub}}
buckets:
  - {{name: {BUCKET}, account: "{HUB}", region: {REGION}}}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
PAGE = REPOSITORY / "docs/how-to/join-with-the-stock-agent.md"
NOWHERE = "https://127.0.0.1:1"
PROGRESS = {"Pending", "InProgress", "Delayed"}
ROLE = "PressRole"


class Press:
    """A machine with the stock agent, and the account that it is to join."""

    def __init__(self, walk: Walk, agent: StockAgent) -> None:
        self.walk = walk
        self.agent = agent
        self.instance_id = ""
        keys = walk.keys(HUB, REGION)
        self.facts = keys
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        self.iam, self.ssm, self.s3 = (
            session.client(name, endpoint_url=keys["AWS_ENDPOINT_URL"]) for name in ("iam", "ssm", "s3")
        )

    def configure(self, gateway: str = "") -> None:
        """Write the agent's configuration as the how-to shows it; `gateway` in place of the organization's own TLS address."""
        (shown,) = [block.content for block in blocks(PAGE) if block.language == "json"]
        content = shown.replace("http://127.0.0.1:4599", self.facts["AWS_ENDPOINT_URL"])
        content = content.replace("https://127.0.0.1:4600", gateway or self.facts["LOCALORG_TLS_ENDPOINT"])
        content = content.replace(":4600", f":{urlsplit(self.facts['LOCALORG_TLS_ENDPOINT']).port}")
        self.agent.configure(content, Path(self.facts["LOCALORG_CA_FILE"]).read_text())

    def join(self) -> None:
        """Register with an activation, and start."""
        self.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        tags = [{"Key": "Hall", "Value": "3"}]
        made = self.ssm.create_activation(IamRole=ROLE, DefaultInstanceName="press", Tags=tags)
        self.instance_id = self.agent.register(made["ActivationCode"], made["ActivationId"])
        self.agent.start()
        self.online()

    def described(self) -> dict[str, Any]:
        rows = self.ssm.describe_instance_information()["InstanceInformationList"]
        return next(row for row in rows if row["InstanceId"] == self.instance_id)

    def online(self) -> dict[str, Any]:
        """Wait until the agent has told all about itself."""
        return eventually(self.described, lambda row: row["PingStatus"] == "Online" and "ComputerName" in row, 60)

    def connected(self, times: int = 1) -> None:
        """Wait until the control channel was opened so often."""
        log = Path(self.walk.state) / "calls.jsonl"
        eventually(lambda: log.read_text().count("ssmmessages:OpenControlChannel"), lambda count: count >= times, 90)

    def command(self, document: str, seconds: float = 60.0, **parameters: str) -> dict[str, Any]:
        """Send a command and wait for its end, and for its step: over the channel the step's reply may come after the end."""
        wanted = {name: [value] for name, value in parameters.items()}
        sent = self.ssm.send_command(InstanceIds=[self.instance_id], DocumentName=document, Parameters=wanted)
        plugin = {"PluginName": "configurePackage"} if "Package" in document else {}
        where = {"CommandId": sent["Command"]["CommandId"], "InstanceId": self.instance_id, **plugin}
        ended = eventually(
            lambda: self.ssm.get_command_invocation(**where),
            lambda answer: answer["Status"] not in PROGRESS and answer["ResponseCode"] != -1,
            seconds,
            ("InvocationDoesNotExist", "InvalidPluginName"),
        )
        return dict(ended)

    def package(self, action: str, version: str) -> dict[str, Any]:
        """Run AWS-ConfigureAWSPackage; the agent sleeps up to 15 s in it."""
        return self.command("AWS-ConfigureAWSPackage", 120.0, action=action, name="Stamp", version=version)

    def publish(self, version: str) -> None:
        """Put a version of the package Stamp into Distributor."""
        files = zipped(version)
        manifest = {
            "schemaVersion": "2.0",
            "version": version,
            "packages": {"_any": {"_any": {"_any": {"file": "stamp.zip"}}}},
            "files": {"stamp.zip": {"checksums": {"sha256": hashlib.sha256(files).hexdigest()}}},
        }
        for name, content in (("stamp.zip", files), ("manifest.json", json.dumps(manifest).encode())):
            self.s3.put_object(Bucket=BUCKET, Key=f"{version}/{name}", Body=content)
        call = {
            "Name": "Stamp",
            "Content": json.dumps(manifest),
            "VersionName": version,
            "Attachments": [{"Key": "SourceUrl", "Values": [f"s3://{BUCKET}/{version}"]}],
        }
        try:
            self.ssm.create_document(DocumentType="Package", **call)
        except self.ssm.exceptions.DocumentAlreadyExists:
            self.ssm.update_document(DocumentVersion="$LATEST", **call)
        eventually(
            lambda: self.ssm.describe_document(Name="Stamp", VersionName=version)["Document"]["Status"],
            lambda status: status == "Active",
        )


def zipped(version: str) -> bytes:
    """A package that leaves its version on the machine."""
    scripts = {
        "install.sh": f"echo installing {version}; mkdir -p /opt/stamp && echo {version} >/opt/stamp/VERSION\n",
        "uninstall.sh": f"echo uninstalling {version}; rm -r /opt/stamp\n",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in scripts.items():
            archive.writestr(name, text)
    return stream.getvalue()


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    assert SOURCE is not None
    with organization(tmp_path, SPEC) as walk, StockAgent(SOURCE, tmp_path / "press") as agent:
        one = Press(walk, agent)
        try:
            yield one
        except BaseException:
            print(agent.log())
            raise


def test_the_stock_agent_joins_by_its_configuration_file_alone(press: Press) -> None:
    """Observed: it registers with an activation, is Online, runs a script over polls, and over its control channel when it has one."""
    press.configure(gateway=NOWHERE)
    press.join()
    shown = press.online()
    assert {key: shown[key] for key in ("ResourceType", "Name", "IamRole", "PlatformName", "ComputerName")} == {
        "ResourceType": "ManagedInstance",
        "Name": "press",
        "IamRole": ROLE,
        "PlatformName": "Debian GNU/Linux",
        "ComputerName": "press-1",
    }
    over_polls = press.command("AWS-RunShellScript", commands="echo over polls; hostname")
    assert (over_polls["Status"], over_polls["StandardOutputContent"]) == ("Success", "over polls\npress-1\n")
    press.agent.stop()
    press.configure()
    press.agent.start()
    press.connected()
    over_channel = press.command("AWS-RunShellScript", commands="echo over the channel >&2; exit 3")
    assert (over_channel["StatusDetails"], over_channel["ResponseCode"]) == ("Failed", 3)
    assert over_channel["StandardErrorContent"].startswith("over the channel\n")


def test_the_stock_agent_puts_output_into_a_bucket(press: Press) -> None:
    """Observed: it asks for the bucket's Region and encryption, then puts the object, all by the bucket's host name over TLS."""
    press.configure()
    press.agent.run("sh", "-c", f"echo 127.0.0.1 {BUCKET}.s3.localhost >>/etc/hosts")
    press.join()
    writing = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetEncryptionConfiguration"], "Resource": "*"}
    press.iam.put_role_policy(
        RoleName=ROLE, PolicyName="output", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [writing]})
    )
    sent = press.ssm.send_command(
        InstanceIds=[press.instance_id],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["echo kept"]},
        OutputS3BucketName=BUCKET,
        OutputS3KeyPrefix="out",
    )["Command"]["CommandId"]
    key = f"out/{sent}/{press.instance_id}/awsrunShellScript/0.awsrunShellScript/stdout"
    (found,) = eventually(lambda: press.s3.list_objects_v2(Bucket=BUCKET, Prefix="out").get("Contents", []), bool, 60)
    assert found["Key"] == key
    assert press.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"kept\n"


def test_the_stock_agent_keeps_its_associations(press: Press) -> None:
    """Observed: State Manager's associations are run by the agent, which tells each status; a run can be asked for at any time."""
    press.configure()
    press.join()
    made = press.ssm.create_association(
        Name="AWS-RunShellScript",
        Targets=[{"Key": "tag:Hall", "Values": ["3"]}],
        Parameters={"commands": ["echo ran >>/opt/ran"]},
        ScheduleExpression="rate(30 minutes)",
    )["AssociationDescription"]["AssociationId"]

    def overview() -> str:
        found = press.ssm.describe_association(AssociationId=made)["AssociationDescription"]
        return str(found.get("Overview", {}).get("Status"))

    eventually(overview, lambda status: status == "Success", 90)
    assert press.agent.read("opt/ran") == "ran\n"
    press.ssm.start_associations_once(AssociationIds=[made])
    eventually(lambda: press.agent.read("opt/ran"), lambda text: text == "ran\nran\n", 60)


def test_the_stock_agent_outlives_the_server(press: Press) -> None:
    """Observed: with the server gone and back, the agent goes on under its old session and the channel is opened anew."""
    press.configure()
    press.join()
    press.connected()
    press.walk.down()
    press.walk.up()
    assert press.facts == press.walk.keys(HUB, REGION)
    press.connected(times=2)
    ended = press.command("AWS-RunShellScript", commands="echo back")
    assert ended["StandardOutputContent"] == "back\n"
    calls = (Path(press.walk.state) / "calls.jsonl").read_text()
    assert calls.count("RequestManagedInstanceRoleToken") == 1


def test_the_stock_agent_installs_upgrades_goes_back_and_uninstalls(press: Press) -> None:
    """Observed: AWS-ConfigureAWSPackage with a Distributor package, its files fetched from the addresses of GetDocument."""
    press.configure()
    press.join()
    for version in ("1.0.0", "1.1.0"):
        press.publish(version)
    for version in ("1.0.0", "1.1.0", "1.0.0"):
        ended = press.package("Install", version)
        assert ended["Status"] == "Success", ended
        assert f"installing {version}" in ended["StandardOutputContent"]
        assert press.agent.read("opt/stamp/VERSION") == f"{version}\n"
    gone = press.package("Uninstall", "")
    assert gone["Status"] == "Success", gone
    assert not press.agent.exists("opt/stamp")


def test_a_deregistered_stock_agent_is_let_in_no_more(press: Press) -> None:
    """Documented: DeregisterManagedInstance. Observed: a wrong code does not register."""
    press.configure()
    press.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    made = press.ssm.create_activation(IamRole=ROLE)
    with pytest.raises(AssertionError, match="InvalidActivation"):
        press.agent.register("x" * 20, made["ActivationId"])
    press.iam.delete_role(RoleName=ROLE)
    press.join()
    press.ssm.deregister_managed_instance(InstanceId=press.instance_id)
    assert press.ssm.describe_instance_information()["InstanceInformationList"] == []
    press.agent.stop()
    press.agent.run("rm", "-r", "/var/lib/amazon/ssm/runtimeconfig", check=False)
    press.agent.start()
    eventually(press.agent.log, lambda text: "Not existing InstanceId" in text or "AccessDenied" in text, 60)
