"""Auto-deployment against a naive model: whatever happens in the organization, exactly the instances that the rules give."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from stacks.organized import ASLEEP, AUTO, DEEP, HUB, LOWER, ONE, OTHER, REGIONS, ROOT, TWO, UPPER, Organized
from stacks.world import role, template

BODY = template({"Role": role(RoleName={"Fn::Sub": "Exec-${AWS::Region}"})})
ABOVE = {UPPER: [UPPER, ROOT], LOWER: [LOWER, UPPER, ROOT], OTHER: [OTHER, ROOT], ROOT: [ROOT]}
UNITS, ACCOUNTS = st.sampled_from(sorted(ABOVE)), st.sampled_from([ONE, TWO, DEEP, ASLEEP])
FILTERS = ["INTERSECTION", "DIFFERENCE"]
STEPS = st.one_of(
    st.tuples(st.just("deploy"), UNITS, st.sampled_from(REGIONS)),
    st.tuples(st.just("deploy_some"), UNITS, st.tuples(st.sampled_from(REGIONS), st.sampled_from(FILTERS), ACCOUNTS)),
    st.tuples(st.just("delete"), UNITS, st.sampled_from(REGIONS)),
    st.tuples(st.just("move"), ACCOUNTS, UNITS),
    st.tuples(st.just("move"), ACCOUNTS, UNITS),
    st.tuples(st.sampled_from(["suspend", "wake"]), ACCOUNTS, st.none()),
    st.tuples(st.just("remove"), ACCOUNTS, st.none()),
    st.tuples(st.just("update"), st.none(), st.none()),
)


@dataclass
class Known:
    """An instance: the target it came by, whether there is a stack, whether it was skipped last."""

    unit: str
    stack: bool = False
    spared: bool = False


@dataclass
class Model:
    """The rules, as a person would say them."""

    parents: dict[str, str] = field(default_factory=lambda: {ONE: UPPER, TWO: OTHER, DEEP: LOWER, ASLEEP: UPPER})
    asleep: set[str] = field(default_factory=lambda: {ASLEEP})
    targets: set[tuple[str, str]] = field(default_factory=set)
    instances: dict[tuple[str, str], Known] = field(default_factory=dict)

    def above(self, account: str) -> list[str]:
        return ABOVE[self.parents[account]] if account in self.parents else []

    def visit(self, account: str, region: str, unit: str) -> None:
        known = self.instances.setdefault((account, region), Known(unit))
        known.spared = account in self.asleep
        known.stack = known.stack or not known.spared

    def drop(self, account: str, region: str) -> bool:
        known = self.instances[account, region]
        if known.stack and account in self.asleep and account in self.parents:
            known.spared = True
            return False
        del self.instances[account, region]
        return True

    def follow(self, account: str, before: list[str]) -> None:
        left = {region for name, region in self.instances if name == account} & {
            region
            for (name, region), known in self.instances.items()
            if name == account and known.unit not in self.above(account)
        }
        for region in left:
            self.drop(account, region)
        if account in self.asleep or account not in self.parents:
            return
        for unit in self.above(account):
            for region in [region for target, region in sorted(self.targets) if target == unit]:
                known = self.instances.get((account, region))
                due = known.spared if known else region in left or unit not in before
                if due:
                    self.visit(account, region, unit)

    def deploy(self, unit: str, region: str) -> None:
        self.deploy_some(unit, (region, "DIFFERENCE", HUB))

    def deploy_some(self, unit: str, how: tuple[str, str, str]) -> None:
        region, kind, named = how
        self.targets.add((unit, region))
        for account in self.parents:
            if unit in self.above(account) and (account == named) == (kind == "INTERSECTION"):
                self.visit(account, region, unit)

    def delete(self, unit: str, region: str) -> None:
        self.targets.discard((unit, region))
        for account, where in list(self.instances):
            if where == region and (unit in self.above(account) or self.instances[account, where].unit == unit):
                self.drop(account, where)

    def move(self, account: str, unit: str) -> None:
        before = self.above(account)
        self.parents[account] = unit
        self.follow(account, before)

    def suspend(self, account: str, _: None) -> None:
        self.asleep.add(account)

    def wake(self, account: str, _: None) -> None:
        self.asleep.discard(account)
        self.follow(account, self.above(account))

    def remove(self, account: str, _: None) -> None:
        del self.parents[account]
        self.follow(account, [])

    def update(self, _: None, __: None) -> None:
        for account, region in self.instances:
            self.visit(account, region, "")


class Real:
    """The same steps through the API."""

    def __init__(self) -> None:
        self.world = Organized()
        self.world.make_set(BODY, AutoDeployment=AUTO)

    def deploy(self, unit: str, region: str) -> None:
        assert self.world.deploy(unit, regions=[region])["Status"] == "SUCCEEDED"

    def deploy_some(self, unit: str, how: tuple[str, str, str]) -> None:
        region, kind, named = how
        targets = {"OrganizationalUnitIds": [unit], "AccountFilterType": kind, "Accounts": [named]}
        self.world.deploy(regions=[region], DeploymentTargets=targets)

    def delete(self, unit: str, region: str) -> None:
        self.world.deploy(unit, regions=[region], operation="DeleteStackInstances", RetainStacks=False)

    def move(self, account: str, unit: str) -> None:
        self.world.move(account, self.parent_of(account), unit)

    def parent_of(self, account: str) -> str:
        return self.world.ask_organization("ListParents", ChildId=account)["Parents"][0]["Id"]

    def suspend(self, account: str, _: None) -> None:
        self.world.organization.set_account_state(account, "SUSPENDED")
        self.world.run()

    def wake(self, account: str, _: None) -> None:
        self.world.organization.set_account_state(account, "ACTIVE")
        self.world.run()

    def remove(self, account: str, _: None) -> None:
        self.world.ask_organization("RemoveAccountFromOrganization", AccountId=account)

    def update(self, _: None, __: None) -> None:
        call = {"StackSetName": "set", "TemplateBody": BODY}
        self.world.finish(self.world.call("UpdateStackSet", call)["OperationId"])

    def instances(self) -> dict[tuple[str, str], tuple[str, bool, bool]]:
        rows = self.world.call("ListStackInstances", {"StackSetName": "set"})["Summaries"]
        return {
            (row["Account"], row["Region"]): (
                row["OrganizationalUnitId"],
                "StackId" in row,
                row["StackInstanceStatus"]["DetailedStatus"] == "SKIPPED_SUSPENDED_ACCOUNT",
            )
            for row in rows
        }

    def stacks(self) -> set[tuple[str, str]]:
        return {(account, name.removeprefix("Exec-")) for account, name in self.world.iam.roles}


def is_possible(model: Model, name: str, first: str | None, second: str | None) -> bool:
    if name in ("move", "suspend", "wake", "remove") and first not in model.parents:
        return False
    is_asleep = first in model.asleep
    return not (
        (name == "move" and model.parents[str(first)] == second)
        or (name == "suspend" and is_asleep)
        or (name == "wake" and not is_asleep)
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, min_size=3, max_size=12))
def test_instances_are_exactly_what_the_rules_give(steps):
    """Documented: CloudFormation user guide, automatic deployments; the rules stand in the model above, written apart from the engine."""
    model, real = Model(), Real()
    for name, first, second in steps:
        if not is_possible(model, name, first, second):
            continue
        getattr(real, name)(first, second)
        getattr(model, name)(first, second)
        expected = {place: (known.unit, known.stack, known.spared) for place, known in model.instances.items()}
        assert real.instances() == expected, (name, first, second)
    assert real.stacks() == {place for place, known in model.instances.items() if known.stack}
    assert HUB not in {account for account, _ in real.instances()}
