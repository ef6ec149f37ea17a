"""The article's TargetKey and TargetValues: each allowed key, with one value, several and *, in the template and in the association."""

from collections.abc import Iterator

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.simulation.virtual import VirtualNode
from localorg.server.spec import Spec, parse_spec
from seed.people import update_stack
from simulation.solution import BUCKET, HUB, LAB, SHOP, UNIT, Operator, Packages, why

pytestmark = pytest.mark.xdist_group("seed-which-nodes")
REGION = "us-east-1"


def spec() -> Spec:
    """Two accounts, each with EC2 instances and a machine of its own, tagged by what they do."""
    return parse_spec(
        f"""
regions: [{REGION}]
organization:
  id: o-which00001
  root: r-abcd
  management: {{id: "{HUB}", name: hub}}
  units:
    - id: {UNIT}
      name: Workloads
      accounts: [{{id: "{SHOP}", name: shop}}, {{id: "{LAB}", name: lab}}]
nodes:
  - {{account: "{SHOP}", region: {REGION}, persona: debian-12, name: shop-web, tags: {{Role: web, Old: "yes"}}}}
  - {{account: "{SHOP}", region: {REGION}, persona: rocky-9, name: shop-db, tags: {{Role: db}}}}
  - {{account: "{LAB}", region: {REGION}, persona: ubuntu-22.04, name: lab-web, tags: {{Role: web}}}}
  - {{account: "{LAB}", region: {REGION}, persona: debian-12, name: lab-press, hybrid: true, tags: {{Role: press}}}}
buckets:
  - {{name: {BUCKET}, account: "{HUB}", region: {REGION}}}
""",
        "spec",
    )


ALL, WEB, DB = {"shop-web", "shop-db", "lab-web", "lab-press"}, {"shop-web", "lab-web"}, {"shop-db"}
PRESS = {"lab-press"}


class Fleet:
    """The nodes, who forget what they were asked before each story."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.nodes = {name: node for name, node in operator.simulation.nodes.items() if isinstance(node, VirtualNode)}

    def ids(self, *names: str) -> str:
        return ",".join(self.nodes[name].instance_id for name in names)

    def distribute(self, **wish: str) -> tuple[str, set[str]]:
        """Distribute with these parameters beside the article's. Returns why it failed, and the nodes that have the package."""
        for node in self.nodes.values():
            node.packages.clear()
        run = self.operator.distribute(self.operator.wish("1.0.0", **{key: [value] for key, value in wish.items()}))
        failed = run["AutomationExecutionStatus"] != "Success"
        return why(run) if failed else "", {name for name, node in self.nodes.items() if node.packages}


@pytest.fixture(scope="module")
def fleet(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Simulation(spec(), tmp_path_factory.mktemp("which"), nodes="virtual") as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        operator.publish("1.0.0")
        simulation.run_for(60)
        for account in (SHOP, LAB):
            query = '{"ResourceTypeFilters":["AWS::EC2::Instance"],"TagFilters":[{"Key":"Role","Values":["web"]}]}'
            simulation.client("resource-groups", account).create_group(
                Name="web", ResourceQuery={"Type": "TAG_FILTERS_1_0", "Query": query}
            )
        yield Fleet(operator)


NODES = [
    ("InstanceIds", "*", ALL),
    ("instanceids", "*", ALL),
    ("AWS::EC2::Instance", "*", ALL),
    ("ParameterValues", "*", ALL),
    ("InstanceIds", "shop-db", DB),
    ("instanceids", "shop-web,lab-web", WEB),
    ("AWS::EC2::Instance", "shop-db", DB),
    ("ParameterValues", "shop-db,lab-press", DB | PRESS),
    ("tag:Role", "web", WEB),
    ("tag:Role", "db,press", DB | PRESS),
    ("tag:Role", "*", ALL),
    ("tag:Old", "*", {"shop-web"}),
    ("ResourceGroup", "web", WEB),
]


@pytest.mark.parametrize(("key", "values", "expected"), NODES)
def test_each_key_chooses_its_nodes(fleet: Fleet, key: str, values: str, expected: set[str]) -> None:
    """The article: allowed are ParameterValues, ResourceGroup, keys that begin with tag:, AWS::EC2::Instance, InstanceIds, instanceids.

    EC2 instances and machines outside EC2 alike; where an account has none of them, nothing is asked there, and that is no failure.
    """
    given = fleet.ids(*values.split(",")) if values.partition(",")[0] in fleet.nodes else values
    assert fleet.distribute(targetKey=key, targetValues=given) == ("", expected)


WRONG = [
    ({"targetKey": "Name"}, "targetKey: 'Name' is none of tag:KEY, ResourceGroup, InstanceIds"),
    ({"targetKey": "tag:"}, "targetKey: 'tag:' is none of"),
    ({"targetKey": "ResourceGroup"}, "targetValues: name exactly one resource group"),
    ({"targetKey": "InstanceIds", "targetValues": "shop-web"}, "targetValues: 'shop-web' is no node id"),
    ({"targetKey": "tag:Role", "targetValues": "*,web"}, "targetValues: give '*' alone, or 1 to 50 values"),
    ({"targetKey": "tag:Role", "targetValues": ","}, "targetValues: give '*' alone, or 1 to 50 values"),
]


@pytest.mark.parametrize(("wish", "sentence"), WRONG)
def test_a_wrong_key_or_value_is_told_before_anything_is_done(fleet: Fleet, wish: dict[str, str], sentence: str) -> None:
    """The article's list of keys is closed: others end the run at its first step, and no node hears of it."""
    failed, reached = fleet.distribute(**wish)
    assert sentence in failed
    assert reached == set()


def test_a_group_that_an_account_lacks_is_named(fleet: Fleet) -> None:
    """Documented: automation guide: resource groups must exist by that name in each account and Region; who has none says so."""
    failed, reached = fleet.distribute(targetKey="ResourceGroup", targetValues="nowhere")
    assert "2 of 2 account-Region pairs did not succeed" in failed
    assert "nowhere" in failed
    assert reached == set()


def test_the_templates_choice_is_the_associations_default(fleet: Fleet) -> None:
    """The article gives TargetKey and TargetValues to the template and not to the association; so they are what it does by default.

    What an association says itself goes before; a change of the template's default reaches the next run of an association that is silent.
    """
    try:
        assert update_stack(fleet.operator, TargetKey="tag:Role", TargetValues="db, press") == "UPDATE_COMPLETE"
        assert fleet.distribute() == ("", DB | PRESS)
        assert fleet.distribute(targetKey="InstanceIds", targetValues="*") == ("", ALL)
        assert fleet.distribute(targetValues="web") == ("", WEB)
        assert fleet.distribute(InstanceId=fleet.ids("shop-db"))[1] == set()
    finally:
        assert update_stack(fleet.operator, TargetKey="InstanceIds", TargetValues="*") == "UPDATE_COMPLETE"
    assert fleet.distribute(InstanceId=fleet.ids("shop-db")) == ("", DB)
    assert fleet.distribute() == ("", ALL)
