"""A hybrid node lives in virtual time too: it registers, and takes a new session of its role every half an hour."""

from pathlib import Path

import pytest

from localorg.kernel.errors import NotSupported
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec

HUB, REGION = "111111111111", "us-east-1"
SPEC = f"""
regions: [{REGION}]
organization:
  management: {{id: "{HUB}", name: hub}}
nodes:
  - {{account: "{HUB}", region: {REGION}, persona: debian-12, name: press, hybrid: true, tags: {{Hall: "3"}}}}
"""


def test_a_simulated_hybrid_node_stays_online(tmp_path: Path) -> None:
    """After half a day it is Online, has registered once and has asked for its token once in each half hour."""
    with Simulation(parse_spec(SPEC, "the test"), tmp_path / "world", nodes="virtual") as simulation:
        simulation.run_for(12 * 3600)
        (row,) = simulation.client("ssm", HUB, REGION).describe_instance_information()["InstanceInformationList"]
        assert (row["PingStatus"], row["ResourceType"], row["Name"]) == ("Online", "ManagedInstance", "press")
        asked = [call.action for call in simulation.engines.gateway.log]
        assert asked.count("ssm:RegisterManagedInstance") == 1
        assert 23 <= asked.count("ssm:RequestManagedInstanceRoleToken") <= 25


def test_a_simulated_node_keeps_no_control_channel(tmp_path: Path) -> None:
    """A websocket needs a network and real time: the spec's wish is refused by name, not ignored."""
    spec = parse_spec(SPEC.replace("hybrid: true", "channel: control-channel"), "the test")
    with pytest.raises(
        NotSupported, match=r"nodes\[\].channel: control-channel \(node press\) in a simulation, whose nodes poll"
    ):
        Simulation(spec, tmp_path / "world")
