"""A small organization of three accounts whose calls go through the real gateway, validator and evaluator."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from localorg.identity.service import Identity
from localorg.identity.templates import Lookup
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.kernel.store import Store
from localorg.protocol.calls import ApiCall, Operation, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.protocol.models import operation_model
from localorg.protocol.validate import validate

HUB, MEMBER, STRANGER = "111111111111", "222222222222", "999999999999"
REGION = "eu-west-1"
ORGANIZATION = "o-exampleorg"


class SeededSecrets:
    """Secrets for tests: unlike one another, the same in each run."""

    def __init__(self, seed: str = "") -> None:
        self.seed = seed
        self.count = 0

    def __call__(self, length: int) -> str:
        self.count += 1
        return hashlib.sha512(f"{self.seed}{self.count}".encode()).hexdigest() * (1 + length // 128)


class World:
    """Identity behind a gateway."""

    def __init__(self, state: Path | None = None, start: float = 1_800_000_000.0, seed: str = "", tags_of: Any = None) -> None:
        self.kernel = Kernel(Store(state), VirtualClock(start))
        more = {"tags_of": tags_of} if tags_of else {}
        self.identity = Identity(
            self.kernel, SeededSecrets(seed), lambda account: None if account == STRANGER else ORGANIZATION, **more
        )
        self.gateway = Gateway(self.kernel, self.identity, validate)
        self.gateway.add(self.identity.operations())
        self.gateway.add([Operation("ssm", "ListCommands", _nothing), Operation("ssm", "GetDocument", _nothing)])

    def admin(self, account: str = HUB) -> Principal:
        """Return the administrator of an account."""
        return self.identity.sessions.principal(self.identity.bootstrap_account(account).id)

    def call(self, who: Principal, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call as `who`."""
        output = self.gateway.invoke(ApiCall(who, REGION, service, operation, params))
        if service in {"iam", "sts"}:
            shape = operation_model(service, operation).output_shape
            problems = list(misfits(output, shape, operation)) if shape else [f"{operation}: {name}" for name in output]
            assert problems == []
        return output

    def role(self, account: str, name: str, trusted: Any, allowed: list[dict[str, Any]] | None = None, **condition: Any) -> str:
        """Make a role and return its ARN. `trusted` is the Principal element."""
        statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        if condition:
            statement["Condition"] = condition
        made = self.call(self.admin(account), "iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=document(statement))
        if allowed:
            text = document(*allowed)
            self.call(self.admin(account), "iam", "PutRolePolicy", RoleName=name, PolicyName="inline", PolicyDocument=text)
        return str(made["Role"]["Arn"])

    def user(self, account: str, name: str, *allowed: dict[str, Any]) -> Principal:
        """Make a user with an access key."""
        admin = self.admin(account)
        self.call(admin, "iam", "CreateUser", UserName=name)
        if allowed:
            self.call(admin, "iam", "PutUserPolicy", UserName=name, PolicyName="inline", PolicyDocument=document(*allowed))
        key = self.call(admin, "iam", "CreateAccessKey", UserName=name)["AccessKey"]
        return self.identity.sessions.principal(key["AccessKeyId"])

    def assume(self, who: Principal, arn: str, session: str = "session", **more: Any) -> Principal:
        """Assume a role and return the session's principal."""
        output = self.call(who, "sts", "AssumeRole", RoleArn=arn, RoleSessionName=session, **more)
        return self.identity.sessions.principal(output["Credentials"]["AccessKeyId"])


class Desk:
    """An administrator's desk in one account."""

    def __init__(self) -> None:
        self.world = World()
        self.admin = self.world.admin()

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.world.call(self.admin, "iam", operation, **params)

    def refused(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(AwsError) as refusal:
            self(operation, **params)
        return refusal.value.code, refusal.value.message


TYPES = {"string": str, "integer": int, "boolean": bool, "timestamp": float, "list": list, "map": dict, "structure": dict}


def misfits(value: Any, shape: Any, place: str) -> Iterator[str]:
    """Yield where an output does not have the form of the model: every answer of every test is held against it."""
    if not isinstance(value, TYPES[shape.type_name]):
        yield f"{place} is {type(value).__name__}, not {shape.type_name}"
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from misfits(item, shape.member, f"{place}[{number}]")
    elif shape.type_name == "structure":
        yield from (f"{place}.{name} is missing" for name in shape.required_members if name not in value)
        for name, item in value.items():
            if name not in shape.members:
                yield f"{place}.{name} is not in the model"
            else:
                yield from misfits(item, shape.members[name], f"{place}.{name}")


def _nothing(_request: Request) -> dict[str, Any]:
    return {}


def document(*statements: dict[str, Any]) -> str:
    """Return a policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    """Return an Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}


def deny(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    """Return a Deny statement."""
    return {**allow(action, resource, **condition), "Effect": "Deny"}


def service(name: str, account: str, source_arn: str = "") -> Principal:
    """Return an AWS service that works for `account`."""
    return Principal(kind="service", account=account, arn=name, service=name, source_account=account, source_arn=source_arn)


def lookup_in(context: Mapping[str, str | Sequence[str]]) -> Lookup:
    """Return what answers for condition keys as a request with this context does; names of keys have no case."""
    known = {key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in context.items()}
    return lambda key: known.get(key.lower())
