"""The agent's conversation with its control plane, on real nodes."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Fleet
from node.control_plane import ControlPlane, package_document, shell_document
from node.running import enter, host, in_layer, node_entry
from node.zips import package, publish

pytestmark = pytest.mark.sandbox
NODE = "i-0aaa1111"


def kinds(plane: ControlPlane, message_id: str) -> list[str]:
    """What was said about one message, in order."""
    return [
        call[0] if call[0] != "SendReply" else json.loads(call[1]["Payload"])["documentStatus"]
        for call in plane.calls
        if call[1].get("MessageId") == message_id
    ]


def step(action: str = "aws:runShellScript", name: str = "s", **inputs: Any) -> dict[str, Any]:
    return {"action": action, "name": name, "inputs": inputs}


def test_registration(fleet: Fleet) -> None:
    """Observed on the wire: UpdateInstanceInformation at the start."""
    (told,) = fleet.plane.wait_for(
        lambda: [r for r in fleet.plane.registrations if r["InstanceId"] == fleet.two], "the registration"
    )
    assert told == {
        "AgentName": "amazon-ssm-agent",
        "AgentStatus": "Active",
        "AgentVersion": "3.3.0.0",
        "AvailabilityZone": "eu-west-1a",
        "AvailabilityZoneId": "",
        "ComputerName": "host-2222",
        "IPAddress": "10.0.0.1",
        "InstanceId": fleet.two,
        "PlatformName": "Test Linux",
        "PlatformType": "Linux",
        "PlatformVersion": "9.4",
        "SSMConnectionChannel": "ec2messages",
    }


def test_the_order_of_a_command(fleet: Fleet) -> None:
    """Observed: InProgress, Acknowledge, InProgress for the step, the end."""
    message = fleet.plane.send(fleet.one, shell_document("echo hello", "echo err >&2"))
    said = fleet.plane.outcome(message)
    assert kinds(fleet.plane, message) == ["InProgress", "AcknowledgeMessage", "InProgress", "Success"]
    assert (said.out, said.err, said.step["code"], said.step["output"]) == (
        "hello\n",
        "err\n",
        0,
        "hello\n\n----------ERROR-------\nerr\n",
    )
    first = fleet.plane.replies[message][0]
    assert first["runtimeStatus"] is None
    assert first["additionalInfo"]["agent"]["name"] == "amazon-ssm-agent"


def test_several_steps(fleet: Fleet) -> None:
    """Observed: each step arrives once; a failed step does not stop the next; the end has no steps."""
    steps = [
        step(name="a", runCommand=["exit 3"]),
        step("aws:runPowerShellScript", "b", runCommand=["x"]) | {"precondition": {"StringEquals": ["platformType", "Windows"]}},
        step(name="c", runCommand=["echo c"]),
    ]
    message = fleet.plane.send(fleet.one, {"schemaVersion": "2.2", "mainSteps": steps})
    said = fleet.plane.outcome(message)
    assert {name: status["status"] for name, status in said.steps.items()} == {"a": "Failed", "b": "Skipped", "c": "Success"}
    assert said.status == "Failed"
    assert said.steps["a"]["standardError"] == "failed to run commands: exit status 3"
    assert said.steps["b"]["output"].startswith("Step execution skipped due to unsatisfied preconditions")
    assert fleet.plane.replies[message][-1]["runtimeStatus"] == {}


def test_leaving_a_document_early(fleet: Fleet) -> None:
    """Documented: onFailure exit skips what follows, but for a finallyStep. Observed: the reason is not in the short output."""
    steps = [
        step(name="a", runCommand=["echo hi; exit 1"], onFailure="exit"),
        step(name="b", runCommand=["echo b"]),
        step(name="c", runCommand=["echo c"], finallyStep=True),
    ]
    said = fleet.plane.outcome(fleet.plane.send(fleet.one, {"schemaVersion": "2.2", "mainSteps": steps}))
    assert [said.steps[name]["status"] for name in "abc"] == ["Failed", "Skipped", "Success"]
    assert said.steps["a"]["output"] == "hi\n\n----------ERROR-------\nfailed to run commands: exit status 1"
    assert said.steps["a"]["standardOutput"].startswith("hi\n\nStep was found to have onFailure property.")


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (168, "Success", "Step exited with code 168. Therefore, marking step as succeeded."),
        (169, "Failed", "Step exited with code 169. Therefore, marking step as Failed."),
        (194, "Failed", "exit status 194 (a script that asks for a reboot: nodes of a local organization cannot reboot)"),
    ],
)
def test_exit_codes_with_a_meaning(fleet: Fleet, code: int, status: str, words: str) -> None:
    """Documented: send-commands-reboot; observed: 168 and 169. A reboot is refused, not ignored."""
    said = fleet.plane.shell(fleet.one, f"exit {code}")
    assert (said.status, said.step["code"]) == (status, code)
    assert words in said.out + said.err
    assert "Step exited" not in said.step["output"]


def test_a_plugin_that_does_not_exist_here(fleet: Fleet) -> None:
    """Nothing unsupported succeeds silently: the step names the plugin."""
    said = fleet.plane.outcome(fleet.plane.send(fleet.one, {"schemaVersion": "2.2", "mainSteps": [step("aws:domainJoin")]}))
    assert said.status == "Failed"
    assert said.err.startswith("Plugin with name aws:domainJoin is not performed by nodes of localorg")


def test_a_document_that_cannot_be_run(fleet: Fleet) -> None:
    """Observed: Failed with the reason as documentTraceOutput."""
    said = fleet.plane.outcome(fleet.plane.send(fleet.one, {"schemaVersion": "0.3", "mainSteps": []}))
    assert (said.status, said.steps) == ("Failed", {})
    assert said.trace == (
        "Document with schema version 0.3 is not supported by this version of ssm agent, please update to latest version"
    )


def test_a_message_that_cannot_be_read(fleet: Fleet) -> None:
    """Observed: Failed, and no acknowledgement; an unknown topic: FailMessage."""
    message = fleet.plane.deliver(fleet.one, "aws.ssm.sendCommand.eu-west-1", "{not json")
    assert fleet.plane.outcome(message).trace.startswith("the message cannot be read: ")
    strange = fleet.plane.deliver(fleet.one, "aws.ssm.dance.eu-west-1", {})
    fleet.plane.wait_for(lambda: kinds(fleet.plane, strange), "FailMessage")
    assert (kinds(fleet.plane, message), kinds(fleet.plane, strange)) == (["Failed"], ["FailMessage"])


def test_a_redelivered_command_is_not_run_again(fleet: Fleet) -> None:
    """Observed: InProgress and Acknowledge again, nothing else."""
    payload = {"Parameters": {}, "DocumentContent": shell_document("echo x >> /opt/runs"), "CommandId": "c-1"}
    message = fleet.plane.deliver(fleet.one, "aws.ssm.sendCommand.eu-west-1", payload, "aws.ssm.c-1.x")
    fleet.plane.outcome(message)
    fleet.plane.deliver(fleet.one, "aws.ssm.sendCommand.eu-west-1", payload, message)
    fleet.plane.wait_for(lambda: kinds(fleet.plane, message).count("AcknowledgeMessage") == 2, "the second acknowledgement")
    assert kinds(fleet.plane, message) == [
        "InProgress",
        "AcknowledgeMessage",
        "InProgress",
        "Success",
        "InProgress",
        "AcknowledgeMessage",
    ]
    assert fleet.plane.shell(fleet.one, "cat /opt/runs").out == "x\n"


def test_a_cancel(fleet: Fleet) -> None:
    """Observed: InProgress and Acknowledge for the cancel; the command itself ends Cancelled, code 137."""
    message = fleet.plane.send(fleet.one, shell_document("echo begun; touch /opt/begun; sleep 1000 & sleep 1000"))
    fleet.plane.shell(fleet.one, "while [ ! -e /opt/begun ]; do sleep 0.02; done")
    cancel = fleet.plane.cancel(fleet.one, message)
    said = fleet.plane.outcome(message)
    assert (said.status, said.step["code"], said.out) == ("Cancelled", 137, "begun\n")
    assert kinds(fleet.plane, cancel) == ["InProgress", "AcknowledgeMessage"]
    assert fleet.plane.shell(fleet.one, "pgrep sleep || echo none").out == "none\n"


def test_parameters_reach_the_script(fleet: Fleet) -> None:
    """AWS-RunShellScript's own shape."""
    document = shell_document() | {
        "parameters": {"commands": {"type": "StringList"}, "workingDirectory": {"type": "String", "default": ""}},
        "mainSteps": [step(runCommand="{{ commands }}", workingDirectory="{{ workingDirectory }}")],
    }
    parameters = {"commands": ["pwd", "echo '{{ commands }}'"], "workingDirectory": "/opt"}
    said = fleet.plane.outcome(fleet.plane.send(fleet.one, document, parameters))
    assert said.out == "/opt\n{{ commands }}\n"


def test_five_documents_at_a_time(fleet: Fleet) -> None:
    """Observed: the sixth waits until one of the five has ended."""
    gate = "touch /opt/gate.$$; while [ ! -e /opt/open ]; do sleep 0.02; done"
    waiting = [fleet.plane.send(fleet.one, shell_document(gate)) for _ in range(5)]
    sixth = fleet.plane.send(fleet.one, shell_document("echo sixth"))
    fleet.plane.wait_for(lambda: "AcknowledgeMessage" in kinds(fleet.plane, sixth), "the sixth acknowledgement")
    pid = fleet.host.pid(fleet.one)
    enter(pid, "sh", "-c", "while [ $(ls /opt/gate.* | wc -l) -lt 5 ]; do sleep 0.02; done")
    assert kinds(fleet.plane, sixth) == ["InProgress", "AcknowledgeMessage"]
    enter(pid, "touch", "/opt/open")
    assert [fleet.plane.outcome(message).status for message in [*waiting, sixth]] == ["Success"] * 6


def test_new_credentials_when_the_old_ones_are_unknown(fleet: Fleet) -> None:
    """Ours: unlike the stock agent, which stays locked out until half of the old ones' life."""
    fleet.plane.access_key = "ASIASECOND"
    assert fleet.plane.shell(fleet.one, "echo back").out == "back\n"


def test_secrets_are_in_no_log(fleet: Fleet) -> None:
    """Neither the node's secret nor its keys nor the host's environment."""
    log = fleet.file(fleet.one, "/var/log/amazon/ssm/amazon-ssm-agent.log").read_text()
    said = fleet.plane.shell(fleet.one, "env; grep -rl s3cret /var/lib/amazon /var/log/amazon /etc/os-release 2>/dev/null; true")
    assert "s3cret" not in log
    assert "PYTHONPATH" not in said.out
    assert "AWS_SECRET" not in said.out


def test_an_offline_node_is_silent(sandbox: None, tmp_path: Path) -> None:
    """The machine is up, but its agent does not talk, until it is told to."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry(NODE, online=False)]) as running:
        message = plane.send(NODE, shell_document("echo late"))
        assert not plane.registrations
        assert not plane.polled(NODE)
        running.tell(op="set_online", instance_id=NODE, online=True)
        assert plane.outcome(message).out == "late\n"
        running.tell(op="set_online", instance_id=NODE, online=False)


def test_a_node_that_goes_offline_keeps_what_it_has_to_say(sandbox: None, tmp_path: Path) -> None:
    """A command that ends while the agent is silent is told later."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry(NODE)]) as running:
        message = plane.send(NODE, shell_document("while [ ! -e /opt/go ]; do sleep 0.02; done; echo done"))
        plane.wait_for(lambda: "AcknowledgeMessage" in kinds(plane, message), "the acknowledgement")
        running.tell(op="set_online", instance_id=NODE, online=False)
        enter(running.pid(NODE), "touch", "/opt/go")
        running.tell(op="set_online", instance_id=NODE, online=True)
        assert plane.outcome(message).out == "done\n"


def test_a_server_outage(sandbox: None, tmp_path: Path) -> None:
    """Observed: unsent replies are kept on disk and sent when the server is back."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry(NODE)]) as running:
        message = plane.send(NODE, shell_document("while [ ! -e /opt/go ]; do sleep 0.02; done; echo done"))
        plane.wait_for(lambda: "AcknowledgeMessage" in kinds(plane, message), "the acknowledgement")
        plane.down = True
        enter(running.pid(NODE), "touch", "/opt/go")
        replies = in_layer(tmp_path / "nodes", NODE, "/var/lib/amazon/ssm") / NODE / "replies"
        with plane.changed:
            while len(list(replies.iterdir())) < 2:
                plane.changed.wait(0.02)
        plane.down = False
        assert plane.outcome(message).out == "done\n"


def test_a_restart_keeps_packages_and_what_was_run(sandbox: None, tmp_path: Path) -> None:
    """The node's disk outlives the host: installed stays installed, known commands stay known."""
    with ControlPlane() as plane:
        with host(plane, tmp_path / "nodes", [node_entry(NODE)]):
            publish(plane, "P", "1.0")
            command = plane.send(NODE, package_document("P"))
            assert plane.outcome(command).status == "Success"
        before = plane.polls[NODE]
        with host(plane, tmp_path / "nodes", [node_entry(NODE)]):
            plane.wait_for(lambda: plane.polls[NODE] != before, "a new poll")
            assert plane.shell(NODE, "cat /opt/p/VERSION").out == "1.0\n"
            again = plane.outcome(plane.send(NODE, package_document("P")))
            assert again.out == "P 1.0 is already installed\n"


def test_a_command_that_was_cut_off_is_told(sandbox: None, tmp_path: Path) -> None:
    """Observed: an agent that was killed in the middle reports Failed after its restart; the install is then done again."""
    with ControlPlane() as plane:
        publish(plane, "P", "1.0")
        with host(plane, tmp_path / "nodes", [node_entry(NODE)]) as running:
            plane.send(NODE, shell_document("touch /etc/slow"))
            publish(plane, "P", "1.0", _slow_package())
            message = plane.send(NODE, package_document("P"))
            plane.shell(NODE, "while [ ! -e /opt/begun ]; do sleep 0.02; done")
            os.kill(running.pid(NODE), signal.SIGKILL)
            running.wait("node-died", NODE)
        before = plane.polls[NODE]
        with host(plane, tmp_path / "nodes", [node_entry(NODE)]):
            plane.wait_for(lambda: plane.polls[NODE] != before, "a new poll")
            said = plane.outcome(message)
            cut_off = "document process failed unexpectedly: the agent was stopped while the document ran"
            assert (said.status, said.trace, said.err) == ("Failed", cut_off, cut_off)
            plane.shell(NODE, "rm -f /etc/slow")
            again = plane.outcome(plane.send(NODE, package_document("P")))
            assert again.out.endswith("Successfully installed P 1.0\n"), again.err


def _slow_package() -> bytes:
    return package("1.0", install_sh="touch /opt/begun; while [ -e /etc/slow ]; do sleep 0.05; done; echo fine\n")


def test_a_wrong_secret_gets_no_credentials(sandbox: None, tmp_path: Path) -> None:
    """The node keeps asking and says why in its own log, without the secret."""
    with ControlPlane() as plane, host(plane, tmp_path / "nodes", [node_entry(NODE, secret="wrong-one")]) as running:
        running.wait("node-up")
        log = in_layer(tmp_path / "nodes", NODE, "/var/log/amazon/ssm/amazon-ssm-agent.log")
        with plane.changed:
            while not (log.exists() and "no credentials" in log.read_text()):
                plane.changed.wait(0.02)
        assert "the node gets no credentials: status 403, wrong secret" in log.read_text()
        assert "wrong-one" not in log.read_text()
        assert plane.registrations == []


OLD_SHELL = {
    "schemaVersion": "1.2",
    "parameters": {"commands": {"type": "StringList"}},
    "runtimeConfig": {"aws:runShellScript": {"properties": [{"id": "0.aws:runShellScript", "runCommand": "{{ commands }}"}]}},
}


def test_output_goes_to_s3_whole(fleet: Fleet) -> None:
    """Observed: the agent's source: PREFIX/COMMAND/NODE/PLUGIN/STEP/stdout, with the agent's own words in stderr."""
    where = {"OutputS3BucketName": "logs", "OutputS3KeyPrefix": "some/where"}
    commands = ["seq 10000", "echo bad >&2", "exit 3"]
    message = fleet.plane.send(fleet.one, OLD_SHELL, {"commands": commands}, **where)
    said = fleet.plane.outcome(message)
    command_id = message.split(".")[2]
    prefix = f"some/where/{command_id}/{fleet.one}/awsrunShellScript"
    step = said.step
    assert (step["outputS3BucketName"], step["outputS3KeyPrefix"], step["stepName"]) == ("logs", prefix, "0.awsrunShellScript")
    stored = {key: body for key, body in fleet.plane.objects.items() if command_id in key}
    folder = f"/logs/{prefix}/0.awsrunShellScript"
    assert set(stored) == {f"{folder}/stdout", f"{folder}/stderr"}
    assert stored[f"{folder}/stdout"].split()[-1] == b"10000"
    assert stored[f"{folder}/stderr"] == b"bad\nfailed to run commands: exit status 3"
    assert len(said.out) == 24_000


def test_a_bucket_that_refuses_fails_nothing(fleet: Fleet) -> None:
    """Observed: the agent's source, fileS3: the failure is logged on the node only."""
    message = fleet.plane.send(fleet.one, shell_document("echo hello"), OutputS3BucketName="locked")
    said = fleet.plane.outcome(message)
    assert (said.status, said.out) == ("Success", "hello\n")
    log = fleet.file(fleet.one, "/var/log/amazon/ssm/amazon-ssm-agent.log").read_text()
    assert f"Failed to upload the output to s3://locked/{message.split('.')[2]}" in log
    assert "AccessDenied: no" in log


def test_power_shell_runs_where_it_is_there(fleet: Fleet) -> None:
    """Observed: the agent's source: /usr/bin/pwsh -f _script.ps1; without it Go's words."""
    document = {"schemaVersion": "2.2", "mainSteps": [step("aws:runPowerShellScript", "ps", runCommand=["Get-Date"])]}
    without = fleet.plane.outcome(fleet.plane.send(fleet.two, document))
    assert (without.status, without.step["code"]) == ("Failed", 1)
    assert without.err == "failed to run commands: fork/exec /usr/bin/pwsh: no such file or directory"
    fake = 'printf \'#!/bin/sh\\necho "$1"; tail -c +4 "$2"\\n\' > /usr/bin/pwsh && chmod +x /usr/bin/pwsh'
    assert fleet.plane.shell(fleet.two, fake).status == "Success"
    assert fleet.plane.outcome(fleet.plane.send(fleet.two, document)).out == "-f\nGet-Date\n"


def test_a_working_folder_that_is_not_there(fleet: Fleet) -> None:
    """Observed: Go's words for a folder that cannot be entered."""
    said = fleet.plane.shell(fleet.one, "echo x", workingDirectory="/not/there")
    assert (said.status, said.err) == ("Failed", "failed to run commands: chdir /not/there: no such file or directory")
