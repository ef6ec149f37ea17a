"""Amazon's own agent, unmodified, and State Manager: it asks for associations, is told of new ones, runs them, and reports."""

from typing import Any

from conformance.claims import eventually
from journeys.test_stock_agent import Press, press, pytestmark

__all__ = ["press", "pytestmark"]


def ended(press: Press, association: str, runs: int) -> dict[str, Any]:
    """Wait until so many executions of an association have ended, and return the newest."""
    found: list[dict[str, Any]] = eventually(
        lambda: press.ssm.describe_association_executions(AssociationId=association)["AssociationExecutions"],
        lambda rows: len(rows) >= runs and rows[0]["Status"] in ("Success", "Failed"),
        120,
    )
    return found[0]


def test_the_stock_agent_keeps_associations(press: Press) -> None:
    """Observed: it runs a new association within seconds of its nudge, once more when told, and its compliance follows."""
    press.configure()
    press.join()
    press.connected()
    asked = {"Name": "AWS-RunShellScript", "Targets": [{"Key": "tag:Hall", "Values": ["3"]}], "ScheduleExpression": "rate(1 day)"}
    made = press.ssm.create_association(**asked, Parameters={"commands": ["echo kept >>/opt/kept"]})["AssociationDescription"]
    association = made["AssociationId"]
    assert ended(press, association, 1)["ResourceCountByStatus"] == "{Success=1}"
    assert press.agent.read("opt/kept") == "kept\n"
    press.ssm.start_associations_once(AssociationIds=[association])
    assert ended(press, association, 2)["Status"] == "Success"
    assert press.agent.read("opt/kept") == "kept\nkept\n"
    (info,) = press.ssm.describe_instance_associations_status(InstanceId=press.instance_id)["InstanceAssociationStatusInfos"]
    assert info["ExecutionSummary"].startswith("1 out of 1 plugin processed, 1 success")
    items = eventually(lambda: press.ssm.list_compliance_items(ResourceIds=[press.instance_id])["ComplianceItems"], bool)
    assert [(item["Id"], item["Status"]) for item in items] == [(association, "COMPLIANT")]
    press.ssm.update_association(
        AssociationId=association, **{**asked, "ScheduleExpression": "rate(2 days)"}, Parameters={"commands": ["exit 3"]}
    )
    assert ended(press, association, 3)["Status"] == "Failed"
