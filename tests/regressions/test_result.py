"""D1 to D6, "Truth of the result": what a run says is what is on the nodes."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulation.solution import BUCKET, HUB, NAME, SHOP, Operator, why

pytestmark = pytest.mark.xdist_group("regressions-result")
ADMINISTRATION = "CSD-SystemsManager-AutomationAdministrationRole"


def told(run: dict[str, Any]) -> str:
    """Return everything that a run says of its end."""
    return json.dumps([run.get("FailureMessage", ""), run.get("Outputs", {})])


def test_d01_s01_runbooks_are_taken_today(operator: Operator) -> None:
    """The sample's scripts ask for python3.7, which CreateDocument refuses since September 2025; ours are python3.11 and are taken."""
    ssm = operator.simulation.client("ssm")
    for name in ("CSD-AddSoftwarePackageToDistributor", "CSD-DistributeSoftwarePackage"):
        content = ssm.get_document(Name=name, DocumentFormat="YAML")["Content"]
        assert "python3.11" in content
        with pytest.raises(ClientError, match="python3.7"):
            ssm.create_document(
                Name="sample-runtime",
                DocumentType="Automation",
                DocumentFormat="YAML",
                Content=content.replace("python3.11", "python3.7"),
            )


def test_d02_s02_s03_a_failed_install_fails_run_and_association(operator: Operator) -> None:
    """The sample sends commands and starts children without waiting: its hub is a Success while they run, and whatever they come to."""
    simulation, ssm = operator.simulation, operator.simulation.client("ssm")
    broken = simulation.root("shop-eu") / "etc/csd-marker-fail"
    broken.write_text("no room on this disk\n")
    simulation.nodes["shop-eu"].duration_s = 600
    operator.publish("1.1.0")
    before = operator.run_ids()
    operator.associate(operator.wish("1.1.0"))
    simulation.run_for(300)
    (fresh,) = operator.run_ids() - before
    assert ssm.get_automation_execution(AutomationExecutionId=fresh)["AutomationExecution"]["AutomationExecutionStatus"] in {
        "InProgress",
        "Waiting",
    }
    run = operator.ended_run(fresh)
    assert run["AutomationExecutionStatus"] == "Failed", why(run)
    assert "no room on this disk" in run["FailureMessage"]
    assert simulation.nodes["shop-eu"].instance_id in run["FailureMessage"]
    (association,) = ssm.list_associations(AssociationFilterList=[{"key": "Name", "value": run["DocumentName"]}])["Associations"]
    assert association["Overview"]["Status"] == "Failed"
    executions = ssm.describe_association_executions(AssociationId=operator.association)["AssociationExecutions"]
    assert max(executions, key=lambda one: one["CreatedTime"])["Status"] == "Failed"
    broken.unlink()
    simulation.nodes["shop-eu"].duration_s = 2
    run = operator.distribute(operator.wish("1.1.0"))
    assert run["AutomationExecutionStatus"] == "Success", why(run)


def test_d03_s16_an_offline_node_is_counted_and_stops_nobody(operator: Operator) -> None:
    """The sample's script raises for a node that is offline: a Failed child, and with no error budget its whole account and Region."""
    simulation = operator.simulation
    simulation.add_node(SHOP, "us-east-1", "debian-12", "shop-us-2")
    simulation.run_for(600)
    simulation.nodes["shop-us"].offline()
    operator.publish("1.2.0")
    patience = {"deliveryTimeoutSeconds": ["60"], "maxErrors": ["0"], "nodeMaxErrors": ["0"]}
    run = operator.distribute(operator.wish("1.2.0", **patience))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert {name for name, version in operator.markers().items() if version == "1.2.0"} == {"shop-us-2", "shop-eu", "lab-us"}
    members = simulation.client("ssm", SHOP).describe_automation_executions()["AutomationExecutionMetadataList"]
    newest = max(members, key=lambda one: one["ExecutionStartTime"])
    outputs = str(newest["Outputs"])
    assert f"1 unreachable ({simulation.nodes['shop-us'].instance_id})" in outputs
    simulation.nodes["shop-us"].online()
    simulation.run_for(600)


def test_d04_s05_what_aws_refuses_is_what_the_operator_reads(operator: Operator) -> None:
    """A bare except in the sample takes every refusal of CreateDocument for "it exists", and then describes what is not there."""
    iam = operator.simulation.client("iam")
    deny = {"Effect": "Deny", "Action": "ssm:CreateDocument", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=ADMINISTRATION, PolicyName="deny", PolicyDocument=policy)
    run = operator.distribute(operator.wish("1.0.0", name=["csd-unheard-of"]))
    iam.delete_role_policy(RoleName=ADMINISTRATION, PolicyName="deny")
    assert run["AutomationExecutionStatus"] == "Failed"
    assert "AccessDenied" in run["FailureMessage"]
    assert "ssm:CreateDocument" in run["FailureMessage"]
    assert "InvalidDocument" not in run["FailureMessage"]


def test_d05_s12_every_target_region_is_waited_for_and_no_other(operator: Operator) -> None:
    """The sample looks at the home Region alone, for an hour: it cannot see Failed, and the other Regions start at once."""
    simulation = operator.simulation
    operator.publish("1.3.0")
    calls = len(simulation.engines.gateway.log)
    run = operator.distribute(operator.wish("1.3.0", targetRegions=["eu-west-1"]))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert {name for name, version in operator.markers().items() if version == "1.3.0"} == {"shop-eu"}
    since = [call for call in list(simulation.engines.gateway.log)[calls:] if call.account == HUB]
    looks = [call.time for call in since if call.action == "ssm:ListDocumentVersions"]
    starts = [call.time for call in since if call.action == "ssm:StartAutomationExecution" and "Distribute" in call.resource]
    assert {call.region for call in since if call.action == "ssm:ListDocumentVersions"} == {"eu-west-1"}
    assert max(looks) <= min(starts)
    version = simulation.client("ssm", region="eu-west-1").describe_document(Name=NAME, VersionName="1.3.0")["Document"]
    assert version["Status"] == "Active"

    operator.publish("1.4.0")
    simulation.client("s3").delete_object(Bucket=BUCKET, Key="1.4.0/csd-marker-1.4.0-any.zip")
    began = simulation.now()
    run = operator.distribute(operator.wish("1.4.0"))
    assert run["AutomationExecutionStatus"] == "Failed"
    assert simulation.now() - began < 600
    for region in simulation.spec.regions:
        assert f"{NAME} 1.4.0 in {region}" in run["FailureMessage"]


def test_d06_a_version_that_failed_is_never_the_default(operator: Operator) -> None:
    """The sample makes a new version the default while it is Creating; one that ends Failed stays the default."""
    simulation = operator.simulation
    operator.publish("1.5.0")
    simulation.client("s3").delete_object(Bucket=BUCKET, Key="1.5.0/csd-marker-1.5.0-any.zip")
    before = {region: default(operator, region) for region in simulation.spec.regions}
    run = operator.distribute(operator.wish("1.5.0"))
    assert run["AutomationExecutionStatus"] == "Failed"
    ssm = simulation.client("ssm")
    failed = ssm.describe_document(Name=NAME, VersionName="1.5.0")["Document"]
    assert failed["Status"] == "Failed"
    assert {region: default(operator, region) for region in simulation.spec.regions} == before


def default(operator: Operator, region: str) -> str:
    """Return the version name of the package's default version in a Region."""
    found = operator.simulation.client("ssm", region=region).describe_document(Name=NAME)["Document"]
    assert found["Status"] == "Active"
    return str(found["VersionName"])
