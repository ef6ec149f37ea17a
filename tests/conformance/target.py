"""What the conformance suite runs against: a local organization of its own, or whatever CONFORMANCE_HUB_PROFILE points at.

With an account at hand:

    export CONFORMANCE_HUB_PROFILE=management CONFORMANCE_MEMBER_PROFILE=workload CONFORMANCE_REGION=eu-west-1
    export CONFORMANCE_OTHER_REGION=us-east-1 CONFORMANCE_BUCKET=my-bucket CONFORMANCE_NODE=i-0123456789abcdef0
    pytest tests/conformance

Profiles are those of the aws CLI (a profile may name an endpoint_url). The hub is the organization's management account, the node is a
Linux node of the member in CONFORMANCE_REGION; CONFORMANCE_SECOND_NODE and CONFORMANCE_OFFLINE_NODE are others. A claim whose variable is
not given is skipped and says so. What the suite makes has names that begin with `conf-`; it removes what costs money or blocks others.
CONFORMANCE_PARTITION=aws-us-gov (or aws-cn) lets the local organization be in another partition.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from demo.walk import Walk
from journeys.conftest import organization

PARTITION = os.environ.get("CONFORMANCE_PARTITION", "aws")
"""Which partition the local organization is in; with an account at hand its own Region says."""
REGIONS = {
    "aws": ("us-east-1", "eu-west-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
}
REGION, OTHER_REGION = REGIONS[PARTITION]
HUB, MEMBER, OUTSIDER = "111111111111", "222222222222", "333333333333"
BUCKET = f"conformance-{HUB}"
SPEC = f"""
partition: {PARTITION}
regions: [{REGION}, {OTHER_REGION}]
organization:
  id: o-conform001
  root: r-abcd
  management: {{id: "{HUB}", name: hub}}
  units:
    - id: ou-abcd-11111111
      name: Workloads
      units:
        - {{id: ou-abcd-22222222, name: Inner, accounts: [{{id: "{MEMBER}", name: shop}}]}}
outside: [{{id: "{OUTSIDER}", name: outsider}}]
nodes:
  - {{account: "{MEMBER}", region: {REGION}, persona: debian-12, name: shop-1, tags: {{Role: web, Name: shop-1}}}}
  - {{account: "{MEMBER}", region: {REGION}, persona: amazon-2023, name: shop-2, tags: {{Role: db}}}}
  - {{account: "{MEMBER}", region: {REGION}, persona: ubuntu-22.04, name: shop-off, online: false, tags: {{Role: silent}}}}
  - {{account: "{HUB}", region: {REGION}, persona: debian-12, name: hub-1, tags: {{Role: web}}}}
buckets:
  - {{name: {BUCKET}, account: "{HUB}", region: {REGION}}}
"""
QUICKLY = Config(retries={"max_attempts": 1}, parameter_validation=False)
"""The server is asked, not botocore: what is malformed must be refused over there. And throttling of AWS is no failure of a claim."""
PATIENTLY = Config(retries={"max_attempts": 10, "mode": "adaptive"}, parameter_validation=False)


@dataclass
class Account:
    """An account, as its administrator. Clients are made once for each service and Region."""

    id: str
    region: str
    other_region: str
    session: boto3.Session = field(repr=False)
    endpoint: str | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @property
    def partition(self) -> str:
        """The partition of its Region."""
        return str(self.session.get_partition_for_region(self.region))

    @property
    def dns_suffix(self) -> str:
        """How AWS's host names end in its partition."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client; it does not validate parameters by itself."""
        key = service, region or self.region
        if key not in self._clients:
            config = QUICKLY if self.endpoint else PATIENTLY
            self._clients[key] = self.session.client(service, region_name=key[1], endpoint_url=self.endpoint, config=config)
        return self._clients[key]


@dataclass
class Target:
    """Everything the claims need of the world. A missing part is a function that skips."""

    hub: Account
    member: Callable[[], Account]
    bucket: Callable[[], str]
    node: Callable[[], str]
    second_node: Callable[[], str]
    offline_node: Callable[[], str]
    walk: Walk | None = None
    """The local organization, where there is one."""

    def account(self, account_id: str) -> Account:
        """Return any other account. Skips where there is no local organization: whoever runs AWS makes no accounts to throw away."""
        if self.walk is None:
            pytest.skip("accounts are made and invited only in a local organization")
        return _local_account(self.walk, account_id)


@contextmanager
def local(folder: Path) -> Iterator[Target]:
    """Bring an organization up for the suite."""
    with organization(folder, SPEC, "--reading", "delivery-timeout=sum") as walk:
        nodes = {row["name"]: row["instance_id"] for row in walk.nodes()}
        hub, member = _local_account(walk, HUB), _local_account(walk, MEMBER)
        yield Target(
            hub,
            lambda: member,
            lambda: BUCKET,
            lambda: nodes["shop-1"],
            lambda: nodes["shop-2"],
            lambda: nodes["shop-off"],
            walk,
        )


def _local_account(walk: Walk, account: str) -> Account:
    keys = walk.keys(account, REGION)
    session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    return Account(account, REGION, OTHER_REGION, session, keys["AWS_ENDPOINT_URL"])


def elsewhere() -> Target:
    """Take the world that the environment describes."""

    def member() -> Account:
        return _foreign_account(_given("CONFORMANCE_MEMBER_PROFILE"))

    return Target(
        _foreign_account(_given("CONFORMANCE_HUB_PROFILE")),
        member,
        lambda: _given("CONFORMANCE_BUCKET"),
        lambda: _given("CONFORMANCE_NODE"),
        lambda: _given("CONFORMANCE_SECOND_NODE"),
        lambda: _given("CONFORMANCE_OFFLINE_NODE"),
    )


def _foreign_account(profile: str) -> Account:
    session = boto3.Session(profile_name=profile)
    region, other = _given("CONFORMANCE_REGION"), _given("CONFORMANCE_OTHER_REGION")
    return Account(session.client("sts", region_name=region).get_caller_identity()["Account"], region, other, session)


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.skip(f"{name} is not given; see tests/conformance/target.py")
    return value


def unique_name(stem: str) -> str:
    """Return a name that nothing else has."""
    return f"conf-{stem}-{uuid.uuid4().hex[:10]}"
