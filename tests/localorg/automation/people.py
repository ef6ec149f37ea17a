"""People who are asked, and how they answer: as they would through the API."""

import pytest
from automation.harness import ADMIN, HUB, Harness

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal

BOSS = Principal("user", HUB, f"arn:aws:iam::{HUB}:user/boss")
DEPUTY = Principal("role", HUB, f"arn:aws:sts::{HUB}:assumed-role/Deputies/anna", role_arn=f"arn:aws:iam::{HUB}:role/Deputies")


def signal(house: Harness, execution_id: str, kind: str, principal: Principal = ADMIN, **payload: str) -> None:
    """Send a signal and let a second pass."""
    given = {"Payload": {name: [value] for name, value in payload.items()}} if payload else {}
    house.call("SendAutomationSignal", principal, AutomationExecutionId=execution_id, SignalType=kind, **given)
    house.pass_time(1)


def refused(house: Harness, execution_id: str, kind: str, principal: Principal = ADMIN, **payload: str) -> AwsError:
    """Return the refusal of a signal."""
    with pytest.raises(AwsError) as caught:
        signal(house, execution_id, kind, principal, **payload)
    return caught.value
