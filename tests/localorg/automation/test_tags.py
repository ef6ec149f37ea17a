"""Tags of automation executions through Systems Manager's own tag operations."""

import pytest
from automation.harness import HUB, REGION, Harness

from localorg.kernel.errors import AwsError
from localorg.protocol.tagging import Tagging


@pytest.fixture
def on():
    local = Harness()
    local.gateway.add(Tagging(local.automation.tagged()).operations())
    return local


