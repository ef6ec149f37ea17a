"""Taking versions away over the wire: what nodes of a real roll-out have stays, whatever is asked for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csd.aws.identity import Principal
from csd.aws.publishing.pruning import Plan, make_plan, perform_plan
from csd.package.retention import Policy
from localorg.server.simulation.organization import Simulation
from publishing.world import Watched, World
from simulation.door import door
from simulation.solution import BUCKET, HUB, NAME, REGIONS, Operator, Packages, spec

pytestmark = pytest.mark.xdist_group("publishing-pruning")


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
    with door(Watched(simulation)) as endpoint:  # type: ignore[arg-type] # it asks and lets time pass, as a door wants
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
    assert fates(plan(operator, Policy(keep=1, window=timedelta(days=1)))) == {region: [] for region in REGIONS}


def test_a_node_that_tells_nothing_keeps_everything(operator: Operator) -> None:
    """It may have any version, until a person says that it has none. Then what may go is deleted, in both Regions."""
    operator.simulation.add_node("222222222222", "eu-west-1", "debian-12", "stranger")
    operator.simulation.run_for(60)
    careful = plan(operator, LAST)
    assert [node.split()[:2] for node in careful.fleet.silent] == [["222222222222", "eu-west-1"]]
    assert fates(careful) == {region: [] for region in REGIONS}
    assert careful.regions[0].decisions[-1].reasons == ("1 node told nothing, and may have it",)
    made = plan(operator, Policy(keep=1, window=timedelta(), silent_have_none=True))
    with asking(operator) as (principal, _):
        gone, refusals = perform_plan(principal, made, lambda _: None)
    assert (gone, refusals) == ([(region, "1.0.0") for region in REGIONS], [])
    left = operator.client("ssm").list_document_versions(Name=NAME)["DocumentVersions"]
    assert [version["VersionName"] for version in left] == ["1.2.0", "1.1.0"]


def test_an_account_that_cannot_be_read_keeps_everything(operator: Operator) -> None:
    """Another account that it is shared with may have nodes with any version."""
    ssm = operator.client("ssm")
    ssm.modify_document_permission(Name=NAME, PermissionType="Share", AccountIdsToAdd=["999999999999"])
    made = plan(operator, LAST)
    assert [place.split(":")[0] for place in made.fleet.unread] == ["999999999999 us-east-1"]
    assert "1 place could not be read, whose nodes may have it" in made.regions[0].decisions[0].reasons
