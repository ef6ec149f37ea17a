"""Taking versions away over the wire: what nodes of a real roll-out have stays, whatever is asked for."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csd.aws.identity import Principal
from csd.aws.publishing.pruning import Plan, make_plan
from csd.aws.publishing.publication import Order, perform
from csd.aws.publishing.regions import How
from csd.cli.main import run
from csd.package.retention import Policy
from csd.package.sealed import read_sealed
from localorg.server.simulation.organization import Simulation
from publishing.world import Watched, World
from simulation.door import door
from simulation.solution import BUCKET, HUB, NAME, REGIONS, Operator, Packages, spec

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("publishing-pruning")]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """1.0.0 was published, 1.1.0 and 1.2.0 were distributed; the node shop-eu missed the last."""
    folder = tmp_path_factory.mktemp("pruning")
    readings = {"shared-version-deletion": "allowed"}
    with Simulation(spec(), folder / "organization", readings=readings) as simulation:
        made = Operator(simulation, Packages(folder))
        made.deploy()
        made.publish("1.0.0")
        manifest = made.packages.sealed("1.0.0")["manifest.json"].decode()
        body = {"Name": NAME, "VersionName": "1.0.0", "Content": manifest, "DocumentType": "Package"}
        for region in REGIONS:
            ssm = simulation.client("ssm", HUB, region)
            ssm.create_document(Attachments=[{"Key": "SourceUrl", "Values": [f"s3://{BUCKET}/1.0.0"]}], **body)
        for version in ("1.1.0", "1.2.0"):
            made.publish(version)
            if version == "1.2.0":
                simulation.nodes["shop-eu"].offline()
            made.distribute(made.wish(version, deliveryTimeoutSeconds=["600"]))
        yield made


@contextmanager
def asking(operator: Operator) -> Iterator[tuple[Principal, datetime]]:
    """The hub's administrator as csd sees them, over the wire."""
    simulation = operator.simulation
    key = simulation.engines.identity.bootstrap_account(HUB)
    with door(Watched(simulation), passing_s=2.0) as endpoint:  # type: ignore[arg-type] # it asks and lets time pass, as a door wants
        world = World(Watched(simulation), endpoint, Path())
        try:
            yield world.principal(world.settings(key.id, key.secret)), datetime.fromtimestamp(simulation.now(), UTC)
        finally:
            del os.environ["AWS_ENDPOINT_URL"]


def plan(operator: Operator, policy: Policy) -> Plan:
    with asking(operator) as (principal, now):
        return make_plan(principal, NAME, list(REGIONS), policy, lambda _: None, now)


def fates(made: Plan) -> dict[str, list[str]]:
    return {place.region: place.deletes for place in made.regions}


LAST = Policy(keep=1, window=timedelta())


def test_a_node_that_missed_a_roll_out_keeps_its_version(operator: Operator) -> None:
    """What a node has in one Region stays in all; the default, the association's and the last one stay; what nobody has goes."""
    made = plan(operator, LAST)
    assert (made.fleet.silent, made.fleet.unread, made.fleet.installed) == ((), (), {"1.2.0": 2, "1.1.0": 1})
    assert fates(made) == {region: ["1.0.0"] for region in REGIONS}
    kept = made.regions[0].decisions[0]
    assert kept.reasons[:3] == ("the default", "installed on 2 nodes", "association csd-association (us-east-1) names it")


def test_publishing_makes_room_first(operator: Operator) -> None:
    """--keep: what may go is deleted in every Region, then the next version is published; two months on, for the window is 30 days."""
    operator.packages.sealed("1.3.0")
    sealed, lines = read_sealed(operator.packages.folder / "1.3.0"), list[str]()
    with asking(operator) as (principal, now):
        later, how = now + timedelta(days=60), How(pause=lambda _: None)
        order = Order(sealed, NAME, BUCKET, "1.3.0", list(REGIONS), keep=1, now=later, how=how)
        told = perform(principal, order, lines.append, lambda _n, _c: None)
    assert [outcome.state for outcome in told.outcomes] == ["published", "published"]
    assert f"eu-west-1: {NAME} 1.0.0 is deleted" in lines
    left = operator.client("ssm").list_document_versions(Name=NAME)["DocumentVersions"]
    assert [version["VersionName"] for version in left] == ["1.3.0", "1.2.0", "1.1.0"]


def test_a_node_that_tells_nothing_keeps_everything(operator: Operator) -> None:
    """It may have any version."""
    operator.simulation.add_node("222222222222", "eu-west-1", "debian-12", "stranger")
    operator.simulation.run_for(60)
    careful = plan(operator, LAST)
    assert [node.split()[:2] for node in careful.fleet.silent] == [["222222222222", "eu-west-1"]]
    assert fates(careful) == {region: [] for region in REGIONS}
    assert "1 node told nothing, and may have it" in careful.regions[0].decisions[-1].reasons


def test_an_account_that_cannot_be_read_keeps_everything(operator: Operator) -> None:
    """Another account that it is shared with may have nodes with any version."""
    ssm = operator.client("ssm")
    ssm.modify_document_permission(Name=NAME, PermissionType="Share", AccountIdsToAdd=["999999999999"])
    made = plan(operator, LAST)
    assert [place.split(":")[0] for place in made.fleet.unread] == ["999999999999 us-east-1"]
    assert "1 place could not be read, whose nodes may have it" in made.regions[0].decisions[0].reasons


def test_the_commands_tell_and_delete_nothing_unless_told_to(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table and the JSON say each version's fate and why; a wrong window is wrong input; whoever may not delete is told so."""
    with asking(operator) as (_, _now):
        key = operator.simulation.engines.identity.bootstrap_account(HUB)
        told = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_REGION": REGIONS[0]}
        for name, value in (told | {"AWS_EC2_METADATA_DISABLED": "true"}).items():
            monkeypatch.setenv(name, value)
        assert run(["package", "versions", NAME, "--regions", REGIONS[1]]) == 0
        table = capsys.readouterr()
        assert run(["package", "prune", NAME, "--regions", REGIONS[0], "--json", "--yes"]) == 0
        shown = capsys.readouterr()
        value, told_of_it = json.loads(shown.out), shown.err
        assert "deleted: 0 versions" in told_of_it
        assert run(["package", "prune", NAME, "--regions", REGIONS[0], "--window", "soon"]) == 2
        assert "Write days or weeks: 30d, 4w" in capsys.readouterr().err
    assert any(line.split()[:3] == ["eu-west-1", "1.2.0", "Active"] and "keep" in line for line in table.out.splitlines())
    assert "could not read 999999999999 us-east-1" in told_of_it
    assert "told nothing of csd-marker: 222222222222 eu-west-1" in table.err
    assert [one["version"] for one in value["regions"][REGIONS[0]]] == ["1.3.0", "1.2.0", "1.1.0"]
    assert not any(one["delete"] for one in value["regions"][REGIONS[0]])
