"""Steps and questions that tests of packages share."""

import json
from typing import Any

from node.conftest import Fleet
from node.control_plane import Outcome, package_document

SSM = "/var/lib/amazon/ssm"


def forget_packages(fleet: Fleet) -> None:
    """Let ONE have no package, and nothing be published."""
    fleet.plane.documents.clear()
    fleet.plane.downloads.clear()
    fleet.plane.calls.clear()
    fleet.plane.shell(fleet.one, f"rm -rf {SSM}/packages {SSM}/manifests {SSM}/locks /opt/p /etc/broken")


def configure(fleet: Fleet, action: str = "Install", name: str = "P", **inputs: Any) -> Outcome:
    """Run one package step on ONE."""
    return fleet.plane.outcome(fleet.plane.send(fleet.one, package_document(name, action, **inputs)))


def state(fleet: Fleet, name: str = "P") -> dict[str, Any]:
    """The installstate file of ONE."""
    return json.loads(fleet.plane.shell(fleet.one, f"cat {SSM}/packages/{name}/installstate").out)


def history(fleet: Fleet) -> list[str]:
    """What the scripts did, in order."""
    return fleet.plane.shell(fleet.one, "cat /opt/p/history 2>/dev/null").out.split()


def folders(fleet: Fleet) -> list[str]:
    """The versions on ONE's disk."""
    return fleet.plane.shell(fleet.one, f"ls -A {SSM}/packages/P 2>/dev/null").out.split()
