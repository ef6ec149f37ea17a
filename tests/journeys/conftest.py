"""Organizations for the journeys: real processes, each on a port and in a folder of its own, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.__main__ import free_port
from demo.walk import Walk

SMALL = """
regions: [us-east-1]
organization:
  id: o-small00001
  root: r-abcd
  management: {id: "111111111111", name: hub}
  units:
    - id: ou-abcd-11111111
      name: Workloads
      units:
        - {id: ou-abcd-22222222, name: Inner, accounts: [{id: "222222222222", name: shop}]}
    - {id: ou-abcd-44444444, name: Empty}
nodes:
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: shop-1}
buckets:
  - {name: csd-packages-111111111111, account: "111111111111", region: us-east-1}
"""


@contextmanager
def organization(folder: Path, spec: str, *options: str) -> Iterator[Walk]:
    """Bring an organization up, and down again whatever happens."""
    path = folder / "organization.yaml"
    path.write_text(spec)
    walk = Walk(free_port(), folder, path)
    walk.up(*options)
    try:
        yield walk
    finally:
        walk.shell.run("localorg", "down", "--state", walk.state, expect=None)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Walk]:
    """One hub, one member two units deep, one Region, one node."""
    with organization(tmp_path, SMALL) as walk:
        yield walk
