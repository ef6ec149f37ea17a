"""D7 to D10 and D12, "Versions and content": which version is meant, where its files are, what its scripts are told."""

import json

import pytest

from simulation.solution import BUCKET, HUB, LAB, NAME, SHOP, Operator, why

pytestmark = pytest.mark.xdist_group("regressions-versions")
RUNBOOK_ROLE = "CSD-SystemsManager-AutomationAdministrationRole"


def asked_by_the_hubs_role(operator: Operator, since: int) -> list[str]:
    """Return the actions that the hub's runbook has called since."""
    return [call.action for call in list(operator.simulation.engines.gateway.log)[since:] if RUNBOOK_ROLE in call.principal]


def test_d07_s06_going_back_to_an_older_version(operator: Operator) -> None:
    """The sample compares with the default version alone: an older one that exists is a duplicate, changed files are "the same"."""
    for version in ("1.1.0", "1.0.0"):
        operator.publish(version)
        run = operator.distribute(operator.wish(version))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert set(operator.markers().values()) == {version}
    versions = operator.simulation.client("ssm").list_document_versions(Name=NAME)["DocumentVersions"]
    assert sorted(one["VersionName"] for one in versions) == ["1.0.0", "1.1.0"]
    s3 = operator.simulation.client("s3")
    manifest = json.loads(operator.packages.sealed("1.0.0")["manifest.json"])
    s3.put_object(Bucket=BUCKET, Key="1.0.0/manifest.json", Body=json.dumps({**manifest, "publisher": "Somebody else"}))
    run = operator.distribute(operator.wish("1.0.0"))
    assert run["AutomationExecutionStatus"] == "Failed"
    assert "1.0.0 exists in us-east-1 with other content: publish changed files as a new version" in run["FailureMessage"]
    operator.publish("1.0.0")


def test_d08_a_version_must_be_said_and_be_the_manifests(operator: Operator) -> None:
    """The sample calls the version required, lets it be empty, and breaks on it inside CreateDocument; ours says so before any call."""
    since = len(operator.simulation.engines.gateway.log)
    run = operator.distribute(operator.wish("", bucketPrefix=["1.0.0"]))
    assert run["AutomationExecutionStatus"] == "Failed"
    assert "version: Install needs the version that manifest.json says" in run["FailureMessage"]
    assert asked_by_the_hubs_role(operator, since) == []
    run = operator.distribute(operator.wish("9.9.9", bucketPrefix=["1.0.0"]))
    assert "says version '1.0.0', asked for '9.9.9': they must be equal" in run["FailureMessage"]


def test_d09_uninstall_takes_an_arn_and_publishes_nothing(operator: Operator) -> None:
    """The sample publishes and shares the package first, to uninstall it, and its pattern takes ARNs that CreateDocument refuses."""
    simulation = operator.simulation
    arn = f"arn:aws:ssm:us-east-1:{HUB}:document/{NAME}"
    run = operator.distribute(operator.wish("1.0.0", name=[arn]))
    assert f"{arn!r} cannot be published; Install needs a plain package name" in run["FailureMessage"]
    before = simulation.client("ssm").list_document_versions(Name=NAME)["DocumentVersions"]
    since = len(simulation.engines.gateway.log)
    wish = operator.wish("", "Uninstall", name=[arn])
    run = operator.distribute({key: values for key, values in wish.items() if not key.startswith("bucket")})
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert set(operator.markers().values()) == {""}
    assert simulation.client("ssm").list_document_versions(Name=NAME)["DocumentVersions"] == before
    asked = asked_by_the_hubs_role(operator, since)
    assert {"s3:GetObject", "ssm:CreateDocument", "ssm:UpdateDocument", "ssm:ModifyDocumentPermission"} & set(asked) == set()


def test_d10_s07_nothing_is_looked_for_in_the_bucket(operator: Operator) -> None:
    """The sample lists one page of what comes after the prefix, needs s3:ListBucket for it, and falls over an empty answer."""
    simulation = operator.simulation
    for number in range(3):
        simulation.client("s3").put_object(Bucket=BUCKET, Key=f"1.1.0-neighbour/{number}.zip", Body=b"")
    since = len(simulation.engines.gateway.log)
    operator.publish("1.1.0")
    run = operator.distribute(operator.wish("1.1.0"))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert "s3:ListBucket" not in asked_by_the_hubs_role(operator, since)
    run = operator.distribute(operator.wish("1.1.0", bucketPrefix=["nowhere"]))
    assert run["AutomationExecutionStatus"] == "Failed"
    assert f"s3://{BUCKET}/nowhere/manifest.json does not exist: upload the package first" in run["FailureMessage"]


def test_d12_arguments_reach_the_scripts_of_the_package(operator: Operator) -> None:
    """The sample puts a dictionary into a list, which botocore refuses, so that any argument at all fails the run."""
    operator.publish("1.2.0")
    greeting = 'good morning, it\'s "me"'
    run = operator.distribute(operator.wish("1.2.0", additionalArguments=[json.dumps({"SSM_GREETING": greeting})]))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    for name in operator.simulation.nodes:
        assert (operator.simulation.root(name) / "etc/csd-marker-greeting").read_text() == f"{greeting}\n"
    for account in (SHOP, LAB):
        commands = operator.simulation.client("ssm", account).list_commands()["Commands"]
        newest = max(commands, key=lambda one: one["RequestedDateTime"])
        assert json.loads(newest["Parameters"]["additionalArguments"][0]) == {"SSM_GREETING": greeting}
    run = operator.distribute(operator.wish("1.2.0", additionalArguments=[json.dumps({"GREETING": "hello"})]))
    assert "additionalArguments: 'GREETING' must begin with SSM_" in run["FailureMessage"]
