"""What a template asks of other services before anything is made: parameters of Parameter Store, instances, dynamic references.

Flow: declarations + values -> `Lookups.resolved` -> what parameters of a looked-up type come to; text -> `dynamic` -> text with
{{resolve:ssm:...}} replaced.
Rules: everything is asked under the principal of the stack's operation, whose rights decide. Secrets (ssm-secure, secretsmanager) are
refused by name.

AWS: CloudFormation user guide, "Specify existing resources at runtime with CloudFormation-supplied parameter types",
"Get values stored in other services using dynamic references".
"""

import re
from collections.abc import Mapping
from typing import Any

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.stacks.parameter_types import INSTANCE, PARAMETER_NAME, kind_of
from localorg.stacks.parameters import split
from localorg.stacks.template import invalid

REFERENCE = re.compile(r"\{\{resolve:([^:{}]+):([^{}]*)\}\}")
_NAME = re.compile(r"(?P<name>[a-zA-Z0-9_.\-/]+)(:(?P<version>\d+))?")
NAMES_MAX = 10
"""AWS: GetParameters takes at most ten names."""


class Lookups:
    """Asks other engines for what templates refer to."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def resolved(
        self, principal: Principal, region: str, declarations: Mapping[str, Any], values: Mapping[str, str]
    ) -> dict[str, str]:
        """Return {parameter: value in Parameter Store}; check that what other parameters name exists. Raises ValidationError."""
        kinds = {name: kind_of(declaration["Type"]) for name, declaration in declarations.items() if name in values}
        wanted = {name: values[name] for name, kind in kinds.items() if kind.stored}
        checked = [values[name] for name, kind in kinds.items() if kind.names == PARAMETER_NAME]
        stored = self._stored(principal, region, list(dict.fromkeys([*wanted.values(), *checked])))
        found = {name: stored[key] for name, key in wanted.items()}
        for name, kind in kinds.items():
            if kind.names == INSTANCE:
                value = found.get(name, values[name])
                self._require_instances(principal, region, name, split(value) if kind.is_list else [value])
        return found

    def dynamic(self, principal: Principal, region: str, text: str) -> str:
        """Return `text` with its dynamic references replaced by what they refer to. Raises ValidationError."""

        def replaced(found: re.Match[str]) -> str:
            problem = reference_problem(found[1], found[2])
            if problem:
                raise invalid(problem)
            try:
                params = {"Name": found[2]}
                parameter = self._gateway.invoke(ApiCall(principal, region, "ssm", "GetParameter", params))["Parameter"]
            except AccessDenied:
                raise
            except AwsError as refusal:
                # AWS: CloudFormation's sentence for a parameter (or a version) that is not there.
                raise invalid(f"Parameters: [ssm:{found[2]}] cannot be found.") from refusal
            if parameter["Type"] == "SecureString":
                raise invalid(f"Parameters: [ssm:{found[2]}] is a SecureString, which takes an ssm-secure reference")
            return str(parameter["Value"])

        return REFERENCE.sub(replaced, text)

    def _stored(self, principal: Principal, region: str, names: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        missing: list[str] = []
        secret: list[str] = []
        for start in range(0, len(names), NAMES_MAX):
            chosen = names[start : start + NAMES_MAX]
            answer = self._gateway.invoke(ApiCall(principal, region, "ssm", "GetParameters", {"Names": chosen}))
            missing += answer["InvalidParameters"]
            for row in answer["Parameters"]:
                found[row["Name"] + row.get("Selector", "")] = row["Value"]
                if row["Type"] == "SecureString":
                    secret.append(row["Name"])
        if missing:
            raise invalid(f"Unable to fetch parameters [{','.join(missing)}] from parameter store for this account.")
        if secret:
            # AWS: SecureString is no type for template parameters.
            raise invalid(f"Parameters [{','.join(secret)}] referenced by template have types not supported by CloudFormation.")
        return found

    def _require_instances(self, principal: Principal, region: str, name: str, values: list[str]) -> None:
        for value in values:
            try:
                call = ApiCall(principal, region, "ec2", "DescribeInstances", {"InstanceIds": [value]})
                there = self._gateway.invoke(call)["Reservations"]
            except AccessDenied:
                raise
            except AwsError:
                there = []
            if not there:
                raise invalid(f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist")


def reference_problem(service: str, key: str) -> str:
    """Return what is wrong with a dynamic reference, or an empty string."""
    if service in ("ssm-secure", "secretsmanager"):
        return f"localorg does not support dynamic references to secrets: {{{{resolve:{service}:{key}}}}}"
    if service != "ssm" or not _NAME.fullmatch(key):
        # AWS: CloudFormation's sentence for a reference that it does not understand.
        return f"Incorrect format is used in the following SSM reference: [{{{{resolve:{service}:{key}}}}}]"
    return ""
