"""Which machines a fleet has: who is there, which system, which architecture; and what cannot be read is told."""

from typing import Any

import pytest

from csd.aws.fleet import Scope, reader
from csd.aws.machines import Machines, gather_machines, machines_of_targets
from csd.aws.picture import meant_by
from csd.errors import CsdInputError
from csd.report.matrix import Machine
from csd_fakes.aws import Fleet, FleetPrincipal, Told

PLACE = ("222222222222", "eu-west-1")


def fleet(**more: Any) -> Fleet:
    ubuntu = {"PingStatus": "Online", "PlatformName": "Ubuntu", "PlatformVersion": "22.04"}
    nodes = [ubuntu | {"InstanceId": "i-1", "Role": "web"}, {"InstanceId": "mi-2", "PingStatus": "ConnectionLost", "Role": "db"}]
    return Fleet(nodes={PLACE: nodes}, architectures={"i-1": "arm64", "i-9": "x86_64"}, **more)


def read(world: Fleet, values: tuple[str, ...] = ("*",), told: list[str] | None = None) -> Machines:
    scope = Scope((PLACE[0],), (PLACE[1],), "InstanceIds", values)
    said: list[str] = [] if told is None else told
    return gather_machines(reader(FleetPrincipal(world)), scope, [], [], said.append)  # type: ignore[arg-type] # a fake principal


def test_machines_are_read_under_the_reader_roles_alone() -> None:
    """Documented: API DescribeInstanceProperties tells the architecture, which DescribeInstanceInformation does not."""
    world = fleet()
    assert read(world).found == [
        Machine(*PLACE, "i-1", "Ubuntu", "22.04", "arm64"),
        Machine(*PLACE, "mi-2", "", "", ""),
    ]
    assert {line.rpartition(" ")[0] for line in world.asked} == {"me > CSD-FleetReaderHubRole > CSD-FleetReaderRole"}


def test_an_older_stack_may_not_ask_for_architectures() -> None:
    """The architecture is then not known, and the operator is told what gives it."""
    told: list[str] = []
    found = read(fleet(denied={"describe_instance_properties"}), told=told)
    assert [machine.architecture for machine in found.found] == ["", ""]
    assert told[0].endswith("architectures are not told (AccessDeniedException: not you). Update the stack: csd deploy")


def test_what_could_not_be_read_is_told() -> None:
    """A closed account, and a node that is asked for by id and is nowhere."""
    assert read(fleet(), values=("i-1", "i-7")).unread == ["i-7: no account and Region that were read have it"]
    assert len(read(fleet(closed={PLACE[0]})).unread) == 1


def test_without_an_association_targets_can_be_named() -> None:
    """A package is matched before anything is distributed, too."""
    told = Told()
    told.answer("ssm", "list_associations", {"Associations": []})
    with pytest.raises(CsdInputError, match="association csd-association: is not there. Name targets"):
        meant_by(told.principal(), "csd-association", "Name targets.")


def test_targets_need_regions() -> None:
    """Told before AWS is asked."""
    with pytest.raises(CsdInputError, match="--regions: names no Region"):
        machines_of_targets("us-east-1", PLACE[0], " ,", print)
