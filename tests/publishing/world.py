"""A small organization behind a real address, with somebody who publishes and has no more rights than the documentation lists."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import boto3
import yaml

from csd.aws.identity import Principal
from csd.package.sealed import SealedPackage, build_package
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec
from simulation.door import door

HUB, SHOP = "111111111111", "222222222222"
HOME, FAR = "us-east-1", "eu-west-1"
BUCKET = "csd-packages-111111111111"
SPEC = """
regions: [us-east-1, eu-west-1]
organization:
  id: o-publishing
  root: r-abcd
  management: {id: "111111111111", name: hub}
  units: [{id: ou-abcd-11111111, name: Workloads, accounts: [{id: "222222222222", name: shop}]}]
nodes:
  - {account: "222222222222", region: us-east-1, persona: debian-12, name: shop-us}
buckets:
  - {name: csd-packages-111111111111, account: "111111111111", region: us-east-1}
"""
GUIDE = Path(__file__).parents[2] / "docs/how-to/publish-a-package.md"


@dataclass
class Watched:
    """A simulation that tells who asked what, and lets a test do something before an answer."""

    simulation: Simulation
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], object] = lambda _: None
    """Returns False for what shall not be performed."""

    def run_for(self, seconds: float) -> None:
        self.simulation.run_for(seconds)

    def ask(self, request: WireRequest) -> WireResponse:
        line = f"{request.method} {request.path}?{request.query}"
        if self.before(line) is False:
            return WireResponse(503)
        self.asked.append(line)
        return self.simulation.ask(request)

    def parts_sent(self) -> list[str]:
        """The parts that were sent, by number."""
        return sorted(
            line.partition("partNumber=")[2].partition("&")[0]
            for line in self.asked
            if line.startswith("PUT") and "partNumber=" in line
        )


@dataclass
class World:
    """The organization, its address, and who may do what in it."""

    watched: Watched
    endpoint: str
    folder: Path

    def session(self, key_id: str, secret: str) -> boto3.Session:
        return boto3.Session(key_id, secret, region_name=HOME)

    def administrator(self, account: str = HUB) -> dict[str, str]:
        """Settings by which csd is an administrator of an account."""
        key = self.watched.simulation.engines.identity.bootstrap_account(account)
        return self.settings(key.id, key.secret)

    def settings(self, key_id: str, secret: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": HOME,
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def person(self, name: str, *statements: dict[str, Any]) -> dict[str, str]:
        """Settings of a new user of the hub who may do just this."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.settings(key["AccessKeyId"], key["SecretAccessKey"])

    def client(self, service: str, region: str = HOME, account: str = HUB) -> Any:
        """A client of an account's administrator, over the wire."""
        told = self.administrator(account)
        return boto3.client(
            service, region_name=region, endpoint_url=self.endpoint,
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"], aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    def principal(self, settings: dict[str, str] | None = None) -> Principal:
        """The administrator, or somebody else, as csd sees them; AWS_ENDPOINT_URL must be set."""
        told = settings or self.administrator()
        os.environ["AWS_ENDPOINT_URL"] = self.endpoint
        session = self.session(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"])
        return Principal(session, HUB, f"arn:aws:iam::{HUB}:user/me")

    def package(self, name: str, version: str, payload: bytes = b"payload") -> SealedPackage:
        """A package that was sealed here."""
        source, out = self.folder / f"source-{name}-{version}", self.folder / f"{name}-{version}"
        shutil.rmtree(source, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)
        (source / "linux").mkdir(parents=True)
        for action, line in (("install", "exit 0"), ("uninstall", "rm -rf /opt/payload")):
            (source / "linux" / f"{action}.sh").write_text(f"{line}\n")
        (source / "linux" / "payload").write_bytes(payload)
        told = {"name": name, "version": version, "platforms": [{"folder": "linux", "targets": [{"platform": "_any"}]}]}
        (source / "package.yaml").write_text(yaml.safe_dump(told))
        return build_package(source, out)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that nothing compresses."""
    return Random(seed).randbytes(size)


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    """Open one; virtual time passes with each request."""
    before = os.environ.get("AWS_ENDPOINT_URL")
    try:
        with Simulation(parse_spec(SPEC, "spec"), folder / "organization", nodes="virtual") as simulation:
            watched = Watched(simulation)
            with door(watched, passing_s=2.0) as endpoint:  # type: ignore[arg-type] # it asks and lets time pass, as a door wants
                yield World(watched, endpoint, folder)
    finally:
        os.environ.pop("AWS_ENDPOINT_URL", None)
        if before is not None:
            os.environ["AWS_ENDPOINT_URL"] = before
