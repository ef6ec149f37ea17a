"""Sessions of simulations are used again, and nobody notices: each speaks for its own caller, in its own organization."""

from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec

HUB, SHOP, HOME = "111111111111", "222222222222", "us-east-1"
SPEC = parse_spec(
    f"""
regions: [{HOME}]
organization:
  management: {{id: "{HUB}", name: hub}}
  units: [{{id: ou-abcd-11111111, name: Workloads, accounts: [{{id: "{SHOP}", name: shop}}]}}]
buckets: [{{name: seats, account: "{HUB}", region: {HOME}}}]
""",
    "spec",
)


def keys(simulation: Simulation, account: str) -> dict[str, str]:
    """Return the keys of an account's administrator."""
    found = simulation.session(account).get_credentials()
    return {"AccessKeyId": found.access_key, "SecretAccessKey": found.secret_key}


def test_a_client_that_is_lent_again_speaks_for_its_new_caller(tmp_path: Path) -> None:
    """The client is the same one, and the account is the other's; those who hold their sessions are not disturbed."""
    with Simulation(SPEC, tmp_path) as simulation:
        mine = simulation.client("sts")
        clients, accounts = [], []
        for account in (SHOP, HUB, SHOP):
            with simulation._front.lent(keys(simulation, account), HOME) as session:
                clients.append(session.client("sts"))
                accounts.append(clients[-1].get_caller_identity()["Account"])
        assert (len(set(map(id, clients))), accounts) == (1, [SHOP, HUB, SHOP])
        assert mine.get_caller_identity()["Account"] == HUB


def test_two_that_are_lent_at_a_time_are_two(tmp_path: Path) -> None:
    """A run that begins while another waits gets a session of its own."""
    with Simulation(SPEC, tmp_path) as simulation:
        one, other = (keys(simulation, account) for account in (SHOP, HUB))
        with simulation._front.lent(one, HOME) as first, simulation._front.lent(other, HOME) as second:
            told = [session.client("sts").get_caller_identity()["Account"] for session in (first, second, first)]
    assert told == [SHOP, HUB, SHOP]


def test_the_next_organization_is_asked_and_not_the_last(tmp_path: Path) -> None:
    """Each simulation answers its own clients; S3's, which know where buckets are, are made anew."""
    found = []
    for name in ("one", "two"):
        with Simulation(SPEC, tmp_path / name) as simulation:
            simulation.client("ssm").put_parameter(Name=name, Value="1", Type="String")
            told = [parameter["Name"] for parameter in simulation.client("ssm").describe_parameters()["Parameters"]]
            assert told == [name]
            found.append((simulation.client("ssm"), simulation.client("s3")))
    assert found[0][1] is not found[1][1]


def test_nobody_answers_for_a_closed_simulation(tmp_path: Path) -> None:
    """A client that is kept beyond its simulation says so."""
    with Simulation(SPEC, tmp_path) as simulation:
        client = simulation.client("sts")
    with pytest.raises(AssertionError, match="a client is used whose simulation is closed"):
        client.get_caller_identity()
