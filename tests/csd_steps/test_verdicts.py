"""What the member sends, and the two verdicts: a failed node is a failed run, an unreachable one is counted."""

from typing import Any

import pytest

from csd_fakes.steps import World
from csd_steps import judge_command, judge_distribution, prepare_command

NODE, OTHER = "i-0123456789abcdef0", "i-0123456789abcdef1"
OWN = "00000000-1234-1234-1234-123456789012"
RUN = "87654321-1234-1234-1234-123456789012"
CHILD = "12345678-1234-1234-1234-123456789012"


def prepare(world: World | None = None, **changes: Any) -> Any:
    asked = {
        "name": "csd-hello", "packageOwner": "111111111111", "partition": "aws-cn", "region": "cn-north-1",
        "additionalArguments": {"SSM_A": "1"}, "InstanceId": "*", "targetKey": "InstanceIds", "targetValues": ["*"],
    }  # fmt: skip
    return prepare_command.handler(asked | changes, None, (world or World()).client)


def test_d11_the_packages_arn_is_of_this_partition_and_region() -> None:
    """D11: nothing says aws where aws-cn is meant. Documented: a shared document is addressed by its Regional ARN."""
    assert prepare()["name"] == "arn:aws-cn:ssm:cn-north-1:111111111111:document/csd-hello"


def test_an_arn_and_an_own_name_stay_as_they_are() -> None:
    """The member runbook can be started by hand with an ARN, or a package of the account itself."""
    arn = "arn:aws:ssm:us-east-1:222222222222:document/x-y"
    assert prepare(name=arn)["name"] == arn
    assert prepare(packageOwner="")["name"] == "csd-hello"


def test_d12_arguments_reach_run_command_as_text() -> None:
    """D12: a map or its text, Run Command gets text."""
    assert prepare()["additionalArguments"] == '{"SSM_A": "1"}'
    assert prepare(additionalArguments='{"SSM_A": "1"}')["additionalArguments"] == '{"SSM_A": "1"}'


def test_named_nodes_are_looked_for_here() -> None:
    """Only ids that are managed here are sent to; where there is none, nothing is sent."""
    world = World(nodes={"cn-north-1": ["i-11111111", NODE]})
    assert prepare(world, targetValues=[NODE, OTHER])["targetValues"] == [NODE]
    assert prepare(world, targetValues=[OTHER])["decision"] == "Nothing"
    assert prepare(world, InstanceId=NODE)["targetValues"] == [NODE]


def test_other_targets_ask_nobody() -> None:
    """Tags and groups are resolved by Run Command itself."""
    world = World()
    assert prepare(world, targetKey="tag:Role", targetValues=["web"])["decision"] == "Send"
    assert world.calls == []


def invocation(node: str, status: str, details: str = "", plugin: bool = True) -> dict[str, Any]:
    plugins = [{"Name": "createDownloadFolder"}, {"Name": "configurePackage"}] if plugin else []
    return {"InstanceId": node, "Status": status, "StatusDetails": details or status, "CommandPlugins": plugins}


def judge(world: World) -> Any:
    asked = {"commandIds": [CHILD], "account": "222222222222", "region": "eu-west-1"}
    return judge_command.handler(asked, None, world.client)


def test_d2_a_failed_install_fails_the_run_in_the_nodes_own_words() -> None:
    """D2: the node is named, and what it wrote last on stderr is quoted."""
    world = World(
        invocations=[invocation(NODE, "Success"), invocation(OTHER, "Failed")], outputs={OTHER: ("", "x" * 900 + " token-4711")}
    )
    with pytest.raises(
        RuntimeError, match=rf"222222222222 eu-west-1: 2 nodes, 1 succeeded, 1 failed.*{OTHER} Failed: x+ token-4711"
    ):
        judge(world)


def test_d3_an_unreachable_node_is_counted_not_a_failure() -> None:
    """D3: Documented: undeliverable and timed-out deliveries do not count as errors; here they are told, too."""
    world = World(invocations=[invocation(NODE, "Success"), invocation(OTHER, "TimedOut", "DeliveryTimedOut", plugin=False)])
    found = judge(world)
    assert (found["targeted"], found["unreachable"]) == (2, 1)
    assert found["summary"] == f"222222222222 eu-west-1: 2 nodes, 1 succeeded, 0 failed, 1 unreachable ({OTHER})"


@pytest.mark.parametrize(
    "details", ["ExecutionTimedOut", "Terminated", "AccessDenied", "InvalidPlatform", "Cancelled", "InProgress"]
)
def test_everything_else_that_is_no_success_fails(details: str) -> None:
    """Not sent, cut off, refused, unfinished: none of these is an installed package."""
    with pytest.raises(RuntimeError, match=f"{NODE} {details}"):
        judge(World(invocations=[invocation(NODE, "Failed", details, plugin=False)]))


def test_no_node_at_all() -> None:
    """An account without nodes is a success of none; a command that ended badly without nodes is not."""
    assert judge(World(commands=[{"Status": "Success", "StatusDetails": "Success"}]))["targeted"] == 0
    assert judge(World(commands=[{"Status": "Failed", "StatusDetails": "NoInstancesInTag"}]))["targeted"] == 0
    with pytest.raises(RuntimeError, match="reached no node: Cancelled"):
        judge(World(commands=[{"Status": "Cancelled", "StatusDetails": "Cancelled"}]))


def test_many_failures_stay_readable() -> None:
    """Ten nodes are quoted, all are counted."""
    nodes = [f"i-{n:017x}" for n in range(30)]
    world = World(invocations=[invocation(n, "Failed") for n in nodes], outputs=dict.fromkeys(nodes, ("", "boom")))
    with pytest.raises(RuntimeError, match="30 failed") as failed:
        judge(world)
    assert str(failed.value).count("boom") == 10


def step(name: str, status: str = "Success", child: str = "", message: str = "") -> dict[str, Any]:
    return {
        "StepName": name,
        "StepStatus": status,
        "Outputs": {"ExecutionId": [child]} if child else {},
        "FailureMessage": message,
    }


def verdict(world: World) -> Any:
    asked = {"executionId": OWN, "executionRole": "CSD-Role", "partition": "aws", "home": "us-east-1"}
    return judge_distribution.handler(asked, None, world.client)


def world_of(*steps: dict[str, Any], **more: Any) -> World:
    runs: dict[str, dict[str, Any]] = {RUN: {"StepExecutions": list(steps)}}
    runs[OWN] = {"StepExecutions": [step("resolveTargets"), step("distribute", child=RUN)]}
    runs[CHILD] = {"FailureMessage": f"{NODE} Failed: token-4711"}
    return World(executions=runs, **more)


def test_d2_all_pairs_must_have_succeeded() -> None:
    """D2: one step per ACCOUNT_REGION; all good is good."""
    found = verdict(world_of(step("222222222222_us-east-1"), step("333333333333_eu-west-1")))
    assert found["summary"] == "all 2 account-Region pairs succeeded"


def test_d2_a_pair_below_the_error_threshold_still_fails_the_run() -> None:
    """D2: the run's own status may be Success with a failed pair. The pair is named in its member's words."""
    world = world_of(step("222222222222_us-east-1"), step("333333333333_eu-west-1", "Failed", CHILD))
    with pytest.raises(RuntimeError, match=rf"1 of 2 .*333333333333 eu-west-1 \(Failed\).*{NODE} Failed: token-4711"):
        verdict(world)
    assumed = next(call[3]["RoleArn"] for call in world.calls if call[2] == "AssumeRole")
    assert assumed == "arn:aws:iam::333333333333:role/CSD-Role"
    assert world.calls[-1][1] == "eu-west-1"


def test_a_pair_that_never_started_is_named() -> None:
    """Beyond the threshold no pair is started: these are not successes."""
    with pytest.raises(RuntimeError, match=r"444444444444 us-east-1 \(Pending\)"):
        verdict(world_of(step("444444444444_us-east-1", "Pending")))


def test_words_that_cannot_be_read_do_not_hide_the_verdict() -> None:
    """The member refuses the reader: the pair is still named, and the refusal told."""
    world = world_of(step("333333333333_eu-west-1", "Failed", CHILD), refuse={"AssumeRole": "AccessDenied"})
    with pytest.raises(RuntimeError, match=r"333333333333 eu-west-1 \(Failed\).*could not be read.*AccessDenied"):
        verdict(world)


def test_more_steps_than_one_answer_holds() -> None:
    """Documented: GetAutomationExecution, StepExecutionsTruncated: the rest is paged."""
    world = world_of()
    run = world.executions["87654321-1234-1234-1234-123456789012"]
    run |= {"StepExecutionsTruncated": True, "AllSteps": [step(f"{n:012d}_us-east-1") for n in range(1, 121)]}
    assert verdict(world)["summary"] == "all 120 account-Region pairs succeeded"


def test_no_pair_at_all_is_no_success() -> None:
    """A run that reached nobody has proven nothing."""
    with pytest.raises(RuntimeError, match="reached no account at all"):
        verdict(world_of(step("prepare")))


def test_a_run_that_could_not_start_is_told_by_its_cause() -> None:
    """Nothing was started, so there is no id to ask; the step's own failure is the verdict."""
    denied = step("distribute", "Failed", message="is not authorized to perform: iam:PassRole")
    with pytest.raises(RuntimeError, match="no account was reached: is not authorized to perform: iam:PassRole"):
        verdict(World(executions={OWN: {"StepExecutions": [denied]}}))
