"""The world of the claims; `target.py` says what it is and how to run the suite against AWS."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import target as worlds
from conformance.claims import eventually
from conformance.hybrid_agent import HybridAgent
from conformance.hybrid_world import described, managed, trust
from conformance.target import Account, Target

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker asks everything: another would start an organization of its own."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group("conformance"))


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A local organization for this run, or the accounts that the environment names."""
    if os.environ.get("CONFORMANCE_HUB_PROFILE"):
        yield worlds.elsewhere()
        return
    with worlds.local(tmp_path_factory.mktemp("conformance")) as found:
        yield found


@pytest.fixture(scope="session")
def hub(target: Target) -> Account:
    """The organization's management account."""
    return target.hub


@pytest.fixture(scope="session")
def member(target: Target) -> Account:
    """An account below an OU."""
    return target.member()


@pytest.fixture
def bucket(target: Target) -> str:
    """A bucket of the hub."""
    return target.bucket()


@pytest.fixture
def node(target: Target) -> str:
    """An online Linux node of the member."""
    return target.node()


@pytest.fixture
def second_node(target: Target) -> str:
    """Another one, of another distribution."""
    return target.second_node()


@pytest.fixture
def offline_node(target: Target) -> str:
    """A node of the member whose agent is silent."""
    return target.offline_node()


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Make names that nothing else has."""
    return worlds.unique_name


@pytest.fixture
def role(member: Account, unique: Callable[[str], str]) -> Iterator[str]:
    """A role for hybrid nodes."""
    name, iam = unique("hybrid"), member.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ssm.amazonaws.com"))
    iam.attach_role_policy(RoleName=name, PolicyArn=managed(member))
    yield name
    iam.detach_role_policy(RoleName=name, PolicyArn=managed(member))
    iam.delete_role(RoleName=name)


@pytest.fixture
def activate(member: Account, role: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make activations that are gone afterwards."""
    made, ssm = [], member.client("ssm")

    def create(**params: Any) -> dict[str, Any]:
        # AWS: a role that was made just now may not be seen everywhere yet.
        answer = eventually(
            lambda: ssm.create_activation(**{"IamRole": role, **params}), lambda _answer: True, 60, ("ValidationException",)
        )
        made.append(answer["ActivationId"])
        return dict(answer)

    yield create
    for activation_id in made:
        ssm.delete_activation(ActivationId=activation_id)


@pytest.fixture
def join(member: Account, activate: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., HybridAgent]]:
    """Register machines that are deregistered afterwards."""
    joined: list[HybridAgent] = []

    def register(**params: Any) -> HybridAgent:
        agent = HybridAgent(member)
        agent.register(activate(**params))
        joined.append(agent)
        return agent

    yield register
    for agent in joined:
        if described(agent):
            member.client("ssm").deregister_managed_instance(InstanceId=agent.instance_id)
