"""The roles that we ship are the least that suffices: any one action on any one resource taken away, a small journey fails and names it.

The grants come from the rendered templates, so an action that is added without a proof fails here. Some are needed under some readings of
AWS only; those are proven under these (`proofs.READINGS`).
"""

import re
from collections.abc import Iterator

import pytest

from least.grants import Grant, grants
from least.journeys import Journey, quick_node
from least.proofs import PROOFS, READINGS, Proof
from least.world import HUB, SHOP, World, world
from simulation.solution import Packages

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("least")]  # one worker builds each organization, once

GRANTS = {grant.id: grant for grant in grants()}
ROWS = sorted((id_ for id_ in GRANTS if id_ in PROOFS), key=lambda id_: [*READINGS].index(PROOFS[id_].readings))
JOURNEYS = {(proof.readings, proof.journey): id_ for id_, proof in PROOFS.items()}


@pytest.fixture(scope="module")
def built(request: pytest.FixtureRequest, packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An organization under the readings that the test asks for."""
    folder = tmp_path_factory.mktemp(request.param)
    with world(folder, packages, READINGS[request.param], trusting=request.param == "trusting") as one:
        yield one


def walked(one: World, journey: Journey, grant: Grant | None, account: str) -> str:
    """Walk a journey, less a grant; return what is told."""
    try:
        journey.prepare(one)
        if grant is None:
            return journey.act(one)
        with one.less(grant, account):
            return journey.act(one)
    finally:
        quick_node(one)


def test_every_grant_has_a_proof_and_every_proof_a_grant() -> None:
    """What is granted is proven; a grant that is new, and one that is gone, are noticed."""
    assert set(GRANTS) == set(PROOFS)


@pytest.mark.parametrize(
    ("built", "journey"), [(readings, journey) for readings, journey in JOURNEYS], ids=[*JOURNEYS.values()], indirect=["built"]
)
def test_with_every_grant_the_journey_is_green(built: World, journey: Journey) -> None:
    """Each journey of a proof tells nothing when nothing is taken."""
    assert walked(built, journey, None, "") == ""


@pytest.mark.parametrize(("built", "row"), [(PROOFS[id_].readings, id_) for id_ in ROWS], ids=ROWS, indirect=["built"])
def test_without_one_grant_the_journey_is_red(built: World, row: str) -> None:
    """Documented: IAM user guide, "Policy evaluation logic": what no policy allows is denied. What a person reads names role and action."""
    grant, proof = GRANTS[row], PROOFS[row]
    account = HUB if grant.role.endswith(("AdministrationRole", "HubRole")) else SHOP
    told = walked(built, proof.journey, grant, account)
    assert re.search(tells(grant, proof, account), told), told or "all went well"


def tells(grant: Grant, proof: Proof, account: str) -> str:
    """Return the sentence that is expected, as a pattern."""
    who = rf"arn:aws:sts::{account}:assumed-role/{grant.role}/[\w-]+"
    action = re.escape(grant.action)
    reason = f"because no identity-based policy allows the {action} action"
    return proof.tells or rf"User: {who} is not authorized to perform: {action} on resource: \S+ {reason}"
