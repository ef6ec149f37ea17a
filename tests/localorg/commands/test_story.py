"""Run Command over time: what becomes of a command on nodes that answer, fail, are away or are told to stop."""

from commands.harness import Harness


def test_a_command_reaches_a_node_and_its_answer_comes_back():
    """SendCommand -> message -> reply -> GetCommandInvocation Success. Documented: API GetCommandInvocation."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id])
    assert local.invocation(command, node)["StatusDetails"] == "Pending"
    local.pass_time(5)
    answer = local.invocation(command, node)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Success", "Success", 0)
    assert answer["PluginName"] == "aws:runShellScript"
    assert answer["StandardOutputContent"] == "aws:runShellScript done\n"
    assert local.command(command)["StatusDetails"] == "Success"
    assert [fact["status"] for fact in local.facts if fact["topic"] == "command.status-change"] == ["InProgress", "Success"]
