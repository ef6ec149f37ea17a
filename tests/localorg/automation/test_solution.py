"""The solution's member runbook, as it is shipped, against Run Command's answers: its scripts run with a boto3 that is the gateway."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from automation.harness import HUB, REGION, Harness, Scripts, statuses

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event
from localorg.protocol.calls import ApiCall, Principal, ScriptJob

DOCUMENTS = Path(__file__).parents[3] / "artifacts" / "documents"


class Client:
    """A boto3 client whose calls go through the gateway."""

    def __init__(self, house: Harness, principal: Principal, service: str, region_name: str) -> None:
        self._call = lambda operation, params: house.gateway.invoke(ApiCall(principal, region_name, service, operation, params))

    def __getattr__(self, method: str) -> Any:
        operation = "".join(part.capitalize() for part in method.split("_"))
        return lambda **params: self._call(operation, params)

    def get_paginator(self, method: str) -> "Client":
        self._method = method
        return self

    def paginate(self, **params: Any) -> Iterator[Any]:
        yield getattr(self, self._method)(**params)


class BotoScripts(Scripts):
    """Runs the shipped handlers with a client of the session that the job carries."""

    house: Harness

    def release(self, job: ScriptJob) -> None:
        names: dict[str, Any] = {}
        credentials = job.credentials or {}
        principal = self.house.near.sessions[credentials["AccessKeyId"]]
        try:
            exec(job.script, names)
            payload = names["handler"](
                job.payload, None, lambda service, region_name: Client(self.house, principal, service, region_name)
            )
            result = {"ok": True, "payload": payload, "log": ""}
        except (RuntimeError, ValueError, KeyError, AwsError) as error:
            kind = type(error).__name__
            result = {"ok": False, "error": f"{kind}: {error}", "error_type": kind, "log": "", "timed_out": False}
        self.kernel.post(Event(job.reply.engine, job.reply.name, {**job.reply.data, **result}))


def started(**params: list[str]) -> tuple[Harness, str]:
    house = Harness(scripts=BotoScripts)
    house.scripts.house = house
    house.document(
        yaml.safe_load((DOCUMENTS / "CSD-DistributeSoftwarePackage.yaml").read_text()), "CSD-DistributeSoftwarePackage"
    )
    given = {"AutomationAssumeRole": [f"arn:aws:iam::{HUB}:role/Member"], "action": ["Install"], "name": ["falcon"], **params}
    return house, house.start(name="CSD-DistributeSoftwarePackage", Parameters=given)


def test_it_waits_for_the_command_and_counts_nodes() -> None:
    """The run ends with the command, and says how many nodes it reached."""
    house, execution_id = started(additionalArguments=['{"SSM_TOKEN": "a"}'], packageOwner=["999999999999"])
    house.pass_time(60)
    assert house.execution(execution_id)["CurrentStepName"] == "waitForCommand"
    sent = house.near.sent[0][1]
    assert sent["Parameters"]["name"] == [f"arn:aws:ssm:{REGION}:999999999999:document/falcon"]
    assert sent["Parameters"]["additionalArguments"] == ['{"SSM_TOKEN": "a"}']
    assert (sent["TimeoutSeconds"], sent["Targets"]) == (3600, [{"Key": "InstanceIds", "Values": ["*"]}])
    house.near.end_command(*house.near.commands, "Success")
    house.pass_time(10)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["Outputs"]["judgeCommand.summary"] == [f"{HUB} {REGION}: 1 nodes, 1 succeeded, 0 failed, 0 unreachable"]
    assert statuses(made)["noNodeHere"] == "Pending"


def test_a_failed_node_s_words_are_in_the_failure_message() -> None:
    """The token that the node wrote stands in the run's own FailureMessage."""
    house, execution_id = started()
    house.pass_time(60)
    house.near.end_command(*house.near.commands, "Failed")
    house.pass_time(10)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "1 failed" in made["FailureMessage"]
    assert "i-00000000000000001 Failed: node-token-42" in made["FailureMessage"]


def test_stopping_it_cancels_the_command() -> None:
    """Its clean-up step runs on a cancel."""
    house, execution_id = started()
    house.pass_time(60)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    house.pass_time(10)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Cancelled"
    assert statuses(made)["cancelCommand"] == "Success"
    assert set(house.near.commands.values()) == {"Cancelled"}
