"""What surprises people about the agent's packages, each shown from command to disk. "Observed" means: of Amazon's agent 3.3.0.0."""

from collections.abc import Callable

import pytest

from journeys.quirks.sharing import ARN, Sharing
from simulation.solution import NAME, SHOP

Make = Callable[..., Sharing]
BOTH = pytest.mark.parametrize("reading", ["stock", "kept"])


@pytest.mark.parametrize(("reading", "gone"), [("stock", "uninstall 1.0.0"), ("kept", "uninstall 2.0.0")])
def test_back_to_a_version_that_the_node_never_had(sharing: Make, reading: str, gone: str) -> None:
    """Observed: the older version arrives, but it is its own uninstall script that took the newer one away (reading `stock`)."""
    world = sharing(upgrade_refetch=reading)
    world.publish("1.0.0")
    world.publish("2.0.0")
    world.share()
    assert world.configure().status == "Success"
    assert world.diary() == ["install 2.0.0"]
    said = world.configure(version="1.0.0")
    assert (said.status, world.marker()) == ("Success", "1.0.0")
    assert world.diary() == [gone, "install 1.0.0"]


def test_one_package_by_name_and_by_arn_is_two(sharing: Make) -> None:
    """Observed: a package is known by what GetDocument calls it, so a member's own and the hub's shared one live side by side."""
    world = sharing()
    world.publish("1.0.0")
    world.share()
    world.publish("2.0.0", account=SHOP)
    assert world.configure(name=ARN).status == "Success"
    assert world.configure(name=NAME).status == "Success"
    shared, own = world.folders()
    assert own == NAME
    assert shared.startswith("_arnawsssm")
    assert world.configure("Uninstall", name=NAME).status == "Success"
    assert world.marker() == ""
    said = world.configure(name=ARN, version="1.0.0")
    assert (said.status, world.marker()) == ("Success", "1.0.0")


def test_what_is_no_longer_shared_cannot_be_uninstalled(sharing: Make) -> None:
    """Observed: the agent reads the document before any action, so sharing ends only after the last node is rid of the package."""
    world = sharing()
    world.publish("1.0.0")
    world.share()
    world.configure()
    world.unshare()
    said = world.configure("Uninstall")
    assert said.status == "Failed"
    assert "failed to retrieve package document description" in said.err
    assert world.marker() == "1.0.0"
    world.share()
    assert world.configure("Uninstall").status == "Success"
    assert world.marker() == ""


def test_uninstalling_what_is_not_there_is_a_success(sharing: Make) -> None:
    """Observed: Success and a line that says so, although the document's own text promises an error."""
    world = sharing()
    world.publish("1.0.0")
    world.publish("2.0.0")
    world.share()
    world.configure()
    said = world.configure("Uninstall", version="1.0.0")
    assert (said.status, said.out) == ("Success", "version: 1.0.0 is not installed\n")
    assert world.marker() == "2.0.0"


@BOTH
def test_a_share_of_the_default_version_does_not_reach_back(sharing: Make, reading: str) -> None:
    """Documented: ModifyDocumentPermission, SharedDocumentVersion. A way back needs $ALL, and the version by its name."""
    world = sharing(upgrade_refetch=reading)
    world.publish("1.0.0")
    world.publish("2.0.0")
    world.share("$DEFAULT")
    assert world.configure().status == "Success"
    said = world.configure(version="1.0.0")
    assert (said.status, world.marker()) == ("Failed", "2.0.0")
    world.share("$ALL")
    assert world.configure(version="1.0.0").status == "Success"
    assert world.marker() == "1.0.0"


@pytest.mark.parametrize(("reading", "left", "tried"), [("stock", "", 2), ("kept", "1.0.0", 1)])
def test_after_a_failed_upgrade_the_way_back_is_uninstall_and_install(sharing: Make, reading: str, left: str, tried: int) -> None:
    """Observed: the agent's own roll-back runs the scripts that have just failed. An uninstall and an install by name work always."""
    world = sharing(upgrade_refetch=reading)
    world.publish("1.0.0")
    world.share()
    world.configure()
    world.publish("2.0.0-bad")
    said = world.configure()
    assert said.status == "Failed"
    assert said.err.count("this version is bad") == tried
    assert world.marker() == left
    assert world.configure("Uninstall").status == "Success"
    assert world.configure(version="1.0.0").status == "Success"
    assert world.marker() == "1.0.0"
