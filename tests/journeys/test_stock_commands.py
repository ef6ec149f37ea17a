"""Amazon's own agent, unmodified, and Run Command: many commands, cancelled ones, late ones, long ones, documents of several steps.

All on one machine that has joined once.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.claims import eventually
from journeys.conftest import organization
from journeys.stock_agent import StockAgent
from journeys.test_stock_agent import PROGRESS, SOURCE, SPEC, Press, pytestmark

__all__ = ["pytestmark"]
GOING = {*PROGRESS, "Cancelling"}
Outcome = dict[str, tuple[str, int, str]]


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Press]:
    """A machine whose agent is connected, and gathers inventory from the start."""
    assert SOURCE is not None
    folder: Path = tmp_path_factory.mktemp("commands")
    with organization(folder, SPEC) as walk, StockAgent(SOURCE, folder / "press") as agent:
        one = Press(walk, agent)
        one.configure()
        one.join()
        one.connected()
        yield one


@pytest.fixture(scope="module")
def inventory(press: Press) -> str:
    """An association that gathers inventory; the agent waits up to half a minute before it reports."""
    made = press.ssm.create_association(
        Name="AWS-GatherSoftwareInventory",
        Targets=[{"Key": "InstanceIds", "Values": [press.instance_id]}],
        ScheduleExpression="rate(30 minutes)",
        Parameters={"files": [json.dumps([{"Path": "/opt/paper", "Pattern": ["*"], "Recursive": False}])]},
    )
    return str(made["AssociationDescription"]["AssociationId"])


def send(press: Press, document: str = "AWS-RunShellScript", **parameters: Any) -> str:
    wanted = {name: value if isinstance(value, list) else [value] for name, value in parameters.items()}
    sent = press.ssm.send_command(InstanceIds=[press.instance_id], DocumentName=document, Parameters=wanted)
    return str(sent["Command"]["CommandId"])


def told(press: Press, command: str, when: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
    """Wait until the command has ended, and `when` holds, and return the invocation with its steps."""

    def ask() -> dict[str, Any]:
        return dict(press.ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"][0])

    return eventually(ask, lambda one: one["Status"] not in GOING and when(one), 60)


def steps(invocation: dict[str, Any]) -> Outcome:
    return {step["Name"]: (step["Status"], step["ResponseCode"], step["Output"]) for step in invocation["CommandPlugins"]}


def complete(invocation: dict[str, Any]) -> bool:
    """Say whether every step is told of: over the channel a step may come after the end."""
    return all(code != -1 for _, code, _ in steps(invocation).values())


def publish(press: Press, name: str, main: list[dict[str, Any]], **parameters: Any) -> None:
    content = {"schemaVersion": "2.2", "parameters": parameters, "mainSteps": main}
    press.ssm.create_document(Name=name, DocumentType="Command", Content=json.dumps(content))
    eventually(lambda: press.ssm.describe_document(Name=name)["Document"]["Status"], lambda status: status == "Active")


def script(name: str, *lines: str, **more: Any) -> dict[str, Any]:
    return {"action": "aws:runShellScript", "name": name, "inputs": {"runCommand": list(lines)}, **more}


def test_many_commands_at_once(press: Press, inventory: str) -> None:
    """Observed: it works on five documents at a time; each answers for itself."""
    sent = [send(press, commands=f"echo {number}") for number in range(12)]
    assert [steps(told(press, one, complete)) for one in sent] == [
        {"aws:runShellScript": ("Success", 0, f"{number}\n")} for number in range(12)
    ]


def test_cancelled_commands(press: Press) -> None:
    """Observed: what runs is killed and keeps its output; what waits behind five others is cancelled too."""
    sent = [send(press, commands=f"echo begun {number}; sleep 60") for number in range(7)]
    first = press.ssm.get_command_invocation
    eventually(lambda: press.agent.run("pgrep", "-c", "sleep", check=False).stdout, lambda count: count.strip() == "5", 30)
    assert first(CommandId=sent[0], InstanceId=press.instance_id)["Status"] == "InProgress"
    for one in sent:
        press.ssm.cancel_command(CommandId=one)
    ended = [told(press, one) for one in sent]
    assert {one["StatusDetails"] for one in ended} == {"Cancelled"}
    killed = steps(told(press, sent[0], complete))
    assert killed == {"aws:runShellScript": ("Cancelled", 137, "begun 0\n")}


def test_a_script_that_takes_too_long(press: Press) -> None:
    """Observed: executionTimeout kills the script; its output is kept."""
    ended = told(press, send(press, commands="echo begun; sleep 60", executionTimeout="5"), complete)
    assert (ended["Status"], ended["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert steps(ended) == {"aws:runShellScript": ("TimedOut", 137, "begun\n")}


def test_long_output(press: Press) -> None:
    """Observed: the agent cuts what a script says at 24,000 characters, what it complains at 8,000, both together at 2,500."""
    command = send(press, commands="yes out | head -n 9000; yes err | head -n 9000 >&2")
    (output,) = [text for _, _, text in steps(told(press, command, complete)).values()]
    assert len(output) == 2500
    whole = press.ssm.get_command_invocation(CommandId=command, InstanceId=press.instance_id)
    sizes = len(whole["StandardOutputContent"]), len(whole["StandardErrorContent"])
    assert sizes == (24000, 8000)
    assert whole["StandardOutputContent"].endswith("--output truncated--")


def test_a_document_of_several_steps(press: Press) -> None:
    """Observed: a step for another platform is skipped, one that fails does not stop the others, each is told of by its name."""
    strange = {"action": "aws:runPowerShellScript", "name": "strange", "inputs": {"runCommand": ["x"]}}
    publish(
        press,
        "Several",
        [
            script("greet", "echo {{ who }}", "echo '{{ list }}'", "echo '{{ map }}'"),
            {**strange, "precondition": {"StringEquals": ["platformType", "Windows"]}},
            script("fails", "echo failing; exit 4"),
            script("goes-on", "echo still here"),
        ],
        who={"type": "String", "default": "{{ssm:greeted}}"},
        list={"type": "StringList", "default": ["a"]},
        map={"type": "StringMap", "default": {"k": "v"}},
    )
    press.ssm.put_parameter(Name="greeted", Value="the world", Type="String")
    ended = told(press, send(press, "Several", list=["b", "c"], map='{"y": "z"}'), complete)
    assert ended["Status"] == "Failed"
    found = steps(ended)
    assert found["greet"] == ("Success", 0, 'the world\n["b","c"]\n{"y": "z"}\n')
    assert found["strange"][:2] == ("Success", 0)
    assert "unsatisfied preconditions" in found["strange"][2]
    assert found["fails"][:2] == ("Failed", 4)
    assert found["goes-on"] == ("Success", 0, "still here\n")


def test_a_document_within_a_document(press: Press) -> None:
    """Observed: AWS-RunDocument has the agent fetch the other document with its own credentials, and tells its output as one step's."""
    publish(press, "Inner", [script("inside", "echo inner {{ x }}")], x={"type": "String", "default": "none"})
    given = {"sourceType": "SSMDocument", "documentParameters": '{"x": "given"}'}
    found = steps(told(press, send(press, "AWS-RunDocument", sourceInfo='{"name": "Inner"}', **given), complete))
    assert (found["downloadContent"][0], found["runDocument"]) == ("Success", ("Success", 0, "inner given\n"))
    missing = steps(told(press, send(press, "AWS-RunDocument", sourceInfo='{"name": "Nowhere"}', **given), complete))
    assert missing["downloadContent"][0] == "Failed"
    assert "InvalidDocument" in missing["downloadContent"][2]


def test_a_parameter_that_is_not_there(press: Press) -> None:
    """Observed: the agent looks parameters up itself, and refuses the whole message when one is missing."""
    ended = told(press, send(press, commands="echo {{ssm:nowhere}}"))
    assert ended["Status"] == "Failed"
    assert "51408" in ended["TraceOutput"]


def test_inventory_that_changes_and_inventory_that_stays(press: Press, inventory: str) -> None:
    """Observed: of what did not change it sends the hash alone, with a schema version that may be another item's; both are taken."""

    def runs(count: int) -> list[str]:
        asked = press.ssm.describe_association_executions
        rows = eventually(
            lambda: asked(AssociationId=inventory)["AssociationExecutions"],
            lambda rows: len(rows) >= count and all(row["Status"] in ("Success", "Failed") for row in rows),
            120,
        )
        return [row["Status"] for row in rows]

    def entries(name: str) -> dict[str, Any]:
        return dict(press.ssm.list_inventory_entries(InstanceId=press.instance_id, TypeName=name))

    assert runs(1) == ["Success"]
    before = entries("AWS:Network")
    assert "bash" in {entry["Name"] for entry in entries("AWS:Application")["Entries"]}
    assert entries("AWS:File")["Entries"] == []
    press.agent.write("opt/paper/a4.txt", "white\n")
    press.ssm.start_associations_once(AssociationIds=[inventory])
    assert runs(2) == ["Success", "Success"]
    assert [entry["Name"] for entry in entries("AWS:File")["Entries"]] == ["a4.txt"]
    after = entries("AWS:Network")
    assert (after["SchemaVersion"], after["Entries"]) == (before["SchemaVersion"], before["Entries"])
    assert after["CaptureTime"] > before["CaptureTime"]
