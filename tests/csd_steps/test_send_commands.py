"""What the member sends: one command where Run Command takes the targets, otherwise one for each fifty nodes."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from csd_fakes.steps import World
from csd_steps import cancel_commands, judge_command, send_commands

NODES = [f"i-{number:017x}" for number in range(60)]
HERE = "eu-west-1"


def send(world: World, **changes: Any) -> Any:
    asked = {
        "region": HERE, "targetKey": "InstanceIds", "targetValues": ["*"], "action": "Install", "version": "",
        "installationType": "Uninstall and reinstall", "name": "csd-hello", "additionalArguments": "{}",
        "TimeoutSeconds": 3600, "MaxConcurrency": "50", "MaxErrors": "100%", "Comment": "CSD 1",
    }  # fmt: skip
    return send_commands.handler(asked | changes, None, world.client)


def sent(world: World) -> list[list[str]]:
    """The values of each SendCommand that was asked for."""
    return [params["Targets"][0]["Values"] for _, _, operation, params in world.calls if operation == "SendCommand"]


def test_where_the_star_is_taken_one_command_goes_to_all() -> None:
    """Nobody is looked for, and there is nothing but the one command."""
    world = World()
    assert send(world) == {"commandId": "0" * 36, "commandIds": ["0" * 36], "decision": "One"}
    assert [call[2] for call in world.calls] == ["SendCommand"]


def test_where_the_star_is_refused_the_nodes_are_named_by_fifties() -> None:
    """Documented: API Target: at most 50 ids. Every command says the same, and all carry the run's id."""
    world = World(nodes={HERE: NODES}, star_refused=True, pings={NODES[0]: "ConnectionLost", NODES[1]: "Inactive"})
    found = send(world)
    assert (len(found["commandIds"]), found["decision"]) == (2, "Several")
    assert sent(world)[1:] == [[NODES[0], *NODES[2:51]], NODES[51:]]
    assert {params["Comment"] for _, _, operation, params in world.calls if operation == "SendCommand"} == {"CSD 1"}


def test_where_the_star_is_refused_and_nobody_is_here_nothing_is_sent() -> None:
    """An account without nodes has nothing to do."""
    assert send(World(star_refused=True)) == {"commandId": "", "commandIds": [], "decision": "Nothing"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ValidationException", "InvalidParameters"])
def test_other_refusals_stay_as_they_are(code: str) -> None:
    """What is not about the targets is told in AWS's words with the action, and nothing else is tried."""
    world = World(refuse={"SendCommand": code})
    with pytest.raises(ClientError, match=rf"{code}.*SendCommand"):
        send(world)
    assert [call[2] for call in world.calls] == ["SendCommand"]


def test_more_than_fifty_named_nodes_are_several_commands() -> None:
    """The operator's own list may be as long as it likes."""
    world = World(nodes={HERE: NODES})
    assert send(world, targetValues=NODES)["decision"] == "Several"
    assert sent(world) == [NODES[:50], NODES[50:]]


def test_a_node_that_has_just_gone_does_not_keep_the_others_from_their_command() -> None:
    """The list is sent once more without it; a list that is refused although all are there is not tried again."""
    world = World(nodes={HERE: NODES}, star_refused=True, gone={NODES[7]}, listed_late=True)
    assert send(world)["decision"] == "Several"
    assert [len(values) for values in sent(world)] == [1, 50, 49, 10]
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        send(World(nodes={HERE: NODES}, refuse={"SendCommand": "InvalidInstanceId"}), targetValues=NODES[:2])


def test_more_nodes_than_can_be_named() -> None:
    """The failure says what to do; nothing was sent."""
    world = World(nodes={HERE: [f"i-{number:017x}" for number in range(5001)]}, star_refused=True)
    with pytest.raises(RuntimeError, match=r"5001 nodes in eu-west-1 .* tag:KEY"):
        send(world)
    assert sent(world) == [["*"]]


def test_all_commands_are_judged_and_cancelled() -> None:
    """The verdict counts over all of them, and a cancelled run leaves none behind."""
    failed = {"InstanceId": NODES[0], "Status": "Failed", "StatusDetails": "Failed", "CommandPlugins": []}
    world, ids = World(invocations=[failed]), ["0" * 36, "1" * 36]
    with pytest.raises(RuntimeError, match=f"2 nodes, 0 succeeded, 2 failed.*; commands {ids[0]}, {ids[1]}: {NODES[0]} Failed"):
        judge_command.handler({"commandIds": ids, "account": "222222222222", "region": HERE}, None, world.client)
    cancel_commands.handler({"commandIds": ids, "region": HERE}, None, world.client)
    assert world.count("CancelCommand") == 2
