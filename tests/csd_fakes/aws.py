"""Fakes for csd.aws: a session of real boto3 clients whose answers are told beforehand, and a small fleet behind reader roles.

`Told` uses botocore's own Stubber: parameters are checked against the service model, answers are parsed as AWS's are.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from csd.aws.identity import Principal
from csd.errors import AwsRefused


class Told:
    """A session that answers in the order it was told to. Each service has one client."""

    region_name = "us-east-1"

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def client(self, service: str, **_: Any) -> Any:
        if service not in self._clients:
            made = boto3.client(service, region_name=self.region_name, aws_access_key_id="k", aws_secret_access_key="s")
            self._clients[service], self._stubs[service] = made, Stubber(made)
            self._stubs[service].activate()
        return self._clients[service]

    def answer(self, service: str, operation: str, answer: dict[str, Any], expected: dict[str, Any] | None = None) -> None:
        self.client(service)
        self._stubs[service].add_response(operation, answer, expected)

    def refuse(self, service: str, operation: str, code: str, message: str) -> None:
        self.client(service)
        self._stubs[service].add_client_error(operation, code, message)

    def all_asked(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()

    def principal(self) -> Principal:
        return Principal(self, "111111111111", "arn:aws-us-gov:iam::111111111111:user/me")  # type: ignore[arg-type] # a fake session


@dataclass
class Fleet:
    """Nodes and commands by account and Region; remembers which roles were assumed on the way to each answer."""

    nodes: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    invocations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    full: dict[str, dict[str, str]] = field(default_factory=dict)
    architectures: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


class FleetPrincipal:
    """Somebody in the fake fleet, with the roles that led here."""

    partition = "aws"

    def __init__(self, fleet: Fleet, account: str = "111111111111", path: str = "me") -> None:
        self.fleet, self.account, self.path = fleet, account, path

    def role_arn(self, name: str, account: str = "") -> str:
        return f"arn:aws:iam::{account or self.account}:role/{name}"

    def assume(self, arn: str, denied: str = "") -> "FleetPrincipal":
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        if account in self.fleet.closed:
            raise AwsRefused(service="sts", operation="AssumeRole", code="AccessDenied", said="not you", account=account)
        return FleetPrincipal(self.fleet, account, f"{self.path} > {name}")

    def client(self, service: str, region: str = "") -> Any:
        return FleetSsm(self.fleet, self, service, region)


class FleetSsm:
    """What csd.aws asks of nodes and commands; whatever is in `denied` is refused."""

    def __init__(self, fleet: Fleet, who: FleetPrincipal, service: str, region: str) -> None:
        self.fleet, self.who, self.place = fleet, who, (who.account, region)
        self.meta = SimpleNamespace(service_model=SimpleNamespace(service_name=service), region_name=region)

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **params: iter([self._answer(name, params)]))

    def _answer(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        self.fleet.asked.append(f"{self.who.path} {name}")
        if name in self.fleet.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, name)
        match name:
            case "describe_instance_properties":
                told = [{"InstanceId": node, "Architecture": word} for node, word in self.fleet.architectures.items()]
                return {"InstanceProperties": told}
            case "describe_instance_information":
                wanted = {f["Key"]: f["Values"] for f in params["Filters"]}
                nodes = self.fleet.nodes.get(self.place, [])
                return {"InstanceInformationList": [n for n in nodes if not wanted or n["Role"] in wanted.get("tag:Role", [])]}
            case "list_commands":
                return {"Commands": self.fleet.commands.get(self.place, [])}
            case "list_command_invocations":
                return {"CommandInvocations": self.fleet.invocations[params["CommandId"]]}
            case "list_group_resources":
                return {"ResourceIdentifiers": [{"ResourceArn": "arn:aws:ec2:eu-west-1:2:instance/i-2"}]}
        raise ClientError({"Error": {"Code": "Unexpected", "Message": name}}, name)

    def get_command_invocation(self, **params: Any) -> dict[str, str]:
        return self.fleet.full[params["InstanceId"]]
