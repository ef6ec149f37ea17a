"""What the operator does to accounts, as the control routes answer it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localorg.server.account_door import AccountDoor
from localorg.server.control import Refused
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec

HUB, MEMBER, OUT, NEW = "111111111111", "222222222222", "333333333333", "444444444444"
SPEC = f"""
regions: [us-east-1]
organization:
  management: {{id: "{HUB}", name: hub}}
  accounts: [{{id: "{MEMBER}", name: member, state: PENDING_ACTIVATION, joined: INVITED}}]
  policy_types: []
outside: [{{id: "{OUT}", name: out}}]
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(parse_spec(SPEC, "org.yaml"), tmp_path) as simulation:
        yield simulation


def test_the_spec_says_how_accounts_stand(world: Simulation) -> None:
    """Every state, how an account joined, who is outside, and which policy types are enabled come from the file."""
    rows = {row["id"]: row for row in AccountDoor(world.engines).accounts({})["accounts"]}
    assert (rows[MEMBER]["state"], rows[MEMBER]["joined"]) == ("PENDING_ACTIVATION", "INVITED")
    assert (rows[OUT]["state"], rows[OUT]["path"]) == ("ACTIVE", "-")
    assert world.client("organizations").list_roots()["Roots"][0]["PolicyTypes"] == []


def test_an_account_is_created_outside_and_let_in(world: Simulation) -> None:
    """A new account can be worked in at once, and is in the organization when it joins."""
    door = AccountDoor(world.engines)
    assert door.account({"account": NEW, "create": "new"})["path"] == "-"
    assert world.client("sts", NEW).get_caller_identity()["Account"] == NEW
    assert door.account({"account": NEW, "join": "r-abcd"})["path"] == f"o-localorg01/r-abcd/{NEW}/"
    assert world.client("organizations", NEW).describe_organization()["Organization"]["MasterAccountId"] == HUB


def test_a_suspended_account_is_no_place_to_work(world: Simulation) -> None:
    """Documented: AWS Account Management: a suspended account's resources cannot be reached."""
    door = AccountDoor(world.engines)
    assert door.account({"account": OUT, "set-state": "SUSPENDED"})["state"] == "SUSPENDED"
    sts = world.client("sts", OUT)
    with pytest.raises(sts.exceptions.ClientError, match="not active"):
        sts.get_caller_identity()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"account": MEMBER, "create": "a", "join": "r-abcd"}, "give one of --set-state, --create, --join, found 2"),
        ({"account": "123"}, "123 is no account, inside or outside; `localorg accounts` lists them"),
        ({"account": MEMBER, "set-state": "ASLEEP"}, "ASLEEP is no state of an account"),
        ({"account": HUB, "set-state": "SUSPENDED"}, "always ACTIVE"),
        ({"account": "1", "create": "x"}, "twelve digits"),
        ({"account": NEW, "create": "hub"}, "exists already"),
        ({"account": MEMBER, "join": "r-abcd"}, "is in the organization already"),
        ({"account": NEW, "join": "r-abcd"}, "AccountNotFoundException"),
        ({"account": OUT, "join": "r-none"}, "ParentNotFoundException"),
    ],
)
def test_what_does_not_fit_is_refused(world: Simulation, query: dict[str, str], sentence: str) -> None:
    """Each refusal says what was wrong."""
    with pytest.raises(Refused, match=sentence):
        AccountDoor(world.engines).account(query)
