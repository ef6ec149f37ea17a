"""Our agent's association processor, in one process: when it asks, what it runs, what it says; outages and deaths."""

import json
from pathlib import Path
from typing import Any

import pytest

from localorg.node.associations import Associations
from localorg.node.calls import CallRefusedError, NodeIdentity, Unreachable
from localorg.node.configure_package import ConfigurePackage, Facts
from localorg.node.download_content import Sources
from localorg.node.gathering import Machine
from localorg.node.persona import detect
from localorg.node.processes import Cancel, WaitingRunner
from localorg.node.repository import Repository
from localorg.node.software_inventory import SoftwareInventory
from localorg.node.storing import OutputStore
from localorg.node.worker import Command, Worker

NODE, ID = "i-0123456789abcdef0", "11111111-2222-3333-4444-555555555555"
START = 1_800_000_000.0


def script(*lines: str) -> dict[str, Any]:
    parameters = {"word": {"type": "String", "default": "none"}, "words": {"type": "StringList", "default": []}}
    step = {"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": list(lines)}}
    return {"schemaVersion": "2.2", "parameters": parameters, "mainSteps": [step]}


class Plane:
    """A control plane with some associations; `down` answers nothing."""

    def __init__(self) -> None:
        self.identity = NodeIdentity(NODE, "111122223333", "eu-west-1", "http://127.0.0.1:1", "secret")
        self.listed: list[dict[str, Any]] = []
        self.documents: dict[str, Any] = {"Script": script('echo "{{ word }}"')}
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.down = False

    def call(self, operation: str, parameters: Any) -> dict[str, Any]:
        if self.down:
            raise Unreachable("down")
        self.said.append((operation, json.loads(json.dumps(parameters))))
        if operation == "ListInstanceAssociations":
            number = int(parameters.get("NextToken", "0"))
            more = {"NextToken": str(number + 1)} if number + 1 < len(self.listed) else {}
            return {"Associations": [dict(one) for one in self.listed[number : number + 1]], **more}
        if operation == "GetDocument":
            if parameters["Name"] not in self.documents:
                raise CallRefusedError("InvalidDocument", "there is no such document")
            return {"Content": json.dumps(self.documents[parameters["Name"]])}
        return {}

    def message(self, operation: str, parameters: Any) -> dict[str, Any]:
        raise CallRefusedError("Nothing", "no messages here")

    def associate(self, identifier: str = ID, **more: Any) -> dict[str, Any]:
        told = {"AssociationId": identifier, "InstanceId": NODE, "Name": "Script", "DocumentVersion": "1", "Checksum": "a"}
        self.listed.append({**told, "DetailedStatus": "Associated", "Parameters": {}, **more})
        return self.listed[-1]

    def statuses(self, identifier: str = ID) -> list[str]:
        updates = [said for name, said in self.said if name == "UpdateInstanceAssociationStatus"]
        return [said["ExecutionResult"]["Status"] for said in updates if said["AssociationId"] == identifier]

    def last(self, operation: str) -> dict[str, Any]:
        return [said for name, said in self.said if name == operation][-1]


class House:
    """One agent's associations in a folder, at a time that the test says."""

    def __init__(self, folder: Path, plane: Plane | None = None) -> None:
        self.folder, self.plane, self.time = folder, plane or Plane(), START
        facts = Facts(NODE, "111122223333", "eu-west-1", "x86_64", "systemd", lambda: detect('ID="debian"\nVERSION_ID="12"'))
        packages = ConfigurePackage(self.plane, Repository(folder, self.now), facts, lambda _: None)
        environment = {"PATH": "/usr/bin:/bin"}
        inventory = SoftwareInventory(self.plane, Machine("10.0.0.1"), folder / "inventory", self.now)
        self.worker = Worker(
            processes=WaitingRunner(),
            packages=packages,
            inventory=inventory,
            output=OutputStore(None, lambda _: None),
            folder=folder / "out",
            working_folder=folder,
            environment=environment,
            resolve=lambda value: value,
            sources=Sources(self.plane),
            now=self.now,
        )
        self.log: list[str] = []
        self.associations = Associations(self.plane, self.worker, folder / "associations", self.log.append, self.now)
        self.worker.refresh = self.associations.refresh

    def now(self) -> float:
        return self.time

    def later(self, seconds: float) -> float:
        self.time += seconds
        return self.associations.step()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_an_association_without_schedule_runs_once(house: House) -> None:
    """Observed: stock agent 3.3.0.0: Pending, InProgress, InProgress with numbers, Success; then its compliance."""
    told = house.plane.associate(Parameters={"word": ["hi"], "unknown": ["x"]})
    assert house.associations.step() == START + 300
    assert house.plane.statuses() == ["Pending", "InProgress", "InProgress", "Success"]
    result = house.plane.last("UpdateInstanceAssociationStatus")["ExecutionResult"]
    assert result["ExecutionSummary"] == "1 out of 1 plugin processed, 1 success, 0 failed, 0 timedout, 0 skipped. "
    assert result["ErrorCode"] == ""
    put = house.plane.last("PutComplianceItems")
    assert (put["ComplianceType"], put["ResourceType"], put["ResourceId"]) == ("Association", "ManagedInstance", NODE)
    (item,) = put["Items"]
    assert item == {
        "Id": ID,
        "Title": "",
        "Severity": "UNSPECIFIED",
        "Status": "COMPLIANT",
        "Details": {"DocumentName": "Script", "DocumentVersion": "1"},
    }
    told["DetailedStatus"], told["LastExecutionDate"] = "Success", START
    house.later(300)
    house.later(300)
    assert house.plane.statuses().count("Success") == 1
    assert [name for name, _ in house.plane.said].count("GetDocument") == 1


def test_nothing_at_the_start_is_asked_for_again_soon(house: House) -> None:
    """Observed by the agent's source: no associations on boot are queried again after thirty seconds, then every five minutes."""
    assert house.associations.step() == START + 30
    assert house.later(30) == START + 330
    for number in range(3):
        house.plane.associate(f"{number}{ID[1:]}")
    house.later(300)
    assert [house.plane.statuses(f"{number}{ID[1:]}")[-1] for number in range(3)] == ["Success"] * 3


def test_a_schedule_is_kept_without_asking(house: House) -> None:
    """Observed by the agent's source: the next time is counted from LastExecutionDate; none at all means now."""
    house.plane.associate(ScheduleExpression="rate(30 minutes)")
    house.associations.step()
    assert house.plane.statuses().count("Success") == 1
    house.plane.listed[0] |= {"DetailedStatus": "Success", "LastExecutionDate": START}
    for _ in range(6):
        house.later(300)
    assert house.plane.statuses().count("Success") == 2
    house.plane.listed[0] |= {"LastExecutionDate": START + 1800}
    assert house.later(7 * 86400) > house.now()
    assert house.plane.statuses().count("Success") == 3


def test_a_failure_says_why(house: House) -> None:
    """Observed by the agent's source: ExecutionError and the standard error of what failed; compliance NON_COMPLIANT."""
    house.plane.documents["Script"] = script("echo broken >&2", "exit 3")
    house.plane.associate()
    house.associations.step()
    result = house.plane.last("UpdateInstanceAssociationStatus")["ExecutionResult"]
    assert (result["Status"], result["ErrorCode"]) == ("Failed", "ExecutionError")
    assert "1 failed" in result["ExecutionSummary"]
    assert "The operation say failed because broken" in result["ExecutionSummary"]
    assert house.plane.last("PutComplianceItems")["Items"][0]["Status"] == "NON_COMPLIANT"
    house.plane.documents["Long"] = script("head -c 3000 /dev/zero | tr '\\0' x >&2", "exit 3")
    house.plane.associate(f"9{ID[1:]}", Name="Long")
    house.later(300)
    summary = house.plane.last("UpdateInstanceAssociationStatus")["ExecutionResult"]["ExecutionSummary"]
    assert (len(summary), summary.endswith("--output truncated--")) == (510, True)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"Name": "Gone"}, "ListAssocError", "Encountered error while loading association"),
        (
            {"ScheduleExpression": "at(2027-01-01T00:00:00)", "LastExecutionDate": START},
            "InvalidExpression",
            "Encountered error while parsing expression",
        ),
    ],
)
def test_what_cannot_be_run_is_said(house: House, more: dict[str, Any], code: str, words: str) -> None:
    """Observed by the agent's source: ListAssocError, InvalidExpression."""
    house.plane.associate(**more)
    house.associations.step()
    result = house.plane.last("UpdateInstanceAssociationStatus")["ExecutionResult"]
    assert (result["Status"], result["ErrorCode"]) == ("Failed", code)
    assert words in result["ExecutionSummary"]


def test_what_cannot_be_told_is_told_later_in_order(house: House) -> None:
    """Assumed: an outage of the control plane loses no status of a run that went on meanwhile."""
    house.plane.associate(ScheduleExpression="rate(30 minutes)")
    house.associations.step()
    house.plane.said.clear()
    house.plane.down = True
    with pytest.raises(Unreachable):
        house.later(1800)
    assert house.plane.said == []
    house.plane.down = False
    house.plane.listed[0] |= {"DetailedStatus": "Success", "LastExecutionDate": START}
    house.later(60)
    assert house.plane.statuses() == ["Pending", "InProgress", "InProgress", "Success"]


def test_refresh_runs_the_named_or_all(house: House) -> None:
    """Observed: AWS-RefreshAssociation; its output, word for word; what is in progress is not started again."""
    other = f"9{ID[1:]}"
    for identifier in (ID, other):
        house.plane.associate(identifier, DetailedStatus="Success", LastExecutionDate=START - 5)
    house.associations.step()
    assert house.plane.statuses() == []
    refresh = {
        "schemaVersion": "1.2",
        "parameters": {"associationIds": {"type": "StringList", "default": []}},
        "runtimeConfig": {"aws:refreshAssociation": {"properties": [{"associationIds": "{{ associationIds }}"}]}},
    }
    replies: list[dict[str, Any]] = []
    house.worker.run(Command("c1", refresh, {"associationIds": [ID]}), Cancel(), replies.append)
    (step,) = replies[-1]["runtimeStatus"].values()
    assert (step["status"], step["standardOutput"]) == (
        "Success",
        f"Associations [{ID}] have been requested to execute immediately",
    )
    house.later(1)
    assert (house.plane.statuses()[-1], house.plane.statuses(other)) == ("Success", [])
    house.worker.run(Command("c2", refresh, {}), Cancel(), replies.append)
    (step,) = replies[-1]["runtimeStatus"].values()
    assert step["standardOutput"] == "All associations have been requested to execute immediately"
    house.later(1)
    assert house.plane.statuses(other)[-1] == "Success"
    house.plane.down = True
    house.worker.run(Command("c3", refresh, {}), Cancel(), replies.append)
    (step,) = replies[-1]["runtimeStatus"].values()
    assert "failed to list instance associations" in step["standardError"]


def test_a_new_checksum_brings_the_new_document(house: House) -> None:
    """Observed by the agent's source: the document is kept until Checksum changes."""
    told = house.plane.associate()
    house.associations.step()
    house.plane.documents["Script"] = script("exit 1")
    told |= {"DetailedStatus": "Pending"}
    house.later(300)
    assert house.plane.statuses()[-1] == "Success"
    told |= {"DetailedStatus": "Pending", "Checksum": "b"}
    house.later(300)
    assert house.plane.statuses()[-1] == "Failed"


def test_a_run_that_died_with_its_agent_is_failed(tmp_path: Path) -> None:
    """Observed: stock agent, killed in the middle: document process failed unexpectedly."""
    house = House(tmp_path)
    (tmp_path / "associations" / f"{ID}.running").write_text("")
    again = House(tmp_path, house.plane)
    again.associations.step()
    result = again.plane.last("UpdateInstanceAssociationStatus")["ExecutionResult"]
    assert (result["Status"], "document process failed unexpectedly" in result["ExecutionSummary"]) == ("Failed", True)


def test_compliance_outlives_a_new_start(tmp_path: Path) -> None:
    """Assumed: an agent that starts anew still reports what it ran before."""
    house = House(tmp_path)
    first = house.plane.associate()
    house.associations.step()
    first |= {"DetailedStatus": "Success", "LastExecutionDate": START}
    again = House(tmp_path, house.plane)
    again.plane.associate(f"9{ID[1:]}")
    again.associations.step()
    assert len(again.plane.last("PutComplianceItems")["Items"]) == 2


def test_one_association_of_a_node_gathers_inventory(house: House) -> None:
    """Observed: stock agent, plugins/inventory: with two, each run fails and names both."""
    step = {"name": "gather", "action": "aws:softwareInventory", "inputs": {}}
    house.plane.documents["Gather"] = {"schemaVersion": "2.2", "mainSteps": [step]}
    other = "99999999-2222-3333-4444-555555555555"
    for identifier in (ID, other):
        house.plane.associate(identifier, Name="Gather")
    house.associations.step()
    assert (house.plane.statuses()[-1], house.plane.statuses(other)[-1]) == ("Failed", "Failed")
    summary = house.plane.last("UpdateInstanceAssociationStatus")["ExecutionResult"]["ExecutionSummary"]
    assert f"Conflicting inventory configuration IDs: {other} and {ID}" in summary
    house.plane.listed.pop()
    house.associations.refresh([ID])
    house.associations.step()
    assert house.plane.statuses()[-1] == "Success"
