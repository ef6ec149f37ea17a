"""Accounts with KMS, behind the real gateway, models and evaluator; every answer is held against the model."""

import json
from pathlib import Path
from typing import Any

import pytest
from identity.world import HUB, REGION, World, misfits

from localorg.kernel.errors import AwsError
from localorg.keys.service import Keys
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.models import operation_model
from localorg.protocol.resource_tags import ResourceTags


class Desk:
    """An administrator's desk at which keys are made."""

    def __init__(self, state: Path | None = None) -> None:
        tags = ResourceTags()
        self.world = World(state, tags_of=tags)
        keys = Keys(self.world.kernel, self.world.identity.resource_policies)
        tags.know({}, {"kms": keys.tags_of})
        self.world.gateway.add(keys.operations())
        self.admin = self.world.admin()

    def __call__(self, operation: str, who: Principal | None = None, region: str = REGION, **params: Any) -> dict[str, Any]:
        output = self.world.gateway.invoke(ApiCall(who or self.admin, region, "kms", operation, params))
        shape = operation_model("kms", operation).output_shape
        seen = {name: value for name, value in output.items() if not isinstance(value, bytes)}
        shown = {name: value for name, value in shape.members.items() if name in seen} if shape else {}
        assert shown.keys() == seen.keys()
        assert [text for name, value in seen.items() for text in misfits(value, shown[name], name)] == []
        return output

    def refused(self, operation: str, who: Principal | None = None, region: str = REGION, **params: Any) -> tuple[str, str]:
        with pytest.raises(AwsError) as refusal:
            self(operation, who, region, **params)
        return refusal.value.code, refusal.value.message

    def key(self, spec: str = "ECC_NIST_P256", **more: Any) -> str:
        """Make a key and return its ARN."""
        return str(self("CreateKey", KeySpec=spec, KeyUsage="SIGN_VERIFY", **more)["KeyMetadata"]["Arn"])


def allow(principal: Any, *actions: str, **condition: Any) -> dict[str, Any]:
    """Return a statement of a key policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def policy(*statements: dict[str, Any]) -> str:
    """Return a key policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


ROOT = {"AWS": f"arn:aws:iam::{HUB}:root"}
