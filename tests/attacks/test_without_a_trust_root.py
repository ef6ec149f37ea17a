"""Whoever may write into the bucket, against a stack that trusts no key: what is caught all the same.

Without a signature the manifest is believed, but no file that is not the manifest's reaches anybody.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from simulation.solution import BUCKET, NAME, REGIONS, Operator, Packages, spec, why


@pytest.fixture
def operator(packages: Packages, tmp_path: Path) -> Iterator[Operator]:
    with Simulation(spec(), tmp_path) as simulation:
        one = Operator(simulation, packages)
        one.deploy()
        yield one


def test_a_swapped_zip_is_shared_with_nobody(operator: Operator) -> None:
    """The zip is another one when Distributor copies it: the run ends before sharing, in the words of the comparison; no node is asked."""
    operator.publish("1.0.0")
    (zip_name,) = (name for name in operator.packages.sealed("1.0.0") if name.endswith(".zip"))
    operator.client("s3").put_object(Bucket=BUCKET, Key=f"1.0.0/{zip_name}", Body=b"evil")
    run = operator.distribute(operator.wish("1.0.0"))
    assert run["AutomationExecutionStatus"] == "Failed", why(run)
    for region in REGIONS:
        assert f"{region}: {zip_name} has sha256 {hashlib.sha256(b'evil').hexdigest()}, and the manifest says " in why(run)
        ssm = operator.simulation.client("ssm", operator.account, region)
        assert ssm.describe_document_permission(Name=NAME, PermissionType="Share")["AccountIds"] == []
    assert not any(operator.markers().values())
